/** @file Rebuilds a finished graph node by node, so that rules can put something better in a node's place. */

import { GraphBuilder, type LoweredFunction, type Node, nodesInOrder, type Value } from "./graph.ts";

/** What a rule can ask, and build with. */
export interface Rewriting {
  /** The graph that grows. */
  readonly graph: GraphBuilder;
  /** How often a value of the old graph is used, as an output of the whole too. */
  uses(value: Value): number;
  /** What stands in the new graph for a value of the old. */
  get(value: Value): Value;
}

/** Gives the value that takes the place of the node's only output, or nothing. */
export type RewriteRule = (node: Node, rewriting: Rewriting) => Value | undefined;

/** Rebuilds what `outputs` need, each node by the first rule that has something for it. */
export function rewrite(
  inputs: readonly Value[],
  outputs: readonly Value[],
  rules: readonly RewriteRule[],
): LoweredFunction {
  const nodes = nodesInOrder(outputs);
  const counts = new Map<Value, number>();
  const count = (value: Value | undefined) => value && counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(count);
  outputs.forEach(count);

  const graph = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  for (const value of inputs) rebuilt.set(value, graph.input(value.input!, value));
  const get = (value: Value): Value => {
    let found = rebuilt.get(value);
    if (!found) {
      if (!value.data) throw new Error("internal: a value is used before it is made");
      found = graph.constant(value.dtype, value.shape, value.data);
      rebuilt.set(value, found);
    }
    return found;
  };
  const rewriting: Rewriting = { graph, get, uses: (value) => counts.get(value) ?? 0 };

  for (const node of nodes) {
    let replacement: Value | undefined;
    for (const rule of rules) {
      replacement ??= node.outputs.length === 1 ? rule(node, rewriting) : undefined;
    }
    // Two reshapes in a row, of which a rule took the middle, are one or none.
    if (node.op === "Reshape") replacement ??= graph.reshape(get(node.inputs[0]!), node.outputs[0].shape);
    if (replacement) {
      rebuilt.set(node.outputs[0], replacement);
      continue;
    }
    const made = graph.copy(node, get);
    node.outputs.forEach((output, i) => {
      rebuilt.set(output, made[i]);
    });
  }
  const values = outputs.map(get);
  return { inputs: graph.inputs, nodes: nodesInOrder(values), outputs: values };
}
