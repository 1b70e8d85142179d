/** @file Tests of the report: from runs' directories to numbers, text and figures. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { interquartileMean, mean } from "../evaluation/statistics.ts";
import { type BenchmarkReport, createReport } from "./report.ts";
import { writeReport } from "./report-files.ts";
import { resolveSuite, type Suite, type SuiteSettings } from "./suite.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-report-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Greedy returns at the end, by task, algorithm and seed; training comes to a tenth less, in a straight line. */
type Returns = Readonly<Record<string, Readonly<Record<string, readonly (number | undefined)[]>>>>;

const returns: Returns = {
  climbing: { bppo: [11, 11, 7, 11, 11], mappo: [6, 5, 7, 6, 6] },
  penalty: { bppo: [10, 2, 10, 10, 10], mappo: [2, 2, 2, 2, 10] },
};

/** Writes finished runs with these returns; those that are undefined are left unfinished. */
async function writeRuns(name: string, suite: Suite, all: Returns): Promise<string> {
  const path = join(root, name);
  for (const { path: run, task, algorithm, seed, config } of suite.runs) {
    const value = all[task][algorithm][suite.seeds.indexOf(seed)];
    const directory = join(path, run);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "config.json"), JSON.stringify(config));
    const updates = [0.25, 0.5, 0.75, 1].map((part, i) => ({
      update: i + 1,
      step: part * config.steps,
      wallSeconds: part * (10 + seed),
      episodes: 1,
      episodeReturn: part * 0.9 * (value ?? 0),
      ...(part < 1 && { entropy: part }),
      ...(part === 0.25 && { evaluationReturn: 1 }),
    }));
    await writeFile(join(directory, "metrics.jsonl"), updates.map((update) => `${JSON.stringify(update)}\n`).join(""));
    if (value === undefined) continue;
    const evaluation = { episodes: 2, meanReturn: value, stdReturn: 0, returns: [value, value] };
    const result = {
      env: task,
      algorithm,
      seed,
      steps: config.steps,
      wallSeconds: 10 + seed,
      stepsPerSecond: 100,
      evaluation,
    };
    await writeFile(join(directory, "result.json"), JSON.stringify(result));
  }
  return path;
}

const settings = {
  tasks: [
    {
      env: "climbing",
      score: { min: 5, max: 11 },
      published: [
        {
          name: "BPPO, reported",
          algorithm: "bppo",
          points: [
            [5000, 9],
            [20_000, 11],
          ],
        },
      ],
    },
    "penalty",
  ],
  algorithms: ["bppo", "mappo"],
  seeds: 5,
  steps: 10_000,
  report: { resamples: 200 },
} satisfies SuiteSettings;

