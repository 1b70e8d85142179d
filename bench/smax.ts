/**
 * @file Speed of battles: environment steps per second of one core, with random legal actions, and their memory.
 *
 * `npx tsx bench/smax.ts [--env smacv2-terran-5v5]… [--copies 64]… [--seconds 2] [--memory 1000000]`. Seconds are those
 * that the processor spent on a process, so that other work on the machine does not count; choosing the actions is part
 * of them. Where `python3` (or $PYTHON) has JaxMARL, its SMAX stands beside ours, in the scenarios that it has.
 */

import { parseArgs } from "node:util";
import { createMoment } from "../src/envs/moment.ts";
import { makeVectorEnv } from "../src/envs/registry.ts";
import { vectorSize } from "../src/envs/spaces.ts";
import { Random } from "../src/random.ts";
import { startPeer } from "./peer.ts";

const ENVS = [
  ...["3m", "2s3z", "smacv2_5_units", "smacv2_20_units", "27m_vs_30m"],
  ...["smacv2-terran-5v5", "smacv2-protoss-5v5", "smacv2-zerg-5v5"],
  ...["smacv2-terran-20v20", "smacv2-protoss-20v20", "smacv2-zerg-20v20"],
];

/** Seconds of the processor so far. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Copies of an environment that are ready to take random legal actions. */
async function open(id: string, numEnvs: number) {
  const env = await makeVectorEnv(id, { numEnvs });
  const { actionSpaces } = env.team;
  const moment = createMoment(env.team, numEnvs);
  const sizes = actionSpaces.map(vectorSize);
  const actions = sizes.map((size) => new Float32Array(numEnvs * size));
  const random = new Random(0);
  await env.reset(0, moment);

  /** The first legal choice from a random one on. */
  const choose = (): void => {
    for (const [i, own] of actions.entries()) {
      own.fill(0);
      const size = sizes[i];
      for (let e = 0; e < numEnvs; e++) {
        let choice = random.integer(size);
        while (moment.actionMasks[i][e * size + choice] === 0) choice = (choice + 1) % size;
        own[e * size + choice] = 1;
      }
    }
  };
  return {
    /** Takes at least 1,024 steps; returns how many. */
    async run(): Promise<number> {
      let steps = 0;
      for (; steps < 1024; steps += numEnvs) {
        choose();
        await env.step(actions, moment);
      }
      return steps;
    },
    close: () => env.close(),
  };
}

/** Environment steps per second, after a tenth of the time that does not count. */
async function measure(id: string, numEnvs: number, seconds: number): Promise<number> {
  const battles = await open(id, numEnvs);
  const runUntil = async (end: number): Promise<number> => {
    let steps = 0;
    do steps += await battles.run();
    while (processorSeconds() < end);
    return steps;
  };
  await runUntil(processorSeconds() + seconds / 10);
  const start = processorSeconds();
  const steps = await runUntil(start + seconds);
  const rate = steps / (processorSeconds() - start);
  await battles.close();
  return rate;
}

/** Megabytes of the process and of its JavaScript heap after a tenth of the steps, and after all of them. */
async function memory(id: string, steps: number): Promise<string> {
  const battles = await open(id, 64);
  const usage = (): string => {
    global.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return `${Math.round(rss / 1e6)} (heap ${(heapUsed / 1e6).toFixed(1)})`;
  };
  const readings: string[] = [];
  let taken = 0;
  for (const goal of [steps / 10, steps]) {
    while (taken < goal) taken += await battles.run();
    readings.push(`${usage()} MB after ${taken.toLocaleString("en")} steps`);
  }
  await battles.close();
  return readings.join(", ");
}

const { values } = parseArgs({
  options: {
    env: { type: "string", multiple: true, default: ENVS },
    copies: { type: "string", multiple: true, default: ["1", "64", "1024"] },
    seconds: { type: "string", default: "2" },
    memory: { type: "string", default: "1000000" },
  },
});

const jaxmarl = await startPeer("smax_jaxmarl.py");
console.log(jaxmarl ? `beside ${jaxmarl.title}, one core each` : "no JaxMARL found (set $PYTHON): ours alone");
console.log("environment steps per second of one core");
for (const id of values.env) {
  for (const copies of values.copies.map(Number)) {
    const ours = await measure(id, copies, Number(values.seconds));
    const cells = [id.padEnd(22), `${copies}`.padStart(5), Math.round(ours).toLocaleString("en").padStart(9)];
    if (jaxmarl && !id.startsWith("smacv2-")) {
      const theirs = (await jaxmarl.ask({ env: id, copies, seconds: Number(values.seconds) })) as number;
      cells.push(Math.round(theirs).toLocaleString("en").padStart(9), `${(ours / theirs).toFixed(1)}×`.padStart(7));
    }
    console.log(cells.join(" "));
  }
}
jaxmarl?.stop();
for (const id of ["smacv2_5_units", "smacv2-terran-5v5"])
  console.log(`${id}: ${await memory(id, Number(values.memory))}`);
