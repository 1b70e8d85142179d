/** @file Tests of the registry: names, options, and modules of the user's own. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import couriers from "../../examples/custom-env.ts";
import { resolveConfig } from "../experiment/config.ts";
import { environments, findEnvironment, makeEnv, makeVectorEnv, registerEnvironment } from "./registry.ts";

describe("names", () => {
  it("that do not exist are refused with the nearest that does", () => {
    expect(() => findEnvironment("climbng")).toThrow("unknown environment climbng; did you mean climbing?");
    expect(() => findEnvironment("chess")).toThrow(
      /^unknown environment chess \(there are: climbing, penalty, .*HalfCheetah-…, .*or the path of a module\)$/,
    );
    expect(() => findEnvironment("cheetah")).toThrow(
      "unknown environment cheetah (there are: HalfCheetah-2x3, HalfCheetah-3x2, HalfCheetah-6x1, CoupledHalfCheetah-1p1)",
    );
    expect(() => findEnvironment("Ant-3x3")).toThrow(
      "unknown environment Ant-3x3 (there are: Ant-2x4, Ant-2x4d, Ant-4x2, Ant-8x1)",
    );
  });

  it("are unique, described, and every option is too", () => {
    expect(new Set(environments.map(({ id }) => id)).size).toBe(environments.length);
    for (const { description, optionsSchema } of environments) {
      expect(description).toMatch(/\.$/);
      const { properties = {} } = z.toJSONSchema(optionsSchema, { io: "input", unrepresentable: "any" });
      for (const [name, option] of Object.entries(properties))
        expect(typeof option === "object" && option.description, name).toBeTruthy();
    }
  });
});

describe("registering", () => {
  it.each<[string, () => unknown, string]>([
    ["makes none", () => null, "make returned null, must return a ParallelEnv"],
    ["fails", () => Promise.reject(new Error("there is no street")), "there is no street"],
    [
      "makes one that steps in its own time",
      () => ({ ...couriers(), step: async () => ({}) }),
      "step() returned a promise, must return its result at once",
    ],
    [
      "makes one whose steps say nothing",
      () => ({ ...couriers(), step: () => null }),
      "step() returned no observations",
    ],
  ])("what %s is refused in one line", async (what, make, message) => {
    const id = `courier-that-${what.replaceAll(" ", "-")}`;
    registerEnvironment({ id, make: make as never });
    await expect(makeEnv(id)).rejects.toMatchObject({
      name: "InputError",
      message: expect.stringContaining(`environment ${id}: ${message}`),
    });
  });

  it("gives an environment a name, which is refused where it is taken or a path", async () => {
    const make = vi.fn(({ n }) => couriers({ places: n as number }));
    registerEnvironment({ id: "couriers", make, preset: { steps: 64 } });
    const env = await makeVectorEnv("couriers", { numEnvs: 2, options: { n: 5 } });
    expect(env.team.agents).toEqual(["red", "blue"]);
    // One was tried before.
    expect(make).toHaveBeenCalledTimes(3);
    expect(make).toHaveBeenCalledWith({ n: 5 });
    expect(await resolveConfig({ env: { id: "couriers" } })).toMatchObject({ steps: 64 });
    expect(() => findEnvironment("couriors")).toThrow("did you mean couriers?");
    for (const id of ["couriers", "climbing", "HalfCheetah-6x1", "py:a"])
      expect(() => registerEnvironment({ id, make })).toThrow(`environment ${id}: there is one already`);
    for (const id of ["", "./couriers.ts"])
      expect(() => registerEnvironment({ id, make })).toThrow("must not be empty, nor a path");
  });
});

describe("options", () => {
  it("that do not exist, or are bad, are refused in one line", async () => {
    await expect(makeEnv("penalty", { k: 3 })).rejects.toThrow("environment penalty: options.k: ");
    await expect(makeEnv("penalty", { kk: 3 })).rejects.toThrow('Unrecognized key: "kk"');
  });
});

/** Counts to `limit`; what is written at MARK can be broken. */
const source = (annotation: string, mark = "[time]") => `
  const box = { kind: "box", size: 1, low: new Float32Array([0]), high: new Float32Array([100]) };
  export default function counter({ limit = 3 }${annotation}) {
    let time = 0;
    return {
      agents: ["counter"],
      observationSpace: () => box,
      actionSpace: () => ({ kind: "discrete", n: 2 }),
      stateSpace: box,
      reset() { time = 0; return { observations: { counter: ${mark} }, infos: {} }; },
      step() {
        time += 1;
        const ended = time === limit;
        return {
          observations: { counter: ${mark} }, rewards: { counter: 1 }, terminations: { counter: ended },
          truncations: { counter: false }, infos: {},
        };
      },
      state: () => [time],
    };
  }`;

describe("modules", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "bpta-module-"));
    await writeFile(join(directory, "counter.mjs"), source(""));
    await writeFile(join(directory, "counter.ts"), source(": { limit?: number }"));
    await writeFile(join(directory, "broken.mjs"), source("", "[time, 1]"));
    await writeFile(join(directory, "nothing.mjs"), "export const counter = 1;");
    await writeFile(join(directory, "empty.mjs"), "export default () => {};");
    await writeFile(join(directory, "class.mjs"), "export default class Counter {}");
    await writeFile(join(directory, "late.mjs"), source("").replace("step()", "async step()"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each(["counter.mjs", "counter.ts"])("%s is loaded, and its options handed over", async (name) => {
    const path = join(directory, name);
    const env = await makeEnv(path, { limit: 2 });
    env.reset();
    expect(env.step({ counter: 0 }).terminations.counter).toBe(false);
    expect(env.step({ counter: 0 }).terminations.counter).toBe(true);
    expect((await makeVectorEnv(path, { numEnvs: 3 })).numEnvs).toBe(3);
  });

  it.each([
    ["broken.mjs", "after reset(): observation of counter has 2 elements, its space has 1"],
    ["nothing.mjs", "its default export is undefined, must be a function that makes a ParallelEnv"],
    ["empty.mjs", "its default export returned undefined, must return a ParallelEnv"],
    ["class.mjs", "without 'new'; its default export must be a function that makes one: (options) => new …"],
    ["late.mjs", "step() returned a promise, must return its result at once"],
    ["absent.mjs", "there is no such file"],
  ])("%s is refused: %s", async (name, message) => {
    await expect(makeEnv(join(directory, name))).rejects.toThrow(message);
  });
});
