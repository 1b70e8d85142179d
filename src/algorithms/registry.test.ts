import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { numpy as np } from "../compile/jax.ts";
import { box, discrete } from "../envs/spaces.ts";
import { resolveConfig } from "../experiment/config.ts";
import { collectorFor, type FixtureOptions, learnerOptions, randomEnv, teamOf } from "./fixture.ts";
import {
  type ActorObjective,
  type AlgorithmDefinition,
  algorithms,
  bppoObjective,
  bppoSettings,
  createLearner,
  defineAlgorithm,
  happoObjective,
  ppoSettings,
  ppoUpdate,
  registerAlgorithm,
  sequentialUpdate,
  z,
} from "./index.ts";
import { findAlgorithm } from "./registry.ts";

const about = { title: "T", paper: "P", description: "D" };

/** An algorithm of its own kind, whose policies go up `objective`. */
const ownPpo = (name: string, objective: ActorObjective): AlgorithmDefinition =>
  defineAlgorithm({
    ...about,
    name,
    settings: z.strictObject(ppoSettings),
    create: (options) =>
      createLearner(options, { autoregressive: false, criticView: "state" }, ppoUpdate(options.settings, objective)),
  });

/** All that three iterations leave behind. */
async function learned({ create }: AlgorithmDefinition, options: FixtureOptions) {
  const team = teamOf({ actionSpaces: [discrete(3), box(2), discrete(2)], hasInactiveAgents: true });
  const full = learnerOptions(team, options);
  const learner = await create(full);
  const collector = await collectorFor(randomEnv(team, full.numEnvs, 1), learner, full.rolloutLength);
  const metrics = [];
  for (let step = 0; step < 3; step++)
    metrics.push(await learner.update(await collector.collect(learner.policy), { step, totalSteps: 3 }));
  const state = new Map([...learner.state].map(([name, array]) => [name, array.slice()]));
  await learner.release();
  return { metrics, state };
}

describe("an algorithm of one's own", () => {
  test("with MAPPO's objective is MAPPO, number by number", async () => {
    const clipped = 0.1;
    const objective: ActorObjective = {
      clip: clipped,
      value: ({ ratio, advantage }) =>
        np.minimum(ratio.mul(advantage), np.clip(ratio, 1 - clipped, 1 + clipped).mul(advantage)),
    };
    const options = { settings: { clip: clipped, epochs: 2 }, policy: { recurrent: true } };
    expect(await learned(ownPpo("own", objective), options)).toEqual(await learned(algorithms.get("mappo")!, options));
  });

  test("is told what does not go together: an influence that is no number per sample, one network for agents in turn", async () => {
    const settings = bppoSettings.parse({});
    const create = (update: ReturnType<typeof ppoUpdate>) =>
      defineAlgorithm({
        ...about,
        name: "own",
        settings: bppoSettings,
        create: (options) => createLearner(options, { autoregressive: true, criticView: "state" }, update),
      });
    const mean = sequentialUpdate(settings, bppoObjective(0.2, true), ({ ratio, advantage }) =>
      ratio.mul(advantage).mean(),
    );
    await expect(learned(create(mean), {})).rejects.toThrow(/^an influence must be one number per sample, \[\d+\]/);
    const team = teamOf({ actionSpaces: [discrete(3), discrete(3)] });
    const together = create(ppoUpdate(settings)).create(learnerOptions(team, { policy: { share: true } }));
    await expect(together).rejects.toThrow("policy.share is true, but agents that look at each other's actions");
    for (const name of ["mappo", "gcs"]) {
      const shuffled = algorithms.get(name)!.create(learnerOptions(team, { policy: { order: "shuffled" } }));
      await expect(shuffled).rejects.toThrow("policy.order is shuffled, but agents of this algorithm act");
    }
  });

  test("with BPPO's objective and influence is BPPO, and with half the influence it is not", async () => {
    const own = (share: number): AlgorithmDefinition =>
      defineAlgorithm({
        ...about,
        name: "own",
        settings: bppoSettings,
        create(options) {
          const { settings } = options;
          const update = sequentialUpdate(settings, bppoObjective(settings.clip, true), ({ ratio, advantage }) =>
            ratio.mul(advantage).mul(share),
          );
          return createLearner(options, { autoregressive: true, criticView: "state" }, update);
        },
      });
    const bppo = await learned(algorithms.get("bppo")!, {});
    expect(await learned(own(1), {})).toEqual(bppo);
    const halved = await learned(own(0.5), {});
    expect(halved.metrics[0].feedbackNorm).not.toBeCloseTo(bppo.metrics[0].feedbackNorm, 3);
    expect(halved.state).not.toEqual(bppo.state);
  });

  test("is told that an update has nothing of what its objective looks at", async () => {
    await expect(learned(ownPpo("own", happoObjective(0.2)), {})).rejects.toThrow(
      "ppoUpdate has no correction and no feedback for its objective; sequentialUpdate has",
    );
  });

  test("is told where its objective is no longer one number per sample, or its team is of no kind", async () => {
    const mean = ownPpo("own", { value: ({ ratio, advantage }) => ratio.mul(advantage).mean() });
    await expect(learned(mean, {})).rejects.toThrow(
      /^an objective's value must be one number per sample, \[\d+\], .* it returned an array of shape \[\]/,
    );
    const number = ownPpo("own", { value: () => Number.NaN as never });
    await expect(learned(number, {})).rejects.toThrow("it returned NaN (the mean is taken of it)");
    const { create } = defineAlgorithm({
      ...about,
      name: "own",
      settings: z.strictObject(ppoSettings),
      create: (options) =>
        createLearner(options, { autoregressive: false, criticView: "obs" as never }, ppoUpdate(options.settings)),
    });
    await expect(learned({ ...mean, create }, {})).rejects.toThrow("criticView is obs, must be state or observation");
  });

  test("is found by the name that a program gives it, once", async () => {
    const own = ownPpo("my-ppo", { value: ({ logProb, advantage }) => logProb.mul(advantage) });
    registerAlgorithm(own);
    expect(await findAlgorithm("my-ppo")).toBe(own);
    const config = await resolveConfig({ env: { id: "climbing" }, algorithm: { name: "my-ppo", epochs: 3 } });
    expect(config.algorithm).toMatchObject({ name: "my-ppo", epochs: 3, clip: 0.2 });
    expect(() => registerAlgorithm(own)).toThrow("algorithm my-ppo: there is one already");
    expect(() => registerAlgorithm(algorithms.get("bppo")!)).toThrow("algorithm bppo: there is one already");
    expect(() => registerAlgorithm({ ...own, name: "./mine.ts" })).toThrow("must not be a path");
    await expect(findAlgorithm("my-pp")).rejects.toThrow("did you mean my-ppo?");
  });
});

