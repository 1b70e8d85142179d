/** @file Runs in processes of their own, several at a time. */

import { type ChildProcess, fork } from "node:child_process";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { EvaluationSummary, RunResult } from "../evaluation/records.ts";
import type { RunConfig } from "../experiment/config.ts";
import { writeFileAtomically } from "../experiment/files.ts";
import type { TrainEvent } from "../experiment/train.ts";

/** What a run's process is told. */
export type ToRun =
  | { readonly kind: "start"; readonly path: string; readonly config: RunConfig; readonly pauseAt: number | undefined }
  | { readonly kind: "stop" };

/** What a run's process tells. */
export type FromRun =
  | { readonly kind: "event"; readonly event: TrainEvent }
  | { readonly kind: "failed"; readonly message: string; readonly stack: string };

/** A run to be made, or to be gone on with. */
export interface Job {
  /** What it is called in messages. */
  readonly name: string;
  /** The run's directory. */
  readonly path: string;
  readonly config: RunConfig;
  /** Steps after which to put it aside. */
  readonly pauseAt?: number | undefined;
}

/** What became of a job. */
export type Outcome =
  | { readonly kind: "finished"; readonly result: RunResult }
  | { readonly kind: "paused"; readonly step: number; readonly evaluation: EvaluationSummary }
  | { readonly kind: "failed"; readonly message: string }
  /** It was asked to stop, or never begun. */
  | { readonly kind: "stopped" };

/** How jobs are run and watched. */
export interface JobOptions {
  /** Processes at a time. */
  readonly workers: number;
  /** Is told of everything that happens in a run. */
  readonly onEvent?: (job: Job, event: TrainEvent) => void;
  /** Is told as a job comes to its end. */
  readonly onOutcome?: (job: Job, outcome: Outcome) => void;
  /** Once aborted, runs finish their update and leave a checkpoint; no others are begun. */
  readonly signal?: AbortSignal | undefined;
}

/** Attempts at a run whose process is killed by something else, such as a machine short of memory. */
const ATTEMPTS = 3;
/** What is kept of what a process says on its standard error. */
const STDERR_CHARACTERS = 20_000;
/** ms, after a process has ended, to read what it said last: others that it started may hold its standard error open. */
const LAST_WORDS = 1_000;
/** Holds the stack trace of a run that failed, in its directory. */
const ERROR_LOG = "error.log";

/**
 * Makes runs in processes of their own, several at a time, in the order given. A run whose directory is there already
 * is gone on with. One that fails does not keep the others from going on. When this process ends, theirs do too: at
 * once if it exits, after their update if it is killed.
 *
 * @returns what became of each
 */
export async function runJobs(jobs: readonly Job[], options: JobOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = jobs.map(() => ({ kind: "stopped" }));
  const children = new Set<ChildProcess>();
  const killAll = (): void => {
    for (const child of children) child.kill("SIGKILL");
  };
  const stopAll = (): void => {
    for (const child of children) if (child.connected) child.send({ kind: "stop" } satisfies ToRun, () => {});
  };
  process.on("exit", killAll);
  options.signal?.addEventListener("abort", stopAll);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < jobs.length && !options.signal?.aborted) {
      const index = next++;
      const job = jobs[index];
      const outcome = await attempt(job, options, children);
      outcomes[index] = outcome;
      options.onOutcome?.(job, outcome);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.workers, jobs.length) }, work));
  } finally {
    process.off("exit", killAll);
    options.signal?.removeEventListener("abort", stopAll);
  }
  return outcomes;
}

/** Makes a run; one whose process is killed is gone on with. */
async function attempt(job: Job, options: JobOptions, children: Set<ChildProcess>): Promise<Outcome> {
  const errorLog = join(job.path, ERROR_LOG);
  await rm(errorLog, { force: true });
  for (let count = 1; ; count++) {
    const { outcome, stack, signal } = await runProcess(job, options, children);
    if (outcome.kind !== "failed") return outcome;
    if (signal === null || count === ATTEMPTS || options.signal?.aborted) {
      await writeFileAtomically(errorLog, `${stack}\n`);
      return outcome;
    }
    options.onEvent?.(job, { kind: "notice", message: `${job.name}: ${outcome.message}; it goes on in a new one` });
  }
}

interface Ended {
  readonly outcome: Outcome;
  /** Where it failed: what there is to read about it. */
  readonly stack: string;
  /** What killed the process, if anything. */
  readonly signal: NodeJS.Signals | null;
}

function runProcess(job: Job, { onEvent, signal: stop }: JobOptions, children: Set<ChildProcess>): Promise<Ended> {
  return new Promise((resolve) => {
    const isSource = import.meta.url.endsWith(".ts");
    const file = fileURLToPath(new URL(isSource ? "run-worker.ts" : "run-worker.js", import.meta.url));
    // The path is for people who look at the list of processes.
    const child = fork(file, [job.path], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
      execArgv: isSource ? ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href] : [],
    });
    children.add(child);
    let outcome: Outcome | undefined;
    let stack = "";
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS);
    });
    child.on("message", (message: FromRun) => {
      if (message.kind === "failed") {
        outcome = { kind: "failed", message: message.message };
        stack = message.stack;
        return;
      }
      const { event } = message;
      if (event.kind === "result") outcome = { kind: "finished", result: event.result };
      if (event.kind === "pause") outcome = { kind: "paused", step: event.step, evaluation: event.evaluation };
      onEvent?.(job, event);
    });
    child.on("error", (error) => {
      outcome = { kind: "failed", message: `its process could not be started: ${error.message}` };
    });
    let lastWords: NodeJS.Timeout | undefined;
    child.on("exit", () => {
      lastWords = setTimeout(() => child.stderr!.destroy(), LAST_WORDS);
    });
    child.on("close", (code, signal) => {
      clearTimeout(lastWords);
      children.delete(child);
      // Who is asked to stop before it has begun to listen is killed by what asks it.
      if (!outcome && (code === 0 || (signal && stop?.aborted))) outcome = { kind: "stopped" };
      outcome ??= {
        kind: "failed",
        message: signal ? `its process was killed (${signal})` : `its process ended with exit code ${code}`,
      };
      const reason = outcome.kind === "failed" ? outcome.message : "";
      resolve({ outcome, stack: [stack || reason, stderr].join("\n").trim(), signal });
    });
    child.send({ kind: "start", path: job.path, config: job.config, pauseAt: job.pauseAt } satisfies ToRun, () => {});
    if (stop?.aborted) child.send({ kind: "stop" } satisfies ToRun, () => {});
  });
}
