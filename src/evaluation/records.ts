/** @file What a run records: `metrics.jsonl` while it goes, `result.json` at its end. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Numbers, prefixed } from "../envs/infos.ts";
import { InputError } from "../errors.ts";

export const METRICS = "metrics.jsonl";
export const RESULT = "result.json";
/** File that marks a directory as a suite's. */
export const SUITE = "suite.json";

/** One update of a run: what it took and what came of it, by name. Names that don't apply are left out. */
export interface UpdateMetrics {
  /** Updates so far, this one included. */
  readonly update: number;
  /** Environment steps so far. */
  readonly step: number;
  /** Time spent training so far; what a killed run lost is not counted. */
  readonly wallSeconds: number;
  /** Environment steps per second of this update, evaluation left out. */
  readonly stepsPerSecond: number;
  readonly collectSeconds: number;
  readonly updateSeconds: number;
  /** Episodes that ended in this update's rollout. */
  readonly episodes: number;
  /** Mean return of those episodes. */
  readonly episodeReturn?: number;
  /** Mean length of those episodes, in environment steps. */
  readonly episodeLength?: number;
  /** Fraction of those episodes that were won. */
  readonly winRate?: number;
  /** Episodes so far that were cut off because the environment's numbers broke down, where it can tell. */
  readonly divergences?: number;
  /** Mean return of the greedy policy over `evaluation.episodes` episodes. */
  readonly evaluationReturn?: number;
  readonly evaluationWinRate?: number;
  /** What the algorithm reports: losses, norms, … */
  readonly [name: string]: number | undefined;
}

/** The names in `UpdateMetrics` that measure the machine. All else is a function of the configuration. */
export const wallClockMetrics: readonly string[] = ["wallSeconds", "stepsPerSecond", "collectSeconds", "updateSeconds"];

/** How good a policy is: greedy episodes, the first `episodes` that the run's evaluation seed gives. */
export interface EvaluationSummary {
  readonly episodes: number;
  readonly meanReturn: number;
  /** Sample standard deviation over episodes. */
  readonly stdReturn: number;
  /** Fraction of episodes that were won, where the environment knows of wins. */
  readonly winRate?: number;
  /** Means of the numbers that the environment told at episodes' ends, where it did. */
  readonly infos?: Numbers;
  /** What was counted of what should not happen, by name, where it did: `divergences`, `restarts`. */
  readonly counters?: Numbers;
  readonly returns: readonly number[];
}

/** An evaluation as metrics name it. */
export const evaluationMetrics = ({ meanReturn, winRate, infos = {} }: EvaluationSummary) => ({
  evaluationReturn: meanReturn,
  ...(winRate !== undefined && { evaluationWinRate: winRate }),
  ...prefixed("evaluationInfo", infos),
});

/** What `result.json` holds. */
export interface RunResult {
  readonly env: string;
  readonly algorithm: string;
  readonly seed: number;
  readonly steps: number;
  /** Of training, evaluations and checkpoints between updates included. */
  readonly wallSeconds: number;
  /** `steps` / `wallSeconds`: less than that of updates, which leaves evaluations out. */
  readonly stepsPerSecond: number;
  readonly evaluation: EvaluationSummary;
}

/** The result of the run at `path`; undefined if it has not come to its end. */
export async function readResult(path: string): Promise<RunResult | undefined> {
  const text = await readOptional(join(path, RESULT));
  return text && (parsed(text.toString(), join(path, RESULT)) as RunResult);
}

/** All updates that the run at `path` has recorded. */
export async function readMetrics(path: string): Promise<UpdateMetrics[]> {
  const text = await readFile(join(path, METRICS), "utf8");
  // A run that is being written to, or was killed, may end in half a line.
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .map((line, i) => line && (parsed(line, `${join(path, METRICS)}, line ${i + 1}`) as UpdateMetrics))
    .filter((record) => record !== "");
}

/** @throws InputError, one line, with the name of what is damaged */
function parsed(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${what}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === "object" && value !== null) return value;
  throw new InputError(`${what}: it must hold an object`);
}

/** The bytes of a file; undefined if there is none. */
export async function readOptional(path: string): Promise<Buffer | undefined> {
  return await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}
