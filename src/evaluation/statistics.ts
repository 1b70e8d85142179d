/**
 * @file Statistics over seeds: how good a method is, and how sure one can be of it.
 *
 * A statistic that too few values leave undefined (the mean of none, the spread of one) is NaN. Values are not changed.
 */

import type { Random } from "../random.ts";

/** The ends of an interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Sample standard deviation (n − 1 in the denominator). */
export function standardDeviation(values: ArrayLike<number>): number {
  const center = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - center) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** Standard error of the mean. */
export const standardError = (values: ArrayLike<number>): number =>
  standardDeviation(values) / Math.sqrt(values.length);

/**
 * Student's t interval of the mean: it holds the true mean with probability `confidence`, if the values are independent
 * and normal. The right one for a handful of seeds, where a bootstrap is too narrow.
 */
export function tInterval(values: ArrayLike<number>, confidence = 0.95): Interval {
  const center = mean(values);
  const margin = values.length > 1 ? tQuantile(confidence, values.length - 1) * standardError(values) : Number.NaN;
  return { low: center - margin, high: center + margin };
}

/**
 * The number that |t| stays below with this probability, t having a Student distribution with a whole number of degrees
 * of freedom. Inverts the finite series of Abramowitz & Stegun (1964), 26.7.3 and 26.7.4.
 */
function tQuantile(probability: number, degreesOfFreedom: number): number {
  // With t = √ν·tan θ, θ goes from 0 to π/2 and the probability grows with it, so halving the range finds it.
  let below = 0;
  let above = Math.PI / 2;
  for (;;) {
    const angle = (below + above) / 2;
    if (angle <= below || angle >= above) return Math.sqrt(degreesOfFreedom) * Math.tan(angle);
    if (tProbability(angle, degreesOfFreedom) < probability) below = angle;
    else above = angle;
  }
}

/** P(|t| < √ν·tan θ) with ν degrees of freedom. */
function tProbability(angle: number, degreesOfFreedom: number): number {
  const isOdd = degreesOfFreedom % 2 === 1;
  const squaredCosine = Math.cos(angle) ** 2;
  let term = isOdd ? Math.cos(angle) : 1;
  let sum = 0;
  for (let k = isOdd ? 1 : 0; k < degreesOfFreedom - 1; k += 2) {
    sum += term;
    term *= (squaredCosine * (k + 1)) / (k + 2);
  }
  sum *= Math.sin(angle);
  return isOdd ? (2 / Math.PI) * (angle + sum) : sum;
}

/** How an interval is drawn again. */
export interface BootstrapOptions {
  readonly random: Random;
  /** Default: 2000. */
  readonly resamples?: number;
  /** Default: 0.95. */
  readonly confidence?: number;
}

/**
 * Percentile bootstrap interval of a statistic (Efron 1979), stratified as in Agarwal et al. 2021 ("Deep Reinforcement
 * Learning at the Edge of the Statistical Precipice"; their library: rliable): runs are drawn again within each task,
 * and the statistic is taken over what was drawn.
 *
 * @param strata by task, the scores of its runs; one task: an ordinary bootstrap. Of two methods that are compared, the
 *   tasks of one and then those of the other
 * @param statistic such as `interquartileMean`; is given all the scores, and the same by task, in arrays that are used
 *   again
 * @throws RangeError if a task has no runs
 */
export function bootstrapInterval(
  strata: readonly ArrayLike<number>[],
  statistic: (pooled: Float64Array, byTask: readonly Float64Array[]) => number,
  { random, resamples = 2000, confidence = 0.95 }: BootstrapOptions,
): Interval {
  if (strata.length === 0 || strata.some(({ length }) => length === 0)) {
    throw new RangeError("bootstrap interval: strata has a task without runs; each must have at least 1");
  }
  const sample = new Float64Array(strata.reduce((total, { length }) => total + length, 0));
  let end = 0;
  const byTask = strata.map(({ length }) => {
    end += length;
    return sample.subarray(end - length, end);
  });
  const statistics = Float64Array.from({ length: resamples }, () => {
    for (const [task, drawn] of byTask.entries()) {
      const values = strata[task];
      for (let i = 0; i < drawn.length; i++) drawn[i] = values[random.integer(values.length)];
    }
    return statistic(sample, byTask);
  }).sort();
  return { low: quantile(statistics, (1 - confidence) / 2), high: quantile(statistics, (1 + confidence) / 2) };
}

