/** @file Writes docs/configuration.md, and the tables of docs/benchmarks.md, from the schemas. */

import { readFile, writeFile } from "node:fs/promises";
import { algorithms } from "../src/algorithms/registry.ts";
import { withSuiteReference } from "../src/benchmark/reference.ts";
import { environments } from "../src/envs/registry.ts";
import { configurationReference } from "../src/experiment/reference.ts";

const page = (name: string): URL => new URL(`../docs/${name}.md`, import.meta.url);
await writeFile(page("configuration"), configurationReference(algorithms.values(), environments));
await writeFile(page("benchmarks"), withSuiteReference(await readFile(page("benchmarks"), "utf8")));
