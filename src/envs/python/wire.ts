/** @file Moments and actions of one group of copies, as they lie in messages (python/README.md). */

import type { TeamSpec, VectorMoment } from "../env.ts";
import { argmax } from "../vectorize.ts";
import { HEADER_BYTES } from "./message.ts";

const HEADER = HEADER_BYTES / 4;

/** What is wrong with what a copy sent. */
export interface MomentFault {
  /** In its group. */
  readonly copy: number;
  readonly what: string;
}

/** A message's memory, header first, and what reads or writes it. */
export interface MomentMessage {
  readonly bytes: Uint8Array;
  /** Of the shortest: where no episode ended. */
  readonly shortest: number;
  /**
   * Copies to rows of a moment, from row `to` on.
   * @param results whether it is a step's, rather than a reset's
   * @returns what is wrong with the first copy of the group of which anything is
   */
  read(moment: VectorMoment, to: number, results: boolean): MomentFault | undefined;
  /** By copy, what it sees. */
  seen(): readonly Float32Array[];
  /** Makes it say that all episodes ended, truncated, where that was seen, and that others have begun where they are. */
  truncate(last: readonly Float32Array[]): void;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** For the moments of n copies. */
export function createMomentMessage(team: TeamSpec, n: number): MomentMessage {
  const sizes = team.observationSpaces.map(({ size }) => size);
  const choices = team.actionSpaces.map((space) => (space.kind === "discrete" ? space.n : 0));
  const stateSize = team.stateSpace.size;
  const agents = team.agents.length;
  const finalRow = sum(sizes) + stateSize;
  const row = finalRow + sum(choices) + agents + 4;
  const memory = new Float32Array(HEADER + n * (row + finalRow));
  const finals = HEADER + n * row;

  /** Copies numbers to a row; their sum is finite only if all of them are. */
  const take = (from: number, size: number, into: Float32Array, to: number): number => {
    let total = 0;
    for (let k = 0; k < size; k++) {
      const value = memory[from + k];
      into[to * size + k] = value;
      total += value;
    }
    return total;
  };

  /** What a copy sees, at `at` of the memory. */
  const takeSeen = (at: number, observations: readonly Float32Array[], states: Float32Array, to: number): number => {
    let offset = at;
    let total = 0;
    for (let i = 0; i < agents; i++) {
      total += take(offset, sizes[i], observations[i], to);
      offset += sizes[i];
    }
    return total + take(offset, stateSize, states, to);
  };

  const allowed = new Float64Array(agents);
  /** The first agent that can act and is allowed nothing, or not in finite numbers; −1: none. */
  const stuck = (active: Float32Array, row: number): number => {
    for (let i = 0; i < agents; i++)
      if (choices[i] > 0 && active[row * agents + i] === 1 && !(allowed[i] > 0 && Number.isFinite(allowed[i])))
        return i;
    return -1;
  };

  const read = (moment: VectorMoment, to: number, results: boolean): MomentFault | undefined => {
    let fault: MomentFault | undefined;
    let ended = 0;
    for (let e = 0; e < n; e++) {
      let offset = HEADER + e * row;
      let total = takeSeen(offset, moment.observations, moment.states, to + e);
      offset += finalRow;
      for (let i = 0; i < agents; i++) {
        if (choices[i] > 0) allowed[i] = take(offset, choices[i], moment.actionMasks[i], to + e);
        offset += choices[i];
      }
      take(offset, agents, moment.active, to + e);
      offset += agents;
      if (results) {
        const [terminated, truncated] = [memory[offset + 1], memory[offset + 2]];
        total += memory[offset];
        moment.rewards[to + e] = memory[offset];
        moment.terminations[to + e] = terminated;
        moment.truncations[to + e] = truncated;
        if (terminated + truncated > 0) {
          moment.wins[to + e] = memory[offset + 3];
          total += takeSeen(finals + ended * finalRow, moment.finalObservations, moment.finalStates, to + e);
          ended += 1;
        }
      }
      // Doubles: float32 that are finite have a finite sum.
      if (!Number.isFinite(total))
        fault ??= { copy: e, what: "an observation, a state or a reward is not a finite number" };
      const agent = stuck(moment.active, to + e);
      if (agent >= 0) {
        const what = Number.isFinite(allowed[agent]) ? "allows nothing" : "is not finite";
        fault ??= { copy: e, what: `the action mask of ${team.agents[agent]} ${what}` };
      }
    }
    return fault;
  };

  const seen = (): readonly Float32Array[] =>
    Array.from({ length: n }, (_, e) => memory.slice(HEADER + e * row, HEADER + e * row + finalRow));

  const truncate = (last: readonly Float32Array[]): void => {
    for (let e = 0; e < n; e++) {
      memory.set(last[e], finals + e * finalRow);
      memory.set([0, 0, 1, 0], HEADER + (e + 1) * row - 4);
    }
  };

  return { bytes: new Uint8Array(memory.buffer), shortest: 4 * finals, read, seen, truncate };
}

export interface ActionMessage {
  readonly bytes: Uint8Array;
  /** Takes rows of what each agent does, from row `from` on; vectors are kept within their space. */
  write(actions: readonly Float32Array[], from: number): void;
}

/** How many bytes a copy's actions take. */
export const actionBytes = (team: TeamSpec): number =>
  4 * sum(team.actionSpaces.map((space) => (space.kind === "discrete" ? 1 : space.size)));

/** For the actions of n copies. */
export function createActionMessage(team: TeamSpec, n: number): ActionMessage {
  const row = actionBytes(team) / 4;
  const memory = new Float32Array(HEADER + n * row);
  const choices = new Int32Array(memory.buffer);
  return {
    bytes: new Uint8Array(memory.buffer),
    write(actions, from) {
      let offset = HEADER;
      for (let i = 0; i < actions.length; i++) {
        const space = team.actionSpaces[i];
        const taken = actions[i];
        if (space.kind === "discrete") {
          for (let e = 0; e < n; e++) choices[offset + e * row] = argmax(taken, (from + e) * space.n, space.n);
          offset += 1;
          continue;
        }
        const { size, low, high } = space;
        for (let e = 0; e < n; e++) {
          for (let k = 0; k < size; k++)
            memory[offset + e * row + k] = Math.min(Math.max(taken[(from + e) * size + k], low[k]), high[k]);
        }
        offset += size;
      }
    },
  };
}
