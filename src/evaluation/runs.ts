/** @file What runs have left behind, read back, grouped, and laid side by side for statistics over seeds. */

import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { InputError } from "../errors.ts";
import { titleOfId } from "../ids.ts";
import { unknownName } from "../names.ts";
import { differences, isTree, mergeTrees, type SettingsTree } from "../trees.ts";
import {
  evaluationMetrics,
  METRICS,
  type RunResult,
  readMetrics,
  readResult,
  SUITE,
  type UpdateMetrics,
} from "./records.ts";
import { mean } from "./statistics.ts";

/** A run, as its directory tells. */
export interface RecordedRun {
  readonly path: string;
  /** `config.json` as it stands: it is not validated, so that runs of earlier versions can be shown too. */
  readonly config: SettingsTree;
  readonly seed: number;
  /** What a suite calls its task and its algorithm, if it was read as a part of one. */
  readonly variant?: { readonly task: string; readonly algorithm: string };
  readonly metrics: readonly UpdateMetrics[];
  /** Undefined while the run has not come to its end. */
  readonly result: RunResult | undefined;
}

/** Runs that differ in nothing but their seeds, as far as a figure is concerned. */
export interface RunGroup {
  readonly label: string;
  readonly runs: readonly RecordedRun[];
}

/**
 * Reads run directories, ended or not (one that is being written to may end in half a line); a suite's directory stands
 * for all runs in it.
 * @throws InputError if one of them is neither
 */
export async function readRuns(paths: readonly string[]): Promise<RecordedRun[]> {
  return (await Promise.all(paths.map(runsIn))).flat();
}

async function runsIn(path: string): Promise<RecordedRun[]> {
  const names = await readdir(path).catch((): string[] => []);
  if (!names.includes(SUITE) || names.includes("config.json")) return [await readOne(path)];
  const files = await readdir(path, { recursive: true });
  const runs = files.filter((file) => basename(file) === "config.json").map(dirname);
  const begun = runs.filter((run) => files.includes(join(run, METRICS))).sort();
  return Promise.all(
    begun.map(async (run) => {
      const [task, algorithm, ...rest] = run.split(sep);
      const recorded = await readOne(join(path, run));
      return rest.length === 1 ? { ...recorded, variant: { task, algorithm } } : recorded;
    }),
  );
}

async function readOne(path: string): Promise<RecordedRun> {
  const read = async <T>(name: string, reading: Promise<T>): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      if (error instanceof InputError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR") throw new InputError(`${join(path, name)}: ${message}`);
      throw new InputError(`${path} is not a run: it has no ${name}; give the directory that bpta train made`);
    }
  };
  const readConfig = async (): Promise<SettingsTree> => {
    const config: unknown = JSON.parse(await readFile(join(path, "config.json"), "utf8"));
    if (isTree(config)) return config;
    throw new Error("it must hold a mapping of settings");
  };
  const config = await read("config.json", readConfig());
  const metrics = await read("metrics.jsonl", readMetrics(path));
  const result = await read("result.json", readResult(path));
  return { path, config, seed: Number(config.seed), metrics: withLastEvaluation(metrics, result), result };
}

/** Only `result.json` knows how good a run was at its end: its last update gets to know it too. */
function withLastEvaluation(metrics: readonly UpdateMetrics[], result: RunResult | undefined) {
  const last = metrics.at(-1);
  if (!result || !last || last.evaluationReturn !== undefined) return metrics;
  return [...metrics.slice(0, -1), { ...last, ...evaluationMetrics(result.evaluation) }];
}

/**
 * Puts runs that are equal in some settings into one group each, in the order in which the runs were given.
 *
 * A label is made of the settings' values, with their names where the value alone says too little: `bppo, peerCoef 0`.
 * A setting that a run does not have (another algorithm's run may not) is left out of its label; if there is none that it
 * has, it goes by its algorithm.
 *
 * @param options.by paths of settings, such as `algorithm.peerCoef`; a section (`algorithm`, `env`) stands for its name.
 *   Default: the algorithm, and the environment where there are several; of a suite, what it calls them
 * @throws InputError if no run has such a setting, or if a group holds different environments or settings, or a seed twice
 *   (its interval over seeds would mean nothing)
 */
