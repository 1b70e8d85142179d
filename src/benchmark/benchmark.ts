/** @file A benchmark: all runs of a suite, then a report that says how sure it is. */

import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { InputError, InterruptedError } from "../errors.ts";
import { SUITE } from "../evaluation/records.ts";
import { readRuns } from "../evaluation/runs.ts";
import { sweepUnfinished, writeFileAtomically } from "../experiment/files.ts";
import { isLock, lockDirectory } from "../experiment/lock.ts";
import type { TrainEvent } from "../experiment/train.ts";
import type { SettingsTree } from "../trees.ts";
import { type Job, type Outcome, runJobs } from "./processes.ts";
import { type BenchmarkReport, createReport, type MissingRun, scoreOf } from "./report.ts";
import { writeReport } from "./report-files.ts";
import {
  type RunState,
  readSuite,
  resolveSuite,
  type Suite,
  type SuiteRun,
  type SuiteSettings,
  stateOfRun,
  versionsOfRun,
} from "./suite.ts";

/** What happens while runs are made, in order: a plan, the events of runs and their ends, a report. */
export type BenchmarkEvent =
  | {
      readonly kind: "plan";
      /** The suite's directory. */
      readonly path: string;
      /** Number of runs, and how many steps they have altogether. */
      readonly runs: number;
      readonly steps: number;
      /** Of those, what is done already. */
      readonly finished: number;
      readonly finishedSteps: number;
      /** Runs that were cut off and are gone on with. */
      readonly started: number;
      /** Runs at a time. */
      readonly workers: number;
    }
  /** Something in a run; `run` is its name, `TASK/ALGORITHM/seed-N`. */
  | { readonly kind: "run"; readonly run: string; readonly progress: TrainEvent }
  /** A run has come to an end. */
  | { readonly kind: "end"; readonly run: string; readonly outcome: Outcome }
  | { readonly kind: "notice"; readonly message: string }
  | { readonly kind: "report"; readonly path: string; readonly missing: readonly MissingRun[] };

/** How runs are made and watched. */
export interface SuiteOptions {
  /** Directory that all runs go into; default: `runs/NAME`. What is there already is not made again. */
  readonly out?: string | undefined;
  /** Runs at a time; default: the number of cores. */
  readonly workers?: number | undefined;
  readonly onProgress?: (event: BenchmarkEvent) => void;
  /** Once aborted, runs finish their update and leave a checkpoint, and no others are begun. */
  readonly signal?: AbortSignal | undefined;
}

export interface BenchmarkOptions extends SuiteOptions {
  /** Make no runs: report on those that are there. */
  readonly reportOnly?: boolean | undefined;
  /**
   * Make these runs alone, and report on all that are there: `TASK/ALGORITHM/seed-N`, where `*` stands for any task,
   * algorithm or seed, and what is left out at the end for all. Default: every run.
   */
  readonly only?: readonly string[] | undefined;
}

/** What a benchmark came to. */
export interface BenchmarkResult {
  /** The suite's directory. */
  readonly path: string;
  readonly report: BenchmarkReport;
  /** Runs that were begun, and failed. */
  readonly failures: readonly MissingRun[];
}

/**
 * Makes all runs of a suite that are not there yet, each in a process of its own, and reports on them: `report/` in the
 * suite's directory has it as Markdown, as JSON, and as figures.
 *
 * @param suite a suite file's path, or what it would hold
 * @throws InputError, one line, if the suite can't be used, if it has no run that `only` names, or if its runs were made
 *   with another configuration
 * @throws InterruptedError if it was asked to stop
 */
export async function benchmark(
  suite: string | SuiteSettings,
  options: BenchmarkOptions = {},
): Promise<BenchmarkResult> {
  const resolved = typeof suite === "string" ? await readSuite(suite) : await resolveSuite(suite);
  const report = async (path: string, failures: readonly MissingRun[] = []): Promise<BenchmarkResult> => {
    await noticeVersions(resolved.runs, path, onProgress);
    const report = await createReport(resolved, path, failures);
    const file = await writeReport(report, join(path, "report"));
    onProgress({ kind: "report", path: file, missing: report.missing });
    return { path, report, failures };
  };
  const { onProgress = () => {}, signal } = options;
  if (resolved.search) {
    const message = `${resolved.name} has a search: bpta tune makes it; here settings are compared as they stand`;
    onProgress({ kind: "notice", message });
  }
  const chosen = chooseRuns(resolved.runs, options.only);
  if (options.reportOnly) {
    // Others may be at work there: nothing is written but the report.
    const path = pathOf(resolved, options);
    await statesOf(resolved.runs, path);
    return await report(path);
  }
  const check = (path: string) => statesOf(resolved.runs, path);
  return await inSuiteDirectory(resolved, { ...options, check }, async (path) => {
    const failures = await makeRuns(resolved, chosen, await statesOf(chosen, path), path, options);
    if (signal?.aborted) throw new InterruptedError("stopped", path);
    return await report(path, failures);
  });
}

