/**
 * @file Arrays as views: transposes, broadcasts and axes of size 1 cost nothing until an operator needs them gone.
 *
 * A view says of each axis where it lies in a value that really is there: on which of its axes, or on none (an axis
 * of size 1, or one along which the value repeats).
 */

import { type GraphBuilder, sameShape, sizeOf, type Value, type ValueType, withoutLead } from "./graph.ts";

/** Stands for an axis that the value does not have. */
const NONE = -1;

export interface View {
  readonly value: Value;
  readonly shape: readonly number[];
  /**
   * For each axis of the view, the axis of `value` that it lies on, or NONE. Axes of size 1 lie on none. Every axis
   * of `value` that is longer than 1 is named exactly once.
   */
  readonly axes: readonly number[];
}

/** A value, seen as it is. */
export function viewOf(value: Value): View {
  return { value, shape: value.shape, axes: value.shape.map((size, axis) => (size === 1 ? NONE : axis)) };
}

/** A value whose axes of size 1 are left out, repeated to `shape`; `axes` as in a view. */
export const view = (value: Value, shape: readonly number[], axes: readonly number[]): View => ({
  value,
  shape,
  axes: axes.map((axis, i) => (shape[i] === 1 ? NONE : axis)),
});

export const isRepeated = (v: View, axis: number): boolean => v.axes[axis] === NONE;

/** The number that the view repeats everywhere, if it is a constant that does. */
export function uniformNumber({ value }: View): number | undefined {
  if (!value.data || value.data.length === 0) return undefined;
  return value.data.length === 1 ? value.data[0] : undefined;
}

export function transposeView(v: View, permutation: readonly number[]): View {
  return { value: v.value, shape: permutation.map((p) => v.shape[p]), axes: permutation.map((p) => v.axes[p]) };
}

/** Repeats `v` along the new axes `added` of `shape`. */
export function broadcastView(v: View, shape: readonly number[], added: readonly number[]): View {
  const isAdded = new Set(added);
  let next = 0;
  return view(
    v.value,
    shape,
    shape.map((_, axis) => (isAdded.has(axis) ? NONE : v.axes[next++])),
  );
}

/** Repeats `v` to `shape` by NumPy's rules: aligned at the last axis, axes of size 1 stretched. */
export function broadcastTo(v: View, shape: readonly number[]): View {
  const lead = shape.length - v.shape.length;
  return { value: v.value, shape, axes: shape.map((_, axis) => (axis < lead ? NONE : v.axes[axis - lead])) };
}

/** The shape that arrays of these shapes have together, by NumPy's rules. */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own !== 1) size = own;
    }
    return size;
  });
}

/** The axes of the view that lie on axes of the value, in the order in which the value has them. */
export function realAxes(v: View): number[] {
  return v.shape
    .map((_, axis) => axis)
    .filter((axis) => v.axes[axis] !== NONE)
    .sort((a, b) => v.axes[a] - v.axes[b]);
}

/**
 * The value with its axes in the order `order` (a list of view axes; others must be repeated and are left out),
 * without axes of size 1 that are not in the list. No data moves if the value already has them in that order.
 */
export function arrange(graph: GraphBuilder, v: View, order: readonly number[]): Value {
  const real = realAxes(v);
  const compact = graph.reshape(
    v.value,
    real.map((axis) => v.shape[axis]),
  );
  const wanted = order.filter((axis) => v.axes[axis] !== NONE);
  if (wanted.length !== real.length) throw new Error("arrange: an axis of the value is missing from the order");
  const permutation = wanted.map((axis) => real.indexOf(axis));
  const transposed = turnedProduct(graph, compact, permutation) ?? graph.transpose(compact, permutation);
  return graph.reshape(
    transposed,
    order.map((axis) => (v.axes[axis] === NONE ? 1 : v.shape[axis])),
  );
}

/** Is the value a product of smaller ones, as an outer product is? It can lie any way at the same cost. */
const isOuterProduct = ({ producer, shape }: Value): boolean =>
  producer?.op === "Mul" && producer.inputs.every((factor) => sizeOf(factor!.shape) < sizeOf(shape));

