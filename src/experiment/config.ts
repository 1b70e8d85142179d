/**
 * @file The configuration of a run: one typed tree, in which every field has a description and a default.
 *
 * A run's settings are, each over the one before: the schema's defaults, the environment's preset (and a further one that
 * is asked for by name), a file, single settings (`--set path=value`).
 */

import { z } from "zod";
import type { AlgorithmDefinition } from "../algorithms/algorithm.ts";
import type { EnvironmentDefinition } from "../envs/definition.ts";
import { InputError } from "../errors.ts";
import { isModulePath } from "../ids.ts";
import { wholePath } from "../modules.ts";
import { didYouMean } from "../names.ts";
import { criticSettingsSchema, policySettingsSchema } from "../policy/settings.ts";
import { differences, isTree, mergeTrees, type SettingsTree } from "../trees.ts";
import { keepKnown, parseSettings, schemaNode } from "./settings.ts";

/** What can be set whatever the environment and the algorithm. */
export const runSections = {
  policy: policySettingsSchema.prefault({}).describe("the agents' networks and how they depend on each other"),
  critic: criticSettingsSchema.prefault({}).describe("the value networks"),
  rollout: z
    .strictObject({
      environments: z.int().min(1).max(65_536).default(40).describe("copies of the environment that run side by side"),
      length: z.int().min(1).max(1_000_000).default(100).describe("steps of each copy between two updates"),
      workers: z
        .int()
        .min(0)
        .default(0)
        .describe("threads that the copies are spread over, the main one among them, where the environment can"),
      normalizeObservations: z
        .boolean()
        .default(false)
        .describe(
          "whether agents and critics see features less their running mean, over their running standard deviation; " +
            "the policy file does the same by itself",
        ),
      scaleActions: z
        .boolean()
        .default(false)
        .describe(
          "whether continuous actions from −1 to 1 are spread over the bounds of their space; otherwise the environment " +
            "gets them as they are, and policies start at 0 ± 0.37 whatever the bounds; the policy file does the same by " +
            "itself",
        ),
    })
    .prefault({})
    .describe("how experience is collected"),
  evaluation: z
    .strictObject({
      interval: z
        .int()
        .min(0)
        .default(25)
        .describe("updates between two evaluations of the greedy policy; 0: at the end only"),
      episodes: z.int().min(1).max(10_000_000).default(32).describe("episodes of each evaluation"),
      environments: z
        .int()
        .min(1)
        .max(65_536)
        .default(32)
        .describe(
          "copies of the environment that evaluations have, beside those of the rollout, but no more than episodes; which " +
            "episodes are played depends on it",
        ),
      maxEpisodeSteps: z
        .int()
        .min(1)
        .default(10_000)
        .describe(
          "steps after which an evaluation counts an episode that goes on as one, and what comes after as the next, so " +
            "that an environment without end can be judged",
        ),
    })
    .prefault({})
    .describe("how the policy is judged"),
  checkpoint: z
    .strictObject({
      interval: z.int().min(1).default(10).describe("updates between two checkpoints"),
      keep: z.int().min(1).default(3).describe("checkpoints that are kept, the newest ones"),
    })
    .prefault({})
    .describe("what a killed run goes on from"),
  from: z
    .strictObject({
      run: z.string().min(1).describe("its directory"),
      policy: z
        .union([z.enum(["last", "best"]), z.int().min(1)])
        .default("last")
        .describe(
          "which of what it has learnt: last, best (of those that were evaluated), or the step of a checkpoint",
        ),
    })
    .optional()
    .describe(
      "a run to go on from in a new one, where its networks are of the same sizes: their parameters, the optimiser's " +
        "moments, statistics; all else starts anew",
    ),
  seed: z.int().min(0).default(0).describe("all of a run's random numbers follow from it"),
  steps: z.int().min(1).default(1_000_000).describe("environment steps, over all copies; rounded up to whole updates"),
};

const runSectionsSchema = z.strictObject(runSections);

/** Everything that decides what a run does, resolved. */
export type RunConfig = Readonly<z.output<typeof runSectionsSchema>> & {
  readonly env: { readonly id: string; readonly options: SettingsTree };
  /** The algorithm's name and its settings. */
  readonly algorithm: { readonly name: string; readonly [setting: string]: unknown };
};

type DeepPartial<T> = T extends readonly unknown[] | string | number | boolean
  ? T
  : { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined };

/** Settings that a run is to have; the others take the preset's values or the defaults. */
export type RunSettings = DeepPartial<z.input<typeof runSectionsSchema>> & {
  /** One of the environment's further presets, by name. */
  readonly preset?: string;
  readonly env: { readonly id: string; readonly options?: SettingsTree };
  readonly algorithm?: { readonly name?: string; readonly [setting: string]: unknown };
};

const DEFAULT_ALGORITHM = "bppo";

