/** @file A background thread: loads, runs and releases programs, one request after the other. */

import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { waitWhile } from "../../worker.ts";
import { ArraySpec } from "../trace.ts";
import { arrayAt, type Reply, type Request, type Slot, signal, type ThreadStart } from "./background.ts";
import { onnxExecutable } from "./onnx.ts";
import { allocate, type Data, type Executable } from "./runtime.ts";
import { SharedExecutables } from "./shared.ts";

/** An array here, and its twin in shared memory where it has one. */
interface Twin {
  readonly name: string;
  readonly own: Data;
  readonly shared: Data | undefined;
}

interface Loaded {
  readonly executable: Executable;
  readonly inputs: readonly Twin[];
  readonly outputs: readonly Twin[];
  readonly feeds: Readonly<Record<string, Data>>;
  readonly into: Readonly<Record<string, Data>>;
}

const sessions = new SharedExecutables<number>();
const programs = new Map<number, Loaded>();
/** Arrays that programs hand on, by name, and how many programs use them. */
const kept = new Map<string, { readonly data: Data; users: number }>();

async function load(request: Extract<Request, { kind: "load" }>): Promise<void> {
  const { program, session, model, inputs, outputs, memory, options } = request;
  const specOf = ({ shape, dtype }: Slot) => new ArraySpec([...shape], dtype as ArraySpec["dtype"]);
  const specs = (slots: readonly Slot[]) => new Map(slots.map((slot) => [slot.name, specOf(slot)]));
  const executable = await sessions.get(session, () => onnxExecutable(model, specs(inputs), specs(outputs), options));
  const twins = (slots: readonly Slot[]): Twin[] =>
    slots.map((slot) => {
      const { name, place } = slot;
      if (typeof place === "number") return { name, own: allocate(specOf(slot)), shared: arrayAt(memory, slot, place) };
      const entry = kept.get(place) ?? { data: allocate(specOf(slot)), users: 0 };
      entry.users += 1;
      kept.set(place, entry);
      return { name, own: entry.data, shared: undefined };
    });
  const [inputTwins, outputTwins] = [twins(inputs), twins(outputs)];
  const byName = (list: readonly Twin[]) => Object.fromEntries(list.map(({ name, own }) => [name, own]));
  programs.set(program, {
    executable,
    inputs: inputTwins,
    outputs: outputTwins,
    feeds: byName(inputTwins),
    into: byName(outputTwins),
  });
}

async function run(program: number): Promise<void> {
  const { executable, inputs, outputs, feeds, into } = programs.get(program)!;
  for (const { own, shared } of inputs) if (shared) own.set(shared);
  await executable.run(feeds, into);
  for (const { own, shared } of outputs) shared?.set(own);
}

async function release(program: number): Promise<void> {
  const { executable, inputs, outputs } = programs.get(program)!;
  programs.delete(program);
  for (const { own } of [...inputs, ...outputs])
    for (const [name, entry] of kept) if (entry.data === own && --entry.users === 0) kept.delete(name);
  await executable.release();
}

const { port, signals, message } = workerData as ThreadStart;

/** Does what was asked by message, and says when it is done. */
async function answer(): Promise<void> {
  const { message: request } = receiveMessageOnPort(port) as { message: Request };
  const done = request.kind === "load" ? load(request) : release(request.program);
  const reply: Reply = await done.then(
    () => ({}),
    (error: unknown) => ({ error: textOf(error) }),
  );
  port.postMessage(reply);
}

const textOf = (error: unknown): string => String((error as Error).message || error || "unknown error");

for (let asked = 0; ; asked = (asked + 1) | 0) {
  waitWhile(signals, signal.asked, asked);
  const program = Atomics.load(signals, signal.program);
  let failure = "";
  if (program < 0) await answer();
  else {
    await run(program).catch((error: unknown) => {
      failure = textOf(error);
    });
  }
  Atomics.store(signals, signal.messageLength, new TextEncoder().encodeInto(failure, message).written);
  Atomics.add(signals, signal.done, 1);
  Atomics.notify(signals, signal.done);
}