describe("a report", () => {
  let suite: Suite;
  let path: string;
  let report: BenchmarkReport;
  beforeAll(async () => {
    suite = await resolveSuite(settings, { name: "games" });
    path = await writeRuns("games", suite, returns);
    report = await createReport(suite, path);
  });

  test("has the scores of each task, and says what they are normalised by", () => {
    const [climbing, penalty] = report.tasks;
    expect(climbing.normalization).toEqual({ min: 5, max: 11, from: "suite" });
    expect(penalty.normalization).toEqual({ min: 2, max: 10, from: "data" });
    const [bppo, mappo] = climbing.algorithms;
    expect(bppo).toMatchObject({ algorithm: "bppo", seeds: [0, 1, 2, 3, 4], scores: [11, 11, 7, 11, 11] });
    expect(bppo.normalized).toEqual([1, 1, 1 / 3, 1, 1]);
    expect(bppo.interquartileMean.value).toBe(11);
    expect(bppo.mean.value).toBe(10.2);
    expect(bppo.mean.low).toBeLessThan(10.2);
    expect(bppo.mean.high).toBeLessThanOrEqual(11);
    expect(bppo.wallSeconds).toBe(12);
    expect(mappo.mean.value).toBe(6);
  });

  test("has estimates over all tasks, in normalised scores", () => {
    const [bppo] = report.overall;
    const scores = [1, 1, 1 / 3, 1, 1, 1, 0, 1, 1, 1];
    expect(bppo.interquartileMean.value).toBeCloseTo(interquartileMean(scores), 12);
    expect(bppo.mean.value).toBeCloseTo(mean(scores), 12);
    expect(bppo.optimalityGap.value).toBeCloseTo(1 - mean(scores), 12);
    for (const { value, low, high } of [bppo.interquartileMean, bppo.mean, bppo.median, bppo.optimalityGap]) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
    const better = report.improvement.find(({ x }) => x === "bppo")!.probability;
    // Climbing: of 25 pairs 24 are won and 1 is even; penalty: 16 won, 8 even, 1 lost.
    const penalty = (4 * 4 + 0.5 * (4 + 4)) / 25;
    expect(better.value).toBeCloseTo((24.5 / 25 + penalty) / 2, 12);
    expect(report.profiles[0].value[0]).toBe(0.9);
    expect(report.profiles[0].value.at(-1)).toBe(0);
  });

  test("has curves over steps, over time, and over all tasks", () => {
    const [bppo] = report.curves.steps[0].algorithms;
    expect([bppo.x[0], bppo.x.at(-1)]).toEqual([2500, 10_000]);
    expect(bppo.value.at(-1)).toBeCloseTo(0.9 * 11, 12);
    const [timed] = report.curves.seconds[0].algorithms;
    // The fastest run ends after 10 s, and there all runs are compared.
    expect(timed.x.at(-1)).toBe(10);
    expect(report.curves.overall[0].x.at(-1)).toBe(1);
    expect(report.curves.overall[0].value.at(-1)).toBeGreaterThan(report.curves.overall[1].value.at(-1)!);
  });

  test("is a function of the runs", async () => {
    expect(await createReport(suite, path)).toEqual(report);
  });

  test("is written as text, data and figures that belong together", async () => {
    const directory = join(root, "written");
    const file = await writeReport(report, directory);
    const text = await readFile(file, "utf8");
    expect(text).toContain("20 of 20 runs are in these numbers");
    expect(text).toContain("penalty from 2.00 to 10.00 (the lowest and the highest score found)");
    expect(text).toMatch(/\| bppo \| 5 \| \*\*11\.00 \[\d+\.\d\d, 11\.00\]\*\* \| 10\.20 /);
    const names = await readdir(directory);
    const shown = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, name]) => name);
    expect(new Set(shown)).toEqual(new Set(names.filter((name) => name.endsWith(".svg"))));
    const png = await readFile(join(directory, "overall.png"));
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect(JSON.parse(await readFile(join(directory, "report.json"), "utf8"))).toEqual(
      JSON.parse(JSON.stringify(report)),
    );
    const svg = await readFile(join(directory, "improvement.svg"), "utf8");
    for (const words of ["bppo better than …", "Probability of improvement", "mappo"]) expect(svg).toContain(words);
    expect(text).toContain("| after steps | 5,000 | 20,000 |\n| --- | --- | --- |\n| BPPO, reported | 9.00 | 11.00 |");
    const curves = await readFile(join(directory, "curves-climbing.svg"), "utf8");
    // The axis goes on to what is reported.
    for (const words of ["BPPO, reported", "20k"]) expect(curves).toContain(words);
    expect(await readFile(join(directory, "curves-penalty.svg"), "utf8")).not.toContain("reported");
  });
});

test("runs that are missing are named, and an algorithm without a run on a task is not in the numbers over all", async () => {
  const suite = await resolveSuite(settings, { name: "gaps" });
  const gaps: Returns = {
    climbing: { bppo: [11, 11, 7, 11, undefined], mappo: [6, 5, 7, 6, 6] },
    penalty: { bppo: [10, 2, 10, 10, 10], mappo: [undefined, undefined, undefined, undefined, undefined] },
  };
  const path = await writeRuns("gaps", suite, gaps);
  const failures = [{ task: "climbing", algorithm: "bppo", seed: 4, reason: "training diverged" }];
  const report = await createReport(suite, path, failures);
  expect(report.runs).toEqual({ expected: 20, finished: 14 });
  expect(report.missing[0]).toEqual(failures[0]);
  expect(report.missing.slice(1).map(({ reason }) => reason)).toEqual(Array(5).fill("not finished"));
  expect(report.overall.map(({ algorithm }) => algorithm)).toEqual(["bppo"]);
  const text = await readFile(await writeReport(report, join(root, "gaps-report")), "utf8");
  expect(text).toContain("**Missing: 6 runs.**");
  expect(text).toContain("| penalty | mappo | 0, 1, 2, 3, 4 | not finished |");
  expect(text).toContain("for want of a run on every task: mappo.");
});

test("a single seed has no interval, and the report says what that means", async () => {
  const suite = await resolveSuite({ ...settings, tasks: ["climbing"], seeds: 1 }, { name: "one" });
  const report = await createReport(suite, await writeRuns("one", suite, returns));
  expect(report.overall[0].mean).toEqual({ value: 1, low: Number.NaN, high: Number.NaN });
  const text = await readFile(await writeReport(report, join(root, "one-report")), "utf8");
  expect(text).toContain("nothing follows from a difference");
  expect(text).toContain("| bppo | 1 | **11.00** | 11.00 | – |");
});