/** The transpose of an outer product, as the product of its factors turned: no data moves. */
function turnedProduct(graph: GraphBuilder, value: Value, permutation: readonly number[]): Value | undefined {
  if (!isOuterProduct(value) || permutation.every((axis, i) => axis === i)) return undefined;
  const { dtype, shape } = value;
  const factors = (value.producer!.inputs as Value[]).map((factor) => {
    const lead = new Array<number>(Math.max(0, shape.length - factor.shape.length)).fill(1);
    return graph.transpose(graph.reshape(factor, [...lead, ...factor.shape]), permutation);
  });
  if (factors.some(({ producer }) => producer?.op === "Transpose")) return undefined;
  return graph.node("Mul", factors, { dtype, shape: permutation.map((axis) => shape[axis]) });
}

/** Constants of so many elements are written out, longer ones repeated when the program runs. */
const LARGEST_WRITTEN = 1024;

/** The numbers of an array, row by row, when its axes of size 1 are stretched to `shape`. */
function repeatData(data: ArrayLike<number>, from: readonly number[], shape: readonly number[]): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, element) => {
    let [rest, stride, place] = [element, 1, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (from[axis] !== 1) place += (rest % shape[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
      stride *= from[axis];
    }
    return data[place];
  });
}

/** The view as a value of just this shape, repeats written out. */
export function materialize(graph: GraphBuilder, v: View): Value {
  const order = v.shape.map((_, axis) => axis);
  const arranged = arrange(graph, v, order);
  if (sizeOf(arranged.shape) === sizeOf(v.shape)) return arranged;
  if (arranged.data && sizeOf(v.shape) <= LARGEST_WRITTEN) {
    return graph.constant(arranged.dtype, v.shape, repeatData(arranged.data, arranged.shape, v.shape));
  }
  return graph.node("Expand", [arranged, graph.integers(v.shape)], { dtype: arranged.dtype, shape: v.shape });
}

/**
 * The same elements, row by row of the view, in another shape. Stays a view where axes are only split, joined or of
 * size 1, and those that are joined lie side by side in the value.
 */
export function reshapeView(graph: GraphBuilder, v: View, shape: readonly number[]): View {
  if (sizeOf(shape) === 0) return viewOf(graph.reshape(materialize(graph, v), shape));
  const regrouped = regroup(graph, v, shape);
  return regrouped ?? viewOf(graph.reshape(materialize(graph, v), shape));
}

/** Runs of axes of `from` and `to` that hold the same number of elements, cut as finely as possible. */
function matchGroups(from: readonly number[], to: readonly number[]): { from: number[]; to: number[] }[] {
  const groups: { from: number[]; to: number[] }[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    const group = { from: [] as number[], to: [] as number[] };
    let left = 1;
    let right = 1;
    do {
      if (left <= right && i < from.length) {
        left *= from[i];
        group.from.push(i++);
      } else {
        right *= to[j];
        group.to.push(j++);
      }
    } while (left !== right);
    groups.push(group);
  }
  return groups;
}

function regroup(graph: GraphBuilder, v: View, shape: readonly number[]): View | undefined {
  // New sizes of each axis of the value that a group covers, by the group's first axis of the value.
  const pieces = new Map<number, { covers: number; sizes: number[]; newAxes: number[] }>();
  for (const group of matchGroups(v.shape, shape)) {
    const from = group.from.filter((axis) => v.shape[axis] !== 1);
    const to = group.to.filter((axis) => shape[axis] !== 1);
    const real = from.filter((axis) => v.axes[axis] !== NONE);
    if (real.length === 0) continue; // repeats stay repeats
    if (real.length !== from.length) return undefined;
    if (real.some((axis, k) => k > 0 && !follows(v.value, v.axes[real[k - 1]], v.axes[axis]))) return undefined;
    const sizes = to.map((axis) => shape[axis]);
    pieces.set(v.axes[real[0]], { covers: v.axes[real[real.length - 1]], sizes, newAxes: to });
  }
  const newShape: number[] = [];
  const axes = shape.map(() => NONE);
  for (let axis = 0; axis < v.value.shape.length; axis++) {
    const piece = pieces.get(axis);
    if (!piece) {
      // An axis of size 1 stays: to leave it out would take an operator.
      newShape.push(1);
      continue;
    }
    for (const newAxis of piece.newAxes) {
      axes[newAxis] = newShape.length;
      newShape.push(shape[newAxis]);
    }
    axis = piece.covers;
  }
  return { value: graph.reshape(v.value, newShape), shape, axes };
}

