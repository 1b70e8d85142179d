/** @file Adam with clipping by global norm, on one flat vector of parameters, inside the compiled step. */

import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";

/** What Adam keeps of a vector θ [P]: θ itself and the moments, each [P]. */
export interface AdamState<T = Traced> {
  readonly theta: T;
  readonly firstMoment: T;
  readonly secondMoment: T;
}

/** Exponential decay rates of the moments, as in the paper. */
const BETA_1 = 0.9;
const BETA_2 = 0.999;

/**
 * One step of Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1), ε outside the root, with the gradient made shorter
 * where it is longer than `maxNorm`, as torch.nn.utils.clip_grad_norm_ has it.
 *
 * Factors that are the same for all parameters are joined before they meet a vector: with c₁ = 1 − β₁ᵗ, c₂ = √(1 − β₂ᵗ),
 * m̂ / (√v̂ + ε) = c₂/c₁ · m / (√v + c₂ ε).
 * @param gradient of the loss to be made smaller, [P]
 * @param step t, counted from 1; []
 * @param learningRate []
 * @returns the next state, and the gradient's length before it was clipped
 */
export function adam(
  { theta, firstMoment, secondMoment }: AdamState,
  gradient: Traced,
  step: Traced,
  learningRate: Traced,
  { epsilon, maxNorm }: { readonly epsilon: number; readonly maxNorm: number },
): { readonly next: AdamState; readonly norm: Traced } {
  const squares = gradient.mul(gradient);
  const norm = np.sqrt(squares.sum());
  const scale = np.minimum(np.reciprocal(norm.add(1e-6)).mul(maxNorm), 1);
  const first = firstMoment.mul(BETA_1).add(gradient.mul(scale.mul(1 - BETA_1)));
  const second = secondMoment.mul(BETA_2).add(squares.mul(scale.mul(scale).mul(1 - BETA_2)));
  // β^t as exp(t · ln β): bias corrections 1 − β^t.
  const correction1 = np.subtract(1, np.exp(step.mul(Math.log(BETA_1))));
  const correction2 = np.sqrt(np.subtract(1, np.exp(step.mul(Math.log(BETA_2)))));
  const rate = learningRate.mul(correction2).div(correction1);
  const change = first.div(np.sqrt(second).add(correction2.mul(epsilon)));
  return { next: { theta: theta.sub(change.mul(rate)), firstMoment: first, secondMoment: second }, norm };
}
