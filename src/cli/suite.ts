/** @file What `benchmark` and `tune` share: their options, progress, and stopping when asked to. */

import type { Command } from "commander";
import type { TuneOptions } from "../benchmark/tune.ts";
import { quoted, wholeNumber } from "./options.ts";
import type { ProgressOptions } from "./progress.ts";

export interface SuiteFlags extends ProgressOptions {
  readonly out?: string;
  readonly workers?: number;
}

/** Adds the options that both have. */
export const withSuiteOptions = (command: Command): Command =>
  command
    .option("--out <directory>", "directory of all runs; what is finished there is not done again (default: runs/NAME)")
    .option("--workers <number>", "runs at a time (default: the number of cores)", wholeNumber(1))
    .option("--quiet", "say nothing but errors")
    .option("--json", "tell of everything in lines of JSON");

/**
 * Runs `body`, a suite, with progress shown. The first Ctrl-C lets the runs finish their update and leave a checkpoint.
 * @param again the command that goes on
 */
export async function runSuite(
  { out, workers, ...progress }: SuiteFlags,
  again: string,
  body: (options: TuneOptions) => Promise<unknown>,
): Promise<void> {
  const [{ suiteReporter }, { stoppable }] = await Promise.all([import("./suite-progress.ts"), import("./run.ts")]);
  const reporter = suiteReporter(progress);
  const notice = (message: string) => reporter.show({ kind: "notice", message });
  const goOn = () => `${again}${out === undefined ? "" : ` --out ${quoted(out)}`}`;
  await stoppable({ notice, goOn }, async (signal, isUnderWay) => {
    isUnderWay();
    try {
      await body({ out, workers, onProgress: reporter.show, signal });
    } finally {
      reporter.close();
    }
  });
}
