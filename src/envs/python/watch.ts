/**
 * @file Sees to it that nobody waits for ever for a process: another thread ends one that takes too long (which the one
 * that waits in a read of its pipe notices), whatever it does: in Python, in C, deep in the system, or stopped.
 */

import { startWorker } from "../../worker.ts";

/** Processes that can be watched at a time. */
const SLOTS = 1_024;

/** What both threads see. */
export interface Watched {
  /** By slot: the process's id (0: nobody's), and how many waits have begun or ended; odd: it is being waited for. */
  readonly slots: Int32Array;
  /** By slot: milliseconds that the wait which began last may take. */
  readonly limits: Float64Array;
}

export const watched = { pid: (slot: number): number => 2 * slot, turns: (slot: number): number => 2 * slot + 1 };

export interface Watch {
  /** Waits for the process in `wait`, for so many milliseconds at most; default: those that it is watched with. */
  during<T>(wait: () => T, milliseconds?: number): T;
  /** The process is of no interest any more. */
  end(): void;
}

let shared: Watched | undefined;

function begin(): Watched {
  const memory: Watched = {
    slots: new Int32Array(new SharedArrayBuffer(8 * SLOTS)),
    limits: new Float64Array(new SharedArrayBuffer(8 * SLOTS)),
  };
  startWorker(import.meta.url, "./watcher", memory).unref();
  return memory;
}

/** Watches a process of which no single wait may take longer than `limit`, ms, unless the wait says so. */
export function watchProcess(pid: number, limit: number): Watch {
  shared ??= begin();
  const { slots, limits } = shared;
  let slot = 0;
  while (slots[watched.pid(slot)] !== 0) {
    slot += 1;
    if (slot === SLOTS) throw new RangeError(`there are ${SLOTS} Python processes, more than can be watched`);
  }
  Atomics.store(slots, watched.pid(slot), pid);
  const turns = watched.turns(slot);
  return {
    during(wait, milliseconds = limit) {
      limits[slot] = milliseconds;
      Atomics.add(slots, turns, 1);
      try {
        return wait();
      } finally {
        Atomics.add(slots, turns, 1);
      }
    },
    end: () => Atomics.store(slots, watched.pid(slot), 0),
  };
}
