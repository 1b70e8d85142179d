/** @file Losses of regression. */

import { withGradientOf } from "../compile/gradients.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";

/** Huber 1964: e²/2 within |e| ≤ δ, δ(|e| − δ/2) beyond, element by element; its derivative is e, clipped to ± δ. */
export function huber(error: Traced, delta: number): Traced {
  const fixed = lax.stopGradient(error);
  const within = np.clip(fixed, -delta, delta);
  return withGradientOf(within.mul(fixed.sub(within.mul(0.5))), error.mul(within));
}

/**
 * The clipped loss of values (Schulman et al. 2017's code; Yu et al. 2022, arXiv:2103.01955), element by element:
 * max(huber(V − R), huber(V̄ − R)), where V̄ is V, no further than `valueClip` from the old value. Where the second is
 * the larger and V̄ is held back, nothing is to be learnt.
 */
export function clippedValueLoss(
  values: Traced,
  { oldValues, targets }: { readonly oldValues: Traced; readonly targets: Traced },
  { valueClip, huberDelta }: { readonly valueClip: number; readonly huberDelta: number },
): Traced {
  const fixed = lax.stopGradient(values);
  const change = fixed.sub(oldValues);
  const held = np.clip(change, -valueClip, valueClip);
  const [error, heldError] = [fixed.sub(targets), oldValues.add(held).sub(targets)];
  const isFurther = np.greater(np.abs(heldError), np.abs(error));
  const larger = np.where(isFurther, heldError, error);
  // The derivative that it has by V.
  const slope = np.where(isFurther, np.equal(held, change).astype(values.dtype), 1);
  return huber(withGradientOf(larger, values.mul(slope)), huberDelta);
}
