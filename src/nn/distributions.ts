/** @file Action distributions: log-probability, entropy, and sampling as a function of parameters and noise. */

import { withGradientOf } from "../compile/gradients.ts";
import { nn, numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";

/** One distribution per row. Actions are vectors: one-hot for choices. */
export interface Distribution {
  /** log π(a), [B], of actions [B, d]. */
  logProb(action: Traced): Traced;
  /** [B], or [] where it is the same for all rows. */
  entropy(): Traced;
  /** g(θ, ε) [B, d] for noise ε [B, d]; zero noise gives the mode. Differentiable, straight through where discrete. */
  sample(noise: Traced): Traced;
  /** `sample(noise)` and its log-probability [B], which need no look back at the action; no gradient. */
  draw(noise: Traced): { readonly action: Traced; readonly logProb: Traced };
  /** The differentiable function whose gradient `sample` has; for continuous actions, `sample` itself. */
  relaxedSample(noise: Traced): Traced;
}

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** σ = y · sigmoid(ρ / x), bounded and independent of the state, as in the published implementation of HAPPO. */
export const boundedStd = (rho: Traced, x: number, y: number): Traced => nn.sigmoid(rho.div(x)).mul(y);

/**
 * Normal with independent elements: a = μ + σ ⊙ ε, ε ~ N(0, I).
 * @param mean μ [B, d]
 * @param std σ [d], or anything that broadcasts to [B, d]
 * @param elements 1 for elements that count, 0 for what only fills up, broadcasts to [B, d]; undefined: all count
 */
export function diagonalGaussian(mean: Traced, std: Traced, elements?: Traced): Distribution {
  const sample = (noise: Traced): Traced => mean.add(std.mul(noise));
  const logStd = np.log(std);
  const counted = (x: Traced): Traced => (elements ? x.mul(elements) : x).sum(-1);
  const normalizer = elements?.sum(-1).mul(HALF_LOG_TWO_PI) ?? mean.shape[mean.ndim - 1] * HALF_LOG_TWO_PI;
  /** Of numbers that lie z standard deviations from the mean. */
  const logProbAt = (z: Traced): Traced => counted(z.mul(z).mul(-0.5).sub(logStd)).sub(normalizer);
  return {
    logProb: (action) => logProbAt(action.sub(mean).div(std)),
    draw: (noise) => ({ action: sample(noise), logProb: logProbAt(noise) }),
    entropy: () => counted(logStd.add(0.5 + HALF_LOG_TWO_PI)),
    sample,
    relaxedSample: sample,
  };
}

/** Logit of a choice that is not available: its probability is zero in float32, its gradient too. */
const UNAVAILABLE = -1e9;

/**
 * One of n choices, by Gumbel-max: argmax(logits + G), G ~ Gumbel(0, 1). The gradient is that of the relaxed action
 * softmax((logits + G) / τ), straight through (Jang et al. 2017, arXiv:1611.01144).
 * @param logits [B, n]
 * @param mask [B, n], 1 where available, 0 where not; undefined: all are
 * @param temperature τ
 */
export function categorical(logits: Traced, mask: Traced | undefined, temperature: number): Distribution {
  const choices = logits.shape[logits.ndim - 1];
  // A sum, not a choice: an unavailable logit is −1e9 up to float32 rounding whatever it was.
  const available = mask ? logits.add(np.subtract(1, mask).mul(UNAVAILABLE)) : logits;
  const logProbs = nn.logSoftmax(available, -1);
  const relaxedSample = (noise: Traced): Traced => nn.softmax(available.add(noise).div(temperature), -1);
  const logProb = (action: Traced): Traced => logProbs.mul(action).sum(-1);
  const choose = (noise: Traced): Traced => {
    // Compared, not looked up: logits that are no numbers then choose nothing, and the loss tells.
    const choice = np.argmax(available.add(noise), -1).reshape([-1, 1]);
    return choice.equal(np.arange(choices)).astype(logits.dtype);
  };
  return {
    logProb,
    draw(noise) {
      const action = choose(noise);
      return { action, logProb: logProb(action) };
    },
    entropy: () => np.exp(logProbs).mul(logProbs).sum(-1).neg(),
    sample: (noise) => withGradientOf(choose(noise), relaxedSample(noise)),
    relaxedSample,
  };
}
