/** @file The reference of all settings, in Markdown, read off their schemas. */

import type { z } from "zod";
import type { AlgorithmDefinition } from "../algorithms/algorithm.ts";
import type { EnvironmentDefinition } from "../envs/definition.ts";
import { table } from "../markdown.ts";
import { runSections } from "./config.ts";
import { allowedValues, type SchemaNode, schemaNode } from "./settings.ts";

interface Row {
  readonly path: string;
  readonly node: SchemaNode;
}

/** The settings under `node`: one row each, those of inner mappings by their dotted path. */
function rowsOf(node: SchemaNode, path: string): Row[] {
  if (!node.properties || Object.keys(node.properties).length === 0) return [{ path, node }];
  return Object.entries(node.properties).flatMap(([name, child]) =>
    rowsOf(child, path === "" ? name : `${path}.${name}`),
  );
}

const settingsTable = (rows: readonly Row[]): string =>
  table(
    ["setting", "default", "allowed", "meaning"],
    rows.map(({ path, node }) => {
      const initial = node.default === undefined ? "" : `\`${JSON.stringify(node.default)}\``;
      return [`\`${path}\``, initial, allowedValues(node), node.description ?? ""];
    }),
  );

/** The settings of a schema, as a table in Markdown; `path` is what stands before their names. */
export const tableOf = (schema: z.ZodType, path: string): string => settingsTable(rowsOf(schemaNode(schema), path));

/** An environment, as far as its settings go. */
export type ConfiguredEnvironment = Pick<
  EnvironmentDefinition,
  "id" | "family" | "optionsSchema" | "preset" | "algorithmPresets" | "presets"
>;

/** The text of docs/configuration.md. */
export function configurationReference(
  algorithms: Iterable<AlgorithmDefinition>,
  environments: Iterable<ConfiguredEnvironment>,
): string {
  const { policy, critic, rollout, evaluation, checkpoint, from, seed, steps } = runSections;
  const sections: [string, z.ZodType][] = [
    ["rollout", rollout],
    ["policy", policy],
    ["critic", critic],
    ["evaluation", evaluation],
    ["checkpoint", checkpoint],
    ["from", from],
  ];
  return `# Configuration

Everything that decides what a run does is one tree of settings. Each layer goes over the one before:

1. the defaults below,
2. the environment's preset, and what it has for the algorithm (at the end of this page),
3. a file: \`--config settings.yaml\` (or \`.json\`; the \`config.json\` of a run repeats that run),
4. single settings: \`--set algorithm.epochs=5\` (the value is YAML), and \`--algo\`, \`--seed\`, \`--steps\`, \`--from\`.

A name that does not exist or a value that is not allowed ends the command with one line that says what is. The
resolved tree is written to the run's \`config.json\`.

\`\`\`yaml
algorithm:
  name: bppo
  peerCoef: { from: 1, to: 0, fraction: 0.3 }
rollout: { environments: 40, length: 100 }
steps: 1000000
\`\`\`

This page is made from the schemas by \`npx tsx scripts/reference.ts\`.

## The run

${settingsTable([...rowsOf(schemaNode(steps), "steps"), ...rowsOf(schemaNode(seed), "seed")])}

${sections.map(([name, schema]) => `## \`${name}\`: ${schema.description}\n\n${tableOf(schema, name)}`).join("\n\n")}

## \`algorithm\`: the learning algorithm

\`algorithm.name\` says which: a name of \`bpta list algos\`, or the path of a module ([an algorithm of your
own](algorithms.md#an-algorithm-of-your-own)); default \`bppo\`. The other settings depend on it.

${Array.from(algorithms, ({ name, title, settings }) => `### ${name}: ${title}\n\n${tableOf(settings, "algorithm")}`).join("\n\n")}

## \`env\`: the environment

\`env.id\` is the first argument of \`bpta train\`: a name of \`bpta list envs\`, or the path of a module.

${environmentSections(environments).join("\n\n")}
`;
}

/** One section for all environments that are set up alike. */
function environmentSections(environments: Iterable<ConfiguredEnvironment>): string[] {
  const ids = new Map<string, string[]>();
  for (const { id, optionsSchema, preset, algorithmPresets = {}, presets = {} } of environments) {
    const rows = rowsOf(schemaNode(optionsSchema), "env.options").filter(({ path }) => path !== "env.options");
    const options = rows.length > 0 ? settingsTable(rows) : "No options.";
    const values = (settings: Readonly<Record<string, unknown>>) =>
      leaves(settings)
        .map(([path, value]) => `\`${path}\` ${JSON.stringify(value)}`)
        .join(", ");
    const text = [
      options,
      ...(preset ? [`Preset: ${values(preset)}.`] : []),
      ...Object.entries(algorithmPresets).map(
        ([name, { description, settings }]) => `With \`${name}\` (${description}): ${values(settings)}.`,
      ),
      ...Object.entries(presets).map(
        ([name, { description, settings }]) => `\`--preset ${name}\` (${description}): ${values(settings)}.`,
      ),
    ].join("\n\n");
    ids.set(text, [...(ids.get(text) ?? []), id]);
  }
  return Array.from(ids, ([text, alike]) => `### ${alike.join(", ")}\n\n${text}`);
}

/** The values of a tree by dotted path. */
function leaves(tree: Readonly<Record<string, unknown>>, prefix = ""): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? leaves(value as Readonly<Record<string, unknown>>, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value]],
  );
}
