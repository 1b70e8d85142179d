/**
 * @file A suite: which algorithms are compared on which tasks, with which seeds. A benchmark as data.
 *
 * Resolving it gives its cells, one run each: a task, an algorithm, a seed, and the run's whole configuration.
 */

import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import type { AlgorithmDefinition } from "../algorithms/algorithm.ts";
import { findAlgorithm } from "../algorithms/registry.ts";
import { InputError } from "../errors.ts";
import { algorithmSchema, type RunConfig, resolveConfig } from "../experiment/config.ts";
import { readRun } from "../experiment/run.ts";
import { keepKnown, parseSettings, type SchemaNode, schemaNode } from "../experiment/settings.ts";
import { readSettingsFile } from "../experiment/settings-files.ts";
import { isModulePath, nameOfId } from "../ids.ts";
import { didYouMean, unknownName } from "../names.ts";
import { differences, isTree, mergeTrees, type SettingsTree } from "../trees.ts";
import { searchSchema } from "./search.ts";

/** Names become directories. */
const nameSchema = z
  .string()
  .refine((name) => /^\w[\w.+=-]*$/.test(name), "must be letters, digits, and . _ + = - (it names a directory)");

const settingsSchema = z.record(z.string(), z.unknown()).default({});

export const taskSchema = z.strictObject({
  name: nameSchema.optional().describe("what the task is called; default: the environment's id"),
  env: z
    .union([z.string(), z.strictObject({ id: z.string(), options: z.record(z.string(), z.unknown()).default({}) })])
    .describe("the environment: its id, or a mapping with id and options"),
  steps: z
    .int()
    .min(1)
    .optional()
    .describe("environment steps of each run; default: the suite's, or the environment's"),
  score: z
    .strictObject({
      min: z.number().describe("the score that is normalised to 0, such as that of a random team"),
      max: z.number().describe("the score that is normalised to 1, such as the best one known"),
    })
    .refine(({ min, max }) => min < max, "min must be less than max")
    .optional()
    .describe("ends of the scale for scores over all tasks; default: the lowest and the highest score of the data"),
  published: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        algorithm: z.string().optional(),
        points: z.array(z.tuple([z.int().min(0), z.number()])).min(1),
      }),
    )
    .default([])
    .describe(
      "what others report, to be marked in the task's curves: each with its name for the legend, points as [step, value], and the algorithm of the suite whose colour they take",
    ),
  config: settingsSchema.describe("settings of this task's runs (configuration.md), for all algorithms"),
});

/** Results that others report on a task. */
export type PublishedResults = z.output<typeof taskSchema>["published"][number];

export const variantSchema = z.strictObject({
  name: nameSchema.describe("what this variant of an algorithm is called"),
  algorithm: z
    .union([z.string(), z.looseObject({ name: z.string() })])
    .optional()
    .describe(
      "the algorithm: its id (or the path of a module), or a mapping with name and settings; default: the variant's name",
    ),
  config: settingsSchema.describe("other settings of its runs, such as policy.hidden"),
});

/** What runs tell of wherever episodes end. */
export const DEFAULT_CURVE = "episodeReturn";

/** A metric by its name; of evaluations, those that there are. */
const metricSchema = z
  .string()
  .refine(
    (name) => !/^-?eval/i.test(name) || /^-?evaluation(Return|WinRate|Info\..+)$/.test(name),
    "of evaluations there are evaluationReturn, evaluationWinRate and evaluationInfo.NAME",
  );

/** How a suite's runs are scored and compared. */
export const reportSchema = z.strictObject({
  score: metricSchema
    .default("evaluationReturn")
    .describe(
      "what a run is judged by: evaluationReturn or evaluationWinRate (greedy episodes at the end, of result.json), evaluationInfo.NAME (what the environment told in them), or a metric of metrics.jsonl over the end of training; with a minus before it, less is better: -evaluationInfo.minutes",
    ),
  window: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("of a score from metrics.jsonl: the last fraction of training that it is the mean over"),
  curve: metricSchema.default(DEFAULT_CURVE).describe("metric of the curves over steps and over time"),
  reference: z
    .string()
    .optional()
    .describe("algorithm that the figure of improvement is about; default: the first of the suite"),
  resamples: z.int().min(100).default(10_000).describe("bootstrap samples behind each interval (curves: a tenth)"),
  confidence: z.number().gt(0).lt(1).default(0.95).describe("probability that an interval is to hold the true value"),
});

