/**
 * @file Runs programs in threads of their own, beside those that run here. ONNX Runtime blocks the thread that calls
 * it, so two programs run at the same time only in two threads.
 *
 * Numbers go over in shared memory: copied in before a run and out after it, since ONNX Runtime takes no shared arrays.
 */

import { once } from "node:events";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { startWorker, waitWhile } from "../../worker.ts";
import type { ArraySpec, ElementType } from "../trace.ts";
import type { OnnxOptions } from "./onnx.ts";
import { allocate, type Data, type Executable } from "./runtime.ts";

/** An array of a program. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
  /** In shared memory: bytes from its start. In the thread's own, for its programs only: its name there. */
  readonly place: number | string;
}

/** What is asked of the thread by message; runs are asked for through `signal`. */
export type Request =
  | {
      readonly kind: "load";
      readonly program: number;
      /** Which model it is: programs of one model share a session. */
      readonly session: number;
      readonly model: Uint8Array;
      readonly inputs: readonly Slot[];
      readonly outputs: readonly Slot[];
      readonly memory: SharedArrayBuffer;
      readonly options: OnnxOptions;
    }
  | { readonly kind: "release"; readonly program: number };

/** Sent when a request that came by message is done. */
export interface Reply {
  readonly error?: string;
}

/** What the thread is started with. */
export interface ThreadStart {
  /** Where requests come from, and replies go to. */
  readonly port: MessagePort;
  /** See `signal`. */
  readonly signals: Int32Array;
  /** What went wrong in the last run, UTF-8. */
  readonly message: Uint8Array;
}

/** Places in the memory through which the two sides wake each other. */
export const signal = {
  /** Counts requests. */
  asked: 0,
  /** The program to be run; −1: the request is a message. */
  program: 1,
  /** Counts requests that are done. */
  done: 2,
  /** Length of `message`, 0 where all is well. */
  messageLength: 3,
} as const;

/** The array at `offset` of `memory`. */
export function arrayAt(memory: SharedArrayBuffer, { dtype, shape }: Slot, offset: number): Data {
  const size = shape.reduce((product, length) => product * length, 1);
  switch (dtype) {
    case "float32":
      return new Float32Array(memory, offset, size);
    case "int32":
      return new Int32Array(memory, offset, size);
    case "bool":
      return new Uint8Array(memory, offset, size);
  }
}

/**
 * Loads an ONNX model in a background thread, which is started for the first. Where the same array is loaded again, the
 * session that it has there is used.
 * @param thread which of them, from 1
 * @param kept names, in the thread's own memory, of inputs and outputs that stay there: its programs hand them on
 */
export async function backgroundExecutable(
  model: Uint8Array,
  inputs: ReadonlyMap<string, ArraySpec>,
  outputs: ReadonlyMap<string, ArraySpec>,
  options: OnnxOptions,
  thread: number,
  kept: Readonly<Record<string, string>> = {},
): Promise<Executable> {
  let size = 0;
  const slotsOf = (specs: ReadonlyMap<string, ArraySpec>): Slot[] =>
    [...specs].map(([name, { shape, dtype, size: elements }]) => {
      if (kept[name] !== undefined) return { name, shape, dtype: dtype as ElementType, place: kept[name] };
      const slot = { name, shape, dtype: dtype as ElementType, place: size };
      size += Math.ceil((elements * 4) / 8) * 8;
      return slot;
    });
  const [inputSlots, outputSlots] = [slotsOf(inputs), slotsOf(outputs)];
  const memory = new SharedArrayBuffer(Math.max(size, 8));
  const views = (slots: readonly Slot[]) =>
    slots.flatMap((slot) =>
      typeof slot.place === "number" ? [{ name: slot.name, data: arrayAt(memory, slot, slot.place) }] : [],
    );
  const [feedViews, resultViews] = [views(inputSlots), views(outputSlots)];
  threads[thread] ??= new BackgroundThread(() => delete threads[thread]);
  const { ask, run } = threads[thread];
  const program = nextProgram++;
  const session = sessions.get(model) ?? program;
  sessions.set(model, session);
  await ask({ kind: "load", program, session, model, inputs: inputSlots, outputs: outputSlots, memory, options });
  return {
    async run(feeds, into) {
      const results: Record<string, Data> = {};
      // The memory is that of the run whose turn it is.
      await run(
        program,
        () => {
          for (const { name, data } of feedViews) data.set(feeds[name]);
        },
        () => {
          for (const { name, data } of resultViews) {
            results[name] = into[name] ?? allocate(outputs.get(name)!);
            results[name].set(data);
          }
        },
      );
      return results;
    },
    release: () => ask({ kind: "release", program }),
  };
}

const threads: Record<number, BackgroundThread> = {};
let nextProgram = 0;
/** By model: the first program of it, after which its sessions are called. */
const sessions = new WeakMap<Uint8Array, number>();

/** Milliseconds for which this thread sleeps until the other is done; longer than any run takes. */
const PATIENCE = 2_000;

/** A thread. It does not keep the process alive. */
class BackgroundThread {
  readonly #signals = new Int32Array(new SharedArrayBuffer(4 * 4));
  readonly #message = new Uint8Array(new SharedArrayBuffer(1000));
  readonly #port: MessagePort;
  /** Rejects when the thread ends. */
  readonly #ended: Promise<never>;
  /** One request at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(onEnd: () => void) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: ThreadStart = { port: port2, signals: this.#signals, message: this.#message };
    const worker: Worker = startWorker(import.meta.url, "./background-worker", start, [port2]);
    worker.unref();
    port1.unref();
    this.#ended = new Promise((_, reject) => {
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("a background thread has ended")));
    });
    this.#ended.catch(onEnd);
  }

  /** Has the thread load or release a program. */
  readonly ask = (request: Request): Promise<void> =>
    this.#inTurn(async () => {
      const reply = once(this.#port, "message") as Promise<[Reply]>;
      this.#port.ref();
      this.#port.postMessage(request);
      this.#announce(-1);
      const [{ error }] = await Promise.race([reply, this.#ended]);
      this.#port.unref();
      if (error !== undefined) throw new Error(error);
    });

  /**
   * Has the thread run a program; this thread sleeps until it is done, when it has done its own part.
   * @param give writes what the program takes, when it is its turn
   * @param take reads what it came to, before it is another's
   */
  readonly run = (program: number, give: () => void, take: () => void): Promise<void> =>
    this.#inTurn(async () => {
      give();
      const asked = this.#announce(program);
      // What is to run here at the same time runs now.
      await nextTurn();
      for (;;) {
        const done = Atomics.load(this.#signals, signal.done);
        if (done === asked) break;
        if (waitWhile(this.#signals, signal.done, done, PATIENCE)) continue;
        // A thread that is gone can't report; its end is only heard by an event loop that runs.
        await Promise.race([sleep(10), this.#ended]);
      }
      const length = Atomics.load(this.#signals, signal.messageLength);
      if (length > 0) throw new Error(new TextDecoder().decode(this.#message.slice(0, length)));
      take();
    });

  /** @returns how many requests there have been */
  #announce(program: number): number {
    Atomics.store(this.#signals, signal.program, program);
    const asked = (Atomics.add(this.#signals, signal.asked, 1) + 1) | 0;
    Atomics.notify(this.#signals, signal.asked);
    return asked;
  }

  #inTurn(request: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(request);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
