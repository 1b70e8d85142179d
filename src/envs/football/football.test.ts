/** @file Tests of football: what is said where the game is not installed; and where it is, games, training, looks. */

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBpta } from "../../cli/testing/start.ts";
import type { PageData } from "../../view/data.ts";
import { checkParallelEnv } from "../check.ts";
import { createMoment } from "../moment.ts";
import { fromBase64, type PitchRecording } from "../recording.ts";
import { makeEnv, makeVectorEnv } from "../registry.ts";
import { football } from "./index.ts";
import { createPitchRecorder } from "./recorder.ts";

const python = process.env.BPTA_PYTHON || "python3";
const has = (module: string): boolean => spawnSync(python, ["-W", "ignore", "-c", `import ${module}`]).status === 0;
const hasGame = has("gfootball.env");
if (!hasGame)
  console.warn(`tests of football are skipped: ${python} has no gfootball (scripts/install-football.sh, BPTA_PYTHON)`);

const three = "football-academy_3_vs_1_with_keeper";
const shoot = "football-academy_run_pass_and_shoot_with_keeper";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpta-football-"));
});
afterAll(() => rm(directory, { recursive: true }));

test("a recording is what scenes tell, in order", () => {
  const scene = (x: number, score: readonly number[]) => ({
    roles: [["GK", "CF"], ["GK"]],
    players: [[[-5000, 0], x > 0 ? [x, 7] : null], [[5100, -20]]],
    ball: [x, 8, 11],
    owner: [0, 1],
    controlled: [1],
    score,
    mode: 0,
  });
  const scenes = [scene(4, [0, 0]), scene(-1, [1, 0])];
  const recorder = createPitchRecorder((e, final) => scenes[e + (final ? 1 : 0)]);
  const recording = recorder.record([recorder.capture(0, false), recorder.capture(0, true)]) as PitchRecording;
  expect(recording).toMatchObject({ kind: "pitch", frames: 2, secondsPerFrame: 0.1, roles: [["GK", "CF"], ["GK"]] });
  const shorts = (text: string) => [...new Int16Array(fromBase64(text))];
  const bytes = (text: string) => [...new Int8Array(fromBase64(text))];
  expect(shorts(recording.players)).toEqual([-5000, 0, 4, 7, 5100, -20, -5000, 0, -32768, -32768, 5100, -20]);
  expect(shorts(recording.ball)).toEqual([4, 8, 11, -1, 8, 11]);
  expect(bytes(recording.owner)).toEqual([0, 1, 0, 1]);
  expect(bytes(recording.score)).toEqual([0, 0, 1, 0]);
  expect([...bytes(recording.controlled), ...bytes(recording.mode)]).toEqual([1, 1, 0, 0]);
});

test.runIf(has("numpy"))("says how to install the game where it is missing, in one line", async () => {
  // A package of that name that can't be imported comes before any that can.
  await mkdir(join(directory, "gfootball"));
  await writeFile(join(directory, "gfootball", "__init__.py"), `raise ImportError("no game")`);
  const { stderr, code } = await startBpta(directory, ["train", three, "--out", join(directory, "none")]);
  await rm(join(directory, "gfootball"), { recursive: true });
  expect(code).toBe(1);
  expect(stderr.trim()).toBe(
    `error: environment ${three}: Google Research Football is not installed where it is looked for (no game): run scripts/install-football.sh, and set env.options.python or BPTA_PYTHON to the Python that it names`,
  );
});

