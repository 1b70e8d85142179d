/** @file `bpta train`: trains a team from the start. */

import { Command } from "commander";
import { InputError } from "../errors.ts";
import type { RunSettings } from "../experiment/config.ts";
import { isTree } from "../trees.ts";
import { collected, wholeNumber } from "./options.ts";

interface TrainFlags {
  readonly algo?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly out?: string;
  readonly config?: string;
  readonly preset?: string;
  readonly from?: string;
  readonly set: readonly string[];
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export const trainCommand = (): Command =>
  new Command("train")
    .description("train a team; the run goes into a new directory")
    .argument("<env>", "environment (bpta list envs), or the path of a module that makes one")
    .option("--algo <name>", "algorithm: one of bpta list algos, or the path of a module of your own (default: bppo)")
    .option("--seed <number>", "what all random numbers follow from (default: 0)", wholeNumber(0))
    .option("--steps <number>", "environment steps (default: the environment's)", wholeNumber(1))
    .option("--out <directory>", "run directory (default: runs/ENV-ALGO-seedS)")
    .option("--config <file>", "settings from a YAML or JSON file (docs/configuration.md)")
    .option("--preset <name>", "one of the environment's further presets (bpta list envs --json)")
    .option(
      "--from <run>",
      "a run whose networks this one starts with (its last; --set from.policy=best takes another)",
    )
    .option("--set <path=value>", "one setting, such as algorithm.epochs=5; can be repeated", collected, [])
    .option("--quiet", "say nothing but errors")
    .option("--json", "tell of every update in a line of JSON")
    .action(async (env: string, flags: TrainFlags) => {
      const [{ mergeSettings }, { parseSetting, readSettingsFile }, { runWithProgress }] = await Promise.all([
        import("../experiment/config.ts"),
        import("../experiment/settings-files.ts"),
        import("./run.ts"),
      ]);
      const given = flags.set.map(parseSetting);
      const misplaced = given.findIndex(({ env: section }) => isTree(section) && "id" in section);
      if (misplaced >= 0)
        throw new InputError(`--set ${flags.set[misplaced]}: the environment is the argument, ${env}`);
      const settings = mergeSettings(flags.config === undefined ? {} : await readSettingsFile(flags.config), ...given, {
        env: { id: env },
        ...(flags.algo !== undefined && { algorithm: { name: flags.algo } }),
        ...(flags.seed !== undefined && { seed: flags.seed }),
        ...(flags.steps !== undefined && { steps: flags.steps }),
        ...(flags.preset !== undefined && { preset: flags.preset }),
        ...(flags.from !== undefined && { from: { run: flags.from } }),
      });
      const { train } = await import("../experiment/train.ts");
      await runWithProgress(flags, (options) => train(settings as RunSettings, { ...options, out: flags.out }));
    });