/** The schema of a run's algorithm settings, `name` among them. */
export const algorithmSchema = (name: string, { settings }: AlgorithmDefinition) =>
  z.strictObject({ name: z.literal(name).describe("the algorithm"), ...settings.shape });

/**
 * Resolves settings into a configuration.
 *
 * @param layers nested values, each laid over the one before; `env.id` must be among them
 * @throws InputError, one line that names the path, the value, and what is allowed
 */
export async function resolveConfig(...layers: readonly (RunSettings | SettingsTree)[]): Promise<RunConfig> {
  return resolve(layers as readonly SettingsTree[], true);
}

/** Layers of settings as one, each laid over the one before. */
export const mergeSettings = (...layers: readonly SettingsTree[]): SettingsTree => layers.reduce(mergeTrees, {});

/** Reads a configuration that was resolved before (presets may have changed since). */
export async function validateConfig(config: SettingsTree): Promise<RunConfig> {
  return resolve([config], false);
}

async function resolve(layers: readonly SettingsTree[], withPreset: boolean): Promise<RunConfig> {
  const [{ findAlgorithm }, { findEnvironment }] = await Promise.all([
    import("../algorithms/registry.ts"),
    import("../envs/registry.ts"),
  ]);
  if (!layers.every(isTree)) throw new InputError("settings must be a mapping, with env: { id } in it");
  const given = layers.reduce(mergeTrees, {});
  const { id: givenId } = parseSettings(z.looseObject({ env: z.looseObject({ id: z.string() }) }), given).env;
  const nameOf = (given: string): string => (isModulePath(given) ? wholePath(given) : given);
  const id = nameOf(givenId);
  const environment = findEnvironment(id);
  const name = nameOf(
    parseSettings(
      z.looseObject({ algorithm: z.looseObject({ name: z.string().default(DEFAULT_ALGORITHM) }).prefault({}) }),
      given,
    ).algorithm.name,
  );
  const algorithm = await findAlgorithm(name);
  const schema = z.strictObject({
    env: z.strictObject({ id: z.string(), options: environment.optionsSchema.prefault({}) }),
    algorithm: algorithmSchema(name, algorithm),
    ...runSections,
  });
  const { preset: presetName, ...own } = given;
  const { preset: common = {}, algorithmPresets = {} } = environment;
  const presets = withPreset
    ? [common, algorithmPresets[name]?.settings ?? {}, namedPreset(environment, presetName)]
    : [];
  const { from } = own;
  const origin = isTree(from) && typeof from.run === "string" ? { from: { run: wholePath(from.run) } } : {};
  const preset = keepKnown((presets as SettingsTree[]).reduce(mergeTrees, {}), schemaNode(schema));
  const chosen = [preset, own, { env: { id }, algorithm: { name }, ...origin }].reduce(mergeTrees, {});
  const implied = withPreset ? impliedSettings(algorithm, chosen) : {};
  const settings = mergeTrees({ algorithm: implied }, chosen);
  if (withPreset && presetName !== undefined) refuseIdle(String(presetName), presets.at(-1)!, settings);
  const config = parseSettings(schema, settings) as RunConfig;
  // What an algorithm says of several of its settings together.
  const { name: _, ...ofAlgorithm } = config.algorithm;
  parseSettings(z.object({ algorithm: algorithm.settings }), { algorithm: ofAlgorithm });
  return config;
}

/** What an algorithm is to do by default with the policies that settings ask for. */
function impliedSettings({ defaultsFor }: AlgorithmDefinition, settings: SettingsTree): SettingsTree {
  const { policy } = parseSettings(z.looseObject({ policy: runSections.policy }), settings);
  return defaultsFor?.(policy) ?? {};
}

/** @throws InputError where all that a preset says is said otherwise, by a run's whole `config.json`, say */
function refuseIdle(name: string, preset: SettingsTree, settings: SettingsTree): void {
  const leaves = (tree: SettingsTree): number =>
    Object.values(tree).reduce<number>((sum, value) => sum + (isTree(value) ? leaves(value) : 1), 0);
  const overruled = differences(preset, mergeTrees(preset, settings)).filter(({ before }) => before !== undefined);
  if (leaves(preset) === 0 || overruled.length < leaves(preset)) return;
  const [{ path, after }] = overruled;
  throw new InputError(
    `preset ${name} would change nothing: other settings, which come after it, say of all that it sets what it is (${path}: ${JSON.stringify(after)})`,
  );
}

/** The settings of one of the environment's presets. */
function namedPreset({ id, presets = {} }: EnvironmentDefinition, name: unknown): SettingsTree {
  if (name === undefined) return {};
  if (typeof name === "string" && Object.hasOwn(presets, name)) return presets[name].settings as SettingsTree;
  const names = Object.keys(presets);
  if (names.length === 0) throw new InputError(`preset is ${name}, but ${id} has no presets to choose from`);
  throw new InputError(
    `unknown preset ${name}${didYouMean(String(name), names)} (${id} has: ${names.join(", ")}; leave it out for the default)`,
  );
}
