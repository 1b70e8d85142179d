/**
 * @file A search for hyperparameters: points of a space are tried, on all tasks of a suite and with all its seeds.
 *
 * Random search (Bergstra & Bengio 2012), or successive halving (Jamieson & Talwalkar 2016): of η trials the best goes
 * on, with η times the steps. It goes on from its checkpoint, as the run that it would have been if nobody had stopped
 * it. Rounds end together, unlike in ASHA (Li et al. 2020), so that a search is a function of its seed.
 */

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { InputError, InterruptedError } from "../errors.ts";
import { csvTable } from "../evaluation/csv.ts";
import { type EvaluationSummary, readMetrics } from "../evaluation/records.ts";
import { readRuns } from "../evaluation/runs.ts";
import { mean } from "../evaluation/statistics.ts";
import { type RunConfig, resolveConfig } from "../experiment/config.ts";
import { writeFileAtomically } from "../experiment/files.ts";
import { table } from "../markdown.ts";
import { didYouMean } from "../names.ts";
import { Random } from "../random.ts";
import { withValueAt } from "../trees.ts";
import { type BenchmarkEvent, inSuiteDirectory, type SuiteOptions } from "./benchmark.ts";
import { type Job, type Outcome, runJobs } from "./processes.ts";
import { scoreOf } from "./report.ts";
import { formatScore } from "./report-files.ts";
import { type Search, type SearchPoint, searchPoints } from "./search.ts";
import {
  algorithmNode,
  cellSettings,
  readSuite,
  resolveSuite,
  runSettings,
  type Suite,
  type SuiteAlgorithm,
  type SuiteSettings,
  stateOfRun,
} from "./suite.ts";

/** What happens while a search goes on: as in a benchmark, and its rounds. */
export type TuneEvent =
  | BenchmarkEvent
  | {
      readonly kind: "round";
      readonly algorithm: string;
      /** From 1. */
      readonly round: number;
      readonly rounds: number;
      readonly trials: number;
      /** Of each run, at the end of the round (of the first task, where tasks differ). */
      readonly steps: number;
    };

export interface TuneOptions extends Omit<SuiteOptions, "onProgress"> {
  readonly onProgress?: (event: TuneEvent) => void;
}

/** A point that was tried, and how far it got. */
export interface Trial {
  readonly trial: number;
  readonly values: SearchPoint;
  /** The rounds that it was in. */
  readonly rounds: number;
  /** Of each run at the end of its last round (of the first task, where tasks differ). */
  readonly steps: number;
  /** At the end of its last round: mean over tasks and seeds; undefined if a run failed. */
  readonly score: number | undefined;
  /** Why it has no score. */
  readonly failure: string | undefined;
}

/** What a search for one algorithm came to. */
export interface TunedAlgorithm {
  readonly algorithm: string;
  /** The best first: those that got further, then those with the higher score. */
  readonly trials: readonly Trial[];
  readonly best: Trial;
  /** File with the best settings, for `bpta train --config`. */
  readonly config: string;
}

export interface TuneResult {
  /** The search's directory. */
  readonly path: string;
  readonly algorithms: readonly TunedAlgorithm[];
}

/**
 * Searches for the hyperparameters of each algorithm of a suite, one after the other, with as many trials for each.
 * What is done already, in the same directory, is not done again.
 *
 * `report/` in that directory has the trials as `search.md`, `trials.csv` and `search.json`, and `best-ALGORITHM.yaml`.
 *
 * @param suite a file's path, or what it would hold: a suite, or a run's configuration; with a `search`
 * @throws InputError, one line, if it can't be used
 * @throws InterruptedError if it was asked to stop
 */
