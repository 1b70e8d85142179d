import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import type { BenchmarkReport } from "../benchmark/report.ts";
import { resolveSuite, type SuiteSettings } from "../benchmark/suite.ts";
import { essence } from "../experiment/testing/essence.ts";
import { train } from "../experiment/train.ts";
import { startBpta } from "./testing/start.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-benchmark-"));
});
afterAll(() => rm(root, { recursive: true }));

/** 60 updates of 12 steps each. */
const suite: SuiteSettings = {
  tasks: [{ env: { id: "climbing", options: { steps: 5 } }, score: { min: -30, max: 55 } }],
  algorithms: ["mappo", { name: "ippo-wide", algorithm: "ippo", config: { policy: { hidden: 16 } } }],
  seeds: [0, 4],
  steps: 720,
  config: {
    algorithm: { epochs: 2 },
    policy: { hidden: 8 },
    critic: { hidden: 8 },
    rollout: { environments: 4, length: 3 },
    checkpoint: { interval: 4 },
    evaluation: { interval: 0, episodes: 4 },
  },
  report: { resamples: 100 },
};

const write = (name: string, settings: SuiteSettings) => writeFile(join(root, name), stringify(settings));

/** The locks of runs in a suite's directory: those that a process is working on. */
async function locks(out: string): Promise<string[]> {
  const names = await readdir(join(root, out), { recursive: true });
  return names.filter((name) => /seed-\d+[/\\]\.lock-\d+$/.test(name)).map((name) => join(root, out, name));
}

test("a suite that is killed, and a run that is killed, end with the numbers of runs that never were", async () => {
  await write("suite.yaml", suite);
  const command = ["benchmark", "suite.yaml", "--out", "killed", "--workers", "2", "--json"];
  let updates = 0;
  const killed = await startBpta(root, command, (line, kill) => {
    if (line.includes('"kind":"update"') && ++updates === 20) kill("SIGKILL");
  });
  expect(killed.code).toBeNull();
  // The runs' processes see that their parent is gone, and end.
  for (let tries = 0; (await locks("killed")).length > 0 && tries < 600; tries++) await wait(100);
  expect(await locks("killed")).toEqual([]);

  let killing: Promise<void> | undefined;
  updates = 0;
  const ended = await startBpta(root, command, (line) => {
    if (!line.includes('"kind":"update"') || ++updates !== 20) return;
    killing = locks("killed").then(async ([lock]) => {
      process.kill((JSON.parse(await readFile(lock, "utf8")) as { readonly pid: number }).pid, "SIGKILL");
    });
  });
  await killing;
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toMatch(/its process was killed \(SIGKILL\); it goes on in a new one/);

  for (const run of (await resolveSuite(suite)).runs) {
    const whole = join(root, "whole", run.path);
    await train(run.config, { out: whole });
    expect(await essence(join(root, "killed", run.path)), run.path).toEqual(await essence(whole));
  }
  expect(await readdir(join(root, "killed", "report"))).toEqual(
    expect.arrayContaining([
      "report.md",
      "report.json",
      "overall.svg",
      "overall.png",
      "profiles.svg",
      "curves-climbing.svg",
    ]),
  );
  const report = JSON.parse(await readFile(join(root, "killed", "report", "report.json"), "utf8")) as BenchmarkReport;
  expect(report).toMatchObject({ runs: { expected: 4, finished: 4 }, missing: [], algorithms: ["mappo", "ippo-wide"] });

  // Nothing is left to do, and the report is what it was.
  const again = await startBpta(root, ["benchmark", "suite.yaml", "--out", "killed"]);
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(again.stdout).toMatch(
    /^4 runs → killed {2}\d+ at a time, 4 already finished\n\nThe report is killed\/report\/report\.md\n$/,
  );
  expect(JSON.parse(await readFile(join(root, "killed", "report", "report.json"), "utf8"))).toEqual(report);

  // Runs of another configuration are not mixed with these.
  await write("changed.yaml", { ...suite, config: { ...suite.config, algorithm: { epochs: 3 } } });
  const mixed = await startBpta(root, ["benchmark", "changed.yaml", "--out", "killed"]);
  expect(mixed).toMatchObject({ code: 1, stdout: "" });
  expect(mixed.stderr).toMatch(
    /^error: killed.*seed-0 was made with algorithm\.epochs 2, now it is 3; give another --out[^\n]*\n$/,
  );
}, 180_000);

