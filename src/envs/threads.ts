/** @file Threads that step copies of an environment beside the one that trains: from their start to their end. */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { waitWhile } from "../worker.ts";

/** Milliseconds for which the training thread sleeps until others finish; longer than most steps take. */
const PATIENCE = 2_000;

export interface Threads {
  /** @throws what a thread failed of */
  check(): void;
  /**
   * Waits until a signal, of how many are not done, is 0. Sleeping here costs less than going through the event loop at
   * every step; what takes long is waited for there, where the end of a thread is heard.
   */
  finish(signals: Int32Array, left: number): Promise<void> | void;
  /** @param order tells the threads to end */
  close(order: () => void): Promise<void>;
}

/**
 * Takes threads into service that have just been started and will each say that they are ready.
 * @param what they do, for errors
 * @throws what a thread failed of
 */
export async function threadsOf(workers: readonly Worker[], what: string): Promise<Threads> {
  let failure: Error | undefined;
  const failed = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
  };
  for (const worker of workers) {
    worker.once("error", failed);
    worker.once("exit", () => failed(new Error(`a ${what} thread has ended`)));
  }
  const check = (): void => {
    if (failure) throw failure;
  };
  try {
    await Promise.all(workers.map((worker) => once(worker, "message")));
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.terminate()));
    throw error;
  }
  // A forgotten environment does not keep the process alive.
  for (const worker of workers) worker.unref();
  /** A thread that is gone can't report; its end is only heard by an event loop that runs. */
  const finishAwake = async (signals: Int32Array, left: number): Promise<void> => {
    while (Atomics.load(signals, left) > 0) {
      check();
      await sleep(10);
    }
  };
  return {
    check,
    finish(signals, left) {
      for (;;) {
        const count = Atomics.load(signals, left);
        if (count === 0) return;
        if (!waitWhile(signals, left, count, PATIENCE)) return finishAwake(signals, left);
      }
    },
    async close(order) {
      const ends = workers.map((worker) => {
        worker.ref();
        return worker.threadId > 0 ? once(worker, "exit") : undefined;
      });
      order();
      await Promise.all(ends);
    },
  };
}
