/**
 * @file Runs programs in a thread of their own, beside those that run here. ONNX Runtime blocks the thread that calls
 * it, so two programs run at the same time only in two threads.
 *
 * Numbers go over in shared memory: copied in before a run and out after it, since ONNX Runtime takes no shared arrays.
 */

import type { Worker } from "node:worker_threads";
import { startWorker } from "../../worker.ts";
import type { ArraySpec, ElementType } from "../trace.ts";
import type { OnnxOptions } from "./onnx.ts";
import { allocate, type Data, type Executable } from "./runtime.ts";

/** An array in shared memory. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
  /** Bytes from the start of the memory. */
  readonly offset: number;
}

export type Request =
  | {
      readonly kind: "load";
      readonly program: number;
      readonly model: Uint8Array;
      readonly inputs: readonly Slot[];
      readonly outputs: readonly Slot[];
      readonly memory: SharedArrayBuffer;
      readonly options: OnnxOptions;
    }
  | { readonly kind: "run" | "release"; readonly program: number };

/** Sent when a request is done. */
export interface Reply {
  readonly program: number;
  readonly error?: string;
}

/** The slot's array in `memory`. */
export function arrayAt(memory: SharedArrayBuffer, { dtype, offset, shape }: Slot): Data {
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

/** Loads an ONNX model in the background thread, which is started for the first. */
export async function backgroundExecutable(
  model: Uint8Array,
  inputs: ReadonlyMap<string, ArraySpec>,
  outputs: ReadonlyMap<string, ArraySpec>,
  options: OnnxOptions,
): Promise<Executable> {
  let size = 0;
  const slotsOf = (specs: ReadonlyMap<string, ArraySpec>): Slot[] =>
    [...specs].map(([name, { shape, dtype, size: elements }]) => {
      const slot = { name, shape, dtype: dtype as ElementType, offset: size };
      size += Math.ceil((elements * 4) / 8) * 8;
      return slot;
    });
  const [inputSlots, outputSlots] = [slotsOf(inputs), slotsOf(outputs)];
  const memory = new SharedArrayBuffer(Math.max(size, 8));
  const views = (slots: readonly Slot[]) => slots.map((slot) => ({ name: slot.name, data: arrayAt(memory, slot) }));
  const [feedViews, resultViews] = [views(inputSlots), views(outputSlots)];
  thread ??= new BackgroundThread();
  const { ask } = thread;
  const program = nextProgram++;
  await ask({ kind: "load", program, model, inputs: inputSlots, outputs: outputSlots, memory, options });
  return {
    async run(feeds, into) {
      for (const { name, data } of feedViews) data.set(feeds[name]);
      await ask({ kind: "run", program });
      const results: Record<string, Data> = {};
      for (const { name, data } of resultViews) {
        results[name] = into[name] ?? allocate(outputs.get(name)!);
        results[name].set(data);
      }
      return results;
    },
    release: () => ask({ kind: "release", program }),
  };
}

let thread: BackgroundThread | undefined;
let nextProgram = 0;

/** The one thread, and what was asked of it. It does not keep the process alive when it has nothing to do. */
class BackgroundThread {
  readonly #worker: Worker = startWorker(import.meta.url, "./background-worker");
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();

  constructor() {
    this.#worker.on("message", ({ program, error }: Reply) => {
      const waiting = this.#waiting.get(program);
      this.#waiting.delete(program);
      if (this.#waiting.size === 0) this.#worker.unref();
      if (error === undefined) waiting?.resolve();
      else waiting?.reject(new Error(error));
    });
    const failed = (error: Error): void => {
      thread = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    this.#worker.on("error", failed);
    this.#worker.on("exit", () => failed(new Error("the background thread has ended")));
  }

  /** One request per program at a time. */
  readonly ask = (request: Request): Promise<void> =>
    new Promise((resolve, reject) => {
      this.#waiting.set(request.program, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
}
