/**
 * @file What the bridge costs over plain Python loops that step the same environments, in one process each.
 *
 * `BPTA_PYTHON=… npx tsx bench/python-bridge.ts [--rounds 20] [--copies 1]… [--processes 1]…`, on Linux. The bridge,
 * with each number of processes, and three loops (bench/python_loop.py: `step` alone, `step` and `state`, and `arrays` as
 * training needs them) take turns of 1 s. Ratios are medians over neighbouring turns, so that what else the machine
 * does falls on both: of the time that passed, and in brackets of the time spent computing (by Linux; of all processes
 * for the bridge, waiting awake included), which does not know who else had the cores. The bridge's side includes
 * actions, observations, states, masks and endings in the trainer's arrays.
 */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { createMoment } from "../src/envs/moment.ts";
import { makeVectorEnv } from "../src/envs/registry.ts";
import { type Space, vectorSize } from "../src/envs/spaces.ts";
import { median } from "../src/evaluation/statistics.ts";
import { Random } from "../src/random.ts";
import { servers } from "./servers.ts";

const TASKS = [
  { module: "mpe2.simple_spread_v3", args: {} },
  { module: "gymnasium_robotics.mamujoco_v1", args: { scenario: "HalfCheetah", agent_conf: "6x1" } },
] as const;
const LOOPS = ["step", "state", "arrays"] as const;
const TURN_SECONDS = 1;
/** Joint actions that are drawn beforehand, and taken one after the other: robots move as they do in training. */
const DRAWN = 256;
const WARM_UP_SECONDS = 5;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    copies: { type: "string", multiple: true },
    processes: { type: "string", multiple: true, default: ["1", "2"] },
  },
});
const rounds = Number(values.rounds);
/** Seconds that a process's first thread has computed. */
const computed = (pid: number): number => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e9;

/** Actions of one agent in all copies, all that its space has alike: between -1 and 1 in boxes. */
function draw(space: Space, copies: number, random: Random): Float32Array {
  const size = vectorSize(space);
  const actions = new Float32Array(copies * size);
  if (space.kind === "discrete") for (let e = 0; e < copies; e++) actions[e * size + random.integer(size)] = 1;
  else for (let k = 0; k < actions.length; k++) actions[k] = 2 * random.uniform() - 1;
  return actions;
}

/** Seconds that passed, and that were spent computing. */
type Turn = readonly [passed: number, computed: number];

interface Bridge {
  readonly processes: number;
  step(steps: number): Promise<Turn>;
  readonly turns: Turn[];
  close(): Promise<void> | void;
}

async function openBridge(id: string, args: object, copies: number, processes: number): Promise<Bridge> {
  const others = servers();
  const env = await makeVectorEnv(id, { numEnvs: copies, workers: processes, options: { args } });
  const pids = [process.pid, ...servers().filter((pid) => !others.includes(pid))];
  const moment = createMoment(env.team, copies);
  const random = new Random(copies);
  const drawn = Array.from({ length: DRAWN }, () => env.team.actionSpaces.map((space) => draw(space, copies, random)));
  await env.reset(0, moment);
  const cpu = (): number => pids.reduce((sum, pid) => sum + computed(pid), 0);
  return {
    processes,
    turns: [],
    async step(steps) {
      const [began, before] = [performance.now(), cpu()];
      for (let t = 0; t < steps; t++) await env.step(drawn[t % DRAWN], moment);
      return [(performance.now() - began) / 1000, cpu() - before];
    },
    close: () => env.close(),
  };
}

/**
 * A core that has slept is slow for some tenths of a second (of a virtual machine, at least), and the bridge uses two: a
 * thread that only turns keeps the second awake while the plain loop has its turn.
 */
const spins = new Int32Array(new SharedArrayBuffer(4));
const spinner = `const { workerData: spins } = require("node:worker_threads");
for (;;) { Atomics.wait(spins, 0, 0); while (Atomics.load(spins, 0) === 1); }`;
new Worker(spinner, { eval: true, workerData: spins }).unref();

console.log(
  `| environment | copies | processes | bridge, steps/s | ${LOOPS.map((name) => `time / ${name}'s`).join(" | ")} |`,
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const { module, args } of TASKS) {
  for (const copies of (values.copies ?? ["1", "8", "50"]).map(Number)) {
    const script = fileURLToPath(new URL("python_loop.py", import.meta.url));
    const loop = spawn(process.env.BPTA_PYTHON || "python3", [script, module, JSON.stringify(args), String(copies)], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, OMP_NUM_THREADS: "1", PYTHONPATH: fileURLToPath(new URL("../python", import.meta.url)) },
    });
    const lines = createInterface(loop.stdout)[Symbol.asyncIterator]();
    await lines.next();
    const plain = async (name: string, steps: number): Promise<Turn> => {
      Atomics.store(spins, 0, 1);
      Atomics.notify(spins, 0);
      loop.stdin.write(`${name} ${steps}\n`);
      const [passed, cpu] = String((await lines.next()).value).split(" ");
      Atomics.store(spins, 0, 0);
      return [Number(passed), Number(cpu)];
    };
    const bridges: Bridge[] = [];
    for (const processes of values.processes.map(Number))
      if (processes <= copies) bridges.push(await openBridge(`py:${module}`, args, copies, processes));
    const trial = Math.ceil(300 / copies);
    // Until it is compiled for speed, and waits as it is going to.
    for (const { step } of bridges) for (let passed = 0; passed < WARM_UP_SECONDS; passed += (await step(trial))[0]);
    for (const name of LOOPS) await plain(name, trial);
    const steps = Math.ceil((TURN_SECONDS * trial) / (await plain("arrays", trial))[0]);
    const turns = { step: [] as Turn[], state: [] as Turn[], arrays: [] as Turn[] };
    for (let round = 0; round < rounds; round++) {
      for (const { step, turns } of bridges) turns.push(await step(steps));
      for (const name of LOOPS) turns[name].push(await plain(name, steps));
    }
    for (const bridge of bridges) {
      const ratio = (name: (typeof LOOPS)[number], which: 0 | 1): string =>
        median(turns[name].map((turn, round) => bridge.turns[round][which] / turn[which])).toFixed(2);
      const shown = LOOPS.map((name) => `${ratio(name, 0)} (${ratio(name, 1)})`);
      const rate = Math.round((copies * steps) / median(bridge.turns.map(([passed]) => passed)));
      console.log(`| ${module} | ${copies} | ${bridge.processes} | ${rate} | ${shown.join(" | ")} |`);
      await bridge.close();
    }
    loop.stdin.end();
  }
}
