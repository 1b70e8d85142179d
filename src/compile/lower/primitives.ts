/** @file What each primitive of the tracer becomes: a table from primitive to operators on views. */

import { apply, applyTyped, filled } from "./arithmetic.ts";
import { countBits, low32, randomBits, shiftLeft, shiftRight } from "./bits.ts";
import { contract, reduceReal, sum } from "./contractions.ts";
import { type GraphBuilder, sizeOf, type Value, type ValueType } from "./graph.ts";
import {
  arrange,
  broadcastShape,
  broadcastTo,
  broadcastView,
  commonOrder,
  isRepeated,
  materialize,
  realAxes,
  reshapeView,
  transposeView,
  uniformNumber,
  type View,
  view,
  viewOf,
} from "./views.ts";

type Pair = readonly [number, number];

/** What the tracer tells of an equation, besides its operands. */
export interface Equation {
  readonly primitive: string;
  // biome-ignore lint/suspicious/noExplicitAny: the parameters differ by primitive; the tracer types them so too
  readonly params: Readonly<Record<string, any>>;
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: string }[];
}

type Lowering = (graph: GraphBuilder, operands: View[], equation: Equation) => View | View[];

/** The type in which the graph holds values of the tracer's type. Unsigned integers are held in int64, below 2³². */
export function valueType(dtype: string): ValueType {
  switch (dtype) {
    case "float32":
    case "int32":
    case "bool":
      return dtype;
    case "uint32":
      return "int64";
    default:
      throw new TypeError(`arrays of ${dtype} can't be compiled; use float32, int32, uint32 or bool`);
  }
}

/**
 * The numbers 0 and 1 for `0 < x`, where x came out of a Relu: the derivative of that Relu, in one pass instead of two.
 * The slope takes the smallest number that arithmetic does not round to zero (1.2e-38) above 1.
 */
function stepOf(graph: GraphBuilder, { producer, shape }: Value): Value | undefined {
  const [zero, x] = producer?.op === "Less" ? (producer.inputs as Value[]) : [];
  if (x?.producer?.op !== "Relu" || zero.data?.[0] !== 0 || zero.data.length !== 1) return undefined;
  return graph.node("HardSigmoid", [x], { dtype: "float32", shape }, { alpha: { float: 3e38 }, beta: { float: 0 } });
}

const isUnsigned = (equation: Equation): boolean => equation.outputs[0].dtype === "uint32";

export function cast(graph: GraphBuilder, v: View, dtype: ValueType): View {
  if (v.value.dtype === dtype) return v;
  if (v.value.data) {
    const convert: Record<ValueType, (number: number) => number> = {
      float32: Math.fround,
      int32: Math.trunc,
      int64: Math.trunc,
      bool: (number) => (number !== 0 ? 1 : 0),
    };
    const numbers = Array.from(v.value.data, convert[dtype]);
    return { ...v, value: graph.constant(dtype, v.value.shape, numbers) };
  }
  const step = dtype === "float32" ? stepOf(graph, v.value) : undefined;
  if (step) return { ...v, value: step };
  const to = { float32: 1, int32: 6, int64: 7, bool: 9 }[dtype];
  return { ...v, value: graph.node("Cast", [v.value], { dtype, shape: v.value.shape }, { to }) };
}

/** Keeps an unsigned result below 2³². */
const wrapped = (graph: GraphBuilder, v: View, equation: Equation): View =>
  isUnsigned(equation) ? low32(graph, v) : v;

/** An operator on one or two operands, of the same type as its result. */
const arithmetic =
  (op: string, boolOp?: string): Lowering =>
  (graph, operands, equation) => {
    const dtype = valueType(equation.outputs[0].dtype);
    const typed = operands.map((operand) => cast(graph, operand, dtype));
    return wrapped(graph, apply(graph, dtype === "bool" && boolOp ? boolOp : op, ...typed), equation);
  };

/** An operator of real numbers. */
const real =
  (op: string): Lowering =>
  (graph, [x]) =>
    apply(graph, op, x);

/** An operator that leaves whole numbers as they are. */
const rounding =
  (op: string): Lowering =>
  (graph, [x]) =>
    x.value.dtype === "float32" ? apply(graph, op, x) : x;

