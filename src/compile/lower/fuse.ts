/**
 * @file Rewrites of a finished graph that need to know who else uses a value: what a matrix product or a normalisation
 * can take along on its way (a factor, an addend) is taken along.
 */

import { type LoweredFunction, type Node, sameShape, sizeOf, type Value } from "./graph.ts";
import { joinPads } from "./pads.ts";
import { joinRows, joinVectors, takeUnshaped } from "./reshapes.ts";
import { type RewriteRule, type Rewriting, rewrite } from "./rewrite.ts";

/** Rebuilds the graph with its normalisations joined and its matrix products extended. */
export function fuse(inputs: readonly Value[], outputs: readonly Value[]): LoweredFunction {
  const joined = rewrite(inputs, outputs, [joinPads, sigmoid, logSigmoid, normalization]);
  const early = [hyperbolicTangent, normalizationScale, productScale, productAddend, offsetsTogether];
  const scaled = rewrite(joined.inputs, joined.outputs, early);
  const offset = rewrite(scaled.inputs, scaled.outputs, [normalizationOffset, productAddend, outerAddend]);
  return rewrite(offset.inputs, offset.outputs, [rowProduct, takeUnshaped, joinVectors, joinRows]);
}

/** The value behind changes of shape that nothing else uses. */
function behindReshapes(value: Value, { uses }: Rewriting): Value {
  let current = value;
  while (current.producer?.op === "Reshape" && uses(current) === 1) current = current.producer.inputs[0]!;
  return current;
}

/** The number that a constant of one element holds. */
const numberOf = (value: Value | undefined): number | undefined =>
  value?.data?.length === 1 ? value.data[0] : undefined;

/** The operands of a node of two, with the constant number among them. */
function withNumber({ inputs }: Node) {
  for (const side of [0, 1] as const) {
    const number = numberOf(inputs[side]);
    if (number !== undefined) return { number, other: inputs[1 - side]!, side };
  }
  return undefined;
}

/**
 * 1 / (1 + exp(−x)) as σ(x), where the exponential is used for nothing else: a derivative may multiply the two, and where
 * σ is small its operator is exact to 1e-8 only, not to its digits.
 */
const sigmoid: RewriteRule = (node, rewriting) => {
  const { graph, uses } = rewriting;
  if (node.op !== "Reciprocal" || node.outputs[0].dtype !== "float32") return undefined;
  const sum = node.inputs[0]!;
  const terms = sum.producer?.op === "Add" && uses(sum) === 1 ? withNumber(sum.producer) : undefined;
  if (terms?.number !== 1 || terms.other.producer?.op !== "Exp" || uses(terms.other) !== 1) return undefined;
  if (!sameShape(terms.other.shape, sum.shape)) return undefined;
  return graph.node("Sigmoid", [negative(terms.other.producer.inputs[0]!, rewriting)], node.outputs[0]);
};

/**
 * log c σ(x) as log c − log(1 + exp(−x)): where σ is small, its operator has lost its digits.
 */
const logSigmoid: RewriteRule = (node, { graph, get }) => {
  if (node.op !== "Log") return undefined;
  const [output] = node.outputs;
  const x = get(node.inputs[0]!);
  const scaled = x.producer?.op === "Mul" ? withNumber(x.producer) : undefined;
  const factor = scaled && scaled.number > 0 && sameShape(scaled.other.shape, x.shape) ? scaled : undefined;
  const inner = factor?.other ?? x;
  if (inner.producer?.op !== "Sigmoid") return undefined;
  const opposite = graph.node("Neg", [inner.producer.inputs[0]!], output);
  const log = graph.node("Neg", [graph.node("Softplus", [opposite], output)], output);
  return factor ? graph.node("Add", [log, graph.scalar("float32", Math.log(factor.number))], output) : log;
};

/** −x, without an operator more where there is one that can turn its sign. */
function negative(x: Value, { graph, get }: Rewriting): Value {
  const { producer } = x;
  if (producer?.op === "Neg") return get(producer.inputs[0]!);
  if (producer?.op === "Sub") return graph.node("Sub", [get(producer.inputs[1]!), get(producer.inputs[0]!)], x);
  const factor = producer?.op === "Mul" ? withNumber(producer) : undefined;
  if (factor) return graph.node("Mul", [get(factor.other), graph.scalar("float32", -factor.number)], x);
  return graph.node("Neg", [get(x)], x);
}

