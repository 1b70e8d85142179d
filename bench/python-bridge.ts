/**
 * @file What the bridge costs over a plain Python loop that steps the same environments, in one process each.
 *
 * `BPTA_PYTHON=… npx tsx bench/python-bridge.ts [--rounds 15] [--copies 1]… [--state]`. The two take turns of a quarter of a
 * second, and each ratio is of neighbouring turns, so that what else the machine does falls on both. The bridge's side
 * includes observations, states and masks in the trainer's arrays; with `--state`, the loop asks for states too.
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

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    state: { type: "boolean", default: false },
    copies: { type: "string", multiple: true },
  },
});
const rounds = Number(values.rounds);
const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);

console.log(
  "| environment | copies | plain loop, steps/s | bridge, steps/s | bridge's time / loop's: median (quartiles) |",
);
console.log("| --- | --- | --- | --- | --- |");
for (const { module, args } of TASKS) {
  for (const copies of (values.copies ?? ["1", "8", "50"]).map(Number)) {
    const script = fileURLToPath(new URL("python_loop.py", import.meta.url));
    const loop = spawn(
      process.env.BPTA_PYTHON || "python3",
      [script, module, JSON.stringify(args), String(copies), ...(values.state ? ["--state"] : [])],
      {
        stdio: ["pipe", "pipe", "ignore"],
        env: { ...process.env, OMP_NUM_THREADS: "1", PYTHONPATH: fileURLToPath(new URL("../python", import.meta.url)) },
      },
    );
    const lines = createInterface(loop.stdout)[Symbol.asyncIterator]();
    await lines.next();
    const plain = async (steps: number): Promise<number> => {
      loop.stdin.write(`${steps}\n`);
      return Number((await lines.next()).value);
    };
    const env = await makeVectorEnv(`py:${module}`, { numEnvs: copies, options: { args } });
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
    const trial = Math.ceil(100 / copies);
    await bridge(trial);
    await plain(trial);
    const steps = Math.ceil((0.25 * trial) / (await plain(trial)));
    const ratios: number[] = [];
    const seconds: [number, number][] = [];
    for (let round = 0; round < rounds; round++) {
      const [a, b] =
        round % 2 === 0 ? [await plain(steps), await bridge(steps)] : [await bridge(steps), await plain(steps)];
      const [ofLoop, ofBridge] = round % 2 === 0 ? [a, b] : [b, a];
      seconds.push([ofLoop, ofBridge]);
      ratios.push(ofBridge / ofLoop);
    }
    const at = (numbers: readonly number[], q: number) => sorted(numbers)[Math.floor(q * (numbers.length - 1))];
    const rate = (which: 0 | 1) =>
      Math.round(
        (copies * steps) /
          at(
            seconds.map((pair) => pair[which]),
            0.5,
          ),
      );
    const show = (q: number) => at(ratios, q).toFixed(2);
    console.log(`| ${module} | ${copies} | ${rate(0)} | ${rate(1)} | ${show(0.5)} (${show(0.25)} to ${show(0.75)}) |`);
    await env.close();
    loop.stdin.end();
  }
}
