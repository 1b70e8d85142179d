/** @file Averages of what steps report, by name. */

export interface Metrics {
  /** Takes in a step's numbers, in the order of `names`. */
  add(names: readonly string[], values: ArrayLike<number>): void;
  /** The mean of each. */
  means(): Record<string, number>;
}

export function createMetrics(): Metrics {
  const sums = new Map<string, { total: number; count: number }>();
  return {
    add(names, values) {
      names.forEach((name, i) => {
        const sum = sums.get(name) ?? { total: 0, count: 0 };
        sum.total += values[i];
        sum.count++;
        sums.set(name, sum);
      });
    },
    means: () => Object.fromEntries([...sums].map(([name, { total, count }]) => [name, total / count])),
  };
}
