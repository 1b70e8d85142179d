/**
 * @file ONNX models as plain records, and their bytes.
 *
 * Only what we write and read of the format: one graph, tensors with raw data, attributes of five kinds.
 * Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Opset of the standard operators that we emit. */
export const OPSET = 18;

/** Element types, by their number in the format. */
export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type OnnxType = keyof typeof elementTypes;

/** Size of a dimension; a name stands for any size. */
type Dimension = number | string;

export interface OnnxValue {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly shape: readonly Dimension[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly shape: readonly number[];
  /** Row by row, little-endian. */
  readonly bytes: Uint8Array;
}

/** A whole number, numbers, a real number, a string. Whole numbers in a list are integers. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly domain?: string;
  /** Empty names are inputs left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
  /** What a reader of the file should know, as text by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes a length-delimited message. */
function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

const text = (writer: BinaryWriter, field: number, value: string) =>
  writer.tag(field, WireType.LengthDelimited).string(value);
const whole = (writer: BinaryWriter, field: number, value: number) => writer.tag(field, WireType.Varint).int64(value);

function writeValue(writer: BinaryWriter, { name, dtype, shape }: OnnxValue): void {
  text(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      whole(tensor, 1, elementTypes[dtype]);
      message(tensor, 2, (dimensions) => {
        for (const size of shape) {
          message(dimensions, 1, (dimension) =>
            typeof size === "number" ? whole(dimension, 1, size) : text(dimension, 2, size),
          );
        }
      });
    }),
  );
}

function writeTensor(writer: BinaryWriter, { name, dtype, shape, bytes }: OnnxTensor): void {
  for (const size of shape) whole(writer, 1, size);
  whole(writer, 2, elementTypes[dtype]);
  text(writer, 8, name);
  writer.tag(9, WireType.LengthDelimited).bytes(bytes);
}

function writeAttribute(writer: BinaryWriter, name: string, value: OnnxAttribute): void {
  const [kindFloat, kindInt, kindString, kindInts] = [1, 2, 3, 7];
  text(writer, 1, name);
  if (typeof value === "number") {
    whole(writer, 3, value);
    whole(writer, 20, kindInt);
  } else if (typeof value === "string") {
    text(writer, 4, value);
    whole(writer, 20, kindString);
  } else if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(value.float);
    whole(writer, 20, kindFloat);
  } else {
    for (const item of value) whole(writer, 8, item);
    whole(writer, 20, kindInts);
  }
}

/** The bytes of an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const irVersion = 8;
  const writer = new BinaryWriter();
  whole(writer, 1, irVersion);
  text(writer, 2, "bpta");
  message(writer, 7, (graph) => {
    for (const node of model.nodes) {
      message(graph, 1, (out) => {
        for (const input of node.inputs) text(out, 1, input);
        for (const output of node.outputs) text(out, 2, output);
        text(out, 4, node.op);
        for (const [name, value] of Object.entries(node.attributes)) {
          message(out, 5, (attribute) => writeAttribute(attribute, name, value));
        }
        if (node.domain) text(out, 7, node.domain);
      });
    }
    text(graph, 2, model.name);
    for (const tensor of model.constants) message(graph, 5, (out) => writeTensor(out, tensor));
    for (const value of model.inputs) message(graph, 11, (out) => writeValue(out, value));
    for (const value of model.outputs) message(graph, 12, (out) => writeValue(out, value));
  });
  const domains = new Map<string, number>([["", OPSET]]);
  for (const { domain } of model.nodes) if (domain) domains.set(domain, 1);
  for (const [domain, version] of domains) {
    message(writer, 8, (opset) => {
      text(opset, 1, domain);
      whole(opset, 2, version);
    });
  }
  for (const [key, value] of Object.entries(model.metadata)) {
    message(writer, 14, (entry) => {
      text(entry, 1, key);
      text(entry, 2, value);
    });
  }
  return writer.finish();
}

/** The fields of a message: by number, each with its values (numbers as they are, the rest as bytes). */
function readMessage(bytes: Uint8Array): Map<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    let value: Uint8Array | number | undefined;
    if (wireType === WireType.LengthDelimited) value = reader.bytes();
    else if (wireType === WireType.Varint) value = Number(reader.int64());
    else reader.skip(wireType, field);
    if (value === undefined) continue;
    const values = fields.get(field);
    if (values) values.push(value);
    else fields.set(field, [value]);
  }
  return fields;
}

/** What a file says of itself: its name, what goes in and out, and its metadata. */
export type OnnxSignature = Pick<OnnxModel, "name" | "inputs" | "outputs" | "metadata">;

/**
 * Reads the signature of an ONNX file.
 * @throws Error if the bytes are not an ONNX model
 */
export function decodeSignature(bytes: Uint8Array): OnnxSignature {
  const decoder = new TextDecoder();
  const string = (value: Uint8Array | number | undefined) => (value instanceof Uint8Array ? decoder.decode(value) : "");
  const messages = (values: readonly (Uint8Array | number)[] | undefined) =>
    (values ?? []).filter((value) => value instanceof Uint8Array).map(readMessage);
  const typeNames = new Map<number, OnnxType>(
    Object.entries(elementTypes).map(([name, number]) => [number, name as OnnxType]),
  );
  const value = (fields: Map<number, (Uint8Array | number)[]>): OnnxValue => {
    const tensor = messages(messages(fields.get(2))[0]?.get(1))[0];
    const dtype = typeNames.get(tensor?.get(1)?.[0] as number);
    if (!dtype) throw new Error(`value ${string(fields.get(1)?.[0])} has an element type that is not supported`);
    const dimensions = messages(messages(tensor.get(2))[0]?.get(1));
    return {
      name: string(fields.get(1)?.[0]),
      dtype,
      shape: dimensions.map((dimension) => (dimension.get(1)?.[0] as number) ?? string(dimension.get(2)?.[0])),
    };
  };
  let model: Map<number, (Uint8Array | number)[]>;
  let graph: Map<number, (Uint8Array | number)[]> | undefined;
  try {
    model = readMessage(bytes);
    graph = messages(model.get(7))[0];
  } catch (cause) {
    throw new Error("not an ONNX file", { cause });
  }
  if (!graph) throw new Error("not an ONNX file: it has no graph");
  return {
    name: string(graph.get(2)?.[0]),
    inputs: messages(graph.get(11)).map(value),
    outputs: messages(graph.get(12)).map(value),
    metadata: Object.fromEntries(
      messages(model.get(14)).map((entry) => [string(entry.get(1)?.[0]), string(entry.get(2)?.[0])]),
    ),
  };
}
