import { expect, test } from "vitest";
import { createMoment } from "../moment.ts";
import { allocateCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import { referenceOptions } from "./options.ts";
import { command, orderPart, serve, signal, signalCount } from "./shared.ts";
import { createTask } from "./task.ts";

test("a worker takes every copy once, reports what goes wrong, and goes on until it is closed", () => {
  const id = "Reacher-2x1";
  const task = createTask(findRobot(id, referenceOptions), referenceOptions);
  const memory = allocateCopies(task, 4, (bytes) => new SharedArrayBuffer(bytes));
  const parts = 2;
  const signals = new Int32Array(new SharedArrayBuffer(4 * signalCount(parts)));
  const message = new Uint8Array(new SharedArrayBuffer(100));
  const begun: number[] = [];
  const copies = {
    begin(e: number) {
      begun.push(e);
      // The worker is at the last copy of the first part: the second, which it has seen without work, is ordered now.
      if (e === 1 && begun.length === 2) orderPart(start, 1, command.begin);
      if (e < 3) return;
      signals[signal.command] = command.close;
      signals[signal.order] += 1;
      throw new Error("out of order");
    },
    advance: () => false,
    step: () => {},
    release: () => {},
  };
  const moment = createMoment(task.team, 4);
  const start = { id, options: referenceOptions, memory, moment, actions: [], parts, signals, message };
  signals[signal.next(1)] = 4;
  orderPart(start, 0, command.begin);
  serve(copies, start);
  expect(begun).toEqual([0, 1, 2, 3]);
  expect([signals[signal.left(0)], signals[signal.left(1)]]).toEqual([0, 0]);
  const text = new TextDecoder().decode(message.slice(0, signals[signal.messageLength]));
  expect(text).toBe("Error: out of order");
});
