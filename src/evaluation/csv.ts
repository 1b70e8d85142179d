/** @file Tables as CSV (RFC 4180), for spreadsheets and data frames. */

import { basename } from "node:path";
import { InputError } from "../errors.ts";
import type { RecordedRun } from "./runs.ts";

/** A cell: text that needs it is quoted; what is not there is empty. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A table with a header, one record a line. */
export const csvTable = (head: readonly string[], rows: readonly (readonly unknown[])[]): string =>
  [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/**
 * Everything that runs have recorded, one row per update: which run it is of (in a suite, of what task and algorithm by
 * its names), then all metrics by name (empty where an update has not recorded one).
 *
 * @throws InputError if none of them has recorded anything
 */
export function metricsCsv(runs: readonly RecordedRun[]): string {
  const names = [...new Set(runs.flatMap(({ metrics }) => metrics.flatMap((update) => Object.keys(update))))];
  if (names.length === 0) throw new InputError(`${runs.map(({ path }) => path).join(", ")}: no update is recorded yet`);
  const section = (value: unknown, key: string): unknown =>
    (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  const inSuites = runs.some(({ variant }) => variant);
  return csvTable(
    ["run", ...(inSuites ? ["task", "variant"] : []), "env", "algorithm", "seed", ...names],
    runs.flatMap(({ path, variant, config, seed, metrics }) =>
      metrics.map((update) => [
        path === "." ? basename(process.cwd()) : path,
        ...(inSuites ? [variant?.task, variant?.algorithm] : []),
        section(config.env, "id"),
        section(config.algorithm, "name"),
        seed,
        ...names.map((name) => update[name]),
      ]),
    ),
  );
}
