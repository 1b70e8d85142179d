/** @file Running mean and variance of value targets, so that a critic learns numbers of order one. */

/** Decay per update, as in MAPPO (Yu et al. 2022, arXiv:2103.01955). */
const DECAY = 0.99999;
const LEAST_VARIANCE = 1e-2;

/**
 * Three live numbers: the exponentially weighted mean, the variance about it, and the sum of the weights so far
 * (1 − β^t), which debiases: while it is small, every batch counts about the same.
 */
export type ValueStatistics = Float32Array;

export const createValueStatistics = (): ValueStatistics => new Float32Array(3);

/** Takes in the values, each as often as its weight (0 or 1) says. */
export function updateValueStatistics(
  statistics: ValueStatistics,
  samples: readonly { readonly values: Float32Array; readonly weights: Float32Array }[],
): void {
  let count = 0;
  let sum = 0;
  for (const { values, weights } of samples) {
    for (let i = 0; i < weights.length; i++) {
      count += weights[i];
      sum += weights[i] * values[i];
    }
  }
  if (count === 0) return;
  const batchMean = sum / count;
  let squares = 0;
  for (const { values, weights } of samples) {
    for (let i = 0; i < weights.length; i++) squares += weights[i] * (values[i] - batchMean) ** 2;
  }
  const [mean, variance, weight] = statistics;
  const total = DECAY * weight + (1 - DECAY);
  // The share of the new batch in the debiased averages; the mixture's variance follows from the parts' (in this form
  // it survives float32, which mean-of-squares less square-of-mean does not).
  const share = (1 - DECAY) / total;
  statistics[0] = mean + share * (batchMean - mean);
  statistics[1] = (1 - share) * variance + (share * squares) / count + share * (1 - share) * (batchMean - mean) ** 2;
  statistics[2] = total;
}

/** Mean and standard deviation so far; 0 and 1 before the first update. */
export function valueScale([mean, variance, weight]: ValueStatistics): { readonly mean: number; readonly std: number } {
  return weight === 0 ? { mean: 0, std: 1 } : { mean, std: Math.sqrt(Math.max(variance, LEAST_VARIANCE)) };
}

/** From units of reward to normalised units; `into` may be `values` itself. */
export function normalizeValues(statistics: ValueStatistics, values: Float32Array, into: Float32Array): void {
  const { mean, std } = valueScale(statistics);
  for (let i = 0; i < values.length; i++) into[i] = (values[i] - mean) / std;
}

/** From normalised units to units of reward; `into` may be `values` itself. */
export function denormalizeValues(statistics: ValueStatistics, values: Float32Array, into: Float32Array): void {
  const { mean, std } = valueScale(statistics);
  for (let i = 0; i < values.length; i++) into[i] = mean + std * values[i];
}
