/** @file Modules of the user's own, found by their paths. */

import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InputError } from "./errors.ts";

/** The whole path of a file or directory: a run can be resumed from another directory. */
export const wholePath = (path: string): string => resolve(path);

/**
 * The default export of a module.
 * @param what the module is to be, for messages
 * @throws InputError if there is no such file
 */
export async function importDefault(path: string, what: string): Promise<unknown> {
  const file = resolve(path);
  if (!existsSync(file)) throw new InputError(`${what} ${path}: there is no such file (looked for ${file})`);
  return ((await importModule(file)) as { readonly default?: unknown }).default;
}

/** This package by its names, so that a module finds it wherever it lies, and finds this copy. */
const OWN_MODULES = Object.fromEntries(
  [
    ["bpta", "index"],
    ["bpta/algorithms", "algorithms/index"],
    ["bpta/browser", "browser/index"],
    ["bpta/compile", "compile/index"],
    ["bpta/jax", "compile/jax"],
  ].map(([name, file]) => [name, fileURLToPath(new URL(`./${file}${extname(import.meta.url)}`, import.meta.url))]),
);

/** What Node says of TypeScript that it does not read by itself. */
const NOT_READ = [
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_MODULE_NOT_FOUND",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
  "ERR_INVALID_TYPESCRIPT_SYNTAX",
];

async function importModule(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // This Node does not read TypeScript by itself, or not all of it: enums, and imports of "./x.js" where "./x.ts" lies.
    const isTypeScript = /\.[cm]?ts$/.test(file);
    if (!isTypeScript || !NOT_READ.includes(code ?? "")) throw error;
    const { createJiti } = await import("jiti");
    return createJiti(import.meta.url, { alias: OWN_MODULES }).import(file);
  }
}

/** Where this package's own code is. */
const OWN = new URL(".", import.meta.url).href;

/**
 * What an error says. Where it was not meant for the user, and came out of a module of the user's own, with the place:
 * `./my-env.ts:14:41: …`.
 */
export function describeError(error: Error): string {
  if (error.name === "InputError" || typeof error.stack !== "string") return error.message;
  for (const line of error.stack.split("\n")) {
    const place = /^\s+at (?:.*\()?((?:file:\/\/)?\/[^)]*?|[A-Za-z]:\\[^)]*?):(\d+:\d+)\)?$/.exec(line);
    if (!place || /node_modules|^node:/.test(place[1])) continue;
    const url = place[1].startsWith("file:") ? place[1] : pathToFileURL(place[1]).href;
    if (url.startsWith(OWN)) continue;
    return `${fileURLToPath(url)}:${place[2]}: ${error.message}`;
  }
  return error.message;
}
