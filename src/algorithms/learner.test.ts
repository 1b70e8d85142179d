import { expect, test } from "vitest";
import type { VectorEnv } from "../envs/env.ts";
import { makeVectorEnv } from "../envs/registry.ts";
import { box, discrete } from "../envs/spaces.ts";
import { Random } from "../random.ts";
import { DivergedError, type LearnerOptions } from "./algorithm.ts";
import { collectorFor, learnerOptions, randomEnv, teamOf } from "./fixture.ts";
import { algorithms } from "./registry.ts";

const mixed = teamOf({ actionSpaces: [discrete(3), box(2)], hasActionMasks: true, hasInactiveAgents: true });
const choices = teamOf({ actionSpaces: [discrete(3), discrete(2)], hasActionMasks: true, hasInactiveAgents: true });
const alike = teamOf({ actionSpaces: [box(2), box(2)] });

/** Learns for some iterations; what the state is after each. */
async function learn(name: string, options: LearnerOptions, env: VectorEnv, iterations: number) {
  const learner = await algorithms.get(name)!.create(options);
  const collector = await collectorFor(env, learner, options.rolloutLength);
  const metrics = [];
  for (let i = 0; i < iterations; i++) {
    metrics.push(await learner.update(await collector.collect(learner.policy), { step: i, totalSteps: iterations }));
  }
  return { learner, collector, metrics };
}

test.each([
  ["bppo", mixed, {}],
  ["bppo", alike, { settings: { schedule: "simultaneous", chain: "full", minibatches: 2 } }],
  [
    "bppo",
    alike,
    {
      policy: { share: true },
      settings: { schedule: "sequential", peerCoef: { from: 1, to: 0, fraction: 0.5 }, compat: "published" },
    },
  ],
  ["bppo", mixed, { policy: { recurrent: true }, settings: { minibatches: 2 } }],
  ["bppo", alike, { policy: { share: true, recurrent: true }, settings: { minibatches: 2 } }],
  ["bpta", mixed, { critic: { share: false } }],
  ["ar-mappo", mixed, {}],
  ["mappo", alike, { policy: { share: true }, critic: { recurrent: true } }],
  ["ippo", alike, { critic: { share: true } }],
  ["ippo", mixed, { policy: { recurrent: true } }],
  ["happo", mixed, { policy: { recurrent: true } }],
  ["happo", mixed, { policy: { recurrent: true, chunkLength: 1 }, settings: { minibatches: 2 } }],
  ["happo", alike, { policy: { share: true, order: [1, 0] }, settings: { minibatches: 2 } }],
  ["mat", alike, { policy: { order: [1, 0] }, settings: { minibatches: 2, heads: 2, blocks: 2 } }],
  ["mat", choices, { policy: { recurrent: true } }],
  ["mat-dec", choices, { policy: { recurrent: true }, settings: { minibatches: 2 } }],
  ["mat-dec", alike, { policy: { share: true } }],
  ["gcs", mixed, { policy: { recurrent: true } }],
  ["gcs", alike, { policy: { share: true }, settings: { minibatches: 2 } }],
  ["bppo", mixed, { policy: { dependencies: "learned", recurrent: true } }],
  ["bppo", alike, { policy: { dependencies: "learned", share: true } }],
  ["bppo", alike, { policy: { dependencies: "learned" }, settings: { schedule: "simultaneous" } }],
  ["bpta", mixed, { policy: { dependencies: "learned" } }],
  ["ar-mappo", mixed, { policy: { order: "shuffled" } }],
  ["bppo", alike, { policy: { order: "shuffled", recurrent: true }, settings: { schedule: "simultaneous" } }],
] as const)(
  "%s learns, on finite numbers, and changes all that it says it changes (%#)",
  async (name, team, options) => {
    const { learner, metrics } = await learn(name, learnerOptions(team, options), randomEnv(team, 4, 1), 2);
    for (const values of metrics) {
      for (const [metric, value] of Object.entries(values)) expect(Number.isFinite(value), metric).toBe(true);
      expect(values.approximateKl).toBeGreaterThanOrEqual(-1e-6);
    }
    expect(metrics[0].gradientNorm).toBeGreaterThan(0);
    if (learner.policy.drawsGraph) expect(metrics[0].graphGradientNorm).toBeGreaterThan(0);
    expect(metrics[0].valueLoss).toBeGreaterThan(0);
    for (const [array, values] of learner.state)
      expect(
        values.some((x) => x !== 0),
        array,
      ).toBe(true);
    await learner.release();
  },
);

test("what state() holds is all there is: a learner that is given it goes on as the first, number by number", async () => {
  const options = learnerOptions(mixed, { policy: { recurrent: true }, settings: { minibatches: 2, epochs: 2 } });
  const first = await learn("bppo", options, randomEnv(mixed, 4, 1), 1);
  const second = await algorithms.get("bppo")!.create({ ...options, random: new Random(11) });
  for (const [name, array] of first.learner.state) second.state.get(name)!.set(array);
  const buffer = await first.collector.collect(first.learner.policy);
  const progress = { step: 1, totalSteps: 2 };
  expect(await second.update(buffer, progress)).toEqual(await first.learner.update(buffer, progress));
  for (const [name, array] of first.learner.state) expect(second.state.get(name), name).toEqual(array);
  await Promise.all([first.learner.release(), second.release()]);
});

