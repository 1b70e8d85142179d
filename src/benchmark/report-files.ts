/** @file A benchmark's report as files: Markdown to read, JSON to compute with, figures as SVG and PNG. */

import { join } from "node:path";
import { pngOf } from "../evaluation/png.ts";
import { writeFileAtomically } from "../experiment/files.ts";
import { table } from "../markdown.ts";
import type { BenchmarkReport, Estimate, MissingRun, TaskReport } from "./report.ts";
import { percentOf, type ReportFigure, reportFigures } from "./report-figures.ts";
import type { PublishedResults } from "./suite.ts";

/**
 * Writes `report.md`, `report.json` and the figures into a directory.
 * @returns the path of `report.md`
 */
export async function writeReport(report: BenchmarkReport, directory: string): Promise<string> {
  const figures = await reportFigures(report);
  for (const { name, svg } of figures) {
    await writeFileAtomically(join(directory, `${name}.svg`), svg);
    await writeFileAtomically(join(directory, `${name}.png`), [await pngOf(svg)]);
  }
  await writeFileAtomically(join(directory, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  const path = join(directory, "report.md");
  await writeFileAtomically(path, reportMarkdown(report, figures));
  return path;
}

/** A number with as many digits as people compare. */
export function formatScore(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size > 0 && size < 0.01) return String(Number(value.toPrecision(2)));
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : 2);
}

/** `11.00 [10.50, 11.00]` */
const formatEstimate = ({ value, low, high }: Estimate): string =>
  Number.isFinite(low) ? `${formatScore(value)} [${formatScore(low)}, ${formatScore(high)}]` : formatScore(value);

/** The text of `report.md`. */
export function reportMarkdown(report: BenchmarkReport, figures: readonly ReportFigure[]): string {
  const { tasks, overall, improvement, runs, missing, confidence } = report;
  const percent = percentOf(confidence);
  const show = (name: string): string[] =>
    figures.filter((figure) => figure.name === name).map(({ caption }) => `![${caption}](${name}.svg)`);
  const single = tasks.length === 1;
  const parts = [
    `# ${report.suite}`,
    ...(report.description === "" ? [] : [report.description]),
    [
      `${runs.finished} of ${runs.expected} runs are in these numbers. A run's score is its ${report.score}.`,
      `In brackets: ${percent} intervals.`,
      ...fewSeeds(tasks),
    ].join(" "),
    ...missingRuns(missing),
  ];
  if (overall.length > 0) {
    parts.push(
      `## Over all tasks`,
      `Scores are normalised, 0 to 1: ${tasks.map(describeScale).join("; ")}.`,
      table(
        ["algorithm", "IQM", "mean", "median", "optimality gap"],
        overall.map((scores) => [
          scores.algorithm,
          `**${formatEstimate(scores.interquartileMean)}**`,
          formatEstimate(scores.mean),
          formatEstimate(scores.median),
          formatEstimate(scores.optimalityGap),
        ]),
      ),
      ...show("overall"),
    );
    const without = report.algorithms.filter((name) => overall.every(({ algorithm }) => algorithm !== name));
    if (without.length > 0) parts.push(`Not among them, for want of a run on every task: ${without.join(", ")}.`);
  }
  if (improvement.length > 0) {
    const names = overall.map(({ algorithm }) => algorithm);
    const cell = (x: string, y: string): string => {
      const found = improvement.find((entry) => entry.x === x && entry.y === y);
      return found ? formatEstimate(found.probability) : "";
    };
    parts.push(
      `## Probability of improvement`,
      `How likely a run of the row's algorithm is to score higher than a run of the column's${single ? "" : ", mean over tasks"}; equal scores count half.`,
      table(
        ["", ...names],
        names.map((x) => [`**${x}**`, ...names.map((y) => cell(x, y))]),
      ),
      ...show("improvement"),
    );
  }
  if (report.profiles.length > 0) parts.push(`## Performance profiles`, ...show("profiles"));
  parts.push(`## By task`, ...show("tasks"));
  for (const { task, env, steps, algorithms, machines, published } of tasks) {
    parts.push(
      `### ${task}`,
      `${env === task ? "" : `Environment \`${env}\`; `}${steps.toLocaleString("en")} steps.`.replace(/^./, (c) =>
        c.toUpperCase(),
      ),
      table(
        ["algorithm", "seeds", "IQM", "mean", "standard deviation", "training time", "steps/s"],
        algorithms.map((scores) => [
          scores.algorithm,
          String(scores.seeds.length),
          `**${formatEstimate(scores.interquartileMean)}**`,
          formatEstimate(scores.mean),
          formatScore(scores.standardDeviation),
          `${scores.wallSeconds < 10 ? scores.wallSeconds.toFixed(1) : Math.round(scores.wallSeconds)} s`,
          Math.round(scores.stepsPerSecond).toLocaleString("en"),
        ]),
      ),
      ...differentMachines(machines),
      ...(report.curves.steps.some((curves) => curves.task === task)
        ? show(`curves-${task}`)
        : [
            `There are no curves: not all runs have recorded \`${report.curveMetric}\` at the same steps (\`report.curve\` names another metric).`,
          ]),
      ...publishedResults(published),
      ...show(`time-${task}`),
    );
  }
  parts.push(
    `## Sample efficiency`,
    ...(single ? [] : show("curves")),
    `Curves are the interquartile mean of \`${report.curveMetric}\` over seeds${single ? "" : "; over all tasks, of its normalised values"}.`,
    `## How this was computed`,
    `After Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (their library is rliable). IQM is the mean of the middle half of the scores of all runs; the optimality gap is how far scores stay below 1 on average. Every task counts the same, also where some have more runs than others. Intervals are percentile intervals of a stratified bootstrap, which draws runs again within each task (there is none where a task has a single run): ${report.resamples.toLocaleString("en")} times, for each point of a curve or profile ${Math.ceil(report.resamples / 10).toLocaleString("en")} times. Times are medians over seeds, measured beside the other runs that the machine had at the time. All numbers are in \`report.json\`.`,
  );
  return `${parts.join("\n\n")}\n`;
}

