/** @file Tests of reading, grouping and aligning runs. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alignCurves, groupRuns, haveCommonRange, type RecordedRun, readRuns } from "./runs.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpta-runs-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function writeRun(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(directory, name);
  await mkdir(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
  return path;
}

const updateOf = (step: number, values: Readonly<Record<string, number>>) => ({
  update: step,
  step,
  wallSeconds: 0,
  stepsPerSecond: 0,
  collectSeconds: 0,
  updateSeconds: 0,
  episodes: 1,
  ...values,
});

/** A run of one metric, `y`, given as [step, value] pairs. */
const runOf = (pairs: readonly (readonly [number, number])[], settings: object = {}, seed = 0): RecordedRun => ({
  path: `run-${seed}`,
  config: { env: { id: "climbing" }, algorithm: { name: "bppo" }, seed, ...settings },
  seed,
  metrics: pairs.map(([step, y]) => updateOf(step, { y })),
  result: undefined,
});

describe("reading runs", () => {
  const config = JSON.stringify({ env: { id: "climbing" }, algorithm: { name: "bppo" }, seed: 7, setting: "of old" });

  it("takes a run that is still being written to, and settings that no longer exist", async () => {
    const path = await writeRun("torn", { "config.json": config, "metrics.jsonl": '{"step":200,"y":1}\n{"step":40' });
    const [run] = await readRuns([path]);
    expect(run).toMatchObject({ path, seed: 7, metrics: [{ step: 200, y: 1 }], result: undefined });
    expect(run.config.setting).toBe("of old");
  });

  it("reads the result of a run that has ended", async () => {
    const result = { env: "climbing", evaluation: { episodes: 1, meanReturn: 11, stdReturn: 0, returns: [11] } };
    const path = await writeRun("ended", {
      "config.json": config,
      "metrics.jsonl": "",
      "result.json": JSON.stringify(result),
    });
    expect((await readRuns([path]))[0].result).toEqual(result);
  });

  it("takes the directory of a suite for the runs in it", async () => {
    await writeRun("suite", { "suite.json": "{}" });
    const metrics = '{"step":200,"y":1}\n';
    const paths = [];
    for (const seed of [0, 1]) {
      const content = { "config.json": config, "metrics.jsonl": metrics };
      paths.push(await writeRun(join("suite", "climbing", "bppo", `seed-${seed}`), content));
    }
    await writeRun(join("suite", "climbing", "bppo", "seed-2"), { "config.json": config });
    const single = await writeRun("beside", { "config.json": config, "metrics.jsonl": metrics });
    const runs = await readRuns([single, join(directory, "suite")]);
    expect(runs.map(({ path }) => path)).toEqual([single, ...paths]);
    expect(runs.map(({ variant }) => variant?.algorithm)).toEqual([undefined, "bppo", "bppo"]);
  });

  it("knows what is damaged in a run by its name and line", async () => {
    const path = await writeRun("scratched", { "config.json": config, "metrics.jsonl": '{"step":1}\n{"step":\n' });
    await expect(readRuns([path])).rejects.toThrow(`${join(path, "metrics.jsonl")}, line 2: `);
    await writeRun("scratched", { "metrics.jsonl": '{"step":1}\n', "result.json": "{" });
    await expect(readRuns([path])).rejects.toThrow(`${join(path, "result.json")}: `);
  });

  it("names the directory that is not a run, and the file that can't be read", async () => {
    await expect(readRuns([directory])).rejects.toThrow(`${directory} is not a run: it has no config.json`);
    const unstarted = await writeRun("unstarted", { "config.json": config });
    await expect(readRuns([unstarted])).rejects.toThrow("it has no metrics.jsonl");
    const broken = await writeRun("broken", { "config.json": "{", "metrics.jsonl": "" });
    await expect(readRuns([broken])).rejects.toThrow(`${join(broken, "config.json")}: `);
  });
});

