/** @file Copies of a Python environment in one process or several, as a `VectorEnv`. */

import type { TeamSpec, VectorEnv, VectorMoment } from "../env.ts";
import { box, discrete, type Space } from "../spaces.ts";
import { argmax, environmentSeed } from "../vectorize.ts";
import {
  answer,
  HEADER_BYTES,
  messageOf,
  type Opened,
  ProcessGoneError,
  type PythonProcess,
  request,
  type ServedCopies,
  startProcess,
  type WireSpace,
} from "./process.ts";

/** Steps of all copies within which replaced processes are counted for `maxRestarts`. */
const RESTART_WINDOW = 1_000;

export interface PythonVectorSettings extends Omit<ServedCopies, "copies" | "first"> {
  /** N */
  readonly numEnvs: number;
  readonly processes: number;
  /** Processes that may be replaced within 1,000 steps before the run stops. */
  readonly maxRestarts: number;
}

/** A `VectorEnv` whose copies can be seen. */
export interface PythonVectorEnv extends VectorEnv {
  /** Whether there are frames. */
  readonly renders: boolean;
  /** How copy e looks now: RGB, [height, width, 3]. */
  frame(e: number): { readonly width: number; readonly height: number; readonly pixels: Uint8Array };
}

function spaceOf(space: WireSpace & { readonly kind: "box" }): ReturnType<typeof box>;
function spaceOf(space: WireSpace): Space;
function spaceOf(space: WireSpace): Space {
  if (space.kind === "discrete") return discrete(space.n);
  const bounds = (side: readonly (number | null)[], infinite: number) => side.map((value) => value ?? infinite);
  return box(space.size, bounds(space.low, Number.NEGATIVE_INFINITY), bounds(space.high, Number.POSITIVE_INFINITY));
}

const teamOf = (opened: Opened): TeamSpec => ({
  agents: opened.agents,
  observationSpaces: opened.observationSpaces.map((space) => spaceOf(space)),
  actionSpaces: opened.actionSpaces.map((space) => spaceOf(space)),
  stateSpace: spaceOf(opened.stateSpace),
  hasActionMasks: opened.hasActionMasks,
  hasInactiveAgents: opened.hasInactiveAgents,
  hasWins: opened.hasWins,
});

/** The arrays of an answer, as they lie in its bytes (python/README.md). */
function wireMoment(team: TeamSpec, n: number) {
  const sizes = team.observationSpaces.map(({ size }) => size);
  const choices = team.actionSpaces.map((space) => (space.kind === "discrete" ? space.n : 0));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const ending = n * (sum(sizes) + team.stateSpace.size);
  const now = ending + n * (sum(choices) + team.agents.length + 4);
  // The whole answer, header first.
  const memory = new Float32Array(HEADER_BYTES / 4 + now + ending);
  let offset = HEADER_BYTES / 4;
  const take = (size: number): Float32Array => {
    const start = offset;
    offset += n * size;
    return memory.subarray(start, offset);
  };
  return {
    bytes: new Uint8Array(memory.buffer),
    observations: sizes.map(take),
    states: take(team.stateSpace.size),
    actionMasks: choices.map(take),
    active: take(team.agents.length),
    rewards: take(1),
    terminations: take(1),
    truncations: take(1),
    wins: take(1),
    finalObservations: sizes.map(take),
    finalStates: take(team.stateSpace.size),
  };
}

/** Row e of `from` (n rows) becomes row `to` of `into`. */
function copyRow(from: Float32Array, e: number, size: number, into: Float32Array, to: number): void {
  for (let k = 0; k < size; k++) into[to * size + k] = from[e * size + k];
}

/** All rows of `from` become the rows of `into` from `first` on. */
function copyRows(from: Float32Array, into: Float32Array | Uint8Array, start: number): void {
  if (from.length === into.length) into.set(from);
  else for (let k = 0; k < from.length; k++) into[start + k] = from[k];
}

/** One process's share of the copies. */
interface Part {
  readonly served: ServedCopies;
  process: PythonProcess;
  readonly actions: readonly Float32Array[];
  readonly actionBytes: Uint8Array;
  readonly wire: ReturnType<typeof wireMoment>;
  /** Processes that this one has come after. */
  restarts: number;
}

/**
 * Starts the processes and makes the copies.
 * @throws InputError where Python, a package or an option is missing or wrong
 */
