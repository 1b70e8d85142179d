/** @file Writes docs/configuration.md from the schemas. */

import { writeFile } from "node:fs/promises";
import { algorithms } from "../src/algorithms/index.ts";
import { environments } from "../src/envs/registry.ts";
import { configurationReference } from "../src/experiment/reference.ts";

const path = new URL("../docs/configuration.md", import.meta.url);
await writeFile(path, configurationReference(algorithms.values(), environments));
