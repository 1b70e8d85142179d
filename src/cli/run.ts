/** @file What commands that train share: showing progress, and stopping when asked to. */

import { InterruptedError } from "../errors.ts";
import type { TrainOptions } from "../experiment/train.ts";
import { type ProgressOptions, progressReporter } from "./progress.ts";

/** Exit codes of a command that was stopped: 128 + the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs `body`, which the first Ctrl-C asks to stop (by the signal that it is given), and the second ends at once.
 *
 * @param options.notice shows a line meanwhile
 * @param options.goOn the command that goes on with what was stopped
 */
export async function stoppable(
  { notice, goOn }: { readonly notice: (message: string) => void; readonly goOn: (path: string) => string },
  body: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  let exitCode = 1;
  const onSignal = (signal: keyof typeof exitCodes): void => {
    exitCode = exitCodes[signal];
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort();
    notice("stopping after this update; press Ctrl-C again to stop at once");
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    await body(stop.signal);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    console.error(`${error.message}; to go on: ${goOn(error.path)}`);
    process.exitCode = exitCode;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Runs `body`, a run, with progress shown. The first Ctrl-C stops the run after its update, with a checkpoint. */
export async function runWithProgress(
  options: ProgressOptions,
  body: (options: TrainOptions) => Promise<unknown>,
): Promise<void> {
  const reporter = progressReporter(options);
  const notice = (message: string) => reporter.show({ kind: "notice", message });
  await stoppable({ notice, goOn: (path) => `npx bpta resume ${path}` }, async (signal) => {
    try {
      await body({ onProgress: reporter.show, signal });
    } finally {
      reporter.close();
    }
  });
}