/** What a suite file holds. */
export const suiteSchema = z.strictObject({
  name: nameSchema.optional().describe("what the suite is called; default: the file's name"),
  description: z.string().default("").describe("what is compared and why, for the report"),
  tasks: z
    .array(z.union([z.string(), taskSchema]))
    .min(1)
    .describe("what is learnt: ids of environments, or mappings (below)"),
  algorithms: z
    .array(z.union([z.string(), variantSchema]))
    .min(1)
    .describe("what is compared: ids of algorithms, or mappings (below)"),
  seeds: z
    .union([z.int().min(1), z.array(z.int().min(0)).min(1)])
    .default(5)
    .describe("how many seeds (from 0), or which"),
  steps: z.int().min(1).optional().describe("environment steps of each run; default: the environment's"),
  config: settingsSchema.describe("settings of all runs (configuration.md)"),
  report: reportSchema.prefault({}).describe("how runs are scored and compared (below)"),
  search: searchSchema.optional().describe("hyperparameters to look for, for `bpta tune` (below)"),
});

/** What a suite file holds, before defaults. */
export type SuiteSettings = z.input<typeof suiteSchema>;

/** A task, as runs and reports know it. */
export interface SuiteTask {
  readonly name: string;
  /** Ends of the scale of its scores, where the suite says. */
  readonly score: { readonly min: number; readonly max: number } | undefined;
  readonly published: readonly PublishedResults[];
  /** The settings of its runs, whatever the algorithm. */
  readonly settings: SettingsTree;
}

/** A variant of an algorithm. */
export interface SuiteAlgorithm {
  readonly name: string;
  readonly settings: SettingsTree;
  readonly definition: AlgorithmDefinition;
}

/** One run of a suite. */
export interface SuiteRun {
  /** Its directory within the suite's: `TASK/ALGORITHM/seed-N`. */
  readonly path: string;
  readonly task: string;
  readonly algorithm: string;
  readonly seed: number;
  readonly config: RunConfig;
}

/** A suite, checked and complete. */
export interface Suite {
  readonly name: string;
  readonly description: string;
  readonly tasks: readonly SuiteTask[];
  readonly algorithms: readonly SuiteAlgorithm[];
  readonly seeds: readonly number[];
  /** The settings of all runs, whatever the task and the algorithm. */
  readonly common: SettingsTree;
  readonly report: z.output<typeof reportSchema>;
  readonly search: z.output<typeof searchSchema> | undefined;
  /** Task by task, algorithm by algorithm, seed by seed. */
  readonly runs: readonly SuiteRun[];
}

/**
 * Reads a suite file (YAML or JSON). Paths of modules in it are relative to it.
 * @throws InputError, one line
 */
export async function readSuite(path: string): Promise<Suite> {
  const tree = await readSettingsFile(path, `suite ${path}`);
  const name = basename(path, extname(path));
  return await resolveSuite(tree.env === undefined ? tree : suiteOfConfig(tree), { name, directory: dirname(path) });
}

/** A run's configuration with a `search`, as a suite of one task and one algorithm. */
function suiteOfConfig({ env, algorithm, seed, steps, search, ...config }: SettingsTree): SettingsTree {
  const name = isTree(algorithm) ? algorithm.name : undefined;
  return {
    tasks: [{ env }],
    algorithms: [
      {
        name: nameOfId(String(name ?? "bppo")),
        ...(isTree(algorithm) && { algorithm: { name: "bppo", ...algorithm } }),
      },
    ],
    seeds: seed === undefined ? 1 : [seed],
    ...(steps !== undefined && { steps }),
    ...(search !== undefined && { search }),
    config,
  };
}

/**
 * Checks a suite and resolves the configuration of every run.
 *
 * @param settings what a suite file holds
 * @param options.name the suite's, where it does not say
 * @param options.directory that paths of modules are relative to; default: the working directory
 * @throws InputError, one line: the path, the value, what is allowed, the nearest valid name
 */