export async function tune(suite: string | SuiteSettings, options: TuneOptions = {}): Promise<TuneResult> {
  const resolved = typeof suite === "string" ? await readSuite(suite) : await resolveSuite(suite);
  const { search } = resolved;
  if (!search) throw new InputError(`${resolved.name} has no search; it must say which settings to look for`);
  const unscaled = resolved.tasks.find(({ score }) => score === undefined);
  if (resolved.tasks.length > 1 && unscaled) {
    throw new InputError(
      `task ${unscaled.name} has no score: { min, max }; with several tasks each must have one, so that scores can be averaged`,
    );
  }
  refuseUnheardPaths(search, resolved.algorithms);
  // All configurations are checked before anything is run.
  const plans = await Promise.all(resolved.algorithms.map((variant) => planOf(resolved, search, variant)));
  const { onProgress = () => {}, ...others } = options;
  return await inSuiteDirectory(resolved, others, async (path) => {
    const memory = await openMemory(path);
    const tuned: Omit<TunedAlgorithm, "config">[] = [];
    for (const plan of plans) tuned.push(await searchFor(plan, resolved, search, path, memory, options));
    const result = await writeTuning(tuned, resolved, search, path);
    onProgress({ kind: "report", path: join(path, "report", "search.md"), missing: [] });
    return { path, algorithms: result };
  });
}

/** Whether an algorithm has a setting. What is not the algorithm's own, all have. */
function concerns(path: string, variant: SuiteAlgorithm): boolean {
  const [section, name] = path.split(".");
  if (section !== "algorithm") return true;
  return name in (algorithmNode(variant).properties ?? {});
}

function refuseUnheardPaths({ space }: Search, variants: readonly SuiteAlgorithm[]): void {
  for (const path of Object.keys(space)) {
    if (["env", "seed", "steps"].includes(path.split(".")[0]) || path === "algorithm.name") {
      throw new InputError(`search.space.${path} can't be looked for: the suite says what it is`);
    }
    if (variants.some((variant) => concerns(path, variant))) continue;
    const names = variants.flatMap((variant) => Object.keys(algorithmNode(variant).properties ?? {}));
    const known = [...new Set(names)].filter((name) => name !== "name").map((name) => `algorithm.${name}`);
    throw new InputError(
      `search.space.${path} is not a setting of any algorithm of the suite${didYouMean(path, known)} (there are: ${known.join(", ")})`,
    );
  }
}

/** A run of a trial. */
interface TrialRun {
  readonly task: number;
  /** Within the search's directory. */
  readonly path: string;
  readonly config: RunConfig;
}

/** What is tried for an algorithm. */
interface Plan {
  readonly variant: SuiteAlgorithm;
  /** By number. A point that came up before is not tried again, so some numbers are missing where there are few points. */
  readonly trials: ReadonlyMap<number, { readonly values: SearchPoint; readonly runs: readonly TrialRun[] }>;
}

async function planOf(suite: Suite, search: Search, variant: SuiteAlgorithm): Promise<Plan> {
  const paths = Object.keys(search.space).filter((path) => concerns(path, variant));
  const points = searchPoints(search, new Random(search.seed), paths);
  const seen = points.map((point) => JSON.stringify(point));
  const trials = await Promise.all(
    points.map(async (values, trial) => {
      if (seen.indexOf(seen[trial]) < trial) return [];
      const runs = await Promise.all(
        suite.tasks.map(async (task, i) => {
          const settings = Object.entries(values).reduce(
            (tree, [path, value]) => withValueAt(tree, path, value),
            runSettings(task, variant),
          );
          const config = await resolveConfig(settings).catch((error: Error) => {
            const point = Object.entries(values).map(([path, value]) => `${path} ${JSON.stringify(value)}`);
            const where = `task ${task.name}, algorithm ${variant.name}, trial ${trial} (${point.join(", ")})`;
            throw new InputError(`${where}: ${error.message}`, { cause: error });
          });
          return suite.seeds.map((seed): TrialRun => {
            // As many digits however many trials there are: a search that grows finds what it has.
            const name = `trial-${String(trial).padStart(2, "0")}`;
            return { task: i, path: join(variant.name, name, task.name, `seed-${seed}`), config: { ...config, seed } };
          });
        }),
      );
      return [[trial, { values, runs: runs.flat() }]] as const;
    }),
  );
  return { variant, trials: new Map(trials.flat()) };
}

/**
 * The rounds of a search: how many trials each has, and the fraction of all steps that they have made at its end.
 *
 * @param steps of a run that is not stopped
 * @param update steps between two updates: no round is shorter
 */
