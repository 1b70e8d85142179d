/**
 * @file Charts as SVG, fit to be put into a paper or a README as they are: curves in bands, and intervals side by side.
 *
 * They know numbers and labels; what these mean is for `figures.ts` to say.
 */

import type { Config, GroupMark, Spec } from "vega";

/** The palette of Okabe & Ito 2008, told apart with any colour vision; without its yellow, too light on white. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
/** Once the colours are used up, they come again with another dash. */
const DASHES = [[], [6, 3], [2, 2]];
const SHAPES = ["diamond", "square", "triangle-up", "circle", "cross", "triangle-down"];

const INK = "#222222";
const FAINT = "#666666";
/** Every viewer takes the first of these that it has. */
const FONT = "Helvetica, Arial, Liberation Sans, sans-serif";
const TEXT_SIZE = 13;
const LEGEND_TEXT_SIZE = 14;
const PANEL_TITLE_SIZE = TEXT_SIZE + 1;
const SYMBOL_LENGTH = 20;
const COLUMN_PADDING = 16;

const CONFIG: Config = {
  title: {
    font: FONT,
    fontSize: 16,
    fontWeight: 600,
    color: INK,
    subtitleFont: FONT,
    subtitleFontSize: TEXT_SIZE,
    subtitleColor: FAINT,
    subtitlePadding: 5,
    anchor: "start",
    frame: "group",
    offset: 10,
  },
  axis: {
    labelFont: FONT,
    labelFontSize: TEXT_SIZE,
    labelColor: INK,
    labelPadding: 6,
    titleFont: FONT,
    titleFontSize: TEXT_SIZE + 1,
    titleFontWeight: "normal",
    titleColor: INK,
    titlePadding: 12,
    domainColor: INK,
    tickColor: INK,
    tickSize: 4,
    gridColor: "#e4e4e4",
    gridWidth: 0.75,
  },
  legend: {
    orient: "top",
    symbolDirection: "horizontal",
    labelFont: FONT,
    labelFontSize: LEGEND_TEXT_SIZE,
    labelColor: INK,
    labelLimit: 0,
    columnPadding: COLUMN_PADDING,
    rowPadding: 3,
    symbolStrokeColor: "transparent",
    // Legends stand one under the other.
    layout: { top: { anchor: "start", direction: "vertical", margin: 6, offset: 12 } },
  },
};

/** A point of a curve. */
export interface BandPoint {
  /** Label of the curve that it is on. */
  readonly group: string;
  readonly x: number;
  readonly y: number;
  /** Ends of the interval; absent where there is none. */
  readonly low?: number;
  readonly high?: number;
}

