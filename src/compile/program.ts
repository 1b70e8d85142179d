/** @file A program: a traced function that runs, with inputs and outputs that have names, shapes and types. */

import { type ModelOptions, OUTPUT_MARK, toModel, toStagedModels } from "./lower/emit.ts";
import { decodeSignature, encodeModel, type OnnxValue } from "./onnx.ts";
import { noPacks, type Packs, packing, withPacks } from "./packing.ts";
import { jaxExecutable } from "./runtimes/jax.ts";
import { type OnnxOptions, onnxExecutable } from "./runtimes/onnx.ts";
import type { Data, Executable, NamedData } from "./runtimes/runtime.ts";
import { SharedExecutables } from "./runtimes/shared.ts";
import { ArraySpec, bool, float32, int32, type Traced, type TracedTree, type TreeFunction, trace } from "./trace.ts";
import { mapTree, type Tree } from "./tree.ts";

/** How a program is compiled. */
export interface CompileOptions extends OnnxOptions, Pick<ModelOptions, "metadata"> {
  /** `onnx`: lowered to one ONNX graph, run by ONNX Runtime (default). `jax`: run by the tracing library. */
  readonly runtime?: "onnx" | "jax";
  /** Where it runs: in this thread (0, default), or in a background thread (1, 2, …) beside what runs here. */
  readonly thread?: number;
}

/** A function over named arrays, compiled. */
export interface Program {
  readonly name: string;
  /** What goes in, by name. */
  readonly inputs: ReadonlyMap<string, ArraySpec>;
  /** What comes out, by name. */
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
  /** Text that goes with it, by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The bytes of its .onnx file; absent where it runs in the tracing library. */
  readonly model: Uint8Array | undefined;
  /** Writes the .onnx file, which `loadProgram` and every other runtime of ONNX reads. */
  save(path: string): Promise<void>;
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
  options: CompileOptions = {},
): Promise<Program> {
  const traced = trace(name, f as unknown as TreeFunction, inputs);
  if (options.runtime === "jax") return program(traced, jaxExecutable(traced), options.metadata);
  const bytes = encodeModel(toModel(traced, options));
  return program(traced, await executableOf(bytes, traced.inputs, traced.outputs, options), options.metadata, bytes);
}

/** A program some of whose inputs seldom change: what follows from them alone is computed when they do. */
export interface StagedProgram {
  /** Takes the inputs that seldom change. Must run before the first `run`. */
  prepare(feeds: NamedData): Promise<void>;
  /** Runs once, as a program's `run`, with the other inputs. */
  run(feeds: NamedData, into?: NamedData): Promise<Record<string, Data>>;
  release(): Promise<void>;
}

/**
 * Compiles `f` in two stages.
 * @param isStable says of an input's name whether it seldom changes
 * @param threads where it runs, see `CompileOptions.thread`: one program for each; those of one thread share its session
 */
