/** @file A gradient step whose samples two threads share: each sums the gradient of one half, then one step is taken. */

import type { ArraySpec, Data, NamedData, Program } from "../compile/index.ts";
import type { Sequences } from "../nn/layers.ts";
import { halves } from "./minibatch.ts";

/** The background thread that takes the second half. Critics have another. */
const SECOND_HALF_THREAD = 1;

interface SharedStep {
  readonly sequences: Sequences;
  readonly microBatch: number;
  /**
   * From `theta` [P], `progress` [], `count` [] (samples of weight 1, in both halves) and the samples of a half, to its
   * `gradient` [P] and `metrics` [k].
   */
  compileGradient(half: Sequences, background: number | undefined): Promise<Program>;
  /** From `network`, `progress` and both halves' `gradients` and `metrics` to `network` and `metrics`. */
  compileStep(metrics: ArraySpec): Promise<Program>;
}

/** A program that takes what the step as one program would take, and gives what it would give. */
export async function compileSharedStep(step: SharedStep): Promise<Program> {
  const { sequences, microBatch } = step;
  const ranges = halves(sequences, microBatch);
  const parts = await Promise.all(
    ranges.map(async (range, k) => {
      const half = { ...sequences, blocks: range.end - range.start };
      const program = await step.compileGradient(half, k === 0 ? undefined : SECOND_HALF_THREAD);
      const outputs = [...program.outputs].map(([output, { size }]) => [output, new Float32Array(size)] as const);
      return { range, program, outputs: Object.fromEntries(outputs) };
    }),
  );
  const whole = await step.compileStep(parts[0].program.outputs.get("metrics")!);
  const count = new Float32Array(1);
  const combined: Record<string, Data> = {};
  parts.forEach(({ outputs }, k) => {
    combined[`gradients.${k}`] = outputs.gradient;
    combined[`metrics.${k}`] = outputs.metrics;
  });
  // Views of the samples' arrays, which are the same ones each time.
  const views = parts.map(() => new WeakMap<Data, Data>());
  const isSample = (input: string) => input.startsWith("rows.") || input.startsWith("sequences.");

  const runHalf = (k: number, feeds: NamedData): Promise<unknown> => {
    const { range, program, outputs } = parts[k];
    const half: Record<string, Data> = { theta: feeds["network.theta"], progress: feeds.progress, count };
    for (const input in feeds) {
      const array = feeds[input];
      if (isSample(input)) {
        const perBlock = array.length / sequences.blocks;
        const view = views[k].get(array) ?? array.subarray(range.start * perBlock, range.end * perBlock);
        views[k].set(array, view);
        half[input] = view;
      } else if (input.startsWith("fixed.")) half[input] = array;
    }
    return program.run(half, outputs);
  };

  return {
    ...whole,
    async run(feeds, into) {
      count[0] = 0;
      for (const weight of feeds["rows.weights"]) count[0] += weight;
      // The one in the background first: the one here blocks this thread.
      await Promise.all([runHalf(1, feeds), runHalf(0, feeds)]);
      const own = Object.entries(feeds).filter(([input]) => whole.inputs.has(input));
      return whole.run({ ...Object.fromEntries(own), ...combined }, into);
    },
    async release() {
      await Promise.all([whole.release(), ...parts.map(({ program }) => program.release())]);
    },
  };
}
