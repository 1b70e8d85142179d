/** @file What a run shows while it goes: a live block in a terminal, plain lines elsewhere, JSON lines, or nothing. */

import { createLogUpdate } from "log-update";
import colors from "picocolors";
import type { Numbers } from "../envs/infos.ts";
import type { EvaluationSummary, UpdateMetrics } from "../evaluation/records.ts";
import { mean } from "../evaluation/statistics.ts";
import type { RunConfig } from "../experiment/config.ts";
import type { TrainEvent } from "../experiment/train.ts";
import { titleOfId } from "../ids.ts";
import { quoted } from "./options.ts";

/** How much a command shows. */
export interface ProgressOptions {
  readonly quiet?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Shows events as they come; `close` gives the terminal back. */
export interface ProgressReporter {
  show(event: TrainEvent): void;
  close(): void;
}

/** The reporter that fits the options and where the output goes. */
export function progressReporter({ quiet, json }: ProgressOptions): ProgressReporter {
  if (json) return jsonLines();
  if (quiet) return { show: showNotice, close() {} };
  return process.stdout.isTTY ? liveBlock() : plainLines();
}

/** Counts the frames of a film that is being made, where there is a terminal to count in. */
export function frameCounter(): { show(taken: number, of: number): void; clear(): void } {
  if (!process.stderr.isTTY) return { show() {}, clear() {} };
  const log = createLogUpdate(process.stderr);
  return { show: (taken, of) => log(`frame ${taken} of ${of}`), clear: () => log.clear() };
}

function showNotice(event: TrainEvent): void {
  if (event.kind === "notice") console.error(`note: ${event.message}`);
}

function jsonLines(): ProgressReporter {
  return {
    show({ kind, ...event }) {
      console.log(JSON.stringify({ event: kind, ...event }));
    },
    close() {},
  };
}

/** What is known of a run in progress. */
export interface RunView {
  readonly title: string;
  readonly path: string;
  readonly step: number;
  readonly totalSteps: number;
  /** Mean over the episodes of the last updates. */
  readonly recentReturn?: number;
  readonly recentWinRate?: number;
  readonly bestEvaluation?: number;
  readonly lastEvaluation?: number;
  readonly stepsPerSecond?: number;
  readonly secondsLeft?: number;
  /** Mean return of the episodes of each update that had any, from the first that was seen. */
  readonly returns: readonly number[];
}

/** Updates that the recent means are over. */
const RECENT = 10;

/** Follows a run's events; `now` in milliseconds. */
export function runViewer(now: () => number = () => performance.now()): (event: TrainEvent) => RunView | undefined {
  let view: RunView | undefined;
  let start = { step: 0, time: 0 };
  let recent: UpdateMetrics[] = [];
  const weightedMean = (name: "episodeReturn" | "winRate"): number | undefined => {
    const known = recent.filter((metrics) => metrics[name] !== undefined);
    const episodes = known.reduce((sum, metrics) => sum + metrics.episodes, 0);
    return episodes > 0
      ? known.reduce((sum, metrics) => sum + metrics[name]! * metrics.episodes, 0) / episodes
      : undefined;
  };
  return (event) => {
    if (event.kind === "start") {
      start = { step: event.step, time: now() };
      view = {
        title: titleOf(event.config),
        path: event.path,
        step: event.step,
        totalSteps: event.totalSteps,
        returns: [],
      };
    } else if (event.kind === "update" && view) {
      const { metrics } = event;
      recent = [...recent, metrics].slice(-RECENT);
      const evaluation = metrics.evaluationReturn ?? view.lastEvaluation;
      const secondsPerStep = (now() - start.time) / 1000 / (metrics.step - start.step);
      view = {
        ...view,
        step: metrics.step,
        returns: metrics.episodeReturn === undefined ? view.returns : [...view.returns, metrics.episodeReturn],
        ...defined({
          recentReturn: weightedMean("episodeReturn"),
          recentWinRate: weightedMean("winRate"),
          lastEvaluation: evaluation,
          bestEvaluation:
            evaluation === undefined
              ? undefined
              : Math.max(evaluation, view.bestEvaluation ?? Number.NEGATIVE_INFINITY),
        }),
        stepsPerSecond: recent.reduce((sum, { stepsPerSecond }) => sum + stepsPerSecond, 0) / recent.length,
        secondsLeft: secondsPerStep * (view.totalSteps - metrics.step),
      };
    }
    return view;
  };
}

const titleOf = ({ env, algorithm, seed }: RunConfig): string =>
  `${titleOfId(env.id)} · ${titleOfId(algorithm.name)} · seed ${seed}`;

/** The entries that have a value. */
function defined(record: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A return or a rate, with as many digits as it deserves. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size > 0 && size < 0.01) return String(Number(value.toPrecision(2)));
  return (size >= 1000 ? whole : fine).format(value);
}

