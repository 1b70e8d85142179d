/**
 * @file Gradient steps: the samples of a step are cut into shares, threads take them, Adam takes the sum.
 *
 * A loss is a sum over samples, so the gradients of shares add up to that of the whole. They are added in one order
 * whoever computed them: numbers do not depend on the number of threads. What follows from samples alone (normalised
 * inputs, say) is computed when they are loaded, not at each of the steps that are taken with them.
 */

import { type ArraySpec, compileStaged, float32, type Traced } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import { adam, euclideanNorm } from "../nn/optimizer.ts";
import type { ParameterLayout } from "../nn/parameters.ts";
import { type Schedule, scheduled } from "../nn/schedules.ts";
import { DivergedError } from "./algorithm.ts";
import { lossGradients, type SampleLoss } from "./gradient.ts";
import type { Metrics } from "./metrics.ts";
import {
  type Arrays,
  cutSamples,
  feedsOf,
  type Minibatches,
  microBatchSequences,
  type Samples,
  shareSequences,
} from "./minibatch.ts";
import type { Network } from "./network.ts";
import { compileShares, inTurns } from "./shares.ts";

export interface StepDefinition {
  /** What the step is of, for errors. */
  readonly name: string;
  /** Of the networks that step together. */
  readonly layouts: readonly ParameterLayout[];
  readonly loss: SampleLoss;
  /** The fields of samples that the loss looks at. */
  readonly sampleSpecs: (sequences: Sequences) => Samples<ArraySpec>;
  /** How a step's samples make sequences. */
  readonly sequences: Sequences;
  /** Scalars of the loss that follow from training's progress, by name. */
  readonly schedules: Readonly<Record<string, Schedule>>;
  /** Scalars of the loss that are sums (1 at least) over a field of the samples' rows: the field, by scalar. */
  readonly counts: Readonly<Record<string, string>>;
  readonly learningRate: Schedule;
  readonly settings: StepSettings;
  /** Rows that the networks make of one sample, where agents are tokens of it; default: one. */
  readonly tokens?: number;
}

export interface StepSettings {
  readonly maxGradientNorm: number;
  readonly adamEpsilon: number;
  /** Rows that are computed together, to fit the cache. */
  readonly microBatch: number;
  /** Threads that take shares of a step. */
  readonly threads: number;
}

/** Takes steps with samples that stay for as long as new ones are not loaded. */
export interface StepProgram {
  /** How many numbers `step` reports: the loss's metrics, the mean norm of gradients, and the value of each schedule. */
  readonly metricCount: number;
  /** Takes samples over: those of the steps to come. */
  load(samples: Samples): Promise<void>;
  /**
   * One step of Adam of each network.
   * @param progress how much of training is done, 0 to 1
   * @param metrics [metricCount], written
   * @throws DivergedError if a metric is not finite; the parameters then stay as they were
   */
  step(networks: readonly Network[], progress: number, metrics: Float32Array): Promise<void>;
  release(): Promise<void>;
}

/** Inputs that stay the same from one step to the next. */
const staysLoaded = (name: string): boolean => /^(rows|sequences|fixed|counts)\./.test(name);

interface PartInputs extends Samples<Traced> {
  readonly thetas: readonly Traced[];
  /** Values of schedules that are not constant. */
  readonly schedules: Arrays<Traced>;
  readonly counts: Arrays<Traced>;
}

/** Programs for shares that lie as `sequences` says, one in each of `threads`. */
async function compileGradients(definition: StepDefinition, sequences: Sequences, threads: readonly number[]) {
  const { name, layouts, loss, sampleSpecs, schedules, counts, settings, tokens = 1 } = definition;
  const microBatches = microBatchSequences(sequences, settings.microBatch / tokens);
  const constants = Object.entries(schedules).filter(([, schedule]) => typeof schedule === "number");
  const varying = Object.keys(schedules).filter((name) => typeof schedules[name] !== "number");
  const gradients = ({ thetas, schedules, counts, ...samples }: PartInputs) => {
    const fixed = Object.fromEntries(constants.map(([name, value]) => [name, np.array(value as number)]));
    const scalars = { ...counts, ...fixed, ...schedules };
    return lossGradients(loss, layouts, { thetas, samples, scalars }, sequences, microBatches);
  };
  const inputs = {
    thetas: layouts.map(({ size }) => float32(size)),
    schedules: Object.fromEntries(varying.map((name) => [name, float32()])),
    counts: Object.fromEntries(Object.keys(counts).map((scalar) => [scalar, float32()])),
    ...sampleSpecs(sequences),
  };
  // The type of a traced function follows the tree of its inputs, which is too deep for the type checker here.
  return compileStaged(name, gradients as never, inputs as never, staysLoaded, threads);
}

