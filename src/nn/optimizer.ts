/**
 * @file Adam with clipping by global norm, on one flat vector of parameters.
 *
 * In plain code: one pass over the parameters, where a program of operators takes thirteen.
 */

/** What Adam keeps of a vector θ [P]: live arrays. */
export interface AdamState {
  /** [P] */
  readonly theta: Float32Array;
  /** [P] */
  readonly firstMoment: Float32Array;
  /** [P] */
  readonly secondMoment: Float32Array;
  /** t, [1]: how many steps were taken */
  readonly steps: Int32Array;
}

export interface AdamSettings {
  readonly learningRate: number;
  readonly epsilon: number;
  /** A longer gradient is made this long. */
  readonly maxNorm: number;
}

/** Exponential decay rates of the moments, as in the paper. */
const BETA_1 = 0.9;
const BETA_2 = 0.999;

/** Moments below this count as none: arithmetic is slow with numbers too small for all their digits. */
const SMALLEST = 2 ** -126;

/** ‖x‖ */
export function euclideanNorm(x: Float32Array): number {
  let squares = 0;
  for (let k = 0; k < x.length; k++) squares += x[k] * x[k];
  return Math.sqrt(squares);
}

/**
 * One step of Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1), ε outside the root, with the gradient made shorter
 * where it is longer than `maxNorm`, as torch.nn.utils.clip_grad_norm_ has it.
 *
 * What is the same for all parameters stands before the loop: with c₁ = 1 − β₁ᵗ, c₂ = √(1 − β₂ᵗ),
 * m̂ / (√v̂ + ε) = c₂/c₁ · m / (√v + c₂ ε).
 * @param state changed in place
 * @param gradient of the loss to be made smaller, [P]
 * @param norm the gradient's length
 */
export function adam(
  { theta, firstMoment, secondMoment, steps }: AdamState,
  gradient: Float32Array,
  norm: number,
  { learningRate, epsilon, maxNorm }: AdamSettings,
): void {
  const t = ++steps[0];
  const scale = Math.min(maxNorm / (norm + 1e-6), 1);
  const correction2 = Math.sqrt(1 - BETA_2 ** t);
  const rate = (learningRate * correction2) / (1 - BETA_1 ** t);
  const floor = correction2 * epsilon;
  for (let k = 0; k < theta.length; k++) {
    const g = scale * gradient[k];
    const m = BETA_1 * firstMoment[k] + (1 - BETA_1) * g;
    const v = BETA_2 * secondMoment[k] + (1 - BETA_2) * g * g;
    firstMoment[k] = Math.abs(m) < SMALLEST ? 0 : m;
    secondMoment[k] = v < SMALLEST ? 0 : v;
    theta[k] -= (rate * m) / (Math.sqrt(v) + floor);
  }
}
