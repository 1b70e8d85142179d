/** @file Markdown that is written by programs. */

import { oneLine } from "./errors.ts";

/** A table: a row of titles, and the rows below. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cellOf = (text: string) => oneLine(text.replaceAll("|", "\\|"));
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * A document with `text` between two of its lines, in place of what stands there.
 * @throws Error if it does not have the two
 */
export function withTextBetween(document: string, begin: string, text: string, end: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document does not have "${begin}" and, below, "${end}"`);
  return `${document.slice(0, from)}${begin}\n\n${text}\n\n${document.slice(to)}`;
}
