/**
 * @file Splits a lowered function in two: what follows from inputs that seldom change, to be computed once for each of
 * their values, and the rest. What passes between them is one flat vector, since handing over many arrays costs more
 * than cutting one apart.
 */

import { GraphBuilder, type LoweredFunction, type Node, nodesInOrder, sizeOf, type Value } from "./graph.ts";
import { takeUnshaped } from "./reshapes.ts";
import { rewrite } from "./rewrite.ts";

/** Name of the vector that passes between the stages. */
export const PREPARED = "prepared";

export interface Stages {
  /** From the stable inputs to the one output `prepared` [size]; undefined if nothing follows from them alone. */
  readonly preparation: LoweredFunction | undefined;
  readonly preparedSize: number;
  /** From `prepared` and the other inputs to the outputs. */
  readonly run: LoweredFunction;
}

/** @param isStable says of an input's name whether its value seldom changes */
export function splitStages({ inputs, nodes, outputs }: LoweredFunction, isStable: (name: string) => boolean): Stages {
  const { stable, late, parts } = divide({ inputs, nodes, outputs }, isStable, new Set());
  const preparedSize = parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const run = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  if (parts.length > 0) {
    const prepared = run.input(PREPARED, { dtype: "float32", shape: [preparedSize] });
    const sizes = parts.map(({ shape }) => sizeOf(shape));
    const pieces =
      parts.length === 1
        ? [prepared]
        : run.nodes(
            "Split",
            [prepared, run.integers(sizes)],
            sizes.map((size) => ({ dtype: "float32", shape: [size] })),
            { axis: 0 },
          );
    parts.forEach((part, i) => {
      rebuilt.set(part, run.reshape(pieces[i], part.shape));
    });
  }
  for (const value of inputs) if (!stable.has(value)) rebuilt.set(value, run.input(value.input!, value));
  const lateOutputs = rebuild(run, late, outputs, rebuilt);

  return {
    preparation: parts.length > 0 ? preparationOf(inputs, nodes, parts, stable) : undefined,
    preparedSize,
    run: rewrite(run.inputs, lateOutputs, [takeUnshaped]),
  };
}

/**
 * What follows from stable inputs alone, the nodes that don't, and the values that pass from the ones to the others.
 * @param kept nodes that are late whatever they follow from
 */
function divide(
  { inputs, nodes, outputs }: LoweredFunction,
  isStable: (name: string) => boolean,
  kept: ReadonlySet<Node>,
): { readonly stable: ReadonlySet<Value>; readonly late: readonly Node[]; readonly parts: readonly Value[] } {
  const stable = new Set<Value>(inputs.filter((value) => isStable(value.input!)));
  const isKnown = (value: Value | undefined) => !value || value.data !== undefined || stable.has(value);
  const isEarly = (node: Node) =>
    !kept.has(node) && node.inputs.every(isKnown) && node.inputs.some((value) => value && stable.has(value));
  const late: Node[] = [];
  for (const node of nodes) {
    if (isEarly(node)) for (const output of node.outputs) stable.add(output);
    else late.push(node);
  }
  const passed = new Set<Value>();
  const pass = (value: Value | undefined) => value && stable.has(value) && passed.add(value);
  for (const node of late) node.inputs.forEach(pass);
  outputs.forEach(pass);
  // The vector that passes holds numbers: what is made of something else is made where it is used.
  const odd = [...passed].filter(({ dtype }) => dtype !== "float32");
  if (odd.length === 0) return { stable, late, parts: [...passed] };
  const makers = odd.map(({ dtype, input, producer }) => {
    if (!producer) throw new Error(`internal: input ${input} of ${dtype} can't pass between stages`);
    return producer;
  });
  return divide({ inputs, nodes, outputs }, isStable, new Set([...kept, ...makers]));
}

function preparationOf(
  inputs: readonly Value[],
  nodes: readonly Node[],
  parts: readonly Value[],
  stable: ReadonlySet<Value>,
): LoweredFunction {
  const graph = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  for (const value of inputs) if (stable.has(value)) rebuilt.set(value, graph.input(value.input!, value));
  const early = nodes.filter((node) => node.outputs.every((output) => stable.has(output)));
  const pieces = rebuild(graph, early, parts, rebuilt).map((value) => graph.reshape(value, [sizeOf(value.shape)]));
  const size = pieces.reduce((sum, { shape }) => sum + shape[0], 0);
  const prepared =
    pieces.length === 1 ? pieces[0] : graph.node("Concat", pieces, { dtype: "float32", shape: [size] }, { axis: 0 });
  return { inputs: graph.inputs, nodes: nodesInOrder([prepared]), outputs: [prepared] };
}

/** Makes `nodes` again in another graph, where `rebuilt` has what they start from; gives what stands for `outputs`. */
function rebuild(
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
