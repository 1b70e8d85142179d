/** @file Tests of the collector: what the buffer says happened did happen, and a snapshot goes on exactly. */

import { describe, expect, it } from "vitest";
import type { ParallelEnv, VectorEnv } from "../envs/env.ts";
import { box, discrete, vectorSize } from "../envs/spaces.ts";
import { argmax, vectorize } from "../envs/vectorize.ts";
import type { JointPolicy } from "../policy/joint.ts";
import { Random } from "../random.ts";
import type { RolloutBuffer } from "./buffer.ts";
import { type Collector, type CollectorSnapshot, createCollector } from "./collector.ts";

/**
 * Two agents, one with choices and one with a continuous action, on a walk whose position both observe; an episode ends
 * at a wall (terminated) or after five steps (truncated). Choice 2 is forbidden on odd steps; the second agent sleeps
 * on them.
 */
function walk(canSnapshot = true): ParallelEnv {
  let random = new Random(0);
  let position = 0;
  let time = 0;
  const observe = () => ({ chooser: [position, time], mover: [position] });
  return {
    agents: ["chooser", "mover"],
    get activeAgents() {
      return time % 2 === 0 ? ["chooser", "mover"] : ["chooser"];
    },
    hasWins: true,
    stateSpace: box(2),
    observationSpace: (agent) => box(agent === "chooser" ? 2 : 1),
    actionSpace: (agent) => (agent === "chooser" ? discrete(3) : box(1, -0.5, 0.5)),
    actionMask: (agent) => (agent === "chooser" ? [1, 1, time % 2 === 0 ? 1 : 0] : undefined),
    reset({ seed } = {}) {
      if (seed !== undefined) random = new Random(seed);
      position = random.uniform();
      time = 0;
      return { observations: observe(), infos: {} };
    },
    step({ chooser, mover }) {
      position += (chooser as number) - 1 + (mover ? (mover as ArrayLike<number>)[0] : 0) + 0.1 * random.normal();
      time += 1;
      const terminated = Math.abs(position) > 2;
      const both = <T>(value: T) => ({ chooser: value, mover: value });
      return {
        observations: observe(),
        rewards: { chooser: position, mover: 3 * position },
        terminations: both(terminated),
        truncations: both(!terminated && time === 5),
        infos: both({ won: position > 2 }),
      };
    },
    state: () => [position, time],
    ...(canSnapshot && {
      snapshot: () => ({ random: random.state, position, time }),
      restore(snapshot: unknown) {
        const saved = snapshot as { random: Random["state"]; position: number; time: number };
        random = Random.fromState(saved.random);
        position = saved.position;
        time = saved.time;
      },
    }),
  };
}

const walks = (numEnvs: number, canSnapshot = true): VectorEnv =>
  vectorize(Array.from({ length: numEnvs }, () => walk(canSnapshot)));

const HIDDEN = 2;

/** A policy with a memory: it counts the steps of the episode, and adds noise to what it observes. */
function countingPolicy({ team, numEnvs }: VectorEnv): JointPolicy {
  return {
    team,
    numEnvs,
    order: [0, 1],
    hiddenSizes: [HIDDEN, 0],
    refresh: async () => {},
    async act({ observations, actionMasks, noise, hidden, episodeStarts }, into) {
      for (let e = 0; e < numEnvs; e++) {
        for (let k = 0; k < HIDDEN; k++)
          into.hidden[0][e * HIDDEN + k] = (episodeStarts[e] === 1 ? 0 : hidden[0][e * HIDDEN + k]) + k + 1;
        const scores = [0, 1, 2].map((a) => (actionMasks[0][e * 3 + a] === 1 ? noise[0][e * 3 + a] : -1e9));
        for (let a = 0; a < 3; a++) into.actions[0][e * 3 + a] = a === argmax(scores, 0, 3) ? 1 : 0;
        into.actions[1][e] = 0.1 * observations[1][e] + noise[1][e];
        into.logProbs[0][e] = scores[0];
        into.logProbs[1][e] = noise[1][e];
      }
    },
    async release() {},
  };
}

