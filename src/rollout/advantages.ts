/** @file How much better each step was than expected: generalised advantage estimation, and its normalisation. */

import type { RolloutBuffer } from "./buffer.ts";

/** What is expected of the situations in a buffer, in units of reward. */
export interface ValueEstimates {
  /** [T + 1, N]: V(s_t) */
  readonly values: Float32Array;
  /** [F]: values of the buffer's `finals`, in their order */
  readonly finalValues: Float32Array;
}

/**
 * GAE(γ, λ) (Schulman et al. 2016, arXiv:1506.02438, equation 16):
 * Â_t = δ_t + γλ·Â_{t+1}, δ_t = r_t + γ·V(s_{t+1}) − V(s_t), cut at the ends of episodes. What follows a termination is
 * worth 0; what would have followed a truncation, the value of the episode's final moment.
 *
 * @param into [T, N], is overwritten with Â; Â + V are the returns that a critic learns
 */
export function generalizedAdvantages(
  buffer: Pick<RolloutBuffer, "length" | "numEnvs" | "rewards" | "terminations" | "truncations">,
  { values, finalValues }: ValueEstimates,
  { gamma, gaeLambda }: { readonly gamma: number; readonly gaeLambda: number },
  into: Float32Array,
): void {
  const { length, numEnvs, rewards, terminations, truncations } = buffer;
  const rows = length * numEnvs;
  let final = finalValues.length;
  // Backwards through the rows, so that `finalValues`, which are in their order, are met one by one.
  for (let row = rows - 1; row >= 0; row--) {
    // A moment is kept of a truncation, even where the episode was terminated, too.
    if (truncations[row] === 1) final -= 1;
    if (terminations[row] === 1) {
      into[row] = rewards[row] - values[row];
    } else if (truncations[row] === 1) {
      into[row] = rewards[row] + gamma * finalValues[final] - values[row];
    } else {
      const next = row + numEnvs;
      const later = next < rows ? into[next] : 0;
      into[row] = rewards[row] + gamma * values[next] - values[row] + gamma * gaeLambda * later;
    }
  }
}

/** Keeps the division finite where all advantages are alike. */
const SMALLEST_DEVIATION = 1e-5;

/** Scales advantages, in place, to mean 0 and standard deviation 1 over the samples of weight 1; the others become 0. */
export function normalizeAdvantages(advantages: Float32Array, weights: Float32Array): void {
  let [count, sum] = [0, 0];
  for (let i = 0; i < advantages.length; i++) {
    count += weights[i];
    sum += weights[i] * advantages[i];
  }
  const mean = sum / Math.max(count, 1);
  let squares = 0;
  for (let i = 0; i < advantages.length; i++) squares += weights[i] * (advantages[i] - mean) ** 2;
  const scale = 1 / (Math.sqrt(squares / Math.max(count, 1)) + SMALLEST_DEVIATION);
  for (let i = 0; i < advantages.length; i++) advantages[i] = weights[i] * (advantages[i] - mean) * scale;
}
