/** @file The collector: steps environments with a policy, and writes down what happens. */

import type { VectorEnv, VectorEnvPart, VectorMoment } from "../envs/env.ts";
import { createMoment, partOfMoment, rowsOf } from "../envs/moment.ts";
import { vectorSize } from "../envs/spaces.ts";
import type { ActInputs, ActOutputs, JointPolicy } from "../policy/joint.ts";
import { Random, type RandomState } from "../random.ts";
import { createRolloutBuffer, type FinalMoment, type RolloutBuffer } from "./buffer.ts";

/** Episodes that ended during a rollout, in the order in which they did; the arrays are used again for the next. */
export interface FinishedEpisodes {
  /** E, how many; only the first E elements of the arrays count. */
  readonly count: number;
  /** Undiscounted sums of the team's rewards. */
  readonly returns: Float64Array;
  /** In steps. */
  readonly lengths: Int32Array;
  /** 1 where the episode ended in a win. */
  readonly wins: Uint8Array;
}

/** What decides how collecting goes on; JSON-able. */
export interface CollectorSnapshot {
  /** Absent where the environment can't tell: then `restore` starts new episodes. */
  readonly env?: unknown;
  readonly noise: RandomState;
  /** By environment, of the episode under way. */
  readonly returns: readonly number[];
  readonly lengths: readonly number[];
  readonly episodeStarts: readonly number[];
  /** By agent: [N, H_i] */
  readonly hidden: readonly (readonly number[])[];
}

export interface Collector {
  /**
   * Takes T steps of every environment. The buffer is the same each time, and holds the new rollout.
   * @param policy must be made for the collector's number of environments; where those come in parts, for a part's
   */
  collect(policy: JointPolicy): Promise<RolloutBuffer>;
  /** Episodes that ended during the last `collect`. */
  readonly episodes: FinishedEpisodes;
  /** Between rollouts only. */
  snapshot(): Promise<CollectorSnapshot>;
  /** Goes back to what `snapshot` returned, for a collector made alike. */
  restore(snapshot: CollectorSnapshot): Promise<void>;
}

export interface CollectorOptions {
  /** Belongs to the collector from now on, but for closing it. */
  readonly env: VectorEnv;
  /** T, steps per rollout */
  readonly length: number;
  /** By agent: H_i of the policies, 0 without a GRU */
  readonly hiddenSizes: readonly number[];
  /** Whether the policies draw a graph in every step. */
  readonly drawsGraph?: boolean;
  /** Where the noise of actions and the environments' seed come from. */
  readonly random: Random;
}

/** Makes a collector, and starts the environments' first episodes. */
export async function createCollector(options: CollectorOptions): Promise<Collector> {
  const { env, length, hiddenSizes, drawsGraph = false, random } = options;
  const { team, numEnvs } = env;
  const buffer = createRolloutBuffer(team, { length, numEnvs, hiddenSizes, drawsGraph });
  const endings = createMoment(team, numEnvs);
  const last = momentAfter(buffer, length - 1, 1, endings);
  // Each part of the environments in each step.
  const parts = env.parts ?? [wholeOf(env)];
  const partSize = numEnvs / parts.length;
  const partEndings = parts.map((_, p) => partOfMoment(endings, p, parts.length));
  const inputs = Array.from({ length: length * parts.length }, (_, k) => actInputs(buffer, k, parts.length));
  const outputs = inputs.map((_, k) => actOutputs(buffer, k, parts.length));
  const moments = inputs.map((_, k) => momentAfter(buffer, k, parts.length, partEndings[k % parts.length]));

  let noise = random.split(0);
  const returns = new Float64Array(numEnvs);
  const lengths = new Int32Array(numEnvs);
  const episodes = {
    count: 0,
    returns: new Float64Array(length * numEnvs),
    lengths: new Int32Array(length * numEnvs),
    wins: new Uint8Array(length * numEnvs),
  };
  /** Every final moment there ever was in one rollout: their memory is used again. */
  const finals: FinalMoment[] = [];
  const carried = [buffer.observations, buffer.states, buffer.actionMasks, buffer.active, buffer.hidden].flat();
  carried.push(buffer.episodeStarts);

  /** The moment after the last rollout is the one before the next. */
  const carryOver = (): void => {
    for (const array of carried) array.copyWithin(0, (array.length / (length + 1)) * length);
  };

  const drawNoise = (t: number): void => {
    for (let i = 0; i < team.agents.length; i++) {
      const size = numEnvs * vectorSize(team.actionSpaces[i]);
      if (team.actionSpaces[i].kind === "discrete") noise.fillGumbel(buffer.noise[i], t * size, (t + 1) * size);
      else noise.fillNormal(buffer.noise[i], t * size, (t + 1) * size);
    }
    if (buffer.graph) {
      const size = buffer.graph.noise.length / length;
      noise.fillGumbel(buffer.graph.noise, t * size, (t + 1) * size);
    }
  };

  const keepFinal = (time: number, e: number): void => {
    const index = buffer.finals.length;
    if (index === finals.length) {
      const observations = team.observationSpaces.map(({ size }) => new Float32Array(size));
      finals.push({ time, env: e, observations, state: new Float32Array(team.stateSpace.size) });
    }
    const final = finals[index];
    final.time = time;
    final.env = e;
    for (let i = 0; i < team.agents.length; i++) copyRow(endings.finalObservations[i], e, final.observations[i]);
    copyRow(endings.finalStates, e, final.state);
    buffer.finals.push(final);
  };

  /** What step t led to in part p. */
  const recordStep = (t: number, p: number): void => {
    const { rewards, terminations, truncations, episodeStarts } = buffer;
    for (let e = p * partSize; e < (p + 1) * partSize; e++) {
      const row = t * numEnvs + e;
      returns[e] += rewards[row];
      lengths[e] += 1;
      const ended = terminations[row] === 1 || truncations[row] === 1;
      episodeStarts[row + numEnvs] = ended ? 1 : 0;
      if (!ended) continue;
      episodes.returns[episodes.count] = returns[e];
      episodes.lengths[episodes.count] = lengths[e];
      episodes.wins[episodes.count] = endings.wins[e];
      episodes.count += 1;
      returns[e] = 0;
      lengths[e] = 0;
      if (truncations[row] === 1) keepFinal(t, e);
    }
  };

  const finishStep = async (t: number, p: number): Promise<void> => {
    await parts[p].finish(moments[t * parts.length + p]);
    recordStep(t, p);
  };

  const beginEpisodes = async (seed: number): Promise<void> => {
    await env.reset(seed, last);
    buffer.episodeStarts.fill(1, length * numEnvs);
    returns.fill(0);
    lengths.fill(0);
  };
  await beginEpisodes(random.split(1).integer(2 ** 31));

  return {
    episodes,
    async collect(policy) {
      if (policy.numEnvs !== partSize)
        throw new RangeError(
          `the policy is made for ${policy.numEnvs} environments, the collector has ` +
            (parts.length > 1 ? `${parts.length} parts of ${partSize}` : numEnvs),
        );
      await policy.refresh();
      carryOver();
      episodes.count = 0;
      buffer.finals.length = 0;
      for (let t = 0; t < length; t++) {
        drawNoise(t);
        for (let p = 0; p < parts.length; p++) {
          if (t > 0) await finishStep(t - 1, p);
          const k = t * parts.length + p;
          await policy.act(inputs[k], outputs[k]);
          parts[p].begin(outputs[k].actions);
        }
      }
      for (let p = 0; p < parts.length; p++) await finishStep(length - 1, p);
      return buffer;
    },
    async snapshot() {
      return {
        env: await env.snapshot(),
        noise: noise.state,
        returns: [...returns],
        lengths: [...lengths],
        episodeStarts: [...buffer.episodeStarts.subarray(length * numEnvs)],
        hidden: hiddenSizes.map((size, i) => [...buffer.hidden[i].subarray(length * numEnvs * size)]),
      };
    },
    async restore(snapshot) {
      noise = Random.fromState(snapshot.noise);
      if (snapshot.env === undefined || snapshot.env === null) {
        await beginEpisodes(noise.integer(2 ** 31));
        return;
      }
      await env.restore(snapshot.env, last);
      returns.set(snapshot.returns);
      lengths.set(snapshot.lengths);
      buffer.episodeStarts.set(snapshot.episodeStarts, length * numEnvs);
      hiddenSizes.forEach((size, i) => {
        buffer.hidden[i].set(snapshot.hidden[i], length * numEnvs * size);
      });
    },
  };
}

