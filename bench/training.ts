/**
 * @file Training throughput of Multi-Agent MuJoCo, robot by robot, and where the time goes.
 *
 * `npx tsx bench/training.ts [--env HalfCheetah-6x1]… [--workers 1]… [--updates 12] [--algo bppo]`. Each row is a run of
 * its own with the environment's preset. The parts are medians over updates, in milliseconds per update: physics (the
 * environments alone), inference (acting alone), advantages (values and GAE alone), update (all of it, advantages
 * included). Steps per second are those of whole updates: collecting and learning.
 */

import { parseArgs } from "node:util";
import { createMetrics } from "../src/algorithms/metrics.ts";
import type { CommonSettings } from "../src/algorithms/settings.ts";
import { createValueLearning } from "../src/algorithms/value-learning.ts";
import { createMoment } from "../src/envs/moment.ts";
import { makeVectorEnv } from "../src/envs/registry.ts";
import { vectorSize } from "../src/envs/spaces.ts";
import { median } from "../src/evaluation/statistics.ts";
import { resolveConfig } from "../src/experiment/config.ts";
import { openSession } from "../src/experiment/session.ts";
import { runStream } from "../src/experiment/streams.ts";
import { Random } from "../src/random.ts";

const ROBOTS = [
  "HalfCheetah-6x1",
  "Ant-4x2",
  "Hopper-3x1",
  "Walker2d-3x2",
  "Swimmer-2x1",
  "Reacher-2x1",
  "Humanoid-9|8",
  "HumanoidStandup-9|8",
  "ManySegmentSwimmer-10x2",
  "ManySegmentAnt-2x3",
  "CoupledHalfCheetah-1p1",
];

/** The median time of `repeats` calls, in milliseconds, after a first one that does not count. */
async function timed(repeats: number, act: () => Promise<unknown> | unknown): Promise<number> {
  const times: number[] = [];
  for (let i = -1; i < repeats; i++) {
    const start = performance.now();
    await act();
    if (i >= 0) times.push(performance.now() - start);
  }
  return median(times);
}

/** One row of the table. */
async function measure(id: string, workers: number, updates: number, algorithm: string) {
  const config = await resolveConfig({
    env: { id },
    algorithm: { name: algorithm, threads: workers },
    rollout: { workers },
  });
  const { environments, length } = config.rollout;
  const session = await openSession(config);
  const { learner, collector } = session;
  const progress = { step: 0, totalSteps: 1 };
  const collecting: number[] = [];
  const updating: number[] = [];
  let buffer = await collector.collect(learner.policy);
  // The first updates run code that is not compiled yet.
  for (let i = -3; i < updates; i++) {
    const start = performance.now();
    buffer = await collector.collect(learner.policy);
    const collected = performance.now();
    await learner.update(buffer, progress);
    if (i >= 0) {
      collecting.push(collected - start);
      updating.push(performance.now() - collected);
    }
  }

  // As many copies at a time as the collector has drawn for.
  const { numEnvs } = learner.policy;
  const rowsOf = (array: Float32Array, part: number, moments: number) => {
    const size = (array.length / moments / environments) * numEnvs;
    return array.subarray(size * part, size * (part + 1));
  };
  const parts = environments / numEnvs;
  const acting = Array.from({ length: length * parts }, (_, part) => ({
    inputs: {
      observations: buffer.observations.map((array) => rowsOf(array, part, length + 1)),
      actionMasks: buffer.actionMasks.map((array) => rowsOf(array, part, length + 1)),
      noise: buffer.noise.map((array) => rowsOf(array, part, length)),
      hidden: buffer.hidden.map((array) => rowsOf(array, part, length + 1)),
      episodeStarts: rowsOf(buffer.episodeStarts, part, length + 1),
    },
    outputs: {
      actions: buffer.actions.map((array) => rowsOf(array, part, length)),
      logProbs: buffer.logProbs.map((array) => rowsOf(array, part, length)),
      hidden: buffer.hidden.map((array) => rowsOf(array, part + parts, length + 1)),
    },
  }));
  const inference = await timed(5, async () => {
    for (const { inputs, outputs } of acting) await learner.policy.act(inputs, outputs);
  });

  const { name: _, ...settings } = config.algorithm;
  let advantages = Number.NaN;
  // A transformer has no critic of its own.
  if ("criticLearningRate" in settings) {
    const critics = await createValueLearning(
      {
        team: buffer.team,
        numEnvs: environments,
        rolloutLength: length,
        settings: settings as unknown as CommonSettings,
        policy: config.policy,
        critic: config.critic,
        random: runStream(0, "learner"),
      },
      "state",
    );
    advantages = await timed(5, () => critics.evaluate(buffer, createMetrics()));
    await critics.release();
  }
  await session.close();

  const env = await makeVectorEnv(id, { numEnvs: environments, workers, options: config.env.options });
  const moment = createMoment(env.team, environments);
  const random = new Random(0);
  const actions = env.team.actionSpaces.map((space) => new Float32Array(environments * vectorSize(space)));
  for (const array of actions) random.fillNormal(array);
  await env.reset(0, moment);
  const physics = await timed(5, async () => {
    for (let t = 0; t < length; t++) await env.step(actions, moment);
  });
  await env.close();

  const perUpdate = median(collecting.map((time, i) => time + updating[i]));
  return {
    physics,
    inference,
    collect: median(collecting),
    advantages,
    update: median(updating),
    stepsPerSecond: (1000 * environments * length) / perUpdate,
  };
}

const { values } = parseArgs({
  options: {
    env: { type: "string", multiple: true },
    workers: { type: "string", multiple: true },
    updates: { type: "string" },
    algo: { type: "string" },
  },
});
console.log("environment                workers  physics  inference  collect  advantages  update   steps/s");
for (const id of values.env ?? ROBOTS) {
  for (const workers of (values.workers ?? ["1", "2"]).map(Number)) {
    const row = await measure(id, workers, Number(values.updates ?? 12), values.algo ?? "bppo");
    const cells = [row.physics, row.inference, row.collect, row.advantages, row.update].map((ms, i) =>
      ms.toFixed(0).padStart([8, 10, 8, 11, 7][i]),
    );
    console.log(
      `${id.padEnd(26)} ${String(workers).padStart(7)} ${cells.join(" ")} ${row.stepsPerSecond.toFixed(0).padStart(9)}`,
    );
  }
}
process.exit(0);
