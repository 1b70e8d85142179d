/** @file The thread behind `watch.ts`: ends processes that let their reader wait for too long. */

import { workerData } from "node:worker_threads";
import { type Watched, watched } from "./watch.ts";

const { slots, limits } = workerData as Watched;
/** By slot: how many waits had begun or ended when it was looked at last, and since when it is so, ms. */
const seen = new Int32Array(limits.length);
const since = new Float64Array(limits.length);

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
    since[k] = now;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }
}, 200);
