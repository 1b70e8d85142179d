/** @file Tests of environments in Python: what is served, faults, and that nothing is left running. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { startBpta } from "../../cli/testing/start.ts";
import type { VectorEnv, VectorMoment } from "../env.ts";
import { createMoment, partOfMoment, rowsOf } from "../moment.ts";
import { referenceOptions } from "../mujoco/options.ts";
import { expectClose } from "../mujoco/testing/close.ts";
import { makeEnv, makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";
import { environmentSeed } from "../vectorize.ts";

const python = process.env.BPTA_PYTHON || "python3";
const has = (...modules: readonly string[]): boolean =>
  spawnSync(python, ["-c", `import ${modules.join(", ")}`]).status === 0;
const [hasNumpy, hasMpe, hasMamujoco] = [has("numpy"), has("mpe2"), has("gymnasium_robotics", "mujoco")];
if (!hasNumpy) console.warn(`tests of Python environments are skipped: ${python} has no NumPy (set BPTA_PYTHON)`);
else {
  if (!hasMpe) console.warn(`tests with mpe2 are skipped: ${python} lacks it`);
  if (!hasMamujoco) console.warn(`tests with Gymnasium-Robotics are skipped: ${python} lacks it`);
}

const fakes = fileURLToPath(new URL("../../../python/tests", import.meta.url));
const before = process.env.PYTHONPATH;
let directory = "";
beforeAll(async () => {
  process.env.PYTHONPATH = fakes;
  directory = await mkdtemp(join(tmpdir(), "bpta-python-test-"));
});
afterAll(async () => {
  if (before === undefined) delete process.env.PYTHONPATH;
  else process.env.PYTHONPATH = before;
  await rm(directory, { recursive: true });
});

interface Opened {
  readonly env: VectorEnv;
  readonly moment: VectorMoment;
  readonly actions: readonly Float32Array[];
}

/** N copies of `Counting` (python/tests/fakes.py), begun from seed 5. */
async function open(
  numEnvs: number,
  args: Record<string, unknown> = {},
  options: Record<string, unknown> = {},
  workers = 0,
): Promise<Opened> {
  const env = await makeVectorEnv("py:fakes", { numEnvs, workers, options: { args, ...options } });
  const moment = createMoment(env.team, numEnvs);
  await env.reset(5, moment);
  const a = new Float32Array(3 * numEnvs);
  for (let e = 0; e < numEnvs; e++) a[3 * e + 2] = 1;
  return { env, moment, actions: [a, new Float32Array(2 * numEnvs).fill(0.25)] };
}

/** Ends of `ps` for the processes that serve, by their parent. */
const servers = (parent: number): number[] =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(parent)], { encoding: "utf8" })
    .stdout.split("\n")
    .map(Number)
    .filter(
      (pid) =>
        pid > 0 &&
        spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout.includes("bpta_env"),
    );
const lives = (pid: number): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
};

