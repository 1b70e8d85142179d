/** @file Settings as people write them: in YAML and JSON files, in runs' `config.json`, and as `--set path=value`. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { parseDocument } from "yaml";
import { InputError } from "../errors.ts";
import { isTree, type SettingsTree, withValueAt } from "../trees.ts";

/**
 * Reads settings from a YAML or JSON file. A run's `config.json` will do: it repeats that run.
 * @param what the file is, for messages
 * @throws InputError
 */
export async function readSettingsFile(path: string, what = `--config ${path}`): Promise<SettingsTree> {
  const allowed = [".yaml", ".yml", ".json"];
  if (!allowed.includes(extname(path).toLowerCase())) {
    throw new InputError(`${what}: the file must end in ${allowed.join(", ")}`);
  }
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${what}: ${error.code === "ENOENT" ? "there is no such file" : error.message}`);
  });
  const tree = parseText(text, what);
  if (!isTree(tree)) throw new InputError(`${what} must hold a mapping of settings`);
  return settingsOfRun(tree, dirname(path));
}

/** By the whole path of each module of the user's own that a run is made of, its path from the run's directory. */
export type ModulePaths = Readonly<Record<string, string>>;

/**
 * The settings in a run's `config.json`, without what else it says of the run. A module that is not where it was is looked
 * for from the run's directory: directories are renamed together with what is in them.
 * @param directory the run's
 */
export function settingsOfRun(stored: SettingsTree, directory: string): SettingsTree {
  const { startedAt: _, versions: __, machines: ___, modules, ...settings } = stored;
  if (!isTree(modules)) return settings;
  const places = [
    ["env", "id"],
    ["algorithm", "name"],
  ] as const;
  return places.reduce<SettingsTree>((tree, [section, key]) => {
    const { [section]: own } = tree;
    const file = isTree(own) ? own[key] : undefined;
    const from = typeof file === "string" && !existsSync(file) ? modules[file] : undefined;
    const moved = typeof from === "string" ? resolve(directory, from) : undefined;
    return moved !== undefined && existsSync(moved) ? withValueAt(tree, `${section}.${key}`, moved) : tree;
  }, settings);
}

/**
 * Reads `path.to.setting=value`; the value is YAML, so numbers, true, lists and mappings are what they look like.
 * @throws InputError
 */
export function parseSetting(text: string): SettingsTree {
  const equals = text.indexOf("=");
  const path = text.slice(0, equals).split(".");
  if (equals < 1 || path.includes("")) {
    throw new InputError(`--set ${text}: must be path=value, such as rollout.length=200`);
  }
  const value = parseText(text.slice(equals + 1), `--set ${text}`);
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as SettingsTree;
}

function parseText(text: string, what: string): unknown {
  const document = parseDocument(text);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem?.code === "MULTIPLE_DOCS") throw new InputError(`${what}: it must be one document of YAML`);
  if (problem) throw new InputError(`${what}: ${problem.message.split("\n")[0]}`, { cause: problem });
  const value: unknown = document.toJS();
  refuseUnusual(value, what, []);
  return value;
}

/**
 * @throws InputError where YAML makes something that is no number, text, list, mapping or the like, or has no end; and of
 *   `{N:3}`, where it finds no more than a name
 */
function refuseUnusual(value: unknown, what: string, within: readonly unknown[]): void {
  if (typeof value !== "object" || value === null) return;
  if (within.includes(value)) throw new InputError(`${what}: a value holds itself`);
  if (!Array.isArray(value) && !isTree(value))
    throw new InputError(`${what}: a ${value.constructor.name} is no value of a setting`);
  for (const [key, inner] of Object.entries(value)) {
    const unspaced = inner === null && !Array.isArray(value) && /^([^:]+):(\S.*)$/.exec(key);
    if (unspaced)
      throw new InputError(
        `${what}: ${key} is a name without a value; a blank must follow the colon (${unspaced[1]}: ${unspaced[2]})`,
      );
    refuseUnusual(inner, what, [...within, value]);
  }
}
