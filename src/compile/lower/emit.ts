/** @file From a lowered function to an ONNX model: names for values, bytes for constants. */

import type { OnnxModel, OnnxNode, OnnxTensor } from "../onnx.ts";
import type { TracedFunction } from "../trace.ts";
import { sizeOf, type Value } from "./graph.ts";
import { type LoweredFunction, lower } from "./lower.ts";

/** Follows the name of an output in the file if there is an input of that name: in ONNX they can't share it. */
export const OUTPUT_MARK = ":out";

/** The ONNX model of a traced function. */
export function toModel(traced: TracedFunction, metadata: Readonly<Record<string, string>> = {}): OnnxModel {
  return emit(traced, lower(traced), metadata);
}

function emit(
  traced: TracedFunction,
  { inputs, nodes, outputs }: LoweredFunction,
  metadata: Readonly<Record<string, string>>,
): OnnxModel {
  const constants = new Map<Value, OnnxTensor>();
  const names = new Map<Value, string>(inputs.map((value) => [value, value.input!]));
  const outputNames = [...traced.outputs.keys()].map((name) => (traced.inputs.has(name) ? name + OUTPUT_MARK : name));
  const copies: OnnxNode[] = [];
  outputs.forEach((value, i) => {
    if (value.producer && !names.has(value)) names.set(value, outputNames[i]);
    // An output that is an input, a constant or another output too.
    else copies.push({ op: "Identity", inputs: [nameOf(value)], outputs: [outputNames[i]], attributes: {} });
  });
  function nameOf(value: Value): string {
    let name = names.get(value);
    if (name === undefined) {
      name = `${value.data ? "constant" : "value"}:${value.id}`;
      names.set(value, name);
    }
    if (value.data && !constants.has(value)) constants.set(value, tensorOf(name, value));
    return name;
  }
  const emitted = nodes.map(
    (node): OnnxNode => ({
      op: node.op,
      inputs: node.inputs.map((input) => (input ? nameOf(input) : "")),
      outputs: node.outputs.map(nameOf),
      attributes: node.attributes,
    }),
  );
  return {
    name: traced.name,
    inputs: inputs.map((value) => ({ name: value.input!, dtype: value.dtype, shape: value.shape })),
    outputs: outputs.map(({ dtype, shape }, i) => ({ name: outputNames[i], dtype, shape })),
    nodes: [...emitted, ...copies],
    constants: [...constants.values()],
    metadata,
  };
}

function tensorOf(name: string, { dtype, shape, data }: Value): OnnxTensor {
  const numbers = data as ArrayLike<number>;
  if (numbers.length !== sizeOf(shape)) throw new Error(`internal: constant ${name} does not fit its shape`);
  const typed = {
    float32: () => Float32Array.from(numbers),
    int32: () => Int32Array.from(numbers),
    int64: () => BigInt64Array.from(Array.from(numbers, BigInt)),
    bool: () => Uint8Array.from(numbers),
  }[dtype]();
  return { name, dtype, shape, bytes: new Uint8Array(typed.buffer) };
}
