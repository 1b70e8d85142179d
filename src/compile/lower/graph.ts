/**
 * @file The graph under construction: values and the nodes that make them, in the vocabulary of ONNX.
 *
 * Values are shared: the same operator on the same inputs is the same value (common subexpressions need no pass), and
 * arithmetic on scalar constants happens here.
 */

import type { OnnxAttribute, OnnxType } from "../onnx.ts";

/** Types that values of a graph can have. The tracer's unsigned integers live in int64. */
export type ValueType = Extract<OnnxType, "float32" | "int32" | "int64" | "bool">;

/** An array that the graph computes, takes or holds. */
export interface Value {
  readonly id: number;
  readonly dtype: ValueType;
  readonly shape: readonly number[];
  /** The node that makes it; undefined for inputs and constants. */
  readonly producer: Node | undefined;
  /** Its numbers, row by row, if it is a constant. */
  readonly data: ArrayLike<number> | undefined;
  /** Its name, if it is an input. */
  readonly input: string | undefined;
}

export type Attributes = Readonly<Record<string, OnnxAttribute>>;

export interface Node {
  readonly op: string;
  /** Undefined stands for an optional input left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

/** A traced function, lowered. */
export interface LoweredFunction {
  readonly inputs: readonly Value[];
  readonly nodes: readonly Node[];
  /** One per output of the function, in order; two outputs may be one value, or an input. */
  readonly outputs: readonly Value[];
}

/** Shape and type of a value to be. */
export interface ValueSpec {
  readonly dtype: ValueType;
  readonly shape: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

/** A shape less the axes of size 1 in front. */
export function withoutLead(shape: readonly number[]): readonly number[] {
  const lead = shape.findIndex((size) => size !== 1);
  return lead < 0 ? [] : shape.slice(lead);
}

/** Constants with more numbers than this are one value where their memory is one: to compare all of them takes time. */
const COMPARED = 1024;
const names = new WeakMap<object, number>();
let nextName = 0;

/** Equal for equal numbers, row by row; short where they are all the same. */
function contentKey(data: ArrayLike<number>): string {
  const text = (number: number) => (Object.is(number, -0) ? "-0" : String(number));
  for (let i = 1; i < data.length; i++) {
    if (Object.is(data[i], data[0])) continue;
    if (data.length <= COMPARED) return Array.from(data, text).join();
    const name = names.get(data) ?? nextName++;
    names.set(data, name);
    return `#${name}`;
  }
  return data.length === 0 ? "" : `${data.length}×${text(data[0])}`;
}

/** A graph that grows: every method returns a value that may already have been there. */
export class GraphBuilder {
  readonly inputs: Value[] = [];
  /** What stands for the size of an axis that is left open. */
  readonly #openSize: number;
  #nextId = 0;
  readonly #nodes = new Map<string, Node>();
  readonly #constants = new Map<string, Value>();
  readonly #parts = new Map<string, Value>();

  constructor(openSize = Number.POSITIVE_INFINITY) {
    this.#openSize = openSize;
  }

  /** A size, as far as what is open is taken to be small: what counts where the way that things lie follows from sizes. */
  weight(size: number): number {
    return size % this.#openSize === 0 ? size / this.#openSize : size;
  }

  /** An input of the program. */
  input(name: string, { dtype, shape }: ValueSpec): Value {
    const value = this.#value({ dtype, shape }, { input: name });
    this.inputs.push(value);
    return value;
  }

  /** An array that is known now. Equal ones are one value. */
  constant(dtype: ValueType, shape: readonly number[], data: ArrayLike<number>): Value {
    const key = `${dtype}[${shape}]${contentKey(data)}`;
    let value = this.#constants.get(key);
    if (!value) {
      value = this.#value({ dtype, shape }, { data });
      this.#constants.set(key, value);
    }
    return value;
  }

  /** Elements `start` to `end` of a constant vector. */
  part({ id, dtype, data }: Value, start: number, end: number): Value {
    const key = `${id}[${start}:${end}]`;
    const found =
      this.#parts.get(key) ?? this.constant(dtype, [end - start], Array.prototype.slice.call(data, start, end));
    this.#parts.set(key, found);
    return found;
  }

