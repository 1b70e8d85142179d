/** @file N copies of a MuJoCo task side by side, in this thread and in others over shared memory. */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startWorker, waitWhile } from "../../worker.ts";
import type { VectorEnv, VectorEnvPart, VectorMoment } from "../env.ts";
import { createMoment, partOfMoment, rowsOf } from "../moment.ts";
import { vectorSize } from "../spaces.ts";
import { allocateCopies, type CopiesSnapshot, createCopies, restoreCopies, snapshotCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import type { MujocoOptions } from "./options.ts";
import { createRecorder } from "./recorder.ts";
import { command, orderPart, signal, signalCount, takeCopies, type WorkerStart } from "./shared.ts";
import { createTask } from "./task.ts";

/** Copies what a step wrote; of how episodes ended, the rows where one did. */
function copyMoment(from: VectorMoment, to: VectorMoment): void {
  const numEnvs = from.rewards.length;
  const agents = from.observations.length;
  for (let i = 0; i < agents; i++) to.observations[i].set(from.observations[i]);
  to.states.set(from.states);
  to.active.fill(1);
  to.rewards.set(from.rewards);
  to.terminations.set(from.terminations);
  to.truncations.set(from.truncations);
  for (let e = 0; e < numEnvs; e++) {
    if (from.terminations[e] + from.truncations[e] === 0) continue;
    for (let i = 0; i < agents; i++) copyRow(from.finalObservations[i], to.finalObservations[i], e, numEnvs);
    copyRow(from.finalStates, to.finalStates, e, numEnvs);
    to.wins[e] = 0;
  }
}

function copyRow(from: Float32Array, to: Float32Array, e: number, numEnvs: number): void {
  const size = from.length / numEnvs;
  for (let k = e * size; k < (e + 1) * size; k++) to[k] = from[k];
}

/** Milliseconds for which this thread sleeps until workers finish; longer than any step takes. */
const patience = 2_000;

/** Threads that take copies beside this one, whatever is ordered. */
async function startWorkers(count: number, start: WorkerStart) {
  const workers = Array.from({ length: count }, () => startWorker(import.meta.url, "./worker", start));
  let failure: Error | undefined;
  const failed = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
  };
  for (const worker of workers) {
    worker.once("error", failed);
    worker.once("exit", () => failed(new Error("a MuJoCo worker thread has ended")));
  }
  try {
    await Promise.all(workers.map((worker) => once(worker, "message")));
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.terminate()));
    throw error;
  }
  // A forgotten environment does not keep the process alive.
  for (const worker of workers) worker.unref();
  return {
    /** @throws what a thread failed of */
    check(): void {
      if (failure) throw failure;
    },
    async close(): Promise<void> {
      const { signals } = start;
      const ends = workers.map((worker) => {
        worker.ref();
        return worker.threadId > 0 ? once(worker, "exit") : undefined;
      });
      Atomics.store(signals, signal.command, command.close);
      Atomics.add(signals, signal.order, 1);
      Atomics.notify(signals, signal.order);
      await Promise.all(ends);
    },
  };
}

/** Copies that are worth stepping in two parts, so that one steps while actions are drawn for the other. */
const WORTH_PARTING = 16;

/**
 * N copies of a task.
 * @param id as in `findRobot`
 * @param workers threads that share the work, this one among them; 0 is 1. The result does not depend on it.
 * @throws InputError if there is no such robot or factorisation
 */
