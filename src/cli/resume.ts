/** @file `bpta resume`: goes on with a run that was stopped or killed, or is to be longer. */

import { Command } from "commander";
import { wholeNumber } from "./options.ts";

interface ResumeFlags {
  readonly steps?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export const resumeCommand = (): Command =>
  new Command("resume")
    .description("go on with a run that was stopped or killed, from its last checkpoint")
    .argument("<run>", "run directory")
    .option("--steps <number>", "how long it is to be from now on, also of a run that has ended", wholeNumber(1))
    .option("--quiet", "say nothing but errors")
    .option("--json", "tell of every update in a line of JSON")
    .action(async (run: string, { steps, ...flags }: ResumeFlags) => {
      const [{ resume }, { runWithProgress }] = await Promise.all([
        import("../experiment/train.ts"),
        import("./run.ts"),
      ]);
      await runWithProgress(flags, (options) => resume(run, { ...options, steps }));
    });