/** A comparison. ONNX Runtime compares truth values as integers. */
const comparison: Lowering = (graph, operands, { params }) => {
  const types = operands.map((operand) => operand.value.dtype);
  const common = (["float32", "int64", "int32", "bool"] as const).find((type) => types.includes(type))!;
  const dtype = common === "bool" ? "int32" : common;
  const [x, y] = operands.map((operand) => cast(graph, operand, dtype));
  switch (params.op as string) {
    case "less":
      return applyTyped(graph, "Less", [x, y], "bool");
    case "less_equal":
      return applyTyped(graph, "LessOrEqual", [x, y], "bool");
    case "equal":
      return applyTyped(graph, "Equal", [x, y], "bool");
    default:
      return apply(graph, "Not", applyTyped(graph, "Equal", [x, y], "bool"));
  }
};

const reduce: Lowering = (graph, [x], equation) => {
  const axes = equation.params.axis as number[];
  const isBool = x.value.dtype === "bool";
  const numbers = isBool ? cast(graph, x, "int32") : x;
  const outcome = (result: View) => (isBool ? cast(graph, result, "bool") : wrapped(graph, result, equation));
  const op = equation.params.op as string;
  if (isUnsigned(equation) && (op === "Min" || op === "Max")) {
    // ONNX Runtime (1.30) takes the lower half of int64 for the whole here: what is compared must fit.
    const half = filled(graph, "int64", 2 ** 31);
    const signed = cast(graph, apply(graph, "Sub", numbers, half), "int32");
    const extreme = reduceReal(graph, op === "Min" ? "ReduceMin" : "ReduceMax", signed, axes);
    return apply(graph, "Add", cast(graph, extreme, "int64"), half);
  }
  switch (op) {
    case "Add":
      return outcome(sum(graph, numbers, axes));
    case "Mul": {
      const repeated = axes.some((axis) => isRepeated(numbers, axis) && numbers.shape[axis] !== 1);
      return outcome(reduceReal(graph, "ReduceProd", repeated ? viewOf(materialize(graph, numbers)) : numbers, axes));
    }
    case "Min":
      return outcome(reduceReal(graph, "ReduceMin", numbers, axes));
    default:
      return outcome(reduceReal(graph, "ReduceMax", numbers, axes));
  }
};

/** Puts views of the same rank side by side along one axis, in the layout of the largest. */
const concatenate: Lowering = (graph, operands, { params, outputs }) => {
  const axis = params.axis as number;
  const shape = outputs[0].shape;
  const dtype = valueType(outputs[0].dtype);
  const parts = operands.filter((part) => part.shape[axis] > 0).map((part) => cast(graph, part, dtype));
  if (parts.length === 0) return filled(graph, dtype, 0, shape);
  const order = commonOrder(parts);
  // Axes other than this one along which no part varies stay repeats.
  const kept = order.filter((k) => k === axis || parts.some((part) => !isRepeated(part, k)));
  const values = parts.map((part) => {
    const arranged = arrange(graph, part, kept);
    const full = kept.map((k) => part.shape[k]);
    return materialize(graph, broadcastTo(viewOf(arranged), full));
  });
  const keptShape = kept.map((k) => shape[k]);
  const joined =
    values.length === 1
      ? values[0]
      : graph.node("Concat", values, { dtype, shape: keptShape }, { axis: kept.indexOf(axis) });
  return view(
    joined,
    shape,
    shape.map((_, k) => kept.indexOf(k)),
  );
};

const split: Lowering = (graph, [x], { params }) => {
  const { axis, sizes } = params as { axis: number; sizes: number[] };
  if (isRepeated(x, axis)) return sizes.map((size) => resized(x, axis, size));
  const along = x.axes[axis];
  const parts = graph.nodes(
    "Split",
    [x.value, graph.integers(sizes)],
    sizes.map((size) => ({ dtype: x.value.dtype, shape: x.value.shape.with(along, size) })),
    { axis: along },
  );
  return parts.map((part, i) => view(part, x.shape.with(axis, sizes[i]), x.axes));
};

/** A view that repeats along `axis`, repeated `size` times instead. */
const resized = (x: View, axis: number, size: number): View => view(x.value, x.shape.with(axis, size), x.axes);