describe("the path of a module", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "bpta-algorithms-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const moduleWith = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };

  test("stands for what it exports; a run's configuration has the whole of it", async () => {
    const example = fileURLToPath(new URL("../../examples/custom-algorithm.ts", import.meta.url));
    const config = await resolveConfig({ env: { id: "climbing" }, algorithm: { name: example, peerCoef: 0.5 } });
    expect(config.algorithm).toMatchObject({ name: example, peerCoef: 0.5, feedbackMaxNorm: 10 });
    await expect(
      resolveConfig({ env: { id: "climbing" }, algorithm: { name: example, schedule: "simultaneous" } }),
    ).rejects.toThrow(/algorithm.schedule/);
  });

  test.each([
    ["nothing.mjs", "export const algorithm = 1;", "its default export must be what defineAlgorithm returns"],
    [
      "create.mjs",
      'export default { name: "a", title: "A", paper: "", description: "", settings: { shape: {} } };',
      "must be what defineAlgorithm returns, create: must be a function",
    ],
    [
      "defaults.mjs",
      'export default { name: "a", title: "A", description: "", settings: { shape: {} }, defaultsFor: {}, create() {} };',
      "must be what defineAlgorithm returns, defaultsFor: must be a function",
    ],
    [
      "settings.mjs",
      'export default { name: "a", title: "A", paper: "", description: "", settings: {}, create() {} };',
      "must be what defineAlgorithm returns, settings: must be an object of zod",
    ],
  ])("%s, which is no algorithm, is refused in one line", async (name, text, message) => {
    const path = await moduleWith(name, text);
    const error = await findAlgorithm(path).catch((error: Error) => error);
    expect(error).toMatchObject({ name: "InputError" });
    expect((error as Error).message).toContain(`algorithm ${path}: its default export`);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("\n");
  });

  test("that is not there is told with where it was looked for", async () => {
    await expect(findAlgorithm(join(directory, "none.ts"))).rejects.toThrow(
      `algorithm ${join(directory, "none.ts")}: there is no such file (looked for ${join(directory, "none.ts")})`,
    );
  });
});
