/** @file What runs a traced function: the interface that every runtime implements. */

import type { ArraySpec } from "../trace.ts";

/** The numbers of an array, row by row. Booleans are 0 and 1. */
export type Data = Float32Array | Int32Array | Uint8Array;

/** Data by the name of the input or output. */
export type NamedData = Readonly<Record<string, Data>>;

/** A traced function, ready to run. It trusts its caller: `Program` checks names, shapes and types. */
export interface Executable {
  /** Runs once. Writes into `into` where it has an array for an output; returns all outputs. */
  run(feeds: NamedData, into: NamedData): Promise<Record<string, Data>>;
  /** Frees what the runtime holds. */
  release(): Promise<void>;
}

/** An array of zeros that fits `spec`. */
export function allocate(spec: ArraySpec): Data {
  switch (spec.dtype) {
    case "float32":
      return new Float32Array(spec.size);
    case "int32":
      return new Int32Array(spec.size);
    case "bool":
      return new Uint8Array(spec.size);
    default:
      throw new TypeError(`${spec.dtype} arrays can't go in or out of a program; use float32, int32 or bool`);
  }
}
