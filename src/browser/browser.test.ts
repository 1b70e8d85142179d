/** @file Training in a real browser, from a bundle of the built package, beside the same training in Node. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UpdateMetrics } from "../evaluation/records.ts";
import type { RunSettings } from "../experiment/config.ts";
import { openTraining } from "../experiment/training.ts";
import { loadPolicy } from "../policy/export.ts";
import { findBrowser } from "../view/browser.ts";
import { type Outcome, outcomeOf } from "./testing/outcome.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(root, "dist", "browser", "index.js");
/** A directory whose `node_modules` has onnxruntime-web, which is too large to be installed with every checkout. */
const web = process.env.BPTA_ONNXRUNTIME_WEB ?? root;
const runtime = join(web, "node_modules", "onnxruntime-web", "dist");
const examples = join(root, "examples", "browser");
const executable = findBrowser();

const inBrowser = describe.skipIf(!executable || !existsSync(dist) || !existsSync(runtime));

/** The page's only script. */
const pageCode = `
  import * as library from "bpta/browser";
  import { outcomeOf } from "./src/browser/testing/outcome.ts";
  globalThis.outcomeOf = (settings) => outcomeOf(library, settings);
`;

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const small = {
  rollout: { environments: 8, length: 20 },
  evaluation: { episodes: 4, maxEpisodeSteps: 30 },
  steps: 320,
};

const trainings: Readonly<Record<string, RunSettings>> = {
  "a matrix game": { env: { id: "climbing" }, ...small },
  "battles, with memory": {
    env: { id: "3m" },
    algorithm: { name: "mappo", minibatches: 2 },
    policy: { chunkLength: 10 },
    ...small,
  },
  "a robot, with MuJoCo's physics": {
    env: { id: "HalfCheetah-2x3" },
    algorithm: { name: "ar-mappo", epochs: 2 },
    ...small,
  },
};

inBrowser("in a browser", () => {
  let directory: string;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let origin: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "bpta-browser-"));
    await build({
      stdin: { contents: pageCode, resolveDir: root, loader: "ts" },
      entryPoints: ["page.ts", "training.ts"].map((name) => join(examples, name)),
      bundle: true,
      format: "esm",
      splitting: true,
      outdir: directory,
      entryNames: "[name]",
      external: ["module"],
      // The package as others have it, not its sources.
      tsconfigRaw: {},
      nodePaths: [join(web, "node_modules")],
      logLevel: "error",
    });
    const places = [directory, examples, runtime, join(root, "node_modules", "@mujoco", "mujoco")];
    server = createServer(async ({ url }, response) => {
      const name = new URL(url!, "http://localhost").pathname;
      const file = places.map((place) => join(place, name)).find((path) => name !== "/" && existsSync(path));
      response.setHeader("content-type", types[extname(name)] ?? "text/html");
      response.end(file ? await readFile(file) : '<!doctype html><script type="module" src="stdin.js"></script>');
    }).listen(0);
    browser = await chromium.launch({ executablePath: executable!, args: ["--no-sandbox"] });
    page = await browser.newPage();
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
    await page.goto(`${origin}/`, { waitUntil: "networkidle" });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await rm(directory, { recursive: true });
  });

  const here = (settings: RunSettings): Promise<Outcome> => outcomeOf({ openTraining, loadPolicy }, settings);
  const there = (settings: RunSettings): Promise<Outcome> =>
    page.evaluate((given) => (globalThis as unknown as { outcomeOf: typeof here }).outcomeOf(given), settings);

  /** What does not depend on how fast it went. */
  const lasting = ({ wallSeconds, stepsPerSecond, collectSeconds, updateSeconds, ...metrics }: UpdateMetrics) =>
    metrics;

  test.each(Object.entries(trainings))("%s is learnt as in Node, to the rounding of its sums", async (_, settings) => {
    const [theirs, ours] = await Promise.all([there(settings), here(settings)]);
    expect(theirs.updates).toHaveLength(2);
    expect(theirs.policyBytes).toBe(ours.policyBytes);
    theirs.updates.map(lasting).forEach((metrics, update) => {
      const expected = lasting(ours.updates[update]);
      expect(Object.keys(metrics)).toEqual(Object.keys(expected));
      for (const [name, value] of Object.entries(expected)) {
        const difference = Math.abs(metrics[name]! - value!);
        expect(difference, `${name} of update ${update + 1}`).toBeLessThan(1e-3 * Math.max(1, Math.abs(value!)));
      }
    });
    expect(theirs.evaluation.meanReturn).toBeCloseTo(ours.evaluation.meanReturn, 2);
  });

  test("the example trains in a worker, draws its curve, and hands on the policy", async () => {
    const shown = await browser.newPage();
    await shown.goto(`${origin}/index.html?steps=20000`);
    await shown.getByRole("link").waitFor({ timeout: 150_000 });
    expect(await shown.getByRole("status").textContent()).toMatch(
      /^The greedy joint action pays -?[\d.]+: their policy$/,
    );
    expect((await shown.locator("#curve").getAttribute("points"))!.split(" ")).toHaveLength(2);
    await shown.close();
  });

  test("what only Node can do says so", async () => {
    const message = (settings: RunSettings) =>
      there(settings).then(
        () => "",
        ({ message }: Error) => message,
      );
    expect(await message({ env: { id: "./my-env.ts" } })).toMatch(/a module by its path .* needs Node/);
    expect(await message({ env: { id: "py:mpe2.simple_spread_v3" } })).toMatch(/an environment in Python needs Node/);
  });
});

test("training in memory reads no files", async () => {
  await expect(openTraining({ env: { id: "climbing" }, from: { run: "runs/x" } })).rejects.toThrow(
    /^from\.run is .*runs\/x, but this reads no files/,
  );
});
