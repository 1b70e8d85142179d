/**
 * @file One process at a time writes in a directory.
 *
 * A lock is the file `.lock-N` that says who holds it; the one with the highest N counts. Taking over from a process
 * that is dead means to make `.lock-(N+1)`, which only one can, so that two never both take the same lock over.
 */

import { link, readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { makeDirectory, writeToDisk } from "./files.ts";

const NAME = /^\.lock-(\d+)$/;

/** Whether a file in a directory is a lock, and so no content. */
export const isLock = (name: string): boolean => name.startsWith(".lock-");

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells the process from another that was given the same number later; empty where the system does not say. */
  readonly started: string;
}

/** A directory is in use by another process (or by another part of this one). */
export class LockedError extends InputError {}

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>;
}

/** The locks that this process holds, so that its own number in a file left by a dead process is not taken for it. */
const own = new Set<string>();

/**
 * Locks a directory, which is made if there is none. The lock of a process that is dead is taken over.
 * @throws LockedError, one line, if a process that is alive holds it
 */
export async function lockDirectory(path: string): Promise<Lock> {
  await makeDirectory(path);
  const holder: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  const unique = join(path, `.lock-${holder.pid}-${performance.now()}-${Math.random().toString(36).slice(2)}`);
  // A link makes the lock appear with its content, all at once.
  await writeToDisk(unique, [Buffer.from(JSON.stringify(holder))]);
  try {
    for (;;) {
      const newest = (await numbersIn(path)).at(-1) ?? 0;
      // Where it has been let go meanwhile, others may have begun anew with lower numbers.
      if (newest > 0 && !(await isLeft(path, newest))) continue;
      const mine = join(path, `.lock-${newest + 1}`);
      const made = await link(unique, mine).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== "EEXIST") throw error;
          return false;
        },
      );
      if (!made) continue;
      const numbers = await numbersIn(path);
      if (numbers.at(-1) !== newest + 1) {
        // Others have taken and left it, and been taken over from, since we looked: theirs counts.
        await rm(mine, { force: true });
        continue;
      }
      try {
        for (const number of numbers.slice(0, -1)) await isLeft(path, number);
      } catch (error) {
        await rm(mine, { force: true });
        throw error;
      }
      own.add(mine);
      for (const number of numbers.slice(0, -1)) await rm(join(path, `.lock-${number}`), { force: true });
      return {
        async release() {
          if (own.delete(mine)) await rm(mine, { force: true });
        },
      };
    }
  } finally {
    await rm(unique, { force: true });
  }
}

/** The numbers of the locks in a directory, ascending. */
async function numbersIn(path: string): Promise<number[]> {
  return (await readdir(path))
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Whether a lock was left by a process that is dead; false: it has been let go.
 * @throws LockedError if it is held
 */
async function isLeft(path: string, number: number): Promise<boolean> {
  const file = join(path, `.lock-${number}`);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return false;
  const holder = parseHolder(text);
  // A machine that stopped at once has left a file without its content.
  if (!holder) return true;
  const { pid, host, started } = holder;
  if (host !== hostname()) {
    throw new LockedError(
      `${path} is in use by process ${pid} on ${host}; if that has ended, delete ${file} and try again`,
    );
  }
  const isAlive = pid === process.pid ? own.has(file) : exists(pid) && started === (await startOf(pid));
  if (isAlive) throw new LockedError(`${path} is in use by process ${pid}; wait for it to end, or stop it`);
  return true;
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, but another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process was started, where the system says (Linux): the boot, and clock ticks since then. */
async function startOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    // Field 22 of proc(5), counted from behind the name in parentheses, which may hold blanks.
    return `${boot.trim()} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return "";
  }
}
