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
 * One step of Adam (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1), ε outside the root.
 * @param gradient of the loss to be made smaller, [P]
 * @param step t, counted from 1; []
 * @param learningRate []
 */
export function adam(
  { theta, firstMoment, secondMoment }: AdamState,
  gradient: Traced,
  step: Traced,
  learningRate: Traced,
  epsilon: number,
): AdamState {
  const first = firstMoment.mul(BETA_1).add(gradient.mul(1 - BETA_1));
  const second = secondMoment.mul(BETA_2).add(gradient.mul(gradient).mul(1 - BETA_2));
  // β^t as exp(t · ln β): bias corrections 1 − β^t.
  const correction1 = np.subtract(1, np.exp(step.mul(Math.log(BETA_1))));
  const correction2 = np.subtract(1, np.exp(step.mul(Math.log(BETA_2))));
  const rate = learningRate.div(correction1);
  const spread = np
    .sqrt(second)
    .mul(np.reciprocal(np.sqrt(correction2)))
    .add(epsilon);
  return { theta: theta.sub(first.div(spread).mul(rate)), firstMoment: first, secondMoment: second };
}

/** The gradient [P], made shorter where it is longer than `maxNorm`, and its length before. */
export function clipByNorm(gradient: Traced, maxNorm: number): { readonly clipped: Traced; readonly norm: Traced } {
  const norm = np.sqrt(gradient.mul(gradient).sum());
  // As torch.nn.utils.clip_grad_norm_ has it, with 1e-6 against division by zero.
  const scale = np.minimum(np.reciprocal(norm.add(1e-6)).mul(maxNorm), 1);
  return { clipped: gradient.mul(scale), norm };
}
