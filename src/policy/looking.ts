/** @file What the agents of one network look at, all of them at once: the first layer, without a row for each. */

import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import { foldNorm, LAYER_NORM_EPSILON, type LayerNorm, type Linear } from "../nn/layers.ts";

/** What a team of n agents did in S · W samples, and who looked at whom. */
export interface TeamActions {
  /** [S, n, W, A] */
  readonly actions: Traced;
  /** Row i: 1 at F(i), 0 elsewhere; [n, n], or [S, W, n, n] where each sample has its own. */
  readonly predecessors: Traced;
}

/**
 * A LayerNorm and a linear layer of the rows (a_F(i), id of i), for each agent i in each sample: [S · n · W, H].
 *
 * The layer is linear in actions, so what an action adds is computed once, however many look at it; who looks at whom
 * says what is added up. Memory and work grow with the number of agents rather than with its square.
 */
export function firstLayerOfTeam(
  norm: LayerNorm<Traced>,
  layer: Linear<Traced>,
  { actions, predecessors }: TeamActions,
): Traced {
  const [steps, agents, width, size] = actions.shape;
  const [inputs, hidden] = layer.weight.shape;
  const { scaled, folded } = foldNorm(norm, layer);
  // Rows less their mean, times weights, are rows times weights less their mean.
  const weight = scaled.sub(scaled.mean(0, { keepdims: true }));
  const ofActions = np.swapaxes(weight.slice([0, inputs - agents]).reshape([agents, size, hidden]), 1, 2);
  const ofIds = weight.slice([inputs - agents, inputs]);
  const acted = actions.transpose([1, 3, 0, 2]).reshape([agents, size, steps * width]);
  const added = np.matmul(ofActions, acted).reshape([agents, hidden, steps, width]).transpose([2, 3, 0, 1]);
  /** Σ_{j ∈ F(i)} x_j, for x [S, W, n, …] */
  const seen = (x: Traced) => np.matmul(np.broadcastTo(predecessors, [steps, width, agents, agents]), x);
  // The id is one more 1.
  const mean = (x: Traced) =>
    seen(np.swapaxes(x.sum(-1, { keepdims: true }), 1, 2))
      .add(1)
      .div(inputs);
  const [first, second] = [mean(actions), mean(actions.mul(actions))];
  const inverse = np.reciprocal(np.sqrt(second.sub(first.mul(first)).add(LAYER_NORM_EPSILON)));
  /** [S, W, n, k] as [k, S, n, W], and so in memory: as matrix products leave it, so that what follows runs along it. */
  const byFeature = (x: Traced) =>
    x
      .transpose([3, 0, 2, 1])
      .reshape([-1, steps * agents * width])
      .reshape([-1, steps, agents, width]);
  const ids = np.transpose(ofIds).reshape([hidden, 1, agents, 1]);
  const features = byFeature(seen(added))
    .add(ids)
    .mul(byFeature(inverse))
    .add(folded.reshape([hidden, 1, 1, 1]));
  return np.transpose(features.reshape([hidden, steps * agents * width]));
}
