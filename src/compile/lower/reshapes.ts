/**
 * @file Changes of shape that nobody needs: operators that broadcast take [n] for [1, n] and the other way round, and
 * every node costs as much as some thousand additions.
 */

import { type GraphBuilder, type Node, sameShape, sizeOf, type Value, withoutLead } from "./graph.ts";
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

/** What an array is joined of, through arrays joined along the same axis that nothing else uses. */
const piecesOf = (node: Node, rewriting: Rewriting): Value[] =>
  (node.inputs as Value[]).flatMap((value, _, all) => {
    const inner = value.producer;
    const isPart =
      inner?.op === "Concat" &&
      inner.attributes.axis === node.attributes.axis &&
      rewriting.uses(value) === 1 &&
      all.indexOf(value) === all.lastIndexOf(value);
    return isPart ? piecesOf(inner, rewriting) : [value];
  });

/** Rows joined of parts of parts: all in one go, constants that stand side by side as one. */
export const joinRows: RewriteRule = (node, rewriting) => {
  const [{ dtype, shape }] = node.outputs;
  if (node.op !== "Concat" || shape.length !== 2 || node.attributes.axis !== 1) return undefined;
  const { graph, get } = rewriting;
  const runs: Value[][] = [];
  for (const piece of piecesOf(node, rewriting)) {
    if (piece.data && runs.at(-1)?.at(-1)?.data) runs.at(-1)!.push(piece);
    else runs.push([piece]);
  }
  if (runs.length === node.inputs.length) return undefined;
  const parts = runs.map((run) => (run.length === 1 ? get(run[0]) : sideBySide(graph, run)));
  return graph.node("Concat", parts, { dtype, shape }, node.attributes);
};

/** Constant matrices of equally many rows as one. */
function sideBySide(graph: GraphBuilder, matrices: readonly Value[]): Value {
  const [{ dtype, shape }] = matrices;
  const width = matrices.reduce((sum, matrix) => sum + matrix.shape[1], 0);
  const numbers = Array.from({ length: shape[0] }, (_, row) =>
    matrices.flatMap(({ data, shape: [, columns] }) => Array.from(data!).slice(row * columns, (row + 1) * columns)),
  );
  return graph.constant(dtype, [shape[0], width], numbers.flat());
}

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
