/**
 * @file Operators on the bits of whole numbers, from arithmetic: ONNX shifts no signed numbers and counts no bits.
 * Unsigned 32-bit numbers are held in int64, below 2³².
 */

import { apply, filled } from "./arithmetic.ts";
import { type GraphBuilder, sizeOf } from "./graph.ts";
import { broadcastTo, type View, viewOf } from "./views.ts";

const number = (graph: GraphBuilder, value: number): View => filled(graph, "int64", value);

/** The lowest 32 bits. */
export const low32 = (graph: GraphBuilder, x: View): View => apply(graph, "BitwiseAnd", x, number(graph, 0xffffffff));

/** 2ⁿ for shifts by n. */
const powerOf2 = (graph: GraphBuilder, n: View): View => apply(graph, "Pow", number(graph, 2), n);

/** x · 2ⁿ, in int64. */
export const shiftLeft = (graph: GraphBuilder, x: View, n: View): View => apply(graph, "Mul", x, powerOf2(graph, n));

/** ⌊x / 2ⁿ⌋, in int64: also of negative numbers, which division rounds towards zero. */
export function shiftRight(graph: GraphBuilder, x: View, n: View): View {
  const divisor = powerOf2(graph, n);
  const remainder = apply(graph, "BitwiseAnd", x, apply(graph, "Sub", divisor, number(graph, 1)));
  return apply(graph, "Div", apply(graph, "Sub", x, remainder), divisor);
}

/** How many of the lowest 32 bits are set: pairs, then fours, then bytes are summed side by side. */
export function countBits(graph: GraphBuilder, x: View): View {
  const masked = (v: View, mask: number) => apply(graph, "BitwiseAnd", v, number(graph, mask));
  const shifted = (v: View, n: number) => apply(graph, "Div", v, number(graph, 2 ** n));
  const sumOfNeighbours = (v: View, mask: number, n: number) =>
    apply(graph, "Add", masked(v, mask), masked(shifted(v, n), mask));
  const pairs = sumOfNeighbours(low32(graph, x), 0x55555555, 1);
  const fours = sumOfNeighbours(pairs, 0x33333333, 2);
  const bytes = sumOfNeighbours(fours, 0x0f0f0f0f, 4);
  const halves = sumOfNeighbours(bytes, 0x00ff00ff, 8);
  return sumOfNeighbours(halves, 0x0000ffff, 16);
}

/**
 * Random bits by counter: Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * 2011), of the counters (0, i), for each of `keys` separately.
 */
export function randomBits(
  graph: GraphBuilder,
  [key0, key1]: readonly View[],
  shape: readonly number[],
  mode: "xor" | 0 | 1,
): View {
  const rotations = [
    [13, 15, 26, 6],
    [17, 29, 16, 24],
  ];
  const parity = 0x1bd11bda;
  const each = sizeOf(shape.slice(key0.shape.length));
  const counters = graph.constant(
    "int64",
    shape.slice(key0.shape.length),
    Array.from({ length: each }, (_, i) => i),
  );
  const trailing = (v: View): View => ({
    ...v,
    shape: [...v.shape, ...shape.slice(key0.shape.length).map(() => 1)],
    axes: [...v.axes, ...shape.slice(key0.shape.length).map(() => -1)],
  });
  const xor = (a: View, b: View) => apply(graph, "BitwiseXor", a, b);
  const add = (a: View, b: View) => low32(graph, apply(graph, "Add", a, b));
  const keys = [trailing(key0), trailing(key1)];
  keys.push(xor(xor(keys[0], keys[1]), number(graph, parity)));
  let x0 = keys[0];
  let x1 = add(viewOf(counters), keys[1]);
  for (let group = 0; group < 5; group++) {
    for (const rotation of rotations[group % 2]) {
      x0 = add(x0, x1);
      const left = low32(graph, apply(graph, "Mul", x1, number(graph, 2 ** rotation)));
      const right = apply(graph, "Div", x1, number(graph, 2 ** (32 - rotation)));
      x1 = xor(apply(graph, "Add", left, right), x0);
    }
    x0 = add(x0, keys[(group + 1) % 3]);
    x1 = add(add(x1, keys[(group + 2) % 3]), number(graph, group + 1));
  }
  return broadcastTo(mode === "xor" ? xor(x0, x1) : mode === 0 ? x0 : x1, shape);
}
