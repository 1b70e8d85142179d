/**
 * @file What is worth keeping of a suite's runs, small enough for the repository: `docs/results/records`.
 *
 * `npx tsx scripts/keep-runs.ts runs/half-cheetah docs/results/records/half-cheetah`. Of each run its configuration, its
 * result, and of its metrics at most `POINTS` records of how episodes went. They are run directories still, so
 * `bpta plot` draws them, `bpta benchmark SUITE --out docs/results/records/NAME --report-only` reports on them, and without
 * `--report-only` makes the runs that are missing. Of runs that are not finished, what they need to go on: all metrics and
 * the last checkpoint.
 */

import { copyFile, cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { METRICS, RESULT, readMetrics, SUITE, type UpdateMetrics } from "../src/evaluation/records.ts";
import { checkpointsIn } from "../src/experiment/checkpoint.ts";
import { CHECKPOINTS } from "../src/experiment/run.ts";

const POINTS = 200;

const [from, to] = process.argv.slice(2);
if (!to) throw new Error("usage: npx tsx scripts/keep-runs.ts SUITE_DIRECTORY DIRECTORY");

/** Consecutive updates as one: when the last of them ended, and the mean of the episodes that ended in any. */
function merged(updates: readonly UpdateMetrics[]): UpdateMetrics {
  const last = updates.at(-1)!;
  const episodes = updates.reduce((sum, update) => sum + update.episodes, 0);
  /** Some episodes tell of nothing. */
  const ofEpisodes = (name: string): readonly [string, number] => {
    const telling = updates.filter((update) => update[name] !== undefined);
    const sum = (of: (update: UpdateMetrics) => number): number => telling.reduce((total, u) => total + of(u), 0);
    return [name, sum((update) => update.episodes * update[name]!) / sum((update) => update.episodes)];
  };
  const told = (name: string) => /^(episodeReturn|episodeLength|winRate|info\..*)$/.test(name);
  const names = new Set(updates.flatMap((update) => Object.keys(update).filter(told)));
  const evaluated = updates.findLast(({ evaluationReturn }) => evaluationReturn !== undefined) ?? {};
  return {
    update: last.update,
    step: last.step,
    wallSeconds: last.wallSeconds,
    stepsPerSecond: last.stepsPerSecond,
    collectSeconds: last.collectSeconds,
    updateSeconds: last.updateSeconds,
    episodes,
    ...Object.fromEntries([...names].map(ofEpisodes)),
    ...Object.fromEntries(Object.entries(evaluated).filter(([name]) => name.startsWith("evaluation"))),
  };
}

const files = await readdir(from, { recursive: true });
await mkdir(to, { recursive: true });
// What says that the directory is a suite's, so that it goes on there.
await copyFile(join(from, SUITE), join(to, SUITE));
for (const file of files.filter((name) => basename(name) === "config.json")) {
  const run = dirname(file);
  const [source, kept] = [join(from, run), join(to, run)];
  const isFinished = files.includes(join(run, RESULT));
  const [newest] = await checkpointsIn(join(source, CHECKPOINTS));
  if (!isFinished && newest === undefined) continue;
  await rm(kept, { recursive: true, force: true });
  await mkdir(kept, { recursive: true });
  await copyFile(join(source, "config.json"), join(kept, "config.json"));
  if (!isFinished) {
    await cp(newest, join(kept, CHECKPOINTS, basename(newest)));
    await copyFile(join(source, METRICS), join(kept, METRICS));
    console.log(`${kept}: not finished, ${basename(newest)}`);
    continue;
  }
  const telling = (await readMetrics(source)).filter(
    ({ episodes, evaluationReturn }) => episodes > 0 || evaluationReturn !== undefined,
  );
  const perRecord = Math.ceil(telling.length / POINTS);
  const records = Array.from({ length: Math.ceil(telling.length / perRecord) }, (_, i) =>
    merged(telling.slice(i * perRecord, (i + 1) * perRecord)),
  );
  await copyFile(join(source, RESULT), join(kept, RESULT));
  await writeFile(join(kept, METRICS), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  console.log(`${kept}: ${records.length} records`);
}
