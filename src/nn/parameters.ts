/** @file Parameters of a network: a tree of named arrays for the mathematics, one flat vector for the machine. */

import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import { type MapTree, mapTree, namedLeaves, type Tree } from "../compile/tree.ts";
import type { Initializer, NormalSource } from "./initializers.ts";

/** An array of parameters to be made: its shape and how it starts. A class, so that it is a leaf of a tree. */
export class Parameter {
  constructor(
    readonly shape: readonly number[],
    readonly initialize: Initializer,
  ) {}

  get size(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }
}

/** The tree that traced code sees for parameters declared as `S`, a tree of `Parameter`. */
export type ParameterTree<S> = MapTree<S, Parameter, Traced>;

/** Where each array of a network's parameters lies in its one flat vector θ. */
export interface ParameterLayout {
  /** Length P of the vector. */
  readonly size: number;
  /** By dotted name (`trunk.layers.0.linear.weight`): shape, and offset of the first element. */
  readonly entries: ReadonlyMap<string, { readonly shape: readonly number[]; readonly offset: number }>;
  /** Fresh parameters, [P]. */
  initialize(random: NormalSource): Float32Array;
  /** θ [P] → tree, inside traced code. Differentiate by the tree, not through this. */
  unravel(theta: Traced): Tree<Traced>;
  /** Tree (of parameters or of their gradients) → [P], inside traced code. */
  ravel(tree: Tree<Traced>): Traced;
}

/** Lays out a tree of parameters, in the order of its keys. */
export function parameterLayout(parameters: Tree<Parameter>): ParameterLayout {
  const entries = new Map<string, { readonly shape: readonly number[]; readonly offset: number }>();
  const leaves = namedLeaves<Parameter>(parameters);
  let size = 0;
  for (const [name, parameter] of leaves) {
    entries.set(name, { shape: parameter.shape, offset: size });
    size += parameter.size;
  }
  return {
    size,
    entries,
    initialize(random) {
      const theta = new Float32Array(size);
      for (const [name, parameter] of leaves) {
        const { offset } = entries.get(name)!;
        parameter.initialize(random, parameter.shape, theta.subarray(offset, offset + parameter.size));
      }
      return theta;
    },
    unravel(theta) {
      const slice = (parameter: Parameter, name: string): Traced => {
        const { offset } = entries.get(name)!;
        return theta.slice([offset, offset + parameter.size]).reshape([...parameter.shape]);
      };
      return mapTree<Parameter, Traced>(parameters, slice);
    },
    ravel(tree) {
      const arrays = namedLeaves<Traced>(tree);
      return np.concatenate([...leaves.keys()].map((name) => arrays.get(name)!.reshape([-1])));
    },
  };
}
