/** @file A team that each algorithm can learn to run, for tests: two rooms to heat, each with one number to go by. */

import type { ParallelEnv } from "../../envs/env.ts";
import { box } from "../../envs/spaces.ts";
import { Random } from "../../random.ts";

/** Each agent observes how cold it is, from 0 to 1, and should heat by 10 to 30, in proportion; one step an episode. */
export default function thermostats(): ParallelEnv {
  const agents = ["hall", "attic"];
  let random = new Random(0);
  let cold = [0, 0];
  const byAgent = <T>(value: (i: number) => T) => Object.fromEntries(agents.map((agent, i) => [agent, value(i)]));
  const observations = () => byAgent((i) => [cold[i]]);
  return {
    agents,
    observationSpace: () => box(1, 0, 1),
    actionSpace: () => box(1, 10, 30),
    stateSpace: box(2, 0, 1),
    reset({ seed } = {}) {
      if (seed !== undefined) random = new Random(seed);
      cold = agents.map(() => random.uniform());
      return { observations: observations(), infos: {} };
    },
    step(actions) {
      const misses = agents.map((agent, i) => ((actions[agent] as Float32Array)[0] - 10) / 20 - cold[i]);
      return {
        observations: observations(),
        rewards: byAgent(() => -misses.reduce((sum, miss) => sum + miss ** 2, 0)),
        terminations: byAgent(() => true),
        truncations: byAgent(() => false),
        infos: {},
      };
    },
    state: () => cold,
  };
}
