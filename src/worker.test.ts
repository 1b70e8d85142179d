import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { waitWhile } from "./worker.ts";

test("who is woken for nothing goes on waiting", async () => {
  const signals = new Int32Array(new SharedArrayBuffer(4));
  const waker = new Worker(
    `const { workerData: signals } = require("node:worker_threads");
     for (let i = 0; i < 100; i++) {
       Atomics.notify(signals, 0);
       Atomics.wait(signals, 0, 0, 2);
     }
     Atomics.store(signals, 0, 1);
     Atomics.notify(signals, 0);`,
    { eval: true, workerData: signals },
  );
  expect(waitWhile(signals, 0, 0, 10_000)).toBe(true);
  expect(Atomics.load(signals, 0)).toBe(1);
  expect(waitWhile(signals, 0, 1, 5)).toBe(false);
  await waker.terminate();
});