const make = (env: VectorEnv, length: number, seed = 3): Promise<Collector> =>
  createCollector({ env, length, hiddenSizes: [HIDDEN, 0], random: new Random(seed) });

/** A buffer's numbers, in memory of their own. */
const copyOf = (buffer: RolloutBuffer): RolloutBuffer => structuredClone(buffer);

const arraysOf = ({ team: _, length: __, numEnvs: ___, finals: ____, ...arrays }: RolloutBuffer) =>
  Object.entries(arrays).flatMap(([name, value]) => [value].flat().map((array, i) => [`${name}.${i}`, array] as const));

describe("a rollout", () => {
  const numEnvs = 3;
  const length = 40;

  it("is what the environments did, one by one, under the actions in the buffer", async () => {
    const env = walks(numEnvs);
    const collector = await make(env, length);
    const buffer = await collector.collect(countingPolicy(env));
    const seed = new Random(3).split(1).integer(2 ** 31);
    const expected = { returns: [] as number[], lengths: [] as number[], wins: [] as number[], ends: [] as number[] };
    let finals = 0;
    for (let e = 0; e < numEnvs; e++) {
      const alone = walk();
      let { observations } = alone.reset({ seed: new Random(seed).split(e).integer(2 ** 31) });
      let [start, total, steps] = [1, 0, 0];
      for (let t = 0; t <= length; t++) {
        const row = t * numEnvs + e;
        const at = (array: Float32Array, size: number) => [...array.subarray(row * size, (row + 1) * size)];
        expect(at(buffer.observations[0], 2)).toEqual([...Float32Array.from(observations.chooser)]);
        expect(at(buffer.observations[1], 1)).toEqual([...Float32Array.from(observations.mover)]);
        expect(at(buffer.states, 2)).toEqual([...Float32Array.from(alone.state())]);
        expect(at(buffer.actionMasks[0], 3)).toEqual(alone.actionMask!("chooser"));
        expect(at(buffer.active, 2)).toEqual([1, alone.activeAgents!.length - 1]);
        expect(buffer.episodeStarts[row]).toBe(start);
        if (t === length) break;
        if (start === 0) expect(at(buffer.hidden[0], HIDDEN)).toEqual([steps, 2 * steps]);
        const awake = alone.activeAgents!.includes("mover");
        const clipped = Float32Array.of(Math.min(Math.max(buffer.actions[1][row], -0.5), 0.5));
        const result = alone.step({
          chooser: argmax(buffer.actions[0], row * 3, 3),
          ...(awake && { mover: clipped }),
        });
        const reward = Math.fround((result.rewards.chooser + result.rewards.mover) / 2);
        expect(buffer.rewards[row]).toBe(reward);
        expect(buffer.terminations[row]).toBe(Number(result.terminations.chooser));
        expect(buffer.truncations[row]).toBe(Number(result.truncations.chooser));
        total += reward;
        steps += 1;
        start = 0;
        observations = result.observations;
        if (!result.terminations.chooser && !result.truncations.chooser) continue;
        if (result.truncations.chooser) {
          finals += 1;
          const final = buffer.finals.find((moment) => moment.time === t && moment.env === e)!;
          expect([...final.observations[0]]).toEqual([...Float32Array.from(observations.chooser)]);
          expect([...final.state]).toEqual([...Float32Array.from(alone.state())]);
        }
        expected.returns.push(total);
        expected.lengths.push(steps);
        expected.wins.push(Number(result.infos.chooser.won));
        [start, total, steps] = [1, 0, 0];
        observations = alone.reset().observations;
      }
    }
    expect(finals).toBeGreaterThan(3);
    expect(buffer.finals).toHaveLength(finals);
    const order = buffer.finals.map(({ time, env: e }) => time * numEnvs + e);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const { episodes } = collector;
    const sorted = (values: ArrayLike<number>, count: number) => Array.from(values).slice(0, count).sort();
    expect(episodes.count).toBe(expected.returns.length);
    expect(new Set(expected.wins).size).toBe(2);
    for (const field of ["returns", "lengths", "wins"] as const)
      expect(sorted(episodes[field], episodes.count)).toEqual(sorted(expected[field], episodes.count));
  });

  it("does not depend on where rollouts are cut", async () => {
    const [env, other] = [walks(numEnvs), walks(numEnvs)];
    const long = await (await make(env, 12)).collect(countingPolicy(env));
    const collector = await make(other, 4);
    for (let part = 0; part < 3; part++) {
      const short = await collector.collect(countingPolicy(other));
      const rows = 4 * numEnvs;
      expect(short.rewards).toEqual(long.rewards.subarray(part * rows, (part + 1) * rows));
      expect(short.episodeStarts.subarray(0, rows)).toEqual(
        long.episodeStarts.subarray(part * rows, (part + 1) * rows),
      );
      short.team.actionSpaces.forEach((space, i) => {
        const size = vectorSize(space);
        const cut = (array: Float32Array) => array.subarray(part * rows * size, (part + 1) * rows * size);
        expect(short.actions[i]).toEqual(cut(long.actions[i]));
        expect(short.noise[i]).toEqual(cut(long.noise[i]));
      });
    }
  });

  it("uses the same memory each time", async () => {
    const env = walks(numEnvs);
    const policy = countingPolicy(env);
    const seen: unknown[] = [];
    const watched: VectorEnv = {
      ...env,
      step(actions, moment) {
        seen.push(actions, moment);
        return env.step(actions, moment);
      },
    };
    const watching: JointPolicy = {
      ...policy,
      act(inputs, into) {
        seen.push(inputs, into);
        return policy.act(inputs, into);
      },
    };
    const collector = await make(watched, length);
    const buffer = await collector.collect(watching);
    const first = seen.splice(0);
    expect(await collector.collect(watching)).toBe(buffer);
    expect(seen).toHaveLength(4 * length);
    seen.forEach((object, i) => {
      expect(object).toBe(first[i]);
    });
  });

  it("refuses a policy for another number of environments", async () => {
    const collector = await make(walks(2), 4);
    await expect(collector.collect(countingPolicy(walks(3)))).rejects.toThrow(
      "the policy is made for 3 environments, the collector has 2",
    );
  });
});

