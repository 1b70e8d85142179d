/** @file The memory that a team of worker threads shares, and how work is handed out through it. */

import { waitWhile } from "../../worker.ts";
import type { VectorMoment } from "../env.ts";
import type { Copies, CopiesMemory } from "./copies.ts";
import type { MujocoOptions } from "./options.ts";

/** What a worker thread is started with; all arrays lie over `SharedArrayBuffer`s. */
export interface WorkerStart {
  readonly id: string;
  readonly options: MujocoOptions;
  readonly memory: CopiesMemory;
  readonly moment: VectorMoment;
  readonly actions: readonly Float32Array[];
  /** See `signal`. */
  readonly signals: Int32Array;
  /** What went wrong in a worker, UTF-8. */
  readonly message: Uint8Array;
}

/** Places in `signals`. */
export const signal = {
  /** Counts orders; workers sleep on it. */
  order: 0,
  /** What is ordered, one of `command`. */
  command: 1,
  /** The copy to be taken next: whichever thread is free takes it. */
  next: 2,
  /** Workers that have not finished the order; whoever orders sleeps on it. */
  pending: 3,
  /** Length of `message`, 0 where all is well. */
  messageLength: 4,
} as const;

export const command = { begin: 0, step: 1, close: 2 } as const;

/** Carries out an order: takes copies until there are none left. Whoever helps calls this, at the same time. */
export function takeCopies(copies: Copies, { memory, moment, actions, signals }: WorkerStart, ordered: number): void {
  const numEnvs = memory.elapsed.length;
  for (;;) {
    const e = Atomics.add(signals, signal.next, 1);
    if (e >= numEnvs) return;
    if (ordered === command.begin) copies.begin(e, moment);
    else copies.step(e, actions, moment);
  }
}

/** A worker's life: sleeps until there is an order, takes copies until there are none left, says so. */
export function serve(copies: Copies, start: WorkerStart): void {
  const { signals, message } = start;
  // Orders are counted, not looked up: the next may be there before this thread has reported the last one done.
  for (let order = 0; ; order = (order + 1) | 0) {
    waitWhile(signals, signal.order, order);
    const ordered = Atomics.load(signals, signal.command);
    try {
      if (ordered === command.close) return;
      takeCopies(copies, start, ordered);
    } catch (error) {
      const { written } = new TextEncoder().encodeInto(String(error), message);
      Atomics.store(signals, signal.messageLength, written);
    } finally {
      if (Atomics.sub(signals, signal.pending, 1) === 1) Atomics.notify(signals, signal.pending);
    }
  }
}