/** Says it where times don't compare. */
function differentMachines(machines: TaskReport["machines"]): string[] {
  if (machines.length < 2) return [];
  const list = machines.map(({ machine, runs }) => `${machine} (${runs} ${runs === 1 ? "run" : "runs"})`);
  return [`These runs were made on different machines, so **their times don't compare**: ${list.join("; ")}.`];
}

/** What others report: a row for each, a column for each number of steps. */
function publishedResults(published: readonly PublishedResults[]): string[] {
  if (published.length === 0) return [];
  const steps = [...new Set(published.flatMap(({ points }) => points.map(([step]) => step)))].sort((a, b) => a - b);
  const rows = published.map(({ name, points }) => {
    const at = new Map(points);
    return [name, ...steps.map((step) => (at.has(step) ? formatScore(at.get(step)!) : ""))];
  });
  return [
    "What others report, the marks of the figure:",
    table(["after steps", ...steps.map((step) => step.toLocaleString("en"))], rows),
  ];
}

const describeScale = ({ task, normalization: { min, max, from } }: TaskReport): string =>
  min === max
    ? `${task}, where every run scored ${formatScore(min)}, tells nothing: all count as 1`
    : `${task} from ${formatScore(min)} to ${formatScore(max)} (${from === "suite" ? "given by the suite" : "the lowest and the highest score found"})`;

/** A bootstrap of few values is too sure of itself. */
function fewSeeds(tasks: readonly TaskReport[]): string[] {
  const fewest = Math.min(...tasks.flatMap(({ algorithms }) => algorithms.map(({ seeds }) => seeds.length)));
  if (fewest >= 10) return [];
  return [
    fewest === 1
      ? "**Where there is one seed only, there is no interval, and nothing follows from a difference.**"
      : `**With few seeds (here ${fewest}) bootstrap intervals are narrower than they ought to be.**`,
  ];
}

function missingRuns(missing: readonly MissingRun[]): string[] {
  if (missing.length === 0) return [];
  const reasons = new Map<string, MissingRun[]>();
  for (const run of missing) {
    const key = `${run.task}\0${run.algorithm}\0${run.reason}`;
    reasons.set(key, [...(reasons.get(key) ?? []), run]);
  }
  return [
    `**Missing: ${missing.length} ${missing.length === 1 ? "run" : "runs"}.** Numbers without them may flatter an algorithm whose runs fail.`,
    table(
      ["task", "algorithm", "seeds", "why"],
      Array.from(reasons.values(), (alike) => [
        alike[0].task,
        alike[0].algorithm,
        alike.map(({ seed }) => seed).join(", "),
        alike[0].reason,
      ]),
    ),
  ];
}
