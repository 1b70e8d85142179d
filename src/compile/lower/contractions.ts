/** @file Sums of products: contractions and sums become matrix products, whichever way their operands lie. */

import { apply, filled } from "./arithmetic.ts";
import { type GraphBuilder, sizeOf, type Value } from "./graph.ts";
import { arrange, broadcastShape, broadcastTo, isRepeated, realAxes, type View, view } from "./views.ts";

/**
 * The sum of `x · y` over the last axis.
 *
 * Axes that only x has make the rows of a matrix product, axes that only y has its columns; those that both have make
 * a batch of products.
 */
export function contract(graph: GraphBuilder, x: View, y: View): View {
  const shape = broadcastShape([x.shape, y.shape]);
  const last = shape.length - 1;
  const [a, b] = [broadcastTo(x, shape), broadcastTo(y, shape)];
  const summed = shape.slice(0, -1);
  const axes = summed.map((_, axis) => axis);
  if (isRepeated(a, last) || isRepeated(b, last)) {
    // One of them is the same all along the sum, so it comes out of it.
    const constant = isRepeated(a, last) ? a : b;
    const other = constant === a ? b : a;
    return apply(graph, "Mul", sum(graph, other, [last]), dropAxes(constant, [last]));
  }
  const rows = axes.filter((axis) => !isRepeated(a, axis) && isRepeated(b, axis));
  const columns = axes.filter((axis) => isRepeated(a, axis) && !isRepeated(b, axis));
  const batch = axes.filter((axis) => !isRepeated(a, axis) && !isRepeated(b, axis));
  // Neither has axes of its own: products of vectors.
  if (rows.length === 0 && columns.length === 0) return sum(graph, apply(graph, "Mul", a, b), [last]);
  if (batch.length > 0) {
    const left = arrange(graph, a, [...batch, ...rows, last]);
    const right = arrange(graph, b, [...batch, last, ...columns]);
    const size = (list: readonly number[]) => sizeOf(list.map((axis) => shape[axis]));
    const batchShape = batch.map((axis) => shape[axis]);
    const matrices = graph.node(
      "MatMul",
      [
        graph.reshape(left, [...batchShape, size(rows), shape[last]]),
        graph.reshape(right, [...batchShape, shape[last], size(columns)]),
      ],
      { dtype: a.value.dtype, shape: [...batchShape, size(rows), size(columns)] },
    );
    return placed(graph, matrices, summed, [...batch, ...rows, ...columns]);
  }
  const left = asMatrix(graph, a, last);
  const right = asMatrix(graph, b, last);
  // Long rows of short columns suit every operator that comes after: sums and broadcasts then run along memory.
  const isLong = graph.weight(left.size) >= graph.weight(right.size);
  const [first, second] = isLong ? [right, left] : [left, right];
  const product = gemm(graph, first, second);
  return placed(graph, product, summed, [...first.axes, ...second.axes]);
}

interface Matrix {
  readonly value: Value;
  /** Whether the summed axis is the first (else the last). */
  readonly summedFirst: boolean;
  /** The other axes, in their order in the value, and their joint size. */
  readonly axes: readonly number[];
  readonly size: number;
}

/** A view as a matrix, one side of which is the axis `summed`; no data moves if that axis is its first or last. */
function asMatrix(graph: GraphBuilder, v: View, summed: number): Matrix {
  const real = realAxes(v);
  const axes = real.filter((axis) => axis !== summed);
  const summedFirst = real[0] === summed;
  const value = arrange(graph, v, summedFirst ? [summed, ...axes] : [...axes, summed]);
  const size = sizeOf(axes.map((axis) => v.shape[axis]));
  const matrixShape = summedFirst ? [v.shape[summed], size] : [size, v.shape[summed]];
  return { value: graph.reshape(value, matrixShape), summedFirst, axes, size };
}

function gemm(graph: GraphBuilder, a: Matrix, b: Matrix): Value {
  const spec = { dtype: a.value.dtype, shape: [a.size, b.size] };
  if (spec.dtype !== "float32") {
    const left = a.summedFirst ? graph.transpose(a.value, [1, 0]) : a.value;
    const right = b.summedFirst ? b.value : graph.transpose(b.value, [1, 0]);
    return graph.node("MatMul", [left, right], spec);
  }
  const attributes = { ...(a.summedFirst && { transA: 1 }), ...(!b.summedFirst && { transB: 1 }) };
  return graph.node("Gemm", [a.value, b.value], spec, attributes);
}