export async function compileStaged<const S extends Tree<ArraySpec>>(
  name: string,
  f: (inputs: TracedTree<S>) => Tree<Traced | number>,
  inputs: S,
  isStable: (name: string) => boolean,
  threads: readonly number[] = [0],
): Promise<StagedProgram[]> {
  const traced = trace(name, f as unknown as TreeFunction, inputs);
  const { preparation, prepared: shapes, carried, run, packs } = toStagedModels(traced, isStable);
  const only = (keep: boolean) => new Map([...traced.inputs].filter(([input]) => isStable(input) === keep));
  const [rare, frequent] = [only(true), only(false)];
  const prepared: Signature["inputs"] = new Map([...shapes].map(([input, shape]) => [input, float32(...shape)]));
  const forEach = <T>(make: (input: string) => T) =>
    Object.fromEntries([...prepared.keys()].map((input) => [input, make(input)]));
  const models = { preparation: preparation && encodeModel(preparation), run: encodeModel(run) };
  const here = new SharedExecutables<Uint8Array>();
  return Promise.all(
    threads.map(async (thread): Promise<StagedProgram> => {
      // What passes between the stages stays in the thread that they run in.
      const kept = thread > 0 ? forEach((input) => `${name} ${nextStaged++} ${input}`) : {};
      const passed = thread > 0 ? {} : forEach((input) => new Float32Array(prepared.get(input)!.size));
      const load = async (model: Uint8Array, takes: Signature["inputs"], gives: Signature["outputs"], packs: Packs) => {
        const [packedInputs, packedOutputs] = [withPacks(takes, packs.inputs), withPacks(gives, packs.outputs)];
        const make = () => executableOf(model, packedInputs, packedOutputs, { thread }, kept);
        const executable = await (thread > 0 ? make() : here.get(model, make));
        const visible = (specs: Signature["inputs"]) => new Map([...specs].filter(([spec]) => !(spec in kept)));
        return program(
          { name, inputs: visible(takes), outputs: visible(gives) },
          packing(executable, packs, takes, gives),
        );
      };
      const first = models.preparation && (await load(models.preparation, rare, prepared, noPacks));
      const all = new Map([...frequent, ...(first ? prepared : [])]);
      for (const input of carried) all.set(input, rare.get(input)!);
      const second = await load(models.run, all, traced.outputs, packs);
      const remembered: Record<string, Data> = {};
      let isPrepared = rare.size === 0;
      return {
        async prepare(feeds) {
          for (const input of carried) {
            check(`program ${name}: input ${input}`, feeds[input], rare.get(input)!);
            remembered[input] = feeds[input].slice();
          }
          await first?.run(feeds, passed);
          isPrepared = true;
        },
        async run(feeds, into) {
          if (!isPrepared) throw new Error(`program ${name} was not prepared`);
          return second.run(rare.size > 0 ? { ...feeds, ...passed, ...remembered } : feeds, into);
        },
        async release() {
          await first?.release();
          await second.release();
        },
      };
    }),
  );
}

let nextStaged = 0;

/**
 * Traces `f` and gives the bytes of its .onnx file, to be shipped rather than run here. Unlike in a program, one axis
 * can be left open; `f` must then take its size from the shapes of what it is given.
 * @throws Error if what the function computes depends on the size of the open axis, as a mean along it does
 */
export function exportModel<const S extends Tree<ArraySpec>>(
  name: string,
  f: (inputs: TracedTree<S>) => Tree<Traced | number>,
  inputs: S,
  options: ModelOptions = {},
): Uint8Array {
  const modelOf = (specs: Tree<ArraySpec>, own: ModelOptions): Uint8Array =>
    encodeModel(toModel(trace(name, f as unknown as TreeFunction, specs), own));
  const { openAxis } = options;
  const model = modelOf(inputs, options);
  if (openAxis && !isSameFor(nextPrime(openAxis.size))) {
    throw new Error(
      `program ${name}: what it computes depends on the size of the axis ${openAxis.name}, so it can't be left open: ` +
        "means, slices and paddings along it depend on it, and sizes that don't come from the inputs' shapes",
    );
  }
  return model;

  /** Whether tracing with another size for the open axis gives the same model: then nothing in it follows from the size. */
  function isSameFor(size: number): boolean {
    const resized = (n: number) => (n === openAxis!.size ? size : n);
    const specs = mapTree<ArraySpec, ArraySpec>(inputs, ({ shape, dtype }) => new ArraySpec(shape.map(resized), dtype));
    try {
      const other = modelOf(specs, { ...options, openAxis: { ...openAxis!, size } });
      return model.length === other.length && model.every((byte, i) => byte === other[i]);
    } catch {
      return false;
    }
  }
}

function nextPrime(above: number): number {
  for (let candidate = above + 1; ; candidate++) {
    let divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor !== 0) divisor++;
    if (divisor * divisor > candidate) return candidate;
  }
}

export interface LoadOptions extends OnnxOptions {
  /** Sizes of the axes that the file leaves open, by name. */
  readonly axes?: Readonly<Record<string, number>>;
}

/**
 * Loads a program that was saved or exported.
 * @param source the file's path, or its bytes
 * @throws Error if it is not an ONNX file, or takes or gives something other than float32, int32 and truth values
 */
