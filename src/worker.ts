/** @file Worker threads: starting them, from the built package and from TypeScript sources alike, and waiting for them. */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type TransferListItem, Worker } from "node:worker_threads";

/**
 * Starts a thread that runs a file beside the caller's.
 * @param base the caller's `import.meta.url`
 * @param name the file, without its ending: `./worker`
 * @param transferList what of `workerData` goes over to the thread
 */
export function startWorker(
  base: string,
  name: string,
  workerData?: unknown,
  transferList?: readonly TransferListItem[],
): Worker {
  const options = { workerData, ...(transferList && { transferList: [...transferList] }) };
  if (!base.endsWith(".ts")) return new Worker(new URL(`${name}.js`, base), options);
  // From sources: through the loader that tests and scripts run by.
  const loader = createRequire(import.meta.url)
    .resolve("tsx/esm/api")
    .replace(/\.cjs$/, ".mjs");
  const [loaderUrl, file] = [pathToFileURL(loader).href, new URL(`${name}.ts`, base).href];
  const code = `import("${loaderUrl}").then(({ register }) => { register(); return import("${file}"); });`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}

/**
 * Looks at a signal so many times before sleeping, some 0.3 ms: waking up takes a third of that, and threads that take
 * turns wait for each other all the time.
 */
const LOOKS = 30_000;

/**
 * Waits until a signal is no longer `value`; false if that took longer than `milliseconds`.
 *
 * Waking up is no proof: who changed the signal before may have been held up before it woke its sleepers, and wakes
 * one that has seen that change already.
 */
export function waitWhile(signals: Int32Array, place: number, value: number, milliseconds?: number): boolean {
  for (let look = 0; look < LOOKS; look++) if (Atomics.load(signals, place) !== value) return true;
  while (Atomics.load(signals, place) === value)
    if (Atomics.wait(signals, place, value, milliseconds) === "timed-out") return false;
  return true;
}
