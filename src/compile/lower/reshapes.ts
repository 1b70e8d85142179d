/**
 * @file Changes of shape that nobody needs: operators that broadcast take [n] for [1, n] and the other way round, and
 * every node costs as much as some thousand additions.
 */

import { type Node, sameShape, sizeOf, type Value, withoutLead } from "./graph.ts";
import type { RewriteRule, Rewriting } from "./rewrite.ts";
import { broadcastShape } from "./views.ts";

const broadcasting = new Set(["Add", "Sub", "Mul", "Div", "Max", "Min", "Less", "LessOrEqual", "Equal", "Where"]);

/** What `value` was before axes of size 1 in front came or went. */
function behind(value: Value | undefined): Value | undefined {
  const source = value?.producer?.op === "Reshape" ? value.producer.inputs[0]! : undefined;
  return source && sameShape(withoutLead(source.shape), withoutLead(value!.shape)) ? source : undefined;
}

/** Does the node give the same with these inputs? */
function gives(node: Node, inputs: readonly (Value | undefined)[]): boolean {
  const [output] = node.outputs;
  if (broadcasting.has(node.op)) return sameShape(broadcastShape(inputs.map((v) => v!.shape)), output.shape);
  return node.op === "Gemm" && inputs.every((v, i) => i === 2 || v === node.inputs[i]);
}

/** An operator that takes what lies behind a change of shape. */
export const takeUnshaped: RewriteRule = (node, { graph, get }) => {
  let inputs = node.inputs;
  for (const [i, value] of node.inputs.entries()) {
    const source = behind(value);
    const changed = source && inputs.with(i, source);
    if (changed && gives(node, changed)) inputs = changed;
  }
  if (inputs === node.inputs) return undefined;
  return graph.node(
    node.op,
    inputs.map((value) => value && get(value)),
    node.outputs[0],
    node.attributes,
  );
};

/** What a vector is joined of, through vectors that nothing else uses. */
const piecesOf = (node: Node, rewriting: Rewriting): Value[] =>
  (node.inputs as Value[]).flatMap((value, _, all) => {
    const inner = value.producer;
    const isPart =
      inner?.op === "Concat" && rewriting.uses(value) === 1 && all.indexOf(value) === all.lastIndexOf(value);
    return isPart ? piecesOf(inner, rewriting) : [value];
  });

/** A vector joined of parts: all in one go, and of rows [1, n] as they are where most of them are that. */
export const joinVectors: RewriteRule = (node, rewriting) => {
  const [output] = node.outputs;
  if (node.op !== "Concat" || output.shape.length !== 1) return undefined;
  const { graph, get } = rewriting;
  const pieces = piecesOf(node, rewriting);
  const isReshaped = (value: Value) => value.producer?.op === "Reshape";
  const isRow = (value: Value) =>
    isReshaped(value) && sameShape(value.producer!.inputs[0]!.shape, [1, sizeOf(value.shape)]);
  const saved = pieces.filter(isRow).length - pieces.filter((value) => !isReshaped(value) && !value.data).length - 1;
  if (saved <= 0 && pieces.length === node.inputs.length) return undefined;
  const { dtype, shape } = output;
  if (saved <= 0) return graph.node("Concat", pieces.map(get), { dtype, shape }, { axis: 0 });
  const rows = pieces.map((value) => graph.reshape(get(value), [1, sizeOf(value.shape)]));
  return graph.reshape(graph.node("Concat", rows, { dtype, shape: [1, ...shape] }, { axis: 1 }), shape);
};
