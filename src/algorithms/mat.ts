/**
 * @file MAT: a team as one transformer, which translates what all agents observe into what they do, agent by agent; and
 * MAT-Dec, in which it only says what that is worth, and agents act on their own.
 *
 * Wen, Kuba, Lin, Zhang, Wen, Wang & Yang 2022, "Multi-Agent Reinforcement Learning is a Sequence Modeling Problem",
 * arXiv:2205.14953, equations 4 and 5. π(a | o) = Π π(a_i | ô_1…n, a_1…i−1); the network is in
 * `src/policy/transformer.ts`.
 */

import { z } from "zod";
import { type ArraySpec, float32, type Traced } from "../compile/index.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import type { TeamSpec } from "../envs/env.ts";
import { vectorSize } from "../envs/spaces.ts";
import { InputError } from "../errors.ts";
import type { Sequences } from "../nn/layers.ts";
import { clippedValueLoss } from "../nn/losses.ts";
import {
  createValueStatistics,
  denormalizeValues,
  normalizeValues,
  updateValueStatistics,
} from "../nn/value-normalizer.ts";
import { exportPolicy } from "../policy/export.ts";
import { jointPolicy } from "../policy/joint.ts";
import { type Transformer, type TransformerInputs, transformer, transformerPolicy } from "../policy/transformer.ts";
import { generalizedAdvantages, normalizeAdvantages } from "../rollout/advantages.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import { defineAlgorithm, type Learner, type LearnerOptions } from "./algorithm.ts";
import type { SampleLoss } from "./gradient.ts";
import { createMetrics } from "./metrics.ts";
import { createMinibatches, minibatchSequences, rolloutSequences, rowCount, type Samples } from "./minibatch.ts";
import { checkFinite, createNetwork, networkState } from "./network.ts";
import { compileRowwise, type RowwiseProgram } from "./rowwise.ts";
import { ppoSettings } from "./settings.ts";
import { compileStep, type StepProgram, walkSamples } from "./step.ts";

const { criticLearningRate: _, ...shared } = ppoSettings;

export const matSettings = z.strictObject({
  ...shared,
  clip: shared.clip
    .unwrap()
    .default(0.05)
    .describe("ε, how far a probability ratio may move from 1 before it is clipped"),
  valueClip: shared.valueClip.unwrap().default(0.05).describe(shared.valueClip.description!),
  valueCoef: z.number().gt(0).default(1).describe("weight of the values' loss beside that of the policy"),
  blocks: z.int().min(1).max(64).default(1).describe("attention blocks of the encoder, and of the decoder"),
  heads: z.int().min(1).default(1).describe("heads of each attention; must divide policy.hidden"),
});

export type MatSettings = z.infer<typeof matSettings>;

/** Names of what `metrics` of a step holds, in order. */
const matMetrics = [
  "policyLoss",
  "entropy",
  "clipFraction",
  "approximateKl",
  "valueLoss",
  "gradientNorm",
  "entropyCoef",
] as const;

/** Fields of samples by agent: `observations.0`, … */
const named = <T>(field: string, byAgent: readonly T[]): Readonly<Record<string, T>> =>
  Object.fromEntries(byAgent.map((value, agent) => [`${field}.${agent}`, value]));

function inputsOf({ rows, sequences }: Samples<Traced>, { team, hiddenSize }: Transformer): TransformerInputs {
  const field = (arrays: Readonly<Record<string, Traced>>, name: string) =>
    Object.fromEntries(
      team.agents.flatMap((_, agent) => (arrays[`${name}.${agent}`] ? [[agent, arrays[`${name}.${agent}`]]] : [])),
    );
  return {
    observations: team.agents.map((_, agent) => rows[`observations.${agent}`]),
    actionMasks: field(rows, "actionMask"),
    hidden: hiddenSize > 0 ? field(sequences, "hidden") : {},
    episodeStarts: rows.episodeStarts,
  };
}

/**
 * Over agents and samples of weight 1: −mean(min(r_i Â_i, clip(r_i, 1 ± ε) Â_i)) − c_H · mean entropy + c_V · mean of
 * max(huber(V_i − R_i), huber(clip(V_i) − R_i)). What agents did is given to the decoder as it was (teacher forcing), so
 * all of them are evaluated at once.
 */
