/** @file Runs ONNX models in ONNX Runtime, on the CPU; in a browser, in onnxruntime-web. */

import { InferenceSession, Tensor } from "onnxruntime-node";
import { OUTPUT_MARK } from "../lower/emit.ts";
import type { ArraySpec } from "../trace.ts";
import { allocate, type Data, type Executable } from "./runtime.ts";

export interface OnnxOptions {
  /** Threads that one operator may use. */
  readonly threads?: number;
  /** What ONNX Runtime may rewrite; ours are lowered as they should run. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
  /** Where to write how long each operator takes, as a Chrome trace: the start of a path. */
  readonly profile?: string;
}

const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;

let hasSwept = false;

/** ONNX Runtime (1.30) leaves an empty log among temporary files, one for each process that makes a session. */
async function sweepLog(): Promise<void> {
  // Browsers have neither the log nor these modules.
  if (hasSwept || !isNode) return;
  hasSwept = true;
  const [{ rm, stat }, { tmpdir }, { join }] = await Promise.all([
    import("node:fs/promises"),
    import("node:os"),
    import("node:path"),
  ]);
  const log = join(tmpdir(), `mat-debug-${process.pid}.log`);
  const isEmpty = await stat(log).then(
    ({ size }) => size === 0,
    () => false,
  );
  if (isEmpty) await rm(log, { force: true }).catch(() => {});
}

/**
 * Loads an ONNX model.
 * @param inputs what goes in, by name
 * @param outputs what comes out, by name
 */
export async function onnxExecutable(
  model: Uint8Array,
  inputs: ReadonlyMap<string, ArraySpec>,
  outputs: ReadonlyMap<string, ArraySpec>,
  { threads = 1, optimization = "all", profile }: OnnxOptions = {},
): Promise<Executable> {
  const session = await InferenceSession.create(model, {
    graphOptimizationLevel: optimization,
    executionMode: "sequential",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    ...(profile && { enableProfiling: true, profileFilePrefix: profile }),
    // Adam's second moments come near zero, where arithmetic is slow unless the smallest numbers count as none.
    extra: { session: { set_denormal_as_zero: "1", intra_op: { allow_spinning: "0" } } },
  });
  await sweepLog();
  // What comes out under the name of something that goes in has a mark, even if what goes in is part of a pack.
  const outputNames = new Map(
    [...outputs.keys()].map((name): [string, string] => {
      const found = [name, name + OUTPUT_MARK].find((known) => session.outputNames.includes(known));
      if (found === undefined) throw new Error(`a model has no output ${name}; it has ${session.outputNames}`);
      return [name, found];
    }),
  );
  const tensors = new WeakMap<Data, { readonly spec: ArraySpec; readonly tensor: Tensor }>();
  // Buffers are used again and again: their tensors are made once.
  const tensorOf = (data: Data, spec: ArraySpec): Tensor => {
    let made = tensors.get(data);
    if (made?.spec !== spec) {
      made = { spec, tensor: new Tensor(spec.dtype as "float32", data as Float32Array, spec.shape) };
      tensors.set(data, made);
    }
    return made.tensor;
  };
  return {
    async run(feeds, into) {
      const fed: Record<string, Tensor> = {};
      for (const [name, spec] of inputs) fed[name] = tensorOf(feeds[name], spec);
      const fetched: Record<string, Tensor> = {};
      const results: Record<string, Data> = {};
      for (const [name, spec] of outputs) {
        results[name] = into[name] ?? allocate(spec);
        fetched[outputNames.get(name)!] = tensorOf(results[name], spec);
      }
      if (isNode) {
        await session.run(fed, fetched);
        return results;
      }
      // In a browser, results come in arrays of the runtime's own.
      const made = await session.run(fed, Object.keys(fetched));
      for (const name of outputs.keys()) results[name].set(made[outputNames.get(name)!].data as Float32Array);
      return results;
    },
    async release() {
      if (profile) session.endProfiling();
      await session.release();
    },
  };
}