/** Copies row `e` of an array of rows. */
function copyRow(from: Float32Array, e: number, into: Float32Array): void {
  for (let k = 0; k < into.length; k++) into[k] = from[e * into.length + k];
}

/** All environments as one part, which is stepped while one waits. */
function wholeOf(env: VectorEnv): VectorEnvPart {
  let taken: readonly Float32Array[] = [];
  return {
    begin(actions) {
      taken = actions;
    },
    finish: (moment) => env.step(taken, moment),
  };
}

// Views of the buffer, made once, so that a step allocates nothing. With P parts of the environments, view k is of step
// ⌊k / P⌋ in part k mod P.

function actInputs(buffer: RolloutBuffer, k: number, parts: number): ActInputs {
  const moment = (array: Float32Array) => rowsOf(array, k, (buffer.length + 1) * parts);
  const step = (array: Float32Array) => rowsOf(array, k, buffer.length * parts);
  return {
    observations: buffer.observations.map(moment),
    actionMasks: buffer.actionMasks.map(moment),
    noise: buffer.noise.map(step),
    hidden: buffer.hidden.map(moment),
    episodeStarts: moment(buffer.episodeStarts),
    graphNoise: buffer.graph && step(buffer.graph.noise),
  };
}

function actOutputs(buffer: RolloutBuffer, k: number, parts: number): ActOutputs {
  const step = (array: Float32Array) => rowsOf(array, k, buffer.length * parts);
  const { graph } = buffer;
  return {
    actions: buffer.actions.map(step),
    logProbs: buffer.logProbs.map(step),
    graph: graph && {
      edges: step(graph.edges),
      predecessors: step(graph.predecessors),
      logProb: step(graph.logProb),
    },
    hidden: buffer.hidden.map((array) => rowsOf(array, k + parts, (buffer.length + 1) * parts)),
  };
}

/** Where an environment writes what a step led to; how episodes ended goes to `endings`, which all steps share. */
function momentAfter(buffer: RolloutBuffer, k: number, parts: number, endings: VectorMoment): VectorMoment {
  const moment = (array: Float32Array) => rowsOf(array, k + parts, (buffer.length + 1) * parts);
  const step = <A extends Float32Array | Uint8Array>(array: A): A => rowsOf(array, k, buffer.length * parts);
  return {
    observations: buffer.observations.map(moment),
    states: moment(buffer.states),
    actionMasks: buffer.actionMasks.map(moment),
    active: moment(buffer.active),
    rewards: step(buffer.rewards),
    terminations: step(buffer.terminations),
    truncations: step(buffer.truncations),
    finalObservations: endings.finalObservations,
    finalStates: endings.finalStates,
    wins: endings.wins,
  };
}