const shrink: Lowering = (graph, [x], { params }) => {
  const slice = params.slice as Pair[];
  const shape = slice.map(([start, end]) => end - start);
  const cut = shape.map((_, axis) => axis).filter((axis) => !isRepeated(x, axis) && shape[axis] !== x.shape[axis]);
  if (cut.length === 0) return view(x.value, shape, x.axes);
  const sliced = sliceValue(
    graph,
    x.value,
    cut.map((axis) => ({ axis: x.axes[axis], start: slice[axis][0], end: slice[axis][1], step: 1 })),
  );
  return view(sliced, shape, x.axes);
};

const flip: Lowering = (graph, [x], { params }) => {
  const axes = (params.axis as number[]).filter((axis) => !isRepeated(x, axis));
  if (axes.length === 0) return x;
  const beforeFirst = -(2 ** 31);
  const cuts = axes.map((axis) => ({ axis: x.axes[axis], start: x.shape[axis] - 1, end: beforeFirst, step: -1 }));
  return { ...x, value: sliceValue(graph, x.value, cuts) };
};

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function sliceValue(graph: GraphBuilder, value: Value, cuts: readonly Cut[]): Value {
  const shape = [...value.shape];
  for (const { axis, start, end, step } of cuts) if (step === 1) shape[axis] = end - start;
  const [{ start, end, step }] = cuts;
  // Parameters that are known lie in one vector.
  if (value.data && shape.length === 1 && step === 1) return graph.part(value, start, end);
  const list = (key: keyof Cut) => graph.integers(cuts.map((cut) => cut[key]));
  const inputs = [value, list("start"), list("end"), list("axis"), list("step")];
  return graph.node("Slice", inputs, { dtype: value.dtype, shape });
}

const pad: Lowering = (graph, [x], { params, outputs }) => {
  const width = params.width as Pair[];
  const shape = outputs[0].shape;
  const padded = width.map((_, axis) => axis).filter((axis) => width[axis][0] !== 0 || width[axis][1] !== 0);
  // Padding can also take away.
  if (padded.some((axis) => width[axis][0] < 0 || width[axis][1] < 0)) {
    const slice = x.shape.map((size, axis): Pair => [Math.max(0, -width[axis][0]), size + Math.min(0, width[axis][1])]);
    const rest = width.map(([before, after]): Pair => [Math.max(0, before), Math.max(0, after)]);
    const [cut] = [shrink(graph, [x], { primitive: "shrink", params: { slice }, outputs })].flat();
    return pad(graph, [cut], { primitive: "pad", params: { width: rest }, outputs });
  }
  if (padded.length === 0) return x;
  if (uniformNumber(x) === 0) return filled(graph, x.value.dtype, 0, shape);
  if (x.value.dtype === "bool") {
    const [numbers] = [pad(graph, [cast(graph, x, "int32")], { primitive: "pad", params, outputs })].flat();
    return cast(graph, numbers, "bool");
  }
  // Axes that are new come first: where parts are joined along one (see `joinPads`), each is one piece of memory.
  const order = [...padded.filter((axis) => isRepeated(x, axis)), ...realAxes(x)];
  const arranged = arrange(graph, x, order);
  const whole = materialize(
    graph,
    broadcastTo(
      viewOf(arranged),
      order.map((axis) => x.shape[axis]),
    ),
  );
  const pads = graph.integers([...order.map((axis) => width[axis][0]), ...order.map((axis) => width[axis][1])]);
  const result = graph.node("Pad", [whole, pads], { dtype: x.value.dtype, shape: order.map((axis) => shape[axis]) });
  return view(
    result,
    shape,
    shape.map((_, axis) => order.indexOf(axis)),
  );
};

const where: Lowering = (graph, [condition, x, y], equation) => {
  const dtype = valueType(equation.outputs[0].dtype);
  const [a, b] = [cast(graph, x, dtype), cast(graph, y, dtype)];
  if (dtype === "bool") {
    const chosen = apply(graph, "And", condition, a);
    return apply(graph, "Or", chosen, apply(graph, "And", apply(graph, "Not", condition), b));
  }
  return applyTyped(graph, "Where", [condition, a, b], dtype);
};

