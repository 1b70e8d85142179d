import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { InputError } from "./errors.ts";
import { describeError, importDefault } from "./modules.ts";

let directory: string;
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "bpta-modules-")));
});
afterAll(() => rm(directory, { recursive: true }));

test("an error that comes out of a user's module is told with its place, one for the user as it is", async () => {
  const path = join(directory, "broken.mjs");
  await writeFile(path, "export default () => {\n  undefined.foo = 1;\n};\n");
  const broken = (await importDefault(path, "environment")) as () => void;
  const thrown = (() => {
    try {
      return broken();
    } catch (error) {
      return error as Error;
    }
  })()!;
  expect(describeError(thrown)).toBe(`${path}:2:17: ${thrown.message}`);
  expect(describeError(new InputError("seed is -1"))).toBe("seed is -1");
  expect(describeError(new Error("of our own"))).toBe("of our own");
});
