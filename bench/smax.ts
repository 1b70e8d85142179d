/**
 * @file Speed of battles: environment steps per second of one core, with random legal actions.
 *
 * `npx tsx bench/smax.ts [--env smacv2-terran-5v5]… [--copies 64]… [--seconds 2]`. Seconds are those that the processor
 * spent on this process, so that other work on the machine does not count; choosing the actions is part of them.
 */

import { parseArgs } from "node:util";
import { createMoment } from "../src/envs/moment.ts";
import { makeVectorEnv } from "../src/envs/registry.ts";
import { vectorSize } from "../src/envs/spaces.ts";
import { Random } from "../src/random.ts";

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

/** Environment steps per second, after a tenth of the time that does not count. */
async function measure(id: string, numEnvs: number, seconds: number): Promise<number> {
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
  const run = async (until: number): Promise<number> => {
    let steps = 0;
    do {
      for (let k = 0; k < 1024; k += numEnvs) {
        choose();
        await env.step(actions, moment);
        steps += numEnvs;
      }
    } while (processorSeconds() < until);
    return steps;
  };
  await run(processorSeconds() + seconds / 10);
  const start = processorSeconds();
  const steps = await run(start + seconds);
  const rate = steps / (processorSeconds() - start);
  await env.close();
  return rate;
}

const { values } = parseArgs({
  options: {
    env: { type: "string", multiple: true, default: ENVS },
    copies: { type: "string", multiple: true, default: ["1", "64", "1024"] },
    seconds: { type: "string", default: "2" },
  },
});

for (const id of values.env) {
  const row: string[] = [];
  for (const copies of values.copies) {
    const rate = await measure(id, Number(copies), Number(values.seconds));
    row.push(`${copies}: ${Math.round(rate).toLocaleString("en")}`);
  }
  console.log(`${id.padEnd(22)} environment steps/s with copies ${row.join("   ")}`);
}