describe.runIf(hasNumpy)("the bridge", () => {
  test("serves spaces, observations, masks, rewards, wins and endings, and starts anew", async () => {
    const { env, moment, actions } = await open(2);
    const { team } = env;
    expect(team.agents).toEqual(["a", "b"]);
    expect(team.observationSpaces.map(({ size }) => size)).toEqual([2, 3]);
    expect(team.actionSpaces[0]).toEqual({ kind: "discrete", n: 3 });
    expect(team.actionSpaces[1]).toMatchObject({
      kind: "box",
      low: Float32Array.of(-1, -1),
      high: Float32Array.of(1, 1),
    });
    expect([team.hasActionMasks, team.hasInactiveAgents, team.hasWins, team.stateSpace.size]).toEqual([
      true,
      true,
      true,
      1,
    ]);
    const seeds = [0, 1].map((e) => environmentSeed(5, e) % 1000);
    expect([...moment.observations[1]]).toEqual([seeds[0], 0, 7, seeds[1], 0, 7]);
    expect([...moment.actionMasks[0]]).toEqual([1, 0, 1, 1, 0, 1]);
    await env.step(actions, moment);
    // Choice 2 of 0, 1, 2 is the environment's 3; b's reward is 0.5; the team's their mean.
    expect([...moment.rewards]).toEqual([1.75, 1.75]);
    expect([...moment.actionMasks[0]]).toEqual([1, 1, 1, 1, 1, 1]);
    expect([...moment.active]).toEqual([1, 1, 1, 1]);
    await env.step([Float32Array.of(1, 0, 0, 0, 1, 0), Float32Array.of(9, -9, 5, 5)], moment);
    expect([...moment.rewards]).toEqual([0.5, 2]); // clipped to ±1
    expect([...moment.active]).toEqual([1, 0, 1, 0]);
    await env.step(actions, moment);
    expect([...moment.rewards]).toEqual([3, 3]);
    expect([...moment.observations[1]]).toEqual([0, 0, 0, 0, 0, 0]);
    await env.step([Float32Array.of(1, 0, 0, 0, 0, 1), actions[1]], moment);
    expect([...moment.truncations, ...moment.terminations, ...moment.wins]).toEqual([1, 1, 0, 0, 0, 1]);
    expect([...moment.finalStates, ...moment.states]).toEqual([4, 4, 0, 0]);
    expect([...moment.finalObservations[0]]).toEqual([seeds[0], 4, seeds[1], 4]);
    expect([...moment.observations[0]]).toEqual([seeds[0] + 1, 0, seeds[1] + 1, 0]);
    expect(await env.takeInfos!()).toEqual([1, 3].map((choice, copy) => ({ copy, numbers: { choice } })));
    expect(await env.takeInfos!()).toEqual([]);
    await env.close();
  });

  test("does not depend on the number of processes", async () => {
    const ran = await Promise.all(
      [1, 2, 3].map(async (workers) => {
        const { env, moment, actions } = await open(5, {}, {}, workers);
        const seen: number[] = [];
        for (let t = 0; t < 9; t++) {
          await env.step(actions, moment);
          seen.push(...moment.rewards, ...moment.truncations, ...moment.observations.flatMap((rows) => [...rows]));
        }
        const told = (await env.takeInfos!()).toSorted((a, b) => a.copy - b.copy);
        expect(told.map(({ copy }) => copy)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        expect(told.every(({ numbers }) => numbers.choice > 0)).toBe(true);
        await env.close();
        return seen;
      }),
    );
    expect(ran[1]).toEqual(ran[0]);
    expect(ran[2]).toEqual(ran[0]);
  });

  test("is a ParallelEnv too", async () => {
    const env = await makeEnv("py:fakes");
    env.reset({ seed: 3 });
    for (let t = 0; t < 3; t++) env.step({ a: 1, b: [0, 0] });
    const last = env.step({ a: 2 });
    expect(last.truncations).toEqual({ a: true });
    expect(last.infos.a).toEqual({ won: true });
    expect(Array.from(env.state())).toEqual([4]);
    expect(env.activeAgents).toEqual([]);
    expect(Array.from(env.reset().observations.a)).toEqual([(environmentSeed(3, 0) % 1000) + 1, 0]);
    expect(env.activeAgents).toEqual(["a", "b"]);
    env.close?.();
  });

  test("an exception names the environment and the copy, and has its traceback", async () => {
    const { env, moment, actions } = await open(3, { fault: "raise", at: 1 }, {}, 2);
    await expect(async () => env.step(actions, moment)).rejects.toThrow(
      /^environment py:fakes, copy 0: ValueError: the ball is lost\nTraceback[\s\S]*fakes\.py", line \d+, in step/,
    );
    for (const [fault, what] of [
      ["stuck", "allows nothing"],
      ["unclear", "is not finite"],
    ]) {
      const { env: masked, moment: shown, actions: chosen } = await open(2, { fault, at: 2 }, {}, 1);
      masked.step(chosen, shown);
      expect(() => masked.step(chosen, shown)).toThrow(`copy 0: the action mask of a ${what}`);
    }
    const { env: other, moment: its, actions: taken } = await open(1, { fault: "nan", at: 1 });
    await expect(async () => other.step(taken, its)).rejects.toThrow(/copy 0: .*not a finite number/);
  });

  test.each([
    ["crashes", { fault: "exit" }, {}],
    ["hangs", { fault: "hang" }, { timeLimitSeconds: 2 }],
    ["is killed while one that it forked lives on", { fault: "fork" }, { timeLimitSeconds: 2 }],
  ])(
    "a process that %s is replaced, its episodes truncated where they were last seen",
    async (what, fault, options) => {
      const { env, moment, actions } = await open(2, { ...fault, at: 3, once: join(directory, what) }, options, 2);
      for (let t = 0; t < 2; t++) await env.step(actions, moment);
      await env.step(actions, moment);
      const hit = [...moment.truncations].filter((flag) => flag === 1).length;
      expect(hit).toBeGreaterThanOrEqual(1);
      expect(env.counters!()).toEqual({ restarts: hit });
      const e = moment.truncations[0] === 1 ? 0 : 1;
      expect([moment.finalStates[e], moment.states[e], moment.rewards[e]]).toEqual([2, 0, 0]);
      await env.step(actions, moment);
      expect(moment.states[e]).toBe(1);
      await env.close();
    },
  );

  test("one that crashes as it begins again is replaced, too, as often as is allowed", async () => {
    for (const maxRestarts of [2, 1]) {
      const once = join(directory, `again-${maxRestarts}`);
      const { env, moment, actions } = await open(1, { fault: "again", at: 2, once }, { maxRestarts });
      await env.step(actions, moment);
      if (maxRestarts === 1) {
        await expect(async () => env.step(actions, moment)).rejects.toThrow("2 times within 1000 steps");
        continue;
      }
      await env.step(actions, moment);
      expect([...moment.truncations, ...moment.finalStates, ...moment.states]).toEqual([1, 1, 0]);
      expect(env.counters!()).toEqual({ restarts: 2 });
      await env.close();
    }
  });

  test("closing waits until copies have closed", async () => {
    const closed = join(directory, "closed");
    const { env } = await open(1, { closed });
    await env.close();
    expect(existsSync(closed)).toBe(true);
  });

  test("a mistake in what makes an environment is told with its traceback", async () => {
    await expect(makeVectorEnv("py:fakes:mistaken", { numEnvs: 1 })).rejects.toThrow(
      /^environment py:fakes:mistaken: TypeError: unsupported operand[\s\S]*in mistaken/,
    );
  });

  test("a process that is stopped is noticed by the time limit", async () => {
    const others = servers(process.pid);
    const { env, moment, actions } = await open(2, {}, { timeLimitSeconds: 2 }, 2);
    await env.step(actions, moment);
    const [stopped] = servers(process.pid).filter((pid) => !others.includes(pid));
    process.kill(stopped, "SIGSTOP");
    await env.step(actions, moment);
    expect([...moment.truncations].toSorted()).toEqual([0, 1]);
    expect(env.counters!()).toEqual({ restarts: 1 });
    expect(lives(stopped)).toBe(false);
    await env.close();
  });

  test.each([1, 3])("steps in parts, in %i processes, as it steps whole", async (workers) => {
    const [whole, parted] = await Promise.all([open(8, {}, {}, 1), open(8, {}, {}, workers)]);
    const { parts = [] } = parted.env;
    expect(parts).toHaveLength(2);
    const moments = parts.map((_, p) => partOfMoment(parted.moment, p, 2));
    const actions = parts.map((_, p) => parted.actions.map((rows) => rowsOf(rows, p, 2)));
    parts[0].begin(actions[0]);
    for (let t = 0; t < 9; t++) {
      parts[1].begin(actions[1]);
      await parts[0].finish(moments[0]);
      if (t < 8) parts[0].begin(actions[0]);
      await parts[1].finish(moments[1]);
      if (t < 8) await whole.env.step(whole.actions, whole.moment);
    }
    await whole.env.step(whole.actions, whole.moment);
    expect(parted.moment).toEqual(whole.moment);
    await Promise.all([whole.env.close(), parted.env.close()]);
  });

  test("a crash ends the episodes of all parts, also where one's step was done already", async () => {
    const once = join(directory, "crash in parts");
    const { env, moment, actions } = await open(8, { fault: "exit", at: 3, once, length: 9 }, {}, 1);
    const moments = env.parts!.map((_, p) => partOfMoment(moment, p, 2));
    const own = env.parts!.map((_, p) => actions.map((rows) => rowsOf(rows, p, 2)));
    for (let t = 0; t < 2; t++) await env.step(actions, moment);
    env.parts![0].begin(own[0]);
    await env.parts![0].finish(moments[0]);
    expect([...moments[0].truncations]).toEqual([1, 1, 1, 1]);
    expect([...moments[0].finalStates, ...moments[0].states]).toEqual([2, 2, 2, 2, 0, 0, 0, 0]);
    expect([...moments[1].truncations]).toEqual([0, 0, 0, 0]);
    env.parts![1].begin(own[1]);
    await env.parts![1].finish(moments[1]);
    expect([...moments[1].truncations]).toEqual([1, 1, 1, 1]);
    expect([...moments[1].finalStates, ...moments[1].states]).toEqual([2, 2, 2, 2, 0, 0, 0, 0]);
    await env.step(actions, moment);
    expect([...moment.truncations, ...moment.states]).toEqual([...Array(8).fill(0), ...Array(8).fill(1)]);
    expect(env.counters!()).toEqual({ restarts: 1 });
    await env.close();
  });

  test("stops where processes end too often", async () => {
    const { env, moment, actions } = await open(1, { fault: "exit", at: 1 }, { maxRestarts: 2 });
    for (let t = 0; t < 2; t++) await env.step(actions, moment);
    await expect(async () => env.step(actions, moment)).rejects.toThrow(
      /py:fakes: its Python processes crashed.* 3 times within 1000 steps; env\.options\.maxRestarts allows 2/,
    );
  });

  test.each([
    ["py:nosuch.thing", {}, /no Python module nosuch: install it \(pip install nosuch\), set env\.options\.python/],
    ["py:fakes:no_such", {}, /module fakes has no no_such .*it has: .*Counting/],
    ["py:fakes:not_an_env", {}, /makes a int, must make an environment of PettingZoo or Gymnasium/],
    ["py:fakes:Broken", {}, /observation space of a is Sequence, must be Box, Discrete or MultiBinary/],
    [
      "py:fakes",
      { args: { lenght: 3 } },
      /env\.options\.args: fakes\.parallel_env: .*unexpected keyword argument 'lenght'/,
    ],
    [
      "py:fakes",
      { python: "/no/python" },
      /there is no \/no\/python to run; install Python 3\.9 or later, or set env\.options\.python/,
    ],
    ["py:fakes", { timeLimit: 3 }, /options: Unrecognized key: "timeLimit"/],
  ])("%s with %j says what to do", async (id, options, message) => {
    const error = await makeVectorEnv(id, { numEnvs: 1, options }).catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
  });

  test("a Python without NumPy says what to install", async () => {
    // Without what `site` adds to its path, it has none.
    const bare = join(directory, "python-without-numpy");
    await writeFile(bare, `#!/bin/sh\nexec "${python}" -S "$@"\n`, { mode: 0o755 });
    await expect(makeVectorEnv("py:fakes", { numEnvs: 1, options: { python: bare } })).rejects.toThrow(
      /^environment py:fakes: the Python .* has no numpy: install it \(pip install numpy\), or set env\.options\.python or BPTA_PYTHON/,
    );
  });

  test("nothing is left running after close, kill -9 of the parent, nor Ctrl-C", async () => {
    const { env } = await open(2, {}, {}, 2);
    const own = servers(process.pid);
    expect(own.length).toBeGreaterThanOrEqual(2);
    await env.close();
    for (let t = 0; t < 50 && own.some(lives); t++) await sleep(50);
    expect(own.filter(lives)).toEqual([]);
    for (const signal of ["SIGKILL", "SIGINT"] as const) {
      const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
      const out = join(directory, `run-${signal}`);
      const child = spawn(
        process.execPath,
        [
          "--import",
          import.meta.resolve("tsx"),
          main,
          "train",
          "py:fakes",
          "--algo",
          "mappo",
          "--steps",
          "100000000",
          "--set",
          "rollout.workers=2",
          "--out",
          out,
        ],
        { stdio: ["ignore", "ignore", "ignore"], detached: true },
      );
      onTestFinished(() => {
        if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
      });
      for (let t = 0; t < 1200 && !existsSync(join(out, "metrics.jsonl")); t++) await sleep(50);
      const children = servers(child.pid!);
      expect(children.length).toBe(2);
      // As a terminal does: to the whole group.
      process.kill(signal === "SIGINT" ? -child.pid! : child.pid!, signal);
      await once(child, "exit");
      for (let t = 0; t < 100 && children.some(lives); t++) await sleep(50);
      expect(children.filter(lives)).toEqual([]);
      if (signal === "SIGINT") expect(child.exitCode).toBe(130);
    }
  });

  test("trains, is judged, is resumed with new episodes", async () => {
    const run = join(directory, "run");
    const stopped = await startBpta(
      directory,
      [
        "train",
        "py:fakes",
        "--steps",
        "16000",
        "--set",
        "checkpoint.interval=1",
        "--set",
        "evaluation.episodes=4",
        "--out",
        run,
        "--json",
      ],
      (line, kill) => {
        if (JSON.parse(line).event === "update") kill("SIGKILL");
      },
    );
    expect(stopped.code).toBeNull();
    const resumed = await startBpta(directory, ["resume", run, "--quiet"]);
    expect(resumed).toMatchObject({ code: 0 });
    const judged = await startBpta(directory, ["eval", run, "--json"]);
    // The first agent has learnt to choose 3, the second to move forwards.
    expect(JSON.parse(judged.stdout).evaluation.meanReturn).toBeGreaterThan(8);
  });
});

/** Whether one process shares memory with this one (src/envs/python/memory.ts). */
const sharesMemory = process.platform === "linux" && process.arch === "x64" && availableParallelism() > 1;

describe.runIf(hasNumpy && sharesMemory)("the bridge through memory", () => {
  /** Of this process's newest server. */
  const newest = (): number => Math.max(...servers(process.pid));

  test("gives what it gives over pipes alone", async () => {
    const shared = await open(10, { length: 3 });
    expect(readFileSync(`/proc/${newest()}/maps`, "utf8")).toMatch(/rw-s .*\/dev\/shm\/.*\(deleted\)/);
    vi.stubEnv("BPTA_SHARED_MEMORY", "0");
    const piped = await open(10, { length: 3 });
    vi.unstubAllEnvs();
    process.env.PYTHONPATH = fakes;
    expect(readFileSync(`/proc/${newest()}/maps`, "utf8")).not.toContain("/dev/shm");
    for (let t = 0; t < 20; t++) {
      // Both sides are found awake, and asleep.
      if (t > 10) await sleep(t % 3);
      await shared.env.step(shared.actions, shared.moment);
      await piped.env.step(piped.actions, piped.moment);
      expect(shared.moment).toEqual(piped.moment);
    }
    await Promise.all([shared.env.close(), piped.env.close()]);
  });

  test("an exception is told, with its traceback", async () => {
    const { env, moment, actions } = await open(3, { fault: "raise", at: 2 });
    await env.step(actions, moment);
    await expect(async () => env.step(actions, moment)).rejects.toThrow(
      /^environment py:fakes, copy 0: ValueError: the ball is lost\nTraceback/,
    );
  });

  test.each(["exit", "hang", "SIGKILL", "SIGSTOP"])("a process that meets with %s is replaced", async (fault) => {
    const own = fault.startsWith("SIG") ? {} : { fault, at: 3, once: join(directory, `memory-${fault}`) };
    const { env, moment, actions } = await open(8, { ...own, length: 9 }, { timeLimitSeconds: 2 });
    const first = newest();
    for (let t = 0; t < 2; t++) await env.step(actions, moment);
    if (fault.startsWith("SIG")) process.kill(first, fault);
    await env.step(actions, moment);
    expect([...moment.truncations, ...moment.finalStates]).toEqual([...Array(8).fill(1), ...Array(8).fill(2)]);
    expect(env.counters!()).toEqual({ restarts: 1 });
    expect(lives(first)).toBe(false);
    await env.step(actions, moment);
    expect([...moment.states]).toEqual(Array(8).fill(1));
    await env.close();
  });

  test("nothing is left of it, not while it is used either", async () => {
    const left = (): string[] => readdirSync("/dev/shm");
    const there = left();
    const { env } = await open(2);
    expect(left().filter((name) => !there.includes(name) && name.includes("bpta"))).toEqual([]);
    const pid = newest();
    const shared = readFileSync(`/proc/${pid}/maps`, "utf8").match(/\/dev\/shm\/(\S+) \(deleted\)/);
    expect(left()).not.toContain(shared?.[1] ?? "there is none");
    process.kill(pid, "SIGKILL");
    await env.close();
    for (let t = 0; t < 50 && lives(pid); t++) await sleep(50);
    expect(left()).not.toContain(shared![1]);
  });
});

describe.runIf(hasMpe)("PettingZoo", () => {
  test("what the bridge serves passes PettingZoo's own parallel_api_test", () => {
    const { stdout, stderr, status } = spawnSync(python, [join(fakes, "parallel_api.py")], { encoding: "utf8" });
    expect(`${stdout}${stderr}`).toContain("Passed Parallel API test");
    expect(status).toBe(0);
  });
});

describe.runIf(hasMamujoco)("Multi-Agent MuJoCo", () => {
  /** By step, all that is observed, the state, and the reward. */
  const play = async (id: string, options: object): Promise<readonly number[][]> => {
    const env = await makeVectorEnv(id, { numEnvs: 1, options });
    const moment = createMoment(env.team, 1);
    const seen = () => [...moment.observations.flatMap((row) => [...row]), ...moment.states];
    await env.reset(1, moment);
    const rows = [seen()];
    for (let t = 0; t < 50; t++) {
      await env.step(
        env.team.actionSpaces.map((space, i) => new Float32Array(vectorSize(space)).fill(Math.sin(t + i))),
        moment,
      );
      rows.push([...seen(), moment.rewards[0]]);
    }
    await env.close();
    return rows;
  };

  test("gives through the bridge what it gives in Python, step by step", async () => {
    const args = { scenario: "HalfCheetah", agent_conf: "6x1" };
    const seen = await play("py:gymnasium_robotics.mamujoco_v1", { args });
    const script = `
import json, math, sys
import numpy as np
from gymnasium_robotics import mamujoco_v1
env = mamujoco_v1.parallel_env(scenario="HalfCheetah", agent_conf="6x1")
flat = lambda seen, *more: [float(np.float32(x)) for x in np.concatenate([*[seen[a] for a in env.possible_agents], env.state(), *more])]
rows = [flat(env.reset(seed=int(sys.argv[1]))[0])]
for t in range(50):
    seen, rewards, *_ = env.step({a: np.array([math.sin(t + i)], np.float32) for i, a in enumerate(env.possible_agents)})
    rows.append(flat(seen, [np.mean([rewards[a] for a in env.possible_agents])]))
print(json.dumps(rows))`;
    const reference = spawnSync(python, ["-W", "ignore", "-c", script, String(environmentSeed(1, 0))], {
      encoding: "utf8",
    });
    const rows = JSON.parse(reference.stdout.trim().split("\n").at(-1)!) as number[][];
    expect(seen.length).toBe(51);
    seen.forEach((row, t) => {
      expect(row, `step ${t}`).toEqual(rows[t]);
    });
  });

  const { version } = JSON.parse(readFileSync("node_modules/@mujoco/mujoco/package.json", "utf8"));
  const sameVersion = has(`mujoco; assert mujoco.__version__ == "${version}"`);
  test.runIf(sameVersion).each([
    // Two feet on the ground make the last digit of one number a difference of more in others, step by step.
    ["HalfCheetah", "6x1", 30],
    ["Ant", "4x2", 50],
    ["Walker2d", "2x3", 50],
  ])("gives through the bridge what bpta's own has, step by step: %s %s", async (scenario, agent_conf, steps) => {
    const args = { scenario, agent_conf, reset_noise_scale: 0 };
    const bridged = await play("py:gymnasium_robotics.mamujoco_v1", { args });
    const own = await play(`${scenario}-${agent_conf}`, referenceOptions);
    for (let t = 0; t <= steps; t++) expectClose(`step ${t}`, bridged[t], own[t]);
  });
});