/** `< 1 s`, `7 s`, `3 min 05 s`, `2 h 14 min`. */
export function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds < 1) return "< 1 s";
  const total = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  if (hours > 0) return `${hours} h ${two(minutes)} min`;
  return minutes > 0 ? `${minutes} min ${two(total % 60)} s` : `${total} s`;
}

/** Rounded down: what is not all is not 100 %. */
export const percent = (fraction: number): string => `${Math.floor(100 * fraction + 1e-9)} %`;

const BARS = "▁▂▃▄▅▆▇█";

/** Values as a row of at most `width` bars, the lowest to the highest; each is the mean of its share of the values. */
export function sparkline(values: readonly number[], width: number): string {
  const cells = Array.from({ length: Math.min(width, values.length) }, (_, cell) => {
    const [from, to] = [cell, cell + 1].map((edge) =>
      Math.floor((edge * values.length) / Math.min(width, values.length)),
    );
    return mean(values.slice(from, to));
  });
  const [low, high] = [Math.min(...cells), Math.max(...cells)];
  return cells.map((value) => BARS[high > low ? Math.round(((value - low) / (high - low)) * 7) : 0]).join("");
}

/** The live block, as lines that fit `columns`. */
export function liveLines(view: RunView, columns: number): string[] {
  const done = view.step / view.totalSteps;
  const barWidth = Math.max(10, Math.min(40, columns - 40));
  const filled = Math.round(done * barWidth);
  const bar = colors.cyan("━".repeat(filled)) + colors.dim("━".repeat(barWidth - filled));
  const steps = `${whole.format(view.step)} of ${whole.format(view.totalSteps)} steps`;
  const label = (text: string) => colors.dim(text.padEnd(10));
  const cell = (text: string) => text.padEnd(18);
  const lines = [`${bar} ${percent(done).padStart(5)}  ${colors.dim(steps)}`];
  const returns = view.recentReturn === undefined ? "–" : formatNumber(view.recentReturn);
  const best =
    view.bestEvaluation === undefined
      ? ""
      : `${label("evaluation")}  ${formatNumber(view.lastEvaluation!)}${colors.dim(`, best ${formatNumber(view.bestEvaluation)}`)}`;
  lines.push(`${label("return")}  ${colors.bold(cell(returns))}${best}`);
  if (view.returns.length > 1) lines.push(`${label("curve")}  ${colors.cyan(sparkline(view.returns, barWidth))}`);
  if (view.recentWinRate !== undefined) lines.push(`${label("wins")}  ${percent(view.recentWinRate)}`);
  if (view.stepsPerSecond !== undefined && view.secondsLeft !== undefined) {
    const speed = cell(`${whole.format(view.stepsPerSecond)} steps/s`);
    const left = done < 1 ? `${label("time left")}  ${formatDuration(view.secondsLeft)}` : "";
    lines.push(`${label("speed")}  ${speed}${left}`);
  }
  return lines;
}

/** One line of plain output. */
export function plainLine(view: RunView): string {
  const parts = [
    `step ${whole.format(view.step)} of ${whole.format(view.totalSteps)} (${percent(view.step / view.totalSteps)})`,
  ];
  if (view.recentReturn !== undefined) parts.push(`return ${formatNumber(view.recentReturn)}`);
  if (view.recentWinRate !== undefined) parts.push(`wins ${percent(view.recentWinRate)}`);
  if (view.lastEvaluation !== undefined) parts.push(`evaluation ${formatNumber(view.lastEvaluation)}`);
  if (view.stepsPerSecond !== undefined) parts.push(`${whole.format(view.stepsPerSecond)} steps/s`);
  if (view.secondsLeft !== undefined && view.step < view.totalSteps)
    parts.push(`${formatDuration(view.secondsLeft)} left`);
  return parts.join(" · ");
}

