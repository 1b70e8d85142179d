/** @file Samples on their way into a program: whole, in random minibatches, and, inside the program, in micro-batches. */

import type { Traced } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import { InputError } from "../errors.ts";
import type { Sequences } from "../nn/layers.ts";

/** Arrays by name. */
export type Arrays<T = Float32Array> = Readonly<Record<string, T>>;

/**
 * Samples: B = blocks · length · width rows, in the order that `Sequences` says. Fields are by name, so that a program
 * with inputs `{ rows, sequences, fixed }` takes them as they are.
 */
export interface Samples<T = Float32Array> {
  /** [B, …] each */
  readonly rows: Arrays<T>;
  /** [blocks · width, …] each: what a sequence begins with */
  readonly sequences: Arrays<T>;
  /** The same for all samples */
  readonly fixed: Arrays<T>;
}

export const rowCount = ({ blocks, length, width }: Sequences): number => blocks * length * width;

/**
 * How the samples of a rollout [T, N] make sequences.
 * @param chunkLength steps per sequence; 1 without a GRU
 */
export const rolloutSequences = (length: number, numEnvs: number, chunkLength: number): Sequences =>
  chunkLength === 1
    ? { blocks: length * numEnvs, length: 1, width: 1 }
    : { blocks: length / chunkLength, length: chunkLength, width: numEnvs };

/**
 * How the samples of one of `count` minibatches make sequences.
 * @throws InputError if the sequences can't be dealt out evenly
 */
export function minibatchSequences(whole: Sequences, count: number): Sequences {
  if (count === 1) return whole;
  const total = whole.blocks * whole.width;
  if (total % count !== 0) {
    const what = whole.length === 1 ? "samples" : `sequences of ${whole.length} steps`;
    throw new InputError(`algorithm.minibatches is ${count}, must divide the ${total} ${what} of a rollout`);
  }
  return { blocks: total / count, length: whole.length, width: 1 };
}

/** How the samples of `count` rollouts make sequences, one after the other. */
export const joinedSequences = (whole: Sequences, count: number): Sequences => ({
  ...whole,
  blocks: whole.blocks * count,
});

/** Lays samples of one shape end to end, in memory that is used again the next time; what is fixed is the first's. */
export function createJoin(): (parts: readonly Samples[]) => Samples {
  const memory = new Map<string, Float32Array>();
  const join = (parts: readonly Samples[], group: "rows" | "sequences"): Arrays =>
    Object.fromEntries(
      Object.keys(parts[0][group]).map((name) => {
        const arrays = parts.map((part) => part[group][name]);
        const length = arrays.reduce((sum, array) => sum + array.length, 0);
        const into = memory.get(`${group}.${name}`) ?? new Float32Array(length);
        memory.set(`${group}.${name}`, into);
        let offset = 0;
        for (const array of arrays) {
          into.set(array, offset);
          offset += array.length;
        }
        return [name, into];
      }),
    );
  return (parts) => ({ rows: join(parts, "rows"), sequences: join(parts, "sequences"), fixed: parts[0].fixed });
}

/** Names the fields as a program's inputs do. */
export function feedsOf({ rows, sequences, fixed }: Samples): Record<string, Float32Array> {
  const feeds: Record<string, Float32Array> = {};
  for (const [group, arrays] of Object.entries({ rows, sequences, fixed })) {
    for (const [name, array] of Object.entries(arrays)) feeds[`${group}.${name}`] = array;
  }
  return feeds;
}

/** Deals samples out into minibatches. */
export interface Minibatches {
  /** Draws who goes where, for an epoch. */
  shuffle(random: { shuffle(array: Int32Array): void }): void;
  /** Calls `use` with each minibatch of `samples`, one after the other; they share their memory. */
  forEach(samples: Samples, use: (minibatch: Samples) => Promise<void>): Promise<void>;
  /** How many there are. */
  readonly count: number;
}

/** Minibatches of samples that lie as `whole` says; with a count of 1 nothing moves. */
export function createMinibatches(whole: Sequences, count: number): Minibatches {
  if (count === 1) return { count, shuffle() {}, forEach: (samples, use) => use(samples) };
  const order = Int32Array.from({ length: whole.blocks * whole.width }, (_, i) => i);
  const perBatch = order.length / count;
  const scratch = new Map<string, Float32Array>();
  const scratchFor = (name: string, size: number): Float32Array => {
    let array = scratch.get(`${name}:${size}`);
    if (!array) {
      array = new Float32Array(size);
      scratch.set(`${name}:${size}`, array);
    }
    return array;
  };
  return {
    count,
    shuffle(random) {
      // From the same order each time: what was dealt before must not matter, or a resumed run would go another way.
      for (let i = 0; i < order.length; i++) order[i] = i;
      random.shuffle(order);
    },
    async forEach({ rows, sequences, fixed }, use) {
      for (let batch = 0; batch < count; batch++) {
        const chosen = order.subarray(batch * perBatch, (batch + 1) * perBatch);
        const gathered = (arrays: Arrays, group: string, length: number): Arrays =>
          Object.fromEntries(
            Object.entries(arrays).map(([name, source]) => {
              const into = scratchFor(`${group}.${name}`, source.length / count);
              gather(source, chosen, { ...whole, length }, into);
              return [name, into];
            }),
          );
        const minibatch = {
          rows: gathered(rows, "rows", whole.length),
          sequences: gathered(sequences, "sequences", 1),
          fixed,
        };
        await use(minibatch);
      }
    },
  };
}