export async function resolveSuite(
  settings: SuiteSettings | SettingsTree,
  { name = "suite", directory = "." }: { readonly name?: string; readonly directory?: string } = {},
): Promise<Suite> {
  const parsed = parseSettings(suiteSchema, settings);
  const { description, report, search } = parsed;
  refuseSettings("config", parsed.config, ["env", "seed", "steps", "search", ["algorithm", "name"]]);
  const fromSuite = (id: string): string => (isModulePath(id) && !isAbsolute(id) ? resolve(directory, id) : id);
  const tasks = parsed.tasks.map((task): SuiteTask => {
    const {
      env,
      config,
      steps = parsed.steps,
      ...rest
    } = taskSchema.parse(typeof task === "string" ? { env: task } : task);
    const { id, options } = typeof env === "string" ? { id: env, options: {} } : env;
    const taskName = rest.name ?? nameOfId(id);
    refuseSettings(`tasks.${taskName}.config`, config, ["env", "seed", "steps", ["algorithm", "name"]]);
    return {
      name: taskName,
      score: rest.score,
      published: rest.published,
      settings: [
        parsed.config,
        config,
        { env: { id: fromSuite(id), options }, ...(steps !== undefined && { steps }) },
      ].reduce(mergeTrees),
    };
  });
  const variants: SuiteAlgorithm[] = [];
  for (const variant of parsed.algorithms) {
    const {
      name,
      algorithm = name,
      config,
    } = variantSchema.parse(typeof variant === "string" ? { name: nameOfId(variant), algorithm: variant } : variant);
    refuseSettings(`algorithms.${name}.config`, config, ["env", "seed", "steps", "algorithm"]);
    const given = typeof algorithm === "string" ? { name: algorithm } : algorithm;
    const own = { ...given, name: fromSuite(given.name) };
    const definition = await findAlgorithm(own.name).catch((error: Error) => {
      throw new InputError(`algorithms.${name}: ${error.message}`, { cause: error });
    });
    variants.push({ name, definition, settings: mergeTrees(config, { algorithm: own }) });
  }
  const seeds = typeof parsed.seeds === "number" ? Array.from({ length: parsed.seeds }, (_, i) => i) : parsed.seeds;
  refuseTwins(
    "tasks",
    tasks.map((task) => task.name),
  );
  refuseTwins(
    "algorithms",
    variants.map((variant) => variant.name),
  );
  refuseTwins("seeds", seeds.map(String));
  const names = variants.map((variant) => variant.name);
  const refuseUnknown = (where: string, name: string | undefined): void => {
    if (name !== undefined && !names.includes(name))
      throw new InputError(`${where}: ${unknownName("algorithm", name, names).message}`);
  };
  refuseUnknown("report.reference", report.reference);
  for (const { name, published } of tasks)
    for (const { algorithm } of published) refuseUnknown(`task ${name}, published`, algorithm);
  const runs: SuiteRun[] = [];
  for (const task of tasks) {
    refuseUnheard(task, variants);
    for (const variant of variants) {
      const config = await resolveConfig(runSettings(task, variant)).catch((error: Error) => {
        throw new InputError(`task ${task.name}, algorithm ${variant.name}: ${error.message}`, { cause: error });
      });
      for (const seed of seeds) {
        const path = join(task.name, variant.name, `seed-${seed}`);
        runs.push({ path, task: task.name, algorithm: variant.name, seed, config: { ...config, seed } });
      }
    }
  }
  return {
    name: parsed.name ?? nameOfId(name),
    description,
    tasks,
    algorithms: variants,
    seeds,
    common: { ...parsed.config, ...(parsed.steps !== undefined && { steps: parsed.steps }) },
    report,
    search,
    runs,
  };
}

/** The settings of an algorithm's runs on a task. What tasks say of algorithms, each algorithm hears if it concerns it. */
export function cellSettings({ settings }: Pick<SuiteTask, "settings">, variant: SuiteAlgorithm): SettingsTree {
  const { algorithm, ...others } = settings;
  const heard = isTree(algorithm) ? { algorithm: keepKnown(algorithm, algorithmNode(variant)) } : {};
  return [others, heard, variant.settings].reduce(mergeTrees);
}

