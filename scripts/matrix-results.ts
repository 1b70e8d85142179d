/**
 * @file The table of docs/results/matrix.md: every algorithm on the paper's two games, many seeds each.
 *
 * `npm run build && npx tsx scripts/matrix-results.ts [--seeds 20] [--jobs 2] [--out runs/matrix]`. Each run is one
 * `bpta train` in a process of its own; runs that are there already are not made again.
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { readResult } from "../src/evaluation/records.ts";
import { mean, tInterval } from "../src/evaluation/statistics.ts";

/** A game, and what its best joint action pays. */
interface Task {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly optimum: number;
}

/**
 * 4 agents, 4 choices: 10 where all four choose right, −10 where just one of them does not, 5 at a safe joint action far
 * from there, 0 elsewhere.
 */
function hiddenOptimum(): number[][][][] {
  const choices = [0, 1, 2, 3];
  const [right, safe] = [
    [1, 3, 1, 3],
    [0, 2, 0, 2],
  ];
  const matches = (actions: readonly number[], pattern: readonly number[]) =>
    actions.filter((action, agent) => action === pattern[agent]).length;
  const payoff = (...actions: number[]): number => {
    const found = matches(actions, right);
    if (found === 4) return 10;
    if (found === 3) return -10;
    return matches(actions, safe) === 4 ? 5 : 0;
  };
  return choices.map((a) => choices.map((b) => choices.map((c) => choices.map((d) => payoff(a, b, c, d)))));
}

const tasks: readonly Task[] = [
  { name: "climbing", arguments: ["climbing"], optimum: 11 },
  { name: "penalty (k = −100)", arguments: ["penalty"], optimum: 10 },
  {
    name: "4 agents, 4 choices, one hidden optimum",
    arguments: ["matrix", "--set", `env.options.payoffs=${JSON.stringify(hiddenOptimum())}`],
    optimum: 10,
  },
];

const algorithms = ["bppo", "ar-mappo", "mappo"];

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    jobs: { type: "string", default: "2" },
    cli: { type: "string", default: "dist/cli/main.js" },
    out: { type: "string", default: "runs/matrix" },
    report: { type: "string", default: "runs/matrix/table.md" },
  },
});

interface Job {
  readonly task: Task;
  readonly algorithm: string;
  readonly seed: number;
  readonly path: string;
}

const jobs: Job[] = tasks.flatMap((task) =>
  algorithms.flatMap((algorithm) =>
    Array.from({ length: Number(values.seeds) }, (_, seed) => ({
      task,
      algorithm,
      seed,
      path: `${values.out}/${task.name.replace(/[^a-z0-9]+/gi, "-")}/${algorithm}-${seed}`,
    })),
  ),
);

async function run({ task, algorithm, seed, path }: Job): Promise<void> {
  if (existsSync(`${path}/result.json`)) return;
  const command = [values.cli, "train", ...task.arguments, "--algo", algorithm, "--seed", String(seed)];
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, [...command, "--out", path, "--quiet"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${path}: exit code ${code}`))));
  });
}

await mkdir(values.out, { recursive: true });
const queue = [...jobs];
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      await run(job);
      process.stderr.write(`${jobs.length - queue.length} of ${jobs.length}: ${job.path}\n`);
    }
  }),
);

const lines = [
  "| game | algorithm | at the optimum | mean return [95 % interval] | returns found (seeds) | seconds per run, median |",
  "| --- | --- | --- | --- | --- | --- |",
];
for (const task of tasks) {
  for (const algorithm of algorithms) {
    const own = jobs.filter((job) => job.task === task && job.algorithm === algorithm);
    const results = await Promise.all(own.map(async ({ path }) => (await readResult(path))!));
    const returns = results.map(({ evaluation }) => Math.round(evaluation.meanReturn * 100) / 100);
    const solved = returns.filter((value) => Math.abs(value - task.optimum) < 1e-6).length;
    const { low, high } = tInterval(returns);
    const counts = [...new Set(returns)]
      .sort((a, b) => b - a)
      .map((value) => `${value} (${returns.filter((other) => other === value).length})`);
    const seconds = results.map(({ wallSeconds }) => wallSeconds).sort((a, b) => a - b)[results.length >> 1];
    const interval = low === high ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`;
    lines.push(
      `| ${task.name} | ${algorithm} | **${solved} of ${returns.length}** | ${mean(returns).toFixed(2)}${interval} | ` +
        `${counts.join(", ")} | ${seconds.toFixed(0)} |`,
    );
  }
}
const table = `${lines.join("\n")}\n`;

await writeFile(values.report, table);
console.log(await readFile(values.report, "utf8"));
