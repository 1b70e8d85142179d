/** @file Tests of vectorisation: ends of episodes, rewards, masks, who is active, clipping, errors. */

import { describe, expect, it } from "vitest";
import type { Action, ByAgent, ParallelEnv, StepResult, VectorMoment } from "./env.ts";
import { createMoment } from "./moment.ts";
import { box, discrete } from "./spaces.ts";
import { vectorize } from "./vectorize.ts";

/** One scripted step: by agent that takes it. */
interface Scripted {
  readonly rewards: ByAgent<number>;
  readonly terminated?: readonly string[];
  readonly truncated?: readonly string[];
  readonly activeAfter?: readonly string[];
  readonly won?: boolean;
}

/** Plays a script, one entry per step, and starts it again at a reset; observes the step's number. */
function scripted(
  script: readonly Scripted[],
  observe = (time: number) => time,
): ParallelEnv & { seen: ByAgent<Action>[] } {
  let time = 0;
  let active: readonly string[] = ["a", "b"];
  const seen: ByAgent<Action>[] = [];
  const both = () => ({ a: [observe(time)], b: [observe(time), 10 * observe(time)] });
  return {
    seen,
    agents: ["a", "b"],
    get activeAgents() {
      return active;
    },
    hasWins: true,
    observationSpace: (agent) => box(agent === "a" ? 1 : 2),
    actionSpace: (agent) => (agent === "a" ? discrete(2) : box(1, -1, 2)),
    actionMask: (agent) => (agent === "a" ? [1, time % 2] : undefined),
    stateSpace: box(1),
    reset() {
      time = 0;
      active = ["a", "b"];
      return { observations: both(), infos: {} };
    },
    step(actions): StepResult {
      seen.push(structuredClone(actions));
      const { rewards, terminated = [], truncated = [], activeAfter, won } = script[time];
      time += 1;
      if (activeAfter) active = activeAfter;
      const by = <T>(value: (agent: string) => T) =>
        Object.fromEntries(Object.keys(rewards).map((agent) => [agent, value(agent)]));
      return {
        observations: both(),
        rewards,
        terminations: by((agent) => terminated.includes(agent)),
        truncations: by((agent) => truncated.includes(agent)),
        infos: { a: { won } },
      };
    },
    state: () => [100 + observe(time)],
  };
}

/** Steps once with these actions: a's choice, b's number. */
function stepWith(env: ReturnType<typeof vectorize>, moment: VectorMoment, choice: number, number: number): void {
  env.step([Float32Array.of(choice === 0 ? 1 : 0, choice), Float32Array.of(number)], moment);
}

const begin = (script: readonly Scripted[], observe?: (time: number) => number) => {
  const copy = scripted(script, observe);
  const env = vectorize([copy]);
  const moment = createMoment(env.team, 1);
  env.reset(0, moment);
  return { copy, env, moment };
};

describe("a step", () => {
  const { copy, env, moment } = begin([
    { rewards: { a: 1, b: 3 } },
    { rewards: { a: 4, b: 0 }, terminated: ["b"] },
    { rewards: { a: 5 }, terminated: ["a"], won: true },
  ]);

  it("refuses wins of an environment that says it has none", () => {
    const made = scripted([{ rewards: { a: 5, b: 5 }, terminated: ["a", "b"], won: true }]);
    const bare = vectorize([{ ...made, hasWins: false }]);
    const seen = createMoment(bare.team, 1);
    bare.reset(0, seen);
    expect(() => bare.step([Float32Array.of(1, 0), Float32Array.of(0)], seen)).toThrow(
      "environment 0: infos tell of a win (won: true), but hasWins is not true",
    );
  });

  it("shows the first moment after a reset", () => {
    expect([...moment.observations[1]]).toEqual([0, 0]);
    expect([...moment.actionMasks[0]]).toEqual([1, 0]);
    expect([...moment.active]).toEqual([1, 1]);
    expect(moment.states[0]).toBe(100);
  });

  it("hands choices and clipped numbers over, and gives the mean of the rewards", () => {
    stepWith(env, moment, 1, 7);
    expect(copy.seen.at(-1)).toEqual({ a: 1, b: Float32Array.of(2) });
    expect(moment.rewards[0]).toBe(2);
    expect([...moment.observations[1]]).toEqual([1, 10]);
    expect([...moment.actionMasks[0]]).toEqual([1, 1]);
  });

  it("goes on while one agent does, without asking the other", () => {
    stepWith(env, moment, 0, -7);
    expect([moment.terminations[0], moment.truncations[0]]).toEqual([0, 0]);
    expect([...moment.active]).toEqual([1, 0]);
  });

  it("that ends the episode shows how it ended, and the next one's beginning", () => {
    stepWith(env, moment, 0, 0);
    expect(copy.seen.at(-1)).toEqual({ a: 0 });
    expect([moment.rewards[0], moment.terminations[0], moment.truncations[0], moment.wins[0]]).toEqual([5, 1, 0, 1]);
    // b's episode had ended before.
    expect([...moment.finalObservations.flatMap((seen) => [...seen]), ...moment.finalStates]).toEqual([3, 0, 0, 103]);
    expect([...moment.observations[1], ...moment.states]).toEqual([0, 0, 100]);
    expect([...moment.active]).toEqual([1, 1]);
  });
});

