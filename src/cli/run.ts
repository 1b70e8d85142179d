/** @file What `train` and `resume` share: showing progress, and stopping when asked to. */

import { InterruptedError } from "../experiment/errors.ts";
import type { TrainOptions } from "../experiment/train.ts";
import { type ProgressOptions, progressReporter } from "./progress.ts";

/** The exit code of a command that was stopped by Ctrl-C: 128 + SIGINT. */
const INTERRUPTED = 130;

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
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
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
    process.exitCode = INTERRUPTED;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}
