/** @file The page's style sheet. */

export const style = `
:root { --ink: #17202c; --panel: rgba(255, 255, 255, .78); --edge: rgba(23, 32, 44, .1); --rail: rgba(23, 32, 44, .16); background: #eef3f8; }
:root[data-theme=dark] { --ink: #eef3fa; --panel: rgba(13, 20, 33, .74); --edge: rgba(238, 243, 250, .12); --rail: rgba(238, 243, 250, .2); background: #0b1220; }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; overflow: hidden; color: var(--ink); font: 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
#stage, #stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
#stage canvas { display: block; touch-action: none; cursor: grab; }
#stage canvas:active { cursor: grabbing; }
#stage #overlay { pointer-events: none; }
#controls { position: absolute; left: 50%; bottom: 18px; width: min(860px, calc(100% - 32px)); transform: translateX(-50%); display: flex; align-items: center; gap: 12px; padding: 8px 12px 8px 8px; border: 1px solid var(--edge); border-radius: 14px; background: var(--panel); backdrop-filter: blur(14px); box-shadow: 0 6px 24px rgba(10, 20, 40, .14); }
button, select { color: inherit; font: inherit; border: 0; border-radius: 9px; background: transparent; cursor: pointer; }
button { display: grid; place-items: center; width: 38px; height: 38px; padding: 0; flex: none; }
button:hover, select:hover { background: var(--edge); }
button svg { width: 20px; height: 20px; fill: currentColor; }
button .stop, button.playing .go { display: none; }
button.playing .stop { display: inline; }
select { height: 32px; padding: 0 4px; }
option { color: #17202c; background: #fff; }
:focus-visible { outline: 2px solid #0072b2; outline-offset: 2px; }
#clock { flex: none; min-width: 104px; text-align: right; font-variant-numeric: tabular-nums; }
#scrub { flex: 1; color: inherit; min-width: 60px; height: 24px; margin: 0; appearance: none; background: transparent; cursor: pointer; }
#scrub::-webkit-slider-runnable-track { height: 5px; border-radius: 3px; background: linear-gradient(to right, currentColor var(--done, 0%), var(--rail) var(--done, 0%)); }
#scrub::-moz-range-track { height: 5px; border-radius: 3px; background: var(--rail); }
#scrub::-moz-range-progress { height: 5px; border-radius: 3px; background: currentColor; }
#scrub::-webkit-slider-thumb { appearance: none; width: 15px; height: 15px; margin-top: -5px; border-radius: 50%; background: currentColor; }
#scrub::-moz-range-thumb { width: 15px; height: 15px; border: 0; border-radius: 50%; background: currentColor; }
#failure { position: absolute; inset: 0; display: grid; place-content: center; padding: 24px; text-align: center; }
[hidden] { display: none !important; }
@media (max-width: 560px) { #clock { min-width: 0; font-size: 12px; } #speed { display: none; } }
@media (max-width: 420px) { #clock { display: none; } #controls { gap: 6px; } select { width: 96px; } }
`;
