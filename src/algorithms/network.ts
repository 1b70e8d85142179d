/** @file The live parameters of a network and of its optimiser. */

import type { NormalSource } from "../nn/initializers.ts";
import type { AdamState } from "../nn/optimizer.ts";
import type { ParameterLayout } from "../nn/parameters.ts";
import { DivergedError } from "./algorithm.ts";

/** θ [P], and what Adam keeps of it. */
export interface Network extends AdamState {
  readonly name: string;
}

export function createNetwork(name: string, layout: ParameterLayout, random: NormalSource): Network {
  const zeros = () => new Float32Array(layout.size);
  return {
    name,
    theta: layout.initialize(random),
    firstMoment: zeros(),
    secondMoment: zeros(),
    steps: new Int32Array(1),
  };
}

/** Its live arrays, by name. */
export const networkState = (network: Network): [string, Float32Array | Int32Array][] => [
  [`${network.name}.theta`, network.theta],
  [`${network.name}.firstMoment`, network.firstMoment],
  [`${network.name}.secondMoment`, network.secondMoment],
  [`${network.name}.steps`, network.steps],
];

/** @throws DivergedError if a parameter is not finite */
export function checkFinite({ name, theta }: Network): void {
  // One infinity or NaN makes the sum one too.
  let sum = 0;
  for (let i = 0; i < theta.length; i++) sum += theta[i];
  if (!Number.isFinite(sum)) throw new DivergedError(`a parameter of ${name}`);
}
