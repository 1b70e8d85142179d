/** @file The reference of suite files, in Markdown, read off their schemas. */

import type { z } from "zod";
import { tableOf } from "../experiment/reference.ts";
import { searchSchema } from "./search.ts";
import { reportSchema, suiteSchema, taskSchema, variantSchema } from "./suite.ts";

const sections: readonly (readonly [title: string, schema: z.ZodType])[] = [
  ["The suite", suiteSchema.omit({ report: true, search: true })],
  ["A task: an entry of `tasks`", taskSchema],
  ["An algorithm: an entry of `algorithms`", variantSchema],
  ["`report`", reportSchema],
  ["`search`", searchSchema],
];

const BEGIN = "<!-- The tables below are made from the schemas by `npx tsx scripts/configuration.ts`. -->";
const END = "<!-- The tables above are made from the schemas. -->";

/**
 * A document with the tables of suite files put where they belong, between its two marks.
 * @throws Error if it has no marks
 */
export function withSuiteReference(document: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new Error("the document has no place for the tables of suite files");
  const tables = sections.map(([title, schema]) => `### ${title}\n\n${tableOf(schema, "")}`);
  return `${document.slice(0, from)}${BEGIN}\n\n${tables.join("\n\n")}\n\n${document.slice(to)}`;
}
