/** @file A value with the gradient of something else: straight-through estimators, closed-form derivatives. */

import { lax, type numpy as np } from "./jax.ts";

/**
 * Evaluates to `value` and differentiates as `surrogate`: sg(value) + (surrogate − sg(surrogate)).
 *
 * A compiled program folds the difference to zero where no gradient is taken, so there the surrogate costs nothing.
 * @param value array of any shape; no gradient flows into it
 * @param surrogate array of the same shape
 */
export const withGradientOf = (value: np.Array, surrogate: np.Array): np.Array =>
  lax.stopGradient(value).add(surrogate.sub(lax.stopGradient(surrogate)));
