/**
 * @file Sums of arrays that are zero but for a part each: what the derivative of taking slices comes to. Put side by
 * side they are one copy, where padding each and adding them up takes as many passes over the whole as there are slices.
 */

import { type Node, sameShape, type Value } from "./graph.ts";
import type { RewriteRule } from "./rewrite.ts";

/** An array that is zero outside of one stretch of one axis. */
interface Padded {
  readonly inner: Value;
  readonly axis: number;
  readonly start: number;
}

function paddedAlongOne(value: Value): Padded | undefined {
  const { producer, shape } = value;
  if (producer?.op !== "Pad" || producer.inputs.length !== 2) return undefined;
  const [inner, pads] = producer.inputs as Value[];
  const along = shape.flatMap((size, axis) => (size === inner.shape[axis] ? [] : [axis]));
  return along.length === 1 ? { inner, axis: along[0], start: pads.data![along[0]] } : undefined;
}

/** What a sum adds up, to the last; undefined if it is more than `limit`. */
function addends(node: Node, limit: number): Value[] | undefined {
  const found: Value[] = [];
  const waiting = [...(node.inputs as Value[])];
  for (let value = waiting.pop(); value; value = waiting.pop()) {
    if (value.producer?.op === "Add" && sameShape(value.shape, node.outputs[0].shape)) {
      waiting.push(...(value.producer.inputs as Value[]));
    } else if (found.push(value) > limit) return undefined;
  }
  return found;
}

/** A sum whose addends are all zero but for a stretch each, no two of which overlap: the stretches side by side. */
export const joinPads: RewriteRule = (node, { graph, get }) => {
  const { dtype, shape } = node.outputs[0];
  if (node.op !== "Add" || dtype === "bool") return undefined;
  const terms = addends(node, Math.max(...shape));
  if (!terms?.every((term) => sameShape(term.shape, shape))) return undefined;
  const parts = terms.map(paddedAlongOne);
  const axis = parts[0]?.axis;
  if (axis === undefined || !parts.every((part) => part?.axis === axis)) return undefined;
  const pieces: Value[] = [];
  let end = 0;
  const fillTo = (next: number): void => {
    if (next === end) return;
    const gap = shape.with(axis, next - end);
    const size = gap.reduce((product, length) => product * length, 1);
    pieces.push(graph.constant(dtype, gap, new Array<number>(size).fill(0)));
    end = next;
  };
  for (const { inner, start } of (parts as Padded[]).toSorted((a, b) => a.start - b.start)) {
    if (start < end) return undefined;
    fillTo(start);
    pieces.push(get(inner));
    end += inner.shape[axis];
  }
  fillTo(shape[axis]);
  return graph.node("Concat", pieces, { dtype, shape }, { axis });
};
