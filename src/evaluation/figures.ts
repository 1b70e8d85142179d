/** @file Figures of runs and of comparisons: what is drawn, and what stands beside it. */

import { InputError } from "../errors.ts";
import { titleOfId } from "../ids.ts";
import { type BandPoint, bandChart, visibleRange } from "./charts.ts";
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

/**
 * Draws learning curves: for each group a line, the mean over its runs, in a band, the 95 % t interval of that mean
 * (no band for a single run).
 *
 * @returns an SVG document
 * @throws InputError if there is nothing to draw, or if a run has not recorded the metric
 */
export async function learningCurves(groups: readonly RunGroup[], options: LearningCurveOptions = {}): Promise<string> {
  if (groups.length === 0) throw new InputError("learning curves: there are no runs to draw");
  const { metric = "episodeReturn", references = [], width = 560, height = 320, smoothing = 0 } = options;
  const { curves, seen } = curveRows(groups, metric, smoothing);
  const marks = references.map(({ name, group, points }) => ({
    name,
    group,
    points: points.map(({ step, value }) => ({ x: step, y: value })),
  }));
  for (const { y } of marks.flatMap(({ points }) => points)) seen.push(y);
  const range = options.yRange ?? METRICS[metric]?.range;
  const environments = environmentsOf(groups.flatMap(({ runs }) => runs));
  const sizes = groups.map(({ runs }) => runs.length);
  const sizesDiffer = new Set(sizes).size > 1;
  return await bandChart({
    title: options.title ?? (environments.length === 1 ? titleOfId(environments[0]) : "Learning curves"),
    subtitle: subtitle(sizes, smoothing),
    xLabel: options.xLabel ?? "Environment steps",
    yLabel: options.yLabel ?? metricLabel(metric),
    labels: groups.map(({ label }) => label),
    legend: groups.map(({ label, runs }) => (sizesDiffer ? `${label} (${seeds(runs.length)})` : label)),
    points: curves,
    xRange: [0, [...curves, ...marks.flatMap(({ points }) => points)].reduce((last, { x }) => Math.max(last, x), 0)],
    yRange: range ?? visibleRange(curves, seen),
    nice: !range,
    marks,
    width,
    height,
  });
}

/** A metric in words. */
export const metricLabel = (metric: string): string => METRICS[metric]?.label ?? metric;

/** The curves' points, and the runs' own values (`seen`), which must fit into the figure. */
function curveRows(
  groups: readonly RunGroup[],
  metric: string,
  smoothing: number,
): { readonly curves: BandPoint[]; readonly seen: number[] } {
  const curves: BandPoint[] = [];
  const seen: number[] = [];
  for (const { label, runs } of groups) {
    const { steps, values } = alignCurves(runs, metric, { smoothing });
    for (const [i, step] of steps.entries()) {
      const atStep = values.map((curve) => curve[i]);
      curves.push({ group: label, x: step, y: mean(atStep), ...(runs.length > 1 && tInterval(atStep)) });
      for (const value of atStep) seen.push(value);
    }
  }
  return { curves, seen };
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