/** 2σ(2x) − 1 as tanh(x). */
const hyperbolicTangent: RewriteRule = (node, { graph, get }) => {
  const shift = node.op === "Add" || node.op === "Sub" ? withNumber(node) : undefined;
  const isLessOne = node.op === "Add" ? shift?.number === -1 : shift?.number === 1 && shift.side === 1;
  if (!shift || !isLessOne || shift.other.producer?.op !== "Mul") return undefined;
  const double = withNumber(shift.other.producer);
  if (double?.number !== 2 || double.other.producer?.op !== "Sigmoid") return undefined;
  const argument = double.other.producer.inputs[0]!;
  const half = argument.producer?.op === "Mul" ? withNumber(argument.producer) : undefined;
  if (half?.number !== 2 || !sameShape(half.other.shape, node.outputs[0].shape)) return undefined;
  return graph.node("Tanh", [get(half.other)], node.outputs[0]);
};

/**
 * If `value` is the mean over the last axis of something (times `sign`), and nothing else uses it or its parts: that
 * something.
 */
function meanOverLast(value: Value, rewriting: Rewriting, sign = 1): Value | undefined {
  if (rewriting.uses(value) !== 1) return undefined;
  const scaled = behindReshapes(value, rewriting);
  if (scaled.producer?.op !== "Mul" || rewriting.uses(scaled) !== 1) return undefined;
  const factor = numberOf(scaled.producer.inputs[1]);
  const total = behindReshapes(scaled.producer.inputs[0]!, rewriting);
  const { producer } = total;
  if (!producer || rewriting.uses(total) !== 1) return undefined;
  const [first, second] = producer.inputs as Value[];
  // Over the last axis, and others of size 1.
  const summed = producer.op === "ReduceSum" ? Array.from(second.data ?? []) : [];
  const isSum =
    summed.includes(first.shape.length - 1) &&
    summed.every((axis) => axis === first.shape.length - 1 || first.shape[axis] === 1);
  const isProductWithOnes =
    producer.op === "Gemm" &&
    producer.attributes.transB === 1 &&
    producer.attributes.transA === undefined &&
    first.shape[0] === 1 &&
    first.data !== undefined &&
    Array.from(first.data).every((number) => number === 1);
  // A product takes its rows as a list.
  const listed = isSum ? first : second;
  const length = listed.shape.at(-1);
  const whole = listed.producer?.op === "Reshape" ? listed.producer.inputs[0]! : listed;
  const x = whole.shape.at(-1) === length ? whole : listed;
  if (factor === undefined || length === undefined || Math.fround(sign / length) !== Math.fround(factor))
    return undefined;
  return isSum || isProductWithOnes ? x : undefined;
}

/**
 * (x − mean(x)) · 1/√(var(x) + ε) over the last axis, where the parts are used for nothing else (as they are where it
 * is differentiated): one operator in place of nine.
 */
const normalization: RewriteRule = (node, rewriting) => {
  if (node.op !== "Mul" || node.outputs[0].dtype !== "float32") return undefined;
  for (const side of [0, 1]) {
    const centered = node.inputs[side]!;
    const inverse = behindReshapes(node.inputs[1 - side]!, rewriting);
    const centering = centered.producer;
    // The difference from the mean may be a sum with the negative mean.
    if ((centering?.op !== "Sub" && centering?.op !== "Add") || rewriting.uses(centered) !== 3) continue;
    if (inverse.producer?.op !== "Reciprocal" || rewriting.uses(inverse) !== 1) continue;
    const root = inverse.producer.inputs[0]!;
    if (root.producer?.op !== "Sqrt" || rewriting.uses(root) !== 1) continue;
    const shifted = root.producer.inputs[0]!;
    if (shifted.producer?.op !== "Add" || rewriting.uses(shifted) !== 1) continue;
    const epsilon = numberOf(shifted.producer.inputs[1]);
    const square = meanOverLast(shifted.producer.inputs[0]!, rewriting);
    if (epsilon === undefined || square?.producer?.op !== "Mul" || rewriting.uses(square) !== 1) continue;
    if (square.producer.inputs.some((factor) => factor !== centered)) continue;
    const [x, mean] = centering.inputs as Value[];
    // Numbers per row, not per column: the two have as many where x is square.
    if (![mean, node.inputs[1 - side]!].every((numbers) => isPerRow(numbers, x))) continue;
    if (
      meanOverLast(mean, rewriting, centering.op === "Add" ? -1 : 1) !== x ||
      !sameShape(x.shape, node.outputs[0].shape)
    )
      continue;
    const ones = rewriting.graph.constant("float32", [x.shape.at(-1)!], new Array<number>(x.shape.at(-1)!).fill(1));
    return rewriting.graph.node("LayerNormalization", [rewriting.get(x), ones], node.outputs[0], {
      axis: -1,
      epsilon: { float: epsilon },
    });
  }
  return undefined;
};

