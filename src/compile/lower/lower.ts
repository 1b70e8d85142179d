/** @file From the tracer's equations to one graph: every equation by its rule in the table of primitives. */

import type { ClosedJaxpr, Jaxpr } from "../jax.ts";
import { type ArraySpec, sourceOf, type TracedFunction } from "../trace.ts";
import { filled } from "./arithmetic.ts";
import { fuse } from "./fuse.ts";
import { GraphBuilder, type LoweredFunction } from "./graph.ts";
import { primitives, valueType } from "./primitives.ts";
import { materialize, type View, viewOf } from "./views.ts";

type Atom = Jaxpr["outs"][number];
type Variable = Jaxpr["inBinders"][number];

/** An equation that can't be expressed in ONNX. */
export class UnsupportedPrimitiveError extends Error {
  constructor(
    readonly primitive: string,
    program: string,
    where: string,
  ) {
    super(`program ${program}: the primitive ${primitive} can't be expressed in ONNX (${where})`);
    this.name = "UnsupportedPrimitiveError";
  }
}

/**
 * Lowers a traced function.
 * @param openSize what stands for the size of an axis that is left open
 * @throws UnsupportedPrimitiveError that names the primitive and where it came from
 */
export function lower(traced: TracedFunction, openSize?: number): LoweredFunction {
  const graph = new GraphBuilder(openSize);
  const arguments_ = [...traced.inputs].map(([name, spec]) => {
    return viewOf(graph.input(name, { dtype: valueType(spec.dtype), shape: spec.shape }));
  });
  const constants = constantViews(graph, traced.jaxpr);
  const { jaxpr } = traced.jaxpr;
  const outputs = lowerJaxpr(graph, jaxpr, [...constants, ...arguments_], traced, []);
  const values = outputs.map((output) => materialize(graph, output));
  return fuse(graph.inputs, values);
}

function constantViews(graph: GraphBuilder, { consts }: ClosedJaxpr): View[] {
  return consts.map((constant) => {
    const array = constant as unknown as ArraySpec & { readonly ref: { dataSync(): ArrayLike<number> } };
    return viewOf(graph.constant(valueType(array.dtype), array.shape, array.ref.dataSync()));
  });
}

/** `path` names the nested functions that we are in, outermost first. */
function lowerJaxpr(
  graph: GraphBuilder,
  jaxpr: Jaxpr,
  operands: readonly View[],
  traced: TracedFunction,
  path: readonly string[],
): View[] {
  const views = new Map<Variable, View>();
  jaxpr.inBinders.forEach((variable, i) => {
    views.set(variable, operands[i]);
  });
  const read = (atom: Atom): View => {
    if ("value" in atom) return filled(graph, valueType(atom.dtype), Number(atom.value));
    const found = views.get(atom);
    if (!found) throw new Error(`internal: program ${traced.name}: a variable is used before it is made`);
    return found;
  };
  for (const equation of jaxpr.eqns) {
    const inputs = equation.inputs.map(read);
    const primitive = equation.primitive as string;
    let results: View[];
    if (primitive === "jit") {
      const name = equation.params.name as string;
      results = lowerJaxpr(graph, equation.params.jaxpr as Jaxpr, inputs, traced, [...path, name]);
    } else {
      const rule = primitives[primitive];
      if (!rule) {
        const shapes = equation.inputs.map((atom) => String(atom.aval)).join(", ");
        const nested = path.length > 0 ? `, in ${path.join(" › ")}` : "";
        const source = sourceOf(traced, primitive);
        const where = `applied to ${shapes}${nested}${source ? `, at ${source}` : ""}`;
        throw new UnsupportedPrimitiveError(primitive, traced.name, where);
      }
      const { params, outBinders } = equation;
      const outputs = outBinders.map(({ aval }) => aval);
      results = [rule(graph, inputs, { primitive, params, outputs })].flat();
    }
    equation.outBinders.forEach((variable, i) => {
      views.set(variable, results[i]);
    });
  }
  return jaxpr.outs.map(read);
}