export function roundsOf(
  search: Pick<Search, "method" | "trials" | "eta" | "minSteps">,
  steps: number,
  update = 1,
): { readonly trials: number; readonly fraction: number }[] {
  const { method, trials, eta, minSteps = steps / eta ** 3 } = search;
  if (method === "random") return [{ trials, fraction: 1 }];
  if (minSteps > steps)
    throw new InputError(`search.minSteps is ${minSteps}, must be at most the steps of a run, ${steps}`);
  const first = Math.min(steps, Math.max(update, minSteps));
  const last = Math.max(0, Math.floor(Math.log(steps / first) / Math.log(eta) + 1e-9));
  // One that is left alone is judged at each round, too: a search with more trials compares others with it there.
  return Array.from({ length: last + 1 }, (_, round) => ({
    trials: Math.max(1, Math.floor(trials / eta ** round)),
    fraction: eta ** (round - last),
  }));
}

/** How many points a search tries. Drawn ones count as often as they came up: a search that grows keeps its rounds. */
const pointsTried = ({ points, trials }: Search, different: number): number => (points === "grid" ? different : trials);

/** How good runs were where they were put aside, by path and step; it outlives the process. */
interface Memory {
  get(path: string, step: number): EvaluationSummary | undefined;
  set(path: string, step: number, evaluation: EvaluationSummary): Promise<void>;
}

const MEMORY = "evaluations.json";

async function openMemory(directory: string): Promise<Memory> {
  const file = join(directory, MEMORY);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  const known = JSON.parse(text) as Record<string, EvaluationSummary>;
  let writing = Promise.resolve();
  return {
    get: (path, step) => known[`${path}@${step}`],
    set(path, step, evaluation) {
      known[`${path}@${step}`] = evaluation;
      // One after the other: each writes all that is known by then.
      writing = writing.then(() => writeFileAtomically(file, `${JSON.stringify(known, null, 1)}\n`));
      return writing;
    },
  };
}

/** What a run came to in a round. */
type RunScore = { readonly score: number } | { readonly failure: string };

async function searchFor(
  { variant, trials }: Plan,
  suite: Suite,
  search: Search,
  path: string,
  memory: Memory,
  { onProgress = () => {}, workers = availableParallelism(), signal }: TuneOptions,
): Promise<Omit<TunedAlgorithm, "config">> {
  // Tasks may differ; steps are told of the first.
  const configs = trials.get(0)!.runs.map(({ config }) => config);
  const [{ steps: totalSteps }] = configs;
  const updates = configs.map(({ rollout, steps }) => (rollout.environments * rollout.length) / steps);
  const rounds = roundsOf(
    { ...search, trials: pointsTried(search, trials.size) },
    totalSteps,
    totalSteps * Math.max(...updates),
  );
  const stepsAt = (fraction: number) => Math.ceil(fraction / updates[0] - 1e-9) * Math.round(totalSteps * updates[0]);
  const results = new Map<number, Trial>();
  for (const [trial, { values }] of trials)
    results.set(trial, { trial, values, rounds: 0, steps: 0, score: undefined, failure: "not begun" });
  let left = [...results.keys()];
  for (const [round, { trials: count, fraction }] of rounds.entries()) {
    // Those that failed don't come back.
    if (round > 0) left = ranked(left.map((trial) => results.get(trial)!).filter(({ score }) => score !== undefined));
    left = left.slice(0, count);
    if (left.length === 0) break;
    const pauseAt = (config: RunConfig): number | undefined =>
      fraction === 1 ? undefined : Math.ceil(config.steps * fraction);
    onProgress({
      kind: "round",
      algorithm: variant.name,
      round: round + 1,
      rounds: rounds.length,
      trials: left.length,
      steps: stepsAt(fraction),
    });
    const runs = left.flatMap((trial) => trials.get(trial)!.runs);
    const scores = await makeRound(runs, pauseAt, suite, path, memory, { onProgress, workers, signal });
    for (const trial of left) {
      const own = trials.get(trial)!.runs.map((run) => scores.get(run.path)!);
      const failure = own.flatMap((score) => ("failure" in score ? [score.failure] : []))[0];
      results.set(trial, {
        ...results.get(trial)!,
        rounds: round + 1,
        steps: stepsAt(fraction),
        score:
          failure === undefined ? mean(own.map((score) => ("score" in score ? score.score : Number.NaN))) : undefined,
        failure,
      });
    }
  }
  const order = ranked([...results.values()]).map((trial) => results.get(trial)!);
  const [best] = order;
  if (best.score === undefined) {
    throw new Error(`${variant.name}: every trial failed; the first: ${results.get(0)!.failure}`);
  }
  return { algorithm: variant.name, trials: order, best };
}

