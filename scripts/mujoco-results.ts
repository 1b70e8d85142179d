/**
 * @file The tables and figures of docs/results/mujoco.md, from run directories.
 *
 * `npx tsx scripts/mujoco-results.ts RUN… [--figure FILE.svg] [--paper]`. Prints a table with a row for each run: the
 * mean return of the last 40 training episodes (actions drawn) at several points, and of the greedy evaluation at the
 * end. `--figure` draws the training return; `--paper` sets the points beside it that are read off the paper's Figure 1.
 */

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { learningCurves } from "../src/evaluation/figures.ts";
import { groupRuns, type RecordedRun, readRuns } from "../src/evaluation/runs.ts";
import { mean, tInterval } from "../src/evaluation/statistics.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { figure: { type: "string" }, paper: { type: "boolean" } },
});

/** BPPO on HalfCheetah-v2 6x1 in Figure 1 of the paper, read off the curve, ± about 3 %. */
const PAPER = [
  { step: 2_500_000, value: 3450 },
  { step: 5_000_000, value: 3800 },
  { step: 10_000_000, value: 4250 },
];

const EPISODES = 40;

/** Mean return of the last episodes that ended by `step`; undefined where the run did not get there. */
function returnAt({ metrics }: RecordedRun, step: number): number | undefined {
  if ((metrics.at(-1)?.step ?? 0) < step) return undefined;
  const ended = metrics.filter((update) => update.step <= step && update.episodes > 0);
  let [episodes, total] = [0, 0];
  for (let i = ended.length - 1; i >= 0 && episodes < EPISODES; i--) {
    episodes += ended[i].episodes;
    total += ended[i].episodes * ended[i].episodeReturn!;
  }
  return episodes > 0 ? total / episodes : undefined;
}

const runs = await readRuns(positionals);
const steps = Math.max(...runs.map(({ metrics }) => metrics.at(-1)?.step ?? 0));
const points = [0.1, 0.25, 0.5, 0.75, 1].map((part) => part * steps);
const cell = (value: number | undefined): string => (value === undefined ? "" : Math.round(value).toLocaleString("en"));
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const heads = points.map((point) => `${Number((point / 1e6).toPrecision(3))} M`);
console.log(row(["run", ...heads, "greedy, at the end"]));
console.log(row(["run", ...heads, "greedy"].map(() => "---")));
for (const run of runs) {
  const { evaluation } = run.result ?? {};
  const greedy = evaluation ? `${cell(evaluation.meanReturn)} ± ${cell(evaluation.stdReturn)}` : "";
  console.log(row([`seed ${run.seed}`, ...points.map((point) => cell(returnAt(run, point))), greedy]));
}
if (runs.length > 1) {
  const summary = (numbers: readonly (number | undefined)[]): string => {
    const known = numbers.filter((value) => value !== undefined);
    if (known.length < runs.length) return "";
    const { low, high } = tInterval(known);
    return `**${cell(mean(known))}** [${cell(low)}, ${cell(high)}]`;
  };
  const greedy = summary(runs.map(({ result }) => result?.evaluation.meanReturn));
  console.log(row(["mean [95 %]", ...points.map((point) => summary(runs.map((run) => returnAt(run, point)))), greedy]));
}

if (values.figure) {
  const groups = groupRuns(runs);
  const references = values.paper ? [{ name: "BPPO in the paper (read off its figure)", points: PAPER }] : [];
  await writeFile(values.figure, await learningCurves(groups, { smoothing: 200_000, references }));
}