/** total += part */
function addInto(total: Float32Array, part: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i] += part[i];
}

function sumOf(array: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i];
  return sum;
}

/** @param lossMetrics how many metrics the loss has */
export async function compileStep(definition: StepDefinition, lossMetrics: number): Promise<StepProgram> {
  const { layouts, sequences, counts, schedules, learningRate, settings, tokens = 1 } = definition;
  const parameters = layouts.reduce((sum, { size }) => sum + size, 0);
  const shares = shareSequences(sequences, tokens > 1 ? { tokens, parameters } : {});
  const threads = Math.min(settings.threads, shares.length);
  const programs = await compileShares(shares, threads, (share, own) => compileGradients(definition, share, own));

  // Memory between the programs.
  const inputs: Record<string, Float32Array> = {};
  const outputs = shares.map(() => ({
    ...Object.fromEntries(layouts.map(({ size }, k) => [`gradients.${k}`, new Float32Array(size)])),
    metrics: new Float32Array(lossMetrics),
  }));
  const [total, ...others] = outputs as readonly Record<string, Float32Array>[];
  const gradients = layouts.map((_, k) => total[`gradients.${k}`]);
  const values = Object.values(schedules).map(() => new Float32Array(1));
  Object.keys(schedules).forEach((name, i) => {
    inputs[`schedules.${name}`] = values[i];
  });

  return {
    metricCount: lossMetrics + 1 + Object.keys(schedules).length,
    async load(samples) {
      const sums = Object.fromEntries(
        Object.entries(counts).map(([scalar, field]) => {
          return [`counts.${scalar}`, Float32Array.of(Math.max(sumOf(samples.rows[field]), 1))];
        }),
      );
      const parts = cutSamples(samples, sequences, shares);
      await inTurns(parts.length, threads, (i) => programs[i].prepare({ ...feedsOf(parts[i]), ...sums }));
    },
    async step(networks, progress, metrics) {
      networks.forEach(({ theta }, k) => {
        inputs[`thetas.${k}`] = theta;
      });
      Object.values(schedules).forEach((schedule, i) => {
        values[i][0] = scheduled(schedule, progress);
      });
      await inTurns(programs.length, threads, (i) => programs[i].run(inputs, outputs[i]));
      for (const part of others) for (const field of Object.keys(total)) addInto(total[field], part[field]);
      const norms = gradients.map(euclideanNorm);
      metrics.set(total.metrics);
      metrics[lossMetrics] = norms.reduce((sum, norm) => sum + norm) / norms.length;
      values.forEach(([value], i) => {
        metrics[lossMetrics + 1 + i] = value;
      });
      if (!metrics.every(Number.isFinite)) throw new DivergedError(`a loss or gradient of ${networks[0].name}`);
      const { maxGradientNorm: maxNorm, adamEpsilon: epsilon } = settings;
      const rate = { learningRate: scheduled(learningRate, progress), epsilon, maxNorm };
      networks.forEach((network, k) => {
        adam(network, gradients[k], norms[k], rate);
      });
    },
    async release() {
      await Promise.all(programs.map((program) => program.release()));
    },
  };
}

/** Walks samples `epochs` times, minibatch by minibatch, each one step; reports the means of what steps report. */
export async function walkSamples(
  minibatches: Minibatches,
  {
    progress,
    metrics,
    random,
  }: {
    readonly progress: number;
    readonly metrics: Metrics;
    readonly random: { shuffle(array: Int32Array): void };
  },
  samples: Samples,
  networks: readonly Network[],
  program: StepProgram,
  { epochs, names }: { readonly epochs: number; readonly names: readonly string[] },
): Promise<void> {
  const reported = new Float32Array(program.metricCount);
  for (let epoch = 0; epoch < epochs; epoch++) {
    minibatches.shuffle(random);
    await minibatches.forEach(samples, async (minibatch) => {
      // A single minibatch is the same in every epoch.
      if (minibatches.count > 1 || epoch === 0) await program.load(minibatch);
      await program.step(networks, progress, reported);
      metrics.add(names, reported);
    });
  }
}
