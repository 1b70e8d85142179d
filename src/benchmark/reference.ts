/** @file The reference of suite files, in Markdown, read off their schemas. */

import type { z } from "zod";
import { tableOf } from "../experiment/reference.ts";
import { withTextBetween } from "../markdown.ts";
import { searchSchema } from "./search.ts";
import { reportSchema, suiteSchema, taskSchema, variantSchema } from "./suite.ts";

const sections: readonly (readonly [title: string, schema: z.ZodType])[] = [
  ["The suite", suiteSchema.omit({ report: true, search: true })],
  ["A task: an entry of `tasks`", taskSchema],
  ["An algorithm: an entry of `algorithms`", variantSchema],
  ["`report`", reportSchema],
  ["`search`", searchSchema],
];

const BEGIN = "<!-- The tables below are made from the schemas by `npx tsx scripts/reference.ts`. -->";
const END = "<!-- The tables above are made from the schemas. -->";

/** A document with the tables of suite files put where they belong, between its two marks. */
export function withSuiteReference(document: string): string {
  const tables = sections.map(([title, schema]) => `### ${title}\n\n${tableOf(schema, "")}`);
  return withTextBetween(document, BEGIN, tables.join("\n\n"), END);
}
