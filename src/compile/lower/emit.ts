/** @file From a lowered function to an ONNX model: names for values, bytes for constants. */

import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "../onnx.ts";
import type { TracedFunction } from "../trace.ts";
import { type LoweredFunction, sizeOf, type Value } from "./graph.ts";
import { lower } from "./lower.ts";
import { type Pack, pack, unpacked } from "./pack.ts";
import { splitStages } from "./stage.ts";

/** Follows the name of an output in the file if there is an input of that name: in ONNX they can't share it. */
export const OUTPUT_MARK = ":out";

/** An axis that is left open in the file: whoever runs it chooses the size. */
export interface OpenAxis {
  readonly name: string;
  /** The size that stands for it where the function is traced: a prime that no other size is a multiple of. */
  readonly size: number;
}

export interface ModelOptions {
  /** What a reader of the file should know, as text by key. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly openAxis?: OpenAxis;
}

/** The ONNX model of a traced function. */
export function toModel(traced: TracedFunction, { metadata = {}, openAxis }: ModelOptions = {}): OnnxModel {
  const model = emit(traced.name, lower(traced, openAxis?.size), outputNames(traced), metadata);
  return openAxis ? withOpenAxis(model, openAxis) : model;
}

/** Arrays that go over as one, one under the other, by name. */
export interface NamedPack extends Omit<Pack, "members"> {
  readonly members: readonly string[];
}

/** The ONNX models of a function in two stages, the second of which takes and gives packs; see `splitStages`, `pack`. */
export function toStagedModels(traced: TracedFunction, isStable: (name: string) => boolean) {
  const { preparation, prepared, carried, run } = splitStages(lower(traced), isStable);
  const { packed, inputs, outputs } = pack(run, (name) => !prepared.has(name));
  const names = outputNames(traced);
  const packedNames = [...unpacked(names, outputs).map((i) => names[i]), ...outputs.map(({ name }) => name)];
  const named = (all: readonly string[], packs: readonly Pack[]): NamedPack[] =>
    packs.map(({ name, shape, members }) => ({ name, shape, members: members.map((i) => all[i]) }));
  return {
    preparation: preparation && emit(`${traced.name}: preparation`, preparation, [...prepared.keys()], {}),
    prepared,
    carried,
    run: emit(traced.name, packed, packedNames, {}),
    packs: {
      inputs: named(
        run.inputs.map(({ input }) => input!),
        inputs,
      ),
      outputs: named([...traced.outputs.keys()], outputs),
    },
  };
}

const outputNames = ({ inputs, outputs }: TracedFunction): string[] =>
  [...outputs.keys()].map((name) => (inputs.has(name) ? name + OUTPUT_MARK : name));

function emit(
  name: string,
  { inputs, nodes, outputs }: LoweredFunction,
  outputNames: readonly string[],
  metadata: Readonly<Record<string, string>>,
): OnnxModel {
  const constants = new Map<Value, OnnxTensor>();
  const names = new Map<Value, string>(inputs.map((value) => [value, value.input!]));
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
    name,
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
  if (dtype === "int64") return int64Tensor(name, shape, Array.from(numbers));
  const typed = {
    float32: () => Float32Array.from(numbers),
    int32: () => Int32Array.from(numbers),
    bool: () => Uint8Array.from(numbers),
  }[dtype]();
  return { name, dtype, shape, bytes: new Uint8Array(typed.buffer) };
}

/**
 * Replaces every size that stands for the open axis: in the signature by its name, and in the shapes that operators
 * are given by a size that is found when the model runs.
 */
function withOpenAxis(model: OnnxModel, { name, size }: OpenAxis): OnnxModel {
  const isOpen = (n: number) => n !== 0 && n % size === 0;
  const rename = (value: OnnxValue): OnnxValue => ({
    ...value,
    shape: value.shape.map((n) => (n === size ? name : n)),
  });
  const carrier = model.inputs.find(({ shape }) => shape.includes(size));
  if (!carrier) throw new Error(`program ${model.name}: no input has the open axis ${name}`);
  const constants: OnnxTensor[] = [];
  const preamble: OnnxNode[] = [];
  const node = (op: string, inputs: string[], attributes: OnnxNode["attributes"] = {}): string => {
    const output = `${name}:${preamble.length}`;
    preamble.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  const list = (numbers: readonly number[]): string => {
    const tensor = `${name}:list:${numbers}`;
    if (!constants.some((constant) => constant.name === tensor)) {
      constants.push(int64Tensor(tensor, [numbers.length], numbers));
    }
    return tensor;
  };
  let current: string | undefined;
  /** The axis's size, as a list of one. */
  const currentSize = (): string => {
    const shape = () => node("Shape", [carrier.name]);
    current ??= node("Gather", [shape(), list([carrier.shape.indexOf(size)])], { axis: 0 });
    return current;
  };
  const open = new Map<string, readonly number[]>();
  for (const constant of model.constants) {
    const numbers = constant.dtype === "int64" ? Array.from(int64sOf(constant), Number) : undefined;
    if (numbers?.some(isOpen) && constant.shape.length === 1) open.set(constant.name, numbers);
    else if (constant.shape.some(isOpen)) {
      throw new Error(`program ${model.name}: an array of constants has the open axis ${name}`);
    } else constants.push(constant);
  }
  /** A shape with the open axis in it, for the operator `op`. */
  const shapeInput = (op: string, numbers: readonly number[]): string => {
    const openPlaces = numbers.filter(isOpen).length;
    if (op === "Reshape" && openPlaces === 1) return list(numbers.map((n) => (isOpen(n) ? -1 : n)));
    const parts = numbers.map((n) => {
      if (!isOpen(n)) return list([n]);
      return n === size ? currentSize() : node("Mul", [currentSize(), list([n / size])]);
    });
    return parts.length === 1 ? parts[0] : node("Concat", parts, { axis: 0 });
  };
  const nodes = model.nodes.map(
    (original): OnnxNode => ({
      ...original,
      inputs: original.inputs.map((input) => {
        const numbers = open.get(input);
        return numbers ? shapeInput(original.op, numbers) : input;
      }),
    }),
  );
  return {
    ...model,
    inputs: model.inputs.map(rename),
    outputs: model.outputs.map(rename),
    constants,
    nodes: [...preamble, ...nodes],
  };
}

const int64Tensor = (name: string, shape: readonly number[], numbers: readonly number[]): OnnxTensor => ({
  name,
  dtype: "int64",
  shape,
  bytes: new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer),
});

const int64sOf = ({ bytes }: OnnxTensor): BigInt64Array =>
  new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