export async function loadProgram(source: string | Uint8Array, options: LoadOptions = {}): Promise<Program> {
  const bytes = typeof source === "string" ? await readBytes(source) : source;
  const where = typeof source === "string" ? `${source}: ` : "";
  try {
    const { name, inputs, outputs, metadata } = decodeSignature(bytes);
    const specs = (values: readonly OnnxValue[]) =>
      new Map(values.map((value) => [value.name.replace(OUTPUT_MARK, ""), specOf(value, options.axes ?? {})]));
    const signature = { name, inputs: specs(inputs), outputs: specs(outputs) };
    const executable = await onnxExecutable(bytes, signature.inputs, signature.outputs, options);
    return program(signature, executable, metadata, bytes);
  } catch (cause) {
    throw new Error(`${where}${(cause as Error).message}`, { cause });
  }
}

/** Loads a model where the options say it runs. Threads are for Node: browsers don't look for their module. */
async function executableOf(
  model: Uint8Array,
  inputs: Signature["inputs"],
  outputs: Signature["outputs"],
  { thread = 0, ...options }: Pick<CompileOptions, "thread"> & OnnxOptions,
  kept: Readonly<Record<string, string>> = {},
): Promise<Executable> {
  if (thread === 0) return onnxExecutable(model, inputs, outputs, options);
  const { backgroundExecutable } = await import("./runtimes/background.ts");
  return backgroundExecutable(model, inputs, outputs, options, thread, kept);
}

/** Files are for Node: the module that reads them is loaded when it is needed, so that browsers don't look for it. */
async function readBytes(path: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  return new Uint8Array(await readFile(path));
}

/** Writes beside the file, then moves it into place: whoever looks sees all of it or nothing. */
async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  const { rename, writeFile } = await import("node:fs/promises");
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}

function specOf({ name, dtype, shape }: OnnxValue, axes: Readonly<Record<string, number>>): ArraySpec {
  const sizes = shape.map((axis) => {
    const size = typeof axis === "number" ? axis : axes[axis];
    if (size === undefined)
      throw new TypeError(`${name} has the open axis ${axis || "unnamed"}: give its size in axes`);
    return size;
  });
  switch (dtype) {
    case "float32":
      return float32(...sizes);
    case "int32":
      return int32(...sizes);
    case "bool":
      return bool(...sizes);
    default:
      throw new TypeError(`${name} is of type ${dtype}; a program takes and gives float32, int32 and bool`);
  }
}

type Signature = Pick<Program, "name" | "inputs" | "outputs">;

function program(
  { name, inputs, outputs }: Signature,
  executable: Executable,
  metadata: Readonly<Record<string, string>> = {},
  model?: Uint8Array,
): Program {
  let released = false;
  return {
    name,
    inputs,
    outputs,
    metadata,
    model,
    async run(feeds, into = {}) {
      if (released) throw new Error(`program ${name} was released`);
      for (const [input, spec] of inputs) check(`program ${name}: input ${input}`, feeds[input], spec);
      for (const output in into) {
        const spec = outputs.get(output);
        if (!spec) throw new TypeError(`program ${name} has no output ${output}; it has ${[...outputs.keys()]}`);
        check(`program ${name}: output ${output}`, into[output], spec);
      }
      return executable.run(feeds, into);
    },
    async save(path) {
      if (!model) throw new Error(`program ${name} runs in the tracing library: compile it for ONNX to save it`);
      await writeBytes(path, model);
    },
    async release() {
      if (released) return;
      released = true;
      await executable.release();
    },
  };
}

const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

const arrayTypeOf = ({ dtype }: ArraySpec) => arrayTypes[dtype as keyof typeof arrayTypes];

/** @throws TypeError unless `data` can hold an array of `spec` */
function check(what: string, data: Data | undefined, spec: ArraySpec): void {
  if (data instanceof arrayTypeOf(spec) && data.length === spec.size) return;
  const got = data === undefined ? "nothing" : `${(data as object).constructor.name}(${data.length})`;
  throw new TypeError(`${what}: got ${got}, expected ${spec}, a ${arrayTypeOf(spec).name}(${spec.size})`);
}
