import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { withRobotTables } from "./readme.ts";

test("the tables of README.md are what scripts/reference.ts writes", async () => {
  const document = await readFile(new URL("README.md", import.meta.url), "utf8");
  expect(withRobotTables(document)).toBe(document);
});