/** `x[:, ...indices, :]` as in NumPy; the axes of the indices stand at `outDim` of the result. */
const gather: Lowering = (graph, [x, ...indices], { params, outputs }) => {
  const { axis, outDim } = params as { axis: number[]; outDim: number };
  const dtype = x.value.dtype;
  const indexShape = broadcastShape(indices.map((index) => index.shape));
  const others = x.shape.map((_, k) => k).filter((k) => !axis.includes(k));
  const source = materialize(graph, transposeView(x, [...axis, ...others]));
  const rest = others.map((k) => x.shape[k]);
  let gathered: Value;
  if (axis.length === 1) {
    const index = materialize(graph, indices[0]);
    gathered = graph.node("Gather", [source, index], { dtype, shape: [...indexShape, ...rest] }, { axis: 0 });
  } else {
    const index = indexVectors(graph, indices, indexShape);
    gathered = graph.node("GatherND", [source, index], { dtype, shape: [...indexShape, ...rest] });
  }
  return transposeView(viewOf(gathered), indexPlacement(indexShape.length, rest.length, outDim, outputs[0].shape));
};

/** The permutation that moves the leading index axes to `outDim`. */
function indexPlacement(indexRank: number, restRank: number, outDim: number, shape: readonly number[]): number[] {
  if (indexRank + restRank !== shape.length) throw new Error("internal: gather shapes disagree");
  const index = Array.from({ length: indexRank }, (_, k) => k);
  const rest = Array.from({ length: restRank }, (_, k) => indexRank + k);
  return [...rest.slice(0, outDim), ...index, ...rest.slice(outDim)];
}

/** Indices for GatherND and ScatterND: one vector of coordinates per element. */
function indexVectors(graph: GraphBuilder, indices: readonly View[], indexShape: readonly number[]): Value {
  const columns = indices.map((index) => {
    const whole = materialize(graph, broadcastTo(cast(graph, index, "int64"), indexShape));
    return graph.reshape(whole, [...indexShape, 1]);
  });
  if (columns.length === 1) return columns[0];
  const spec = { dtype: "int64" as const, shape: [...indexShape, columns.length] };
  return graph.node("Concat", columns, spec, { axis: indexShape.length });
}

const scatter: Lowering = (graph, [updates, ...indices], { params }) => {
  const { shape, axis, outDim, op } = params as { shape: number[]; axis: number[]; outDim: number; op: string };
  const dtype = updates.value.dtype;
  const indexShape = broadcastShape(indices.map((index) => index.shape));
  const others = shape.map((_, k) => k).filter((k) => !axis.includes(k));
  const ordered = [...axis, ...others];
  const placement = indexPlacement(indexShape.length, others.length, outDim, updates.shape);
  const source = materialize(graph, transposeView(updates, inverse(placement)));
  const spec = { dtype, shape: ordered.map((k) => shape[k]) };
  const zeros = materialize(graph, filled(graph, dtype, 0, spec.shape));
  const inputs = [zeros, indexVectors(graph, indices, indexShape), source];
  const scattered = graph.node("ScatterND", inputs, spec, op === "add" ? { reduction: "add" } : {});
  return transposeView(viewOf(scattered), inverse(ordered));
};

function inverse(permutation: readonly number[]): number[] {
  const result = new Array<number>(permutation.length);
  permutation.forEach((p, i) => {
    result[p] = i;
  });
  return result;
}

/** Values and positions in ascending order along the last axis; equal ones keep their order. */
function sorted(graph: GraphBuilder, x: View): { values: View; positions: View } {
  const value = materialize(graph, x);
  const size = x.shape[x.shape.length - 1];
  const [values, positions] = graph.nodes(
    "TopK",
    [value, graph.integers([size])],
    [
      { dtype: value.dtype, shape: x.shape },
      { dtype: "int64", shape: x.shape },
    ],
    { axis: x.shape.length - 1, largest: 0, sorted: 1 },
  );
  return { values: viewOf(values), positions: cast(graph, viewOf(positions), "int32") };
}

/** Every window of the last axes, as a gather at positions that are known now: [..., outputs…, window…]. */
const pool: Lowering = (graph, [x], { params, outputs }) => {
  const { window, strides } = params as { window: number[]; strides: number[] };
  const lead = x.shape.length - window.length;
  const flat = reshapeView(graph, x, [...x.shape.slice(0, lead), sizeOf(x.shape.slice(lead))]);
  const { positions, outShape } = windowPositions(x.shape.slice(lead), window, strides);
  const value = materialize(graph, flat);
  const index = graph.constant("int64", [...outShape, ...window], positions);
  const spec = { dtype: value.dtype, shape: [...x.shape.slice(0, lead), ...outShape, ...window] };
  const gathered = graph.node("Gather", [value, index], spec, { axis: lead });
  return viewOf(graph.reshape(gathered, outputs[0].shape));
};

