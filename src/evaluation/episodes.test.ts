/** @file Tests of greedy episodes: how many, which ones count, what the policy is shown. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParallelEnv, VectorEnv } from "../envs/env.ts";
import { box } from "../envs/spaces.ts";
import { vectorize } from "../envs/vectorize.ts";
import type { JointPolicy } from "../policy/joint.ts";
import { Random } from "../random.ts";
import { type EpisodeMoment, evaluatePolicy } from "./episodes.ts";

/** Pays 1 and the action at every step, for one step or for nine, as a coin falls; short episodes are won. */
function coin(): ParallelEnv {
  let random = new Random(0);
  let left = 0;
  let length = 0;
  return {
    agents: ["tosser"],
    hasWins: true,
    stateSpace: box(1),
    observationSpace: () => box(1),
    actionSpace: () => box(1),
    reset({ seed } = {}) {
      if (seed !== undefined) random = new Random(seed);
      left = random.integer(2) === 0 ? 1 : 9;
      length = left;
      return { observations: { tosser: [left] }, infos: {} };
    },
    step({ tosser }) {
      left -= 1;
      const bonus = (tosser as ArrayLike<number>)[0];
      return {
        observations: { tosser: [left] },
        rewards: { tosser: 1 + bonus },
        terminations: { tosser: left === 0 },
        truncations: { tosser: false },
        infos: { tosser: { won: length === 1 } },
      };
    },
    state: () => [left],
  };
}

/** Says how many steps it remembers, times 1/1000; the noise would show. */
const rememberingPolicy = (numEnvs: number): JointPolicy => ({
  team: vectorize([coin()]).team,
  numEnvs,
  order: [0],
  hiddenSizes: [1],
  refresh: async () => {},
  async act({ hidden, episodeStarts, noise }, into) {
    for (let e = 0; e < numEnvs; e++) {
      const remembered = episodeStarts[e] === 1 ? 0 : hidden[0][e];
      into.hidden[0][e] = remembered + 1;
      into.actions[0][e] = remembered / 1000 + noise[0][e];
    }
  },
  async release() {},
});

const coins = (numEnvs: number) => vectorize(Array.from({ length: numEnvs }, coin));

describe("evaluation", () => {
  it("plays exactly as many episodes as asked for, whatever the number of copies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 30 }), async (numEnvs, episodes) => {
        const result = await evaluatePolicy(rememberingPolicy(numEnvs), coins(numEnvs), { episodes, seed: 5 });
        expect(result.returns).toHaveLength(episodes);
        result.lengths.forEach((length, i) => {
          expect([1, 9]).toContain(length);
          expect(result.wins[i]).toBe(length === 1 ? 1 : 0);
          // The memory begins anew with each episode: 0 + 1 + … + (length − 1).
          expect(result.returns[i]).toBeCloseTo(length + (length * (length - 1)) / 2000, 5);
        });
      }),
      { numRuns: 30 },
    );
  });

  it("is not biased towards short episodes", async () => {
    const episodes = 400;
    const { lengths } = await evaluatePolicy(rememberingPolicy(episodes), coins(episodes), { episodes, seed: 1 });
    const short = lengths.filter((length) => length === 1).length;
    // Half of them, within four standard errors; nearly all of the first 400 to finish would be short.
    expect(Math.abs(short / episodes - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / episodes));
  });

  it("tells what the environment counted meanwhile, not what it had counted before, nor noughts", async () => {
    let restarts = 3;
    const plain = coins(2);
    const env: VectorEnv = {
      ...plain,
      async step(actions, moment) {
        restarts += 1;
        await plain.step(actions, moment);
      },
      counters: () => ({ restarts, divergences: 0 }),
    };
    const { counters, lengths } = await evaluatePolicy(rememberingPolicy(2), env, { episodes: 2, seed: 1 });
    expect(counters).toEqual({ restarts: Math.max(...lengths) });
  });

  it("is a function of its seed", async () => {
    const play = (seed: number) => evaluatePolicy(rememberingPolicy(3), coins(3), { episodes: 20, seed });
    expect(await play(1)).toEqual(await play(1));
    expect(await play(1)).not.toEqual(await play(2));
  });

  it("tells of every moment, from each episode's beginning to its end", async () => {
    const told = new Map<number, EpisodeMoment[]>();
    const onMoment = (moment: EpisodeMoment) => told.set(moment.episode, [...(told.get(moment.episode) ?? []), moment]);
    const { returns, lengths } = await evaluatePolicy(rememberingPolicy(3), coins(3), {
      episodes: 8,
      seed: 5,
      onMoment,
    });
    expect([...told.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const [episode, moments] of told) {
      expect(moments.map(({ step }) => step)).toEqual(Array.from({ length: lengths[episode] + 1 }, (_, step) => step));
      expect(moments.map(({ ended }) => ended)).toEqual(moments.map(({ step }) => step === lengths[episode]));
      expect(moments.reduce((sum, { reward }) => sum + reward, 0)).toBeCloseTo(returns[episode]);
      expect(new Set(moments.map(({ copy }) => copy)).size).toBe(1);
    }
  });

  it("draws actions where it is given random numbers, the same from the same", async () => {
    const play = (random?: Random) => evaluatePolicy(rememberingPolicy(3), coins(3), { episodes: 20, seed: 5, random });
    const drawn = await play(new Random(1));
    expect(drawn).toEqual(await play(new Random(1)));
    expect(drawn.returns).not.toEqual((await play()).returns);
  });

  it("draws graphs, too, where the policy does", async () => {
    const drawn: number[] = [];
    const policy: JointPolicy = {
      ...rememberingPolicy(2),
      drawsGraph: true,
      async act(inputs, into) {
        drawn.push(inputs.graphNoise![0]);
        await rememberingPolicy(2).act(inputs, into);
      },
    };
    await evaluatePolicy(policy, coins(2), { episodes: 4, seed: 5 });
    expect(new Set(drawn)).toEqual(new Set([0]));
    drawn.length = 0;
    await evaluatePolicy(policy, coins(2), { episodes: 4, seed: 5, random: new Random(1) });
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it("judges an environment without end by stretches of equal length", async () => {
    const endless = (): ParallelEnv => ({
      ...coin(),
      step: () => ({
        observations: { tosser: [0] },
        rewards: { tosser: 1 },
        terminations: { tosser: false },
        truncations: { tosser: false },
        infos: {},
      }),
    });
    const env = vectorize([endless(), endless()]);
    const settings = { episodes: 5, seed: 0, maxEpisodeSteps: 30 };
    const ends: unknown[] = [];
    const played = await evaluatePolicy(rememberingPolicy(2), env, {
      ...settings,
      onMoment: ({ ended, outcome }) => ended && ends.push(outcome),
    });
    expect([...played.returns]).toEqual([30, 30, 30, 30, 30]);
    expect([...played.lengths]).toEqual([30, 30, 30, 30, 30]);
    expect([...played.wins]).toEqual([0, 0, 0, 0, 0]);
    expect(ends).toEqual(Array(5).fill("cut off"));
  });

  it("refuses a policy for another number of environments", async () => {
    await expect(evaluatePolicy(rememberingPolicy(2), coins(3), { episodes: 1, seed: 0 })).rejects.toThrow(
      "the policy is made for 2 environments, the evaluation has 3",
    );
  });
});
