/**
 * @file Element-wise operators, and the table of rules that simplify them as they are built.
 *
 * A rule looks at the operands (and at what made them) and gives a cheaper form of the result, or nothing.
 */

import type { GraphBuilder, Value, ValueType } from "./graph.ts";
import { broadcastShape, broadcastTo, elementwise, uniformNumber, type View, view, viewOf } from "./views.ts";

type Rule = (graph: GraphBuilder, ...operands: View[]) => View | undefined;

/** A constant number, repeated to `shape`. */
export const filled = (graph: GraphBuilder, dtype: ValueType, number: number, shape: readonly number[] = []): View =>
  broadcastTo(viewOf(graph.scalar(dtype, number)), shape);

/** The operand `input` of the node that made `v`, seen as `v` sees its result; only for element-wise nodes. */
function operandOf(v: View, input: number): View {
  const operand = v.value.producer!.inputs[input] as Value;
  const result = v.value.shape;
  const lead = result.length - operand.shape.length;
  const axes = v.axes.map((axis) => (axis < lead || operand.shape[axis - lead] === 1 ? -1 : axis - lead));
  return view(operand, v.shape, axes);
}

const madeBy = (v: View, op: string): boolean => v.value.producer?.op === op;

const sameView = (a: View, b: View): boolean =>
  a.value === b.value && a.axes.length === b.axes.length && a.axes.every((axis, i) => axis === b.axes[i]);

/** `v`, repeated to the shape that it has together with the others. */
const shaped = (v: View, ...others: readonly View[]): View =>
  broadcastTo(v, broadcastShape([v.shape, ...others.map((other) => other.shape)]));

const is = (v: View, number: number): boolean => uniformNumber(v) === number;
const isFloat = (v: View): boolean => v.value.dtype === "float32";

/** The constant factor of a product, and what it multiplies. */
function scaled(v: View): { factor: number; rest: View } | undefined {
  if (!madeBy(v, "Mul")) return undefined;
  for (const side of [0, 1]) {
    const factor = uniformNumber(operandOf(v, side));
    if (factor !== undefined) return { factor, rest: operandOf(v, 1 - side) };
  }
  return undefined;
}

/** Simplifications, by operator, tried from top to bottom. */
const rules: Readonly<Record<string, readonly Rule[]>> = {
  Add: [
    (_, a, b) => (is(a, 0) ? shaped(b, a) : is(b, 0) ? shaped(a, b) : undefined),
    (g, a, b) => (madeBy(b, "Neg") ? apply(g, "Sub", a, operandOf(b, 0)) : undefined),
    (g, a, b) => (madeBy(a, "Neg") ? apply(g, "Sub", b, operandOf(a, 0)) : undefined),
  ],
  Sub: [
    (g, a, b) => (sameView(a, b) ? filled(g, a.value.dtype, 0, a.shape) : undefined),
    (_, a, b) => (is(b, 0) ? shaped(a, b) : undefined),
    (g, a, b) => (is(a, 0) ? apply(g, "Neg", shaped(b, a)) : undefined),
    (g, a, b) => (madeBy(b, "Neg") ? apply(g, "Add", a, operandOf(b, 0)) : undefined),
  ],
  Mul: [
    (_, a, b) => (is(a, 1) ? shaped(b, a) : is(b, 1) ? shaped(a, b) : undefined),
    // A product with zero comes from a derivative that does not depend on its argument: it is zero.
    (_, a, b) => (is(a, 0) ? shaped(a, b) : is(b, 0) ? shaped(b, a) : undefined),
    (g, a, b) => (is(a, -1) ? apply(g, "Neg", shaped(b, a)) : is(b, -1) ? apply(g, "Neg", shaped(a, b)) : undefined),
    (g, a, b) => (madeBy(a, "Neg") && madeBy(b, "Neg") ? apply(g, "Mul", operandOf(a, 0), operandOf(b, 0)) : undefined),
    (g, a, b) => scaleProduct(g, a, b) ?? scaleProduct(g, b, a),
    (g, a, b) => quotient(g, a, b) ?? quotient(g, b, a),
  ],
  Neg: [
    (_, a) => (madeBy(a, "Neg") ? operandOf(a, 0) : undefined),
    (g, a) => (madeBy(a, "Sub") ? apply(g, "Sub", operandOf(a, 1), operandOf(a, 0)) : undefined),
    (g, a) => {
      const product = isFloat(a) ? scaled(a) : undefined;
      return product && apply(g, "Mul", product.rest, filled(g, "float32", -product.factor));
    },
  ],
  Max: [
    (g, a, b) => (isFloat(a) && is(b, 0) ? apply(g, "Relu", shaped(a, b)) : undefined),
    (g, a, b) => (isFloat(b) && is(a, 0) ? apply(g, "Relu", shaped(b, a)) : undefined),
  ],
  And: [(_, a, b) => (is(a, 1) ? shaped(b, a) : is(b, 1) ? shaped(a, b) : undefined)],
  Or: [(_, a, b) => (is(a, 0) ? shaped(b, a) : is(b, 0) ? shaped(a, b) : undefined)],
  Where: [
    (_, condition, a, b) => (is(condition, 1) ? shaped(a, b) : is(condition, 0) ? shaped(b, a) : undefined),
    (_, condition, a, b) =>
      sameView(shaped(a, condition, b), shaped(b, condition, a)) ? shaped(a, condition) : undefined,
    (g, condition, a, b) => absolute(g, condition, a, b),
  ],
  Not: [(_, a) => (madeBy(a, "Not") ? operandOf(a, 0) : undefined)],
};

