/** @file The live parameters of a network and of its optimiser, and the one way in which they change. */

import { float32, int32, type Traced } from "../compile/index.ts";
import type { NormalSource } from "../nn/initializers.ts";
import { type AdamState, adam } from "../nn/optimizer.ts";
import type { ParameterLayout } from "../nn/parameters.ts";
import { DivergedError } from "./algorithm.ts";

/** θ and Adam's moments, each [P], and how many steps were taken, [1]: live arrays. */
export interface Network extends AdamState<Float32Array> {
  readonly name: string;
  readonly steps: Int32Array;
  /** Where a step writes, before it is taken over: programs do not write what they read. */
  readonly next: AdamState<Float32Array>;
}

export function createNetwork(name: string, layout: ParameterLayout, random: NormalSource): Network {
  const zeros = () => new Float32Array(layout.size);
  return {
    name,
    theta: layout.initialize(random),
    firstMoment: zeros(),
    secondMoment: zeros(),
    steps: new Int32Array(1),
    next: { theta: zeros(), firstMoment: zeros(), secondMoment: zeros() },
  };
}

/** Its live arrays, by name. */
export const networkState = (network: Network): [string, Float32Array | Int32Array][] => [
  [`${network.name}.theta`, network.theta],
  [`${network.name}.firstMoment`, network.firstMoment],
  [`${network.name}.secondMoment`, network.secondMoment],
  [`${network.name}.steps`, network.steps],
];

/** What a step program takes of a network. */
export const networkSpecs = (size: number) => ({
  theta: float32(size),
  firstMoment: float32(size),
  secondMoment: float32(size),
  steps: int32(),
});

export interface OptimizerSettings {
  readonly maxGradientNorm: number;
  readonly adamEpsilon: number;
}

/** Adam with clipping by norm, inside traced code; `network` as `networkSpecs` declares it. */
export function optimize(
  network: AdamState & { readonly steps: Traced },
  gradient: Traced,
  learningRate: Traced,
  { maxGradientNorm, adamEpsilon }: OptimizerSettings,
): { readonly next: AdamState; readonly gradientNorm: Traced } {
  const step = network.steps.astype(network.theta.dtype);
  const clipping = { epsilon: adamEpsilon, maxNorm: maxGradientNorm };
  const { next, norm } = adam(network, gradient, step, learningRate, clipping);
  return { next, gradientNorm: norm };
}

/** @throws DivergedError if a parameter is not finite */
export function checkFinite({ name, theta }: Network): void {
  // One infinity or NaN makes the sum one too.
  let sum = 0;
  for (let i = 0; i < theta.length; i++) sum += theta[i];
  if (!Number.isFinite(sum)) throw new DivergedError(`a parameter of ${name}`);
}