export function groupRuns(
  runs: readonly RecordedRun[],
  { by: given }: { readonly by?: readonly string[] } = {},
): RunGroup[] {
  /** A run's settings, with the names that a suite gave to its task and algorithm. */
  const named = ({ config, variant }: RecordedRun): SettingsTree =>
    given || !variant
      ? config
      : mergeTrees(config, { env: { id: variant.task }, algorithm: { name: variant.algorithm } });
  const several = new Set(runs.map((run) => nameOf(named(run).env))).size > 1;
  const by = given ?? (several ? ["algorithm", "env"] : ["algorithm"]);
  for (const path of by) {
    if (runs.every(({ config }) => settingAt(config, path) === undefined)) {
      throw unknownName("setting", path, [...new Set(runs.flatMap(({ config }) => settingPaths(config)))]);
    }
  }
  const groups = new Map<string, RecordedRun[]>();
  for (const run of runs) {
    const config = named(run);
    const key = JSON.stringify(by.map((path) => nameOf(settingAt(config, path)) ?? settingAt(config, path) ?? null));
    const group = groups.get(key);
    if (group) group.push(run);
    else groups.set(key, [run]);
  }
  const labels = labelsOf(
    [...groups.values()].map(([run]) => named(run)),
    by,
  );
  return [...groups.values()].map((members, i) => {
    const label = labels[i];
    const refuse = (reason: string): never => {
      throw new InputError(`group ${label} ${reason}; group by a setting in which its runs differ, or leave runs out`);
    };
    const environments = environmentsOf(members);
    if (environments.length > 1) refuse(`mixes environments (${environments.join(", ")})`);
    for (const [i, { path, seed }] of members.entries()) {
      const twin = members.slice(0, i).find((other) => other.seed === seed);
      if (twin) refuse(`has seed ${seed} twice (${twin.path}, ${path})`);
    }
    const [mixed, ...others] = mixedSettings(members);
    if (mixed) {
      const more = others.length > 0 ? ` (and ${others.map(({ path }) => path).join(", ")})` : "";
      refuse(`mixes ${mixed.path} ${describeValue(mixed.before)} and ${describeValue(mixed.after)}${more}`);
    }
    return { label, runs: members };
  });
}

/** Settings that do not make runs different things, beside their seeds. */
const BESIDE_THE_POINT =
  /^(seed|steps|startedAt|versions|machines|modules|evaluation|checkpoint|rollout\.workers|algorithm\.(threads|microBatch))(\.|$)/;

/** In what settings runs of a group differ. */
const mixedSettings = ([first, ...others]: readonly RecordedRun[]) =>
  others
    .flatMap((other) => differences(first.config, other.config))
    .filter(({ path }) => !BESIDE_THE_POINT.test(path))
    .filter(({ path }, i, all) => all.findIndex((other) => other.path === path) === i);

/** Identifiers of the environments that these runs are of, each once. */
export const environmentsOf = (runs: readonly RecordedRun[]): string[] => [
  ...new Set(runs.map(({ config }) => nameOf(config.env) ?? "unknown")),
];

const settingAt = (config: SettingsTree, path: string): unknown =>
  path.split(".").reduce<unknown>((value, key) => (isTree(value) ? value[key] : undefined), config);

/** The paths of all settings in a tree, sections included. */
const settingPaths = (tree: SettingsTree): string[] =>
  Object.entries(tree).flatMap(([key, value]) => [
    key,
    ...(isTree(value) ? settingPaths(value).map((path) => `${key}.${path}`) : []),
  ]);

/** What a section such as `algorithm` or `env` is called by. */
function nameOf(value: unknown): string | undefined {
  if (!isTree(value)) return undefined;
  const name = value.name ?? value.id;
  return typeof name === "string" ? name : undefined;
}

/** What groups are called, by a configuration of each: modules by their files, and as much above as tells them apart. */
function labelsOf(configs: readonly SettingsTree[], by: readonly string[]): string[] {
  const labelled = (parents: number): string[] =>
    configs.map((config) => {
      const parts = by.flatMap((path) => describeSetting(path, settingAt(config, path), by, parents));
      return parts.length > 0 ? parts.join(", ") : titleOfId(nameOf(config.algorithm) ?? "unknown", parents);
    });
  let labels = labelled(0);
  for (let parents = 1; new Set(labels).size < labels.length && parents < DEEPEST; parents++)
    labels = labelled(parents);
  return labels;
}

/** No module lies under more directories than this. */
const DEEPEST = 50;

/** A setting's part of a label: text and names of sections alone, other values after the setting's name. */
function describeSetting(path: string, value: unknown, by: readonly string[], parents: number): readonly string[] {
  if (value === undefined) return [];
  const text = typeof value === "string" ? value : nameOf(value);
  return [text === undefined ? `${shortPath(path, by)} ${describeValue(value)}` : titleOfId(text, parents)];
}

/** The end of a path that no other of these has. */
function shortPath(path: string, paths: readonly string[]): string {
  const keys = path.split(".");
  const ends = keys.map((_, i) => keys.slice(keys.length - 1 - i).join("."));
  return ends.find((end) => !paths.some((other) => other !== path && `.${other}`.endsWith(`.${end}`))) ?? path;
}

const describeValue = (value: unknown): string =>
  isTree(value)
    ? Object.entries(value)
        .map(([key, inner]) => `${key} ${describeValue(inner)}`)
        .join(" ")
    : value === undefined
      ? "not set"
      : Array.isArray(value)
        ? JSON.stringify(value)
        : String(value);

