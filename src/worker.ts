/** @file Starts worker threads, from the built package and from TypeScript sources alike. */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

/**
 * Starts a thread that runs a file beside the caller's.
 * @param base the caller's `import.meta.url`
 * @param name the file, without its ending: `./worker`
 */
export function startWorker(base: string, name: string, workerData?: unknown): Worker {
  if (!base.endsWith(".ts")) return new Worker(new URL(`${name}.js`, base), { workerData });
  // From sources: through the loader that tests and scripts run by.
  const loader = createRequire(import.meta.url)
    .resolve("tsx/esm/api")
    .replace(/\.cjs$/, ".mjs");
  const [loaderUrl, file] = [pathToFileURL(loader).href, new URL(`${name}.ts`, base).href];
  const code = `import("${loaderUrl}").then(({ register }) => { register(); return import("${file}"); });`;
  return new Worker(code, { eval: true, execArgv: [], workerData });
}
