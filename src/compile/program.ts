/** @file A program: a traced function that runs, with inputs and outputs that have names, shapes and types. */

import { jaxExecutable } from "./runtimes/jax.ts";
import type { Data, Executable, NamedData } from "./runtimes/runtime.ts";
import { type ArraySpec, type Traced, type TracedTree, type TreeFunction, trace } from "./trace.ts";
import type { Tree } from "./tree.ts";

/** How a program is compiled. */
export interface CompileOptions {
  /** `onnx`: lowered to one ONNX graph, run by ONNX Runtime (default). `jax`: run by the tracing library. */
  readonly runtime?: "onnx" | "jax";
}

/** A function over named arrays, compiled. */
export interface Program {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, ArraySpec>;
  readonly outputs: ReadonlyMap<string, ArraySpec>;
  /**
   * Runs once.
   *
   * @param feeds an array for every input, row by row
   * @param into arrays to write outputs into, by name; an output that has none gets a new array. An array must not be
   *   both fed and written into in one run.
   * @throws TypeError that names the input, what came and what was expected
   */
  run(feeds: NamedData, into?: NamedData): Promise<Record<string, Data>>;
  /** Frees the program; it can't run after that. */
  release(): Promise<void>;
}

/**
 * Traces `f` for inputs of the given shapes and compiles it.
 *
 * ```ts
 * const norm = await compile("norm", ({ x }) => ({ norm: np.sqrt(x.mul(x).sum()) }), { x: float32(3) });
 * const { norm: five } = await norm.run({ x: Float32Array.of(3, 4, 0) });
 * ```
 *
 * @param name what the program is called in errors and in the saved file
 * @param f pure function from a tree of arrays to a tree of arrays
 * @param inputs tree of specs; `{ actor: { weight: float32(2, 3) } }` makes an input named `actor.weight`
 */
export async function compile<const S extends Tree<ArraySpec>>(
  name: string,
  f: (inputs: TracedTree<S>) => Tree<Traced | number>,
  inputs: S,
  _options: CompileOptions = {},
): Promise<Program> {
  const traced = trace(name, f as unknown as TreeFunction, inputs);
  const executable: Executable = jaxExecutable(traced);
  return {
    name,
    inputs: traced.inputs,
    outputs: traced.outputs,
    async run(feeds, into = {}) {
      for (const [input, spec] of traced.inputs) checkData(`program ${name}: input ${input}`, feeds[input], spec);
      for (const output in into) {
        const spec = traced.outputs.get(output);
        if (!spec) throw new TypeError(`program ${name} has no output ${output}; it has ${[...traced.outputs.keys()]}`);
        checkData(`program ${name}: output ${output}`, into[output], spec);
      }
      return executable.run(feeds, into);
    },
    release: () => executable.release(),
  };
}

const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Throws unless `data` can hold an array of `spec`. */
function checkData(what: string, data: Data | undefined, spec: ArraySpec): void {
  const expected = arrayTypes[spec.dtype as keyof typeof arrayTypes];
  if (!(data instanceof expected) || data.length !== spec.size) {
    const got = data === undefined ? "nothing" : `${(data as object).constructor.name}(${data.length})`;
    throw new TypeError(`${what}: got ${got}, expected ${spec}, a ${expected.name}(${spec.size})`);
  }
}