/** A series of marks beside the curves. */
export interface MarkSeries {
  /** For the legend. */
  readonly name: string;
  /** Label of the curve whose colour the marks take; default: grey. */
  readonly group?: string | undefined;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Curves in bands. */
export interface BandChart {
  readonly title: string;
  readonly subtitle: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Curves in their order, by label, and what the legend says of each. */
  readonly labels: readonly string[];
  readonly legend: readonly string[];
  readonly points: readonly BandPoint[];
  readonly xRange: readonly [low: number, high: number];
  /** Whether equal distances along x are equal factors; `xRange` must then be above zero. */
  readonly logarithmic?: boolean;
  readonly yRange: readonly [low: number, high: number];
  /** Whether the ends of the y axis may be moved to round numbers. */
  readonly nice?: boolean;
  readonly marks?: readonly MarkSeries[];
  /** Of the area inside the axes, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Draws curves in bands. Returns an SVG document. */
export const bandChart = (chart: BandChart): Promise<string> => drawn(bandSpec(chart));

function bandSpec(chart: BandChart): Spec {
  const {
    labels,
    legend,
    points,
    xRange,
    yRange,
    nice = false,
    logarithmic = false,
    marks = [],
    width,
    height,
  } = chart;
  const drawn = labels.filter((label) => points.some(({ group }) => group === label));
  const references = marks.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
  const names = marks.map(({ name }) => name);

  const stroke = { scale: "color", field: "group" };
  const place = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } };
  const alone = labels
    .map((label) => points.filter(({ group }) => group === label))
    .filter(({ length }) => length === 1);
  const facet = { facet: { name: "curve", data: "curves", groupby: "group" } };
  // A facet's marks are clipped to its own size.
  const size = { width: { signal: "width" }, height: { signal: "height" } };
  return {
    width,
    height,
    padding: 12,
    background: "white",
    config: CONFIG,
    title: { text: chart.title, subtitle: chart.subtitle },
    data: [
      { name: "curves", values: [...points] },
      { name: "singles", values: alone.flat() },
      { name: "references", values: references },
    ],
    scales: [
      { name: "x", type: logarithmic ? "log" : "linear", domain: [...xRange], range: "width" },
      { name: "y", type: "linear", domain: [...yRange], range: "height", zero: false, nice },
      { name: "color", type: "ordinal", domain: [...labels], range: labels.map((_, i) => cycled(COLORS, i)) },
      {
        name: "dash",
        type: "ordinal",
        domain: [...labels],
        range: labels.map((_, i) => cycled(DASHES, Math.floor(i / COLORS.length))),
      },
      { name: "text", type: "ordinal", domain: [...labels], range: [...legend] },
      { name: "shape", type: "ordinal", domain: names, range: names.map((_, i) => cycled(SHAPES, i)) },
      {
        name: "referenceColor",
        type: "ordinal",
        domain: names,
        range: marks.map(({ group }) =>
          labels.includes(group ?? "") ? cycled(COLORS, labels.indexOf(group!)) : FAINT,
        ),
      },
    ],
    axes: [
      {
        scale: "y",
        orient: "left",
        title: chart.yLabel,
        tickCount: Math.ceil(height / 60),
        grid: true,
        domain: false,
        ticks: false,
        encode: shortNumbers,
      },
      {
        scale: "x",
        orient: "bottom",
        title: chart.xLabel,
        tickCount: Math.ceil(width / 100),
        encode: shortNumbers,
      },
    ],
    legends: [
      {
        stroke: "color",
        strokeDash: "dash",
        symbolType: "stroke",
        symbolStrokeWidth: 3,
        symbolSize: SYMBOL_LENGTH ** 2,
        values: drawn,
        columns: legendColumns(
          drawn.map((label) => legend[labels.indexOf(label)]),
          width,
        ),
        encode: { labels: { update: { text: { scale: "text", field: "value" } } } },
      },
      ...(names.length > 0
        ? [
            {
              shape: "shape",
              fill: "referenceColor",
              symbolSize: 80,
              columns: legendColumns(names, width),
            },
          ]
        : []),
    ],
    marks: [
      {
        type: "group",
        name: "bands",
        from: facet,
        encode: { enter: size },
        marks: [
          {
            type: "area",
            name: "interval",
            from: { data: "curve" },
            clip: true,
            encode: {
              enter: {
                x: { scale: "x", field: "x" },
                y: { scale: "y", field: "low" },
                y2: { scale: "y", field: "high" },
                defined: { signal: "isValid(datum.low)" },
                fill: stroke,
                fillOpacity: { value: 0.18 },
              },
            },
          },
        ],
      },
      {
        type: "group",
        name: "lines",
        from: facet,
        encode: { enter: size },
        marks: [
          {
            type: "line",
            name: "mean",
            from: { data: "curve" },
            clip: true,
            encode: {
              enter: {
                ...place,
                stroke,
                strokeDash: { scale: "dash", field: "group" },
                strokeWidth: { value: 2 },
                strokeJoin: { value: "round" },
              },
            },
          },
        ],
      },
      {
        // A band of one point has no width, and a line of one would not be seen.
        type: "rule",
        name: "singleInterval",
        from: { data: "singles" },
        clip: true,
        encode: {
          enter: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", signal: "isValid(datum.low) ? datum.low : datum.y" },
            y2: { scale: "y", signal: "isValid(datum.high) ? datum.high : datum.y" },
            stroke,
            strokeWidth: { value: 2 },
          },
        },
      },
      {
        type: "symbol",
        name: "single",
        from: { data: "singles" },
        encode: {
          enter: {
            ...place,
            fill: stroke,
            size: { value: 60 },
          },
        },
      },
      {
        type: "symbol",
        name: "reference",
        from: { data: "references" },
        encode: {
          enter: {
            ...place,
            shape: { scale: "shape", field: "name" },
            fill: { scale: "referenceColor", field: "name" },
            stroke: { value: "white" },
            strokeWidth: { value: 1 },
            size: { value: 90 },
          },
        },
      },
    ],
  };
}

/**
 * Ends of the y axis: all values that were seen, and the bands as far as they don't dwarf them (the interval over two
 * seeds can be nine times as wide as their distance).
 */
