/** @file What two runs must have in common to be the same run. */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readMetrics, readResult, type UpdateMetrics, wallClockMetrics } from "../../evaluation/records.ts";
import { decodeCheckpoint } from "../checkpoint.ts";

/** Updates without what depends on the clock. */
export const withoutWallClock = (updates: readonly UpdateMetrics[]) =>
  updates.map((metrics) =>
    Object.fromEntries(Object.entries(metrics).filter(([name]) => !wallClockMetrics.includes(name))),
  );

/** All of a finished run that does not depend on the clock: every metric, parameter and random state. */
export async function essence(path: string) {
  const newest = (await readdir(join(path, "checkpoints"))).sort().at(-1)!;
  const checkpoint = decodeCheckpoint(await readFile(join(path, "checkpoints", newest)));
  const { session, counters } = checkpoint as { session: unknown; counters: Record<string, number> };
  const { wallSeconds: _, ...counts } = counters;
  const policy = await readFile(join(path, "policy.onnx"));
  return {
    updates: withoutWallClock(await readMetrics(path)),
    counts,
    session,
    policySha256: createHash("sha256").update(policy).digest("hex"),
    evaluation: (await readResult(path))?.evaluation,
  };
}
