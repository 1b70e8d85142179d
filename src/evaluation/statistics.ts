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

/**
 * Percentile bootstrap interval of a statistic (Efron 1979), stratified as in Agarwal et al. 2021 ("Deep Reinforcement
 * Learning at the Edge of the Statistical Precipice"; their library: rliable): runs are drawn again within each task,
 * and the statistic is taken over the runs of all tasks together.
 *
 * @param strata by task, the scores of its runs, on a scale that the tasks share; one task: an ordinary bootstrap
 * @param statistic such as `interquartileMean`; is given all tasks' scores, in an array that is used again
 * @throws RangeError if a task has no runs
 */
export function bootstrapInterval(
  strata: readonly ArrayLike<number>[],
  statistic: (values: Float64Array) => number,
  {
    random,
    resamples = 2000,
    confidence = 0.95,
  }: { readonly random: Random; readonly resamples?: number; readonly confidence?: number },
): Interval {
  if (strata.length === 0 || strata.some(({ length }) => length === 0)) {
    throw new RangeError("bootstrap interval: strata has a task without runs; each must have at least 1");
  }
  const sample = new Float64Array(strata.reduce((total, { length }) => total + length, 0));
  const statistics = Float64Array.from({ length: resamples }, () => {
    let i = 0;
    for (const values of strata) {
      for (let draw = 0; draw < values.length; draw++) sample[i++] = values[random.integer(values.length)];
    }
    return statistic(sample);
  }).sort();
  return { low: quantile(statistics, (1 - confidence) / 2), high: quantile(statistics, (1 + confidence) / 2) };
}

/** Quantile of ascending values, linear between neighbours (type 7 of Hyndman & Fan 1996, NumPy's default). */
function quantile(ascending: Float64Array, probability: number): number {
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
