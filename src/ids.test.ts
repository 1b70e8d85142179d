import { expect, test } from "vitest";
import { isModulePath, nameOfId, titleOfId } from "./ids.ts";

test.each([
  ["./my-env.ts", true, "my-env.ts", "my-env"],
  ["/home/me/env.mjs", true, "env.mjs", "env"],
  ["games/crossing.js", true, "crossing.js", "crossing"],
  ["C:\\games\\crossing.mts", true, "crossing.mts", "crossing"],
  ["HalfCheetah-6x1", false, "HalfCheetah-6x1", "HalfCheetah-6x1"],
  ["py:mpe2.simple_spread_v3", false, "py:mpe2.simple_spread_v3", "py-mpe2.simple_spread_v3"],
])("%s: whether it is a module, its title and its name", (id, isPath, title, name) => {
  expect([isModulePath(id), titleOfId(id), nameOfId(id)]).toEqual([isPath, title, name]);
});