test.each(["mat", "mat-dec"])(
  "%s, before its first step, finds what was done as likely as it was, whatever the order",
  async (name) => {
    const team = teamOf({ actionSpaces: [box(2), box(1), box(2)], hasInactiveAgents: true });
    const options = learnerOptions(team, { policy: { order: [2, 0, 1], share: false }, settings: { epochs: 1 } });
    const { learner, metrics } = await learn(name, options, randomEnv(team, 4, 1), 1);
    expect(metrics[0].clipFraction).toBe(0);
    expect(Math.abs(metrics[0].approximateKl)).toBeLessThan(1e-6);
    await learner.release();
  },
);

test("HAPPO updates its agents in an order that it draws anew in each iteration", async () => {
  const create = (order?: number[]) =>
    algorithms
      .get("happo")!
      .create(learnerOptions(alike, { policy: { ...(order && { order }) }, settings: { epochs: 2 } }));
  const orders = [
    [0, 1],
    [1, 0],
  ];
  const [drawn, ...fixed] = await Promise.all([create(), ...orders.map(create)]);
  const collector = await collectorFor(randomEnv(alike, 4, 1), drawn, 6);
  const found: number[] = [];
  for (let step = 0; step < 8; step++) {
    for (const learner of fixed) {
      for (const [name, array] of drawn.state) learner.state.get(name)!.set(array as Float32Array);
    }
    const buffer = await collector.collect(drawn.policy);
    for (const learner of [drawn, ...fixed]) await learner.update(buffer, { step, totalSteps: 8 });
    const isSame = (learner: (typeof fixed)[number]) =>
      [...drawn.state].every(([name, array]) => array.every((x, k) => x === learner.state.get(name)![k]));
    const same = fixed.flatMap((learner, i) => (isSame(learner) ? [i] : []));
    expect(same).toHaveLength(1);
    found.push(same[0]);
  }
  expect(new Set(found).size).toBe(2);
  await Promise.all([drawn, ...fixed].map((learner) => learner.release()));
});

test.each([
  ["bppo", true, "simultaneous"],
  ["bppo", false, "sequential"],
  ["ar-mappo", true, "simultaneous"],
])(
  "%s, where a network is shared: %s, by default updates its agents in the schedule %s",
  async (name, share, schedule) => {
    const create = (own?: string) =>
      algorithms
        .get(name)!
        .create(learnerOptions(alike, { policy: { share }, settings: { epochs: 2, ...(own && { schedule: own }) } }));
    const schedules = ["sequential", "simultaneous"];
    const [byDefault, ...said] = await Promise.all([create(), ...schedules.map(create)]);
    const collector = await collectorFor(randomEnv(alike, 4, 1), byDefault, 6);
    const buffer = await collector.collect(byDefault.policy);
    for (const learner of [byDefault, ...said]) await learner.update(buffer, { step: 0, totalSteps: 1 });
    const same = said.map(({ state }) =>
      [...byDefault.state].every(([name, array]) => array.every((x, k) => x === state.get(name)![k])),
    );
    expect(schedules.filter((_, k) => same[k])).toEqual([schedule]);
    await Promise.all([byDefault, ...said].map((learner) => learner.release()));
  },
);

test("numbers that leave the finite ones stop training, and leave the parameters as they were", async () => {
  const { learner, collector } = await learn("mappo", learnerOptions(alike, {}), randomEnv(alike, 4, 1), 1);
  const buffer = await collector.collect(learner.policy);
  buffer.rewards[3] = Number.NaN;
  const theta = learner.state.get("actors.agent_0.theta")!.slice();
  await expect(learner.update(buffer, { step: 1, totalSteps: 2 })).rejects.toThrow(DivergedError);
  expect(learner.state.get("actors.agent_0.theta")).toEqual(theta);
  await learner.release();
});

test("BPPO reaches the optimum of Climbing, where MAPPO stays with the safe choice", async () => {
  const [numEnvs, length] = [50, 40];
  const settings = { epochs: 15, microBatch: 2000, learningRate: 2e-3 };
  const best: Record<string, number> = {};
  for (const name of ["bppo", "mappo"]) {
    const env = await makeVectorEnv("climbing", { numEnvs });
    const small = { policy: { hidden: 16 }, critic: { hidden: 16 }, numEnvs, length, settings };
    const options = learnerOptions(env.team, small);
    const { learner, collector } = await learn(name, options, env, 25);
    const { rewards } = await collector.collect(learner.policy);
    best[name] = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    await Promise.all([learner.release(), env.close()]);
  }
  expect(best.bppo).toBeGreaterThan(10.5);
  expect(best.mappo).toBeLessThan(7.5);
});

test("settings that do not go together are refused in one line", async () => {
  const create = (name: string, options: Parameters<typeof learnerOptions>[1], team = mixed) =>
    algorithms.get(name)!.create(learnerOptions(team, options));
  await expect(create("bppo", { length: 7, policy: { recurrent: true } })).rejects.toThrow(
    "policy.chunkLength is 3, must divide rollout.length, which is 7",
  );
  await expect(create("bppo", { settings: { minibatches: 5 } })).rejects.toThrow(
    "algorithm.minibatches is 5, must divide the 24 samples of a rollout",
  );
  await expect(create("mappo", { policy: { dependencies: "all" } })).rejects.toThrow(
    'policy.dependencies is "all", must be none (or absent)',
  );
});