describe("an episode", () => {
  it("that is cut off for any agent at its last step is truncated", () => {
    const { env, moment } = begin([{ rewards: { a: 0, b: 0 }, terminated: ["a"], truncated: ["b"] }]);
    stepWith(env, moment, 0, 0);
    expect([moment.terminations[0], moment.truncations[0]]).toEqual([0, 1]);
  });

  it("that ends by itself at its last allowed step is terminated: nothing of value comes after", () => {
    const { env, moment } = begin([{ rewards: { a: 0, b: 0 }, terminated: ["a", "b"], truncated: ["a", "b"] }]);
    stepWith(env, moment, 0, 0);
    expect([moment.terminations[0], moment.truncations[0]]).toEqual([1, 0]);
  });

  it("ends when nobody is active any more", () => {
    const { env, moment } = begin([{ rewards: { a: 0, b: 0 }, activeAfter: [] }]);
    stepWith(env, moment, 0, 0);
    expect([moment.terminations[0], moment.truncations[0]]).toEqual([1, 0]);
    expect([...moment.active]).toEqual([1, 1]);
  });

  it("ends when those that are active have ended, and the others have left without a word", () => {
    const { env, moment } = begin([
      { rewards: { a: 0, b: 0 }, activeAfter: ["b"] },
      { rewards: { b: 0 }, terminated: ["b"] },
    ]);
    stepWith(env, moment, 0, 0);
    expect([...moment.terminations]).toEqual([0]);
    stepWith(env, moment, 0, 0);
    expect([...moment.terminations]).toEqual([1]);
  });

  it("is not concerned with what is still told of an agent that has left: rewards, a truncation, what it would see", () => {
    const { env, moment } = begin([
      { rewards: { a: 0, b: 0 }, truncated: ["a"] },
      { rewards: { a: 0, b: 1 }, truncated: ["a"] },
      { rewards: { a: 0, b: 1 }, truncated: ["a"], terminated: ["b"] },
    ]);
    for (let t = 0; t < 3; t++) {
      if (t > 0) expect([...moment.observations[0], ...moment.observations[1]]).toEqual([0, t, 10 * t]);
      stepWith(env, moment, 0, 0);
      expect([...moment.rewards]).toEqual([t === 0 ? 0 : 1]);
    }
    expect([...moment.terminations, ...moment.truncations]).toEqual([1, 0]);
  });

  it("goes on while an agent sleeps", () => {
    const { copy, env, moment } = begin([
      { rewards: { a: 0, b: 0 }, activeAfter: ["b"] },
      { rewards: { b: 6 }, activeAfter: ["a", "b"] },
      { rewards: { a: 0, b: 0 } },
    ]);
    stepWith(env, moment, 0, 0);
    expect([...moment.active]).toEqual([0, 1]);
    expect([...moment.actionMasks[0]]).toEqual([1, 1]);
    stepWith(env, moment, 0, 0.5);
    expect(copy.seen.at(-1)).toEqual({ b: Float32Array.of(0.5) });
    expect(moment.rewards[0]).toBe(6);
    expect([...moment.active]).toEqual([1, 1]);
  });
});

describe("errors", () => {
  it("name the copy, and what is not a number", () => {
    const { env, moment } = begin([{ rewards: { a: 0, b: 0 } }], (time) => (time === 1 ? Number.NaN : 0));
    expect(() => stepWith(env, moment, 0, 0)).toThrow("environment 0: observation of a[0] is NaN");
    const blind = scripted([{ rewards: { a: 0, b: 0 } }]);
    const seeing = {
      ...blind,
      step: (actions: ByAgent<Action>) => ({ ...blind.step(actions), observations: { a: [1] } }),
    };
    const partly = vectorize([seeing]);
    const shown = createMoment(partly.team, 1);
    partly.reset(0, shown);
    expect(() => stepWith(partly, shown, 0, 0)).toThrow("environment 0: observation of b is missing; it is to act");
    const bound = vectorize([{ ...blind, actionMask: (agent: string) => (agent === "a" ? [0, 0] : undefined) }]);
    expect(() => bound.reset(0, shown)).toThrow("environment 0: action mask of a allows nothing");
    const other = begin([{ rewards: { a: Number.POSITIVE_INFINITY, b: 0 } }]);
    expect(() => stepWith(other.env, other.moment, 0, 0)).toThrow("environment 0: reward of a is Infinity");
  });
});

it("its snapshot holds what was observed, whatever became of the moment that it was written to", () => {
  const copy = { ...scripted([{ rewards: { a: 0, b: 0 } }]), snapshot: () => 1, restore: () => {} };
  const env = vectorize([copy]);
  const [moment, later] = [createMoment(env.team, 1), createMoment(env.team, 1)];
  env.reset(0, moment);
  stepWith(env, moment, 0, 0);
  moment.observations[1].fill(-7);
  env.restore(env.snapshot(), later);
  expect([...later.observations[1]]).toEqual([1, 10]);
});

it("has no snapshot where the environment has none", () => {
  expect(begin([]).env.snapshot()).toBeUndefined();
});
