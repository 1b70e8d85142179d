/** @file The background thread: loads, runs and releases programs, one request after the other. */

import { parentPort } from "node:worker_threads";
import { ArraySpec } from "../trace.ts";
import { arrayAt, type Reply, type Request, type Slot } from "./background.ts";
import { onnxExecutable } from "./onnx.ts";
import { allocate, type Data, type Executable } from "./runtime.ts";

interface Loaded {
  readonly executable: Executable;
  /** Each array here, and its twin in shared memory. */
  readonly inputs: readonly { readonly own: Data; readonly shared: Data }[];
  readonly outputs: readonly { readonly own: Data; readonly shared: Data }[];
  readonly feeds: Readonly<Record<string, Data>>;
  readonly into: Readonly<Record<string, Data>>;
}

const programs = new Map<number, Loaded>();

async function load(request: Extract<Request, { kind: "load" }>): Promise<void> {
  const { program, model, inputs, outputs, memory, options } = request;
  const specOf = ({ shape, dtype }: Slot) => new ArraySpec([...shape], dtype as ArraySpec["dtype"]);
  const specs = (slots: readonly Slot[]) => new Map(slots.map((slot) => [slot.name, specOf(slot)]));
  const executable = await onnxExecutable(model, specs(inputs), specs(outputs), options);
  const twins = (slots: readonly Slot[]) =>
    slots.map((slot) => ({ name: slot.name, own: allocate(specOf(slot)), shared: arrayAt(memory, slot) }));
  const [inputTwins, outputTwins] = [twins(inputs), twins(outputs)];
  const byName = (list: ReturnType<typeof twins>) => Object.fromEntries(list.map(({ name, own }) => [name, own]));
  programs.set(program, {
    executable,
    inputs: inputTwins,
    outputs: outputTwins,
    feeds: byName(inputTwins),
    into: byName(outputTwins),
  });
}

async function answer(request: Request): Promise<void> {
  if (request.kind === "load") return load(request);
  const loaded = programs.get(request.program);
  if (!loaded) return undefined;
  if (request.kind === "release") {
    programs.delete(request.program);
    return loaded.executable.release();
  }
  for (const { own, shared } of loaded.inputs) own.set(shared);
  await loaded.executable.run(loaded.feeds, loaded.into);
  for (const { own, shared } of loaded.outputs) shared.set(own);
  return undefined;
}

let last: Promise<void> = Promise.resolve();

parentPort!.on("message", (request: Request) => {
  last = last.then(async () => {
    const reply: Reply = await answer(request).then(
      () => ({ program: request.program }),
      (error: unknown) => ({ program: request.program, error: String((error as Error).message ?? error) }),
    );
    parentPort!.postMessage(reply);
  });
});
