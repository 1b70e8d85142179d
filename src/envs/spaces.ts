/** @file What an agent may observe and do: the spaces of Gymnasium, in names and meaning. */

/** One of `n` choices, 0 to n − 1. */
export interface DiscreteSpace {
  readonly kind: "discrete";
  readonly n: number;
  /** What each choice means, for people and for the metadata of an exported policy. */
  readonly labels?: readonly string[];
}

/** A vector of real numbers, each within its bounds (which may be infinite). */
export interface BoxSpace {
  readonly kind: "box";
  readonly size: number;
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** What each number means, with its unit. */
  readonly labels?: readonly string[];
}

export type Space = DiscreteSpace | BoxSpace;

/** A space of `n` choices. */
export function discrete(n: number, labels?: readonly string[]): DiscreteSpace {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`discrete space: n is ${n}, must be a whole number ≥ 1`);
  return { kind: "discrete", n, ...(labels && { labels }) };
}

/** A space of vectors of `size` numbers, all between `low` and `high` (numbers, or one bound per element). */
export function box(
  size: number,
  low: number | ArrayLike<number> = Number.NEGATIVE_INFINITY,
  high: number | ArrayLike<number> = Number.POSITIVE_INFINITY,
  labels?: readonly string[],
): BoxSpace {
  if (!Number.isInteger(size) || size < 0) throw new RangeError(`box space: size is ${size}, must be a whole number`);
  const bound = (value: number | ArrayLike<number>, name: string): Float32Array => {
    const bounds = typeof value === "number" ? new Float32Array(size).fill(value) : Float32Array.from(value);
    if (bounds.length !== size)
      throw new RangeError(`box space: ${name} has ${bounds.length} elements, must be ${size}`);
    return bounds;
  };
  const [lows, highs] = [bound(low, "low"), bound(high, "high")];
  const empty = lows.findIndex((from, k) => !(from <= highs[k]));
  if (empty >= 0)
    throw new RangeError(`box space: low[${empty}] is ${lows[empty]}, must not be above high, ${highs[empty]}`);
  return { kind: "box", size, low: lows, high: highs, ...(labels && { labels }) };
}

/** Length of the vector that stands for an action of this space: one-hot for choices, the numbers themselves else. */
export const vectorSize = (space: Space): number => (space.kind === "discrete" ? space.n : space.size);