/** The derivative of `pool`, transposed: every window's numbers, added where they came from. */
const poolTranspose: Lowering = (graph, [x], { params }) => {
  const { inShape, window, strides } = params as { inShape: number[]; window: number[]; strides: number[] };
  const lead = inShape.length - window.length;
  const spatial = inShape.slice(lead);
  const { positions } = windowPositions(spatial, window, strides);
  const count = positions.length;
  const batch = inShape.slice(0, lead);
  const flat = reshapeView(graph, x, [sizeOf(batch), count]);
  const updates = materialize(graph, transposeView(flat, [1, 0]));
  const total = { dtype: x.value.dtype, shape: [sizeOf(spatial), sizeOf(batch)] };
  const zeros = materialize(graph, filled(graph, total.dtype, 0, total.shape));
  const index = graph.constant("int64", [count, 1], positions);
  const summed = graph.node("ScatterND", [zeros, index, updates], total, { reduction: "add" });
  return reshapeView(graph, transposeView(viewOf(summed), [1, 0]), inShape);
};

/** For each output and each place in its window, the position in the flattened input. */
function windowPositions(spatial: readonly number[], window: readonly number[], strides: readonly number[]) {
  const outShape = spatial.map((size, k) => Math.ceil((size - window[k] + 1) / strides[k]));
  const positions: number[] = [];
  const visit = (axis: number, counts: readonly number[], at: readonly number[]): void => {
    if (axis < counts.length) {
      for (let i = 0; i < counts[axis]; i++) visit(axis + 1, counts, [...at, i]);
      return;
    }
    const n = spatial.length;
    positions.push(spatial.reduce((flat, size, k) => flat * size + at[k] * strides[k] + at[n + k], 0));
  };
  visit(0, [...outShape, ...window], []);
  return { positions, outShape };
}

const conv: Lowering = (graph, [x, kernel], { params, outputs }) => {
  const { vmapDims, strides, padding, lhsDilation, rhsDilation } = params as {
    vmapDims: number;
    strides: number[];
    padding: Pair[];
    lhsDilation: number[];
    rhsDilation: number[];
  };
  const shape = outputs[0].shape;
  const batchShape = shape.slice(0, vmapDims);
  const copies = sizeOf(batchShape);
  const [batch, , ...spatial] = x.shape.slice(vmapDims);
  const [outChannels, inChannels, ...window] = kernel.shape.slice(vmapDims);
  // Copies of a convolution side by side are one convolution in groups: [batch, copies · channels, …].
  const spread = (v: View, own: readonly number[]) =>
    reshapeView(graph, broadcastTo(v, [...batchShape, ...own]), [copies, ...own]);
  const rank = spatial.length;
  const spatialAxes = Array.from({ length: rank }, (_, k) => k);
  let image = spread(x, [batch, inChannels, ...spatial]);
  image = transposeView(image, [1, 0, 2, ...spatialAxes.map((k) => k + 3)]);
  let sizes = spatial;
  if (lhsDilation.some((dilation) => dilation !== 1)) {
    // Zeros between the elements: each becomes a cell with zeros behind it, and the last cell is cut.
    const cells = reshapeView(graph, image, [batch, copies, inChannels, ...spatial.flatMap((size) => [size, 1])]);
    const width = cells.shape.map((_, axis): Pair => {
      const k = (axis - 4) / 2;
      return axis >= 4 && Number.isInteger(k) ? [0, lhsDilation[k] - 1] : [0, 0];
    });
    const cellShape = cells.shape.map((size, axis) => size + width[axis][1]);
    const [spacedOut] = [
      pad(graph, [cells], { primitive: "pad", params: { width }, outputs: [{ shape: cellShape, dtype: "float32" }] }),
    ].flat();
    const grown = spatial.map((size, k) => size * lhsDilation[k]);
    const whole = reshapeView(graph, spacedOut, [batch, copies, inChannels, ...grown]);
    sizes = spatial.map((size, k) => Math.max(0, (size - 1) * lhsDilation[k] + 1));
    const slice = [batch, copies, inChannels, ...sizes].map((size): Pair => [0, size]);
    [image] = [shrink(graph, [whole], { primitive: "shrink", params: { slice }, outputs })].flat();
  }
  const padWidth = [[0, 0], [0, 0], [0, 0], ...padding] as Pair[];
  const paddedShape = image.shape.map((size, axis) => size + padWidth[axis][0] + padWidth[axis][1]);
  const [padded] = [
    pad(graph, [image], {
      primitive: "pad",
      params: { width: padWidth },
      outputs: [{ shape: paddedShape, dtype: "float32" }],
    }),
  ].flat();
  const input = materialize(graph, reshapeView(graph, padded, [batch, copies * inChannels, ...paddedShape.slice(3)]));
  const weights = materialize(
    graph,
    reshapeView(graph, spread(kernel, [outChannels, inChannels, ...window]), [
      copies * outChannels,
      inChannels,
      ...window,
    ]),
  );
  const outSpatial = shape.slice(vmapDims + 2);
  const result = graph.node(
    "Conv",
    [input, weights],
    { dtype: "float32", shape: [batch, copies * outChannels, ...outSpatial] },
    { group: copies, strides, dilations: rhsDilation, kernel_shape: window },
  );
  const parted = reshapeView(graph, viewOf(result), [batch, copies, outChannels, ...outSpatial]);
  const ordered = transposeView(parted, [1, 0, 2, ...spatialAxes.map((k) => k + 3)]);
  return reshapeView(graph, ordered, shape);
};