/** Whether `value` has one number for each row of `x`: its shape, with 1 for the last axis. */
const isPerRow = ({ shape }: Value, x: Value): boolean => sameShape(shape, [...x.shape.slice(0, -1), 1]);

/** A normalisation without `input` yet, that nothing else uses, and what it is combined with: one number per column. */
function normalizationWith(node: Node, input: number, { uses }: Rewriting) {
  for (const side of [0, 1]) {
    const { producer } = node.inputs[side]!;
    const other = node.inputs[1 - side]!;
    if (producer?.op !== "LayerNormalization" || uses(node.inputs[side]!) !== 1) continue;
    const columns = producer.outputs[0].shape.at(-1)!;
    const isFree = input === 1 ? producer.inputs[1]!.data !== undefined : producer.inputs.length === input;
    if (isFree && sizeOf(other.shape) === columns && other.shape.at(-1) === columns)
      return { producer, other, columns };
  }
  return undefined;
}

const normalizationScale: RewriteRule = (node, rewriting) => {
  const found = node.op === "Mul" ? normalizationWith(node, 1, rewriting) : undefined;
  if (!found) return undefined;
  const { graph, get } = rewriting;
  const scale = graph.reshape(get(found.other), [found.columns]);
  return graph.node(
    "LayerNormalization",
    [get(found.producer.inputs[0]!), scale],
    node.outputs[0],
    found.producer.attributes,
  );
};

const normalizationOffset: RewriteRule = (node, rewriting) => {
  const found = node.op === "Add" ? normalizationWith(node, 2, rewriting) : undefined;
  if (!found) return undefined;
  const { graph, get } = rewriting;
  const [x, scale] = found.producer.inputs as Value[];
  const offset = graph.reshape(get(found.other), [found.columns]);
  const inputs = [get(x), get(scale), offset];
  return graph.node("LayerNormalization", inputs, node.outputs[0], found.producer.attributes);
};

/** A matrix product that nothing else uses, seen through changes of shape. */
function productOf(value: Value | undefined, rewriting: Rewriting): { gemm: Node; direct: boolean } | undefined {
  if (!value || rewriting.uses(value) !== 1) return undefined;
  const source = behindReshapes(value, rewriting);
  if (source.producer?.op !== "Gemm" || rewriting.uses(source) !== 1) return undefined;
  return { gemm: source.producer, direct: source === value };
}

/** The product again, with something more. */
function again(
  gemm: Node,
  { graph, get }: Rewriting,
  { scale = 1, addend, addendScale }: { scale?: number; addend?: Value; addendScale?: number },
): Value {
  const [a, b, c] = gemm.inputs;
  const added = addend ?? c;
  const alpha = floatOf(gemm, "alpha") * scale;
  const beta = addendScale ?? floatOf(gemm, "beta") * (c ? scale : 1);
  return graph.node("Gemm", [get(a!), get(b!), ...(added ? [get(added)] : [])], gemm.outputs[0], {
    ...gemm.attributes,
    ...(alpha !== 1 && { alpha: { float: alpha } }),
    ...(beta !== 1 && { beta: { float: beta } }),
  });
}

/** A product with a constant factor. */
const productScale: RewriteRule = (node, rewriting) => {
  const scale = node.op === "Neg" ? -1 : node.op === "Mul" ? numberOf(node.inputs[1]) : undefined;
  const product = scale === undefined ? undefined : productOf(node.inputs[0], rewriting);
  if (scale === undefined || !product || !sameShape(node.outputs[0].shape, node.inputs[0]!.shape)) return undefined;
  return rewriting.graph.reshape(again(product.gemm, rewriting, { scale }), node.outputs[0].shape);
};

