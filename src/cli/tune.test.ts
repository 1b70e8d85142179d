import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type BenchmarkEvent, benchmark } from "../benchmark/benchmark.ts";
import type { SuiteSettings } from "../benchmark/suite.ts";
import { tune } from "../benchmark/tune.ts";
import { readMetrics, readResult } from "../evaluation/records.ts";
import { resolveConfig } from "../experiment/config.ts";
import { readRun } from "../experiment/run.ts";
import { readSettingsFile } from "../experiment/settings-files.ts";
import { essence } from "../experiment/testing/essence.ts";
import { train } from "../experiment/train.ts";
import { startBpta } from "./testing/start.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-tune-"));
});
afterAll(() => rm(root, { recursive: true }));

/** 16 updates of 12 steps each; four trials, of which two make four updates and one all. */
const search: SuiteSettings = {
  tasks: [{ env: { id: "climbing", options: { steps: 5 } } }],
  algorithms: ["mappo"],
  seeds: 1,
  steps: 192,
  config: {
    policy: { hidden: 8 },
    critic: { hidden: 8 },
    rollout: { environments: 4, length: 3 },
    evaluation: { interval: 0, episodes: 4 },
  },
  search: {
    trials: 4,
    eta: 2,
    minSteps: 48,
    space: { "algorithm.learningRate": { logUniform: [1e-4, 1e-1] }, "algorithm.epochs": { choice: [1, 2] } },
  },
};

test("halving goes on with the best from their checkpoints, a stopped search goes on too, and the best trains", async () => {
  await writeFile(join(root, "search.yaml"), stringify(search));
  const command = ["tune", "search.yaml", "--out", "out", "--workers", "2", "--json"];
  // Killed once the second round has begun.
  const killed = await startBpta(root, command, (line, kill) => {
    if (line.includes('"event":"round"') && line.includes('"round":2')) kill("SIGKILL");
  });
  expect(killed.code).toBeNull();
  const lines: Record<string, unknown>[] = [];
  const ended = await startBpta(root, command, (line) => lines.push(JSON.parse(line)));
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(lines.filter(({ event }) => event === "round")).toMatchObject([
    { round: 1, rounds: 3, trials: 4, steps: 48 },
    { round: 2, rounds: 3, trials: 2, steps: 96 },
    { round: 3, rounds: 3, trials: 1, steps: 192 },
  ]);
  expect(lines.find(({ event }) => event === "plan")).toMatchObject({ runs: 4, finished: 4 });

  const trials = join(root, "out", "mappo");
  const steps = await Promise.all(
    (await readdir(trials)).map(
      async (name) => (await readMetrics(join(trials, name, "climbing", "seed-0"))).at(-1)!.step,
    ),
  );
  expect(steps.toSorted((a, b) => a - b)).toEqual([48, 48, 96, 192]);

  // The winner is the run that it would have been without rounds.
  const winner = join(trials, (await readdir(trials))[steps.indexOf(192)], "climbing", "seed-0");
  const { config } = await readRun(winner);
  await train(config, { out: join(root, "whole") });
  expect(await essence(winner)).toEqual(await essence(join(root, "whole")));

  // Its settings, from the file, make its configuration, but for the one thread that runs of a search have.
  const best = await readSettingsFile(join(root, "out", "report", "best-mappo.yaml"));
  expect(await resolveConfig(best, { seed: 0, algorithm: { threads: 1 }, rollout: { workers: 1 } })).toEqual(config);
  const report = JSON.parse(await readFile(join(root, "out", "report", "search.json"), "utf8"));
  const [{ trials: ranked, best: first }] = report.algorithms;
  expect(first).toMatchObject({ rounds: 3, steps: 192, score: (await readResult(winner))!.evaluation.meanReturn });
  expect(ranked.map(({ rounds }: { rounds: number }) => rounds)).toEqual([3, 2, 1, 1]);
  const csv = (await readFile(join(root, "out", "report", "trials.csv"), "utf8")).trim().split("\r\n");
  expect(csv[0]).toBe("algorithm,rank,trial,algorithm.learningRate,algorithm.epochs,rounds,steps,score,failure");
  expect(csv).toHaveLength(5);
  expect(await readFile(join(root, "out", "report", "search.md"), "utf8")).toContain(
    "`bpta train climbing --config best-mappo.yaml`",
  );
}, 120_000);

