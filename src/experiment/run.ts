/**
 * @file The run directory: what a run leaves behind, and where.
 *
 * `config.json` (everything resolved, with versions and seed) · `metrics.jsonl` (one object per update) ·
 * `events.out.tfevents.*` (the same for TensorBoard) · `checkpoints/` · `policy.onnx` and `result.json` at the end.
 */

import { closeSync, fsyncSync, openSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, truncate } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { InputError } from "../errors.ts";
import {
  type EvaluationSummary,
  evaluationMetrics,
  METRICS,
  RESULT,
  type RunResult,
  readMetrics,
  readOptional,
  readResult,
  type UpdateMetrics,
} from "../evaluation/records.ts";
import { isModulePath } from "../ids.ts";
import type { SettingsTree } from "../trees.ts";
import {
  checkpointPath,
  checkpointsIn,
  loadNewestCheckpoint,
  readCheckpoint,
  saveCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
import { type RunConfig, validateConfig } from "./config.ts";
import { makeDirectory, sweepUnfinished, writeAll, writeFileAtomically } from "./files.ts";
import { isLock, type Lock, lockDirectory } from "./lock.ts";
import { type ModulePaths, settingsOfRun } from "./settings-files.ts";
import { eventFileHeader, scalarEvent } from "./tensorboard.ts";

/** What made a run, beside its configuration. */
interface Provenance {
  readonly startedAt: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Where the run was made: one machine, or as many as it went on at. Runs of earlier versions don't say. */
  readonly machines?: readonly string[];
}

/** What `config.json` has of where the user's own modules are, that a run is made of. */
function modulePaths(path: string, { env, algorithm }: RunConfig): ModulePaths | undefined {
  const modules = [env.id, algorithm.name].filter(isModulePath).map((file) => [file, relative(resolve(path), file)]);
  return modules.length > 0 ? Object.fromEntries(modules) : undefined;
}

/** Where `metrics.jsonl` ends. */
interface MetricsPosition {
  readonly lines: number;
  readonly bytes: number;
}

/** A run directory that is being written to. */
export interface RunDirectory {
  readonly path: string;
  readonly config: RunConfig;
  /** Adds to `metrics.jsonl` and to the TensorBoard events. */
  recordUpdate(metrics: UpdateMetrics): void;
  /** Writes a checkpoint, lets go of old ones, and returns its path. */
  checkpoint(step: number, content: Readonly<Record<string, unknown>>): Promise<string>;
  /** The mean return of what scored best so far; −∞: there is none. */
  readonly bestReturn: number;
  /** Writes what scored best so far, in place of what did before. */
  keepBest(best: BestPolicy): Promise<void>;
  writePolicy(onnx: Uint8Array): Promise<void>;
  /** Writes how the run ended, to the TensorBoard events, too. */
  writeResult(result: RunResult): Promise<void>;
  /** Closes the files and lets go of the directory. */
  close(): Promise<void>;
}

const CONFIG = "config.json";
const POLICY = "policy.onnx";
export const CHECKPOINTS = "checkpoints";
const EVENTS = "events.out.tfevents.";
const UNKNOWN_MACHINE = "a machine not recorded";

/** Versions of what a run's numbers depend on. */
function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const versionOf = (path: string) => (require(path) as { version: string }).version;
  return {
    bpta: versionOf("../../package.json"),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    "onnxruntime-node": versionOf("onnxruntime-node/package.json"),
  };
}

/** The machine as far as it decides how fast a run is. */
const machine = (): string => `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${availableParallelism()} cores`;

/**
 * Makes the directory of a new run, and locks it.
 *
 * @param path where; must not hold anything yet
 * @throws InputError if it does
 */
export async function createRun(path: string, config: RunConfig): Promise<RunDirectory> {
  if (path === "") throw new InputError("--out is empty; it must be a new or empty directory");
  const lock = await lockDirectory(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTDIR" && error.code !== "EEXIST") throw error;
    throw new InputError(`--out ${path} is a file; it must be a new or empty directory`);
  });
  return await lettingGoOnError(lock, async () => {
    await sweepUnfinished(path);
    const taken = (await readdir(path)).filter((name) => !isLock(name));
    if (taken.length > 0) {
      const hint = taken.includes(CONFIG) ? " (to go on with the run in it: bpta resume)" : "";
      throw new InputError(`--out ${path} is not empty; it must be a new or empty directory${hint}`);
    }
    const provenance: Provenance = {
      startedAt: new Date().toISOString(),
      versions: versions(),
      machines: [machine()],
    };
    await writeConfig(path, config, provenance);
    return openForWriting(path, config, provenance, { lines: 0, bytes: 0 }, lock);
  });
}

