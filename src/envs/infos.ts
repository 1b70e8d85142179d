/** @file What environments tell of their episodes besides returns, as means. */

/** Numbers by name. */
export type Numbers = Readonly<Record<string, number>>;

/** By name, the mean over those that have it; names are in the order of the alphabet, whoever told them first. */
export function meanNumbers(all: Iterable<Numbers>): Numbers {
  const sums = new Map<string, { total: number; count: number }>();
  for (const numbers of all) {
    for (const [name, value] of Object.entries(numbers)) {
      const sum = sums.get(name) ?? { total: 0, count: 0 };
      sums.set(name, { total: sum.total + value, count: sum.count + 1 });
    }
  }
  const names = [...sums.keys()].sort();
  return Object.fromEntries(names.map((name) => [name, sums.get(name)!.total / sums.get(name)!.count]));
}

/** With a word before each name: `info.collisions`. */
export const prefixed = (prefix: string, numbers: Numbers): Numbers =>
  Object.fromEntries(Object.entries(numbers).map(([name, value]) => [`${prefix}.${name}`, value]));
