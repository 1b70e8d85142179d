/**
 * @file What a suite's runs come to: estimates with intervals, per task and over all tasks, after Agarwal et al. 2021
 * ("Deep Reinforcement Learning at the Edge of the Statistical Precipice").
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readResult } from "../evaluation/records.ts";
import { alignCurves, finalMean, haveCommonRange, type RecordedRun, readRuns } from "../evaluation/runs.ts";
import {
  aggregateInterquartileMean,
  aggregateMean,
  aggregateMedian,
  aggregateOptimalityGap,
  bootstrapInterval,
  fractionAbove,
  median,
  probabilityOfImprovement,
  standardDeviation,
} from "../evaluation/statistics.ts";
import { Random } from "../random.ts";
import { DEFAULT_CURVE, type PublishedResults, type Suite } from "./suite.ts";

/** A number with the interval that holds it; the ends are NaN where single runs leave it unknown. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A run that is not in the numbers. */
export interface MissingRun {
  readonly task: string;
  readonly algorithm: string;
  readonly seed: number;
  readonly reason: string;
}

/** An algorithm on a task. */
export interface TaskScores {
  readonly algorithm: string;
  readonly seeds: readonly number[];
  /** By seed. */
  readonly scores: readonly number[];
  /** By seed: 0 at the task's minimum, 1 at its maximum. */
  readonly normalized: readonly number[];
  readonly mean: Estimate;
  readonly interquartileMean: Estimate;
  /** Over seeds; NaN for a single one. */
  readonly standardDeviation: number;
  /** Median over seeds. */
  readonly wallSeconds: number;
  /** Median over seeds. */
  readonly stepsPerSecond: number;
}

/** The numbers of one task. */
export interface TaskReport {
  readonly task: string;
  readonly env: string;
  readonly steps: number;
  /** Ends of the scale, and where they come from. */
  readonly normalization: { readonly min: number; readonly max: number; readonly from: "suite" | "data" };
  readonly algorithms: readonly TaskScores[];
  /** Where the runs were made; times of different machines don't compare. */
  readonly machines: readonly { readonly machine: string; readonly runs: number }[];
  /** What others report, in units of the curves' metric. */
  readonly published: readonly PublishedResults[];
}

/** An algorithm over all tasks, in normalised scores. */
export interface OverallScores {
  readonly algorithm: string;
  readonly interquartileMean: Estimate;
  readonly mean: Estimate;
  readonly median: Estimate;
  readonly optimalityGap: Estimate;
}

/** How likely a run of X is to be better than one of Y, over all tasks. */
export interface Improvement {
  readonly x: string;
  readonly y: string;
  readonly probability: Estimate;
}

