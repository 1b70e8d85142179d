/**
 * @file What the bridge costs over plain Python loops that step the same environments, in one process each.
 *
 * `BPTA_PYTHON=… npx tsx bench/python-bridge.ts [--rounds 40] [--copies 1]… [--processes 1]`. The bridge and three loops
 * (bench/python_loop.py: `step` alone, `step` and `state`, and `arrays` as training needs them) take turns of a tenth
 * of a second. A ratio is of neighbouring turns, so that what else the machine does falls on both: the median, and in
 * brackets that of each one's fastest turn, when it was disturbed least. The bridge's side includes actions, observations, states,
 * masks and endings in the trainer's arrays.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createMoment } from "../src/envs/moment.ts";
import { makeVectorEnv } from "../src/envs/registry.ts";
import { vectorSize } from "../src/envs/spaces.ts";

const TASKS = [
  { module: "mpe2.simple_spread_v3", args: {} },
  { module: "gymnasium_robotics.mamujoco_v1", args: { scenario: "HalfCheetah", agent_conf: "6x1" } },
] as const;
const LOOPS = ["step", "state", "arrays"] as const;
const TURN_SECONDS = 0.1;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    copies: { type: "string", multiple: true },
    processes: { type: "string", default: "1" },
  },
});
const rounds = Number(values.rounds);
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

console.log(`| environment | copies | bridge, steps/s | ${LOOPS.map((name) => `time / ${name}'s`).join(" | ")} |`);
console.log("| --- | --- | --- | --- | --- | --- |");
for (const { module, args } of TASKS) {
  for (const copies of (values.copies ?? ["1", "8", "50"]).map(Number)) {
    const script = fileURLToPath(new URL("python_loop.py", import.meta.url));
    const loop = spawn(process.env.BPTA_PYTHON || "python3", [script, module, JSON.stringify(args), String(copies)], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, OMP_NUM_THREADS: "1", PYTHONPATH: fileURLToPath(new URL("../python", import.meta.url)) },
    });
    const lines = createInterface(loop.stdout)[Symbol.asyncIterator]();
    await lines.next();
    const plain = async (name: string, steps: number): Promise<number> => {
      loop.stdin.write(`${name} ${steps}\n`);
      return Number((await lines.next()).value);
    };
    const workers = Number(values.processes);
    const env = await makeVectorEnv(`py:${module}`, { numEnvs: copies, workers, options: { args } });
    const moment = createMoment(env.team, copies);
    const actions = env.team.actionSpaces.map((space) => new Float32Array(copies * vectorSize(space)).fill(0.1));
    env.team.actionSpaces.forEach((space, i) => {
      if (space.kind === "discrete")
        for (let k = 0; k < actions[i].length; k++) actions[i][k] = k % space.n === 1 ? 1 : 0;
    });
    await env.reset(0, moment);
    const bridge = async (steps: number): Promise<number> => {
      const began = performance.now();
      for (let t = 0; t < steps; t++) await env.step(actions, moment);
      return (performance.now() - began) / 1000;
    };
    const trial = Math.ceil(300 / copies);
    await bridge(trial);
    for (const name of LOOPS) await plain(name, trial);
    const steps = Math.ceil((TURN_SECONDS * trial) / (await plain("arrays", trial)));
    const seconds = { bridge: [] as number[], step: [] as number[], state: [] as number[], arrays: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      seconds.bridge.push(await bridge(steps));
      for (const name of LOOPS) seconds[name].push(await plain(name, steps));
    }
    const least = (turns: readonly number[]) => Math.min(...turns);
    const shown = LOOPS.map((name) => {
      const ratios = seconds[name].map((turn, round) => seconds.bridge[round] / turn);
      return `${median(ratios).toFixed(2)} (${(least(seconds.bridge) / least(seconds[name])).toFixed(2)})`;
    });
    const rate = Math.round((copies * steps) / median(seconds.bridge));
    console.log(`| ${module} | ${copies} | ${rate} | ${shown.join(" | ")} |`);
    await env.close();
    loop.stdin.end();
  }
}
