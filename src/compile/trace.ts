/**
 * @file Traces a function over a tree of arrays to the tracer's intermediate form (a jaxpr).
 *
 * The tracing library gives its arrays move semantics: an array is consumed by its first use unless `.ref` is taken.
 * That matters for arrays that hold memory. While we trace, arrays are only names for values to come, so for that
 * time every use is a borrow, and mathematics can be written as mathematics.
 */

import { type ClosedJaxpr, DType, Array as JaxArray, linearize, makeJaxpr, numpy as np } from "./jax.ts";
import { type MapTree, mapTree, namedLeaves, type Tree } from "./tree.ts";

/** Element types that a program takes and gives. */
export type ElementType = "float32" | "int32" | "bool";

/** Shape and element type of an array that is not there yet. */
export class ArraySpec {
  /** Read by the tracer: our arrays never follow the type of what they are combined with. */
  readonly weakType = false;

  constructor(
    readonly shape: number[],
    readonly dtype: DType,
  ) {
    for (const size of shape) {
      if (!Number.isInteger(size) || size < 0) {
        throw new RangeError(`shape [${shape.join(", ")}]: each size must be a whole number of at least 0`);
      }
    }
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  toString(): string {
    return `${this.dtype}[${this.shape.join(", ")}]`;
  }
}

/** A float32 array of this shape (`float32()` is a scalar). */
export const float32 = (...shape: number[]): ArraySpec => new ArraySpec(shape, DType.Float32);
/** An int32 array of this shape. */
export const int32 = (...shape: number[]): ArraySpec => new ArraySpec(shape, DType.Int32);
/** A boolean array of this shape. */
export const bool = (...shape: number[]): ArraySpec => new ArraySpec(shape, DType.Bool);

/** What a traced function works on: an array of the tracing library. */
export type Traced = np.Array;

/** The arguments that a function sees for inputs declared as `S`. */
export type TracedTree<S> = MapTree<S, ArraySpec, Traced>;

/** A function to trace. */
export type TreeFunction = (inputs: Tree<Traced>) => Tree<Traced | number>;

/** A traced function: its equations, and the names of what goes in and comes out, in order. */
export interface TracedFunction {
  readonly name: string;
  readonly jaxpr: ClosedJaxpr;
  /** The function itself, from the leaves of its inputs to the leaves of its outputs. */
  readonly call: (...leaves: Traced[]) => Traced[];
  readonly inputs: ReadonlyMap<string, ArraySpec>;
  readonly outputs: ReadonlyMap<string, ArraySpec>;
}

/**
 * Traces `f` once for inputs of the given shapes.
 *
 * @param name what the function is called in errors
 * @param f pure function from a tree of arrays to a tree of arrays (or numbers), written with `numpy`, `nn`, `lax`,
 *   `grad`, `vmap`, … of `bpta/jax`; no `.ref` is needed
 * @param inputs tree of specs; the dotted path of each leaf is the input's name
 */
export function trace(name: string, f: TreeFunction, inputs: Tree<ArraySpec>): TracedFunction {
  const specs = namedLeaves<ArraySpec>(inputs);
  let outputNames: string[] = [];
  const call = (...leaves: Traced[]): Traced[] => {
    let next = 0;
    const outputs = namedLeaves<Traced | number>(f(mapTree<ArraySpec, Traced>(inputs, () => leaves[next++])));
    outputNames = [...outputs.keys()];
    return [...outputs.values()].map((output) => (typeof output === "number" ? np.array(output) : output));
  };
  const jaxpr = traceLeaves(call, specs.values());
  const outputs = new Map<string, ArraySpec>();
  jaxpr.jaxpr.outs.forEach(({ aval }, i) => {
    outputs.set(outputNames[i], new ArraySpec(aval.shape, aval.dtype));
  });
  return { name, jaxpr, call, inputs: specs, outputs };
}

/** Traces a function of single arrays. */
export function traceLeaves(call: (...leaves: Traced[]) => Traced[], specs: Iterable<ArraySpec>): ClosedJaxpr {
  return borrowing(() => makeJaxpr(call)(...([...specs] as unknown as Traced[])).jaxpr);
}

/**
 * Where in its source a traced function first uses a primitive: traces it again, and looks at the stack.
 * @returns `file:line:column`, or undefined where the stack does not tell
 */
export function sourceOf({ call, inputs }: TracedFunction, primitive: string): string | undefined {
  let stack: string | undefined;
  const watched = (...leaves: Traced[]): Traced[] => {
    // Every equation of the trace goes through one method of its tracers' class.
    const [tracer] = leaves as unknown as readonly { readonly _trace: object }[];
    if (!tracer) return call(...leaves);
    const recorder = Object.getPrototypeOf(tracer._trace) as { processPrimitive: (...args: unknown[]) => unknown };
    const record = recorder.processPrimitive;
    recorder.processPrimitive = function (...args) {
      if (args[0] === primitive) stack ??= new Error().stack;
      return record.apply(this, args);
    };
    try {
      return call(...leaves);
    } finally {
      recorder.processPrimitive = record;
    }
  };
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  traceLeaves(watched, inputs.values());
  Error.stackTraceLimit = stackTraceLimit;
  const isOurs = (frame: string) =>
    frame.includes("@jax-js") || frame.includes(import.meta.url.replace(/^file:\/\//, ""));
  const frame = stack?.split("\n").find((line) => /:\d+:\d+\)?$/.test(line) && !isOurs(line));
  return frame?.match(/(?:\(|at )([^()]*:\d+:\d+)\)?$/)?.[1].replace(/^.*file:\/\//, "");
}

/** Runs `body` with the reference counts of the tracing library at rest: no use of an array consumes it. */
export function borrowing<T>(body: () => T): T {
  borrowedPrototypes ??= countedPrototypes();
  const saved = borrowedPrototypes.map((prototype) => ({
    prototype,
    ref: Object.getOwnPropertyDescriptor(prototype, "ref")!,
    dispose: Object.getOwnPropertyDescriptor(prototype, "dispose")!,
  }));
  for (const { prototype } of saved) {
    Object.defineProperty(prototype, "ref", {
      configurable: true,
      get() {
        return this;
      },
    });
    Object.defineProperty(prototype, "dispose", { configurable: true, writable: true, value() {} });
  }
  try {
    return body();
  } finally {
    for (const { prototype, ref, dispose } of saved) {
      Object.defineProperty(prototype, "ref", ref);
      Object.defineProperty(prototype, "dispose", dispose);
    }
  }
}

let borrowedPrototypes: object[] | undefined;

/** The prototypes of the array classes that count references: arrays with data, and two kinds of tracers. */
function countedPrototypes(): object[] {
  const prototypes: object[] = [JaxArray.prototype];
  makeJaxpr((x: Traced) => {
    prototypes.push(Object.getPrototypeOf(x));
    linearize(
      (dual: Traced) => {
        prototypes.push(Object.getPrototypeOf((dual as unknown as { tangent: object }).tangent));
        return dual;
      },
      [x.ref],
    );
    return x;
  })(np.zeros([1]));
  return prototypes;
}
