/** @file A peer in Python that measures when it is asked, so that both sides see the same machine in one run. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { median } from "../src/evaluation/statistics.ts";

export interface Peer {
  /** What it is called and its version. */
  readonly title: string;
  /** Sends one line of JSON, and gives the line that answers it. */
  ask(request: object): Promise<unknown>;
  stop(): void;
}

/**
 * Starts `script` (beside this file) by `$PYTHON`, or `python3`, with one thread unless the script asks for more. Its first
 * line is `{"title": …}`.
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

/** Rows of a step that is repeated as often as `--repeats` says; smaller ones are repeated more. */
const USUAL_BATCH = 4000;

/**
 * A step of ours beside the peer's in paired rounds, so that both see the same machine, as a table; the command line
 * may give `--repeats` and `--rounds`.
 * @param script the peer's: it answers a case and `repeats` with the seconds of every repeat
 * @param prepare makes what takes one of our steps
 */
export async function besidePeer<Case extends { readonly batch: number } & Readonly<Record<string, number>>>(
  script: string,
  prepare: (which: Case) => Promise<() => Promise<void>>,
  cases: readonly Case[],
): Promise<void> {
  const { values } = parseArgs({ options: { repeats: { type: "string" }, rounds: { type: "string" } } });
  const [repeats, rounds] = [Number(values.repeats ?? 40), Number(values.rounds ?? 7)];
  const peer = await startPeer(script);
  console.log(peer ? `beside ${peer.title}` : "no PyTorch found (set $PYTHON): ours alone");
  const columns = Object.keys(cases[0]);
  console.log(`${columns.join("  ")}   ours ms  PyTorch ms   ratio (median of paired rounds, least to most)`);
  for (const which of cases) {
    const step = await prepare(which);
    // Rounds of about equal length, so that none is over before the processor has settled.
    const steps = Math.ceil(repeats * (USUAL_BATCH / which.batch));
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const seconds: number[] = [];
      for (let i = 0; i < steps; i++) {
        const start = performance.now();
        await step();
        seconds.push((performance.now() - start) / 1000);
      }
      const answer = (await peer?.ask({ ...which, repeats: steps })) as number[] | undefined;
      if (round < 0) continue; // warm-up
      ours.push(median(seconds) * 1e3);
      if (answer) theirs.push(median(answer) * 1e3);
    }
    const ratios = theirs.map((milliseconds, i) => milliseconds / ours[i]).sort((a, b) => a - b);
    const cells = columns.map((column) => String(which[column]).padStart(column.length));
    cells.push(median(ours).toFixed(2).padStart(8));
    if (peer) {
      const range = `${median(ratios).toFixed(2)}× (${ratios[0].toFixed(2)} to ${ratios[ratios.length - 1].toFixed(2)})`;
      cells.push(median(theirs).toFixed(2).padStart(10), ` ${range}`);
    }
    console.log(cells.join("  "));
  }
  peer?.stop();
}
