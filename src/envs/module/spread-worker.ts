/** @file A thread that makes copies of a module's environment and steps them; started by `spread.ts`. */

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { waitWhile } from "../../worker.ts";
import type { Recorder } from "../recording.ts";
import { makeCopies, vectorize } from "../vectorize.ts";
import { loadFactory } from "./index.ts";
import { command, type Reply, type Request, signal, type ThreadStart } from "./spread.ts";

const { path, options, first, signals, port, moment, actions } = workerData as ThreadStart;
const factory = await loadFactory(path);
const env = vectorize(await makeCopies(moment.rewards.length, () => factory(options)), first);
let recorder: Recorder | undefined;

async function answer(request: Request): Promise<unknown> {
  switch (request.kind) {
    case "reset":
      return env.reset(request.seed, moment);
    case "snapshot":
      return env.snapshot();
    case "restore":
      return env.restore(request.snapshot, moment);
    case "infos":
      return env.takeInfos!();
    case "watch":
      recorder = await env.recorder!();
      return undefined;
    case "picture":
      return recorder!.capture(request.copy, request.final);
  }
}

const reply = (message: Reply): void => port.postMessage(message);

parentPort!.postMessage("ready");
for (let order = 0; ; order++) {
  waitWhile(signals, signal.order, order);
  const what = Atomics.load(signals, signal.command);
  if (what === command.close) break;
  try {
    const asked = what === command.ask ? (receiveMessageOnPort(port)?.message as Request | undefined) : undefined;
    if (what === command.step) env.step(actions, moment);
    else if (asked) reply({ value: await answer(asked) });
  } catch (error) {
    reply({ error: error instanceof Error ? error : new Error(String(error)) });
  } finally {
    if (Atomics.sub(signals, signal.left, 1) === 1) Atomics.notify(signals, signal.left);
  }
}
env.close();
port.close();