test("a score that runs do not tell is refused by the first that ends, and another may do", async () => {
  const report = { ...suite.report, score: "evaluationInfo.minutes" };
  await write("unscored.yaml", { ...suite, algorithms: ["mappo"], seeds: 3, report });
  const run = (file: string) => startBpta(root, ["benchmark", file, "--out", "unscored", "--workers", "1", "--quiet"]);
  const message =
    "error: report.score is evaluationInfo.minutes, but unscored/climbing/mappo/seed-0 was told nothing of that name\n";
  expect(await run("unscored.yaml")).toMatchObject({ code: 1, stdout: "", stderr: message });
  const finished = async () => {
    const names = await readdir(join(root, "unscored"), { recursive: true });
    return names.filter((name) => name.endsWith("result.json")).length;
  };
  expect(await finished()).toBe(1);
  // With that run there nothing more is begun.
  expect(await run("unscored.yaml")).toMatchObject({ code: 1, stderr: message });
  expect(await finished()).toBe(1);
  await write("scored.yaml", { ...suite, algorithms: ["mappo"], seeds: 3 });
  expect(await run("scored.yaml")).toMatchObject({ code: 0, stderr: "" });
  expect(await finished()).toBe(3);
}, 180_000);

test("a run that fails is reported, the others go on, and the exit code says so", async () => {
  const learningRate = { from: 1e-3, to: 1e38, fraction: 0.1 };
  const diverging = { name: "diverging", algorithm: { name: "mappo", learningRate } };
  await write("failing.yaml", { ...suite, algorithms: [diverging, "mappo"], seeds: 1 });
  const ended = await startBpta(root, ["benchmark", "failing.yaml", "--out", "failing", "--workers", "1", "--quiet"]);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  const [failed, error] = ended.stderr.split("\n");
  expect(failed).toMatch(/^failed: climbing\/diverging\/seed-0: training diverged: .*at step \d+/);
  expect(error).toMatch(/^error: 1 of 2 runs missing: climbing\/diverging\/seed-0: training diverged/);
  expect(existsSync(join(root, "failing", "climbing", "mappo", "seed-0", "result.json"))).toBe(true);
  expect(await readFile(join(root, "failing", "climbing", "diverging", "seed-0", "error.log"), "utf8")).toContain(
    "    at ",
  );
  const report = await readFile(join(root, "failing", "report", "report.md"), "utf8");
  expect(report).toMatch(/\| climbing \| diverging \| 0 \| training diverged: /);
  const only = await startBpta(root, ["benchmark", "failing.yaml", "--out", "failing", "--report-only"]);
  expect(only).toMatchObject({ code: 0 });
  expect(only.stderr).toMatch(/^note: 1 of 2 runs missing: climbing\/diverging\/seed-0: training diverged/);
}, 60_000);

test("a part of a suite: the runs that are named, and a report of what is there", async () => {
  await write("parts.yaml", { ...suite, steps: 24 });
  const only = (...runs: string[]) =>
    startBpta(root, [
      "benchmark",
      "parts.yaml",
      "--out",
      "parts",
      "--quiet",
      ...runs.flatMap((run) => ["--only", run]),
    ]);
  const made = () =>
    ["mappo/seed-0", "mappo/seed-4", "ippo-wide/seed-0", "ippo-wide/seed-4"].filter((run) =>
      existsSync(join(root, "parts", "climbing", run, "result.json")),
    );
  const first = await only("*/*/seed-4");
  expect(first).toMatchObject({ code: 0, stdout: "" });
  expect(first.stderr).toBe("note: 2 of 4 runs missing: climbing/mappo/seed-0: not begun (and 1 more)\n");
  expect(made()).toEqual(["mappo/seed-4", "ippo-wide/seed-4"]);
  const wrong = await only("climbing/mappo", "climbing/ippo");
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(
    /^error: --only climbing\/ippo is no run .* the algorithms mappo, ippo-wide, the seeds 0, 4\n$/,
  );
  expect(made()).toHaveLength(2);
  expect(await only("climbing/mappo", "*/ippo-wide/seed-0")).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(made()).toHaveLength(4);
}, 180_000);

test("Ctrl-C ends the runs with checkpoints, leaves no process behind, and says how to go on", async () => {
  await write("stopped.yaml", { ...suite, steps: 120_000 });
  let updates = 0;
  const command = ["benchmark", "stopped.yaml", "--out", "stopped", "--workers", "2", "--json"];
  const ended = await startBpta(root, command, (line, kill) => {
    if (line.includes('"kind":"update"') && ++updates === 6) kill("SIGINT");
  });
  expect(ended.code).toBe(130);
  expect(ended.stderr).toBe("stopped; to go on: npx bpta benchmark stopped.yaml --out stopped\n");
  expect(await locks("stopped")).toEqual([]);
  const begun = (await readdir(join(root, "stopped"), { recursive: true })).filter((name) => /seed-\d$/.test(name));
  expect(begun.sort()).toEqual(["climbing/ippo-wide/seed-0", "climbing/mappo/seed-0"].map((name) => join(name)));
  for (const run of begun) {
    const files = await readdir(join(root, "stopped", run, "checkpoints"));
    expect(files.length).toBeGreaterThan(0);
  }
}, 60_000);
