/** @file What `train` and `resume` share: showing progress, and stopping when asked to. */

import { InterruptedError } from "../errors.ts";
import type { TrainOptions } from "../experiment/train.ts";
import { type ProgressOptions, progressReporter } from "./progress.ts";

/** Exit codes of a command that was stopped: 128 + the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs `body` with progress shown. The first Ctrl-C stops the run after its update, with a checkpoint; the second at
 * once.
 */
export async function runWithProgress(
  options: ProgressOptions,
  body: (options: TrainOptions) => Promise<unknown>,
): Promise<void> {
  const reporter = progressReporter(options);
  const stop = new AbortController();
  let exitCode = 1;
  const onSignal = (signal: keyof typeof exitCodes): void => {
    exitCode = exitCodes[signal];
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort();
    reporter.show({ kind: "notice", message: "stopping after this update; press Ctrl-C again to stop at once" });
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    await body({ onProgress: reporter.show, signal: stop.signal });
    reporter.close();
  } catch (error) {
    reporter.close();
    if (!(error instanceof InterruptedError)) throw error;
    console.error(`${error.message}; to go on: npx bpta resume ${error.path}`);
    process.exitCode = exitCode;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
