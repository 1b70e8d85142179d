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
  /** In how many parts the copies are ordered. */
  readonly parts: number;
  /** See `signal`. */
  readonly signals: Int32Array;
  /** What went wrong with a copy, UTF-8. */
  readonly message: Uint8Array;
}

/** Places in `signals`. */
export const signal = {
  /** Counts orders; workers sleep on it. */
  order: 0,
  /** What is ordered, one of `command`. */
  command: 1,
  /** Length of `message`, 0 where all is well. */
  messageLength: 2,
  /** By part: the copy to be taken next; whichever thread is free takes it. */
  next: (part: number) => 3 + 2 * part,
  /** By part: copies that are not done; whoever ordered sleeps on it. */
  left: (part: number) => 4 + 2 * part,
} as const;

/** Numbers that `signals` needs for so many parts. */
export const signalCount = (parts: number): number => 3 + 2 * parts;

export const command = { begin: 0, step: 1, close: 2 } as const;

/** Orders what every copy of a part is to do. What it needs must lie ready. */
export function orderPart({ memory, parts, signals }: WorkerStart, part: number, what: number): void {
  const size = memory.elapsed.length / parts;
  Atomics.store(signals, signal.command, what);
  Atomics.store(signals, signal.left(part), size);
  Atomics.store(signals, signal.next(part), part * size);
  Atomics.add(signals, signal.order, 1);
  Atomics.notify(signals, signal.order);
}

/**
 * Carries out an order: takes copies of a part until there are none. Whoever helps calls this, at the same time. What
 * goes wrong is left in `message`.
 */
export function takeCopies(copies: Copies, start: WorkerStart, part: number): void {
  const { memory, moment, actions, parts, signals, message } = start;
  const end = (part + 1) * (memory.elapsed.length / parts);
  const [next, left] = [signal.next(part), signal.left(part)];
  for (;;) {
    const e = Atomics.add(signals, next, 1);
    if (e >= end) return;
    try {
      if (Atomics.load(signals, signal.command) === command.begin) copies.begin(e, moment);
      else copies.step(e, actions, moment);
    } catch (error) {
      const { written } = new TextEncoder().encodeInto(String(error), message);
      Atomics.store(signals, signal.messageLength, written);
    } finally {
      if (Atomics.sub(signals, left, 1) === 1) Atomics.notify(signals, left);
    }
  }
}

/** A worker's life: sleeps until there is an order, takes copies until there are none. */
export function serve(copies: Copies, start: WorkerStart): void {
  const { parts, signals } = start;
  for (let order = 0; ; ) {
    waitWhile(signals, signal.order, order);
    // Looked up before the parts are: an order that comes after that is looked for again.
    order = Atomics.load(signals, signal.order);
    if (Atomics.load(signals, signal.command) === command.close) return;
    for (let part = 0; part < parts; part++) takeCopies(copies, start, part);
  }
}
