import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { algorithms } from "../algorithms/registry.ts";
import { environments } from "../envs/registry.ts";
import { InputError } from "../errors.ts";
import { mergeSettings, resolveConfig, validateConfig } from "./config.ts";
import { configurationReference } from "./reference.ts";
import { type SchemaNode, schemaNode } from "./settings.ts";
import { parseSetting } from "./settings-files.ts";

test("defaults < preset < file < --set", async () => {
  const preset = await resolveConfig({ env: { id: "climbing" } });
  expect(preset.algorithm).toMatchObject({ name: "bppo", epochs: 15, clip: 0.2 });
  expect(preset.rollout).toMatchObject({ environments: 50, length: 200 });
  const file = { algorithm: { epochs: 3, clip: 0.1 } };
  const set = parseSetting("algorithm.clip=0.3");
  const config = await resolveConfig(mergeSettings(file, set, { env: { id: "climbing" } }));
  expect(config.algorithm).toMatchObject({ epochs: 3, clip: 0.3, gamma: 0.99 });
  expect(config.rollout.environments).toBe(50);
});

test("what an environment has for an algorithm lies over its preset where that algorithm trains", async () => {
  const id = "HalfCheetah-6x1";
  const mat = await resolveConfig({ env: { id }, algorithm: { name: "mat", epochs: 3 } });
  expect(mat.algorithm).toMatchObject({ epochs: 3, learningRate: 5e-5, minibatches: 40, maxGradientNorm: 0.5 });
  expect(mat.rollout).toMatchObject({ environments: 40, length: 100 });
  const bppo = await resolveConfig({ env: { id } });
  expect(bppo.algorithm).toMatchObject({ epochs: 5, learningRate: 3e-4, minibatches: 1 });
});

test("a preset that is asked for by name lies over the default one, and under what is set", async () => {
  const id = "HalfCheetah-6x1";
  const full = await resolveConfig({ env: { id }, preset: "full-state", algorithm: { epochs: 3 } });
  expect(full.env.options).toMatchObject({ obsk: null, standardise: true });
  expect(full.algorithm).toMatchObject({ epochs: 3, entropyCoef: 0 });
  expect("preset" in full).toBe(false);
  const fading = { env: { id }, preset: "fading-feedback" };
  expect((await resolveConfig(fading)).algorithm.peerCoef).toEqual({ from: 1, to: 0, fraction: 0.3 });
  // What an algorithm does not have is no mistake of a preset.
  expect((await resolveConfig({ ...fading, algorithm: { name: "mappo" } })).algorithm).not.toHaveProperty("peerCoef");
  const running = await resolveConfig({ env: { id }, preset: "running-normalization" });
  expect(running.rollout.normalizeObservations).toBe(true);
  expect(running.env.options).toMatchObject({ obsk: 0, standardise: false, state: { standardise: false } });
});

test("an algorithm can have other defaults for new runs with such policies; what is stored, or said, stays", async () => {
  const scheduleOf = async (settings: object) =>
    (await resolveConfig({ env: { id: "climbing" }, ...settings })).algorithm.schedule;
  const policy = { share: true };
  expect(await scheduleOf({})).toBe("sequential");
  expect(await scheduleOf({ policy })).toBe("simultaneous");
  expect(await scheduleOf({ policy, algorithm: { name: "ar-mappo" } })).toBe("simultaneous");
  expect(await scheduleOf({ policy, algorithm: { schedule: "sequential", compat: "published" } })).toBe("sequential");
  expect(await scheduleOf({ env: { id: "2s3z" } })).toBe("simultaneous");
  expect(await scheduleOf({ env: { id: "smacv2-terran-20v20" } })).toBe("simultaneous");
  const stored = JSON.parse(JSON.stringify(await resolveConfig({ env: { id: "2s3z" } })));
  delete stored.algorithm.schedule;
  expect((await validateConfig(stored)).algorithm.schedule).toBe("sequential");
});