/** Runs' values of one metric at the same steps. */
export interface AlignedCurves {
  /** [P], ascending: environment steps, evenly spaced over the range that all the runs have. */
  readonly steps: Float64Array;
  /** By run: [P]. */
  readonly values: readonly Float64Array[];
}

/**
 * Mean of what a run recorded of a metric over the last fraction of its steps.
 * @throws InputError if it has not recorded it there
 */
export function finalMean(run: RecordedRun, metric: string, fraction: number): number {
  const curve = recorded(run, metric, "step");
  const from = run.metrics.at(-1)!.step * (1 - fraction);
  const last = curve.filter(({ step }) => step > from);
  if (last.length > 0) return mean(last.map(({ value }) => value));
  throw new InputError(`${run.path} has not recorded ${metric} in the last ${100 * fraction} % of its steps`);
}

/**
 * Lays runs side by side at steps within the range that all of them have.
 *
 * Each recorded value first becomes the mean of those recorded in a window that ends with it, so a curve never shows
 * what came later; between recorded values, curves are straight lines. The window is never shorter than the distance of
 * two of the steps, so that no record is lost between them. Updates in which the metric was not recorded (no episode
 * ended, no evaluation was due) are passed over.
 *
 * @param options.along what the curves run over: environment steps, or seconds of training (`steps` and the window are
 *   then in seconds)
 * @param options.points how many steps, P
 * @param options.smoothing length of the window, in environment steps
 * @throws InputError if a run has not recorded the metric, or if the runs have no steps in common
 */
export function alignCurves(
  runs: readonly RecordedRun[],
  metric: string,
  {
    along = "step",
    points = 250,
    smoothing = 0,
  }: { readonly along?: "step" | "wallSeconds"; readonly points?: number; readonly smoothing?: number } = {},
): AlignedCurves {
  const curves = runs.map((run) => recorded(run, metric, along));
  const first = Math.max(...curves.map(([{ step }]) => step));
  const last = Math.min(...curves.map((curve) => curve.at(-1)!.step));
  if (first > last) {
    const ranges = runs.map(({ path }, i) => `${path}: ${curves[i][0].step} to ${curves[i].at(-1)!.step}`);
    throw new InputError(`${metric}: the runs have no steps in common (${ranges.join(", ")})`);
  }
  const spacing = (last - first) / (points - 1);
  const steps = Float64Array.from({ length: first === last ? 1 : points }, (_, i) => first + spacing * i);
  const window = Math.max(smoothing, spacing);
  return { steps, values: curves.map((curve) => interpolated(smoothed(curve, window), steps)) };
}

/** Whether runs can be aligned: all have recorded the metric, from where the last begins to where the first ends. */
export function haveCommonRange(runs: readonly RecordedRun[], metric: string, along: "step" | "wallSeconds"): boolean {
  const curves = runs.map((run) => pointsOf(run, metric, along));
  if (curves.some(({ length }) => length === 0)) return false;
  return Math.max(...curves.map(([{ step }]) => step)) <= Math.min(...curves.map((curve) => curve.at(-1)!.step));
}

/** One recorded value of a metric. */
interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

/** What a run has recorded of a metric; numbers that JSON could not hold (null) are passed over. */
const pointsOf = (run: RecordedRun, metric: string, along: "step" | "wallSeconds"): readonly CurvePoint[] =>
  run.metrics.flatMap((update) => {
    const value = update[metric];
    return typeof value === "number" ? [{ step: update[along], value }] : [];
  });

/** The same of a run that must have recorded it. */
function recorded(run: RecordedRun, metric: string, along: "step" | "wallSeconds"): readonly CurvePoint[] {
  const curve = pointsOf(run, metric, along);
  if (curve.length > 0) return curve;
  if (run.metrics.length === 0) throw new InputError(`${run.path} has not recorded any update yet`);
  if (run.metrics.some((update) => metric in update))
    throw new InputError(`${run.path} has recorded ${metric}, but no number for it`);
  throw unknownName(`metric of ${run.path}:`, metric, [
    ...new Set(run.metrics.flatMap((update) => Object.keys(update))),
  ]);
}

function smoothed(curve: readonly CurvePoint[], window: number): readonly CurvePoint[] {
  let start = 0;
  return curve.map(({ step }, i) => {
    // The value itself is always in its window, however short.
    while (start < i && curve[start].step <= step - window) start += 1;
    return { step, value: mean(curve.slice(start, i + 1).map(({ value }) => value)) };
  });
}

/** Values at ascending steps within the curve's range, on straight lines between its points. */
function interpolated(curve: readonly CurvePoint[], steps: Float64Array): Float64Array {
  let next = 0;
  return steps.map((step) => {
    while (next < curve.length - 1 && curve[next].step < step) next += 1;
    const before = curve[Math.max(0, next - 1)];
    const after = curve[next];
    const fraction = after === before ? 0 : (step - before.step) / (after.step - before.step);
    return before.value + fraction * (after.value - before.value);
  });
}
