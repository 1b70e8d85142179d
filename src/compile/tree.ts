/** @file Trees of arrays, and the flat names (`actor.layers.0.weight`) that their leaves go by in a program. */

/** Nested records and lists with leaves of type `T`. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** A tree of the same structure as `S`, whose leaves (of type `From`) are of type `To`. */
export type MapTree<S, From, To> = S extends From
  ? To
  : S extends readonly unknown[]
    ? { [K in keyof S]: MapTree<S[K], From, To> }
    : S extends object
      ? { [K in keyof S]: MapTree<S[K], From, To> }
      : never;

/** Is `node` a record or a list of further nodes (and not a leaf, which is a class instance or a primitive)? */
function isBranch(node: unknown): node is Record<string, unknown> | readonly unknown[] {
  return Array.isArray(node) || (typeof node === "object" && node !== null && node.constructor === Object);
}

/** Calls `visit` on every leaf, depth first, in the order of the keys, with its dotted name. */
function visitLeaves(node: unknown, name: string, visit: (name: string, leaf: unknown) => void): void {
  if (!isBranch(node)) {
    visit(name, node);
    return;
  }
  for (const [key, child] of Object.entries(node)) {
    if (child !== undefined) visitLeaves(child, name === "" ? key : `${name}.${key}`, visit);
  }
}

/** The leaves of `tree` by their dotted names, in order. A tree that is one leaf has the name `value`. */
export function namedLeaves<T>(tree: Tree<T>): Map<string, T> {
  const leaves = new Map<string, T>();
  visitLeaves(tree, "", (name, leaf) => leaves.set(name === "" ? "value" : name, leaf as T));
  return leaves;
}

/** A tree shaped like `tree`, each leaf replaced by `f(leaf, name)`. */
export function mapTree<T, U>(tree: Tree<T>, f: (leaf: T, name: string) => U): Tree<U> {
  const walk = (node: unknown, name: string): unknown => {
    if (!isBranch(node)) return f(node as T, name === "" ? "value" : name);
    const join = (key: string) => (name === "" ? key : `${name}.${key}`);
    if (Array.isArray(node)) return node.map((child, i) => walk(child, join(String(i))));
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child, join(key))]));
  };
  return walk(tree, "") as Tree<U>;
}