/** Is `next` the axis after `axis` in the value, but for axes of size 1? */
function follows(value: Value, axis: number, next: number): boolean {
  if (next <= axis) return false;
  for (let between = axis + 1; between < next; between++) if (value.shape[between] !== 1) return false;
  return true;
}

/**
 * An operator that works element by element, with implicit broadcasting: its result has the layout of the largest
 * operand, so that no data moves but of operands that lie otherwise.
 */
export function elementwise(
  graph: GraphBuilder,
  op: string,
  operands: readonly View[],
  dtype: ValueType,
  attributes: Readonly<Record<string, number>> = {},
): View {
  const shape = broadcastShape(operands.map((operand) => operand.shape));
  const views = operands.map((operand) => broadcastTo(operand, shape));
  const order = commonOrder(views);
  // Axes along which every operand repeats need not be computed.
  const computed = order.filter((axis) => views.some((v) => v.axes[axis] !== NONE));
  const aligned = views.map((v) => {
    const value = arrange(graph, v, computed);
    const trimmed = withoutLead(value.shape);
    // Already there, but for further axes of size 1 in front.
    const fits = sameShape(withoutLead(v.value.shape), trimmed) && isInOrder(v, order);
    return fits ? v.value : graph.reshape(value, trimmed);
  });
  // Further axes of size 1 in front, as matrix products leave them, stay: it takes an operator to get rid of them.
  const lead = Math.max(0, ...aligned.map((value) => value.shape.length - computed.length));
  const outShape = [...new Array<number>(lead).fill(1), ...computed.map((axis) => shape[axis])];
  const out = graph.node(op, aligned, { dtype, shape: outShape }, attributes);
  return view(
    out,
    shape,
    shape.map((_, axis) => (computed.includes(axis) ? lead + computed.indexOf(axis) : NONE)),
  );
}

/** Inputs with fewer elements than this are left as they lie: turning them costs more than it saves. */
const SMALLEST_TURNED = 1 << 14;

/** Does the value have its axes in this order? */
const isInOrder = (v: View, order: readonly number[]): boolean => {
  const real = order.filter((axis) => v.axes[axis] !== NONE);
  return real.every((axis, i) => i === 0 || v.axes[real[i - 1]] < v.axes[axis]);
};

/**
 * An order of the axes in which the largest of the views needs no transpose. Where there is a choice (the result is
 * larger than any of them, or the largest comes from outside and is turned once for all), the longest axis comes last:
 * sums and broadcasts then run along memory, and everything lies as matrix products leave it.
 */
export function commonOrder(views: readonly View[]): number[] {
  const { shape } = views[0];
  const order = shape.map((_, axis) => axis);
  // One that can lie any way counts as a little smaller.
  const size = ({ value }: View) => sizeOf(value.shape) - (isOuterProduct(value) ? 0.5 : 0);
  const largest = views.reduce((best, v) => (size(v) > size(best) ? v : best));
  const isTurned = largest.value.input !== undefined && sizeOf(largest.value.shape) >= SMALLEST_TURNED;
  if (isTurned || sizeOf(largest.value.shape) < sizeOf(shape)) return order.sort((a, b) => shape[a] - shape[b]);
  const real = realAxes(largest);
  const places = [...real].sort((a, b) => a - b);
  places.forEach((place, k) => {
    order[place] = real[k];
  });
  return order;
}
