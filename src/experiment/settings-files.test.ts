import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseSetting, readSettingsFile } from "./settings-files.ts";

test("--set reads its value as YAML", () => {
  expect(parseSetting("a.b.c=1e-3")).toEqual({ a: { b: { c: 0.001 } } });
  expect(parseSetting("a={ from: 1, to: 0 }")).toEqual({ a: { from: 1, to: 0 } });
  expect(parseSetting("a=[[1, 2], [3, 4]]")).toEqual({
    a: [
      [1, 2],
      [3, 4],
    ],
  });
  expect(parseSetting("a=x=y")).toEqual({ a: "x=y" });
  for (const [bad, what] of [
    ["a=&b [*b]", "a value holds itself"],
    ["a=!!set { x, y }", "a Set is no value of a setting"],
    ["a={M:3, n: 1}", "M:3 is a name without a value; a blank must follow the colon (M: 3)"],
    ["a=!!js/function x", "Unresolved tag: tag:yaml.org,2002:js/function"],
    ["a=1\n---\n2", "it must be one document of YAML"],
  ])
    expect(() => parseSetting(bad)).toThrow(`--set ${bad}: ${what}`);
  for (const bad of ["a", "=1", "a..b=1", "a.=1", "a=[1"]) expect(() => parseSetting(bad)).toThrow(/^--set /);
});

test("files are YAML or JSON, and a run's config.json is one", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bpta-config-"));
  const write = async (name: string, text: string) => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };
  try {
    expect(await readSettingsFile(await write("a.yaml", "rollout: { length: 5 }\n"))).toEqual({
      rollout: { length: 5 },
    });
    const json =
      '{ "seed": 3, "startedAt": "2024-01-01T00:00:00Z", "versions": { "bpta": "0.1.0" }, "machines": ["a"] }';
    expect(await readSettingsFile(await write("config.json", json))).toEqual({ seed: 3 });
    await expect(readSettingsFile(join(directory, "no.yaml"))).rejects.toThrow("there is no such file");
    await expect(readSettingsFile(await write("a.txt", ""))).rejects.toThrow("must end in .yaml, .yml, .json");
    await expect(readSettingsFile(await write("b.yaml", "- 1"))).rejects.toThrow("must hold a mapping");
    await expect(readSettingsFile(await write("c.yaml", "a: [1"))).rejects.toThrow(/^--config .*c\.yaml: \S.*$/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
