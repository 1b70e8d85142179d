/**
 * @file What football costs: the game alone, through the bridge, and a training, in seconds of the processor.
 *
 * `BPTA_PYTHON=… npx tsx bench/football.ts [--scenario academy_3_vs_1_with_keeper]… [--rounds 3] [--steps 500]
 * [--updates 1] [--algo bppo]…`, on Linux; `--rounds 0` trains only, `--updates 0` doesn't. Seconds are those that the
 * processor spent on all processes of a thing, so that other work on the machine does not count; with a core for each
 * process, that many seconds pass by in parallel. Players choose at random. `gfootball` is the package's own environment;
 * `adapter` is what the bridge serves, in a plain loop; rounds take turns.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { football } from "../src/envs/football/index.ts";
import { createMoment } from "../src/envs/moment.ts";
import { makeVectorEnv } from "../src/envs/registry.ts";
import { vectorSize } from "../src/envs/spaces.ts";
import { median } from "../src/evaluation/statistics.ts";
import { resolveConfig } from "../src/experiment/config.ts";
import { openSession } from "../src/experiment/session.ts";
import { Random } from "../src/random.ts";
import { startPeer } from "./peer.ts";
import { servers } from "./servers.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", multiple: true, default: football.map(({ id }) => id.replace("football-", "")) },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "500" },
    copies: { type: "string", default: "8" },
    updates: { type: "string", default: "1" },
    algo: { type: "string", multiple: true, default: ["bppo", "mappo"] },
  },
});
const [rounds, steps, copies, updates] = [values.rounds, values.steps, values.copies, values.updates].map(Number);
const rate = (seconds: number, taken = steps): string => Math.round(taken / seconds).toLocaleString("en");

/** Ticks of the processor, 100 to a second, that each Python process has had. */
function pythonTicks(): Map<number, number> {
  return new Map(
    servers().map((pid) => {
      // Fields 14 and 15 of the file; the second is in parentheses and may hold anything.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
      return [pid, Number(fields[11]) + Number(fields[12])];
    }),
  );
}

/** What the processor spends on `act`, here and in the Python processes that are still there after it, seconds. */
async function spent(act: () => Promise<void>): Promise<{ readonly own: number; readonly python: number }> {
  const [before, own] = [pythonTicks(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(own);
  let ticks = 0;
  for (const [pid, now] of pythonTicks()) ticks += now - (before.get(pid) ?? 0);
  return { own: (user + system) / 1e6, python: ticks / 100 };
}

process.env.PYTHON ??= process.env.BPTA_PYTHON;
const peer = await startPeer("football_loop.py");
if (!peer) throw new Error("BPTA_PYTHON has no gfootball");
const plain = async (which: "ours" | "gfootball", scenario: string, seed: number): Promise<number> =>
  (await peer.ask({ loop: which, scenario, steps, seed })) as number;

/** Random steps of `copies` games in `workers` processes. */
async function bridged(scenario: string, workers: number, seed: number): Promise<number> {
  const env = await makeVectorEnv(`football-${scenario}`, { numEnvs: copies, workers });
  const moment = createMoment(env.team, copies);
  const sizes = env.team.actionSpaces.map(vectorSize);
  const actions = sizes.map((size) => new Float32Array(copies * size));
  const random = new Random(seed);
  await env.reset(seed, moment);
  const { own, python } = await spent(async () => {
    for (let t = 0; t < steps / copies; t++) {
      for (const [i, own] of actions.entries()) {
        own.fill(0);
        for (let e = 0; e < copies; e++) own[e * sizes[i] + random.integer(sizes[i])] = 1;
      }
      await env.step(actions, moment);
    }
  });
  await env.close();
  return own + python;
}

async function measureGames(): Promise<void> {
  console.log(`steps per second of the processor; medians of ${rounds} rounds of ${steps} steps`);
  console.log("| scenario | gfootball | adapter | bridge, 1 process | bridge, 2 processes |");
  console.log("| --- | --- | --- | --- | --- |");
  for (const scenario of values.scenario) {
    const seconds: number[][] = [[], [], [], []];
    for (let round = 0; round < rounds; round++) {
      seconds[0].push(await plain("gfootball", scenario, round));
      seconds[1].push(await plain("ours", scenario, round));
      seconds[2].push(await bridged(scenario, 1, round));
      seconds[3].push(await bridged(scenario, 2, round));
    }
    console.log(`| ${scenario} | ${seconds.map((own) => rate(median(own))).join(" | ")} |`);
  }
}

async function measureTraining(): Promise<void> {
  console.log(
    `\ntraining with the preset: seconds of the processor for 1,000 steps, over ${updates} updates after the first`,
  );
  console.log("| scenario | algorithm | games | bridge and acting | learning | steps per second of the processor |");
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const scenario of values.scenario) {
    for (const name of values.algo) {
      const config = await resolveConfig({ env: { id: `football-${scenario}` }, algorithm: { name } });
      const { learner, collector, ...session } = await openSession(config);
      const progress = { step: 0, totalSteps: 1 };
      await learner.update(await collector.collect(learner.policy), progress);
      const total = { games: 0, acting: 0, learning: 0 };
      for (let i = 0; i < updates; i++) {
        let buffer: Awaited<ReturnType<typeof collector.collect>>;
        const collecting = await spent(async () => {
          buffer = await collector.collect(learner.policy);
        });
        const learning = await spent(async () => {
          await learner.update(buffer, progress);
        });
        total.games += collecting.python;
        total.acting += collecting.own;
        total.learning += learning.own;
      }
      await session.close();
      const taken = updates * config.rollout.environments * config.rollout.length;
      const parts = [total.games, total.acting, total.learning];
      const cells = parts.map((seconds) => ((1000 * seconds) / taken).toFixed(2));
      console.log(
        `| ${scenario} | ${name} | ${cells.join(" | ")} | ${rate(
          parts.reduce((sum, seconds) => sum + seconds),
          taken,
        )} |`,
      );
    }
  }
}

if (rounds > 0) await measureGames();
peer.stop();
if (updates > 0) await measureTraining();
