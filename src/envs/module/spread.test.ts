import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import type { VectorEnv } from "../env.ts";
import { createMoment } from "../moment.ts";
import { makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";

const couriers = fileURLToPath(new URL("../../../examples/custom-env.ts", import.meta.url));
const numEnvs = 7;

/** Steps of random choices; all that was seen. */
async function play(
  env: VectorEnv,
  steps: number,
  seed: number,
  begin?: (moment: ReturnType<typeof createMoment>) => unknown,
) {
  const random = new Random(seed);
  const moment = createMoment(env.team, env.numEnvs);
  const seen: unknown[] = [];
  await (begin ?? ((into) => env.reset(seed, into)))(moment);
  for (let t = 0; t < steps; t++) {
    seen.push(structuredClone(moment));
    const actions = env.team.actionSpaces.map((space, i) => {
      const size = vectorSize(space);
      const taken = new Float32Array(env.numEnvs * size);
      for (let e = 0; e < env.numEnvs; e++) {
        const allowed = [...Array(size).keys()].filter((k) => moment.actionMasks[i][e * size + k] === 1);
        taken[e * size + allowed[random.integer(allowed.length)]] = 1;
      }
      return taken;
    });
    await env.step(actions, moment);
  }
  return seen;
}

const open = (workers: number, path = couriers) => makeVectorEnv(path, { numEnvs, workers, options: {} });

describe("copies of a module, spread over threads", () => {
  let envs: readonly VectorEnv[];
  beforeAll(async () => {
    envs = await Promise.all([open(1), open(3)]);
  }, 60_000);
  afterAll(() => Promise.all(envs.map((env) => env.close())));

  test("do what they do in one: steps, resets, snapshots, in parts of any size", async () => {
    const [alone, apart] = await Promise.all(envs.map((env) => play(env, 60, 3)));
    expect(apart).toEqual(alone);
    // What one saved, the other goes on from.
    const snapshots = await Promise.all(envs.map((env) => env.snapshot()));
    expect(snapshots[1]).toEqual(snapshots[0]);
    const on = await Promise.all(
      envs.map((env, k) => play(env, 30, 4, (moment) => env.restore(snapshots[1 - k], moment))),
    );
    expect(on[1]).toEqual(on[0]);
  });

  test("tell what they told of their episodes", async () => {
    const [alone, apart] = await Promise.all(
      envs.map(async (env) => {
        await play(env, 40, 6);
        return env.takeInfos!();
      }),
    );
    expect(new Set(alone.map(({ copy }) => copy)).size).toBe(numEnvs);
    // Agents tell of the time that it took to meet.
    expect(alone[0].numbers).toEqual({ minutes: expect.any(Number) });
    const byCopy = (infos: typeof alone) => infos.toSorted((a, b) => a.copy - b.copy);
    expect(byCopy(apart)).toEqual(byCopy(alone));
    expect(await envs[1].takeInfos!()).toEqual([]);
  });

  test("are seen from wherever they are", async () => {
    const looks = await Promise.all(
      envs.map(async (env) => {
        const recorder = await env.recorder!();
        await play(env, 25, 5);
        return [...Array(numEnvs).keys()].map((e) => [recorder.capture(e, false), recorder.capture(e, true)]);
      }),
    );
    expect(looks[0].flat().every((svg) => String(svg).startsWith("<svg"))).toBe(true);
    expect(looks[1]).toEqual(looks[0]);
  });

  describe("when something goes wrong", () => {
    let directory: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "bpta-spread-"));
      const box = '{ kind: "box", size: 1, low: [0], high: [100] }';
      const source = (then: string) => `
        import { isMainThread } from "node:worker_threads";
        export default () => {
          let time = 0;
          return {
            agents: ["a"], observationSpace: () => (${box}), stateSpace: ${box},
            actionSpace: () => ({ kind: "discrete", n: 2 }), state: () => [time],
            reset() { time = 0; return { observations: { a: [0] }, infos: {} }; },
            step() {
              if (++time === 9 && !isMainThread) { ${then} }
              return {
                observations: { a: [time] }, rewards: { a: 1 }, terminations: { a: false }, truncations: { a: false }, infos: {},
              };
            },
          };
        };`;
      await writeFile(join(directory, "fails.mjs"), source('throw new Error("the bridge is out")'));
      await writeFile(join(directory, "leaves.mjs"), source("process.exit(1)"));
      await writeFile(join(directory, "blind.mjs"), source("time = NaN"));
    });
    afterAll(() => rm(directory, { recursive: true }));

    test.each([
      ["fails.mjs", "the bridge is out"],
      // Of seven copies in three threads, the second thread's first is number 2; its error tells before the third's.
      ["blind.mjs", "environment 2: observation of a[0] is NaN"],
      ["leaves.mjs", /a(n)? environment thread has ended/],
    ])("%s is told: %s", async (name, message) => {
      const env = await open(3, join(directory, name));
      await expect(play(env, 12, 1)).rejects.toThrow(message);
      await env.close();
    });
  });
});