export async function createVectorEnv(
  id: string,
  {
    numEnvs,
    workers,
    options,
  }: { readonly numEnvs: number; readonly workers: number; readonly options: MujocoOptions },
): Promise<VectorEnv> {
  const task = createTask(findRobot(id, options), options);
  const { team } = task;
  const helpers = Math.max(Math.min(workers, numEnvs) - 1, 0);
  const allocate = (bytes: number): ArrayBufferLike =>
    helpers > 0 ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  const memory = allocateCopies(task, numEnvs, allocate);
  const moment = createMoment(team, numEnvs, allocate);
  const shared = (sizes: readonly number[]): Float32Array[] =>
    sizes.map((size) => new Float32Array(allocate(4 * numEnvs * size) as ArrayBuffer));
  const actions = shared(team.actionSpaces.map(vectorSize));

  const partCount = numEnvs >= WORTH_PARTING && numEnvs % 2 === 0 ? 2 : 1;
  const signals = new Int32Array(allocate(4 * signalCount(partCount)) as ArrayBuffer);
  const message = new Uint8Array(allocate(1000) as ArrayBuffer);
  const start: WorkerStart = { id, options, memory, moment, actions, parts: partCount, signals, message };
  // Nothing is ordered yet.
  for (let part = 0; part < partCount; part++) signals[signal.next(part)] = numEnvs;
  const copies = await createCopies(task, memory);
  const others = helpers > 0 ? await startWorkers(helpers, start) : undefined;

  const checkMessage = (): void => {
    const length = Atomics.load(signals, signal.messageLength);
    if (length > 0) throw new Error(`MuJoCo: ${new TextDecoder().decode(message.slice(0, length))}`);
  };
  /** A thread that is gone can't report; its end is only heard by an event loop that runs. */
  const waitAwake = async (left: number): Promise<void> => {
    while (Atomics.load(signals, left) > 0) {
      others?.check();
      await sleep(10);
    }
    checkMessage();
  };
  const order = (part: number, what: number): void => {
    others?.check();
    orderPart(start, part, what);
  };
  /** Helps with what is ordered of a part until it is done. */
  const finish = (part: number): Promise<void> | void => {
    takeCopies(copies, start, part);
    const left = signal.left(part);
    // Waiting here costs less than going through the event loop at every step.
    for (;;) {
      const count = Atomics.load(signals, left);
      if (count === 0) return checkMessage();
      if (!waitWhile(signals, left, count, patience)) return waitAwake(left);
    }
  };
  const carry = (done: Promise<void> | void, from: VectorMoment, into: VectorMoment): Promise<void> | void =>
    done ? done.then(() => copyMoment(from, into)) : copyMoment(from, into);

  const parts = Array.from({ length: partCount }, (_, part): VectorEnvPart => {
    const [taken, own] = [
      actions.map((array) => rowsOf(array, part, partCount)),
      partOfMoment(moment, part, partCount),
    ];
    return {
      begin(actions) {
        for (let i = 0; i < taken.length; i++) taken[i].set(actions[i]);
        order(part, command.step);
      },
      finish: (into) => carry(finish(part), own, into),
    };
  });
  /** Has all copies do something, and waits. */
  const orderAll = (what: number): Promise<void> | void => {
    for (let part = 0; part < partCount; part++) order(part, what);
    let done = finish(0);
    for (let part = 1; part < partCount; part++) done = done ? done.then(() => finish(part)) : finish(part);
    return done;
  };

  return {
    numEnvs,
    team,
    ...(partCount > 1 && { parts }),
    reset(seed, into) {
      memory.seed[0] = seed;
      memory.episodes.fill(0);
      memory.divergences.fill(0);
      moment.rewards.fill(0);
      moment.terminations.fill(0);
      moment.truncations.fill(0);
      return carry(orderAll(command.begin), moment, into);
    },
    step(taken, into) {
      for (let i = 0; i < actions.length; i++) actions[i].set(taken[i]);
      return carry(orderAll(command.step), moment, into);
    },
    recorder: () => createRecorder(task, memory),
    counters: () => ({ divergences: memory.divergences.reduce((sum, count) => sum + count, 0) }),
    snapshot: () => snapshotCopies(memory, moment),
    restore(snapshot, into) {
      restoreCopies(snapshot as CopiesSnapshot, memory, moment);
      moment.rewards.fill(0);
      moment.terminations.fill(0);
      moment.truncations.fill(0);
      copyMoment(moment, into);
    },
    async close() {
      await others?.close();
      copies.release();
    },
  };
}
