import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readResult } from "../evaluation/records.ts";
import { essence } from "../experiment/testing/essence.ts";
import { pngSize } from "../view/testing/images.ts";
import { startBpta } from "./testing/start.ts";

let root: string;
const bpta = (args: readonly string[], onLine?: Parameters<typeof startBpta>[2]) => startBpta(root, args, onLine);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-cli-"));
});
afterAll(() => rm(root, { recursive: true }));

/** 60 updates of 12 steps, with episodes that go across them. */
const small = [
  ...["train", "climbing", "--steps", "720", "--seed", "3"],
  ...["--set", "env.options.steps=5", "--set", "rollout={ environments: 4, length: 3 }", "--set", "algorithm.epochs=2"],
  ...["--set", "policy.hidden=8", "--set", "critic.hidden=8"],
  ...["--set", "checkpoint.interval=4", "--set", "evaluation.interval=9"],
];

describe("kill -9 at random moments", () => {
  test("and resume end with the numbers of a run that was never killed", async () => {
    const whole = bpta([...small, "--out", "whole", "--quiet"]);
    // Killed some updates after each start and a moment later, so that every part of an update is hit over time.
    const moments: string[] = [];
    const killSoon = () => {
      const after = 1 + Math.floor(Math.random() * 25);
      const delay = Math.random() * 20;
      moments.push(`${after} updates and ${delay.toFixed(1)} ms`);
      let updates = 0;
      return (line: string, kill: (signal: NodeJS.Signals) => void) => {
        if (line.includes('"event":"update"') && ++updates === after) setTimeout(kill, delay, "SIGKILL");
      };
    };
    let ended = await bpta([...small, "--out", "killed", "--json"], killSoon());
    for (let kills = 1; ended.code === null && kills < 3; kills++) {
      ended = await bpta(["resume", "killed", "--json"], killSoon());
    }
    if (ended.code === null) ended = await bpta(["resume", "killed", "--json"]);
    const story = `killed after ${moments.join(", ")}`;
    expect(ended, story).toMatchObject({ code: 0 });
    expect(await whole).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await essence(join(root, "killed")), story).toEqual(await essence(join(root, "whole")));
  }, 180_000);
});

test("Ctrl-C finishes the update, leaves a checkpoint, says how to go on, and exits with 130", async () => {
  let updates = 0;
  const ended = await bpta([...small, "--out", "stopped", "--json"], (line, kill) => {
    if (line.includes('"event":"update"') && ++updates === 2) kill("SIGINT");
  });
  expect(ended.code).toBe(130);
  expect(ended.stderr).toMatch(/^stopped at step \d+ of 720; to go on: npx bpta resume stopped\n$/);
  const lines = ended.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toMatchObject({ event: "prepare", config: { seed: 3 } });
  expect(lines[1]).toMatchObject({ event: "start", path: "stopped", totalSteps: 720 });
  const last = lines.filter(({ event }) => event === "update").at(-1) as { metrics: { step: number } };
  expect(await readdir(join(root, "stopped", "checkpoints"))).toContain(
    `step-${String(last.metrics.step).padStart(12, "0")}.ckpt`,
  );
});

test("a battle is trained, and rendered as a page", async () => {
  const sizes = [
    "rollout={ environments: 2, length: 10 }",
    "policy.hidden=8",
    "critic.hidden=8",
    "evaluation.episodes=2",
  ];
  const options = sizes.flatMap((setting) => ["--set", setting]);
  const trained = await bpta(["train", "3m", "--steps", "20", "--out", "battle", "--quiet", ...options]);
  expect(trained).toEqual({ code: 0, stdout: "", stderr: "" });
  const rendered = await bpta(["render", "battle", "--out", "battle.html", "--episodes", "2"]);
  expect(rendered.code, rendered.stderr).toBe(0);
  expect(rendered.stdout).toMatch(/^wrote battle\.html \(return -?\d+\.\d\d, -?\d+\.\d\d\)\n$/);
  expect(await readFile(join(root, "battle.html"), "utf8")).toContain('"kind":"battle"');
}, 60_000);

test("the default directory is named after the run, with a number if taken; then eval, export, plot", async () => {
  await mkdir(join(root, "runs", "penalty-mappo-seed0"), { recursive: true });
  const run = "runs/penalty-mappo-seed0-2";
  const trained = await bpta(["train", "penalty", "--algo", "mappo", "--steps", "50", "--set", "rollout.length=1"]);
  expect(trained).toMatchObject({ code: 0, stderr: "" });
  expect(trained.stdout).toContain(`npx bpta eval ${run}`);
  const [evaluated, exported, plotted, painted] = await Promise.all([
    bpta(["eval", run, "--json"]),
    bpta(["export", run, "--out", "policy.onnx"]),
    bpta(["plot", run, "--out", "curve.svg"]),
    bpta(["plot", run, "--out", "curve.png"]),
  ]);
  const result = await readResult(join(root, run));
  expect(JSON.parse(evaluated.stdout)).toEqual({
    env: "penalty",
    algorithm: "mappo",
    seed: 0,
    steps: result!.steps,
    evaluation: result!.evaluation,
  });
  expect(exported).toEqual({ code: 0, stdout: "wrote policy.onnx\n", stderr: "" });
  expect(await readFile(join(root, "policy.onnx"))).toEqual(await readFile(join(root, run, "policy.onnx")));
  expect(plotted).toEqual({ code: 0, stdout: "wrote curve.svg\n", stderr: "" });
  expect(painted.code).toBe(0);
  expect(pngSize(await readFile(join(root, "curve.png"))).width).toBeGreaterThan(100);
  expect(await readFile(join(root, "curve.svg"), "utf8")).toMatch(/^<svg/);
});

describe("a mistake is one line on stderr, and exit code 1", () => {
  test.concurrent.each<[string[], RegExp]>([
    [["train", "climing"], /unknown environment climing; did you mean climbing\?/],
    [
      ["train", "climbing", "--seed", "-1"],
      /'--seed <number>' argument '-1' is invalid\. It must be a whole number ≥ 0\./,
    ],
    [["train", "climbing", "--sed", "1"], /unknown option '--sed' \(Did you mean .*--seed.*\?\)/],
    [["export", "x", "--out", "a.pt"], /'--out <file\.onnx>' argument 'a\.pt' is invalid\. It must end in \.onnx\./],
    [
      ["render", "x", "--out", "a.avi"],
      /argument 'a\.avi' is invalid\. It must end in \.html or \.mp4 or \.gif or \.png\./,
    ],
    [
      ["render", "x", "--out", "a.gif", "--fps", "0"],
      /'--fps <number>' argument '0' is invalid\. It must be a whole number from 1 to 120\./,
    ],
    [["render", "nowhere", "--out", "a.html"], /nowhere is not a run: it has no config\.json/],
    [["eval", "nowhere"], /nowhere is not a run: it has no config\.json/],
  ])("bpta %j", async (args, message) => {
    const { code, stdout, stderr } = await bpta(args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});
