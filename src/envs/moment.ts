/** @file The arrays of a moment of N environments: made, and cut into parts. */

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

/** Part k of `count` of an array's rows; nothing is copied. */
export function rowsOf<A extends Float32Array | Uint8Array>(array: A, k: number, count: number): A {
  const size = array.length / count;
  return array.subarray(size * k, size * (k + 1)) as A;
}

/** Part k of `count` of a moment's environments; nothing is copied. */
export function partOfMoment(moment: VectorMoment, k: number, count: number): VectorMoment {
  const part = <A extends Float32Array | Uint8Array>(array: A): A => rowsOf(array, k, count);
  return {
    observations: moment.observations.map(part),
    states: part(moment.states),
    actionMasks: moment.actionMasks.map(part),
    active: part(moment.active),
    rewards: part(moment.rewards),
    terminations: part(moment.terminations),
    truncations: part(moment.truncations),
    finalObservations: moment.finalObservations.map(part),
    finalStates: part(moment.finalStates),
    wins: part(moment.wins),
  };
}

/**
 * Writes what a step left in some environments into the moment of all; of how episodes ended, the rows where one did.
 * @param first the place of the first of them in `to`
 */
export function writeMoment(from: VectorMoment, to: VectorMoment, first = 0): void {
  const count = from.rewards.length;
  /** All rows of an array. */
  const write = (rows: Float32Array | Uint8Array, into: Float32Array | Uint8Array): void =>
    into.set(rows, (rows.length / count) * first);
  for (let i = 0; i < from.observations.length; i++) {
    write(from.observations[i], to.observations[i]);
    write(from.actionMasks[i], to.actionMasks[i]);
  }
  write(from.states, to.states);
  write(from.active, to.active);
  write(from.rewards, to.rewards);
  write(from.terminations, to.terminations);
  write(from.truncations, to.truncations);
  for (let e = 0; e < count; e++) {
    if (from.terminations[e] + from.truncations[e] === 0) continue;
    for (let i = 0; i < from.finalObservations.length; i++)
      writeRow(from.finalObservations[i], to.finalObservations[i], e, count, first);
    writeRow(from.finalStates, to.finalStates, e, count, first);
    to.wins[first + e] = from.wins[e];
  }
}

/** Row e of `count`. */
function writeRow(from: Float32Array, to: Float32Array, e: number, count: number, first: number): void {
  const size = from.length / count;
  for (let k = 0; k < size; k++) to[(first + e) * size + k] = from[e * size + k];
}