export function visibleRange(curves: readonly BandPoint[], seen: readonly number[]): [number, number] {
  const lowest = seen.reduce((a, b) => Math.min(a, b));
  const highest = seen.reduce((a, b) => Math.max(a, b));
  const allowance = (highest - lowest) / 4 || 1;
  const low = curves.reduce((a, row) => Math.min(a, row.low ?? a), lowest);
  const high = curves.reduce((a, row) => Math.max(a, row.high ?? a), highest);
  const [from, to] = [Math.max(low, lowest - allowance), Math.min(high, highest + allowance)];
  if (from < to) return [from, to];
  // All the same: an axis needs room around it.
  const room = Math.abs(from) / 10 || 1;
  return [from - room, to + room];
}

/** Draws a specification. */
async function drawn(spec: Spec): Promise<string> {
  const vega = await import("vega");
  const { parse, View, Warn } = vega;
  const { textMetrics, resetSVGDefIds } = vega as unknown as VegaHooks;
  // Without a canvas to measure with, Vega leaves a third too much room for text.
  textMetrics.width = (item, text) => textWidth(String(text ?? item.text ?? ""), item.fontSize ?? TEXT_SIZE);
  const view = new View(parse(spec), { renderer: "none", logLevel: Warn });
  try {
    await view.runAsync();
    // Names within a document would otherwise be counted on from the last one.
    resetSVGDefIds();
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** An estimate with its interval. */
export interface IntervalRow {
  /** What it is of: the row that it stands in. */
  readonly label: string;
  readonly value: number;
  /** Ends of the interval; NaN where there is none. */
  readonly low: number;
  readonly high: number;
}

/** One quantity, estimated for several things. */
export interface IntervalPanel {
  readonly title: string;
  readonly rows: readonly IntervalRow[];
  /** Ends of its axis; default: all there is to see. */
  readonly range?: readonly [low: number, high: number];
  /** Where a dashed line stands. */
  readonly line?: number;
}

/** Estimates side by side: a panel for each quantity, a row in it for each label. */
export interface IntervalChart {
  readonly title: string;
  readonly subtitle: string;
  /** Rows, from the top, and the places of their colours in the palette. */
  readonly labels: readonly string[];
  readonly colors?: readonly number[];
  readonly panels: readonly IntervalPanel[];
}

/** A panel is wider where its title is. */
const PANEL_WIDTH = 210;
const PANEL_GAP = 28;
const PANELS_PER_ROW = 4;
const ROW_HEIGHT = 28;
/** Room for a panel's title, and for its axis. */
const PANEL_TOP = 30;
const PANEL_BOTTOM = 40;

/** Draws intervals side by side. Returns an SVG document. */
export const intervalChart = (chart: IntervalChart): Promise<string> => drawn(intervalSpec(chart));

function intervalSpec({ title, subtitle, labels, colors = labels.map((_, i) => i), panels }: IntervalChart): Spec {
  const columns = Math.min(PANELS_PER_ROW, panels.length);
  const bands = Math.ceil(panels.length / columns);
  const panelHeight = ROW_HEIGHT * labels.length;
  const panelWidth = Math.max(
    PANEL_WIDTH,
    ...panels.map((panel) => Math.ceil(textWidth(panel.title, PANEL_TITLE_SIZE))),
  );
  const bandHeight = PANEL_TOP + panelHeight + PANEL_BOTTOM;
  return {
    width: columns * panelWidth + (columns - 1) * PANEL_GAP,
    height: bands * bandHeight,
    // Where labels are set in a wider font than Helvetica, they need more room than was measured.
    padding: { left: 28, right: 12, top: 12, bottom: 12 },
    background: "white",
    config: CONFIG,
    title: { text: title, subtitle },
    marks: panels.map((panel, i) => {
      const column = i % columns;
      return panelMark(panel, {
        labels,
        colors,
        x: column * (panelWidth + PANEL_GAP),
        y: PANEL_TOP + Math.floor(i / columns) * bandHeight,
        width: panelWidth,
        height: panelHeight,
        hasLabels: column === 0,
      });
    }),
  };
}

function panelMark(
  { title, rows, range, line }: IntervalPanel,
  place: {
    readonly labels: readonly string[];
    readonly colors: readonly number[];
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly hasLabels: boolean;
  },
): GroupMark {
  const ends = rows.flatMap(({ value, low, high }) => [value, low, high].filter(Number.isFinite));
  const [lowest, highest] = range ?? [Math.min(...ends), Math.max(...ends)];
  const margin = range ? 0 : (highest - lowest) * 0.06 || Math.max(Math.abs(highest) * 0.1, 0.5);
  const fill = { scale: "color", field: "label" };
  return {
    type: "group",
    encode: {
      enter: {
        x: { value: place.x },
        y: { value: place.y },
        width: { value: place.width },
        height: { value: place.height },
      },
    },
    // Grids are as long as these say.
    signals: [
      { name: "width", value: place.width },
      { name: "height", value: place.height },
    ],
    title: { text: title, fontSize: PANEL_TITLE_SIZE, fontWeight: "normal", anchor: "middle", offset: 8 },
    data: [{ name: "rows", values: rows.filter(({ value }) => Number.isFinite(value)) }],
    scales: [
      { name: "x", type: "linear", domain: [lowest - margin, highest + margin], range: [0, place.width], zero: false },
      { name: "y", type: "band", domain: [...place.labels], range: [0, place.height], padding: 0.35 },
      {
        name: "color",
        type: "ordinal",
        domain: [...place.labels],
        range: place.colors.map((color) => cycled(COLORS, color)),
      },
    ],
    axes: [
      { scale: "x", orient: "bottom", tickCount: 4, grid: true, domain: false, ticks: false, encode: shortNumbers },
      {
        scale: "y",
        orient: "left",
        domain: false,
        ticks: false,
        labels: place.hasLabels,
        labelFontSize: LEGEND_TEXT_SIZE,
        // None is cut: names often differ in their ends.
        labelLimit: 0,
      },
    ],
    marks: [
      ...(line === undefined
        ? []
        : [
            {
              type: "rule" as const,
              encode: {
                enter: {
                  x: { scale: "x", value: line },
                  y: { value: 0 },
                  y2: { value: place.height },
                  stroke: { value: FAINT },
                  strokeDash: { value: [4, 4] },
                },
              },
            },
          ]),
      {
        type: "rect",
        name: "interval",
        from: { data: "rows" },
        encode: {
          enter: {
            x: { scale: "x", signal: "isFinite(datum.low) ? datum.low : datum.value" },
            x2: { scale: "x", signal: "isFinite(datum.high) ? datum.high : datum.value" },
            y: { scale: "y", field: "label" },
            height: { scale: "y", band: 1 },
            fill,
            fillOpacity: { value: 0.45 },
          },
        },
      },
      {
        type: "rect",
        name: "estimate",
        from: { data: "rows" },
        encode: {
          enter: {
            xc: { scale: "x", field: "value" },
            width: { value: 3 },
            y: { scale: "y", field: "label" },
            height: { scale: "y", band: 1 },
            fill,
          },
        },
      },
    ],
  };
}

/** What Vega exports but its types keep silent about. */
interface VegaHooks {
  readonly textMetrics: {
    width: (item: { readonly text?: unknown; readonly fontSize?: number }, text?: unknown) => number;
  };
  readonly resetSVGDefIds: () => void;
}

/** Width of a text in pixels, in Helvetica, by classes of equally wide characters (rounded up within each). */
function textWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const character of text) {
    if (/[ijl.,:;'|!/ ()[\]ftI-]/.test(character)) ems += 0.31;
    else if (/[mwMW%@]/.test(character)) ems += 0.89;
    else if (/[A-Z]/.test(character)) ems += 0.72;
    else ems += 0.56;
  }
  return ems * fontSize;
}

/** How many entries fit beside each other; each column is as wide as its longest entry. */
function legendColumns(texts: readonly string[], width: number): number {
  const entries = texts.map((text) => textWidth(text, LEGEND_TEXT_SIZE) + SYMBOL_LENGTH + 2 * COLUMN_PADDING);
  for (let columns = entries.length; columns > 1; columns--) {
    const widest = new Array<number>(columns).fill(0);
    entries.forEach((entry, i) => {
      widest[i % columns] = Math.max(widest[i % columns], entry);
    });
    if (widest.reduce((sum, column) => sum + column) <= width) return columns;
  }
  return 1;
}

/** Axis labels: 500, 1.5k, 2M; none where an axis leaves one out. */
const shortNumbers = {
  labels: {
    update: {
      text: { signal: "datum.label !== '' && abs(datum.value) >= 1000 ? format(datum.value, '~s') : datum.label" },
    },
  },
};

const cycled = <T>(values: readonly T[], i: number): T => values[i % values.length];