export const matLoss =
  (model: Transformer, { clip, valueClip, huberDelta, valueCoef }: MatSettings): SampleLoss =>
  ([parameters], samples, { count, entropyCoef }, sequences) => {
    const { rows } = samples;
    const { order } = model;
    const inputs = inputsOf(samples, model);
    const encoded = model.encode(parameters, inputs, sequences);
    const actions = order.map((agent) => rows[`actions.${agent}`]);
    const { logProbs, entropies } = model.evaluate(parameters, inputs, encoded, actions, sequences);
    const { advantages, oldLogProbs, weights } = rows;
    const logRatio = logProbs.sub(oldLogProbs);
    const ratio = np.exp(logRatio);
    const clipped = np.clip(ratio, 1 - clip, 1 + clip);
    const gain = np.minimum(ratio.mul(advantages), clipped.mul(advantages));
    const learnt = { oldValues: rows.oldValues, targets: rows.targets };
    const error = clippedValueLoss(encoded.values, learnt, { valueClip, huberDelta });
    const outside = np.greater(np.abs(ratio.sub(1)), clip).astype(ratio.dtype);
    const kl = ratio.sub(1).sub(logRatio);
    const shares = weights.div(count);
    const sum = (term: Traced) => term.mul(shares).sum();
    const sums = np.stack([gain.neg(), entropies, outside, kl, error].map(sum));
    const [policyLoss, entropy, valueLoss] = [0, 1, 4].map((term) => sums.slice(term));
    const loss = policyLoss.sub(entropy.mul(entropyCoef)).add(valueLoss.mul(valueCoef));
    return [loss, lax.stopGradient(sums)];
  };

/** What the encoder sees of `rows` samples, as a program takes it. */
function inputSpecs({ team, hiddenSize }: Transformer, sequences: Sequences) {
  const rows = rowCount(sequences);
  const starts = sequences.blocks * sequences.width;
  return {
    rows: {
      ...named(
        "observations",
        team.observationSpaces.map(({ size }) => float32(rows, size)),
      ),
      ...(hiddenSize > 0 && { episodeStarts: float32(rows) }),
    } as Readonly<Record<string, ArraySpec>>,
    sequences: {
      ...(hiddenSize > 0 &&
        named(
          "hidden",
          team.agents.map(() => float32(starts, hiddenSize)),
        )),
    } as Readonly<Record<string, ArraySpec>>,
  };
}

/** The fields of `samples` that a transformer learns from. */
function matSampleSpecs(model: Transformer, sequences: Sequences): Samples<ArraySpec> {
  const { team } = model;
  const rows = rowCount(sequences);
  const inputs = inputSpecs(model, sequences);
  const actions = team.actionSpaces.map((space) => float32(rows, vectorSize(space)));
  const numbers = float32(rows, team.agents.length);
  return {
    rows: {
      ...inputs.rows,
      ...(hasMasks(team) && named("actionMask", actions)),
      ...named("actions", actions),
      oldLogProbs: numbers,
      advantages: numbers,
      weights: numbers,
      oldValues: numbers,
      targets: numbers,
      activeAgents: float32(rows),
    },
    sequences: inputs.sequences,
    fixed: {},
  };
}

const hasMasks = ({ hasActionMasks, actionSpaces }: TeamSpec) => hasActionMasks && actionSpaces[0].kind === "discrete";

/** A program that takes one step of Adam down the loss of samples. It reports `matMetrics`. */
export const compileTransformerStep = (
  model: Transformer,
  settings: MatSettings,
  sequences: Sequences,
): Promise<StepProgram> =>
  compileStep(
    {
      name: "transformer step",
      layouts: [model.layout],
      loss: matLoss(model, settings),
      sampleSpecs: (part) => matSampleSpecs(model, part),
      sequences,
      schedules: { entropyCoef: settings.entropyCoef },
      counts: { count: "activeAgents" },
      learningRate: settings.learningRate,
      settings,
      tokens: model.team.agents.length,
    },
    matMetrics.length - 2,
  );

/** Normalised values of `rows` samples that are no sequences: output `values`, [rows, n], agents in order. */
const compileValues = (model: Transformer, rows: number, threads: number): Promise<RowwiseProgram> =>
  compileRowwise(
    {
      name: "values",
      others: { theta: float32(model.layout.size) },
      sampleSpecs: (part) => ({ ...inputSpecs(model, part), fixed: {} }),
      sequences: { blocks: rows, length: 1, width: 1 },
      outputs({ theta }, samples, part) {
        const { values } = model.encode(model.layout.unravel(theta), inputsOf(samples, model), part);
        return { values };
      },
    },
    threads,
  );

