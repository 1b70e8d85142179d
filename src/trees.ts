/** @file Settings as they come from files: mappings in mappings. */

import { InputError } from "./errors.ts";

/** Nested values, as they come from a file. */
export type SettingsTree = { readonly [key: string]: unknown };

export function isTree(value: unknown): value is SettingsTree {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** `over` laid over `under`: mappings are merged, everything else is replaced; what is undefined is as if absent. */
export function mergeTrees(under: SettingsTree, over: SettingsTree): SettingsTree {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    if (key === "__proto__") throw new InputError("__proto__ is not a setting");
    const below = merged[key];
    merged[key] = isTree(value) && isTree(below) ? mergeTrees(below, value) : value;
  }
  return merged;
}

/** A value that two trees do not have in common. */
export interface Difference {
  /** Dotted. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Where two trees differ, leaf by leaf; a value that is absent is undefined. */
export function differences(before: SettingsTree, after: SettingsTree, prefix = ""): Difference[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => {
    const [old, now] = [before[key], after[key]];
    if (isTree(old) && isTree(now)) return differences(old, now, `${prefix}${key}.`);
    return JSON.stringify(old) === JSON.stringify(now) ? [] : [{ path: `${prefix}${key}`, before: old, after: now }];
  });
}

/** `tree` with a value at a dotted path. */
export function withValueAt(tree: SettingsTree, path: string, value: unknown): SettingsTree {
  const over = path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return mergeTrees(tree, over as SettingsTree);
}
