/** @file Figures: learning curves as SVG, fit to be put into a paper or a README as they are. */

import type { Config, Spec } from "vega";
import { InputError } from "../errors.ts";
import { alignCurves, environmentsOf, type RunGroup } from "./runs.ts";
import { mean, tInterval } from "./statistics.ts";

/** Published or otherwise known results, to be seen beside the curves as marks. */
export interface ReferenceSeries {
  /** Where the values come from, for the legend. */
  readonly name: string;
  /** Label of the group whose colour the marks take; default: grey. */
  readonly group?: string;
  /** `step` in environment steps. */
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** How learning curves are drawn. */
export interface LearningCurveOptions {
  /** Name in `metrics.jsonl` of what the y axis shows; default: `episodeReturn`. */
  readonly metric?: string;
  /** Default: the environment's id. */
  readonly title?: string;
  readonly xLabel?: string;
  /** Default: the metric, in words. */
  readonly yLabel?: string;
  /** Ends of the y axis; default: all there is to see. */
  readonly yRange?: readonly [low: number, high: number];
  /** Length of the trailing window that each value is the mean of, in environment steps; default: none. */
  readonly smoothing?: number;
  readonly references?: readonly ReferenceSeries[];
  /** Of the area inside the axes, in pixels; default: 560. */
  readonly width?: number;
  /** Of the area inside the axes, in pixels; default: 320. */
  readonly height?: number;
}

/** What is known of the metrics that people plot most. */
const METRICS: Readonly<Record<string, { readonly label: string; readonly range?: readonly [number, number] }>> = {
  episodeReturn: { label: "Episode return" },
  evaluationReturn: { label: "Episode return, greedy policy" },
  winRate: { label: "Win rate", range: [0, 1] },
  evaluationWinRate: { label: "Win rate, greedy policy", range: [0, 1] },
  episodeLength: { label: "Episode length (steps)" },
  wallSeconds: { label: "Training time (s)" },
  stepsPerSecond: { label: "Environment steps per second" },
  collectSeconds: { label: "Time to collect an update's samples (s)" },
  updateSeconds: { label: "Time of an update (s)" },
};

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

/** A point of a group's curve. */
interface CurveRow {
  readonly group: string;
  readonly step: number;
  readonly mean: number;
  /** Ends of the 95 % interval; absent for a single run. */
  readonly low?: number;
  readonly high?: number;
}

/**
 * Draws learning curves: for each group a line, the mean over its runs, in a band, the 95 % t interval of that mean
 * (no band for a single run).
 *
 * @returns an SVG document
 * @throws InputError if there is nothing to draw, or if a run has not recorded the metric
 */
export async function learningCurves(groups: readonly RunGroup[], options: LearningCurveOptions = {}): Promise<string> {
  const spec = learningCurveSpec(groups, options);
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

function learningCurveSpec(groups: readonly RunGroup[], options: LearningCurveOptions): Spec {
  if (groups.length === 0) throw new InputError("learning curves: there are no runs to draw");
  const { metric = "episodeReturn", references = [], width = 560, height = 320, smoothing = 0 } = options;
  const labels = groups.map(({ label }) => label);
  const { curves, seen } = curveRows(groups, metric, smoothing);
  const marks = references.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
  for (const { value } of marks) seen.push(value);

  const range = options.yRange ?? METRICS[metric]?.range;
  const lastStep = [...curves, ...marks].reduce((last, { step }) => Math.max(last, step), 0);
  const environments = environmentsOf(groups.flatMap(({ runs }) => runs));
  const title = options.title ?? (environments.length === 1 ? environments[0] : "Learning curves");
  const sizes = groups.map(({ runs }) => runs.length);
  const sizesDiffer = new Set(sizes).size > 1;
  const legendText = groups.map(({ label, runs }) => (sizesDiffer ? `${label} (${seeds(runs.length)})` : label));
  const names = references.map(({ name }) => name);

  const stroke = { scale: "color", field: "group" };
  const facet = { facet: { name: "curve", data: "curves", groupby: "group" } };
  // A facet's marks are clipped to its own size.
  const size = { width: { signal: "width" }, height: { signal: "height" } };
  return {
    width,
    height,
    padding: 12,
    background: "white",
    config: CONFIG,
    title: { text: title, subtitle: subtitle(sizes, smoothing) },
    data: [
      { name: "curves", values: curves },
      { name: "references", values: marks },
    ],
    scales: [
      { name: "x", type: "linear", domain: [0, lastStep], range: "width" },
      range
        ? { name: "y", type: "linear", domain: [...range], range: "height" }
        : { name: "y", type: "linear", domain: visibleRange(curves, seen), range: "height", zero: false, nice: true },
      { name: "color", type: "ordinal", domain: labels, range: labels.map((_, i) => cycled(COLORS, i)) },
      {
        name: "dash",
        type: "ordinal",
        domain: labels,
        range: labels.map((_, i) => cycled(DASHES, Math.floor(i / COLORS.length))),
      },
      { name: "text", type: "ordinal", domain: labels, range: legendText },
      { name: "shape", type: "ordinal", domain: names, range: names.map((_, i) => cycled(SHAPES, i)) },
      {
        name: "referenceColor",
        type: "ordinal",
        domain: names,
        range: references.map(({ group }) =>
          labels.includes(group ?? "") ? cycled(COLORS, labels.indexOf(group!)) : FAINT,
        ),
      },
    ],
    axes: [
      {
        scale: "y",
        orient: "left",
        title: options.yLabel ?? METRICS[metric]?.label ?? metric,
        tickCount: Math.ceil(height / 60),
        grid: true,
        domain: false,
        ticks: false,
        encode: shortNumbers,
      },
      {
        scale: "x",
        orient: "bottom",
        title: options.xLabel ?? "Environment steps",
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
        columns: legendColumns(legendText, width),
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
                x: { scale: "x", field: "step" },
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
                x: { scale: "x", field: "step" },
                y: { scale: "y", field: "mean" },
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
        type: "symbol",
        name: "reference",
        from: { data: "references" },
        encode: {
          enter: {
            x: { scale: "x", field: "step" },
            y: { scale: "y", field: "value" },
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

/** The curves' points, and the runs' own values (`seen`), which must fit into the figure. */
function curveRows(
  groups: readonly RunGroup[],
  metric: string,
  smoothing: number,
): { readonly curves: CurveRow[]; readonly seen: number[] } {
  const curves: CurveRow[] = [];
  const seen: number[] = [];
  for (const { label, runs } of groups) {
    const { steps, values } = alignCurves(runs, metric, { smoothing });
    for (const [i, step] of steps.entries()) {
      const atStep = values.map((curve) => curve[i]);
      curves.push({ group: label, step, mean: mean(atStep), ...(runs.length > 1 && tInterval(atStep)) });
      for (const value of atStep) seen.push(value);
    }
  }
  return { curves, seen };
}

/**
 * Ends of the y axis: all values that were seen, and the bands as far as they don't dwarf them (the interval over two
 * seeds can be nine times as wide as their distance).
 */
function visibleRange(curves: readonly CurveRow[], seen: readonly number[]): [number, number] {
  const lowest = seen.reduce((a, b) => Math.min(a, b));
  const highest = seen.reduce((a, b) => Math.max(a, b));
  const allowance = (highest - lowest) / 4 || 1;
  const low = curves.reduce((a, row) => Math.min(a, row.low ?? a), lowest);
  const high = curves.reduce((a, row) => Math.max(a, row.high ?? a), highest);
  return [Math.max(low, lowest - allowance), Math.min(high, highest + allowance)];
}

/** The figure's second line: what line and band are. */
function subtitle(sizes: readonly number[], smoothing: number): string {
  const fewest = Math.min(...sizes);
  const most = Math.max(...sizes);
  const curve =
    most === 1 ? "single runs" : `mean and 95 % interval over ${fewest === most ? "" : `${fewest} to `}${seeds(most)}`;
  if (smoothing === 0) return curve;
  const steps = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(smoothing);
  return `${curve}, smoothed over ${steps.replace("K", "k")} steps`;
}

const seeds = (count: number): string => (count === 1 ? "1 seed" : `${count} seeds`);

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

/** How many entries fit beside each other. */
function legendColumns(texts: readonly string[], width: number): number {
  const longest = Math.max(...texts.map((text) => textWidth(text, LEGEND_TEXT_SIZE)));
  return Math.max(1, Math.floor(width / (longest + SYMBOL_LENGTH + 2 * COLUMN_PADDING)));
}

/** Axis labels: 500, 1.5k, 2M. */
const shortNumbers = {
  labels: {
    update: { text: { signal: "abs(datum.value) >= 1000 ? format(datum.value, '~s') : datum.label" } },
  },
};

const cycled = <T>(values: readonly T[], i: number): T => values[i % values.length];
