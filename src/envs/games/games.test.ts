/** @file Tests of the games: payoffs of the literature, the two forms agree, user tensors are checked. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../random.ts";
import { checkParallelEnv } from "../check.ts";
import type { Action, VectorEnv } from "../env.ts";
import { createMoment } from "../moment.ts";
import { makeEnv, makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";
import { vectorize } from "../vectorize.ts";

const payoff = async (id: string, actions: readonly Action[], options = {}): Promise<number> => {
  const env = await makeEnv(id, options);
  env.reset();
  return env.step(Object.fromEntries(env.agents.map((agent, i) => [agent, actions[i]]))).rewards.agent_0;
};

const table = async (id: string, options = {}): Promise<number[][]> =>
  Promise.all([0, 1, 2].map((a) => Promise.all([0, 1, 2].map((b) => payoff(id, [a, b], options)))));

const gameOptions = {
  climbing: {},
  penalty: { k: -30 },
  permutation: { agents: 3 },
  matrix: {
    payoffs: [
      [[1], [2]],
      [[-1], [0.5]],
      [[0], [1]],
    ],
  },
  quadratic: { targets: [0.5, -1, 2], coupling: 0.5 },
};

describe("payoffs", () => {
  it("climbing and penalty are the games of Claus & Boutilier 1998", async () => {
    expect(await table("climbing")).toEqual([
      [11, -30, 0],
      [-30, 7, 6],
      [0, 0, 5],
    ]);
    expect(await table("penalty")).toEqual([
      [10, 0, -100],
      [0, 2, 0],
      [-100, 0, 10],
    ]);
    expect(await payoff("penalty", [2, 0], { k: -7 })).toBe(-7);
  });

  it("permutation pays for exactly n! joint actions", async () => {
    let paid = 0;
    for (let joint = 0; joint < 81; joint++)
      paid += await payoff("permutation", [joint % 3, Math.floor(joint / 3) % 3, Math.floor(joint / 9) % 3], {
        agents: 3,
      });
    expect(paid).toBe(6 * 3);
  });

  it("quadratic is highest where its gradient vanishes", async () => {
    const options = { targets: [1, -1], coupling: 1 };
    // (1 + c) a_0 − c a_1 = p and (1 + c) a_1 − c a_0 = q
    expect(await payoff("quadratic", [[1 / 3], [-1 / 3]], options)).toBeCloseTo(-4 / 3, 6);
    for (const nearby of [
      [[0.3], [-1 / 3]],
      [[0.4], [-1 / 3]],
      [[1 / 3], [-0.3]],
      [[1 / 3], [-0.4]],
    ])
      expect(await payoff("quadratic", nearby, options)).toBeLessThan(-4 / 3);
  });

  it.each([
    [3, "nested lists"],
    [[[1, 2], [3]], "payoffs[1] has 1 elements, must have 2"],
    [[[1, 2], 3], "payoffs[1] is 3, must be a list of 2"],
    [[[1, "two"]], 'payoffs[0][1] is "two", must be a number (2 agents)'],
    [[[1, [2]]], "payoffs[0][1] is [2], must be a number (2 agents)"],
    [[], "at least 1"],
  ])("refuses %j as a tensor", async (payoffs, message) => {
    await expect(makeEnv("matrix", { payoffs })).rejects.toThrow(Array.isArray(payoffs) ? message : "expected array");
  });
});

describe.each(Object.entries(gameOptions))("%s", (id, options) => {
  it.each([1, 3])("keeps to the interface with episodes of %d steps", async (steps) => {
    checkParallelEnv(await makeEnv(id, { ...options, steps }));
  });

  it.each([1, 3])("is the same one by one and many at once, with episodes of %d steps", async (steps) => {
    const numEnvs = 4;
    const copies = await Promise.all(Array.from({ length: numEnvs }, () => makeEnv(id, { ...options, steps })));
    const forms: VectorEnv[] = [
      vectorize(copies),
      await makeVectorEnv(id, { numEnvs, options: { ...options, steps } }),
    ];
    expect(forms[0].team).toEqual(forms[1].team);
    const moments = forms.map(({ team }) => createMoment(team, numEnvs));
    forms.forEach((form, f) => {
      form.reset(1, moments[f]);
    });
    const random = new Random(2);
    for (let t = 0; t < 8; t++) {
      expect(moments[0]).toEqual(moments[1]);
      const actions = forms[0].team.actionSpaces.map((space) => {
        const size = vectorSize(space);
        const array = new Float32Array(numEnvs * size);
        if (space.kind === "box") random.fillNormal(array);
        else for (let e = 0; e < numEnvs; e++) array[e * size + random.integer(size)] = 1;
        return array;
      });
      forms.forEach((form, f) => {
        form.step(actions, moments[f]);
      });
    }
  });
});

it("any tensor pays what it says, in the vector form too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.integer({ min: -100, max: 100 })),
      fc.nat(),
      async (shape, numbers, seed) => {
        type Tensor = number | Tensor[];
        const build = (depth: number): Tensor =>
          depth === shape.length ? numbers.next().value! : Array.from({ length: shape[depth] }, () => build(depth + 1));
        const payoffs = build(0);
        const env = await makeVectorEnv("matrix", { numEnvs: 3, options: { payoffs } });
        const moment = createMoment(env.team, 3);
        await env.reset(0, moment);
        const random = new Random(seed);
        const choices = Array.from({ length: 3 }, () => shape.map((n) => random.integer(n)));
        const actions = shape.map((n, i) => {
          const oneHot = new Float32Array(3 * n);
          for (let e = 0; e < 3; e++) oneHot[e * n + choices[e][i]] = 1;
          return oneHot;
        });
        await env.step(actions, moment);
        choices.forEach((joint, e) => {
          const expected = joint.reduce<Tensor>((node, choice) => (node as Tensor[])[choice], payoffs);
          expect(moment.rewards[e]).toBe(expected);
        });
        expect([...moment.terminations]).toEqual([1, 1, 1]);
      },
    ),
    { numRuns: 50 },
  );
});

describe("what is no action", () => {
  it.each([
    ["climbing", { agent_0: 0, agent_1: 3 }, "climbing: action of agent_1 is 3, must be a choice from 0 to 2"],
    ["climbing", { agent_0: 0.5, agent_1: 0 }, "climbing: action of agent_0 is 0.5, must be a choice from 0 to 2"],
    ["climbing", { agent_1: 0 }, "climbing: action of agent_0 is undefined, must be a choice from 0 to 2"],
    [
      "quadratic",
      { agent_0: [1], agent_1: [1, 2] },
      "quadratic: action of agent_1 is 2 numbers, must be a vector of 1",
    ],
    ["quadratic", { agent_0: [1], agent_1: 1 }, "quadratic: action of agent_1 is 1, must be a vector of 1"],
  ])("is refused: %s %o", async (id, actions, message) => {
    const env = await makeEnv(id);
    env.reset();
    expect(() => env.step(actions as Record<string, number | number[]>)).toThrow(message);
  });
});
