/** @file The examples run, and do what they say. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMetrics, readResult } from "../src/evaluation/records.ts";
import { render } from "../src/experiment/render.ts";
import type { PageData } from "../src/view/data.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const here = (name: string): string => join(root, "examples", name);

describe("the examples", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "bpta-examples-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** Runs an example as a reader would, in a directory of its own; returns what it prints. */
  const run = async (name: string, ...args: string[]): Promise<string> => {
    const tsx = ["--import", import.meta.resolve("tsx"), here(name), ...args];
    const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") };
    return (await promisify(execFile)(process.execPath, tsx, { cwd: directory, env })).stdout;
  };

  it("train.ts trains to the optimum; act.ts plays it from the file", async () => {
    expect(await run("train.ts")).toContain("greedy return: 11 ");
    const played = await run("act.ts", join(directory, "runs/climbing-bppo-seed0/policy.onnx"), "climbing");
    expect(played).toBe("step 0: agent_0 0 · agent_1 0 → reward 11.00, 11.00 so far\n");
  });

  it("compile.ts finds the weights, and predicts with them", async () => {
    expect(await run("compile.ts")).toBe("weights: 2.00, 0, -1.00\npredictions: 2.00, -1.00\n");
  });

  it("custom-algorithm.ts trains by its path to the optimum, is judged, and shown beside others by its name", async () => {
    const cli = (...args: string[]): Promise<string> => run("../src/cli/main.ts", ...args);
    const path = "runs/climbing-custom-algorithm-seed0";
    await cli("train", "climbing", "--algo", here("custom-algorithm.ts"), "--steps", "150000", "--quiet");
    expect((await readResult(join(directory, path)))!.evaluation.meanReturn).toBe(11);
    expect(await cli("eval", path, "--episodes", "2")).toContain("11.00");
    await cli("plot", path, "--out", "curves.svg");
    expect(await readFile(join(directory, "curves.svg"), "utf8")).toContain(">custom-algorithm.ts");
  });

  it("custom-env.ts is an environment on which a team learns", async () => {
    const [, rate] = (await run("custom-env.ts")).match(/^the couriers meet in ([\d.]+) % of their episodes/)!;
    expect(Number(rate)).toBeGreaterThan(90);
    // What it tells of itself.
    const path = join(directory, "runs/custom-env-bppo-seed0");
    const [{ evaluation }, updates] = [(await readResult(path))!, await readMetrics(path)];
    expect(evaluation.infos!.minutes).toBeCloseTo(20 * ((evaluation.winRate ?? 0) - evaluation.meanReturn), 5);
    expect(updates[3]["info.minutes"]).toBeCloseTo(updates[3].episodeLength!, 5);
    expect(updates[24]["evaluationInfo.minutes"]).toBeGreaterThan(0);
    // What it draws of itself, to the last moment, at which both are at one place.
    await render(path, join(directory, "couriers.html"), { episodes: 1 });
    const html = await readFile(join(directory, "couriers.html"), "utf8");
    const page = JSON.parse(/<script id="data"[^>]*>(.*?)<\/script>/s.exec(html)![1]) as PageData;
    const [{ recording, outcome }] = page.episodes;
    if (recording.kind !== "pictures") throw new Error(recording.kind);
    expect(recording).toMatchObject({ mediaType: "image/svg+xml", width: 280, height: 60, secondsPerFrame: 0.5 });
    expect(outcome).toBe("won");
    const pictures = recording.pictures.map((picture) => Buffer.from(picture, "base64").toString());
    const places = pictures.map((svg) =>
      Array.from(svg.matchAll(/cx="(\d+)"/g), ([, x]) => Math.floor(Number(x) / 40)),
    );
    expect(pictures.map((svg) => /minute (\d+)/.exec(svg)![1])).toEqual(pictures.map((_, step) => String(step)));
    expect(places.map(([red, blue]) => red === blue)).toEqual(pictures.map((_, step) => step === pictures.length - 1));
  });
});
