/** @file What is written over the picture: who plays, how it goes, which agent has which colour. */

import { FAMILY, type Theme } from "./colors.ts";

/** Width of the picture for which the sizes below are meant. */
const FULL_WIDTH = 1280;
/** Agents that get a line each. */
const LINES = 8;
/** What a line takes with its text, at most but for odd names. */
const LINE_WIDTH = 372;
/** Where the legend begins. */
const LEFT = 28;
const TOP = 100;

/** What the sizes of text are multiplied with. */
export const textScaleOf = (width: number, height: number): number =>
  Math.min(Math.max(Math.min(width / FULL_WIDTH, height / 600), 0.5), 1.6);

export interface LegendEntry {
  readonly name: string;
  readonly detail: string;
  readonly color: string;
}

export interface OverlayState {
  readonly title: string;
  readonly subtitle: string;
  /** Numbers with what they are, the most important first. */
  readonly numbers: readonly { readonly value: string; readonly name: string }[];
  readonly legend: readonly LegendEntry[];
  /** By agent: what its bar shows, 0 to 1; absent: there are none. */
  readonly levels: ArrayLike<number> | undefined;
  /** How it ended, written large; absent: not yet, or not known. */
  readonly banner?: string | undefined;
  /** How much is over, 0 to 1, drawn as a line along the bottom; absent: not drawn. */
  readonly progress?: number;
}

/** Writes text, shortened to `room` pixels, and returns its width. */
type Write = (text: string, x: number, y: number, size: number, weight: number, color: string, room?: number) => number;

/** As much of a text as there is room for, in the context's font. */
function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  const letters = Array.from(text);
  let [fits, tooMany] = [0, letters.length];
  while (tooMany - fits > 1) {
    const some = (fits + tooMany) >> 1;
    if (context.measureText(`${letters.slice(0, some).join("")}…`).width <= room) fits = some;
    else tooMany = some;
  }
  return `${letters.slice(0, fits).join("")}…`;
}

/** Draws over a picture of `width` × `height`, in the context's units. */
export function drawOverlay(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  theme: Theme,
  state: OverlayState,
): void {
  const scale = textScaleOf(width, height);
  const px = (size: number): number => size * scale;
  const write: Write = (text, x, y, size, weight, color, room = Number.POSITIVE_INFINITY) => {
    context.font = `${weight} ${px(size)}px ${FAMILY}`;
    context.fillStyle = color;
    const shown = shortened(context, text, room);
    context.fillText(shown, x, y);
    return context.measureText(shown).width;
  };
  context.textBaseline = "alphabetic";

  context.textAlign = "left";
  const left = px(LEFT);
  const headingRoom = width - 2 * left - px(118);
  const heading = Math.max(
    write(state.title, left, px(48), 27, 700, theme.ink, headingRoom),
    write(state.subtitle, left, px(73), 15, 400, theme.faintInk, headingRoom),
  );
  drawLegend(context, left, px(TOP), width, height, theme, state, px, write);

  context.textAlign = "right";
  let right = width - px(LEFT);
  for (const [i, { value, name }] of state.numbers.entries()) {
    const main = i === 0;
    // In a narrow picture there is room for the first alone.
    if (!main && right - px(84) < left + heading + px(20)) break;
    const wide = write(value, right, px(48), main ? 30 : 21, main ? 700 : 500, main ? theme.ink : theme.faintInk);
    write(name, right, px(70), 13, 400, theme.faintInk);
    // Room for the longest that it can become, so that nothing jumps about.
    right -= Math.max(wide, px(main ? 118 : 84)) + px(26);
  }

  if (state.banner) {
    context.textAlign = "center";
    const [middle, size] = [width / 2, 40];
    context.font = `700 ${px(size)}px ${FAMILY}`;
    const wide = context.measureText(state.banner).width + px(64);
    context.globalAlpha = 0.86;
    context.fillStyle = theme.horizon;
    context.beginPath();
    context.roundRect(middle - wide / 2, 0.44 * height - px(50), wide, px(72), px(16));
    context.fill();
    context.globalAlpha = 1;
    write(state.banner, middle, 0.44 * height, size, 700, theme.ink);
  }

  if (state.progress !== undefined) {
    context.fillStyle = theme.ink;
    context.globalAlpha = 0.14;
    context.fillRect(0, height - px(5), width, px(5));
    context.globalAlpha = 0.75;
    context.fillRect(0, height - px(5), width * state.progress, px(5));
    context.globalAlpha = 1;
  }
}

/** Sizes in pixels: of an agent's bar, from its left to what comes after it; of many agents, columns of numbers. */
function layOutLegend(agents: number, hasBars: boolean, width: number, height: number) {
  const scale = textScaleOf(width, height);
  const lines = agents <= LINES;
  const bar = (lines ? 44 : 30) * scale;
  const afterBar = hasBars ? bar + 32 * scale : 24 * scale;
  const columnWidth = afterBar + 34 * scale;
  // As many columns as leave room for the picture.
  const rows = Math.max(
    Math.ceil(agents / Math.max(Math.floor((0.45 * width) / columnWidth), 1)),
    Math.min(10, Math.floor((0.5 * height) / (20 * scale))),
  );
  return { lines, bar, afterBar, columnWidth, rows };
}

/** How far the legend of some agents with bars reaches from the left and from the top, in pixels. */
export function legendReach(agents: number, width: number, height: number): readonly [number, number] {
  const scale = textScaleOf(width, height);
  const { lines, columnWidth, rows } = layOutLegend(agents, true, width, height);
  if (lines) return [(LEFT + LINE_WIDTH) * scale, (TOP + 25 * agents) * scale];
  return [LEFT * scale + Math.ceil(agents / rows) * columnWidth, (TOP + 22 + 20 * Math.min(rows, agents)) * scale];
}

function drawLegend(
  context: CanvasRenderingContext2D,
  left: number,
  top: number,
  width: number,
  height: number,
  theme: Theme,
  { legend, levels }: OverlayState,
  px: (size: number) => number,
  write: Write,
): void {
  const bar = (i: number, x: number, y: number, wide: number): void => {
    const { color } = legend[i];
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(x, y, px(14), px(14), px(4));
    context.fill();
    if (!levels) return;
    context.globalAlpha = 0.13;
    context.fillStyle = theme.ink;
    context.beginPath();
    context.roundRect(x + px(22), y + px(4), wide, px(6), px(3));
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(x + px(22), y + px(4), levels[i] > 0 ? Math.max(wide * levels[i], px(3)) : 0, px(6), px(3));
    context.fill();
  };
  const {
    lines,
    bar: wide,
    afterBar,
    columnWidth,
    rows,
  } = layOutLegend(legend.length, levels !== undefined, width, height);
  if (lines) {
    legend.forEach(({ name, detail }, i) => {
      const y = top + i * px(25);
      bar(i, left, y, wide);
      const room = width - 2 * left - afterBar;
      const nameRoom = detail === "" ? room : 0.6 * room;
      const nameWidth = write(name, left + afterBar, y + px(12), 14, 600, theme.ink, nameRoom) + px(9);
      if (detail !== "")
        write(detail, left + afterBar + nameWidth, y + px(12), 13, 400, theme.faintInk, room - nameWidth);
    });
    return;
  }
  // Many: numbers in columns.
  write("agents", left, top + px(10), 13, 400, theme.faintInk);
  legend.forEach((_, i) => {
    const [x, y] = [left + Math.floor(i / rows) * columnWidth, top + px(22) + (i % rows) * px(20)];
    bar(i, x, y, wide);
    write(String(i), x + afterBar, y + px(12), 13, 500, theme.ink);
  });
}
