import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DivergedError } from "../algorithms/algorithm.ts";
import { InterruptedError } from "../errors.ts";
import { readMetrics, readResult } from "../evaluation/records.ts";
import { type RunSettings, resolveConfig } from "./config.ts";
import { evaluateRun, exportRun } from "./evaluate.ts";
import { evaluateModel } from "./evaluator.ts";
import { lockDirectory } from "./lock.ts";
import { createRun, readBest, readRun, reopenRun } from "./run.ts";
import { openSession } from "./session.ts";
import { readSettingsFile } from "./settings-files.ts";
import { essence, withoutWallClock } from "./testing/essence.ts";
import { resume, type TrainEvent, type TrainOptions, train } from "./train.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-train-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Episodes of 7 steps, so that they go across rollouts of 5 and checkpoints fall inside them. */
const settings: RunSettings = {
  env: { id: "climbing", options: { steps: 7 } },
  algorithm: { name: "mappo", epochs: 2, minibatches: 2 },
  policy: { hidden: 8 },
  critic: { hidden: 8 },
  rollout: { environments: 4, length: 5 },
  evaluation: { interval: 4, episodes: 3 },
  checkpoint: { interval: 3, keep: 2 },
  steps: 20 * 20,
  seed: 7,
};
const UPDATES = 20;

/** Options that stop a run after this many updates. */
function stopAfter(updates: number): TrainOptions {
  const stop = new AbortController();
  return {
    signal: stop.signal,
    onProgress: (event) => event.kind === "update" && event.metrics.update === updates && stop.abort(),
  };
}

const whole = () => join(root, "whole");
let wholeEssence: Awaited<ReturnType<typeof essence>>;
const events: TrainEvent[] = [];
beforeAll(async () => {
  await train(settings, { out: whole(), onProgress: (event) => events.push(event) });
  wholeEssence = await essence(whole());
}, 60_000);