/** Estimates along an axis. */
export interface EstimatedCurve {
  readonly algorithm: string;
  readonly x: readonly number[];
  readonly value: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Everything that a report says, as data. */
export interface BenchmarkReport {
  readonly suite: string;
  readonly description: string;
  /** What runs are judged by, in words. */
  readonly score: string;
  readonly confidence: number;
  readonly resamples: number;
  readonly runs: { readonly expected: number; readonly finished: number };
  readonly missing: readonly MissingRun[];
  readonly algorithms: readonly string[];
  readonly tasks: readonly TaskReport[];
  /** Of the algorithms that have a run on every task. */
  readonly overall: readonly OverallScores[];
  readonly improvement: readonly Improvement[];
  readonly reference: string;
  /** Fraction of runs whose normalised score is above x. */
  readonly profiles: readonly EstimatedCurve[];
  readonly curveMetric: string;
  readonly curves: {
    /** Interquartile mean over steps, by task. */
    readonly steps: readonly { readonly task: string; readonly algorithms: readonly EstimatedCurve[] }[];
    /** The same over seconds of training; without algorithms whose runs have none in common. */
    readonly seconds: readonly { readonly task: string; readonly algorithms: readonly EstimatedCurve[] }[];
    /** Of normalised values over all tasks, along the fraction of training. */
    readonly overall: readonly EstimatedCurve[];
  };
}

/** Points of a curve. */
const CURVE_POINTS = 101;
const PROFILE_POINTS = 201;

/**
 * Reads a suite's runs and computes its report. What is not finished is left out, and named.
 *
 * @param path the suite's directory
 * @param failures runs that are known to have failed, and why
 * @throws InputError if no run is finished, or if runs lack what they are to be judged by
 */
export async function createReport(
  suite: Suite,
  path: string,
  failures: readonly MissingRun[] = [],
): Promise<BenchmarkReport> {
  const { finished, missing } = await collectRuns(suite, path, failures);
  if (finished.length === 0) throw new InputError(`${path} has no finished run to report on`);
  const { report: settings } = suite;
  let streams = 0;
  const estimate = (
    strata: readonly (readonly number[])[],
    statistic: (byTask: readonly ArrayLike<number>[]) => number,
    { resamples = settings.resamples, stream = streams++ } = {},
  ): Estimate => {
    const value = statistic(strata);
    // What can't be drawn differently says nothing of how it might have been.
    if (strata.some(({ length }) => length === 1)) return { value, low: Number.NaN, high: Number.NaN };
    const options = { random: new Random(0).split(stream), resamples, confidence: settings.confidence };
    return { value, ...bootstrapInterval(strata, (_, byTask) => statistic(byTask), options) };
  };
  const along = (
    algorithm: string,
    x: ArrayLike<number>,
    strataAt: (i: number) => readonly (readonly number[])[],
    statistic: (byTask: readonly ArrayLike<number>[], i: number) => number,
  ): EstimatedCurve => {
    // The same draws of runs at every point: what differs along a curve is the curve.
    const options = { resamples: Math.ceil(settings.resamples / 10), stream: streams++ };
    const estimates = Array.from(x, (_, i) => estimate(strataAt(i), (byTask) => statistic(byTask, i), options));
    return {
      algorithm,
      x: Array.from(x),
      value: estimates.map(({ value }) => value),
      low: estimates.map(({ low }) => low),
      high: estimates.map(({ high }) => high),
    };
  };

  const algorithms = suite.algorithms
    .map(({ name }) => name)
    .filter((name) => finished.some((run) => run.algorithm === name));
  const byTask = suite.tasks
    .map(({ name, score, published }) => ({
      name,
      score,
      published,
      runs: finished.filter((run) => run.task === name),
    }))
    .filter(({ runs }) => runs.length > 0);
  const tasks = byTask.map(({ name, score, published, runs }): TaskReport => {
    const scores = runs.map((run) => scoreOf(run.recorded, settings));
    const { min, max } = score ?? { min: Math.min(...scores), max: Math.max(...scores) };
    // Where all are equal they are all as good as the best.
    const normalize = (value: number): number => (max > min ? (value - min) / (max - min) : 1);
    const config = runs[0].recorded.config as { readonly env: { readonly id: string }; readonly steps: number };
    return {
      task: name,
      env: config.env.id,
      steps: config.steps,
      normalization: { min, max, from: score ? "suite" : "data" },
      published,
      machines: machinesOf(runs.map(({ recorded }) => recorded)),
      algorithms: algorithms.flatMap((algorithm) => {
        const own = runs.filter((run) => run.algorithm === algorithm);
        if (own.length === 0) return [];
        const values = own.map((run) => scores[runs.indexOf(run)]);
        return [
          {
            algorithm,
            seeds: own.map(({ seed }) => seed),
            scores: values,
            normalized: values.map(normalize),
            mean: estimate([values], aggregateMean),
            interquartileMean: estimate([values], aggregateInterquartileMean),
            standardDeviation: standardDeviation(values),
            wallSeconds: median(own.map(({ recorded }) => recorded.result!.wallSeconds)),
            stepsPerSecond: median(own.map(({ recorded }) => recorded.result!.stepsPerSecond)),
          },
        ];
      }),
    };
  });

  const complete = algorithms.filter((name) =>
    tasks.every((task) => task.algorithms.some(({ algorithm }) => algorithm === name)),
  );
  const scoresOf = (name: string, scale: "scores" | "normalized") =>
    tasks.map((task) => task.algorithms.find(({ algorithm }) => algorithm === name)![scale]);
  const normalized = new Map(complete.map((name) => [name, scoresOf(name, "normalized")]));
  const overall = Array.from(
    normalized,
    ([algorithm, strata]): OverallScores => ({
      algorithm,
      interquartileMean: estimate(strata, aggregateInterquartileMean),
      mean: estimate(strata, aggregateMean),
      median: estimate(strata, aggregateMedian),
      optimalityGap: estimate(strata, aggregateOptimalityGap),
    }),
  );
  const improvement = complete.flatMap((x) =>
    complete
      .filter((y) => y !== x)
      .map((y): Improvement => {
        const [own, other] = [scoresOf(x, "scores"), scoresOf(y, "scores")];
        const probability = estimate([...own, ...other], (drawn) =>
          probabilityOfImprovement(drawn.slice(0, own.length), drawn.slice(own.length)),
        );
        return { x, y, probability };
      }),
  );
  const all = [...normalized.values()].flat(2);
  const [from, to] = [Math.min(0, ...all), Math.max(1, ...all)];
  const thresholds = Float64Array.from(
    { length: PROFILE_POINTS },
    (_, i) => from + ((to - from) * i) / (PROFILE_POINTS - 1),
  );
  const profiles = Array.from(normalized, ([algorithm, strata]) =>
    along(
      algorithm,
      thresholds,
      () => strata,
      (byTask, i) => fractionAbove(byTask, thresholds[i]),
    ),
  );

  /** By task, by algorithm: its runs' values of the curves' metric at the same points; undefined: some have none. */
  const aligned = byTask.map(({ runs }) => {
    const own = runs.map(({ recorded }) => recorded);
    if (!haveCommonRange(own, settings.curve, "step")) return undefined;
    const { steps, values } = alignCurves(own, settings.curve, { points: CURVE_POINTS });
    const of = (name: string): number[][] =>
      runs.flatMap(({ algorithm }, i) => (algorithm === name ? [Array.from(values[i])] : []));
    return { steps, of };
  });
  // Where no episode ever ends, nothing is told of any; another metric, nobody knows.
  if (aligned.every((task) => !task) && settings.curve !== DEFAULT_CURVE)
    alignCurves(
      byTask.flatMap(({ runs }) => runs.map(({ recorded }) => recorded)),
      settings.curve,
    );
  const curvesBy = (draw: (algorithm: string, task: number) => EstimatedCurve | undefined) =>
    tasks
      .map((task, i) => ({
        task: task.task,
        algorithms: task.algorithms.flatMap(({ algorithm }) => draw(algorithm, i) ?? []),
      }))
      .filter(({ algorithms }) => algorithms.length > 0);
  /** What curves of a task are normalised by: the ends of its scores, where these are of the same kind, or their own. */
  const curveScale = (task: number): { readonly min: number; readonly max: number } => {
    if (kindOf(settings.curve) === kindOf(settings.score)) return tasks[task].normalization;
    const values = complete.flatMap((algorithm) => aligned[task]!.of(algorithm).flat());
    return { min: values.reduce((a, b) => Math.min(a, b)), max: values.reduce((a, b) => Math.max(a, b)) };
  };
  const pick = (curves: readonly (readonly number[])[], i: number): number[] =>
    curves.map((curve) => curve[Math.min(i, curve.length - 1)]);

  // Tasks differ in their number of steps, so their curves are laid over one another by how far training is: from where
  // all have begun to record to where the first ends.
  const everywhere = aligned.every((task) => task !== undefined) ? aligned : [];
  const ends = (of: (steps: Float64Array) => number) =>
    everywhere.map(({ steps }, task) => of(steps) / tasks[task].steps);
  const [firstFraction, lastFraction] = [
    Math.max(...ends((steps) => steps[0])),
    Math.min(...ends((steps) => steps[steps.length - 1])),
  ];
  const fractions = Array.from(
    { length: CURVE_POINTS },
    (_, i) => firstFraction + ((lastFraction - firstFraction) * i) / (CURVE_POINTS - 1),
  );

  return {
    suite: suite.name,
    description: suite.description,
    score: describeScore(settings),
    confidence: settings.confidence,
    resamples: settings.resamples,
    runs: { expected: suite.runs.length, finished: finished.length },
    missing,
    algorithms,
    tasks,
    overall,
    improvement,
    reference: settings.reference && complete.includes(settings.reference) ? settings.reference : complete[0],
    profiles,
    curveMetric: settings.curve,
    curves: {
      steps: curvesBy((algorithm, task) => {
        const curves = aligned[task]?.of(algorithm);
        return curves && along(algorithm, aligned[task]!.steps, (i) => [pick(curves, i)], aggregateInterquartileMean);
      }),
      seconds: curvesBy((algorithm, task) => {
        const runs = byTask[task].runs.flatMap((run) => (run.algorithm === algorithm ? [run.recorded] : []));
        // One of them may have ended before another had anything to record.
        if (tasks[task].machines.length > 1 || !haveCommonRange(runs, settings.curve, "wallSeconds")) return undefined;
        const options = { along: "wallSeconds", points: CURVE_POINTS } as const;
        const { steps: seconds, values } = alignCurves(runs, settings.curve, options);
        const curves = values.map((curve) => Array.from(curve));
        return along(algorithm, seconds, (i) => [pick(curves, i)], aggregateInterquartileMean);
      }),
      overall: (everywhere.length > 0 ? complete : []).map((algorithm) => {
        const curves = everywhere.map(({ steps, of }, task) => {
          const { min, max } = curveScale(task);
          return of(algorithm).map((curve) => {
            const normalized = curve.map((value) => (max > min ? (value - min) / (max - min) : 1));
            return fractions.map((fraction) => valueAt(fraction * tasks[task].steps, steps, normalized));
          });
        });
        return along(algorithm, fractions, (i) => curves.map((task) => pick(task, i)), aggregateInterquartileMean);
      }),
    },
  };
}

/** What a metric measures, in episodes that train or that judge alike. */
function kindOf(metric: string): string {
  const [first, ...rest] = metric.split(".");
  const kinds: Record<string, string> = {
    evaluationReturn: "episodeReturn",
    evaluationWinRate: "winRate",
    evaluationInfo: "info",
  };
  return [kinds[first] ?? first, ...rest].join(".");
}

/** A curve's value at a step, on straight lines between its points, which are evenly spaced; beyond them, the nearest. */
function valueAt(step: number, steps: Float64Array, values: readonly number[]): number {
  if (steps.length === 1) return values[0];
  const place = ((step - steps[0]) / (steps[steps.length - 1] - steps[0])) * (steps.length - 1);
  const before = Math.min(Math.max(Math.floor(place), 0), steps.length - 2);
  const part = Math.min(Math.max(place - before, 0), 1);
  return values[before] + part * (values[before + 1] - values[before]);
}

interface FinishedRun {
  readonly task: string;
  readonly algorithm: string;
  readonly seed: number;
  readonly recorded: RecordedRun;
}

/** The runs that can be reported on, and those that can't. */
async function collectRuns(suite: Suite, path: string, failures: readonly MissingRun[]) {
  const finished: FinishedRun[] = [];
  const missing: MissingRun[] = [];
  for (const { task, algorithm, seed, path: name } of suite.runs) {
    const directory = join(path, name);
    if (await readResult(directory)) {
      const [recorded] = await readRuns([directory]);
      finished.push({ task, algorithm, seed, recorded });
      continue;
    }
    const failure = failures.find((run) => run.task === task && run.algorithm === algorithm && run.seed === seed);
    const state = existsSync(join(directory, "config.json")) ? "not finished" : "not begun";
    missing.push({ task, algorithm, seed, reason: failure?.reason ?? (await loggedError(directory)) ?? state });
  }
  return { finished, missing };
}

/** How many runs each machine made. What was begun on one and ended on another is neither's. */
function machinesOf(runs: readonly RecordedRun[]): TaskReport["machines"] {
  const counts = new Map<string, number>();
  for (const { config } of runs) {
    const machine = Array.isArray(config.machines) ? config.machines.join(", then ") : "not recorded";
    counts.set(machine, (counts.get(machine) ?? 0) + 1);
  }
  return Array.from(counts, ([machine, runs]) => ({ machine, runs }));
}

/** What an earlier attempt at a run failed of. */
const loggedError = (directory: string): Promise<string | undefined> =>
  readFile(join(directory, "error.log"), "utf8").then(
    (text) => text.split("\n", 1)[0].replace(/^\w*Error: /, ""),
    () => undefined,
  );

/** What a run is judged by. */
export function scoreOf(run: RecordedRun, { score, window }: Pick<Suite["report"], "score" | "window">): number {
  if (score.startsWith("-")) return -scoreOf(run, { score: score.slice(1), window });
  if (score === "evaluationReturn") return run.result!.evaluation.meanReturn;
  if (score.startsWith(INFO)) {
    const told = run.result!.evaluation.infos?.[score.slice(INFO.length)];
    if (told === undefined)
      throw new InputError(`report.score is ${score}, but ${run.path} was told nothing of that name`);
    return told;
  }
  if (score !== "evaluationWinRate") return finalMean(run, score, window);
  const { winRate } = run.result!.evaluation;
  if (winRate === undefined)
    throw new InputError(`report.score is evaluationWinRate, but ${run.path} knows of no wins`);
  return winRate;
}

const INFO = "evaluationInfo.";

function describeScore({ score, window }: Pick<Suite["report"], "score" | "window">): string {
  if (score.startsWith("-"))
    return `${describeScore({ score: score.slice(1), window })}, negative: the less, the better`;
  if (score === "evaluationReturn") return "mean return of greedy episodes after training (`result.json`)";
  if (score === "evaluationWinRate") return "fraction of greedy episodes won after training (`result.json`)";
  if (score.startsWith(INFO))
    return `mean \`${score.slice(INFO.length)}\` at the end of greedy episodes after training (\`result.json\`)`;
  return `mean \`${score}\` over the last ${Math.round(100 * window)} % of training`;
}