describe("grouping runs", () => {
  const run = (algorithm: object, seed: number, id = "climbing"): RecordedRun =>
    runOf([], { algorithm, env: { id } }, seed);

  it("is by algorithm, in the order of the runs", () => {
    const runs = [run({ name: "mappo" }, 0), run({ name: "bppo" }, 0), run({ name: "mappo" }, 1)];
    expect(groupRuns(runs)).toEqual([
      { label: "mappo", runs: [runs[0], runs[2]] },
      { label: "bppo", runs: [runs[1]] },
    ]);
  });

  it("tells environments apart where there are several", () => {
    const runs = [run({ name: "bppo" }, 0), run({ name: "bppo" }, 0, "penalty")];
    expect(groupRuns(runs).map(({ label }) => label)).toEqual(["bppo, climbing", "bppo, penalty"]);
    expect(() => groupRuns(runs, { by: ["algorithm"] })).toThrow("group bppo mixes environments (climbing, penalty)");
  });

  it("is by any settings, where a run has them", () => {
    const runs = [
      run({ name: "bppo", peerCoef: 1 }, 0),
      run({ name: "bppo", peerCoef: { from: 1, to: 0 } }, 0),
      run({ name: "mappo" }, 0),
    ];
    const groups = groupRuns(runs, { by: ["algorithm.name", "algorithm.peerCoef"] });
    expect(groups.map(({ label }) => label)).toEqual(["bppo, peerCoef 1", "bppo, peerCoef from 1 to 0", "mappo"]);
  });

  it("goes by what a suite calls its tasks and algorithms, unless told otherwise", () => {
    const part = (algorithm: string, peerCoef: number, seed: number): RecordedRun => ({
      ...run({ name: "bppo", peerCoef }, seed),
      variant: { task: "game", algorithm },
    });
    const runs = [part("without", 0, 0), part("with", 1, 0), part("with", 1, 1)];
    expect(groupRuns(runs).map(({ label }) => label)).toEqual(["without", "with"]);
    expect(groupRuns(runs, { by: ["algorithm.peerCoef"] }).map(({ label }) => label)).toEqual([
      "peerCoef 0",
      "peerCoef 1",
    ]);
  });

  it("refuses to count a seed twice", () => {
    const runs = [run({ name: "bppo", peerCoef: 1 }, 3), run({ name: "bppo", peerCoef: 0 }, 3)];
    expect(() => groupRuns(runs)).toThrow("group bppo has seed 3 twice (run-3, run-3)");
  });

  it("refuses to take runs with other settings for other seeds", () => {
    const runs = [run({ name: "bppo", peerCoef: 1, threads: 1 }, 3), run({ name: "bppo", peerCoef: 0, threads: 2 }, 4)];
    expect(() => groupRuns(runs)).toThrow("group bppo mixes algorithm.peerCoef 1 and 0; group by a setting in which");
    expect(groupRuns(runs, { by: ["algorithm.peerCoef"] })).toHaveLength(2);
    const without = run({ name: "bppo" }, 5);
    expect(() => groupRuns([runs[0], without])).toThrow("group bppo mixes algorithm.peerCoef 1 and not set");
    // Of another length.
    const longer = { ...runs[0], seed: 6, config: { ...runs[0].config, steps: 9 } };
    expect(groupRuns([runs[0], longer])).toHaveLength(1);
  });

  it("calls modules by their files, and by what is above them where files are called alike", () => {
    const runs = [run({ name: "/a/algo.ts" }, 0, "/x/one/env.ts"), run({ name: "/a/algo.ts" }, 0, "/x/two/env.ts")];
    expect(groupRuns(runs).map(({ label }) => label)).toEqual(["a/algo.ts, one/env.ts", "a/algo.ts, two/env.ts"]);
    const [single] = groupRuns([runs[0]]);
    expect(single.label).toBe("algo.ts");
  });

  it("has a label for every group, and another for each", () => {
    const sizes = [
      { ...run({ name: "bppo" }, 0), config: { policy: { hidden: 64 }, critic: { hidden: 8 } } },
      { ...run({ name: "bppo" }, 0), config: { policy: { hidden: 8 }, critic: { hidden: 64 } } },
    ];
    const groups = groupRuns(sizes, { by: ["policy.hidden", "critic.hidden"] });
    expect(groups.map(({ label }) => label)).toEqual([
      "policy.hidden 64, critic.hidden 8",
      "policy.hidden 8, critic.hidden 64",
    ]);
    const graphs = [
      run({ name: "bppo", dependencies: [[], [0], [1]] }, 0),
      run({ name: "bppo", dependencies: [[], [0, 1]] }, 0),
      run({ name: "mappo" }, 0),
    ];
    expect(groupRuns(graphs, { by: ["algorithm.dependencies"] }).map(({ label }) => label)).toEqual([
      "dependencies [[],[0],[1]]",
      "dependencies [[],[0,1]]",
      "mappo",
    ]);
  });

  it("names the nearest setting of one that no run has", () => {
    const runs = [run({ name: "bppo", peerCoef: 1 }, 0)];
    expect(() => groupRuns(runs, { by: ["algorithm.peerCoeff"] })).toThrow("did you mean algorithm.peerCoef?");
  });
});

