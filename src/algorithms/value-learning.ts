/** @file The critics of a team: values of a rollout, advantages from them, and learning from the returns. */

import type { Program } from "../compile/index.ts";
import { InputError } from "../errors.ts";
import type { Sequences } from "../nn/layers.ts";
import {
  createValueStatistics,
  denormalizeValues,
  normalizeValues,
  updateValueStatistics,
  type ValueStatistics,
} from "../nn/value-normalizer.ts";
import { generalizedAdvantages } from "../rollout/advantages.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import type { LearnerOptions } from "./algorithm.ts";
import {
  type CriticModel,
  compileCriticStep,
  compileValueStep,
  compileValues,
  criticMetrics,
  criticModel,
} from "./critic.ts";
import type { Metrics } from "./metrics.ts";
import {
  createJoin,
  createMinibatches,
  joinedSequences,
  minibatchSequences,
  rolloutSequences,
  rowCount,
  type Samples,
} from "./minibatch.ts";
import { checkFinite, createNetwork, type Network, networkState } from "./network.ts";
import type { RowwiseProgram } from "./rowwise.ts";
import type { CommonSettings } from "./settings.ts";
import { type StepProgram, walkSamples } from "./step.ts";

/** What critics look at: the whole situation (centralised), or their agent's observation (independent). */
export type CriticView = "state" | "observation";

/** A critic's network with its target statistics. */
interface Critic {
  readonly network: Network;
  readonly statistics: ValueStatistics;
}

/** Values of one rollout as one critic sees it, for the agents whose advantages come from them. */
interface ValueStream {
  readonly critic: Critic;
  readonly agents: readonly number[];
  /** [T + 1, N], normalised, as the critic gave them */
  readonly raw: Float32Array;
  /** [T + 1, N], in units of reward */
  readonly values: Float32Array;
  /** [T, N] */
  readonly advantages: Float32Array;
  readonly returns: Float32Array;
  /** Normalised returns */
  readonly targets: Float32Array;
  /** 1 where any of the agents is active */
  readonly weights: Float32Array;
  /** [T + 1, N, H]: states of the GRU before each step; empty without one */
  readonly hidden: Float32Array;
  /** [T / L · N, H]: those at the beginnings of chunks */
  readonly chunkHidden: Float32Array;
  /** [N, H]: live, the state at the end of the last rollout */
  readonly carried: Float32Array;
}

/** The critics of a team. */
export interface ValueLearning {
  /** Live arrays by name. */
  readonly state: readonly (readonly [string, Float32Array | Int32Array])[];
  /** Values of all situations in the buffer, and what follows from them. */
  evaluate(buffer: RolloutBuffer, metrics: Metrics): Promise<void>;
  /** By agent, after `evaluate`: [T, N], not normalised. */
  advantagesOf(agent: number): Float32Array;
  /** Learns the returns of the last `evaluate`. */
  update(
    buffer: RolloutBuffer,
    progress: number,
    random: { shuffle(array: Int32Array): void },
    metrics: Metrics,
  ): Promise<void>;
  release(): Promise<void>;
}

