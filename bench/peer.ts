/** @file A peer in Python that measures when it is asked, so that both sides see the same machine in one run. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Peer {
  /** What it is called and its version. */
  readonly title: string;
  /** Sends one line of JSON, and gives the line that answers it. */
  ask(request: object): Promise<unknown>;
  stop(): void;
}

/**
 * Starts `script` (beside this file) by `$PYTHON`, or `python3`, with one thread. Its first line is `{"title": …}`.
 * @returns undefined where there is no Python, or where it lacks what the script imports
 */
export async function startPeer(script: string): Promise<Peer | undefined> {
  const path = new URL(`./${script}`, import.meta.url).pathname;
  const child: ChildProcessWithoutNullStreams = spawn(process.env.PYTHON ?? "python3", [path], {
    env: { ...process.env, OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stderr.resume();
  child.stdin.on("error", () => {});
  const failed = new Promise<undefined>((resolve) => child.once("error", () => resolve(undefined)));
  const hello = await Promise.race([lines.next(), failed]);
  if (!hello || hello.done) return undefined;
  return {
    title: (JSON.parse(hello.value) as { title: string }).title,
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return JSON.parse((await lines.next()).value as string);
    },
    stop: () => child.kill(),
  };
}