/** The trials' numbers, the best first. */
const ranked = (trials: readonly Trial[]): number[] =>
  trials
    .toSorted(
      (a, b) =>
        Number(b.score !== undefined) - Number(a.score !== undefined) ||
        b.rounds - a.rounds ||
        b.score! - a.score! ||
        a.trial - b.trial,
    )
    .map(({ trial }) => trial);

interface RoundOptions {
  readonly onProgress: (event: TuneEvent) => void;
  readonly workers: number;
  readonly signal: AbortSignal | undefined;
}

/** Brings runs to the end of a round. Returns what each came to there, by path. */
async function makeRound(
  runs: readonly TrialRun[],
  pauseAt: (config: RunConfig) => number | undefined,
  suite: Suite,
  path: string,
  memory: Memory,
  { onProgress, workers, signal }: RoundOptions,
): Promise<Map<string, RunScore>> {
  const scores = new Map<string, RunScore>();
  const left: TrialRun[] = [];
  let started = 0;
  const scoreAt = async (run: TrialRun, evaluation: EvaluationSummary | undefined): Promise<RunScore> => {
    const { min, max } = suite.tasks[run.task].score ?? { min: 0, max: 1 };
    const [recorded] = await readRuns([join(path, run.path)]);
    const step = pauseAt(run.config);
    // A run that has gone further since is judged by what it was then.
    const metrics = step === undefined ? recorded.metrics : upTo(recorded.metrics, step);
    const judged = { ...recorded, metrics, result: evaluation ? { ...recorded.result!, evaluation } : recorded.result };
    return { score: (scoreOf(judged, suite.report) - min) / (max - min) };
  };
  for (const run of runs) {
    const directory = join(path, run.path);
    const state = await stateOfRun(directory, run.config);
    const step = pauseAt(run.config);
    const evaluation = step === undefined ? undefined : memory.get(run.path, step);
    const isDone = step === undefined ? state === "finished" : state !== "new" && evaluation !== undefined;
    if (!isDone && step !== undefined && state !== "new") await refuseIfPast(directory, run, step);
    if (isDone) scores.set(run.path, await scoreAt(run, evaluation));
    else left.push(run);
    if (!isDone && state !== "new") started += 1;
  }
  const stepsOf = (some: readonly TrialRun[]) =>
    some.reduce((sum, { config }) => sum + (pauseAt(config) ?? config.steps), 0);
  onProgress({
    kind: "plan",
    path,
    runs: runs.length,
    steps: stepsOf(runs),
    finished: scores.size,
    finishedSteps: stepsOf(runs) - stepsOf(left),
    started,
    workers,
  });
  const writes: Promise<void>[] = [];
  const outcomes: Outcome[] = await runJobs(
    left.map(
      (run): Job => ({
        name: run.path,
        path: join(path, run.path),
        config: run.config,
        pauseAt: pauseAt(run.config),
      }),
    ),
    {
      workers,
      signal,
      onEvent: (job, event) => {
        onProgress({ kind: "run", run: job.name, progress: event });
        if (event.kind === "pause") writes.push(memory.set(job.name, job.pauseAt!, event.evaluation));
      },
      onOutcome: (job, outcome) => onProgress({ kind: "end", run: job.name, outcome }),
    },
  );
  await Promise.all(writes);
  for (const [i, run] of left.entries()) {
    const outcome = outcomes[i];
    if (outcome.kind === "stopped") {
      if (signal?.aborted) throw new InterruptedError("stopped", path);
      throw new Error(`${run.path} was stopped by something else; the same command goes on`);
    }
    if (outcome.kind === "failed") scores.set(run.path, { failure: outcome.message });
    else scores.set(run.path, await scoreAt(run, outcome.kind === "paused" ? outcome.evaluation : undefined));
  }
  return scores;
}

/** @throws InputError if a run that is to be judged at a step is past it: rounds were others when it was made */
async function refuseIfPast(directory: string, { path, config: { rollout } }: TrialRun, step: number): Promise<void> {
  const made = (await readMetrics(directory)).at(-1)?.step ?? 0;
  if (made - rollout.environments * rollout.length < step) return;
  throw new InputError(
    `${path} is past step ${step} and was not judged there: search.method, eta or minSteps, or steps, were others; give another --out`,
  );
}