/** The runs that any of the patterns fits, see `BenchmarkOptions.only`. */
function chooseRuns(runs: readonly SuiteRun[], only: readonly string[] | undefined): readonly SuiteRun[] {
  if (!only || only.length === 0) return runs;
  const fits = (pattern: string, { task, algorithm, seed }: SuiteRun): boolean => {
    const names = [task, algorithm, `seed-${seed}`];
    const parts = pattern.split("/");
    return parts.length <= names.length && parts.every((part, i) => part === "*" || part === names[i]);
  };
  for (const pattern of only) {
    if (runs.some((run) => fits(pattern, run))) continue;
    const each = (of: (run: SuiteRun) => string | number) => [...new Set(runs.map(of))].join(", ");
    throw new InputError(
      `--only ${pattern} is no run of the suite; allowed: TASK/ALGORITHM/seed-N (* for any) of the tasks ` +
        `${each(({ task }) => task)}, the algorithms ${each(({ algorithm }) => algorithm)}, the seeds ${each(({ seed }) => seed)}`,
    );
  }
  return runs.filter((run) => only.some((pattern) => fits(pattern, run)));
}

const pathOf = (suite: Suite, { out = join("runs", suite.name) }: SuiteOptions): string => out;

/**
 * Does something with a suite's directory, which nobody else may do meanwhile.
 * @param options.check refuses what is in there before anything is written
 */
export async function inSuiteDirectory<T>(
  suite: Suite,
  { check, ...options }: SuiteOptions & { readonly check?: (path: string) => Promise<unknown> },
  body: (path: string) => Promise<T>,
): Promise<T> {
  const out = pathOf(suite, options);
  const lock = await lockDirectory(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTDIR" && error.code !== "EEXIST") throw error;
    throw new InputError(`--out ${out} is a file; it must be a directory`);
  });
  try {
    await sweepUnfinished(out);
    const names = (await readdir(out)).filter((name) => !isLock(name));
    if (names.length > 0 && !names.includes(SUITE)) {
      throw new InputError(`--out ${out} holds something that is no suite; give a new or empty directory`);
    }
    await check?.(out);
    const { name, description, tasks, algorithms, seeds, report, search } = suite;
    const compared = algorithms.map(({ name, settings }) => ({ name, settings }));
    const content = { name, description, tasks, algorithms: compared, seeds, report, search };
    await writeFileAtomically(join(out, SUITE), `${JSON.stringify(content, null, 2)}\n`);
    return await body(out);
  } finally {
    await lock.release();
  }
}

/** What there is of each run; refuses, before anything is done, runs that were made with another configuration. */
async function statesOf(runs: readonly SuiteRun[], path: string): Promise<RunState[]> {
  const states: RunState[] = [];
  for (const run of runs) states.push(await stateOfRun(join(path, run.path), run.config));
  return states;
}

/**
 * The runs that are not finished, in the order in which they are made: what was begun first, then seed by seed, so that
 * what is finished at any time has as many runs of one algorithm as of another.
 */
export function inTurn(runs: readonly SuiteRun[], states: readonly RunState[]): SuiteRun[] {
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  return ["started", "new"].flatMap((state) =>
    seeds.flatMap((seed) => runs.filter((run, i) => states[i] === state && run.seed === seed)),
  );
}

/**
 * Makes the runs that are not finished; those that could not be are returned.
 * @throws InputError if a run has no such thing as the suite's score: the first that is finished tells, and stops the others
 */
async function makeRuns(
  { report }: Suite,
  runs: readonly SuiteRun[],
  states: readonly RunState[],
  path: string,
  { workers = availableParallelism(), onProgress = () => {}, signal }: SuiteOptions,
): Promise<MissingRun[]> {
  const stepsOf = (some: readonly SuiteRun[]) => some.reduce((sum, { config }) => sum + config.steps, 0);
  const finished = runs.filter((_, i) => states[i] === "finished");
  const left = inTurn(runs, states);
  const score = async (directory: string) => scoreOf((await readRuns([directory]))[0], report);
  for (const run of finished) await score(join(path, run.path));
  onProgress({
    kind: "plan",
    path,
    runs: runs.length,
    steps: stepsOf(runs),
    finished: finished.length,
    finishedSteps: stepsOf(finished),
    started: states.filter((state) => state === "started").length,
    workers,
  });
  const unscored = new AbortController();
  const scores: Promise<unknown>[] = [];
  const outcomes = await runJobs(
    left.map((run): Job => ({ name: run.path, path: join(path, run.path), config: run.config })),
    {
      workers,
      signal: AbortSignal.any([unscored.signal, ...(signal ? [signal] : [])]),
      onEvent: (job, progress) => onProgress({ kind: "run", run: job.name, progress }),
      onOutcome(job, outcome) {
        onProgress({ kind: "end", run: job.name, outcome });
        if (outcome.kind === "finished") scores.push(score(job.path).catch((error: unknown) => unscored.abort(error)));
      },
    },
  );
  await Promise.all(scores);
  unscored.signal.throwIfAborted();
  return left.flatMap(({ task, algorithm, seed }, i) => {
    const outcome = outcomes[i];
    return outcome.kind === "failed" ? [{ task, algorithm, seed, reason: outcome.message }] : [];
  });
}

/** Runs of several versions can be compared only with care. */
async function noticeVersions(
  runs: readonly SuiteRun[],
  path: string,
  onProgress: (event: BenchmarkEvent) => void,
): Promise<void> {
  const found = new Map<string, Set<string>>();
  for (const run of runs) {
    const versions: SettingsTree = await versionsOfRun(join(path, run.path)).catch(() => ({}));
    for (const [name, version] of Object.entries(versions)) {
      found.set(name, (found.get(name) ?? new Set()).add(String(version)));
    }
  }
  for (const [name, versions] of found) {
    if (versions.size < 2) continue;
    onProgress({
      kind: "notice",
      message: `runs were made with several versions of ${name}: ${[...versions].join(", ")}`,
    });
  }
}
