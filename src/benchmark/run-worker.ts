/**
 * @file A process that makes one run of a suite. It is told which by its parent, and tells it of everything.
 *
 * It stops after an update, with a checkpoint, when it is asked to, and when its parent is gone.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { InterruptedError } from "../errors.ts";
import { LockedError } from "../experiment/lock.ts";
import { resume, type TrainOptions, train } from "../experiment/train.ts";
import { describeError } from "../modules.ts";
import type { FromRun, ToRun } from "./processes.ts";

/** How long to wait for a process that still has the run, such as one whose parent was killed: it is stopping. */
const PATIENCE_MILLISECONDS = 60_000;

const stop = new AbortController();
process.on("disconnect", () => stop.abort());
process.on("SIGTERM", () => stop.abort());
// Ctrl-C in a terminal reaches all processes; the parent says what is to be done.
process.on("SIGINT", () => {});

/** What can't be sent any more, because the parent is gone, is not missed. */
const tell = (message: FromRun): void => {
  if (process.connected) process.send!(message, undefined, undefined, () => {});
};

const { path, config, pauseAt } = await new Promise<Extract<ToRun, { kind: "start" }>>((resolve) => {
  process.on("message", (message: ToRun) => {
    if (message.kind === "start") resolve(message);
    else stop.abort();
  });
});

const options: TrainOptions = {
  signal: stop.signal,
  pauseAt,
  onProgress: (event) => tell({ kind: "event", event }),
};

async function run(): Promise<void> {
  const patientUntil = performance.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    try {
      if (existsSync(join(path, "config.json"))) await resume(path, options);
      else await train(config, { ...options, out: path });
      return;
    } catch (error) {
      if (!(error instanceof LockedError) || performance.now() > patientUntil || stop.signal.aborted) throw error;
      await wait(200);
    }
  }
}

try {
  await run();
} catch (error) {
  if (!(error instanceof InterruptedError)) {
    const message = describeError(error as Error);
    tell({ kind: "failed", message, stack: (error as Error).stack ?? message });
    process.exitCode = 1;
  }
}
// Nothing is left to hear, so that the process ends once all has been told.
if (process.connected) process.disconnect();
