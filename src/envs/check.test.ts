/** @file Tests of the checker: it passes what keeps to the interface, and names what does not. */

import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { checkParallelEnv } from "./check.ts";
import type { ParallelEnv, StepResult } from "./env.ts";
import { box, discrete } from "./spaces.ts";

/** Two agents that draw numbers; b leaves after the second step, the episode ends after the third. */
function drawing(): ParallelEnv & { activeAgents: string[] } {
  let random = new Random(0);
  let time = 0;
  let active = ["a", "b"];
  const observe = () => Object.fromEntries(active.map((agent) => [agent, [random.uniform(), time]]));
  return {
    agents: ["a", "b"],
    get activeAgents() {
      return active;
    },
    observationSpace: () => box(2, [0, 0], [1, 3]),
    actionSpace: (agent) => (agent === "a" ? discrete(3) : box(2, -1, 1)),
    actionMask: (agent) => (agent === "a" ? [1, 0, 1] : undefined),
    stateSpace: box(1, 0, 3),
    reset({ seed } = {}) {
      if (seed !== undefined) random = new Random(seed);
      time = 0;
      active = ["a", "b"];
      return { observations: observe(), infos: {} };
    },
    step(actions) {
      time += 1;
      const acted = active;
      if (actions.a === 1) throw new Error("choice 1 was forbidden");
      const by = <T>(value: (agent: string) => T) => Object.fromEntries(acted.map((agent) => [agent, value(agent)]));
      const result = {
        observations: observe(),
        rewards: by(() => random.normal()),
        terminations: by((agent) => time === (agent === "b" ? 2 : 3)),
        truncations: by(() => false),
        infos: by(() => ({})),
      };
      active = time >= 2 ? ["a"] : active;
      return result;
    },
    state: () => [time],
    snapshot: () => ({ random: random.state, time, active }),
    restore(snapshot) {
      const saved = snapshot as { random: Random["state"]; time: number; active: string[] };
      random = Random.fromState(saved.random);
      time = saved.time;
      active = saved.active;
    },
  };
}

/** `drawing` with one thing wrong. */
const broken = (wrong: (env: ReturnType<typeof drawing>) => Partial<ParallelEnv>): ParallelEnv => {
  const env = drawing();
  return Object.defineProperties(env, Object.getOwnPropertyDescriptors(wrong({ ...env, step: env.step.bind(env) })));
};

const brokenStep = (wrong: (result: StepResult) => Partial<StepResult>): ParallelEnv =>
  broken(({ step }) => ({
    step(actions) {
      const result = step(actions);
      return { ...result, ...wrong(result) };
    },
  }));

describe("checkParallelEnv", () => {
  it("passes an environment with everything in it", () => {
    checkParallelEnv(drawing());
  });

  it.each<[string, ParallelEnv]>([
    ['agents is ["a","a"], names must differ', broken(() => ({ agents: ["a", "a"] }))],
    ["stateSpace is undefined, must be a box", broken(() => ({ stateSpace: undefined as never }))],
    ["after reset(): state() has 2 elements, its space has 1", broken(() => ({ state: () => [1, 2] }))],
    ["after reset(): state()[0] is 4, its space has 0 to 3", broken(() => ({ state: () => [4] }))],
    [
      'actionMask("a") allows nothing',
      broken(() => ({ actionMask: (agent) => (agent === "a" ? [0, 0, 0] : undefined) })),
    ],
    ['actionMask("a") has 2 elements, its space has 3', broken(() => ({ actionMask: () => [1, 1] }))],
    ["step() returned no infos, must be values by agent", brokenStep(() => ({ infos: undefined as never }))],
    ["step() returned no rewards, must be values by agent", brokenStep(() => ({ rewards: null as never }))],
    [
      "reward of b is NaN, must be a finite number",
      brokenStep(({ rewards }) => ({ rewards: { ...rewards, b: Number.NaN } })),
    ],
    ["reward of a is undefined, must be a finite number", brokenStep(() => ({ rewards: {} }))],
    ["terminations.a is 0, must be a boolean", brokenStep(() => ({ terminations: { a: 0, b: 0 } as never }))],
    [
      "after step(): observation of a[1] is NaN, must be a finite number",
      brokenStep(({ observations }) => ({ observations: { ...observations, a: [0, Number.NaN] } })),
    ],
    [
      "reset({ seed: 0 }), twice, and the same actions: differs at step 0",
      broken(({ reset }) => ({ reset: () => reset() })),
    ],
    [
      "restore(snapshot()), and the same actions: differs at step 0",
      broken(({ restore, snapshot }) => ({
        restore: (saved) => restore!({ ...(saved as object), random: new Random(9).state }),
        snapshot: () => snapshot!(),
      })),
    ],
    ["snapshot and restore must both be there, or neither", broken(() => ({ restore: undefined as never }))],
  ])("says: %s", (message, env) => {
    expect(() => checkParallelEnv(env)).toThrow(message);
  });
});
