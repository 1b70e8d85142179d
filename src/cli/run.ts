/** @file What commands that train share: showing progress, and stopping when asked to. */

import { InterruptedError } from "../errors.ts";
import type { TrainEvent, TrainOptions } from "../experiment/train.ts";
import { quoted } from "./options.ts";
import { type ProgressOptions, progressReporter } from "./progress.ts";

/** Exit codes of a command that was stopped: 128 + the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs `body`, which, once it is under way, the first Ctrl-C asks to stop (by the signal that it is given), and the second
 * ends at once. Before that the first does: there is nothing to be kept, and compiling a large program leaves no turn in
 * which anything could be heard.
 *
 * @param options.notice shows a line meanwhile
 * @param options.goOn the command that goes on with what was stopped
 */
export async function stoppable(
  { notice, goOn }: { readonly notice: (message: string) => void; readonly goOn: (path: string) => string },
  body: (signal: AbortSignal, isUnderWay: () => void) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  let exitCode = 1;
  const onSignal = (signal: keyof typeof exitCodes): void => {
    exitCode = exitCodes[signal];
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort();
    notice("stopping after this update; press Ctrl-C again to stop at once");
  };
  let listening = false;
  const isUnderWay = (): void => {
    if (!listening) process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
    listening = true;
  };
  try {
    await body(stop.signal, isUnderWay);
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
  await stoppable({ notice, goOn: (path) => `npx bpta resume ${quoted(path)}` }, async (signal, isUnderWay) => {
    const onProgress = (event: TrainEvent): void => {
      if (event.kind === "start") isUnderWay();
      reporter.show(event);
    };
    try {
      await body({ onProgress, signal });
    } finally {
      reporter.close();
    }
  });
}
