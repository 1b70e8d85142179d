import { expect, test } from "vitest";
import { createMoment } from "../moment.ts";
import { allocateCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import { referenceOptions } from "./options.ts";
import { command, serve, signal } from "./shared.ts";
import { createTask } from "./task.ts";

test("a worker takes every copy once, reports what goes wrong, and goes on until it is closed", () => {
  const id = "Reacher-2x1";
  const task = createTask(findRobot(id, referenceOptions), referenceOptions);
  const memory = allocateCopies(task, 4, (bytes) => new SharedArrayBuffer(bytes));
  const signals = new Int32Array(new SharedArrayBuffer(20));
  const message = new Uint8Array(new SharedArrayBuffer(100));
  const begun: number[] = [];
  signals[signal.command] = command.begin;
  // Both orders are given before the worker looks: it has to count them.
  signals[signal.order] = 2;
  signals[signal.pending] = 2;
  const copies = {
    begin(e: number) {
      begun.push(e);
      if (e < 3) return;
      signals[signal.command] = command.close;
      throw new Error("out of order");
    },
    advance: () => false,
    step: () => {},
    release: () => {},
  };
  const moment = createMoment(task.team, 4);
  serve(copies, { id, options: referenceOptions, memory, moment, actions: [], signals, message });
  expect(begun).toEqual([0, 1, 2, 3]);
  expect(signals[signal.pending]).toBe(0);
  const text = new TextDecoder().decode(message.slice(0, signals[signal.messageLength]));
  expect(text).toBe("Error: out of order");
});
