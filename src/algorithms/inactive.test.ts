/** @file Tests of agents that are not active: nothing is learnt from what they are said to have seen or done. */

import { expect, test } from "vitest";
import { box, discrete, vectorSize } from "../envs/spaces.ts";
import { Random } from "../random.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import { collectorFor, learnerOptions, randomEnv, teamOf } from "./fixture.ts";
import { algorithms } from "./registry.ts";

const team = teamOf({
  actionSpaces: [discrete(3), box(2), discrete(4)],
  hasActionMasks: true,
  hasInactiveAgents: true,
});
const numEnvs = 4;

/** Puts other numbers wherever an agent is not active, but for its actions: those that act later see them. */
function tamper(buffer: RolloutBuffer, withObservations: boolean): RolloutBuffer {
  const other = structuredClone(buffer);
  const random = new Random(23);
  const n = team.agents.length;
  for (let row = 0; row < buffer.length * numEnvs; row++) {
    for (let i = 0; i < n; i++) {
      if (buffer.active[row * n + i] === 1) continue;
      const change = (array: Float32Array, size: number, value: () => number): void => {
        for (let k = row * size; k < (row + 1) * size; k++) array[k] = value();
      };
      const size = vectorSize(team.actionSpaces[i]);
      if (withObservations) change(other.observations[i], 3, () => 5 * random.normal());
      change(other.noise[i], size, () => 3 * random.normal());
      change(other.logProbs[i], 1, () => -5 * random.uniform());
      if (team.actionSpaces[i].kind === "discrete") change(other.actionMasks[i], size, () => 1);
    }
  }
  return other;
}

test.each([
  ["bppo", {}, true],
  ["bppo", { settings: { schedule: "simultaneous" } }, true],
  ["bppo", { settings: { schedule: "simultaneous", chain: "full", minibatches: 2 } }, true],
  // What an agent sees stays in its memory, also while it is not active.
  ["bppo", { policy: { recurrent: true } }, false],
  ["bpta", {}, true],
  ["ar-mappo", {}, true],
  ["mappo", {}, true],
  // What comes after an agent's last step is estimated from what it sees then.
  ["ippo", {}, false],
] as const)(
  "%s learns the same whatever inactive agents saw and drew (%#)",
  async (name, options, withObservations) => {
    const outcomes = [];
    for (const change of [
      (buffer: RolloutBuffer) => buffer,
      (buffer: RolloutBuffer) => tamper(buffer, withObservations),
    ]) {
      const full = learnerOptions(team, { ...options, numEnvs });
      const settings = {
        ...options,
        settings: { entropyCoef: 0.1, epochs: 2, ...(options as { settings?: object }).settings },
      };
      const learner = await algorithms.get(name)!.create(learnerOptions(team, { ...settings, numEnvs }));
      const collector = await collectorFor(randomEnv(team, numEnvs, 1), learner, full.rolloutLength);
      const buffer = await collector.collect(learner.policy);
      expect(buffer.active).toContain(0);
      const metrics = await learner.update(change(buffer), { step: 0, totalSteps: 1 });
      outcomes.push({ metrics, state: [...learner.state].map(([key, values]) => [key, [...values]] as const) });
      await learner.release();
    }
    expect(outcomes[1].metrics).toEqual(outcomes[0].metrics);
    expect(outcomes[1].state).toEqual(outcomes[0].state);
  },
);

test("a choice that is not allowed is never taken, whoever acts", async () => {
  for (const name of ["bppo", "mappo"]) {
    const options = learnerOptions(team, { numEnvs, length: 60 });
    const learner = await algorithms.get(name)!.create(options);
    const collector = await collectorFor(randomEnv(team, numEnvs, 5), learner, options.rolloutLength);
    for (let i = 0; i < 3; i++) {
      const buffer = await collector.collect(learner.policy);
      for (const agent of [0, 2]) {
        const [mask, actions] = [buffer.actionMasks[agent], buffer.actions[agent]];
        expect(mask.subarray(0, actions.length)).toContain(0);
        expect(actions.reduce((sum, taken, k) => sum + taken * mask[k], 0)).toBe(buffer.length * numEnvs);
        expect(actions.reduce((sum, taken) => sum + taken, 0)).toBe(buffer.length * numEnvs);
      }
      await learner.update(buffer, { step: i, totalSteps: 3 });
    }
    await learner.release();
  }
});
