import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { fromBase64, unpackPoses } from "../envs/recording.ts";
import { readResult } from "../evaluation/records.ts";
import { nameOfId } from "../ids.ts";
import { findBrowser } from "../view/browser.ts";
import type { PageData } from "../view/data.ts";
import { gifFrames } from "../view/testing/images.ts";
import type { RunSettings } from "./config.ts";
import { render } from "./render.ts";
import { train } from "./train.ts";

let root: string;
const at = (name: string): string => join(root, name);
const robot: RunSettings = {
  env: { id: "Hopper-3x1", options: { episodeLimit: 12 } },
  policy: { hidden: 8 },
  critic: { hidden: 8 },
  rollout: { environments: 2, length: 10, workers: 0 },
  evaluation: { interval: 10, episodes: 3 },
  steps: 20,
  seed: 5,
};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-render-"));
  await train(robot, { out: at("hopper") });
  const game = { env: { id: "climbing" }, policy: { hidden: 4 }, critic: { hidden: 4 }, steps: 8 } as const;
  await train(
    { ...game, rollout: { environments: 2, length: 4 }, evaluation: { episodes: 1 } },
    { out: at("climbing") },
  );
}, 120_000);
afterAll(() => rm(root, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

async function readPage(name: string): Promise<PageData> {
  const html = await readFile(at(name), "utf8");
  return JSON.parse(/<script id="data"[^>]*>(.*?)<\/script>/s.exec(html)![1]) as PageData;
}

test("of a battle: choices, how probable they were, and how it ended, by what the evaluation says", async () => {
  const battle: RunSettings = {
    ...robot,
    env: { id: "3m", options: { enemyShoots: false, episodeLimit: 60 } },
    evaluation: { interval: 10, episodes: 4 },
  };
  await train(battle, { out: at("battle") });
  await render(at("battle"), at("battle.html"), { episodes: 4, drawn: true });
  const page = await readPage("battle.html");
  expect(page.choiceLabels?.[0]).toHaveLength(8);
  page.episodes.forEach(({ recording, choices, probabilities, activity, outcome }) => {
    expect(recording.kind).toBe("battle");
    const chosen = new Uint8Array(fromBase64(choices!));
    expect(chosen).toHaveLength(3 * (recording.frames - 1));
    for (const choice of chosen) expect(choice).toBeLessThan(8);
    expect(new Set(chosen).size).toBeGreaterThan(3);
    const probable = new Uint8Array(fromBase64(probabilities!));
    expect(probable).toHaveLength(chosen.length);
    for (const probability of probable) expect(probability).toBeGreaterThan(0);
    expect(activity).toBeUndefined();
    if (recording.kind !== "battle") return;
    const health = new Float32Array(fromBase64(recording.health)).slice(-6);
    const [ours, theirs] = [sum(health.slice(0, 3)), sum(health.slice(3))];
    expect(outcome).toBe(ours > 0 && theirs > 0 ? "cut off" : ours > 0 ? "won" : "lost");
  });
  await render(at("battle"), at("part.html"), { steps: 3 });
  expect((await readPage("part.html")).episodes[0].outcome).toBeUndefined();
});

test.each([
  ["HalfCheetah-2x3", {}],
  ["3m", {}],
  [fileURLToPath(new URL("../../examples/custom-env.ts", import.meta.url)), { places: 999 }],
])("%s, where the evaluation ends what goes on: to the last moment that there was", async (id, options) => {
  const name = nameOfId(id);
  await train(
    { ...robot, env: { id, options }, evaluation: { interval: 0, episodes: 2, maxEpisodeSteps: 5 } },
    { out: at(`cut-${name}`) },
  );
  await render(at(`cut-${name}`), at(`cut-${name}.html`), { episodes: 2 });
  for (const { recording, rewards } of (await readPage(`cut-${name}.html`)).episodes) {
    expect(recording.frames).toBe(6);
    expect(fromBase64(rewards).byteLength).toBe(20);
    if (recording.kind !== "bodies") continue;
    // A robot stays where it is from one step to the next, more or less.
    const { positions } = unpackPoses(recording.poses);
    const per = 3 * recording.poses.bodies;
    for (let f = 1; f < 6; f++) expect(Math.abs(positions[f * per] - positions[(f - 1) * per])).toBeLessThan(0.5);
    expect(positions[5 * per + 2]).not.toBeCloseTo(0.7, 6);
  }
});

const sum = (values: Iterable<number>): number => [...values].reduce((total, x) => total + x, 0);

test("the episodes are the evaluation's: returns of result.json, from first frame to last", async () => {
  const { returns } = await render(at("hopper"), at("all.html"), { episodes: 3 });
  const { evaluation } = (await readResult(at("hopper")))!;
  expect(returns).toEqual(evaluation.returns);
  const page = await readPage("all.html");
  expect(page).toMatchObject({ env: "Hopper-3x1", algorithm: "bppo", seed: 5, steps: 20, drawn: false });
  expect(page.agents).toHaveLength(3);
  page.episodes.forEach(({ recording, rewards, activity, stepsBefore, returnBefore }, i) => {
    const paid = new Float32Array(fromBase64(rewards));
    expect(recording.frames).toBe(paid.length + 1);
    expect(sum(paid)).toBeCloseTo(evaluation.returns[i], 4);
    expect(new Uint8Array(fromBase64(activity!))).toHaveLength(3 * paid.length);
    expect({ stepsBefore, returnBefore }).toEqual({ stepsBefore: 0, returnBefore: 0 });
  });
});

test("it is told that physics broke down in the episodes", async () => {
  const broken = { ...robot, env: { id: "Hopper-3x1", options: { episodeLimit: 12, resetNoise: 3e4 } } };
  await train(broken, { out: at("broken") });
  const { counters } = await render(at("broken"), at("broken.html"));
  expect(counters.divergences).toBeGreaterThan(0);
  expect(counters).toEqual((await readResult(at("broken")))!.evaluation.counters);
  expect((await render(at("hopper"), at("sound.html"))).counters).toEqual({});
});

test("a part of an episode knows what was before it; other seeds and drawn actions give other episodes", async () => {
  const { returns } = await render(at("hopper"), at("whole.html"));
  await render(at("hopper"), at("part.html"), { from: 4, steps: 5 });
  const [whole] = (await readPage("whole.html")).episodes;
  const [part] = (await readPage("part.html")).episodes;
  const rewards = new Float32Array(fromBase64(whole.rewards));
  expect(part.recording.frames).toBe(6);
  expect(part.stepsBefore).toBe(4);
  expect(part.returnBefore).toBeCloseTo(sum(rewards.slice(0, 4)), 4);
  expect(new Float32Array(fromBase64(part.rewards))).toEqual(rewards.slice(4, 9));
  expect((await render(at("hopper"), at("seed.html"), { seed: 6 })).returns).not.toEqual(returns);
  const drawn = await render(at("hopper"), at("drawn.html"), { drawn: true });
  expect(drawn.returns).not.toEqual(returns);
  expect((await render(at("hopper"), at("drawn.html"), { drawn: true })).returns).toEqual(drawn.returns);
  expect((await readPage("drawn.html")).drawn).toBe(true);
});

test.skipIf(!findBrowser())("a film, in a browser", async () => {
  const seen: number[] = [];
  const { frames } = await render(at("hopper"), at("hopper.gif"), {
    ...{ width: 96, height: 64, fps: 50, steps: 10 },
    onProgress: (taken) => seen.push(taken),
  });
  // 10 steps of 8 ms, each 20 ms a picture.
  expect(frames).toBe(5);
  expect(gifFrames(await readFile(at("hopper.gif"))).hundredths).toEqual([2, 2, 2, 2, 2]);
  expect(seen.at(-1)).toBe(5);
});

describe("what can't be done is said in one line, and leaves nothing behind", () => {
  test.each<[string, string, Parameters<typeof render>[2], Record<string, string>, RegExp]>([
    ["hopper", "a.avi", {}, {}, /a\.avi: it must end in \.html or \.mp4 or \.gif or \.png$/],
    ["nowhere", "a.html", {}, {}, /nowhere is not a run/],
    ["climbing", "a.html", {}, {}, /^climbing has nothing to show/],
    ["hopper", "a.html", { from: 13 }, {}, /^--from 13: an episode ends after \d+ steps$/],
    ["hopper", "a.html", { episodes: 0 }, {}, /^--episodes 0: it must be a whole number ≥ 1$/],
    ["hopper", "a.html", { from: 1.5 }, {}, /^--from 1\.5: it must be a whole number ≥ 0$/],
    ["hopper", "a.html", { fps: 30 }, {}, /^--fps 30 is for \.mp4, \.gif, not for \.html$/],
    ["hopper", "a.html", { dark: true }, {}, /^--dark is for \.mp4, \.gif, \.png, not for \.html$/],
    ["hopper", "a.png", { steps: 3 }, {}, /^--steps 3 is for \.html, \.mp4, \.gif, not for \.png$/],
    ["hopper", "a.mp4", { width: 101 }, {}, /^--width 101: the sides of an \.mp4 must be even$/],
    ["hopper", "a.gif", { fps: 60 }, {}, /^--fps 60: a \.gif can't have more than 50$/],
    ["hopper", "hopper/config.json/a.html", {}, {}, /^--out .*a\.html: it can't be written: EEXIST/],
    ["hopper", "a.png", {}, { BPTA_BROWSER: "/tmp" }, /^BPTA_BROWSER is \/tmp, must be the path of Chrome/],
    ["hopper", "a.png", {}, { BPTA_BROWSER: "/no/such" }, /^BPTA_BROWSER is \/no\/such, must be the path of Chrome/],
  ])("%s as %s with %j, %j", async (run, out, options, env, message) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    await expect(render(at(run), at(out), options)).rejects.toMatchObject({
      name: "InputError",
      message: expect.stringMatching(message),
    });
    expect(await readdir(root)).not.toContain(out);
  });

  // Elsewhere browsers are not looked for in PATH.
  test.skipIf(process.platform !== "linux")("a machine without a browser", async () => {
    vi.stubEnv("BPTA_BROWSER", "");
    vi.stubEnv("PATH", "");
    await expect(render(at("hopper"), at("a.png"))).rejects.toThrow(
      /need a browser.*apt-get install chromium.*BPTA_BROWSER.*\.html$/,
    );
  });
});