/** A value whose elements lie along `order` of the axes of `shape`; other axes repeat. */
function placed(graph: GraphBuilder, value: Value, shape: readonly number[], order: readonly number[]): View {
  const long = order.filter((axis) => shape[axis] !== 1);
  const axes = value.shape.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  if (axes.length === long.length) {
    // Only axes of size 1 differ, and a view leaves those out.
    return view(
      value,
      shape,
      shape.map((_, axis) => axes[long.indexOf(axis)] ?? -1),
    );
  }
  const split = graph.reshape(
    value,
    order.map((axis) => shape[axis]),
  );
  return view(
    split,
    shape,
    shape.map((_, axis) => order.indexOf(axis)),
  );
}

/** `v` without the axes `dropped`, along which it repeats. */
function dropAxes(v: View, dropped: readonly number[]): View {
  const kept = v.shape.map((_, axis) => axis).filter((axis) => !dropped.includes(axis));
  return { value: v.value, shape: kept.map((axis) => v.shape[axis]), axes: kept.map((axis) => v.axes[axis]) };
}

/** Sums shorter than this are not worth a matrix product. */
const SHORTEST_GEMM_SUM = 1024;
/** Vectors of ones longer than this would make the file large. */
const LONGEST_ONES = 1 << 16;

/** The sum over `axes`. */
export function sum(graph: GraphBuilder, v: View, axes: readonly number[]): View {
  const repeats = sizeOf(axes.filter((axis) => isRepeated(v, axis)).map((axis) => v.shape[axis]));
  const real = realAxes(v);
  const summed = real.filter((axis) => axes.includes(axis));
  const kept = real.filter((axis) => !axes.includes(axis));
  let total: View;
  if (summed.length === 0) {
    total = dropAxes(v, axes);
  } else {
    const leading = summed.every((axis, i) => real[i] === axis);
    const trailing = summed.every((axis, i) => real[kept.length + i] === axis);
    const length = sizeOf(summed.map((axis) => v.shape[axis]));
    const rest = sizeOf(kept.map((axis) => v.shape[axis]));
    // To one number, a product with ones is slower than a sum.
    const asGemm =
      v.value.dtype === "float32" && rest > 1 && length * rest >= SHORTEST_GEMM_SUM && length <= LONGEST_ONES;
    if (asGemm && (leading || trailing)) {
      // Ones come first: a constant that comes second would be packed for a product with many columns.
      const ones = graph.constant("float32", [1, length], new Array<number>(length).fill(1));
      const matrix = graph.reshape(v.value, leading ? [length, rest] : [rest, length]);
      const spec = { dtype: "float32" as const, shape: [1, rest] };
      const product = graph.node("Gemm", [ones, matrix], spec, leading ? {} : { transB: 1 });
      total = placedWithout(graph, product, v, axes, kept);
    } else {
      total = reduceReal(graph, "ReduceSum", v, axes);
    }
  }
  return repeats === 1 ? total : apply(graph, "Mul", total, filled(graph, v.value.dtype, repeats));
}

function placedWithout(
  graph: GraphBuilder,
  value: Value,
  v: View,
  axes: readonly number[],
  kept: readonly number[],
): View {
  const remaining = v.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  return placed(
    graph,
    value,
    remaining.map((axis) => v.shape[axis]),
    kept.map((axis) => remaining.indexOf(axis)),
  );
}

/** A reduction by an operator of ONNX, over those of `axes` along which the view does not repeat. */
export function reduceReal(graph: GraphBuilder, op: string, v: View, axes: readonly number[]): View {
  const real = realAxes(v);
  const kept = real.filter((axis) => !axes.includes(axis));
  const over = real.filter((axis) => axes.includes(axis)).map((axis) => v.axes[axis]);
  if (over.length === 0) return placedWithout(graph, v.value, v, axes, kept);
  // With nothing kept, axes of size 1 go too.
  const reduced = v.value.shape.flatMap((_, axis) => (over.includes(axis) || kept.length === 0 ? [axis] : []));
  const spec = { dtype: v.value.dtype, shape: v.value.shape.filter((_, axis) => !reduced.includes(axis)) };
  const result = graph.node(op, [v.value, graph.integers(reduced)], spec, { keepdims: 0 });
  return placedWithout(graph, result, v, axes, kept);
}