test("times of different machines are not compared", async () => {
  const suite = await resolveSuite({ ...settings, tasks: ["climbing"] }, { name: "machines" });
  const path = await writeRuns("machines", suite, returns);
  const [run] = suite.runs;
  const machines = ["a slow one", "a fast one"];
  await writeFile(join(path, run.path, "config.json"), JSON.stringify({ ...run.config, machines }));
  const report = await createReport(suite, path);
  expect(report.tasks[0].machines).toEqual([
    { machine: "a slow one, then a fast one", runs: 1 },
    { machine: "not recorded", runs: 9 },
  ]);
  const text = await readFile(await writeReport(report, join(root, "machines-report")), "utf8");
  expect(text).toContain("**their times don't compare**: a slow one, then a fast one (1 run); not recorded (9 runs).");
  expect(text).not.toContain("over time");
});

test("over all tasks, curves are of the same part of training everywhere", async () => {
  const suite = await resolveSuite({
    ...settings,
    tasks: ["climbing", { env: "penalty", steps: 20_000 }],
    algorithms: ["bppo"],
    seeds: 1,
  });
  const path = await writeRuns("parts", suite, { climbing: { bppo: [11] }, penalty: { bppo: [10] } });
  // One of them says nothing of its first half.
  const file = join(path, suite.runs[0].path, "metrics.jsonl");
  await writeFile(file, (await readFile(file, "utf8")).split("\n").slice(1).join("\n"));
  const [curve] = (await createReport(suite, path)).curves.overall;
  expect([curve.x[0], curve.x.at(-1)]).toEqual([0.5, 1]);
});

test("over all tasks, curves of another kind than the scores are normalised by their own ends", async () => {
  const suite = await resolveSuite({ ...settings, report: { ...settings.report, curve: "entropy" } });
  const report = await createReport(suite, await writeRuns("kinds", suite, returns));
  const values = report.curves.overall.flatMap(({ value }) => [...value]);
  expect([Math.min(...values), Math.max(...values)]).toEqual([0, 1]);
});

test("where no episode ends, there are scores without curves", async () => {
  const suite = await resolveSuite(settings, { name: "endless" });
  const path = await writeRuns("endless", suite, returns);
  for (const run of suite.runs.filter(({ task }) => task === "penalty")) {
    const file = join(path, run.path, "metrics.jsonl");
    await writeFile(file, (await readFile(file, "utf8")).replaceAll('"episodeReturn"', '"episodeCount"'));
  }
  const report = await createReport(suite, path);
  expect(report.tasks[1].algorithms[0].scores).toHaveLength(5);
  expect(report.curves.steps.map(({ task }) => task)).toEqual(["climbing"]);
  expect(report.curves.overall).toEqual([]);
  const text = await readFile(await writeReport(report, join(root, "endless-report")), "utf8");
  expect(text.match(/There are no curves: not all runs have recorded `episodeReturn`/g)).toHaveLength(1);
});

test("curves of greedy returns go on to the evaluation at the end", async () => {
  const suite = await resolveSuite({ ...settings, report: { ...settings.report, curve: "evaluationReturn" } });
  const report = await createReport(suite, await writeRuns("greedy", suite, returns));
  const [{ x, value }] = report.curves.steps[0].algorithms;
  expect([x[0], x.at(-1), value[0], value.at(-1)]).toEqual([2500, 10_000, 1, 11]);
});

test("scores can be a metric over the end of training; one that was not recorded there is refused", async () => {
  const suite = await resolveSuite({ ...settings, report: { ...settings.report, score: "episodeReturn" } });
  const path = await writeRuns("metric", suite, returns);
  const report = await createReport(suite, path);
  expect(report.tasks[0].algorithms[0].scores[0]).toBeCloseTo(9.9, 12);
  const scored = (score: string) => createReport({ ...suite, report: { ...suite.report, score } }, path);
  // Less is better where it says so: the best is still the one with the highest score.
  const less = await scored("-episodeReturn");
  expect(less.tasks[0].algorithms[0].scores[0]).toBeCloseTo(-9.9, 12);
  expect(less.score).toContain("negative: the less, the better");
  await expect(scored("evaluationInfo.minutes")).rejects.toThrow("was told nothing of that name");
  await expect(scored("episodeReturns")).rejects.toThrow("did you mean episodeReturn?");
  await expect(scored("entropy")).rejects.toThrow("has not recorded entropy in the last 10 % of its steps");
  await expect(scored("evaluationWinRate")).rejects.toThrow("knows of no wins");
  await expect(createReport(suite, join(root, "nowhere"))).rejects.toThrow("has no finished run to report on");
});