/** `a · b` where `b` is a constant, or the negative of something. */
function scaleProduct(graph: GraphBuilder, a: View, b: View): View | undefined {
  const factor = uniformNumber(b);
  if (factor === undefined || !isFloat(a)) return undefined;
  if (madeBy(a, "Neg")) return apply(graph, "Mul", operandOf(a, 0), filled(graph, "float32", -factor));
  const product = scaled(a);
  if (!product) return undefined;
  const both = Math.fround(product.factor * factor);
  // One after the other they may stay within what float32 can hold.
  if (factor !== 0 && product.factor !== 0 && !(Math.abs(both) >= SMALLEST_NORMAL && Math.abs(both) < Infinity))
    return undefined;
  return apply(graph, "Mul", product.rest, filled(graph, "float32", both));
}

/** float32 has all its digits from here on. */
const SMALLEST_NORMAL = 2 ** -126;

/** −x where x < 0, else x, as |x|. */
function absolute(graph: GraphBuilder, condition: View, negative: View, x: View): View | undefined {
  if (!isFloat(x) || !madeBy(condition, "Less") || !madeBy(negative, "Neg")) return undefined;
  const isNegative = sameView(operandOf(condition, 0), x) && is(operandOf(condition, 1), 0);
  return isNegative && sameView(operandOf(negative, 0), x) ? apply(graph, "Abs", x) : undefined;
}

/** `a · (1 / b)` as `a / b`, unless `b` is smaller than the result: then one small reciprocal serves many products. */
function quotient(graph: GraphBuilder, a: View, b: View): View | undefined {
  if (!madeBy(b, "Reciprocal")) return undefined;
  const divisor = operandOf(b, 0);
  // 1 / (1 + exp(x)) is to become an operator of its own.
  if (madeBy(divisor, "Add") && madeBy(operandOf(divisor, 0), "Exp") && is(operandOf(divisor, 1), 1)) return undefined;
  if (divisor.value.shape.length < a.value.shape.length) return undefined;
  if (divisor.value.shape.some((size, axis) => size < (a.value.shape[axis] ?? 1))) return undefined;
  return apply(graph, "Div", a, divisor);
}

/** What operators do to constants. Results are rounded to the type where they are made. */
const onNumbers: Readonly<Record<string, (...numbers: number[]) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Neg: (a) => -a,
  Reciprocal: (a) => 1 / a,
  Max: (a, b) => Math.max(a, b),
  Min: (a, b) => Math.min(a, b),
  Sqrt: (a) => Math.sqrt(a),
  Exp: (a) => Math.exp(a),
  Log: (a) => Math.log(a),
  Relu: (a) => Math.max(a, 0),
  Abs: (a) => Math.abs(a),
};

const numberRounding: Readonly<Record<ValueType, (number: number) => number>> = {
  float32: Math.fround,
  int32: (number) => number | 0,
  int64: Math.trunc,
  bool: (number) => (number ? 1 : 0),
};

const commutative = new Set(["Add", "Mul", "Max", "Min", "And", "Or", "Equal"]);

/**
 * An element-wise operator on views, simplified.
 * @param dtype of the result, where it is not that of the first operand
 */
export function apply(graph: GraphBuilder, op: string, ...operands: View[]): View {
  return applyTyped(graph, op, operands, operands[0].value.dtype);
}

export function applyTyped(graph: GraphBuilder, op: string, operands: View[], dtype: ValueType): View {
  const shape = broadcastShape(operands.map((operand) => operand.shape));
  const fold = onNumbers[op];
  if (fold) {
    const numbers = operands.map(uniformNumber);
    if (numbers.every((number) => number !== undefined)) {
      const result = fold(...numbers);
      const isExact = dtype === "float32" || Number.isSafeInteger(result);
      if (isExact) return filled(graph, dtype, numberRounding[dtype](result), shape);
    }
  }
  for (const rule of rules[op] ?? []) {
    const simpler = rule(graph, ...operands);
    if (simpler) return broadcastTo(simpler, shape);
  }
  // One order for operands that commute, so that a·b and b·a are one value; constants last.
  const ordered = commutative.has(op) ? [...operands].sort((a, b) => rank(a) - rank(b)) : operands;
  return elementwise(graph, op, ordered, dtype);
}

const rank = ({ value }: View): number => (value.data ? Number.MAX_SAFE_INTEGER : value.id);
