/** @file Losses of regression. */

import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";

/** Huber 1964: e²/2 within |e| ≤ δ, δ(|e| − δ/2) beyond, element by element. */
export function huber(error: Traced, delta: number): Traced {
  const within = np.minimum(np.abs(error), delta);
  return within.mul(np.abs(error).sub(within.mul(0.5)));
}