function writeConfig(path: string, config: RunConfig, provenance: Provenance): Promise<void> {
  const stored = { ...config, ...provenance, modules: modulePaths(path, config) };
  return writeFileAtomically(join(path, CONFIG), `${JSON.stringify(stored, null, 2)}\n`);
}

async function lettingGoOnError<T>(lock: Lock, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes a directory for a run of this name: `runs/NAME`, or `runs/NAME-2`, … if that is taken. */
export async function newRunPath(name: string): Promise<string> {
  await makeDirectory("runs");
  for (let copy = 1; ; copy++) {
    const path = join("runs", copy === 1 ? name : `${name}-${copy}`);
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** What a run was told to do. */
export interface StoredRun extends Provenance {
  readonly config: RunConfig;
}

/**
 * Reads the configuration of the run at `path`.
 * @throws InputError if there is none, or it can't be used
 */
export async function readRun(path: string): Promise<StoredRun> {
  const text = await readFile(join(path, CONFIG), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    throw new InputError(`${path || '""'} is not a run: it has no ${CONFIG}; give the directory that bpta train made`);
  });
  try {
    const stored = JSON.parse(text) as Provenance & SettingsTree;
    const { startedAt, versions, machines } = stored;
    const config = await validateConfig(settingsOfRun(stored, path));
    return { config, startedAt, versions, ...(machines && { machines }) };
  } catch (error) {
    throw new InputError(`${join(path, CONFIG)}: ${(error as Error).message}`, { cause: error });
  }
}

/** The policy that the run at `path` ended with; undefined if there is none. */
export const readPolicy = (path: string): Promise<Uint8Array | undefined> => readOptional(join(path, POLICY));

/** What scored best of all that was evaluated before the end of a run. */
export interface BestPolicy {
  readonly step: number;
  readonly evaluation: EvaluationSummary;
  /** Of a session. */
  readonly session: unknown;
}

const bestIn = (path: string): string => join(path, "best.ckpt");

/** What was best by the last checkpoint, if another is by now: a run that goes on from there has not seen the other. */
const bestBeforeIn = (path: string): string => join(path, "best-before.ckpt");

/** The best of what the run at `path` has evaluated on its way; undefined if it has not, or the file is damaged. */
export const readBest = (path: string): Promise<BestPolicy | undefined> =>
  readCheckpoint(bestIn(path)).catch(() => undefined) as Promise<BestPolicy | undefined>;

/**
 * What the checkpoint of a step holds of the run at `path`.
 * @throws InputError if there is none, or it is damaged
 */
export async function checkpointAt(path: string, step: number): Promise<Readonly<Record<string, unknown>>> {
  const directory = join(path, CHECKPOINTS);
  const file = checkpointPath(directory, step);
  const content = await readCheckpoint(file).catch((error: Error) => {
    throw new InputError(`${file}: ${error.message}`, { cause: error });
  });
  if (content !== undefined) return content as Readonly<Record<string, unknown>>;
  const steps = (await checkpointsIn(directory)).map((name) => Number(basename(name, ".ckpt").replace("step-", "")));
  const known = steps.length > 0 ? `there are ${steps.reverse().join(", ")}` : "there are none";
  throw new InputError(`${path} has no checkpoint of step ${step}; ${known} (checkpoint.keep says how many stay)`);
}

/** A checkpoint, as it was given to `checkpoint`. */
export interface FoundCheckpoint {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/**
 * The newest checkpoint of the run at `path` that can be used. Where `metrics.jsonl` has lost lines, one from before they
 * were written is preferred, with which the run goes on as if nothing had happened; where there is none, the newest that
 * is whole, with what is left of the metrics.
 * @param onNotice is told of each newer one that can't be used, and of lines that are lost
 */
export async function newestCheckpoint(
  path: string,
  onNotice: (message: string, damaged?: string) => void,
): Promise<FoundCheckpoint | undefined> {
  const text = wholeLines((await readOptional(join(path, METRICS))) ?? Buffer.alloc(0));
  const find = async (accept: (checkpoint: StoredCheckpoint) => StoredCheckpoint) => {
    const damaged: (readonly [path: string, reason: string])[] = [];
    const found = await loadNewestCheckpoint(
      join(path, CHECKPOINTS),
      (content) => accept(content as StoredCheckpoint),
      (path, reason) => damaged.push([path, reason]),
    );
    return { found, damaged };
  };
  const exact = await find((checkpoint) => {
    const { bytes } = checkpoint.metrics;
    if (bytes === 0 || (bytes <= text.length && text[bytes - 1] === NEWLINE)) return checkpoint;
    throw new Error(`${METRICS} ends, or is damaged, before the line that it was written at`);
  });
  const { found, damaged } = exact.found
    ? exact
    : await find((checkpoint) => ({ ...checkpoint, metrics: metricsUntil(text, checkpoint.counters.step) }));
  for (const [file, reason] of damaged)
    onNotice(`checkpoint ${file} can't be used: ${reason}; trying the one before it`, file);
  if (found && !exact.found)
    onNotice(`${join(path, METRICS)} has lost lines; what they said of the run so far is missing`);
  return found;
}

/** What every checkpoint holds, among other things. */
type StoredCheckpoint = Readonly<Record<string, unknown>> & {
  readonly counters: { readonly step: number; readonly update: number };
  readonly metrics: MetricsPosition;
};

const NEWLINE = 10;

/** How far `metrics.jsonl` tells of what came up to a step, in whole lines. */
function metricsUntil(text: Buffer, step: number): MetricsPosition {
  let [lines, bytes] = [0, 0];
  for (const { record, end } of linesOf(text)) {
    if (record.step > step) break;
    [lines, bytes] = [lines + 1, end];
  }
  return { lines, bytes };
}

/** What of `metrics.jsonl` can be read, from its start. */
function wholeLines(text: Buffer): Buffer {
  let bytes = 0;
  for (const { end } of linesOf(text)) bytes = end;
  return text.subarray(0, bytes);
}

/** The lines of `metrics.jsonl`, up to the first that is cut off or damaged, and where each ends. */
function* linesOf(text: Buffer): Generator<{ readonly record: UpdateMetrics; readonly end: number }> {
  for (let start = 0; ; ) {
    const end = text.indexOf("\n", start) + 1;
    if (end === 0) return;
    let record: UpdateMetrics;
    try {
      record = JSON.parse(text.toString("utf8", start, end));
    } catch {
      return;
    }
    yield { record, end };
    start = end;
  }
}

/** Puts aside checkpoints that can't be used, so that they don't count among those that are kept. */
export async function putAside(checkpoints: readonly string[]): Promise<void> {
  for (const path of checkpoints) await rename(path, `${path}.damaged`);
}

/** Whether the run at `path` has checkpoints, damaged or not. */
export const hasCheckpoints = async (path: string): Promise<boolean> =>
  (await checkpointsIn(join(path, CHECKPOINTS))).length > 0;

/**
 * Opens a run to go on from a checkpoint, or from its start: what was recorded after that is cut off.
 * @param lock on the run's directory; the run lets go of it when it is closed
 * @param isLonger whether it is to be longer than it was: then it has not ended, whatever its result says
 */
export async function reopenRun(
  path: string,
  { config, ...provenance }: StoredRun,
  checkpoint: Readonly<Record<string, unknown>> | undefined,
  lock: Lock,
  isLonger = false,
): Promise<RunDirectory> {
  const content = checkpoint as StoredCheckpoint | undefined;
  const lastEvaluation = isLonger && content ? await dueEvaluation(path, config, content) : undefined;
  await sweepUnfinished(path);
  if (await hasCheckpoints(path)) await sweepUnfinished(join(path, CHECKPOINTS));
  const before = checkpoint ? (provenance.machines ?? [UNKNOWN_MACHINE]) : [];
  const machines = before.at(-1) === machine() ? before : [...before, machine()];
  if (isLonger || machines !== before) await writeConfig(path, config, { ...provenance, machines });
  if (isLonger) for (const name of [RESULT, POLICY]) await rm(join(path, name), { force: true });
  await dropLaterBest(path, content?.counters.step ?? 0);
  const position = lastEvaluation
    ? await recordLate(path, content!, lastEvaluation)
    : (content?.metrics ?? { lines: 0, bytes: 0 });
  const metrics = join(path, METRICS);
  await truncate(metrics, position.bytes).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  for (const name of await readdir(path)) if (name.startsWith(EVENTS)) await rm(join(path, name));
  const run = await openForWriting(path, config, provenance, position, lock);
  if (lastEvaluation && lastEvaluation.meanReturn > run.bestReturn)
    await run.keepBest({ step: content!.counters.step, evaluation: lastEvaluation, session: content!.session });
  return run;
}

/** The evaluation of the end of a run, where one was due there and the run goes on from there. */
async function dueEvaluation(
  path: string,
  { evaluation: { interval } }: RunConfig,
  { counters: { step, update } }: StoredCheckpoint,
): Promise<EvaluationSummary | undefined> {
  const result = await readResult(path);
  return result?.steps === step && interval > 0 && update % interval === 0 ? result.evaluation : undefined;
}

/**
 * Writes an evaluation into the line of `metrics.jsonl` that a checkpoint is of, if it is there still, and where that file ends
 * now into the checkpoint.
 * @returns where it ends
 */
async function recordLate(
  path: string,
  content: StoredCheckpoint,
  evaluation: EvaluationSummary,
): Promise<MetricsPosition> {
  const { step } = content.counters;
  const lines = (await readMetrics(path))
    .slice(0, content.metrics.lines)
    .map((record) => (record.step === step ? { ...record, ...evaluationMetrics(evaluation) } : record));
  const text = Buffer.from(lines.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const metrics: MetricsPosition = { lines: lines.length, bytes: text.length };
  // The metrics first: with a checkpoint that says otherwise, they are read up to its step.
  await writeFileAtomically(join(path, METRICS), [text]);
  await writeCheckpoint(checkpointPath(join(path, CHECKPOINTS), step), { ...content, metrics });
  return metrics;
}

/** Lets go of a best policy that came after `step`, for the one before it. */
async function dropLaterBest(path: string, step: number): Promise<void> {
  const best = await readBest(path);
  if (best !== undefined && best.step <= step) return;
  await rm(bestIn(path), { force: true });
  const before = (await readCheckpoint(bestBeforeIn(path)).catch(() => undefined)) as BestPolicy | undefined;
  if (before !== undefined && before.step <= step) await rename(bestBeforeIn(path), bestIn(path));
}

async function openForWriting(
  path: string,
  config: RunConfig,
  { startedAt }: Provenance,
  position: MetricsPosition,
  lock: Lock,
): Promise<RunDirectory> {
  const startedAtSeconds = Date.parse(startedAt) / 1000;
  const metricsPath = join(path, METRICS);
  let { lines, bytes } = position;
  const metricsFile = openSync(metricsPath, "a");
  const eventsFile = openSync(join(path, `${EVENTS}${Math.floor(startedAtSeconds)}.bpta`), "a");
  const writeEvents = ({ update: _, step, ...metrics }: Events): void => {
    const seconds = startedAtSeconds + metrics.wallSeconds;
    writeAll(eventsFile, scalarEvent(seconds, step, tensorBoardScalars(metrics)));
  };
  let isBestSettled = true;
  let bestReturn = (await readBest(path))?.evaluation.meanReturn ?? Number.NEGATIVE_INFINITY;
  // The events are a function of the metrics, so a resumed run writes them again from its first line.
  writeAll(eventsFile, eventFileHeader(startedAtSeconds));
  if (lines > 0) for (const metrics of await readMetrics(path)) writeEvents(metrics);

  return {
    path,
    config,
    recordUpdate(metrics) {
      // Numbers that JSON can't hold become null.
      const line = Buffer.from(`${JSON.stringify(metrics)}\n`);
      writeAll(metricsFile, line);
      lines += 1;
      bytes += line.length;
      writeEvents(metrics);
    },
    async checkpoint(step, content) {
      fsyncSync(metricsFile);
      const metrics: MetricsPosition = { lines, bytes };
      const file = await saveCheckpoint(join(path, CHECKPOINTS), step, { ...content, metrics }, config.checkpoint.keep);
      isBestSettled = true;
      return file;
    },
    get bestReturn() {
      return bestReturn;
    },
    async keepBest(best) {
      if (isBestSettled) {
        await rename(bestIn(path), bestBeforeIn(path)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
        });
      }
      isBestSettled = false;
      await writeCheckpoint(bestIn(path), best);
      bestReturn = best.evaluation.meanReturn;
    },
    writePolicy: (onnx) => writeFileAtomically(join(path, POLICY), [onnx]),
    async writeResult(result) {
      const { steps: step, wallSeconds, evaluation } = result;
      writeEvents({ step, wallSeconds, ...evaluationMetrics(evaluation) });
      await writeFileAtomically(join(path, RESULT), `${JSON.stringify(result, null, 2)}\n`);
    },
    async close() {
      closeSync(metricsFile);
      closeSync(eventsFile);
      await lock.release();
    },
  };
}

/** Numbers at a step. */
type Events = Pick<UpdateMetrics, "step" | "wallSeconds"> & Metrics;
type Metrics = Readonly<Record<string, number | undefined>>;

const groups: Readonly<Record<string, string>> = {
  wallSeconds: "time",
  stepsPerSecond: "time",
  collectSeconds: "time",
  updateSeconds: "time",
  episodes: "rollout",
  episodeReturn: "rollout",
  episodeLength: "rollout",
  winRate: "rollout",
  divergences: "rollout",
  restarts: "rollout",
  info: "rollout",
  evaluationInfo: "evaluation",
  evaluationReturn: "evaluation",
  evaluationWinRate: "evaluation",
};

/** The scalars of an update by TensorBoard tag: `rollout/…`, `evaluation/…`, `time/…`, and the algorithm's own. */
function tensorBoardScalars(metrics: Metrics): Record<string, number> {
  const scalars: Record<string, number> = {};
  for (const [name, value] of Object.entries(metrics)) {
    if (value !== undefined && value !== null) scalars[`${groups[name.split(".")[0]] ?? "learning"}/${name}`] = value;
  }
  return scalars;
}