describe("a snapshot", () => {
  it("goes on exactly, in another collector, after a way through JSON", async () => {
    const env = walks(2);
    const collector = await make(env, 7);
    await collector.collect(countingPolicy(env));
    const saved = JSON.parse(JSON.stringify(await collector.snapshot())) as CollectorSnapshot;
    const expected = copyOf(await collector.collect(countingPolicy(env)));
    const returns = [...collector.episodes.returns];

    const otherEnv = walks(2);
    const other = await make(otherEnv, 7, 99);
    await other.collect(countingPolicy(otherEnv));
    await other.restore(saved);
    const buffer = await other.collect(countingPolicy(otherEnv));
    expect(arraysOf(copyOf(buffer))).toEqual(arraysOf(expected));
    expect(buffer.finals).toEqual(expected.finals);
    expect([...other.episodes.returns].slice(0, other.episodes.count)).toEqual(returns.slice(0, other.episodes.count));
  });

  it("taken before the first rollout goes on too", async () => {
    const env = walks(2);
    const collector = await make(env, 4);
    const saved = await collector.snapshot();
    const expected = copyOf(await collector.collect(countingPolicy(env)));
    await collector.restore(saved);
    expect(arraysOf(copyOf(await collector.collect(countingPolicy(env))))).toEqual(arraysOf(expected));
  });

  it("of environments that can't tell starts new episodes, with the same numbers each time", async () => {
    const resumed = async () => {
      const env = walks(2, false);
      const collector = await make(env, 4);
      await collector.collect(countingPolicy(env));
      await collector.restore(JSON.parse(JSON.stringify(await collector.snapshot())));
      return copyOf(await collector.collect(countingPolicy(env)));
    };
    const buffer = await resumed();
    expect([...buffer.episodeStarts.subarray(0, 2)]).toEqual([1, 1]);
    expect(arraysOf(await resumed())).toEqual(arraysOf(buffer));
  });
});
