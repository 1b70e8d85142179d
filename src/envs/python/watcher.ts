/** @file The thread behind `watch.ts`: ends processes that let their reader wait for too long. */

import { workerData } from "node:worker_threads";
import { type Watched, watched } from "./watch.ts";

/** ms */
const INTERVAL = 200;

const { slots, limits } = workerData as Watched;
/** By slot: how many waits had begun or ended when it was looked at last, since when it is so, ms, and who was told. */
const seen = new Int32Array(limits.length);
const since = new Float64Array(limits.length);
const asked = new Int32Array(limits.length);

setInterval(() => {
  const now = performance.now();
  for (let k = 0; k < limits.length; k++) {
    const turns = Atomics.load(slots, watched.turns(k));
    if (turns !== seen[k] || turns % 2 === 0) {
      seen[k] = turns;
      since[k] = now;
      continue;
    }
    const pid = Atomics.load(slots, watched.pid(k));
    if (pid === 0 || now - since[k] < limits[k]) continue;
    // First it is asked to say where it is, then ended.
    const signal = asked[k] === pid ? "SIGKILL" : "SIGUSR1";
    asked[k] = pid;
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended by itself.
    }
  }
}, INTERVAL);