test("a resolved configuration resolves to itself, for every algorithm and environment", async () => {
  for (const { id, pattern } of environments) {
    if (pattern) continue;
    for (const name of algorithms.keys()) {
      const config = await resolveConfig({ env: { id }, algorithm: { name } }).catch((error: unknown) => {
        // Environments without a default for an option say what is missing.
        expect(error).toBeInstanceOf(InputError);
      });
      if (config) expect(await validateConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }
  }
});

test.each<[Record<string, unknown>, RegExp]>([
  [{ env: { id: "climing" } }, /^unknown environment climing; did you mean climbing\?/],
  [{ algorithm: { name: "bpo" } }, /^unknown algorithm bpo; did you mean bppo\? \(there are: bppo, .*\)$/],
  [
    { env: { id: "Ant-4x2" }, preset: "ful-state" },
    /^unknown preset ful-state; did you mean full-state\? \(Ant-4x2 has: fading-feedback, full-state, running-norm/,
  ],
  [{ preset: "full-state" }, /^preset is full-state, but climbing has no presets to choose from$/],
  [{ algorithm: { epoch: 3 } }, /^algorithm\.epoch is not a setting; did you mean epochs\? \(allowed here: name, /],
  [{ rollout: { length: 0 } }, /^rollout\.length is 0; it must be a whole number ≥ 1 and ≤ 1000000$/],
  [{ policy: { activation: "gelu" } }, /^policy\.activation is "gelu"; it must be one of relu, tanh$/],
  [{ env: { id: "penalty", options: { K: 1 } } }, /^env\.options\.K is not a setting; did you mean k\?/],
  [{ sed: 1 }, /^sed is not a setting; did you mean seed\?/],
  [{ env: { id: 3 } }, /^env\.id is 3; it must be text$/],
  [{ algorithm: { chain: "full" } }, /^algorithm\.chain: full needs schedule: simultaneous$/],
  [
    { env: { id: "HalfCheetah-2x3", options: { obsk: 0 } }, preset: "full-state" },
    /^preset full-state would change nothing: .*\(env\.options\.obsk: 0\)$/,
  ],
  [JSON.parse('{ "algorithm": { "__proto__": { "x": 1 } } }'), /^__proto__ is not a setting$/],
  [{ steps: Number.NaN }, /^steps is NaN; it must be a whole number ≥ 1$/],
  [{ algorithm: { learningRate: -1 } }, /^algorithm\.learningRate is -1; it must be a number ≥ 0/],
])("%j is refused in one line", async (settings, message) => {
  await expect(resolveConfig({ env: { id: "climbing" } }, settings as never)).rejects.toThrow(message);
});

test("what is undefined is as if it were not given", async () => {
  const plain = await resolveConfig({ env: { id: "3m" } });
  const given = {
    steps: undefined,
    rollout: undefined,
    policy: { recurrent: undefined },
    algorithm: { name: undefined },
  };
  expect(await resolveConfig({ env: { id: "3m" }, ...given } as never)).toEqual(plain);
  const bare = Object.assign(Object.create(null), { length: plain.rollout.length });
  expect(await resolveConfig({ env: { id: "3m" }, rollout: bare })).toEqual(plain);
  for (const none of [undefined, null, [], "3m"])
    await expect(resolveConfig(none as never)).rejects.toThrow("settings must be a mapping, with env: { id } in it");
});

test("docs/configuration.md is what scripts/reference.ts writes", async () => {
  const written = await readFile(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  expect(written).toBe(configurationReference(algorithms.values(), environments));
});

test("every setting of every algorithm has a description", () => {
  const undescribed = (node: SchemaNode, path: string): string[] =>
    node.properties
      ? Object.entries(node.properties).flatMap(([name, child]) => undescribed(child, `${path}.${name}`))
      : node.description
        ? []
        : [path];
  for (const { name, settings } of algorithms.values()) expect(undescribed(schemaNode(settings), name)).toEqual([]);
});
