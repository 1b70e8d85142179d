import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDirectory } from "./files.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-files-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("a directory", () => {
  test("is made with those above it, once, however many want it", async () => {
    const path = join(root, "a", "b", "c");
    await Promise.all([makeDirectory(path), makeDirectory(path), makeDirectory(join(root, "a", "d"))]);
    await makeDirectory(path);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  test("is refused where a file is in the way", async () => {
    await writeFile(join(root, "file"), "");
    await expect(makeDirectory(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeDirectory(join(root, "file", "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  test.runIf(process.platform === "linux")("is refused, not waited for, where the system makes none", async () => {
    await expect(makeDirectory("/proc/bpta/run")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
