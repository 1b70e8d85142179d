/** @file The gradient of a loss over samples, inside traced code. */

import type { Traced, Tree } from "../compile/index.ts";
import { valueAndGrad } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import type { ParameterLayout } from "../nn/parameters.ts";
import { type Arrays, cutTracedSamples, inTimeOrder, type Samples } from "./minibatch.ts";

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

/** The gradient of a loss, as the tracer gives it. */
type SampleGradient = (
  parameters: readonly Tree<Traced>[],
  samples: Samples<Traced>,
  scalars: Arrays<Traced>,
) => [[loss: Traced, metrics: Traced], readonly Tree<Traced>[]];

/** What samples come to: the gradients of each network [P], and the metrics [k]. */
export interface LossGradients {
  readonly gradients: readonly Traced[];
  readonly metrics: Traced;
}

/** What a loss is differentiated at. */
export interface LossInputs {
  /** Of each network, [P] */
  readonly thetas: readonly Traced[];
  readonly samples: Samples<Traced>;
  readonly scalars: Arrays<Traced>;
}

/**
 * The gradients of a loss at the parameters of its networks, and its metrics.
 * @param microBatches how the samples are cut, in order, into what is computed together; default: all of them are
 */
export function lossGradients(
  loss: SampleLoss,
  layouts: readonly ParameterLayout[],
  { thetas, samples, scalars }: LossInputs,
  sequences: Sequences,
  microBatches: readonly Sequences[] = [sequences],
): LossGradients {
  const parameters = layouts.map((layout, k) => layout.unravel(thetas[k]));
  const parts = cutTracedSamples(samples, microBatches).map((cut, i): LossGradients => {
    const [part, inTime] = inTimeOrder(cut, microBatches[i]);
    const f = (...[p, s, c]: Parameters<SampleGradient>) => [...loss(p, s, c, inTime)];
    // The tracer's types follow a function's argument trees, which are too deep for the type checker here.
    const gradient = valueAndGrad(f as never, { hasAux: true }) as unknown as SampleGradient;
    const [[, metrics], trees] = gradient(parameters, part, scalars);
    return { gradients: layouts.map((layout, k) => layout.ravel(trees[k])), metrics };
  });
  return parts.reduce((sum, part) => ({
    gradients: sum.gradients.map((own, k) => own.add(part.gradients[k])),
    metrics: sum.metrics.add(part.metrics),
  }));
}