describe.runIf(hasGame)("football", () => {
  test.each(football.map(({ id }) => id))("%s has agents of 19 labelled actions and 115 observations", async (id) => {
    const env = await makeVectorEnv(id, { numEnvs: 1 });
    const { team } = env;
    const agents = id.includes("corner") || id.includes("11_vs_11") ? 10 : undefined;
    if (agents) expect(team.agents).toHaveLength(agents);
    expect(team.hasWins).toBe(true);
    expect(team.observationSpaces.map(({ size }) => size)).toEqual(team.agents.map(() => 115));
    expect(team.actionSpaces[0]).toMatchObject({ kind: "discrete", n: 19 });
    expect(team.stateSpace.size).toBe(106 + 21 * team.agents.length);
    const moment = createMoment(team, 1);
    await env.reset(1, moment);
    // Whom an agent moves is a one-hot.
    for (const seen of moment.observations) expect(seen.slice(97, 108).reduce((sum, x) => sum + x)).toBe(1);
    await env.close();
  });

  test("keeps to the interface", async () => {
    const env = await makeEnv(three, { agents: 2, stacked: true, state: "observations" });
    expect(env.observationSpace("agent_0").size).toBe(460);
    checkParallelEnv(env, { steps: 120 });
    env.close?.();
  });

  test("wins where everybody runs at the goal and shoots, and shows the goal", async () => {
    const env = await makeVectorEnv(shoot, { numEnvs: 3, workers: 2 });
    const recorder = (await env.recorder!())!;
    const moment = createMoment(env.team, 3);
    await env.reset(2, moment);
    let won: PitchRecording | undefined;
    let wins = 0;
    let ends = 0;
    let frames = [recorder.capture(2, false)];
    const actions = env.team.actionSpaces.map(() => new Float32Array(3 * 19));
    for (let t = 0; t < 400 && !won; t++) {
      for (const [i, own] of actions.entries()) {
        own.fill(0);
        for (let e = 0; e < 3; e++) {
          const [x, y] = moment.observations[i].subarray(e * 115 + 88, e * 115 + 90);
          own[e * 19 + (x > 0.8 ? 12 : y < -0.1 ? 6 : 5)] = 1;
        }
      }
      await env.step(actions, moment);
      for (let e = 0; e < 3; e++) {
        if (moment.terminations[e] === 0) continue;
        ends += 1;
        wins += moment.wins[e];
        // A goal and all checkpoints that are left are worth at least 2 to two agents.
        expect(moment.rewards[e] >= 2).toBe(moment.wins[e] === 1);
      }
      const ended = moment.terminations[2] === 1;
      frames.push(recorder.capture(2, ended));
      if (ended && moment.wins[2] === 1) won = recorder.record(frames) as PitchRecording;
      if (ended) frames = [recorder.capture(2, false)];
    }
    await env.close();
    expect(wins).toBeGreaterThan(0);
    expect(ends).toBeGreaterThanOrEqual(wins);
    expect([...new Uint8Array(fromBase64(won!.score))].slice(-4)).toEqual([0, 0, 1, 0]);
    expect([...new Uint8Array(fromBase64(won!.score))].slice(0, 2)).toEqual([0, 0]);
  });

  test("trains, is judged and rendered from the command line", async () => {
    const run = join(directory, "run");
    const settings = ["rollout.environments=2", "rollout.length=40", "evaluation.episodes=2", "policy.hidden=8"];
    const flags = [...settings, "rollout.workers=2"].flatMap((setting) => ["--set", setting]);
    const trained = await startBpta(directory, ["train", three, "--steps", "160", ...flags, "--out", run, "--quiet"]);
    expect(trained).toMatchObject({ code: 0, stderr: "" });
    const result = JSON.parse(await readFile(join(run, "result.json"), "utf8"));
    expect(result.evaluation).toMatchObject({ episodes: 2, winRate: expect.any(Number) });
    const rendered = await startBpta(directory, ["render", run, "--out", join(directory, "page.html")]);
    expect(rendered).toMatchObject({ code: 0 });
    const html = await readFile(join(directory, "page.html"), "utf8");
    const page = JSON.parse(/<script id="data"[^>]*>(.*?)<\/script>/s.exec(html)![1]) as PageData;
    const { recording, choices } = page.episodes[0];
    expect(recording.kind).toBe("pitch");
    expect(page.choiceLabels?.[0][12]).toBe("shot");
    expect(fromBase64(choices!).byteLength).toBe(3 * (recording.frames - 1));
  });
});
