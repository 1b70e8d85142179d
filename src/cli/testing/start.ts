/** @file Starts the command line as a user would. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** A test that runs out of time leaves none behind. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** How a command ended. */
export interface Ended {
  /** Exit code; null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts `bpta` with these arguments in a directory; `onLine` sees what it says, line by line, and can send it signals.
 */
export function startBpta(
  directory: string,
  args: readonly string[],
  onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), main, ...args], {
      cwd: directory,
      env: { ...process.env, NO_COLOR: "1" },
    });
    running.add(child);
    const said = { stdout: "", stderr: "" };
    let pending = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.stdout += text;
      const lines = (pending + text).split("\n");
      pending = lines.pop()!;
      for (const line of lines) onLine?.(line, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.stderr += text;
    });
    child.on("error", reject).on("close", (code) => {
      running.delete(child);
      resolve({ code, ...said });
    });
  });
}
