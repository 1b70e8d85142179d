/**
 * @file Splits a lowered function in two: what follows from inputs that seldom change, to be computed once for each of
 * their values, and the rest. What passes between them is joined: vectors to one vector, matrices of a width to one
 * matrix. Handing over many arrays costs more than cutting one apart, and what is cut off as it is needs no new shape.
 */

import { GraphBuilder, type LoweredFunction, type Node, nodesInOrder, rebuild, sizeOf, type Value } from "./graph.ts";
import { takeUnshaped } from "./reshapes.ts";
import { rewrite } from "./rewrite.ts";

export interface Stages {
  /** From the stable inputs to the arrays `prepared`; undefined if nothing follows from them alone. */
  readonly preparation: LoweredFunction | undefined;
  /** What passes between the stages: shapes by name. */
  readonly prepared: ReadonlyMap<string, readonly number[]>;
  /** Inputs that seldom change and that both stages take, being no real numbers. */
  readonly carried: readonly string[];
  /** From `prepared` and the other inputs to the outputs. */
  readonly run: LoweredFunction;
}

/** What the first stage gives is called. No path of an input has this in it. */
const PREPARED = ":prepared";

/** Values that pass as one array, one under the other. */
interface Joined {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly Value[];
}

/** Matrices that share a width are worth an array of their own from so many on. */
const WORTH_JOINING = 3;

function join(parts: readonly Value[]): Joined[] {
  const widthOf = ({ shape }: Value) => (shape.length === 2 ? shape[1] : 0);
  const ofWidth = (width: number) => parts.filter((part) => widthOf(part) === width);
  const widths = [...new Set(parts.map(widthOf))].filter((width) => width && ofWidth(width).length >= WORTH_JOINING);
  const matrices = widths.map((width): Joined => {
    const own = ofWidth(width);
    const rows = own.reduce((sum, { shape }) => sum + shape[0], 0);
    return { name: `${PREPARED}.${width}`, shape: [rows, width], parts: own };
  });
  const others = parts.filter((part) => !widths.includes(widthOf(part)));
  const size = others.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return others.length > 0 ? [{ name: PREPARED, shape: [size], parts: others }, ...matrices] : matrices;
}

/** @param isStable says of an input's name whether its value seldom changes */
export function splitStages({ inputs, nodes, outputs }: LoweredFunction, isStable: (name: string) => boolean): Stages {
  const { stable, late, parts, carried } = divide({ inputs, nodes, outputs }, isStable, new Set());
  const joined = join(parts);
  const run = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  for (const { name, shape, parts } of joined) {
    const whole = run.input(name, { dtype: "float32", shape });
    const lengths = parts.map((part) => (shape.length === 2 ? part.shape[0] : sizeOf(part.shape)));
    const pieces =
      parts.length === 1
        ? [whole]
        : run.nodes(
            "Split",
            [whole, run.integers(lengths)],
            lengths.map((length) => ({ dtype: "float32", shape: shape.with(0, length) })),
            { axis: 0 },
          );
    parts.forEach((part, i) => {
      rebuilt.set(part, run.reshape(pieces[i], part.shape));
    });
  }
  for (const value of inputs)
    if (!stable.has(value) || carried.includes(value)) rebuilt.set(value, run.input(value.input!, value));
  const lateOutputs = rebuild(run, late, outputs, rebuilt);

  return {
    preparation: parts.length > 0 ? preparationOf(inputs, nodes, joined, stable) : undefined,
    prepared: new Map(joined.map(({ name, shape }) => [name, shape])),
    carried: carried.map(({ input }) => input!),
    run: rewrite(run.inputs, lateOutputs, [takeUnshaped]),
  };
}

/**
 * What follows from stable inputs alone, the nodes that don't, and the values that pass from the ones to the others.
 * @param kept nodes that are late whatever they follow from
 */
function divide(
  { inputs, nodes, outputs }: LoweredFunction,
  isStable: (name: string) => boolean,
  kept: ReadonlySet<Node>,
): {
  readonly stable: ReadonlySet<Value>;
  readonly late: readonly Node[];
  readonly parts: readonly Value[];
  readonly carried: readonly Value[];
} {
  const stable = new Set<Value>(inputs.filter((value) => isStable(value.input!)));
  const anyStable = stable.size > 0;
  const isKnown = (value: Value | undefined) => !value || value.data !== undefined || stable.has(value);
  const late: Node[] = [];
  for (const node of nodes) {
    // What follows from constants alone is early too, if there is a preparation at all.
    if (anyStable && !kept.has(node) && node.inputs.every(isKnown))
      for (const output of node.outputs) stable.add(output);
    else late.push(node);
  }
  const passed = new Set<Value>();
  const pass = (value: Value | undefined) => value && stable.has(value) && passed.add(value);
  for (const node of late) node.inputs.forEach(pass);
  outputs.forEach(pass);
  // The vector that passes holds real numbers: what is made of something else is made where it is used.
  const isReal = ({ dtype }: Value) => dtype === "float32";
  const makers = [...passed].flatMap((value) => (isReal(value) ? [] : (value.producer ?? [])));
  if (makers.length === 0) {
    const [parts, carried] = [true, false].map((real) => [...passed].filter((value) => isReal(value) === real));
    return { stable, late, parts, carried };
  }
  return divide({ inputs, nodes, outputs }, isStable, new Set([...kept, ...makers]));
}

function preparationOf(
  inputs: readonly Value[],
  nodes: readonly Node[],
  joined: readonly Joined[],
  stable: ReadonlySet<Value>,
): LoweredFunction {
  const graph = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  for (const value of inputs) if (stable.has(value)) rebuilt.set(value, graph.input(value.input!, value));
  const early = nodes.filter((node) => node.outputs.every((output) => stable.has(output)));
  const outputs = joined.map(({ shape, parts }) => {
    const pieces = rebuild(graph, early, parts, rebuilt).map((value) =>
      graph.reshape(value, shape.length === 2 ? value.shape : [sizeOf(value.shape)]),
    );
    return pieces.length === 1 ? pieces[0] : graph.node("Concat", pieces, { dtype: "float32", shape }, { axis: 0 });
  });
  return { inputs: graph.inputs, nodes: nodesInOrder(outputs), outputs };
}
