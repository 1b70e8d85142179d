/** @file `bpta plot`: learning curves of runs. */

import { Command } from "commander";
import { collected, fileName, wholeNumber } from "./options.ts";

interface PlotFlags {
  readonly out: string;
  readonly metric?: string;
  readonly by: readonly string[];
  readonly smooth?: number;
}

export const plotCommand = (): Command =>
  new Command("plot")
    .description("draw learning curves: mean and 95 % interval over the seeds of each algorithm")
    .argument("<run...>", "run directories")
    .requiredOption("--out <file>", "where to: .svg or .png", fileName(".svg", ".png"))
    .option("--metric <name>", "what to draw, a name in metrics.jsonl (default: episodeReturn)")
    .option(
      "--by <setting>",
      "setting that tells curves apart, such as algorithm.peerCoef; can be repeated",
      collected,
      [],
    )
    .option("--smooth <steps>", "trailing window to average over, in environment steps (default: 0)", wholeNumber(0))
    .action(async (runs: readonly string[], { out, metric, by, smooth }: PlotFlags) => {
      const { plotRuns } = await import("../experiment/plot.ts");
      await plotRuns(runs, out, { metric, smoothing: smooth, ...(by.length > 0 && { by }) });
      console.log(`wrote ${out}`);
    });