  /** A constant of no dimensions. */
  scalar(dtype: ValueType, number: number): Value {
    return this.constant(dtype, [], [number]);
  }

  /** The list of whole numbers that operators like Reshape take as an input. */
  integers(numbers: readonly number[]): Value {
    return this.constant("int64", [numbers.length], numbers);
  }

  /** All outputs of an operator. */
  nodes(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly ValueSpec[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const key = `${op}(${inputs.map((input) => input?.id ?? "")})${JSON.stringify(attributes)}`;
    let node = this.#nodes.get(key);
    if (!node) {
      const made: Value[] = [];
      node = { op, inputs, attributes, outputs: made };
      for (const spec of outputs) made.push(this.#value(spec, { producer: node }));
      this.#nodes.set(key, node);
    }
    return node.outputs;
  }

  /** A node of another graph, made again in this one on what stands for its inputs. */
  copy(node: Node, standIn: (value: Value) => Value): readonly Value[] {
    return this.nodes(
      node.op,
      node.inputs.map((input) => input && standIn(input)),
      node.outputs,
      node.attributes,
    );
  }

  /** The one output of an operator. */
  node(op: string, inputs: readonly (Value | undefined)[], output: ValueSpec, attributes: Attributes = {}): Value {
    return this.nodes(op, inputs, [output], attributes)[0];
  }

  /** The same elements, row by row, in another shape. */
  reshape(value: Value, shape: readonly number[]): Value {
    if (sameShape(value.shape, shape)) return value;
    if (value.data) return this.constant(value.dtype, shape, value.data);
    const source = value.producer?.op === "Reshape" ? (value.producer.inputs[0] as Value) : value;
    if (sameShape(source.shape, shape)) return source;
    // Without the attribute, a size of 0 would stand for what it was before.
    const attributes = shape.includes(0) ? { allowzero: 1 } : {};
    return this.node("Reshape", [source, this.integers(shape)], { dtype: value.dtype, shape }, attributes);
  }

  /** Axes permuted: axis `i` of the result is axis `permutation[i]` of `value`. */
  transpose(value: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, i) => axis === i)) return value;
    const shape = permutation.map((axis) => value.shape[axis]);
    // Moving only axes of size 1 moves no data.
    const moved = permutation.filter((axis) => value.shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || moved[i - 1] < axis)) return this.reshape(value, shape);
    return this.node("Transpose", [value], { dtype: value.dtype, shape }, { perm: permutation });
  }

  #value(spec: ValueSpec, rest: Partial<Pick<Value, "producer" | "data" | "input">>): Value {
    const { producer, data, input } = rest;
    return { id: this.#nextId++, dtype: spec.dtype, shape: [...spec.shape], producer, data, input };
  }
}

/** The nodes that `outputs` need, each after those that it needs itself. */
export function nodesInOrder(outputs: readonly Value[]): Node[] {
  const ordered: Node[] = [];
  const seen = new Set<Node>();
  // Depth first with a stack of our own: chains of a few thousand nodes are common.
  const stack: { node: Node; next: number }[] = [];
  const push = (value: Value | undefined) => {
    if (value?.producer && !seen.has(value.producer)) {
      seen.add(value.producer);
      stack.push({ node: value.producer, next: 0 });
    }
  };
  for (const output of outputs) {
    push(output);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.next < top.node.inputs.length) push(top.node.inputs[top.next++]);
      else ordered.push(stack.pop()!.node);
    }
  }
  return ordered;
}

/** Makes `nodes` again in another graph, where `rebuilt` has what they start from; gives what stands for `outputs`. */
export function rebuild(
  graph: GraphBuilder,
  nodes: readonly Node[],
  outputs: readonly Value[],
  rebuilt: Map<Value, Value>,
): Value[] {
  const get = (value: Value): Value => {
    const found = rebuilt.get(value);
    if (found) return found;
    if (!value.data) throw new Error("internal: a value is used before it is made");
    return graph.constant(value.dtype, value.shape, value.data);
  };
  for (const node of nodes) {
    const made = graph.copy(node, get);
    node.outputs.forEach((output, i) => {
      rebuilt.set(output, made[i]);
    });
  }
  return outputs.map(get);
}