/** Quantile of ascending values, linear between neighbours (type 7 of Hyndman & Fan 1996, NumPy's default). */
function quantile(ascending: ArrayLike<number>, probability: number): number {
  const position = probability * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return ascending[below] + (position - below) * (ascending[above] - ascending[below]);
}

/**
 * Mean of the middle half of the values, less at the mercy of outliers than the mean and less wasteful than the median.
 * A quarter of the values, rounded down, is left out at each end (as in rliable and SciPy's `trim_mean`).
 */
export function interquartileMean(values: ArrayLike<number>): number {
  const ascending = Float64Array.from(values).sort();
  const leftOut = Math.floor(ascending.length / 4);
  return mean(ascending.subarray(leftOut, ascending.length - leftOut));
}

/** The value in the middle; of an even number, the mean of the two there. */
export const median = (values: ArrayLike<number>): number => quantile(Float64Array.from(values).sort(), 0.5);

/** By task, the mean of its scores: every task counts the same, however many runs it has. */
const taskMeans = (byTask: readonly ArrayLike<number>[]): number[] => byTask.map(mean);

/** Mean over tasks of the mean over runs (rliable: `aggregate_mean`). */
export const aggregateMean = (byTask: readonly ArrayLike<number>[]): number => mean(taskMeans(byTask));

/** Median over tasks of the mean over runs (rliable: `aggregate_median`). */
export const aggregateMedian = (byTask: readonly ArrayLike<number>[]): number => median(taskMeans(byTask));

/**
 * Interquartile mean over the runs of all tasks (rliable: `aggregate_iqm`). Every task counts the same: where one has more
 * runs than another, each of its runs counts for less, and the quarters end within a run if they must.
 */
export function aggregateInterquartileMean(byTask: readonly ArrayLike<number>[]): number {
  const runs = byTask.flatMap((scores) =>
    Array.from(scores, (score) => ({ score, weight: 1 / (byTask.length * scores.length) })),
  );
  if (byTask.every(({ length }) => length === byTask[0].length))
    return interquartileMean(runs.map(({ score }) => score));
  let [below, sum] = [0, 0];
  for (const { score, weight } of runs.sort((a, b) => a.score - b.score)) {
    sum += score * Math.max(0, Math.min(below + weight, 0.75) - Math.max(below, 0.25));
    below += weight;
  }
  return sum / 0.5;
}

/**
 * How far scores stay below 1 on average; what is above 1 does not make up for it (rliable: `aggregate_optimality_gap`).
 * Every task counts the same.
 */
export const aggregateOptimalityGap = (byTask: readonly ArrayLike<number>[]): number =>
  1 - mean(byTask.map((scores) => mean(Array.from(scores, (score) => Math.min(score, 1)))));

/**
 * How likely a run of X is to be better than a run of Y: the fraction of pairs in which it is, equal ones counting half
 * (the Mann–Whitney statistic over the number of pairs), mean over tasks (rliable: `probability_of_improvement`).
 *
 * @param x by task, the scores of X's runs
 * @param y by task, in the same order, those of Y's
 */
export const probabilityOfImprovement = (x: readonly ArrayLike<number>[], y: readonly ArrayLike<number>[]): number =>
  mean(x.map((scores, task) => pairsWon(scores, y[task])));

function pairsWon(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let won = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) won += x[i] > y[j] ? 1 : x[i] === y[j] ? 0.5 : 0;
  }
  return won / (x.length * y.length);
}

/**
 * Fraction of scores above a threshold τ, every task counting the same: one point of a performance profile (rliable:
 * `run_score_deviation`).
 */
export const fractionAbove = (byTask: readonly ArrayLike<number>[], threshold: number): number =>
  mean(byTask.map((scores) => mean(Array.from(scores, (score) => Number(score > threshold)))));