describe("a run", () => {
  test("is judged by one episode or more", async () => {
    for (const seed of [-1, Number.NaN])
      await expect(evaluateRun(whole(), { seed })).rejects.toThrow(`seed is ${seed}, must be a whole number ≥ 0`);
    for (const policy of ["Best", 1.5])
      await expect(evaluateRun(whole(), { policy: policy as "best" })).rejects.toThrow(
        `policy is ${policy}, must be last, best, or the step of a checkpoint`,
      );
    for (const episodes of [0, -1, 1.5])
      await expect(evaluateRun(whole(), { episodes })).rejects.toThrow(`episodes is ${episodes}, must be a whole`);
  });

  test("is judged by other episodes, and by drawn actions, where that is asked for", async () => {
    const returns = async (judgement: object) =>
      (await evaluateRun(whole(), { episodes: 20, ...judgement })).evaluation.returns;
    const greedy = await returns({});
    expect(await returns({ seed: settings.seed })).toEqual(greedy);
    const drawn = await returns({ drawn: true });
    expect(drawn).not.toEqual(greedy);
    expect(await returns({ drawn: true })).toEqual(drawn);
    expect(await returns({ drawn: true, seed: 8 })).not.toEqual(drawn);
  });

  test("leaves behind what the run directory is said to hold", async () => {
    const names = (await readdir(whole())).sort();
    expect(names).toEqual([
      "best.ckpt",
      "checkpoints",
      "config.json",
      expect.stringMatching(/^events\.out\.tfevents\.\d+\.bpta$/),
      "metrics.jsonl",
      "policy.onnx",
      "result.json",
    ]);
    const config = JSON.parse(await readFile(join(whole(), "config.json"), "utf8"));
    expect(config).toMatchObject({
      ...settings,
      versions: { bpta: expect.any(String), node: process.versions.node },
      machines: [expect.stringMatching(/, \d+ cores$/)],
    });
    expect(await readResult(whole())).toEqual({
      env: "climbing",
      algorithm: "mappo",
      seed: 7,
      steps: 400,
      wallSeconds: expect.any(Number),
      stepsPerSecond: expect.any(Number),
      evaluation: {
        episodes: 3,
        meanReturn: expect.any(Number),
        stdReturn: 0,
        winRate: expect.any(Number),
        returns: expect.any(Array),
      },
    });
  });

  test("records every update", async () => {
    const updates = await readMetrics(whole());
    expect(updates.map(({ update, step }) => [update, step])).toEqual(
      Array.from({ length: UPDATES }, (_, i) => [i + 1, 20 * (i + 1)]),
    );
    expect(updates.map(({ evaluationReturn }) => evaluationReturn !== undefined)).toEqual(
      Array.from({ length: UPDATES }, (_, i) => (i + 1) % 4 === 0 && i + 1 < UPDATES),
    );
    expect(updates[0]).toMatchObject({ policyLoss: expect.any(Number), valueLoss: expect.any(Number) });

    const events = (await readdir(whole())).find((name) => name.startsWith("events."))!;
    const count = (await readFile(join(whole(), events), "latin1")).split("evaluation/evaluationReturn").length - 1;
    const during = updates.filter(({ evaluationReturn }) => evaluationReturn !== undefined);
    expect(count, "TensorBoard gets the evaluations, the last one too").toBe(during.length + 1);
    // Four environments, the first of their episodes of 7 ends in the second rollout of 5.
    expect(updates.slice(0, 3).map(({ episodes, episodeLength }) => [episodes, episodeLength])).toEqual([
      [0, undefined],
      [4, 7],
      [4, 7],
    ]);
  });

  test("tells of its preparation, its start, its updates and its result, in order", () => {
    expect(events.map(({ kind }) => kind)).toEqual(["prepare", "start", ...Array(UPDATES).fill("update"), "result"]);
  });

  test("is a function of its seed", async () => {
    const again = join(root, "again");
    await train(settings, { out: again });
    expect(await essence(again)).toEqual(wholeEssence);
    const other = join(root, "other");
    await train({ ...settings, seed: 8, steps: 20 }, { out: other });
    expect(withoutWallClock(await readMetrics(other))[0]).not.toEqual(wholeEssence.updates[0]);
  });

  test("can be judged by the best of what was evaluated, and by any checkpoint that it has", async () => {
    const updates = await readMetrics(whole());
    const during = updates.flatMap(({ step, evaluationReturn }) =>
      evaluationReturn === undefined ? [] : [{ step, meanReturn: evaluationReturn }],
    );
    const last = { step: 400, meanReturn: wholeEssence.evaluation!.meanReturn };
    const best = [...during, last].reduce((a, b) =>
      b.meanReturn > a.meanReturn || (b === last && b.meanReturn === a.meanReturn) ? b : a,
    );
    const found = await evaluateRun(whole(), { policy: "best" });
    expect([found.steps, found.evaluation.meanReturn]).toEqual([best.step, best.meanReturn]);
    expect(await evaluateRun(whole(), { policy: 360 })).toMatchObject({ steps: 360 });
    expect(await evaluateRun(whole(), { policy: 400 })).toEqual(await evaluateRun(whole()));
    await expect(evaluateRun(whole(), { policy: 20 })).rejects.toThrow(
      "has no checkpoint of step 20; there are 360, 400 (checkpoint.keep says how many stay)",
    );
  });

  test("the best is that which came first, and outlives a stop", async () => {
    const path = join(root, "best");
    // Nothing is better than what does not learn.
    const still = { ...settings, algorithm: { name: "mappo", learningRate: 0, criticLearningRate: 0 } };
    await expect(train(still, { out: path, ...stopAfter(9) })).rejects.toThrow(InterruptedError);
    expect(await evaluateRun(path, { policy: "best" })).toMatchObject({ steps: 80 });
    await resume(path, stopAfter(13)).catch(() => {});
    expect(await evaluateRun(path, { policy: "best" })).toMatchObject({ steps: 80 });
  });

  test("lets go of a best policy from after the checkpoint that it goes on from", async () => {
    const path = join(root, "later-best");
    const run = await createRun(path, await resolveConfig(settings));
    const best = (step: number) => ({ step, evaluation: wholeEssence.evaluation!, session: {} });
    await run.keepBest(best(20));
    await run.checkpoint(60, { counters: { step: 60 } });
    for (const step of [80, 100]) await run.keepBest(best(step));
    await run.close();
    const bestAfter = async (checkpoint?: Record<string, unknown>) => {
      await (await reopenRun(path, await readRun(path), checkpoint, await lockDirectory(path))).close();
      return (await readBest(path))?.step;
    };
    expect(await bestAfter({ counters: { step: 100 }, metrics: { lines: 0, bytes: 0 } })).toBe(100);
    expect(await bestAfter({ counters: { step: 60 }, metrics: { lines: 0, bytes: 0 } })).toBe(20);
    expect(await bestAfter()).toBe(undefined);
  });

  test("can be stopped while it is judged, and is then judged from the start", async () => {
    const path = join(root, "stopped-at-the-end");
    const long = { ...settings, evaluation: { interval: 0, episodes: 400, environments: 1 } };
    const stop = new AbortController();
    const seen = setInterval(() => existsSync(join(path, "policy.onnx")) && stop.abort(), 1);
    await expect(train(long, { out: path, signal: stop.signal })).rejects.toThrow(
      "stopped at step 400, before it was judged",
    );
    clearInterval(seen);
    const { evaluation } = await resume(path);
    expect(evaluation.returns).toEqual((await evaluateRun(whole(), { episodes: 400 })).evaluation.returns);
  });

  test("its policy, judged from its file, does as well as it said", async () => {
    expect((await evaluateRun(whole())).evaluation).toEqual(wholeEssence.evaluation);
    expect((await evaluateRun(whole(), { episodes: 5 })).evaluation.returns).toHaveLength(5);
  });

  test("can begin with what another has learnt", async () => {
    const returns = async (path: string, policy?: "best" | number) =>
      (await evaluateRun(path, { policy, drawn: true, seed: 1, episodes: 50 })).evaluation.returns;
    // Nothing is learnt on top.
    const still = { name: "mappo", learningRate: 0, criticLearningRate: 0 };
    const from = { run: whole() };
    const begun = join(root, "begun");
    const notices: string[] = [];
    await train(
      { ...settings, algorithm: still, from, seed: 8, steps: 20, policy: { hidden: 8, activation: "tanh" } },
      { out: begun, onProgress: (event) => event.kind === "notice" && notices.push(event.message) },
    );
    expect(notices).toEqual([`policy.activation is "tanh", and was "relu" in ${whole()}`]);
    const short = join(root, "begun-short");
    await train({ ...settings, algorithm: still, from: { ...from, policy: 360 }, seed: 8, steps: 20 }, { out: short });
    expect(await returns(short)).toEqual(await returns(whole(), 360));
    const bare = join(root, "begun-bare");
    await train({ ...settings, algorithm: still, seed: 8, steps: 20 }, { out: bare });
    expect(await returns(short)).not.toEqual(await returns(bare));

    // Stopped before its first checkpoint, it begins with the same again.
    const [once, again] = [join(root, "begun-once"), join(root, "begun-again")];
    const learning = { ...settings, from, seed: 8, steps: 100 };
    await train(learning, { out: once });
    await train(learning, { out: again, ...stopAfter(2) }).catch(() => {});
    await rm(join(again, "checkpoints"), { recursive: true });
    await resume(again);
    expect(await essence(again)).toEqual(await essence(once));
  });

  test("begins with nothing that does not fit", async () => {
    const begin = (other: object) => train({ ...settings, ...other } as RunSettings, { out: join(root, "unfit") });
    const from = { run: whole() };
    await expect(begin({ from: { run: join(root, "nowhere") } })).rejects.toThrow(
      "is not a run: it has no config.json",
    );
    await expect(begin({ from, policy: { hidden: 9 } })).rejects.toThrow(
      /^from\.run: its \S+\.theta is of \d+ numbers, and of \d+ numbers here; the two must be alike$/,
    );
    await expect(begin({ from, algorithm: { name: "mat" } })).rejects.toThrow("is absent, and of ");
    await expect(begin({ from, rollout: { normalizeObservations: true } })).rejects.toThrow("the two must be alike");
    await expect(begin({ from: { ...from, policy: 20 } })).rejects.toThrow("has no checkpoint of step 20");
    await expect(begin({ from: { ...from, policy: "newest" } })).rejects.toThrow(
      /^from\.policy is "newest"; it must be/,
    );
    await expect(begin({ from: whole() })).rejects.toThrow(/^from is .*; it must be a mapping with run, policy$/);
  });

  test("is not written over another", async () => {
    await expect(train(settings, { out: whole() })).rejects.toThrow(/^--out .*whole is not empty; .*bpta resume\)$/);
  });
});