const heading = (view: RunView): string => `${colors.bold(view.title)}  ${colors.dim(`→ ${view.path}`)}`;

/**
 * `return 11.00 ± 0.00 over 32 greedy episodes, 90 % won`
 * @param drawn whether actions were drawn rather than greedy
 */
export function describeEvaluation(
  { meanReturn, stdReturn, winRate, episodes, counters = {} }: EvaluationSummary,
  drawn = false,
): string {
  const wins = winRate === undefined ? "" : `, ${percent(winRate)} won`;
  const counted = describeCounters(counters)
    .map((text) => colors.yellow(`, ${text}`))
    .join("");
  return `${colors.bold(`return ${formatNumber(meanReturn)}`)} ± ${formatNumber(stdReturn)} over ${episodes} ${drawn ? "episodes with drawn actions" : "greedy episodes"}${wins}${counted}`;
}

/** What was counted of what should not happen: `divergences: 2`. */
export const describeCounters = (counters: Numbers): string[] =>
  Object.entries(counters).map(([name, count]) => `${name}: ${count}`);

/** How a run ended, and what can be done with it now. */
function summary({ path, result }: TrainEvent & { readonly kind: "result" }): string {
  const next = [
    [`npx bpta eval ${quoted(path)}`, "evaluate the policy again, from its ONNX file"],
    [`npx bpta plot ${quoted(path)} --out curve.svg`, "draw its learning curve"],
    [`tensorboard --logdir ${quoted(path)}`, "look at every metric (TensorBoard is on PyPI)"],
  ];
  const width = Math.max(...next.map(([command]) => command.length));
  return [
    `${colors.green("✔")} ${describeEvaluation(result.evaluation)}`,
    colors.dim(
      `  ${whole.format(result.steps)} steps in ${formatDuration(result.wallSeconds)} (${whole.format(result.stepsPerSecond)} steps/s)`,
    ),
    "",
    `The run is in ${path} (policy.onnx, result.json, metrics.jsonl). To try next:`,
    ...next.map(([command, what]) => `  ${command.padEnd(width)}   ${colors.dim(what)}`),
  ].join("\n");
}

function liveBlock(): ProgressReporter {
  const follow = runViewer();
  const log = createLogUpdate(process.stdout);
  return {
    show(event) {
      if (event.kind === "notice") {
        log.clear();
        showNotice(event);
      }
      if (event.kind === "prepare") log(`${colors.bold(titleOf(event.config))}  ${colors.dim("compiling …")}`);
      const view = follow(event);
      if (!view) return;
      if (event.kind === "start") {
        log.clear();
        console.log(`${heading(view)}\n`);
      }
      log(`${liveLines(view, process.stdout.columns).join("\n")}\n`);
      if (event.kind === "result") {
        log.done();
        console.log(`\n${summary(event)}`);
      }
    },
    close: () => log.done(),
  };
}

/** Seconds between two plain lines, unless there is an evaluation to tell of. */
const PLAIN_INTERVAL_SECONDS = 5;

function plainLines(): ProgressReporter {
  const follow = runViewer();
  let lastShown = Number.NEGATIVE_INFINITY;
  return {
    show(event) {
      showNotice(event);
      const view = follow(event);
      if (event.kind === "result") console.log(`\n${summary(event)}`);
      if (!view) return;
      if (event.kind === "start") console.log(heading(view));
      if (event.kind !== "update") return;
      const now = performance.now();
      const due = now - lastShown >= 1000 * PLAIN_INTERVAL_SECONDS;
      if (!due && event.metrics.evaluationReturn === undefined && view.step < view.totalSteps) return;
      lastShown = now;
      console.log(plainLine(view));
    },
    close() {},
  };
}
