/** @file What a suite shows while its runs are made: a live block in a terminal, plain lines elsewhere, JSON, or nothing. */

import { createLogUpdate } from "log-update";
import colors from "picocolors";
import type { BenchmarkEvent } from "../benchmark/benchmark.ts";
import type { TuneEvent } from "../benchmark/tune.ts";
import { oneLine } from "../errors.ts";
import { formatDuration, formatNumber, type ProgressOptions, percent, type RunView, runViewer } from "./progress.ts";

type SuiteEvent = BenchmarkEvent | TuneEvent;

/** Shows events as they come; `close` gives the terminal back. */
export interface SuiteReporter {
  show(event: SuiteEvent): void;
  close(): void;
}

/** The reporter that fits the options and where the output goes. */
export function suiteReporter({ quiet, json }: ProgressOptions): SuiteReporter {
  if (json) return { show: ({ kind, ...event }) => console.log(JSON.stringify({ event: kind, ...event })), close() {} };
  if (quiet) return { show: showTrouble, close() {} };
  return process.stdout.isTTY ? liveBlock() : plainLines();
}

/** What users must know, whatever else is shown. */
function showTrouble(event: SuiteEvent): void {
  if (event.kind === "notice") console.error(`note: ${event.message}`);
  if (event.kind === "run" && event.progress.kind === "notice") console.error(`note: ${event.progress.message}`);
  if (event.kind === "end" && event.outcome.kind === "failed") {
    console.error(`failed: ${event.run}: ${oneLine(event.outcome.message)}`);
  }
}

/** What is known of a suite in progress. */
export interface SuiteView {
  readonly runs: number;
  readonly finished: number;
  readonly failed: number;
  readonly steps: number;
  readonly totalSteps: number;
  /** Absent before a step was made. */
  readonly secondsLeft?: number;
  /** Runs that are being made, by name. */
  readonly active: ReadonlyMap<string, RunView>;
}

/** Follows a suite's events; `now` in milliseconds. */
export function suiteViewer(now: () => number = () => performance.now()): (event: SuiteEvent) => SuiteView | undefined {
  let plan: Extract<SuiteEvent, { kind: "plan" }> | undefined;
  let startedAt = 0;
  let [finished, failed] = [0, 0];
  /** Steps of runs that came to their end here; of those, the ones made here. */
  let [endedSteps, madeSteps] = [0, 0];
  const followers = new Map<string, ReturnType<typeof runViewer>>();
  const active = new Map<string, RunView>();
  const begun = new Map<string, number>();
  return (event) => {
    if (event.kind === "plan") {
      plan = event;
      startedAt = now();
      [finished, failed, endedSteps, madeSteps] = [event.finished, 0, event.finishedSteps, 0];
    } else if (event.kind === "run") {
      const follow = followers.get(event.run) ?? runViewer(now);
      followers.set(event.run, follow);
      const view = follow(event.progress);
      if (view) active.set(event.run, view);
      if (event.progress.kind === "start") begun.set(event.run, event.progress.step);
    } else if (event.kind === "end") {
      const view = active.get(event.run);
      if (view) {
        endedSteps += view.step;
        madeSteps += view.step - (begun.get(event.run) ?? 0);
      }
      if (event.outcome.kind === "failed") failed += 1;
      else if (event.outcome.kind !== "stopped") finished += 1;
      for (const map of [active, followers, begun]) map.delete(event.run);
    }
    if (!plan) return undefined;
    const going = [...active].reduce((sum, [, { step }]) => sum + step, 0);
    const made = madeSteps + [...active].reduce((sum, [run, { step }]) => sum + step - (begun.get(run) ?? 0), 0);
    const steps = endedSteps + going;
    return {
      runs: plan.runs,
      finished,
      failed,
      steps,
      totalSteps: plan.steps,
      active,
      ...(made > 0 && { secondsLeft: (((now() - startedAt) / 1000) * (plan.steps - steps)) / made }),
    };
  };
}