describe("a run that was stopped", () => {
  test.each([1, 9, UPDATES])("after update %i goes on as if it never had been", async (updates) => {
    const path = join(root, `stopped-${updates}`);
    await expect(train(settings, { out: path, ...stopAfter(updates) })).rejects.toThrow(InterruptedError);
    expect(await readResult(path)).toBeUndefined();
    await resume(path);
    expect(await essence(path)).toEqual(wholeEssence);
  });

  test("for a look at what it has learnt goes on as if nobody had looked", async () => {
    const path = join(root, "paused");
    const events: TrainEvent[] = [];
    const pauses = () => events.filter((event) => event.kind === "pause").map(({ step }) => step);
    const onProgress = (event: TrainEvent) => events.push(event);
    await expect(train(settings, { out: path, onProgress, pauseAt: 70 })).rejects.toThrow("paused at step 80 of 400");
    // A run that already is where it should pause is judged again, without a step.
    await expect(resume(path, { onProgress, pauseAt: 80 })).rejects.toThrow(InterruptedError);
    await expect(resume(path, { onProgress, pauseAt: 200 })).rejects.toThrow(InterruptedError);
    expect(pauses()).toEqual([80, 80, 200]);
    const evaluations = events.flatMap((event) => (event.kind === "pause" ? [event.evaluation] : []));
    expect(evaluations[1]).toEqual(evaluations[0]);
    // After the last step there is nothing to put aside.
    expect((await resume(path, { pauseAt: 400 })).evaluation).toEqual(wholeEssence.evaluation);
    expect(await essence(path)).toEqual(wholeEssence);
  });

  test("while it goes, is nobody else's", async () => {
    const path = join(root, "busy");
    let attempt: Promise<unknown> | undefined;
    await train(settings, {
      out: path,
      onProgress: (event) => {
        if (event.kind === "update" && event.metrics.update === 2) {
          attempt = expect(resume(path)).rejects.toThrow(`${path} is in use by process ${process.pid}; wait`);
        }
      },
    });
    await attempt;
    expect(await essence(path)).toEqual(wholeEssence);
  });

  test("with a damaged checkpoint: it is named, and the one before it is used", async () => {
    const path = join(root, "damaged");
    await train(settings, { out: path, ...stopAfter(9) }).catch(() => {});
    await truncate(join(path, "checkpoints", "step-000000000180.ckpt"), 1000);
    const notices: string[] = [];
    let start = -1;
    await resume(path, {
      onProgress: (event) => {
        if (event.kind === "notice") notices.push(event.message);
        if (event.kind === "start") start = event.step;
      },
    });
    expect(notices).toEqual([
      expect.stringMatching(/^checkpoint .*step-000000000180\.ckpt can't be used: its checksum does not match; trying/),
    ]);
    expect(start).toBe(120);
    expect(await essence(path)).toEqual(wholeEssence);
  });

  test("with checkpoints that are all damaged starts again, and keeps those that it writes then", async () => {
    const path = join(root, "all-damaged");
    await train(settings, { out: path, ...stopAfter(9) }).catch(() => {});
    const checkpoints = join(path, "checkpoints");
    for (const name of await readdir(checkpoints)) await truncate(join(checkpoints, name), 1000);
    await resume(path, stopAfter(4)).catch(() => {});
    const names = (await readdir(checkpoints)).sort();
    expect(names.filter((name) => !name.endsWith(".damaged"))).toEqual(
      [60, 80].map((step) => `step-${String(step).padStart(12, "0")}.ckpt`),
    );
    expect(names.filter((name) => name.endsWith(".damaged"))).toHaveLength(2);
    let start = -1;
    await resume(path, {
      onProgress: (event) => {
        if (event.kind === "start") start = event.step;
      },
    });
    expect(start).toBe(80);
    expect(await essence(path)).toEqual(wholeEssence);
  });

  test("whose metrics have lost lines goes on from before them, or with a gap, and ends as good", async () => {
    const path = join(root, "short-metrics");
    await train(settings, { out: path, ...stopAfter(9) }).catch(() => {});
    const file = join(path, "metrics.jsonl");
    const lines = (await readFile(file, "utf8")).split("\n");
    const end = (await readResult(whole()))!.evaluation;
    const attempt = async (kept: number) => {
      await writeFile(file, `${lines.slice(0, kept).join("\n")}\n`);
      const notices: string[] = [];
      let start = -1;
      await resume(path, {
        ...stopAfter(10),
        onProgress: (event) => {
          if (event.kind === "notice") notices.push(event.message);
          if (event.kind === "start") start = event.step;
          if (event.kind === "update" && event.metrics.step === 200) throw new Error("enough");
        },
      }).catch(() => {});
      return { start, notices: notices.map((notice) => notice.replace(path, "")) };
    };
    expect(await attempt(7)).toEqual({
      start: 120,
      notices: [expect.stringContaining("180.ckpt can't be used: metrics.jsonl ends, or is damaged, before the line")],
    });
    const ninth = lines[8];
    lines[8] = ninth.replace('"step"', '"st');
    expect(await attempt(9)).toEqual({
      start: 120,
      notices: [expect.stringContaining("180.ckpt can't be used: metrics.jsonl ends, or is damaged, before the line")],
    });
    lines[8] = ninth;
    lines[1] = lines[1].replace("{", "");
    expect(await attempt(9)).toEqual({
      start: 180,
      notices: [expect.stringContaining("metrics.jsonl has lost lines")],
    });
    lines[1] = `{${lines[1]}`;
    expect(await attempt(2)).toEqual({
      start: 180,
      notices: [expect.stringContaining("metrics.jsonl has lost lines")],
    });
    await resume(path);
    expect((await readResult(path))!.evaluation).toEqual(end);
    expect((await readMetrics(path)).map(({ update }) => update).slice(0, 4)).toEqual([1, 2, 10, 11]);
  });

  test("or has ended can be made longer: without schedules, as if it had been so long from the start", async () => {
    const path = join(root, "longer");
    await train({ ...settings, steps: 200 }, { out: path });
    await expect(resume(path, { steps: 180 })).rejects.toThrow(`steps is 180, but ${path} has made 200 already`);
    expect(await resume(path)).toMatchObject({ steps: 200 });
    expect(await resume(path, { steps: 400 })).toMatchObject({ steps: 400 });
    expect(await essence(path)).toEqual(wholeEssence);
    // Where an evaluation was due, the last one is that.
    const due = join(root, "longer-due");
    await train({ ...settings, steps: 160 }, { out: due });
    await resume(due, { steps: 400, ...stopAfter(9) }).catch(() => {});
    expect(await evaluateRun(due, { policy: "best" })).toEqual(await evaluateRun(whole(), { policy: "best" }));
    await resume(due);
    expect(await essence(due)).toEqual(wholeEssence);
    // No other line is told of it where its own is lost.
    const torn = join(root, "longer-torn");
    await train({ ...settings, steps: 160 }, { out: torn });
    const lines = (await readFile(join(torn, "metrics.jsonl"), "utf8")).split("\n");
    await writeFile(join(torn, "metrics.jsonl"), `${lines.slice(0, 7).join("\n")}\n`);
    await rm(join(torn, "checkpoints", "step-000000000120.ckpt"));
    await resume(torn, { steps: 400, ...stopAfter(9) }).catch(() => {});
    const kept = await readMetrics(torn);
    expect(kept.map(({ update }) => update)).toEqual([1, 2, 3, 4, 5, 6, 7, 9]);
    expect(kept[6].evaluationReturn).toBeUndefined();
    const halfway = join(root, "longer-halfway");
    await train(settings, { out: halfway, ...stopAfter(9) }).catch(() => {});
    await expect(resume(halfway, { steps: 100 })).rejects.toThrow(`steps is 100, but ${halfway} has made 180 already`);
    expect(await resume(halfway, { steps: 200 })).toMatchObject({ steps: 200 });
    await resume(halfway, { steps: 400 });
    expect(await essence(halfway)).toEqual(wholeEssence);
  });

  test("that was made longer and stopped is judged by what it has become", async () => {
    const path = join(root, "longer-stopped");
    await train({ ...settings, steps: 100 }, { out: path });
    let updates = 0;
    const stop = new AbortController();
    await resume(path, {
      steps: 400,
      signal: stop.signal,
      onProgress: ({ kind }) => kind === "update" && ++updates === 4 && stop.abort(),
    }).catch(() => {});
    expect(await evaluateRun(path)).toMatchObject({ steps: 180 });
  });

  test("of which only the end is kept is not made longer, and stays as it is", async () => {
    const path = join(root, "kept");
    await train({ ...settings, steps: 100 }, { out: path });
    await rm(join(path, "checkpoints"), { recursive: true });
    const files = await readdir(path);
    await expect(resume(path, { steps: 200 })).rejects.toThrow(`${path} has ended and has no checkpoint`);
    expect(await readdir(path)).toEqual(files);
    expect(await readMetrics(path)).toHaveLength(5);
  });

  test("that goes on elsewhere says so", async () => {
    const path = join(root, "elsewhere");
    await train(settings, { out: path, ...stopAfter(5) }).catch(() => {});
    const file = join(path, "config.json");
    const stored = JSON.parse(await readFile(file, "utf8"));
    await writeFile(file, JSON.stringify({ ...stored, machines: ["elsewhere"] }));
    await resume(path);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({
      ...stored,
      machines: ["elsewhere", stored.machines[0]],
    });
  });

  test("on a module of one's own goes on where both have been moved together", async () => {
    const project = join(root, "project");
    await mkdir(join(project, "envs"), { recursive: true });
    const box = '{ kind: "box", size: 1, low: [0], high: [9] }';
    await writeFile(
      join(project, "envs", "game.mjs"),
      `export default () => {
        let time = 0;
        return {
          agents: ["a"], observationSpace: () => (${box}), stateSpace: ${box}, actionSpace: () => ({ kind: "discrete", n: 2 }),
          state: () => [time],
          reset() { time = 0; return { observations: { a: [0] }, infos: {} }; },
          step({ a }) {
            time += 1;
            return { observations: { a: [time] }, rewards: { a }, terminations: { a: time === 5 }, truncations: { a: false }, infos: {} };
          },
        };
      };`,
    );
    const run = join("runs", "game");
    const game = { ...settings, env: { id: join(project, "envs", "game.mjs") }, steps: 100 };
    await train(game, { out: join(project, run), ...stopAfter(3) }).catch(() => {});
    const moved = join(root, "moved");
    await rename(project, moved);
    expect(await resume(join(moved, run))).toMatchObject({ env: join(moved, "envs", "game.mjs"), steps: 100 });
    expect(await evaluateRun(join(moved, run))).toMatchObject({ steps: 100 });
    const again = await readSettingsFile(join(moved, run, "config.json"));
    expect(again.env).toMatchObject({ id: join(moved, "envs", "game.mjs") });
  });

  test("without any checkpoint starts again, whatever it had recorded", async () => {
    const path = join(root, "bare");
    await train(settings, { out: path, ...stopAfter(5) }).catch(() => {});
    await rm(join(path, "checkpoints"), { recursive: true });
    await resume(path);
    expect(await essence(path)).toEqual(wholeEssence);
  });

  test("can be exported and judged as it is", async () => {
    const path = join(root, "unfinished");
    await train(settings, { out: path, ...stopAfter(3) }).catch(() => {});
    const out = join(root, "unfinished.onnx");
    await exportRun(path, out);
    expect((await readFile(out)).length).toBeGreaterThan(1000);
    expect(await evaluateRun(path)).toMatchObject({ steps: 60, evaluation: { episodes: 3 } });
  });
});

test("a run that diverges says when, and keeps its last good checkpoint", async () => {
  const path = join(root, "diverged");
  const learningRate = { from: 1e-3, to: 1e38, fraction: 0.5 };
  const run = train({ ...settings, algorithm: { ...settings.algorithm, learningRate } }, { out: path });
  await expect(run).rejects.toThrow(DivergedError);
  await expect(run).rejects.toThrow(/at step \d+; last good checkpoint: (none|.*step-\d+\.ckpt)\)$/);
  for (const metrics of await readMetrics(path)) expect(Object.values(metrics)).not.toContain(null);
});

