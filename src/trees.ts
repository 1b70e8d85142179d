/** @file Settings as they come from files: mappings in mappings. */

/** Nested values, as they come from a file. */
export type SettingsTree = { readonly [key: string]: unknown };

export const isTree = (value: unknown): value is SettingsTree =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** `over` laid over `under`: mappings are merged, everything else is replaced. */
export function mergeTrees(under: SettingsTree, over: SettingsTree): SettingsTree {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(value) && isTree(below) ? mergeTrees(below, value) : value;
  }
  return merged;
}
