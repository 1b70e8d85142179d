/** @file The figures of a benchmark's report, by file name. */

import {
  type BandPoint,
  bandChart,
  type IntervalRow,
  intervalChart,
  type MarkSeries,
  visibleRange,
} from "../evaluation/charts.ts";
import { metricLabel } from "../evaluation/figures.ts";
import type { BenchmarkReport, Estimate, EstimatedCurve } from "./report.ts";

const WIDTH = 560;
const HEIGHT = 320;
/** What a figure shows beyond its numbers, as a part of them. */
const EDGE = 0.015;
/** Where the slowest takes so many times as long as the fastest, time is drawn in factors, or the fast are a line. */
const VERY_DIFFERENT = 4;

/** A figure of a report. */
export interface ReportFigure {
  /** File name without its ending. */
  readonly name: string;
  readonly caption: string;
  readonly svg: string;
}

/** `95 %`, `99.9 %` */
export const percentOf = (confidence: number): string => `${Number((100 * confidence).toPrecision(6))} %`;

/** Draws all figures of a report. */
export async function reportFigures(report: BenchmarkReport): Promise<ReportFigure[]> {
  const { algorithms, tasks, curves, curveMetric } = report;
  const percent = percentOf(report.confidence);
  const counts = tasks.flatMap((task) => task.algorithms.map(({ seeds }) => seeds.length));
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const seeds = `${fewest === most ? "" : `${fewest} to `}${most} ${most === 1 ? "seed" : "seeds"}`;
  const row = (label: string, { value, low, high }: Estimate): IntervalRow => ({ label, value, low, high });
  const figures: ReportFigure[] = [];
  const add = async (name: string, caption: string, svg: Promise<string>): Promise<void> => {
    figures.push({ name, caption, svg: await svg });
  };

  if (report.overall.length > 0) {
    const overall = (pick: (scores: BenchmarkReport["overall"][number]) => Estimate) =>
      report.overall.map((scores) => row(scores.algorithm, pick(scores)));
    await add(
      "overall",
      "Scores over all tasks",
      intervalChart({
        title: tasks.length === 1 ? tasks[0].task : "Over all tasks",
        subtitle: `normalised scores with ${percent} intervals, ${seeds}`,
        labels: report.overall.map(({ algorithm }) => algorithm),
        colors: report.overall.map(({ algorithm }) => algorithms.indexOf(algorithm)),
        panels: [
          { title: "Interquartile mean", rows: overall((scores) => scores.interquartileMean) },
          { title: "Mean", rows: overall((scores) => scores.mean) },
          { title: "Median", rows: overall((scores) => scores.median) },
          { title: "Optimality gap", rows: overall((scores) => scores.optimalityGap) },
        ],
      }),
    );
  }
  await add(
    "tasks",
    "Interquartile mean of the scores, by task",
    intervalChart({
      title: "By task",
      subtitle: `interquartile mean with ${percent} interval, ${seeds}`,
      labels: algorithms,
      panels: tasks.map(({ task, algorithms }) => ({
        title: task,
        rows: algorithms.map((scores) => row(scores.algorithm, scores.interquartileMean)),
      })),
    }),
  );
  const versus = report.improvement.filter(({ x }) => x === report.reference);
  if (versus.length > 0) {
    await add(
      "improvement",
      `How likely a run of ${report.reference} is to be better than one of another algorithm`,
      intervalChart({
        title: `${report.reference} better than …`,
        subtitle: `probability with ${percent} interval, ${seeds}`,
        labels: versus.map(({ y }) => y),
        colors: versus.map(({ y }) => algorithms.indexOf(y)),
        panels: [
          {
            title: "Probability of improvement",
            rows: versus.map(({ y, probability }) => row(y, probability)),
            range: [0, 1],
            line: 0.5,
          },
        ],
      }),
    );
  }

  const chart = (
    drawn: readonly EstimatedCurve[],
    texts: { readonly title: string; readonly subtitle: string; readonly xLabel: string; readonly yLabel: string },
    ranges: {
      readonly x?: readonly [number, number];
      readonly y?: readonly [number, number];
      readonly logarithmic?: boolean;
    } = {},
    marks: readonly MarkSeries[] = [],
  ): Promise<string> => {
    const points = drawn.flatMap(({ algorithm, x, value, low, high }) =>
      x.map(
        (at, i): BandPoint => ({
          group: algorithm,
          x: at,
          y: value[i],
          ...(Number.isFinite(low[i]) && { low: low[i], high: high[i] }),
        }),
      ),
    );
    const marked = marks.flatMap((series) => series.points);
    const end = [...points, ...marked].reduce((last, { x }) => Math.max(last, x), 0);
    return bandChart({
      ...texts,
      // All algorithms of the suite, so that each has its colour in all figures.
      labels: algorithms,
      legend: algorithms,
      points,
      xRange: ranges.x ?? [ranges.logarithmic ? Math.min(...points.map(({ x }) => x)) : 0, end],
      ...(ranges.logarithmic && { logarithmic: true }),
      yRange:
        ranges.y ??
        visibleRange(
          points,
          [...points, ...marked].map(({ y }) => y),
        ),
      marks,
      nice: !ranges.y,
      width: WIDTH,
      height: HEIGHT,
    });
  };
  const marksOf = (name: string): MarkSeries[] =>
    tasks
      .filter(({ task }) => task === name)
      .flatMap(({ published }) => published)
      .map(({ name, algorithm, points }) => ({ name, group: algorithm, points: points.map(([x, y]) => ({ x, y })) }));
  const metric = metricLabel(curveMetric);
  const iqm = most === 1 ? "single runs" : `interquartile mean and ${percent} interval over ${seeds}`;
  if (report.profiles.length > 0) {
    const { x } = report.profiles[0];
    await add(
      "profiles",
      "Performance profiles: the fraction of runs with a score above τ",
      chart(
        report.profiles,
        {
          title: "Performance profiles",
          subtitle: `with ${percent} intervals, ${seeds}`,
          xLabel: "Normalised score τ",
          yLabel: "Fraction of runs with a score > τ",
        },
        // A little more than there is, so that lines along the edges are seen whole.
        { x: [x[0] - EDGE * (x.at(-1)! - x[0]), x.at(-1)! + EDGE * (x.at(-1)! - x[0])], y: [-EDGE, 1 + EDGE] },
      ),
    );
  }
  if (tasks.length > 1 && curves.overall.length > 0) {
    await add(
      "curves",
      "Sample efficiency over all tasks",
      chart(
        curves.overall,
        {
          title: "Over all tasks",
          subtitle: iqm,
          xLabel: "Fraction of training",
          yLabel: `${metric}, normalised`,
        },
        { x: [0, 1] },
      ),
    );
  }
  for (const { task, algorithms } of curves.steps) {
    await add(
      `curves-${task}`,
      `${task}: sample efficiency`,
      chart(algorithms, { title: task, subtitle: iqm, xLabel: "Environment steps", yLabel: metric }, {}, marksOf(task)),
    );
  }
  for (const { task, algorithms } of curves.seconds) {
    if (algorithms.length === 0) continue;
    const ends = algorithms.flatMap(({ x }) => x.slice(-1));
    const starts = algorithms.flatMap(({ x }) => x.slice(0, 1));
    const logarithmic = Math.max(...ends) > VERY_DIFFERENT * Math.min(...ends) && Math.min(...starts) > 0;
    await add(
      `time-${task}`,
      `${task}: over time`,
      chart(
        algorithms,
        {
          title: task,
          subtitle: iqm,
          xLabel: `Training time (s${logarithmic ? ", logarithmic" : ""})`,
          yLabel: metric,
        },
        { logarithmic },
      ),
    );
  }
  return figures;
}