/** One line about a suite. */
export function suiteLine({ runs, finished, failed, steps, totalSteps, secondsLeft }: SuiteView): string {
  const parts = [`${finished} of ${runs} runs`, `${percent(Math.min(1, steps / totalSteps))} of all steps`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (secondsLeft !== undefined && finished + failed < runs) parts.push(`${formatDuration(secondsLeft)} left`);
  return parts.join(" · ");
}

/** The live block: the suite, and a line for each run that is being made. */
export function suiteLines(view: SuiteView, columns: number): string[] {
  const width = Math.max(10, Math.min(40, columns - 40));
  const filled = Math.round(Math.min(1, view.steps / view.totalSteps) * width);
  const name = Math.min(
    Math.max(0, ...[...view.active.keys()].map(({ length }) => length)),
    Math.max(20, columns - 40),
  );
  return [
    `${colors.cyan("━".repeat(filled))}${colors.dim("━".repeat(width - filled))}  ${suiteLine(view)}`,
    ...Array.from(view.active, ([run, { step, totalSteps, recentReturn }]) =>
      [
        run.length > name ? `…${run.slice(run.length - name + 1)}` : run.padEnd(name),
        colors.dim(percent(step / totalSteps).padStart(5)),
        recentReturn === undefined ? "" : `return ${formatNumber(recentReturn)}`,
      ].join("  "),
    ),
  ];
}

/** What a run came to, in a line; undefined where there is nothing to say. */
function endLine({ run, outcome }: Extract<SuiteEvent, { kind: "end" }>): string | undefined {
  if (outcome.kind === "finished") {
    const { evaluation, wallSeconds } = outcome.result;
    return `${colors.green("✔")} ${run}  return ${formatNumber(evaluation.meanReturn)} in ${formatDuration(wallSeconds)}`;
  }
  if (outcome.kind === "paused") {
    return `${colors.green("✔")} ${run}  return ${formatNumber(outcome.evaluation.meanReturn)} at step ${outcome.step.toLocaleString("en")}`;
  }
  return undefined;
}

const planLine = ({ path, runs, finished, started, workers }: Extract<SuiteEvent, { kind: "plan" }>): string =>
  `${colors.bold(`${runs} runs`)} → ${path}  ${colors.dim(
    [
      `${workers} at a time`,
      ...(finished > 0 ? [`${finished} already finished`] : []),
      ...(started > 0 ? [`${started} to go on with`] : []),
    ].join(", "),
  )}`;

/** Lines that stay: the plan, ends of runs, rounds of a search, the report. */
function lastingLine(event: SuiteEvent): string | undefined {
  switch (event.kind) {
    case "plan":
      return planLine(event);
    case "end":
      return endLine(event);
    case "round":
      return `${colors.bold(`${event.algorithm}, round ${event.round} of ${event.rounds}`)}: ${event.trials} trials to step ${event.steps.toLocaleString("en")}`;
    case "report":
      return `\nThe report is ${event.path}`;
    default:
      return undefined;
  }
}

function liveBlock(): SuiteReporter {
  const follow = suiteViewer();
  const log = createLogUpdate(process.stdout);
  return {
    show(event) {
      const view = follow(event);
      const line = lastingLine(event);
      const isTrouble = event.kind === "notice" || (event.kind === "end" && event.outcome.kind === "failed");
      if (line !== undefined || isTrouble || (event.kind === "run" && event.progress.kind === "notice")) log.clear();
      showTrouble(event);
      if (line !== undefined) console.log(line);
      if (view && event.kind !== "report") log(`${suiteLines(view, process.stdout.columns).join("\n")}\n`);
      if (event.kind === "report") log.done();
    },
    close: () => log.done(),
  };
}

/** Seconds between two plain lines about the whole suite. */
const PLAIN_INTERVAL_SECONDS = 15;

function plainLines(): SuiteReporter {
  const follow = suiteViewer();
  let lastShown = performance.now();
  return {
    show(event) {
      const view = follow(event);
      showTrouble(event);
      const line = lastingLine(event);
      if (line !== undefined) console.log(event.kind === "end" && view ? `${line}  (${suiteLine(view)})` : line);
      const now = performance.now();
      if (line !== undefined || event.kind !== "run" || !view) return;
      if (now - lastShown < 1000 * PLAIN_INTERVAL_SECONDS) return;
      lastShown = now;
      console.log(suiteLine(view));
    },
    close() {},
  };
}
