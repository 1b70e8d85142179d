/** @file The gradient of a loss over samples, summed over micro-batches, inside traced code. */

import type { Traced, Tree } from "../compile/index.ts";
import { jit, valueAndGrad } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import type { ParameterLayout } from "../nn/parameters.ts";
import { type Arrays, microBatches, type Samples } from "./minibatch.ts";

/**
 * A loss that is a sum over samples, so that the gradients of micro-batches add up to that of the whole.
 * @param parameters of each network, as a tree
 * @param scalars numbers that all samples share
 * @returns the loss [], and metrics [k] that are sums over samples too
 */
export type SampleLoss = (
  parameters: readonly Tree<Traced>[],
  samples: Samples<Traced>,
  scalars: Arrays<Traced>,
  sequences: Sequences,
) => readonly [loss: Traced, metrics: Traced];

/** The gradient of one micro-batch, as the tracer gives it. */
type PartGradient = (
  parameters: readonly Tree<Traced>[],
  samples: Samples<Traced>,
  scalars: Arrays<Traced>,
) => [[loss: Traced, metrics: Traced], readonly Tree<Traced>[]];

/**
 * The gradients of a loss at the parameters of its networks, and its metrics [k].
 * @param thetas of each network, [P]
 * @returns gradients of each network, [P]
 */
export function lossGradients(
  loss: SampleLoss,
  layouts: readonly ParameterLayout[],
  inputs: { readonly thetas: readonly Traced[]; readonly samples: Samples<Traced>; readonly scalars: Arrays<Traced> },
  sequences: Sequences,
  microBatch: number,
): { readonly gradients: readonly Traced[]; readonly metrics: Traced } {
  const parameters = layouts.map((layout, k) => layout.unravel(inputs.thetas[k]));
  // Traced once for each size of micro-batch (there are two at most).
  const traced = new Map<number, PartGradient>();
  const gradientOf = (part: Sequences): PartGradient => {
    const known = traced.get(part.blocks);
    if (known) return known;
    const f = (...[p, s, c]: Parameters<PartGradient>) => [...loss(p, s, c, part)];
    // The tracer's types follow a function's argument trees, which are too deep for the type checker here.
    const gradient = jit(valueAndGrad(f as never, { hasAux: true }) as never) as unknown as PartGradient;
    traced.set(part.blocks, gradient);
    return gradient;
  };
  const parts = microBatches(inputs.samples, sequences, microBatch).map((part) => {
    const [[, metrics], trees] = gradientOf(part.sequences)(parameters, part.samples, inputs.scalars);
    return { metrics, gradients: layouts.map((layout, k) => layout.ravel(trees[k])) };
  });
  return parts.reduce((sum, part) => ({
    metrics: sum.metrics.add(part.metrics),
    gradients: sum.gradients.map((gradient, k) => gradient.add(part.gradients[k])),
  }));
}
