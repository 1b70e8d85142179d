/** @file Copies of a task, stepped one after the other in one thread, over memory that threads may share. */

import { Random } from "../../random.ts";
import { fromBase64, toBase64 } from "../bytes.ts";
import type { VectorMoment } from "../env.ts";
import type { Allocate } from "../moment.ts";
import { createSimulator, type Simulator } from "./physics.ts";
import { finishVector, rowSize, type Task, type VectorPlan } from "./task.ts";

/** All that decides what happens next in N copies, besides the seed. */
export interface CopiesMemory {
  /** [N, row size] */
  readonly rows: Float64Array;
  /** [N, row size]: how the episode before stood when its last step ended it. Decides nothing. */
  readonly finalRows: Float64Array;
  /** [N]: steps taken in this episode. */
  readonly elapsed: Int32Array;
  /** [N]: episodes started. Episode k of copy e draws its noise from a stream that follows from (seed, e, k). */
  readonly episodes: Int32Array;
  /** [N]: episodes that were cut off because the physics diverged. */
  readonly divergences: Int32Array;
  /** [1]: the seed. */
  readonly seed: Float64Array;
}

export function allocateCopies(task: Task, numEnvs: number, allocate: Allocate): CopiesMemory {
  const numbers = (length: number): Float64Array => new Float64Array(allocate(8 * length) as ArrayBuffer);
  const counters = (): Int32Array => new Int32Array(allocate(4 * numEnvs) as ArrayBuffer);
  return {
    rows: numbers(numEnvs * rowSize(task)),
    finalRows: numbers(numEnvs * rowSize(task)),
    elapsed: counters(),
    episodes: counters(),
    divergences: counters(),
    seed: numbers(1),
  };
}

/** Everything that decides what happens next, and what is seen now; bytes in base64, so that it comes back exactly. */
export interface CopiesSnapshot {
  readonly memory: Readonly<Record<Exclude<keyof CopiesMemory, "finalRows">, string>>;
  readonly observations: readonly string[];
  readonly states: string;
}

/** The copies' situation as JSON-able data. */
export function snapshotCopies(memory: CopiesMemory, moment: VectorMoment): CopiesSnapshot {
  return {
    memory: {
      rows: toBase64(memory.rows),
      elapsed: toBase64(memory.elapsed),
      episodes: toBase64(memory.episodes),
      divergences: toBase64(memory.divergences),
      seed: toBase64(memory.seed),
    },
    observations: moment.observations.map(toBase64),
    states: toBase64(moment.states),
  };
}

/**
 * Goes back to what `snapshotCopies` returned.
 * @throws RangeError if it is of another task or number of copies
 */
export function restoreCopies(snapshot: CopiesSnapshot, memory: CopiesMemory, moment: VectorMoment): void {
  fromBase64(snapshot.memory.rows, memory.rows, "MuJoCo");
  fromBase64(snapshot.memory.elapsed, memory.elapsed, "MuJoCo");
  fromBase64(snapshot.memory.episodes, memory.episodes, "MuJoCo");
  fromBase64(snapshot.memory.divergences, memory.divergences, "MuJoCo");
  fromBase64(snapshot.memory.seed, memory.seed, "MuJoCo");
  for (let i = 0; i < moment.observations.length; i++)
    fromBase64(snapshot.observations[i], moment.observations[i], "MuJoCo");
  fromBase64(snapshot.states, moment.states, "MuJoCo");
}

export interface Copies {
  /** Starts copy e's next episode; writes its observations and state. */
  begin(e: number, moment: VectorMoment): void;
  /** Takes copy e's step, without starting anew at an episode's end; whether it ended. */
  advance(e: number, actions: readonly Float32Array[], moment: VectorMoment): boolean;
  /** Takes copy e's step; where it ends the episode, keeps how it ended and starts anew. */
  step(e: number, actions: readonly Float32Array[], moment: VectorMoment): void;
  release(): void;
}

export async function createCopies(task: Task, memory: CopiesMemory): Promise<Copies> {
  const simulator: Simulator = await createSimulator(task.robot);
  const { robot, team, observations, state, motors, actionLimit, resetNoise, episodeLimit } = task;
  const control = new Float64Array(robot.description.motors.length);
  const agents = team.agents.length;

  const write = (plan: VectorPlan, into: Float32Array, e: number): void => {
    simulator.read(plan.features, into, e * plan.size);
    finishVector(plan, into, e * plan.size);
  };
  const look = (e: number, moment: VectorMoment): void => {
    for (let i = 0; i < agents; i++) write(observations[i], moment.observations[i], e);
    write(state, moment.states, e);
  };
  const keepFinal = (e: number, moment: VectorMoment): void => {
    for (let i = 0; i < agents; i++) {
      const { size } = observations[i];
      const from = moment.observations[i];
      const to = moment.finalObservations[i];
      for (let k = e * size; k < (e + 1) * size; k++) to[k] = from[k];
    }
    const { size } = state;
    for (let k = e * size; k < (e + 1) * size; k++) moment.finalStates[k] = moment.states[k];
    const { rowSize: row } = simulator;
    for (let k = e * row; k < (e + 1) * row; k++) memory.finalRows[k] = memory.rows[k];
  };

  function begin(e: number, moment: VectorMoment): void {
    const episode = memory.episodes[e]++;
    memory.elapsed[e] = 0;
    const random = new Random(memory.seed[0]).split(e).split(episode);
    simulator.reset(memory.rows, e, random, resetNoise);
    look(e, moment);
  }

  function advance(e: number, actions: readonly Float32Array[], moment: VectorMoment): boolean {
    for (let i = 0; i < agents; i++) {
      const moves = motors[i];
      const size = moves.length;
      for (let k = 0; k < size; k++) {
        const action = actions[i][e * size + k];
        control[moves[k]] = Math.min(Math.max(action, -actionLimit), actionLimit);
      }
    }
    const { reward, terminated, diverged } = simulator.step(memory.rows, e, control);
    const elapsed = ++memory.elapsed[e];
    moment.rewards[e] = reward;
    moment.terminations[e] = terminated ? 1 : 0;
    // A diverged episode ends where it was last sound: what was observed before the step stays in the moment.
    moment.truncations[e] = !terminated && (diverged || elapsed >= episodeLimit) ? 1 : 0;
    if (diverged) memory.divergences[e]++;
    else look(e, moment);
    return moment.terminations[e] + moment.truncations[e] > 0;
  }

  return {
    begin,
    advance,
    step(e, actions, moment) {
      if (!advance(e, actions, moment)) return;
      keepFinal(e, moment);
      begin(e, moment);
    },
    release: () => simulator.release(),
  };
}
