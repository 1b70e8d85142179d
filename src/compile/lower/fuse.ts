/**
 * @file Rewrites of a finished graph that need to know who else uses a value: what a matrix product can take along on
 * its way (a factor, an addend) is taken along.
 */

import { GraphBuilder, type Node, nodesInOrder, sameShape, sizeOf, type Value } from "./graph.ts";

/** A matrix product that nothing else uses, seen through changes of shape. */
interface Product {
  readonly gemm: Node;
  /** Whether it has the shape in which the product is made. */
  readonly direct: boolean;
}

/**
 * Rebuilds the graph with its matrix products extended.
 * @returns the values that stand for `outputs`, and the inputs
 */
export function fuse(
  inputs: readonly Value[],
  outputs: readonly Value[],
): { inputs: readonly Value[]; nodes: readonly Node[]; outputs: readonly Value[] } {
  const nodes = nodesInOrder(outputs);
  const uses = new Map<Value, number>();
  const use = (value: Value | undefined) => value && uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(use);
  outputs.forEach(use);

  const graph = new GraphBuilder();
  const rebuilt = new Map<Value, Value>();
  for (const value of inputs) rebuilt.set(value, graph.input(value.input!, value));
  const get = (value: Value): Value => {
    let found = rebuilt.get(value);
    if (!found) {
      if (!value.data) throw new Error("internal: a value is used before it is made");
      found = graph.constant(value.dtype, value.shape, value.data);
      rebuilt.set(value, found);
    }
    return found;
  };

  const productOf = (value: Value | undefined): Product | undefined => {
    let direct = true;
    let current = value;
    while (current && uses.get(current) === 1) {
      const { producer } = current;
      if (producer?.op === "Gemm") return { gemm: producer, direct };
      if (producer?.op !== "Reshape") return undefined;
      current = producer.inputs[0];
      direct = false;
    }
    return undefined;
  };
  const again = ({ gemm }: Product, changes: { addend?: Value; scale?: number; addendScale?: number }): Value => {
    const [a, b, c] = gemm.inputs;
    const { scale = 1, addend, addendScale } = changes;
    const alpha = floatOf(gemm, "alpha") * scale;
    const beta = addendScale ?? floatOf(gemm, "beta") * (c ? scale : 1);
    const added = addend ?? c;
    return graph.node("Gemm", [get(a!), get(b!), ...(added ? [get(added)] : [])], gemm.outputs[0], {
      ...gemm.attributes,
      ...(alpha !== 1 && { alpha: { float: alpha } }),
      ...(beta !== 1 && { beta: { float: beta } }),
    });
  };

  /** A product with a constant factor. */
  const scaled = (node: Node): Value | undefined => {
    const [x, y] = node.inputs;
    if (node.op === "Neg") {
      const product = productOf(x);
      return product && graph.reshape(again(product, { scale: -1 }), node.outputs[0].shape);
    }
    if (node.op !== "Mul" || y!.data?.length !== 1) return undefined;
    const product = productOf(x);
    if (!product || !sameShape(node.outputs[0].shape, x!.shape)) return undefined;
    return graph.reshape(again(product, { scale: y!.data[0] }), node.outputs[0].shape);
  };

  /** A product plus or minus something that broadcasts to it. */
  const added = (node: Node): Value | undefined => {
    if (node.op !== "Add" && node.op !== "Sub") return undefined;
    const shape = node.outputs[0].shape;
    const signs = node.op === "Sub" ? [1, -1] : [1, 1];
    for (const side of [0, 1]) {
      const product = productOf(node.inputs[side]);
      const addend = node.inputs[1 - side]!;
      if (!product?.direct || product.gemm.inputs.length > 2) continue;
      if (!sameShape(product.gemm.outputs[0].shape, shape) || sizeOf(addend.shape) === 1) continue;
      return again(product, { scale: signs[side], addend, addendScale: signs[1 - side] });
    }
    return undefined;
  };

  for (const node of nodes) {
    const replacement = node.outputs[0].dtype === "float32" ? (scaled(node) ?? added(node)) : undefined;
    if (replacement) {
      rebuilt.set(node.outputs[0], replacement);
      continue;
    }
    const made = graph.nodes(
      node.op,
      node.inputs.map((input) => input && get(input)),
      node.outputs,
      node.attributes,
    );
    node.outputs.forEach((output, i) => {
      rebuilt.set(output, made[i]);
    });
  }
  const fused = outputs.map(get);
  return { inputs: graph.inputs, nodes: nodesInOrder(fused), outputs: fused };
}

function floatOf(node: Node, name: string): number {
  const attribute = node.attributes[name];
  return typeof attribute === "object" && "float" in attribute ? attribute.float : 1;
}