export async function createValueLearning(
  options: LearnerOptions<CommonSettings>,
  view: CriticView,
): Promise<ValueLearning> {
  const { team, numEnvs, rolloutLength, settings, policy, random } = options;
  const recurrent = options.critic.recurrent ?? policy.recurrent;
  const share = options.critic.share ?? (view === "state" || policy.share);
  const inputSize = (agent: number) => (view === "state" ? team.stateSpace.size : team.observationSpaces[agent].size);
  const odd = team.agents.findIndex((_, i) => inputSize(i) !== inputSize(0));
  if (share && odd > 0) {
    throw new InputError(
      `critic.share is true, but ${team.agents[0]} observes ${inputSize(0)} numbers, ${team.agents[odd]} ` +
        `${inputSize(odd)}; agents that share a critic need observations of equal size`,
    );
  }

  const models = new Map<number, CriticModel>();
  const modelOf = (agent: number): CriticModel => {
    const size = inputSize(agent);
    const model = models.get(size) ?? criticModel({ ...options.critic, recurrent, inputSize: size });
    models.set(size, model);
    return model;
  };
  const criticsCount = share ? 1 : team.agents.length;
  const critics: Critic[] = Array.from({ length: criticsCount }, (_, i) => ({
    network: createNetwork(share ? "critic" : `critics.${team.agents[i]}`, modelOf(i).layout, random.split(i)),
    statistics: createValueStatistics(),
  }));

  const chunkLength = recurrent ? policy.chunkLength : 1;
  const whole = rolloutSequences(rolloutLength, numEnvs, chunkLength);
  // A critic that looks at several agents' observations learns from all of them together.
  const learnt = joinedSequences(whole, share && view === "observation" ? team.agents.length : 1);
  const batchShape = minibatchSequences(learnt, settings.minibatches);
  const minibatches = createMinibatches(learnt, settings.minibatches);
  const join = createJoin();
  const rows = rowCount(whole);
  const allRows = rows + numEnvs;
  const programs = new Map<CriticModel, CriticPrograms>();
  for (const model of models.values())
    programs.set(model, await compileCritic(model, settings, batchShape, numEnvs, allRows));

  const all = team.agents.map((_, i) => i);
  const groups = share && view === "state" ? [all] : all.map((i) => [i]);
  const streams = groups.map((agents): ValueStream => {
    const hiddenSize = modelOf(agents[0]).hiddenSize;
    const perRow = () => new Float32Array(rows);
    return {
      critic: critics[share ? 0 : agents[0]],
      agents,
      raw: new Float32Array(allRows),
      values: new Float32Array(allRows),
      advantages: perRow(),
      returns: perRow(),
      targets: perRow(),
      weights: perRow(),
      hidden: new Float32Array(allRows * hiddenSize),
      chunkHidden: new Float32Array(whole.blocks * whole.width * hiddenSize),
      carried: new Float32Array(numEnvs * hiddenSize),
    };
  });
  const streamOf = all.map((agent) => streams.find(({ agents }) => agents.includes(agent))!);
  const inputsOf = (stream: ValueStream, buffer: RolloutBuffer): Float32Array =>
    view === "state" ? buffer.states : buffer.observations[stream.agents[0]];

  return {
    state: [
      ...critics.flatMap(({ network, statistics }) => [
        ...networkState(network),
        [`${network.name}.statistics`, statistics] as const,
      ]),
      ...streams.flatMap(({ carried, agents }) =>
        carried.length > 0
          ? [[`criticHidden.${groups.length === 1 ? "team" : team.agents[agents[0]]}`, carried] as const]
          : [],
      ),
    ],
    advantagesOf: (agent) => streamOf[agent].advantages,
    async evaluate(buffer, metrics) {
      for (const stream of streams) {
        const { critic, values, raw, advantages, returns, weights, agents } = stream;
        const size = inputSize(agents[0]);
        const finals = buffer.finals.map((final) => (view === "state" ? final.state : final.observations[agents[0]]));
        const finalValues = await evaluateStream(programs.get(modelOf(agents[0]))!, stream, {
          inputs: inputsOf(stream, buffer),
          finals,
          buffer,
          size,
          numEnvs,
        });
        denormalizeValues(critic.statistics, raw, values);
        denormalizeValues(critic.statistics, finalValues, finalValues);
        generalizedAdvantages(buffer, { values, finalValues }, settings, advantages);
        addValues(advantages, values, returns);
        anyActive(buffer.active, team.agents.length, agents, weights);
        metrics.add(["explainedVariance"], [explainedVariance(stream)]);
        gatherChunkStarts(stream, whole);
      }
    },
    async update(buffer, progress, shuffling, metrics) {
      for (const critic of critics) {
        const own = streams.filter((stream) => stream.critic === critic);
        updateValueStatistics(
          critic.statistics,
          own.map(({ returns, weights }) => ({ values: returns, weights })),
        );
        for (const { returns, targets } of own) normalizeValues(critic.statistics, returns, targets);
      }
      const iteration = { progress, metrics, random: shuffling };
      const samplesOf = (stream: ValueStream): Samples => ({
        rows: {
          inputs: inputsOf(stream, buffer).subarray(0, rows * inputSize(stream.agents[0])),
          targets: stream.targets,
          oldValues: stream.raw.subarray(0, rows),
          weights: stream.weights,
          ...(recurrent && { episodeStarts: buffer.episodeStarts.subarray(0, rows) }),
        },
        sequences: { ...(recurrent && { hidden: stream.chunkHidden }) },
        fixed: {},
      });
      const walk = { epochs: settings.epochs, names: criticMetrics };
      for (const critic of critics) {
        const own = streams.filter((stream) => stream.critic === critic);
        const { step } = programs.get(modelOf(own[0].agents[0]))!;
        const samples = own.length > 1 ? join(own.map(samplesOf)) : samplesOf(own[0]);
        await walkSamples(minibatches, iteration, samples, [critic.network], step, walk);
      }
      for (const { network } of critics) checkFinite(network);
    },
    async release() {
      for (const { step, whole, single } of programs.values()) {
        await Promise.all([step.release(), single.release(), ...(whole ? [whole.release()] : [])]);
      }
    },
  };
}

interface CriticPrograms {
  readonly step: StepProgram;
  /** Values of a whole rollout in one run; undefined with a GRU, which goes step by step. */
  readonly whole: RowwiseProgram | undefined;
  /** Values of one step of each environment. */
  readonly single: Program;
}

async function compileCritic(
  model: CriticModel,
  settings: CommonSettings,
  batch: Sequences,
  numEnvs: number,
  allRows: number,
): Promise<CriticPrograms> {
  return {
    step: await compileCriticStep(model, settings, batch),
    whole: model.hiddenSize > 0 ? undefined : await compileValues(model, allRows, settings.threads),
    single: await compileValueStep(model, numEnvs),
  };
}