export function createPythonVectorEnv(settings: PythonVectorSettings): PythonVectorEnv {
  const { numEnvs, processes, maxRestarts, ...shared } = settings;
  const { id } = settings;
  const count = Math.max(1, Math.min(processes, numEnvs));
  const firstOf = (p: number): number => Math.floor((p * numEnvs) / count);
  const share = (p: number): ServedCopies => ({
    ...shared,
    first: firstOf(p),
    copies: firstOf(p + 1) - firstOf(p),
  });
  const starting = Array.from({ length: count }, (_, p) => startProcess(share(p)));
  const started: PythonProcess[] = [];
  try {
    for (const { finish } of starting) started.push(finish());
  } catch (error) {
    for (const process of started) process.close(true);
    throw error;
  }
  const team = teamOf(started[0].opened);
  const parts = started.map((process, p): Part => {
    const served = share(p);
    const widths = team.actionSpaces.map((space) => (space.kind === "discrete" ? 1 : space.size));
    const memory = new Float32Array(HEADER_BYTES / 4 + served.copies * widths.reduce((sum, width) => sum + width, 0));
    let offset = HEADER_BYTES / 4;
    const actions = widths.map((width) => {
      offset += served.copies * width;
      return memory.subarray(offset - served.copies * width, offset);
    });
    return {
      served,
      process,
      actions,
      actionBytes: new Uint8Array(memory.buffer),
      wire: wireMoment(team, served.copies),
      restarts: 0,
    };
  });
  const closeAll = (now: boolean): void => {
    for (const { process } of parts) process.close(now);
  };

  let seed = 0;
  let steps = 0;
  let restarts = 0;
  /** At which steps processes were replaced. */
  let replacedAt: number[] = [];

  const seedsOf = ({ served, restarts: life }: Part): Uint8Array =>
    messageOf(
      new Uint8Array(
        Float64Array.from({ length: served.copies }, (_, e) => {
          const first = environmentSeed(seed, served.first + e);
          return life === 0 ? first : environmentSeed(first, life);
        }).buffer,
      ),
    );
  const copyNow = ({ served: { first, copies }, wire }: Part, moment: VectorMoment): void => {
    const rows = (from: Float32Array, into: Float32Array | Uint8Array): void =>
      copyRows(from, into, (from.length / copies) * first);
    for (let i = 0; i < team.agents.length; i++) {
      rows(wire.observations[i], moment.observations[i]);
      if (wire.actionMasks[i].length > 0) rows(wire.actionMasks[i], moment.actionMasks[i]);
    }
    rows(wire.states, moment.states);
    rows(wire.active, moment.active);
  };
  const copyResults = (part: Part, moment: VectorMoment): void => {
    const { wire, served } = part;
    const { first, copies } = served;
    copyNow(part, moment);
    copyRows(wire.rewards, moment.rewards, first);
    copyRows(wire.terminations, moment.terminations, first);
    copyRows(wire.truncations, moment.truncations, first);
    for (let e = 0; e < copies; e++) {
      if (wire.terminations[e] + wire.truncations[e] === 0) continue;
      for (let i = 0; i < team.agents.length; i++)
        copyRow(wire.finalObservations[i], e, team.observationSpaces[i].size, moment.finalObservations[i], first + e);
      copyRow(wire.finalStates, e, team.stateSpace.size, moment.finalStates, first + e);
      moment.wins[first + e] = wire.wins[e];
    }
  };
  const writeActions = ({ served: { first, copies }, actions }: Part, taken: readonly Float32Array[]): void => {
    for (let i = 0; i < actions.length; i++) {
      const space = team.actionSpaces[i];
      if (space.kind === "discrete") {
        for (let e = 0; e < copies; e++) actions[i][e] = argmax(taken[i], (first + e) * space.n, space.n);
        continue;
      }
      const { size, low, high } = space;
      for (let k = 0; k < copies * size; k++)
        actions[i][k] = Math.min(Math.max(taken[i][first * size + k], low[k % size]), high[k % size]);
    }
  };
  /** A new process takes the place of one that is gone; its episodes end, truncated, where they were last seen. */
  const replace = (part: Part, moment: VectorMoment): void => {
    const { wire, served } = part;
    restarts += 1;
    replacedAt = [...replacedAt.filter((step) => step > steps - RESTART_WINDOW), steps];
    part.process.close(true);
    if (replacedAt.length > maxRestarts) {
      closeAll(true);
      throw new Error(
        `environment ${id}: its Python processes crashed, or took longer than ${served.timeLimitSeconds} s for a step (env.options.timeLimitSeconds), ${replacedAt.length} times within ${RESTART_WINDOW} steps; env.options.maxRestarts allows ${maxRestarts}. What they said last is on stderr`,
      );
    }
    for (let i = 0; i < team.agents.length; i++) wire.finalObservations[i].set(wire.observations[i]);
    wire.finalStates.set(wire.states);
    part.restarts += 1;
    part.process = startProcess(served).finish();
    part.process.send(request.reset, seedsOf(part));
    part.process.receive(answer.moment, wire.bytes);
    wire.rewards.fill(0);
    wire.terminations.fill(0);
    wire.truncations.fill(1);
    wire.wins.fill(0);
    copyResults(part, moment);
  };
  /** Does something with a part's process; whether that is gone. */
  const lost = (what: () => void): boolean => {
    try {
      what();
      return false;
    } catch (error) {
      if (error instanceof ProcessGoneError) return true;
      closeAll(true);
      throw error;
    }
  };
  const reset = (moment: VectorMoment): void => {
    for (const part of parts) part.process.send(request.reset, seedsOf(part));
    for (const part of parts) {
      part.process.receive(answer.moment, part.wire.bytes);
      copyNow(part, moment);
    }
  };

  return {
    numEnvs,
    team,
    renders: started[0].opened.renders,
    reset(from, moment) {
      seed = from;
      try {
        reset(moment);
      } catch (error) {
        closeAll(true);
        if (!(error instanceof ProcessGoneError)) throw error;
        throw new Error(`environment ${id}: ${error.message}, at a reset`, { cause: error });
      }
    },
    step(taken, moment) {
      steps += 1;
      const gone = parts.map((part) => {
        writeActions(part, taken);
        return lost(() => part.process.send(request.step, part.actionBytes));
      });
      parts.forEach((part, p) => {
        if (gone[p] || lost(() => part.process.receive(answer.moment, part.wire.bytes))) replace(part, moment);
        else copyResults(part, moment);
      });
    },
    frame(e) {
      const part = parts.findLast(({ served }) => served.first <= e)!;
      part.process.send(request.render, messageOf(new Uint8Array(Uint32Array.of(e - part.served.first).buffer)));
      const payload = part.process.receive(answer.frame);
      const view = new DataView(payload.buffer, payload.byteOffset);
      return { height: view.getUint32(0, true), width: view.getUint32(4, true), pixels: payload.subarray(8) };
    },
    counters: () => ({ restarts }),
    // What Python holds can't be had: a resumed run begins new episodes.
    snapshot: () => undefined,
    restore() {
      throw new Error(`environment ${id} has no snapshots`);
    },
    close: () => closeAll(false),
  };
}
