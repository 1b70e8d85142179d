/** @file Learning curves of runs, as a file. */

import { extname } from "node:path";
import { InputError } from "../errors.ts";
import { learningCurves } from "../evaluation/figures.ts";
import { pngOf } from "../evaluation/png.ts";
import { groupRuns, type RecordedRun, readRuns } from "../evaluation/runs.ts";
import { isTree } from "../trees.ts";
import { validateConfig } from "./config.ts";
import { writeFileAtomically } from "./files.ts";
import { settingsOfRun } from "./settings-files.ts";

/** What a figure of runs shows. */
export interface PlotOptions {
  /** Name in `metrics.jsonl`; default: `episodeReturn`. */
  readonly metric?: string | undefined;
  /** Settings that tell the curves apart, such as `algorithm.peerCoef`; default: the algorithm. */
  readonly by?: readonly string[] | undefined;
  /** Length of the trailing window that each value is the mean of, in environment steps; default: 0. */
  readonly smoothing?: number | undefined;
}

/**
 * Draws the learning curves of runs: one for each group of runs that differ in their seeds alone, with the mean and the
 * 95 % interval over seeds.
 *
 * @param paths run directories
 * @param out the file, which ends in .svg or .png
 * @throws InputError if a directory is not a run, the runs can't be drawn together, or the file ends otherwise
 */
export async function plotRuns(
  paths: readonly string[],
  out: string,
  { metric, by, smoothing }: PlotOptions = {},
): Promise<void> {
  if (paths.length === 0) throw new InputError("there are no runs to draw");
  const ending = extname(out).toLowerCase();
  if (ending !== ".svg" && ending !== ".png") throw new InputError(`${out}: a figure's file must end in .svg or .png`);
  const runs = await Promise.all((await readRuns(paths)).map(completed));
  const groups = groupRuns(runs, { ...(by && { by }) });
  const svg = await learningCurves(groups, {
    ...(metric !== undefined && { metric }),
    ...(smoothing !== undefined && { smoothing }),
  });
  await writeFileAtomically(out, ending === ".png" ? [await pngOf(svg)] : svg);
}

/**
 * A run with the settings that it does not name, being of an earlier version, so that it compares with others; as it
 * stands, if this version does not know what it was made of.
 */
async function completed(run: RecordedRun): Promise<RecordedRun> {
  const config = await validateConfig(settingsOfRun(run.config, run.path)).catch(() => undefined);
  const settings: unknown = JSON.parse(JSON.stringify(config ?? run.config));
  return isTree(settings) ? { ...run, config: settings } : run;
}
