/** @file The arrays of a moment of N environments: made, cut into parts, and filled. */

import type { TeamSpec, VectorMoment } from "./env.ts";

/** Makes the memory for an array of `length` elements of `bytes` each; `SharedArrayBuffer`s, where threads share it. */
export type Allocate = (bytes: number) => ArrayBufferLike;

const allocateOrdinary: Allocate = (bytes) => new ArrayBuffer(bytes);

/** A moment of `numEnvs` environments, all zero; `active` and the masks all one. */
export function createMoment(team: TeamSpec, numEnvs: number, allocate: Allocate = allocateOrdinary): VectorMoment {
  const floats = (size: number): Float32Array => new Float32Array(allocate(4 * numEnvs * size) as ArrayBuffer);
  const flags = (): Uint8Array => new Uint8Array(allocate(numEnvs) as ArrayBuffer);
  const observations = () => team.observationSpaces.map(({ size }) => floats(size));
  return {
    observations: observations(),
    states: floats(team.stateSpace.size),
    actionMasks: team.actionSpaces.map((space) => floats(space.kind === "discrete" ? space.n : 0).fill(1)),
    active: floats(team.agents.length).fill(1),
    rewards: floats(1),
    terminations: flags(),
    truncations: flags(),
    finalObservations: observations(),
    finalStates: floats(team.stateSpace.size),
    wins: flags(),
  };
}
