/** @file `bpta render`: episodes of a run's policy, to look at. */

import { Command } from "commander";
import type { RenderOptions } from "../experiment/render.ts";
import { fileName, policyOption, whichPolicy, wholeNumber } from "./options.ts";

interface RenderFlags extends Omit<RenderOptions, "drawn" | "onProgress"> {
  readonly out: string;
  readonly sample?: boolean;
}

export const renderCommand = (): Command =>
  new Command("render")
    .description("show a run's policy in greedy episodes, those of bpta eval: a page to play, a film or a picture")
    .argument("<run>", "run directory")
    .requiredOption(
      "--out <file>",
      "where to: .html, a page that needs nothing else; .mp4, .gif or .png, made by an installed Chrome, Chromium or Edge",
      fileName(".html", ".mp4", ".gif", ".png"),
    )
    .option("--episodes <number>", "how many episodes (default: 1)", wholeNumber(1, 100))
    .option("--seed <number>", "other episodes, that follow from this seed (default: the run's)", wholeNumber(0))
    .option(...policyOption, whichPolicy)
    .option("--sample", "draw actions as in training, rather than the greedy ones")
    .option(
      "--from <step>",
      "step to begin with; of a .png: the one to show (default: 0, of a .png the middle)",
      wholeNumber(0),
    )
    .option("--steps <number>", "steps of each episode (default: all; of a .gif 10 seconds)", wholeNumber(1))
    .option("--fps <number>", "frames per second of a film (default: 30; of a .gif 20)", wholeNumber(1, 120))
    .option("--width <pixels>", "(default: 1280; of a .gif 480)", wholeNumber(64, 4096))
    .option("--height <pixels>", "(default: 720; of a .gif 270)", wholeNumber(64, 4096))
    .option("--dark", "a film or picture by night; a page follows the reader's settings")
    .action(async (run: string, { out, sample, ...options }: RenderFlags) => {
      const { render } = await import("../experiment/render.ts");
      const { describeCounters, formatNumber, frameCounter } = await import("./progress.ts");
      const counter = frameCounter();
      const { returns, counters, frames, codec } = await render(run, out, {
        ...options,
        drawn: sample,
        onProgress: counter.show,
      }).finally(counter.clear);
      const made = [
        ...(frames !== undefined && frames > 1 ? [`${frames} frames`] : []),
        ...(codec !== undefined && codec !== "avc" ? [`encoded by ${codec}, which some players lack`] : []),
        ...describeCounters(counters).map((text) => `${text} in the evaluation's episodes`),
      ];
      console.log(
        `wrote ${[out, ...made].join(", ")} (return ${returns.map((value) => formatNumber(value)).join(", ")})`,
      );
    });