/** The discrete Fourier transform of the last axis, of a real and an imaginary part. */
const fft: Lowering = (graph, [re, im], { params }) => {
  const shape = re.shape;
  const size = shape[shape.length - 1];
  const rows = sizeOf(shape) / size;
  const column = (v: View) => graph.reshape(materialize(graph, v), [rows, size, 1]);
  const spec = { dtype: "float32" as const, shape: [rows, size, 2] };
  const complex = graph.node("Concat", [column(re), column(im)], spec, { axis: 2 });
  const attributes = { axis: 1, inverse: params.inverse ? 1 : 0 };
  return parts(graph, graph.node("DFT", [complex, undefined], spec, attributes), shape);
};

function parts(graph: GraphBuilder, complex: Value, shape: readonly number[]): View[] {
  return [0, 1].map((part) => {
    const sliced = sliceValue(graph, complex, [{ axis: 2, start: part, end: part + 1, step: 1 }]);
    return viewOf(graph.reshape(sliced, shape));
  });
}

/** Whether a divisor is known, and not −1, by which the least whole number can't be divided within its type. */
const isSafeDivisor = (v: View): boolean => v.value.data !== undefined && !Array.from(v.value.data).includes(-1);

/** Division of whole numbers rounds towards zero; of real numbers, too. */
const divideWhole: Lowering = (graph, operands, equation) => {
  const dtype = valueType(equation.outputs[0].dtype);
  const [x, y] = operands.map((operand) => cast(graph, operand, dtype));
  if (dtype === "int32" && !isSafeDivisor(y)) {
    const [wide, divisor] = [x, y].map((operand) => cast(graph, operand, "int64"));
    return cast(graph, apply(graph, "Div", wide, divisor), dtype);
  }
  const quotient = apply(graph, "Div", x, y);
  if (dtype !== "float32") return quotient;
  return apply(graph, "Mul", apply(graph, "Sign", quotient), apply(graph, "Floor", apply(graph, "Abs", quotient)));
};

/** The remainder has the sign of the dividend. */
const remainder: Lowering = (graph, operands, equation) => {
  const dtype = valueType(equation.outputs[0].dtype);
  const [x, y] = operands.map((operand) => cast(graph, operand, dtype));
  const shape = broadcastShape([x.shape, y.shape]);
  const held = dtype === "int32" && !isSafeDivisor(y) ? "int64" : dtype;
  const [a, b] = [x, y].map((operand) => materialize(graph, broadcastTo(cast(graph, operand, held), shape)));
  return cast(graph, viewOf(graph.node("Mod", [a, b], { dtype: held, shape }, { fmod: 1 })), dtype);
};

