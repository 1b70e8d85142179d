/** @file Files that are either there and whole, or not there. */

import { writeSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What the names of files end in while they are being written. */
const UNFINISHED = ".unfinished";

/**
 * Makes a directory, and those above it, where there is none. (Node's own recursive `mkdir` never returns where the system
 * has no room for new directories, as in /proc.)
 * @throws NodeJS.ErrnoException what the system refuses; `EEXIST` or `ENOTDIR` where a file is in the way
 */
export async function makeDirectory(path: string): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
      const found = await stat(path).catch(() => undefined);
      if (!found?.isDirectory()) throw error;
    });
  const above = dirname(path);
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" || above === path) throw error;
    await makeDirectory(above);
    await make();
  });
}

const unfinishedBeside = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${process.pid}${UNFINISHED}`);

/**
 * Makes sure that a file can be written, before it takes long to make what goes into it. Makes its directory.
 * @throws Error, one line, that says why not
 */
export async function requireWritable(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new Error("it is a directory");
  await makeDirectory(dirname(path));
  const unfinished = unfinishedBeside(path);
  await writeToDisk(unfinished, []);
  await rm(unfinished, { force: true });
}

/**
 * Writes a file atomically: beside its place, then to the disk, then renamed. Whoever reads `path` sees the old file or
 * the new one, whole, whenever the process or the machine stops. Makes the directory where there is none.
 */
export async function writeFileAtomically(path: string, content: string | readonly Uint8Array[]): Promise<void> {
  const directory = dirname(path);
  await makeDirectory(directory);
  const unfinished = unfinishedBeside(path);
  const chunks = typeof content === "string" ? [Buffer.from(content)] : content;
  try {
    await writeToDisk(unfinished, chunks);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  // Where directories can't be synced (Windows), the rename is as durable as it gets.
  await withFile(directory, "r", (file) => file.sync()).catch(() => {});
}

/** Writes all of `bytes` where an open file is: the system may take a part of them at a time. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Writes a file, and waits until it is on the disk. */
export const writeToDisk = (path: string, chunks: readonly Uint8Array[]): Promise<void> =>
  withFile(path, "w", async (file) => {
    for (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  });

/** Removes the files whose writing was cut short. Nobody else may be writing in this directory. */
export async function sweepUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(".") && name.endsWith(UNFINISHED)) await rm(join(directory, name), { force: true });
  }
}

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