/** Copies the chosen sequences of `source`, which lie as `whole` says, one after the other. */
function gather(source: Float32Array, chosen: Int32Array, whole: Sequences, into: Float32Array): void {
  const { length, width } = whole;
  const size = source.length / rowCount(whole);
  let to = 0;
  for (const sequence of chosen) {
    const block = Math.floor(sequence / width);
    for (let step = 0; step < length; step++) {
      const row = (block * length + step) * width + (sequence % width);
      for (let k = row * size; k < (row + 1) * size; k++) into[to++] = source[k];
    }
  }
}

/** Sequences are computed step by step, a step's rows at a time: their micro-batches are this much larger. */
const SEQUENCE_FACTOR = 4;

/** Rows of a share, about. */
const SHARE = 2500;
/** Samples of fewer rows are not worth sharing, or what costs as much: rows of so many parameters, all in all. */
const WORTH_SHARING = 2000;
const WORTH_SHARING_PARAMETERS = WORTH_SHARING * 30_000;

/**
 * The shares of samples that lie as `whole` says, in order: what one thread computes in one go. They do not depend on
 * how many threads there are, so that numbers don't.
 * @param load `tokens`: rows that networks make of one sample; `parameters`: how many each row meets, where that is many
 */
export function shareSequences(whole: Sequences, { tokens = 1, parameters = 0 } = {}): Sequences[] {
  const samples = rowCount(whole);
  const rows = samples * tokens;
  const isWorthIt = samples >= WORTH_SHARING || rows * parameters >= WORTH_SHARING_PARAMETERS;
  return splitBlocks(whole, isWorthIt ? Math.max(2, Math.round(rows / SHARE)) : 1);
}

/**
 * The micro-batches of samples that lie as `whole` says, in order: samples that are computed together because they fit
 * the cache. Whole blocks each, of about `size` rows (for sequences, `SEQUENCE_FACTOR` times that).
 */
export const microBatchSequences = (whole: Sequences, size: number): Sequences[] =>
  splitBlocks(whole, Math.round(rowCount(whole) / (whole.length > 1 ? SEQUENCE_FACTOR * size : size)));

/** `whole` in `count` parts of its blocks, or as many as it has, or one. */
function splitBlocks(whole: Sequences, count: number): Sequences[] {
  const parts = Math.max(1, Math.min(whole.blocks, count));
  const startOf = (i: number) => Math.floor((i * whole.blocks) / parts);
  return Array.from({ length: parts }, (_, i) => ({ ...whole, blocks: startOf(i + 1) - startOf(i) }));
}

/** Samples cut into `parts` of their blocks, one after the other; nothing is copied. */
export function cutSamples(
  { rows, sequences, fixed }: Samples,
  whole: Sequences,
  parts: readonly Sequences[],
): Samples[] {
  let start = 0;
  return parts.map(({ blocks }) => {
    const [from, to] = [start / whole.blocks, (start + blocks) / whole.blocks];
    start += blocks;
    const cut = (arrays: Arrays): Arrays =>
      Object.fromEntries(
        Object.entries(arrays).map(([name, array]) => [
          name,
          array.subarray(Math.round(array.length * from), Math.round(array.length * to)),
        ]),
      );
    return { rows: cut(rows), sequences: cut(sequences), fixed };
  });
}

/**
 * Samples in the order of time: rows of one step lie together, so that what walks sequences step by step takes them as
 * they are. Inside traced code.
 */
export function inTimeOrder(
  { rows, sequences, fixed }: Samples<Traced>,
  { blocks, length, width }: Sequences,
): [Samples<Traced>, Sequences] {
  const byTime = (array: Traced): Traced => {
    const rest = array.shape.slice(1);
    return np.swapaxes(array.reshape([blocks, length, width, ...rest]), 0, 1).reshape(array.shape);
  };
  const moved =
    blocks > 1 && length > 1
      ? Object.fromEntries(Object.entries(rows).map(([name, array]) => [name, byTime(array)]))
      : rows;
  return [
    { rows: moved, sequences, fixed },
    { blocks: 1, length, width: blocks * width },
  ];
}

/** The same as `cutSamples` inside traced code. */
export function cutTracedSamples(
  { rows, sequences, fixed }: Samples<Traced>,
  parts: readonly Sequences[],
): Samples<Traced>[] {
  if (parts.length === 1) return [{ rows, sequences, fixed }];
  let start = 0;
  return parts.map(({ blocks, length, width }) => {
    const [from, to] = [start * width, (start + blocks) * width];
    start += blocks;
    const cut = (arrays: Arrays<Traced>, scale: number): Arrays<Traced> =>
      Object.fromEntries(
        Object.entries(arrays).map(([name, array]) => [name, array.slice([from * scale, to * scale])]),
      );
    return { rows: cut(rows, length), sequences: cut(sequences, 1), fixed };
  });
}
