/**
 * @file Joins what goes into a function, and what comes out of it, where that is many small arrays: to hand one over
 * costs as much as to copy some thousand numbers.
 */

import {
  GraphBuilder,
  type LoweredFunction,
  nodesInOrder,
  rebuild,
  sizeOf,
  type Value,
  type ValueSpec,
} from "./graph.ts";

/** Arrays that go over as one, one under the other. */
export interface Pack {
  readonly name: string;
  readonly shape: readonly number[];
  /** Which inputs, or outputs, it is made of: by place. */
  readonly members: readonly number[];
}

export interface PackedFunction {
  /** With packs in the place of their members, after the other inputs and outputs. */
  readonly packed: LoweredFunction;
  readonly inputs: readonly Pack[];
  readonly outputs: readonly Pack[];
}

/** So many arrays are worth a pack. */
const WORTH_PACKING = 3;
/** Larger arrays (in numbers) cost more to copy than to hand over. */
const LARGEST = 4096;

/** Packs of the values, which are of equal shape but for the number of rows. */
function packsOf(values: readonly Value[], prefix: string, mayPack: (value: Value) => boolean): Pack[] {
  const byRow = new Map<string, number[]>();
  values.forEach((value, i) => {
    const { dtype, shape } = value;
    if (dtype !== "float32" || shape.length === 0 || sizeOf(shape) > LARGEST || !mayPack(value)) return;
    const row = String(shape.slice(1));
    byRow.set(row, [...(byRow.get(row) ?? []), i]);
  });
  return [...byRow.values()]
    .filter((members) => members.length >= WORTH_PACKING)
    .map((members, k): Pack => {
      const rows = members.reduce((sum, i) => sum + values[i].shape[0], 0);
      return { name: `${prefix}.${k}`, shape: values[members[0]].shape.with(0, rows), members };
    });
}

/**
 * The function with its small arrays joined.
 * @param mayPack says of an input's name whether it may go into a pack
 */
export function pack(whole: LoweredFunction, mayPack: (name: string) => boolean): PackedFunction {
  const inputs = packsOf(whole.inputs, "packed.inputs", ({ input }) => mayPack(input!));
  const outputs = packsOf(whole.outputs, "packed.outputs", () => true);
  const graph = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  for (const i of unpacked(whole.inputs, inputs)) {
    const value = whole.inputs[i];
    rebuilt.set(value, graph.input(value.input!, value));
  }
  for (const { name, shape, members } of inputs) {
    const all = graph.input(name, { dtype: "float32", shape });
    const lengths = members.map((i) => whole.inputs[i].shape[0]);
    const specs = lengths.map((length): ValueSpec => ({ dtype: "float32", shape: shape.with(0, length) }));
    const pieces = graph.nodes("Split", [all, graph.integers(lengths)], specs, { axis: 0 });
    members.forEach((i, k) => {
      rebuilt.set(whole.inputs[i], pieces[k]);
    });
  }
  const results = rebuild(graph, whole.nodes, whole.outputs, rebuilt);
  const joined = outputs.map(({ shape, members }) => {
    const parts = members.map((i) => results[i]);
    return graph.node("Concat", parts, { dtype: "float32", shape }, { axis: 0 });
  });
  const values = [...unpacked(results, outputs).map((i) => results[i]), ...joined];
  return { packed: { inputs: graph.inputs, nodes: nodesInOrder(values), outputs: values }, inputs, outputs };
}

/** Places of what is in no pack. */
export const unpacked = (all: readonly unknown[], packs: readonly Pack[]): number[] =>
  [...all.keys()].filter((i) => !packs.some(({ members }) => members.includes(i)));
