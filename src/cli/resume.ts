/** @file `bpta resume`: goes on with a run that was stopped or killed. */

import { Command } from "commander";

export const resumeCommand = (): Command =>
  new Command("resume")
    .description("go on with a run that was stopped or killed, from its last checkpoint")
    .argument("<run>", "run directory")
    .option("--quiet", "say nothing but errors")
    .option("--json", "tell of every update in a line of JSON")
    .action(async (run: string, flags: { readonly quiet?: boolean; readonly json?: boolean }) => {
      const [{ resume }, { runWithProgress }] = await Promise.all([
        import("../experiment/train.ts"),
        import("./run.ts"),
      ]);
      await runWithProgress(flags, (options) => resume(run, options));
    });