describe("aligned curves", () => {
  it("are straight between a run's records, at steps that all runs have", () => {
    const steep = runOf([
      [0, 0],
      [100, 100],
    ]);
    const bent = runOf([
      [20, 5],
      [60, 5],
      [120, 11],
    ]);
    const { steps, values } = alignCurves([steep, bent], "y", { points: 5 });
    expect([...steps]).toEqual([20, 40, 60, 80, 100]);
    expect([...values[0]]).toEqual([20, 40, 60, 80, 100]);
    expect([...values[1]]).toEqual([5, 5, 5, 7, 9]);
  });

  it("lose no record between their steps: the mean stays when there are fewer steps than records", () => {
    const noise = runOf(Array.from({ length: 1001 }, (_, i) => [i, i % 2]));
    const { values } = alignCurves([noise], "y", { points: 11 });
    for (const value of values[0].slice(1)) expect(value).toBe(0.5);
  });

  it("are smoothed over what came before, never over what comes after", () => {
    const jump = runOf(Array.from({ length: 21 }, (_, i) => [10 * i, i < 10 ? 0 : 1]));
    const [values] = alignCurves([jump], "y", { points: 21, smoothing: 40 }).values;
    expect([...values.slice(8, 15)]).toEqual([0, 0, 0.25, 0.5, 0.75, 1, 1]);
  });

  it("stay within the recorded values, whatever the records, steps and window", () => {
    const pairs = fc.uniqueArray(fc.tuple(fc.nat(1e7), fc.double({ min: -1e3, max: 1e3, noNaN: true })), {
      minLength: 1,
      maxLength: 30,
      selector: ([step]) => step,
    });
    fc.assert(
      fc.property(pairs, fc.integer({ min: 2, max: 50 }), fc.nat(1e6), (records, points, smoothing) => {
        const ascending = records.toSorted(([a], [b]) => a - b);
        const { steps, values } = alignCurves([runOf(ascending)], "y", { points, smoothing });
        expect(steps.length).toBe(records.length === 1 ? 1 : points);
        const recorded = records.map(([, value]) => value);
        expect(Math.min(...values[0])).toBeGreaterThanOrEqual(Math.min(...recorded) - 1e-6);
        expect(Math.max(...values[0])).toBeLessThanOrEqual(Math.max(...recorded) + 1e-6);
      }),
    );
  });

  it("pass over updates that did not record the metric", () => {
    const run = runOf([]);
    const metrics = [
      updateOf(0, { y: 1 }),
      updateOf(1, {}),
      { ...updateOf(2, {}), y: null as unknown as number },
      updateOf(4, { y: 3 }),
    ];
    expect([...alignCurves([{ ...run, metrics }], "y", { points: 3 }).values[0]]).toEqual([1, 2, 3]);
  });

  it("are refused when there is nothing to align, in words that say why", () => {
    const early = runOf([[10, 1]]);
    expect(() => alignCurves([early, runOf([[20, 1]], {}, 1)], "y")).toThrow(
      "y: the runs have no steps in common (run-0: 10 to 10, run-1: 20 to 20)",
    );
    const late = runOf(
      [
        [20, 1],
        [30, 2],
      ],
      {},
      1,
    );
    expect(haveCommonRange([early, late], "y", "step")).toBe(false);
    expect(
      haveCommonRange(
        [
          runOf([
            [10, 1],
            [20, 2],
          ]),
          late,
        ],
        "y",
        "step",
      ),
    ).toBe(true);
    expect(() => alignCurves([early], "episode")).toThrow("did you mean episodes?");
    expect(() => alignCurves([runOf([])], "y")).toThrow("run-0 has not recorded any update yet");
  });
});
