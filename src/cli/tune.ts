/** @file `bpta tune`: looks for hyperparameters. */

import { Command } from "commander";
import { quoted } from "./options.ts";
import { runSuite, type SuiteFlags, withSuiteOptions } from "./suite.ts";

export const tuneCommand = (): Command =>
  withSuiteOptions(
    new Command("tune")
      .description("look for hyperparameters: random search, or successive halving that goes on from checkpoints")
      .argument("<file>", "suite or configuration with a search, YAML or JSON (docs/benchmarks.md)"),
  ).action(async (file: string, flags: SuiteFlags) => {
    const { tune } = await import("../benchmark/tune.ts");
    await runSuite(flags, `npx bpta tune ${quoted(file)}`, async (options) => {
      const { algorithms } = await tune(file, options);
      if (flags.quiet || flags.json) return;
      for (const { algorithm, best, config } of algorithms) {
        const values = Object.entries(best.values).map(([path, value]) => `${path} ${JSON.stringify(value)}`);
        console.log(`${algorithm}: ${values.join(", ")} (score ${best.score!.toFixed(2)}) → ${config}`);
      }
    });
  });