/** The order in which agents act, as far as a transformer has one. */
function orderOf({ team, policy }: LearnerOptions<MatSettings>, decentralized: boolean): readonly number[] {
  const allowed = decentralized ? "none" : "all";
  if (policy.dependencies !== undefined && policy.dependencies !== allowed) {
    throw new InputError(
      `policy.dependencies is ${JSON.stringify(policy.dependencies)}, must be ${allowed} (or absent): ` +
        (decentralized ? "agents act at once" : "the decoder looks at all actions before"),
    );
  }
  const agents = team.agents.map((_, agent) => agent);
  const order = policy.order ?? agents;
  if (order === "shuffled" || order.length !== agents.length || agents.some((agent) => !order.includes(agent))) {
    throw new InputError(`policy.order is ${order}, must be a permutation of the agents 0 to ${agents.length - 1}`);
  }
  return order;
}

async function createMat(options: LearnerOptions<MatSettings>, decentralized: boolean): Promise<Learner> {
  const { team, numEnvs, rolloutLength, settings, policy, random } = options;
  const agents = team.agents.length;
  const chunkLength = policy.recurrent ? policy.chunkLength : 1;
  if (rolloutLength % chunkLength !== 0) {
    throw new InputError(`policy.chunkLength is ${chunkLength}, must divide rollout.length, which is ${rolloutLength}`);
  }
  const order = orderOf(options, decentralized);
  const model = transformer(team, policy, { ...settings, decentralized }, order);
  const { hiddenSize } = model;
  const network = createNetwork("transformer", model.layout, random.split(0));
  const definition = transformerPolicy(model, network.theta);
  const statistics = createValueStatistics();
  const updates = new Int32Array(1);
  const shuffling = random.split(1);

  const whole = rolloutSequences(rolloutLength, numEnvs, chunkLength);
  const rows = rowCount(whole);
  const allRows = rows + numEnvs;
  const minibatches = createMinibatches(whole, settings.minibatches);
  const step = await compileTransformerStep(model, settings, minibatchSequences(whole, settings.minibatches));
  const valuesOfAll = await compileValues(model, allRows, settings.threads);
  const valuesOfFinals = await compileValues(model, numEnvs, 1);
  const acting = await jointPolicy(definition, options.policyEnvs ?? numEnvs);

  const byAgent = (size: number) => team.agents.map(() => new Float32Array(size));
  // Numbers of the team, [rows, n], agents in order; and of one agent at a time.
  const forTeam = (count: number) => new Float32Array(count * agents);
  const [raw, oldLogProbs, advantages, weights, returns, targets] = [allRows, rows, rows, rows, rows, rows].map(
    forTeam,
  );
  const finalRaw = forTeam(numEnvs);
  const [ownValues, ownAdvantages] = [new Float32Array(allRows), new Float32Array(rows)];
  const chunkHidden = byAgent(whole.blocks * whole.width * hiddenSize);
  const activeAgents = new Float32Array(rows);

  const valueSamples = (
    observations: readonly Float32Array[],
    hidden: readonly Float32Array[],
    episodeStarts: Float32Array,
  ): Samples => ({
    rows: { ...named("observations", observations), ...(hiddenSize > 0 && { episodeStarts }) },
    sequences: hiddenSize > 0 ? named("hidden", hidden) : {},
    fixed: {},
  });

  /** Normalised values of the moments at which episodes were cut off, in their order: [finals, n]. */
  async function finalValues(buffer: RolloutBuffer): Promise<Float32Array> {
    const { finals } = buffer;
    const found = forTeam(finals.length);
    const observations = team.observationSpaces.map(({ size }) => new Float32Array(numEnvs * size));
    const hidden = byAgent(numEnvs * hiddenSize);
    const noStarts = new Float32Array(numEnvs);
    for (let start = 0; start < finals.length; start += numEnvs) {
      const some = finals.slice(start, start + numEnvs);
      some.forEach((final, row) => {
        final.observations.forEach((own, agent) => {
          observations[agent].set(own, row * own.length);
          // The memory after the step that was cut off: it has not been told yet that a new episode begins.
          const from = ((final.time + 1) * numEnvs + final.env) * hiddenSize;
          hidden[agent].set(buffer.hidden[agent].subarray(from, from + hiddenSize), row * hiddenSize);
        });
      });
      const samples = valueSamples(observations, hidden, noStarts);
      await valuesOfFinals.run({ theta: network.theta }, samples, { values: finalRaw });
      found.set(finalRaw.subarray(0, some.length * agents), start * agents);
    }
    return found;
  }

  /** Values, advantages and targets of a buffer. */
  async function evaluate(buffer: RolloutBuffer): Promise<void> {
    const samples = valueSamples(buffer.observations, buffer.hidden, buffer.episodeStarts);
    await valuesOfAll.run({ theta: network.theta }, samples, { values: raw });
    const finals = await finalValues(buffer);
    const ownFinals = new Float32Array(buffer.finals.length);
    activeAgents.fill(0);
    order.forEach((agent, k) => {
      takeColumn(raw, k, ownValues);
      denormalizeValues(statistics, ownValues, ownValues);
      takeColumn(finals, k, ownFinals);
      denormalizeValues(statistics, ownFinals, ownFinals);
      generalizedAdvantages(buffer, { values: ownValues, finalValues: ownFinals }, settings, ownAdvantages);
      for (let row = 0; row < rows; row++) {
        const place = row * agents + k;
        oldLogProbs[place] = buffer.logProbs[agent][row];
        advantages[place] = ownAdvantages[row];
        returns[place] = ownAdvantages[row] + ownValues[row];
        weights[place] = buffer.active[row * agents + agent];
        activeAgents[row] += weights[place];
      }
    });
    normalizeAdvantages(advantages, weights);
    updateValueStatistics(statistics, [{ values: returns, weights }]);
    normalizeValues(statistics, returns, targets);
  }

  /** Column k of numbers of the team. */
  function takeColumn(numbers: Float32Array, k: number, into: Float32Array): void {
    for (let row = 0; row < into.length; row++) into[row] = numbers[row * agents + k];
  }

  function samplesOf(buffer: RolloutBuffer): Samples {
    const cut = (arrays: readonly Float32Array[]) =>
      arrays.map((array) => array.subarray(0, (array.length / allRows) * rows));
    const perBlock = numEnvs * hiddenSize;
    chunkHidden.forEach((own, agent) => {
      for (let block = 0; block < own.length / Math.max(perBlock, 1); block++) {
        const from = block * whole.length * perBlock;
        own.set(buffer.hidden[agent].subarray(from, from + perBlock), block * perBlock);
      }
    });
    return {
      rows: {
        ...named("observations", cut(buffer.observations)),
        ...(hasMasks(team) && named("actionMask", cut(buffer.actionMasks))),
        ...(hiddenSize > 0 && { episodeStarts: buffer.episodeStarts.subarray(0, rows) }),
        ...named("actions", buffer.actions),
        oldLogProbs,
        advantages,
        weights,
        oldValues: raw.subarray(0, rows * agents),
        targets,
        activeAgents,
      },
      sequences: hiddenSize > 0 ? named("hidden", chunkHidden) : {},
      fixed: {},
    };
  }

  return {
    policy: acting,
    state: new Map([
      ...networkState(network),
      ["transformer.statistics", statistics] as const,
      ["updates", updates] as const,
    ]),
    async update(buffer, { step: done, totalSteps }) {
      const metrics = createMetrics();
      const progress = Math.min(1, done / totalSteps);
      await evaluate(buffer);
      const iteration = { progress, metrics, random: shuffling.split(updates[0]) };
      const walk = { epochs: settings.epochs, names: matMetrics };
      await walkSamples(minibatches, iteration, samplesOf(buffer), [network], step, walk);
      checkFinite(network);
      updates[0]++;
      return metrics.means();
    },
    policyFor: (count) => jointPolicy(definition, count),
    exportPolicy: (metadata, surroundings) => exportPolicy(definition, metadata, surroundings),
    async release() {
      await Promise.all([acting, step, valuesOfAll, valuesOfFinals].map((owned) => owned.release()));
    },
  };
}

export const mat = defineAlgorithm({
  name: "mat",
  title: "MAT",
  paper: "https://arxiv.org/abs/2205.14953",
  description: "the team as one transformer with PPO: the encoder says what it is worth, the decoder who does what",
  settings: matSettings,
  unused: ["critic", "policy.layers", "policy.activation", "policy.share", "policy.graph"],
  create: (options) => createMat(options, false),
});

export const matDec = defineAlgorithm({
  name: "mat-dec",
  title: "MAT-Dec",
  paper: "https://arxiv.org/abs/2205.14953",
  description: "MAT without its decoder: agents act on their own, the encoder learns with them what it is worth",
  settings: matSettings,
  unused: ["critic", "policy.activation", "policy.graph"],
  create: (options) => createMat(options, true),
});