/** A product plus or minus something that broadcasts to it. */
const productAddend: RewriteRule = (node, rewriting) => {
  if (node.op !== "Add" && node.op !== "Sub") return undefined;
  const shape = node.outputs[0].shape;
  const signs = node.op === "Sub" ? [1, -1] : [1, 1];
  for (const side of [0, 1]) {
    const product = productOf(node.inputs[side], rewriting);
    const addend = node.inputs[1 - side]!;
    if (!product?.direct || product.gemm.inputs.length > 2) continue;
    if (!sameShape(product.gemm.outputs[0].shape, shape) || sizeOf(addend.shape) === 1) continue;
    return again(product.gemm, rewriting, { scale: signs[side], addend, addendScale: signs[1 - side] });
  }
  return undefined;
};

/** Outer products smaller than this are not worth a matrix product. */
const SMALLEST_OUTER = 1 << 14;

/** A column times a row, plus something of the size of the result: a matrix product of length 1. */
const outerAddend: RewriteRule = (node, { graph, get, uses }) => {
  const { dtype, shape } = node.outputs[0];
  if (node.op !== "Add" || dtype !== "float32" || shape.length !== 2 || sizeOf(shape) < SMALLEST_OUTER)
    return undefined;
  for (const side of [0, 1]) {
    const [outer, addend] = [node.inputs[side]!, node.inputs[1 - side]!];
    if (outer.producer?.op !== "Mul" || uses(outer) !== 1 || !sameShape(addend.shape, shape)) continue;
    const factors = outer.producer.inputs as Value[];
    const column = factors.find((factor) => sameShape(factor.shape, [shape[0], 1]));
    const row = factors.find((factor) => factor.shape.at(-1) === shape[1] && sizeOf(factor.shape) === shape[1]);
    if (!column || !row) continue;
    return graph.node("Gemm", [get(column), graph.reshape(get(row), [1, shape[1]]), get(addend)], { dtype, shape });
  }
  return undefined;
};

/** (x + b) + (y + c) as (x + y) + (b + c), where b and c have one number per row or column: one pass less over x and y. */
const offsetsTogether: RewriteRule = (node, { graph, get, uses }) => {
  if (node.op !== "Add") return undefined;
  const [{ dtype, shape }] = node.outputs;
  const terms: Value[] = [];
  const offsets: Value[] = [];
  for (const side of node.inputs as Value[]) {
    const { producer } = side;
    if (producer?.op !== "Add" || uses(side) !== 1 || !sameShape(side.shape, shape)) return undefined;
    for (const part of producer.inputs as Value[]) (sameShape(part.shape, shape) ? terms : offsets).push(part);
  }
  if (terms.length !== 2 || offsets.length !== 2 || !sameShape(offsets[0].shape, offsets[1].shape)) return undefined;
  const [x, y, b, c] = [...terms, ...offsets].map(get);
  const offset = graph.node("Add", [b, c], { dtype, shape: b.shape });
  return graph.node("Add", [graph.node("Add", [x, y], { dtype, shape }), offset], { dtype, shape });
};

/** Sums of fewer products than this in a row are not worth another shape of the vector. */
const SMALLEST_ROW_PRODUCT = 1 << 14;

/**
 * A vector times a long matrix, with nothing to be done besides: the runtime has a fast way for that, which it does not
 * take where the vector lies as a column, or where there is a factor.
 */
const rowProduct: RewriteRule = (node, { graph, get }) => {
  const [vector, matrix, addend] = node.inputs;
  const [output] = node.outputs;
  if (node.op !== "Gemm" || addend || node.attributes.transB === 1 || output.shape[0] !== 1) return undefined;
  const factor = floatOf(node, "alpha");
  if (sizeOf(matrix!.shape) < SMALLEST_ROW_PRODUCT) return undefined;
  const shape = [1, sizeOf(vector!.shape)];
  const { data } = vector!;
  if (data && factor !== 1) {
    const scaled = Array.from(data, (number) => number * factor);
    return graph.node("Gemm", [graph.constant("float32", shape, scaled), get(matrix!)], output);
  }
  if (node.attributes.transA !== 1) return undefined;
  const { transA: _, ...attributes } = node.attributes;
  return graph.node("Gemm", [graph.reshape(get(vector!), shape), get(matrix!)], output, attributes);
};

function floatOf(node: Node, name: string): number {
  const attribute = node.attributes[name];
  return typeof attribute === "object" && "float" in attribute ? attribute.float : 1;
}
