import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mergeTrees, type SettingsTree } from "../trees.ts";
import { resolveConfig } from "./config.ts";
import { plotRuns } from "./plot.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpta-plot-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function writeRun(name: string, config: SettingsTree): Promise<string> {
  const path = join(directory, name);
  await mkdir(path);
  await writeFile(join(path, "config.json"), JSON.stringify(config));
  const records = [100, 200].map((step) => JSON.stringify({ step, episodeReturn: step }));
  await writeFile(join(path, "metrics.jsonl"), `${records.join("\n")}\n`);
  return path;
}

test("runs of one curve differ in their seeds alone: a setting of one only is told, one that came later is filled in", async () => {
  const config: SettingsTree = { ...(await resolveConfig({ env: { id: "climbing" } })) };
  const first = await writeRun("first", config);
  const { featureNormalization, ...earlier } = config.policy as SettingsTree;
  expect(featureNormalization).toBe(true);
  const older = await writeRun("older", { ...config, seed: 1, policy: earlier });
  const figure = join(directory, "curves.svg");
  await plotRuns([first, older], figure);
  expect(await readFile(figure, "utf8")).toContain("interval over 2 seeds");
  const other = await writeRun("other", mergeTrees(config, { seed: 2, policy: { order: [1, 0] } }));
  await expect(plotRuns([first, other], figure)).rejects.toThrow("group bppo mixes policy.order not set and [1,0]");
});
