import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LockedError, lockDirectory } from "./lock.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-lock-"));
});
afterAll(() => rm(root, { recursive: true }));

test("a directory is locked until it is let go, and nothing is left behind", async () => {
  const path = join(root, "plain");
  const lock = await lockDirectory(path);
  await expect(lockDirectory(path)).rejects.toThrow(
    new LockedError(`${path} is in use by process ${process.pid}; wait for it to end, or stop it`),
  );
  await lock.release();
  await lock.release();
  expect(await readdir(path)).toEqual([]);
  await (await lockDirectory(path)).release();
});

/** Makes a process that holds a lock on `path`. */
async function holderOf(path: string) {
  const source = `import { lockDirectory } from ${JSON.stringify(new URL("lock.ts", import.meta.url).href)};
    await lockDirectory(process.argv[1]); console.log("locked"); setInterval(() => {}, 1000);`;
  const child = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", source, path],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(child.stdout, "data");
  return child;
}

test("the lock of another process counts while it lives; of one that was killed, it is taken over by exactly one", async () => {
  const path = join(root, "taken");
  const child = await holderOf(path);
  await expect(lockDirectory(path)).rejects.toThrow(`${path} is in use by process ${child.pid}; wait`);
  child.kill("SIGKILL");
  await once(child, "exit");
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(path)));
  const taken = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  expect(taken).toHaveLength(1);
  for (const attempt of attempts) {
    if (attempt.status === "rejected") expect(attempt.reason).toBeInstanceOf(LockedError);
  }
  expect(await readdir(path)).toEqual([".lock-2"]);
  await taken[0].release();
  expect(await readdir(path)).toEqual([]);
});

test.runIf(process.platform === "linux")(
  "a process that was given a dead one's number is not taken for it",
  async () => {
    const path = join(root, "reused");
    await (await lockDirectory(path)).release();
    const stale = { pid: process.ppid, host: hostname(), started: "another boot 1" };
    await writeFile(join(path, ".lock-7"), JSON.stringify(stale));
    const lock = await lockDirectory(path);
    expect(await readdir(path)).toEqual([".lock-8"]);
    await lock.release();
  },
);

test.each(["", '{"pid":'])("what a machine that stopped has left of a lock, %j, counts for nothing", async (text) => {
  const path = join(root, `torn-${text.length}`);
  await (await lockDirectory(path)).release();
  await writeFile(join(path, ".lock-3"), text);
  const lock = await lockDirectory(path);
  expect(await readdir(path)).toEqual([".lock-4"]);
  await lock.release();
});

test("whoever comes after a dead one does not take the lock from one who began anew before it looked again", async () => {
  const path = join(root, "anew");
  const held = await lockDirectory(path);
  // As if a dead process's lock with a higher number had been seen first.
  await writeFile(join(path, ".lock-7"), JSON.stringify({ pid: process.pid, host: hostname(), started: "long ago" }));
  await expect(lockDirectory(path)).rejects.toBeInstanceOf(LockedError);
  await rm(join(path, ".lock-7"));
  expect(await readdir(path)).toEqual([".lock-1"]);
  await held.release();
});

test("of a process on another machine it can't be known, so it is said what to do", async () => {
  const path = join(root, "elsewhere");
  await (await lockDirectory(path)).release();
  await writeFile(join(path, ".lock-1"), JSON.stringify({ pid: 5, host: "elsewhere", started: "" }));
  await expect(lockDirectory(path)).rejects.toThrow(
    `${path} is in use by process 5 on elsewhere; if that has ended, delete ${join(path, ".lock-1")} and try again`,
  );
});