interface StreamInputs {
  /** [T + 1, N, size] */
  readonly inputs: Float32Array;
  /** Of each final moment of the buffer: [size] */
  readonly finals: readonly Float32Array[];
  readonly buffer: RolloutBuffer;
  readonly size: number;
  readonly numEnvs: number;
}

/** Writes the stream's raw values (and hidden states); returns those of the final moments, in their order. */
async function evaluateStream(
  { single, whole }: CriticPrograms,
  stream: ValueStream,
  { inputs, finals, buffer, size, numEnvs }: StreamInputs,
): Promise<Float32Array> {
  const { theta } = stream.critic.network;
  const hiddenSize = stream.carried.length / numEnvs;
  const perStep = numEnvs * hiddenSize;
  if (whole) {
    await whole.run({ theta }, { rows: { inputs }, sequences: {}, fixed: {} }, { values: stream.raw });
  } else {
    stream.hidden.set(stream.carried);
    const steps = stream.raw.length / numEnvs;
    for (let t = 0; t < steps; t++) {
      const next = t + 1 < steps ? stream.hidden.subarray((t + 1) * perStep, (t + 2) * perStep) : undefined;
      await single.run(
        {
          theta,
          "rows.inputs": inputs.subarray(t * numEnvs * size, (t + 1) * numEnvs * size),
          "rows.hidden": stream.hidden.subarray(t * perStep, (t + 1) * perStep),
          "rows.episodeStarts": buffer.episodeStarts.subarray(t * numEnvs, (t + 1) * numEnvs),
        },
        { values: stream.raw.subarray(t * numEnvs, (t + 1) * numEnvs), ...(next && { hidden: next }) },
      );
    }
    stream.carried.set(stream.hidden.subarray((steps - 1) * perStep));
  }
  // Final moments, up to N at a time: with a GRU, those of one time, each in its environment's row.
  const finalValues = new Float32Array(finals.length);
  const rows = new Float32Array(numEnvs * size);
  const values = new Float32Array(numEnvs);
  const noStarts = new Float32Array(numEnvs);
  for (let start = 0; start < finals.length; ) {
    const { time } = buffer.finals[start];
    let end = start;
    while (end < finals.length && end - start < numEnvs && (whole || buffer.finals[end].time === time)) end++;
    const rowOf = (k: number) => (whole ? k - start : buffer.finals[k].env);
    for (let k = start; k < end; k++) rows.set(finals[k], rowOf(k) * size);
    const memory = hiddenSize > 0 && {
      "rows.hidden": stream.hidden.subarray((time + 1) * perStep, (time + 2) * perStep),
      "rows.episodeStarts": noStarts,
    };
    await single.run({ theta, "rows.inputs": rows, ...memory }, { values });
    for (let k = start; k < end; k++) finalValues[k] = values[rowOf(k)];
    start = end;
  }
  return finalValues;
}

// Loops over rows stand in functions of their own: within an asynchronous one they would not be compiled well.

/** Returns [B] = advantages [B] + values, whose first B count. */
function addValues(advantages: Float32Array, values: Float32Array, into: Float32Array): void {
  for (let row = 0; row < into.length; row++) into[row] = advantages[row] + values[row];
}

/** 1 where any of `agents` is active, [B]; the first B rows of `active` [·, n] count. */
function anyActive(active: Float32Array, n: number, agents: readonly number[], into: Float32Array): void {
  for (let row = 0; row < into.length; row++) {
    into[row] = 0;
    for (let k = 0; k < agents.length; k++) if (active[row * n + agents[k]] > 0) into[row] = 1;
  }
}

function gatherChunkStarts({ hidden, chunkHidden }: ValueStream, { blocks, length }: Sequences): void {
  const perBlock = chunkHidden.length / blocks;
  for (let block = 0; block < blocks && perBlock > 0; block++) {
    const from = block * length * perBlock;
    chunkHidden.set(hidden.subarray(from, from + perBlock), block * perBlock);
  }
}

/** 1 − Var(returns − values) / Var(returns), over active samples; 0 where the returns do not vary. */
function explainedVariance({ returns, values, weights }: ValueStream): number {
  let [count, sum, squares, errorSum, errorSquares] = [0, 0, 0, 0, 0];
  for (let i = 0; i < weights.length; i++) {
    const error = returns[i] - values[i];
    count += weights[i];
    sum += weights[i] * returns[i];
    squares += weights[i] * returns[i] * returns[i];
    errorSum += weights[i] * error;
    errorSquares += weights[i] * error * error;
  }
  const variance = squares / count - (sum / count) ** 2;
  const errorVariance = errorSquares / count - (errorSum / count) ** 2;
  return variance > 1e-8 ? 1 - errorVariance / variance : 0;
}
