/** @file N copies of a MuJoCo task side by side, in this thread and in others over shared memory. */

import { startWorker } from "../../worker.ts";
import type { VectorEnv, VectorEnvPart, VectorMoment } from "../env.ts";
import { createMoment, partOfMoment, rowsOf, writeMoment } from "../moment.ts";
import { vectorSize } from "../spaces.ts";
import { threadsOf } from "../threads.ts";
import { allocateCopies, type CopiesSnapshot, createCopies, restoreCopies, snapshotCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import type { MujocoOptions } from "./options.ts";
import { createRecorder } from "./recorder.ts";
import { command, orderPart, signal, signalCount, takeCopies, type WorkerStart } from "./shared.ts";
import { createTask } from "./task.ts";

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
  const started = Array.from({ length: helpers }, () => startWorker(import.meta.url, "./worker", start));
  const others = helpers > 0 ? await threadsOf(started, "MuJoCo") : undefined;

  const checkMessage = (): void => {
    const length = Atomics.load(signals, signal.messageLength);
    if (length > 0) throw new Error(`MuJoCo: ${new TextDecoder().decode(message.slice(0, length))}`);
  };
  const order = (part: number, what: number): void => {
    others?.check();
    orderPart(start, part, what);
  };
  /** Helps with what is ordered of a part until it is done. */
  const finish = (part: number): Promise<void> | void => {
    takeCopies(copies, start, part);
    const done = others?.finish(signals, signal.left(part));
    return done ? done.then(checkMessage) : checkMessage();
  };
  const carry = (done: Promise<void> | void, from: VectorMoment, into: VectorMoment): Promise<void> | void =>
    done ? done.then(() => writeMoment(from, into)) : writeMoment(from, into);

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
      writeMoment(moment, into);
    },
    async close() {
      await others?.close(() => {
        Atomics.store(signals, signal.command, command.close);
        Atomics.add(signals, signal.order, 1);
        Atomics.notify(signals, signal.order);
      });
      copies.release();
    },
  };
}