test("a search with more trials comes to what it would have come to with them from the start", async () => {
  const trials = (count: number) =>
    ({
      ...search,
      tasks: [...search.tasks, "penalty"].map((env) => ({
        ...(typeof env === "string" ? { env } : (env as object)),
        score: { min: 0, max: 11 },
      })),
      steps: 96,
      search: { ...search.search!, trials: count },
    }) as SuiteSettings;
  const few = await tune(trials(2), { out: join(root, "grown") });
  expect(few.algorithms[0].trials.map(({ rounds }) => rounds)).toEqual([2, 1]);
  const grown = await tune(trials(4), { out: join(root, "grown") });
  const whole = await tune(trials(4), { out: join(root, "at-once") });
  expect(grown.algorithms[0].trials).toEqual(whole.algorithms[0].trials);
  // What the suite says of all runs is in the best configuration.
  expect(parse(await readFile(grown.algorithms[0].config, "utf8"))).toMatchObject({
    steps: 96,
    policy: { hidden: 8 },
    rollout: { environments: 4 },
    algorithm: { name: "mappo", ...{ learningRate: expect.any(Number) } },
  });
  const other = { ...trials(4), search: { ...trials(4).search!, minSteps: 24 } };
  await expect(tune(other, { out: join(root, "grown") })).rejects.toThrow(
    /is past step 24 and was not judged there: search\.method, eta or minSteps, or steps, were others; give another --out$/,
  );
}, 120_000);

test("a benchmark of a file with a search compares its settings as they stand, and says so", async () => {
  const notices: string[] = [];
  const onProgress = (event: BenchmarkEvent) => {
    if (event.kind === "notice") notices.push(event.message);
  };
  const options = { out: join(root, "compared"), reportOnly: true, onProgress };
  await benchmark({ ...search, name: "searched" }, options).catch(() => {});
  expect(notices).toEqual(["searched has a search: bpta tune makes it; here settings are compared as they stand"]);
});

test("a run's configuration with a search is one, and a trial that diverges is no reason to stop", async () => {
  const path = join(root, "config.yaml");
  const learningRate = { from: 1e-3, to: 1e38, fraction: 0.1 };
  await writeFile(
    path,
    stringify({
      env: { id: "climbing" },
      algorithm: { name: "mappo", epochs: 1 },
      seed: 3,
      steps: 120,
      ...search.config,
      search: { method: "random", trials: 4, space: { "algorithm.learningRate": { choice: [1e-3, learningRate] } } },
    }),
  );
  const { algorithms } = await tune(path, { out: join(root, "random") });
  const [{ trials, best, config }] = algorithms;
  expect(best.values).toEqual({ "algorithm.learningRate": 1e-3 });
  const failed = trials.filter(({ score }) => score === undefined);
  expect(failed.length).toBeGreaterThan(0);
  for (const { values, failure } of failed) {
    expect(values).toEqual({ "algorithm.learningRate": learningRate });
    expect(failure).toMatch(/^training diverged/);
  }
  expect(trials.slice(-failed.length)).toEqual(failed);
  expect(parse(await readFile(config, "utf8"))).toMatchObject({ algorithm: { name: "mappo", learningRate: 1e-3 } });
}, 120_000);

test.each<[object, RegExp]>([
  [{ search: undefined }, /^suite has no search; it must say which settings to look for$/],
  [
    { search: { space: { "algorithm.peerCoef": { uniform: [0, 1] } } } },
    /^search\.space\.algorithm\.peerCoef is not a setting of any algorithm of the suite/,
  ],
  [{ search: { space: { steps: { integer: [1, 5] } } } }, /^search\.space\.steps can't be looked for/],
  [
    { search: { space: { "policy.hiden": { integer: [1, 5] } } } },
    /^task climbing, algorithm mappo, trial 0 \(policy\.hiden \d\): policy\.hiden is not a setting; did you mean hidden\?/,
  ],
  [{ tasks: ["climbing", "penalty"] }, /^task climbing has no score: \{ min, max \}/],
])("%j is refused in one line, before anything is run", async (change, message) => {
  await expect(tune({ ...search, ...change } as SuiteSettings, { out: join(root, "refused") })).rejects.toThrow(
    message,
  );
});
