/** @file Writes docs/configuration.md and the tables of docs/benchmarks.md from the schemas, those of MuJoCo's README from the robots. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { algorithms } from "../src/algorithms/registry.ts";
import { withSuiteReference } from "../src/benchmark/reference.ts";
import { withRobotTables } from "../src/envs/mujoco/readme.ts";
import { environments } from "../src/envs/registry.ts";
import { writeFileAtomically } from "../src/experiment/files.ts";
import { configurationReference } from "../src/experiment/reference.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const write = async (path: string, text: (now: string) => string): Promise<void> => {
  const file = join(root, path);
  await writeFileAtomically(file, text(await readFile(file, "utf8")));
};

await write("docs/configuration.md", () => configurationReference(algorithms.values(), environments));
await write("docs/benchmarks.md", withSuiteReference);
await write("src/envs/mujoco/README.md", withRobotTables);
