/** @file Episodes as one HTML file that needs nothing else: no network, no other file. */

import type { PageData } from "./data.ts";
import { pageScript } from "./script.ts";
import { style } from "./style.ts";

/** Text that can stand in an element or a quoted attribute. */
const escapeText = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");

/** JSON that can stand in a script element. */
const inlineJson = (value: unknown): string => JSON.stringify(value).replace(/</g, "\\u003c");

/** A script that can stand in a script element. */
const inlineScript = (code: string): string => code.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");

/** The page. Its policy (CSP) forbids it to load anything. */
export async function renderPage(data: PageData): Promise<string> {
  const title = escapeText(`${data.env} · ${data.algorithm} · bpta`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main id="stage"><canvas id="overlay" role="img" aria-label="${title}"></canvas></main>
<div id="controls">
<button id="play" type="button" aria-label="Play"><svg viewBox="0 0 24 24" aria-hidden="true"><path class="go" d="M7 4.5v15l13-7.5z"/><path class="stop" d="M6 4.5h4.2v15H6zm7.8 0H18v15h-4.2z"/></svg></button>
<input id="scrub" type="range" min="0" max="1" step="any" value="0" aria-label="Position">
<span id="clock"></span>
<select id="episode" aria-label="Episode" hidden></select>
<select id="speed" aria-label="Speed"><option value="0.1">0.1×</option><option value="0.25">0.25×</option><option value="0.5">0.5×</option><option value="1" selected>1×</option><option value="2">2×</option><option value="4">4×</option></select>
<button id="reset" type="button" aria-label="Reset the view" title="Reset the view"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 5V1.5L6.8 6.2 12 11V7.4a5.3 5.3 0 1 1-5.3 5.3H4.3A7.7 7.7 0 1 0 12 5z"/></svg></button>
</div>
<div id="failure" hidden><p>This browser cannot show the page.</p><p id="reason"></p></div>
<script id="data" type="application/json">${inlineJson(data)}</script>
<script>${inlineScript(await pageScript(data.episodes[0].recording.kind))}</script>
</body>
</html>
`;
}
