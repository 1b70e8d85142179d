/** @file The collector: steps environments with a policy, and writes down what happens. */

import type { VectorEnv, VectorMoment } from "../envs/env.ts";
import { createMoment } from "../envs/moment.ts";
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
   * @param policy must be made for the collector's number of environments
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
  const inputs = Array.from({ length }, (_, t) => actInputs(buffer, t));
  const outputs = Array.from({ length }, (_, t) => actOutputs(buffer, t));
  const endings = createMoment(team, numEnvs);
  const moments = Array.from({ length }, (_, t) => momentAfter(buffer, t, endings));
  const last = moments[length - 1];

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

  const recordStep = (t: number): void => {
    const { rewards, terminations, truncations, episodeStarts } = buffer;
    for (let e = 0; e < numEnvs; e++) {
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
      if (policy.numEnvs !== numEnvs)
        throw new RangeError(`the policy is made for ${policy.numEnvs} environments, the collector has ${numEnvs}`);
      await policy.refresh();
      carryOver();
      episodes.count = 0;
      buffer.finals.length = 0;
      for (let t = 0; t < length; t++) {
        drawNoise(t);
        await policy.act(inputs[t], outputs[t]);
        await env.step(outputs[t].actions, moments[t]);
        recordStep(t);
      }
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

// Views of the buffer, made once, so that a step allocates nothing.

/** Row t of T (+ 1) rows. */
const rowOf = <A extends Float32Array | Uint8Array>(array: A, t: number, rows: number): A =>
  array.subarray((array.length / rows) * t, (array.length / rows) * (t + 1)) as A;

function actInputs(buffer: RolloutBuffer, t: number): ActInputs {
  const moment = (array: Float32Array) => rowOf(array, t, buffer.length + 1);
  return {
    observations: buffer.observations.map(moment),
    actionMasks: buffer.actionMasks.map(moment),
    noise: buffer.noise.map((array) => rowOf(array, t, buffer.length)),
    hidden: buffer.hidden.map(moment),
    episodeStarts: moment(buffer.episodeStarts),
    graphNoise: buffer.graph && rowOf(buffer.graph.noise, t, buffer.length),
  };
}

function actOutputs(buffer: RolloutBuffer, t: number): ActOutputs {
  const step = (array: Float32Array) => rowOf(array, t, buffer.length);
  const { graph } = buffer;
  return {
    actions: buffer.actions.map(step),
    logProbs: buffer.logProbs.map(step),
    graph: graph && {
      edges: step(graph.edges),
      predecessors: step(graph.predecessors),
      logProb: step(graph.logProb),
    },
    hidden: buffer.hidden.map((array) => rowOf(array, t + 1, buffer.length + 1)),
  };
}

/** Where an environment writes what step t led to; how episodes ended goes to `endings`, which all steps share. */
function momentAfter(buffer: RolloutBuffer, t: number, endings: VectorMoment): VectorMoment {
  const moment = (array: Float32Array) => rowOf(array, t + 1, buffer.length + 1);
  return {
    observations: buffer.observations.map(moment),
    states: moment(buffer.states),
    actionMasks: buffer.actionMasks.map(moment),
    active: moment(buffer.active),
    rewards: rowOf(buffer.rewards, t, buffer.length),
    terminations: rowOf(buffer.terminations, t, buffer.length),
    truncations: rowOf(buffer.truncations, t, buffer.length),
    finalObservations: endings.finalObservations,
    finalStates: endings.finalStates,
    wins: endings.wins,
  };
}