/** Coefficients of Press et al., "Numerical Recipes in C", 2nd edition, section 6.2, erfcc; the last power of t first. */
const ERFCC = [
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
  -1.26551223,
];

/** erfc(x) to 1.2e-7 of itself, which 1 − erf(x) is not where erf is all but 1; erfc(−x) = 2 − erfc(x). */
function complementaryError(graph: GraphBuilder, x: View): View {
  const number = (value: number): View => filled(graph, "float32", value);
  const size = apply(graph, "Abs", x);
  const t = apply(graph, "Reciprocal", apply(graph, "Add", apply(graph, "Mul", size, number(0.5)), number(1)));
  const polynomial = ERFCC.slice(1).reduce(
    (sum, coefficient) => apply(graph, "Add", apply(graph, "Mul", sum, t), number(coefficient)),
    number(ERFCC[0]),
  );
  const exponent = apply(graph, "Sub", polynomial, apply(graph, "Mul", size, size));
  const tail = apply(graph, "Mul", t, apply(graph, "Exp", exponent));
  const isNegative = apply(graph, "Less", x, number(0));
  return apply(graph, "Where", isNegative, apply(graph, "Sub", number(2), tail), tail);
}

const bitCombine: Lowering = (graph, operands, equation) => {
  const dtype = valueType(equation.outputs[0].dtype);
  const typed = operands.map((operand) => cast(graph, operand, dtype));
  const name = { and: "And", or: "Or", xor: "Xor" }[equation.params.op as "and" | "or" | "xor"];
  return apply(graph, dtype === "bool" ? name : `Bitwise${name}`, ...typed);
};

const bitShift: Lowering = (graph, [x, n], equation) => {
  const [wide, by] = [cast(graph, x, "int64"), cast(graph, n, "int64")];
  const shifted = (equation.params.op === "shl" ? shiftLeft : shiftRight)(graph, wide, by);
  return cast(graph, wrapped(graph, shifted, equation), x.value.dtype);
};

/** The tracer's primitives. Those that are not here can't be expressed in ONNX. */
export const primitives: Readonly<Record<string, Lowering>> = {
  add: arithmetic("Add", "Or"),
  mul: arithmetic("Mul", "And"),
  min: arithmetic("Min", "And"),
  max: arithmetic("Max", "Or"),
  neg: arithmetic("Neg"),
  idiv: divideWhole,
  mod: remainder,
  bit_combine: bitCombine,
  bit_shift: bitShift,
  bit_count: (graph, [x]) => cast(graph, countBits(graph, cast(graph, x, "int64")), x.value.dtype),
  random_bits: (graph, keys, { params, outputs }) =>
    randomBits(graph, keys, outputs[0].shape, params.mode as "xor" | 0 | 1),
  reciprocal: real("Reciprocal"),
  floor: rounding("Floor"),
  ceil: rounding("Ceil"),
  sin: real("Sin"),
  cos: real("Cos"),
  asin: real("Asin"),
  atan: real("Atan"),
  exp: real("Exp"),
  log: real("Log"),
  sqrt: real("Sqrt"),
  erf: real("Erf"),
  erfc: (graph, [x]) => complementaryError(graph, x),
  stop_gradient: (_, [x]) => x,
  cast: (graph, [x], equation) => wrapped(graph, cast(graph, x, valueType(equation.params.dtype as string)), equation),
  compare: comparison,
  where,
  reduce,
  dot: (graph, operands, equation) => {
    const dtype = valueType(equation.outputs[0].dtype);
    const [x, y] = operands.map((operand) => cast(graph, operand, dtype));
    return wrapped(graph, contract(graph, x, y), equation);
  },
  transpose: (_, [x], { params }) => transposeView(x, params.perm as number[]),
  broadcast: (_, [x], { params }) => broadcastView(x, params.shape as number[], params.axis as number[]),
  reshape: (graph, [x], { params }) => reshapeView(graph, x, params.shape as number[]),
  concatenate,
  split,
  shrink,
  flip,
  pad,
  gather,
  scatter,
  sort: (graph, [x]) => sorted(graph, x).values,
  argsort: (graph, [x]) => {
    const { values, positions } = sorted(graph, x);
    return [values, positions];
  },
  pool,
  pool_transpose: poolTranspose,
  conv,
  fft,
};