const upTo = <T extends { readonly step: number }>(metrics: readonly T[], step: number): T[] => {
  const end = metrics.findIndex((update) => update.step >= step);
  return end < 0 ? [...metrics] : metrics.slice(0, end + 1);
};

/** Writes what a search came to; returns it with the files of the best settings. */
async function writeTuning(
  tuned: readonly Omit<TunedAlgorithm, "config">[],
  suite: Suite,
  search: Search,
  path: string,
): Promise<TunedAlgorithm[]> {
  const directory = join(path, "report");
  const results: TunedAlgorithm[] = [];
  for (const result of tuned) {
    const variant = suite.algorithms.find(({ name }) => name === result.algorithm)!;
    const config = join(directory, `best-${result.algorithm}.yaml`);
    await writeFileAtomically(config, bestConfig(suite, variant, result.best));
    results.push({ ...result, config });
  }
  const settings = Object.keys(search.space);
  const rows = results.flatMap(({ algorithm, trials }) =>
    trials.map(({ trial, values, rounds, steps, score, failure }, rank) => [
      algorithm,
      rank + 1,
      trial,
      ...settings.map((name) => values[name]),
      rounds,
      steps,
      score,
      failure,
    ]),
  );
  const head = ["algorithm", "rank", "trial", ...settings, "rounds", "steps", "score", "failure"];
  await writeFileAtomically(join(directory, "trials.csv"), csvTable(head, rows));
  const { name, description, report } = suite;
  const json = { suite: name, description, search, score: report.score, algorithms: results };
  await writeFileAtomically(join(directory, "search.json"), `${JSON.stringify(json, null, 1)}\n`);
  await writeFileAtomically(join(directory, "search.md"), tuningMarkdown(results, suite, search));
  return results;
}

/** The best settings, as a file that `bpta train --config` takes. */
function bestConfig({ name, tasks, common }: Suite, variant: SuiteAlgorithm, { values, trial, score }: Trial): string {
  const settings = Object.entries(values).reduce(
    (tree, [path, value]) => withValueAt(tree, path, value),
    cellSettings(tasks.length === 1 ? tasks[0] : { settings: common }, variant),
  );
  const note = `# The best of ${name}, ${variant.name}: trial ${trial}, score ${formatScore(score!)}.`;
  return `${note}\n${stringify(settings)}`;
}

function tuningMarkdown(results: readonly TunedAlgorithm[], suite: Suite, search: Search): string {
  const { name, description, tasks, seeds, report } = suite;
  const scale = tasks.length > 1 ? ", normalised, mean over tasks" : "";
  const parts = [
    `# ${name}`,
    ...(description === "" ? [] : [description]),
    `${search.points === "grid" ? "All combinations" : `${search.trials} trials for each algorithm`}, ${search.method === "random" ? "all to the end" : `successive halving with η = ${search.eta}`}; tasks: ${tasks.map((task) => task.name).join(", ")}; seeds: ${seeds.join(", ")}. A score is \`${report.score}\` (mean over seeds${scale}) at the end of a trial's last round.`,
    "The best of many scores is flattered by its luck: before you compare the best settings with others, run them again with seeds that the search has not seen (`bpta benchmark`).",
  ];
  for (const { algorithm, trials, best } of results) {
    const settings = Object.keys(best.values);
    const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
    parts.push(
      `## ${algorithm}`,
      `Best: ${settings.map((path) => `\`${path}\` ${show(best.values[path])}`).join(", ")}; score ${formatScore(best.score!)}. \`bpta train ${tasks.length === 1 ? ((tasks[0].settings.env as { readonly id: string }).id ?? "ENV") : "ENV"} --config best-${algorithm}.yaml\` trains with it.`,
      table(
        ["rank", "trial", ...settings.map((path) => `\`${path}\``), "steps", "score"],
        trials.map(({ trial, values, steps, score, failure }, rank) => [
          String(rank + 1),
          String(trial),
          ...settings.map((path) => show(values[path])),
          steps.toLocaleString("en"),
          score === undefined ? `failed: ${failure}` : formatScore(score),
        ]),
      ),
    );
  }
  return `${parts.join("\n\n")}\n`;
}