test("a run that has ended is left as it is", async () => {
  const before = await readFile(join(whole(), "metrics.jsonl"));
  const kinds: string[] = [];
  const result = await resume(whole(), { onProgress: ({ kind }) => kinds.push(kind) });
  expect(result.evaluation).toEqual(wholeEssence.evaluation);
  expect(kinds).toEqual(["notice", "result"]);
  expect(await readFile(join(whole(), "metrics.jsonl"))).toEqual(before);
});

test("what is not a run can't be resumed", async () => {
  await expect(resume(join(root, "nowhere"))).rejects.toThrow(/nowhere is not a run: it has no config\.json/);
});

describe("running normalisation", () => {
  const normalized: RunSettings = {
    ...settings,
    env: { id: "Reacher-2x1", options: { episodeLimit: 7 } },
    preset: "running-normalization",
    rollout: { ...settings.rollout, workers: 0 },
    evaluation: { interval: 4, episodes: 3 },
  };

  test("is in the policy file, which acts as the policy in training", async () => {
    const config = await resolveConfig(normalized);
    const session = await openSession(config);
    for (let update = 0; update < 4; update++) {
      const buffer = await session.collector.collect(session.learner.policy);
      await session.learner.update(buffer, { step: 0, totalSteps: 1 });
    }
    const { returns } = await session.evaluate();
    const { returns: ofFile } = await evaluateModel(session.exportPolicy(), config);
    await session.close();
    expect(new Set(returns).size).toBe(3);
    for (const [i, value] of returns.entries()) expect(ofFile[i]).toBeCloseTo(value, 4);
  });

  test("goes on exactly where a run was stopped", async () => {
    const [whole, stopped] = [join(root, "normalized"), join(root, "normalized-stopped")];
    await train(normalized, { out: whole });
    expect((await readMetrics(whole)).map(({ divergences }) => divergences)).toEqual(new Array(UPDATES).fill(0));
    await expect(train(normalized, { out: stopped, ...stopAfter(11) })).rejects.toThrow(InterruptedError);
    await resume(stopped);
    expect(await essence(stopped)).toEqual(await essence(whole));
  }, 60_000);
});