/**
 * Runs beside one another get most done with a thread each: none waits for another. Numbers do not depend on it; what
 * the suite says goes over it.
 */
const ONE_THREAD: SettingsTree = { rollout: { workers: 1 }, algorithm: { threads: 1 } };

/** The same for a run that has others beside it. */
export const runSettings = (task: SuiteTask, variant: SuiteAlgorithm): SettingsTree =>
  cellSettings({ ...task, settings: mergeTrees(ONE_THREAD, task.settings) }, variant);

export const algorithmNode = ({ name, definition }: SuiteAlgorithm): SchemaNode =>
  schemaNode(algorithmSchema(name, definition));

/** Settings of algorithms that none of them has. */
function refuseUnheard(task: SuiteTask, variants: readonly SuiteAlgorithm[]): void {
  const { algorithm } = task.settings;
  if (algorithm === undefined) return;
  if (!isTree(algorithm)) throw new InputError("config.algorithm must be a mapping of settings");
  const known = new Set(variants.flatMap((variant) => Object.keys(algorithmNode(variant).properties ?? {})));
  for (const key of Object.keys(algorithm)) {
    if (known.has(key)) continue;
    const names = [...known].filter((name) => name !== "name");
    throw new InputError(
      `task ${task.name}: algorithm.${key} is not a setting of any algorithm of the suite${didYouMean(key, names)} (there are: ${names.join(", ")})`,
    );
  }
}

/** Settings that a suite has a place of its own for. */
const placesOf: Readonly<Record<string, string>> = {
  env: "tasks",
  seed: "the suite's seeds",
  steps: "the steps of the suite or of a task, so that all algorithms have the same",
  algorithm: "the algorithm of this variant",
  "algorithm.name": "the suite's algorithms",
  search: "the suite's search",
};

function refuseSettings(where: string, config: SettingsTree, paths: readonly (string | readonly string[])[]): void {
  for (const path of paths) {
    const keys = [path].flat();
    const value = keys.reduce<unknown>((tree, key) => (isTree(tree) ? tree[key] : undefined), config);
    if (value === undefined) continue;
    throw new InputError(`${where}.${keys.join(".")} can't be set there; set ${placesOf[keys.join(".")]}`);
  }
}

/** Names are compared as careless file systems do. */
function refuseTwins(where: string, names: readonly string[]): void {
  const twin = names.find((name, i) => names.slice(0, i).some((other) => other.toLowerCase() === name.toLowerCase()));
  if (twin !== undefined) throw new InputError(`${where}: ${twin} is there twice; give each a name of its own`);
}

/** What there is of a run. */
export type RunState = "new" | "started" | "finished";

/** Settings on which no number depends: a run that was begun with others is the same run. */
const SPEED_ONLY = new Set(["algorithm.threads", "rollout.workers"]);

/**
 * Looks at what a directory holds of a run, and whether it was made with this configuration.
 * @throws InputError, one line, if it was made with another
 */
export async function stateOfRun(path: string, config: RunConfig): Promise<RunState> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (!names.includes("config.json")) return "new";
  const stored = await readRun(path);
  const changed = differences(stored.config, JSON.parse(JSON.stringify(config))).filter(
    ({ path }) => !SPEED_ONLY.has(path),
  );
  if (changed.length > 0) {
    const [first, ...others] = changed;
    const more =
      others.length > 0 ? ` (and ${others.length} more: ${others.map((other) => other.path).join(", ")})` : "";
    const show = (value: unknown) => (value === undefined ? "not set" : JSON.stringify(value));
    throw new InputError(
      `${path} was made with ${first.path} ${show(first.before)}, now it is ${show(first.after)}${more}; give another --out, or delete the runs that no longer hold`,
    );
  }
  return names.includes("result.json") ? "finished" : "started";
}

/** The versions that a run was made with. */
export const versionsOfRun = async (path: string): Promise<Readonly<Record<string, string>>> =>
  (JSON.parse(await readFile(join(path, "config.json"), "utf8")) as { readonly versions?: Record<string, string> })
    .versions ?? {};
