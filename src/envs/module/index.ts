/** @file An environment of the user's own, found by the path of its module. */

import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { checkParallelEnv } from "../check.ts";
import type { EnvironmentDefinition } from "../definition.ts";
import type { ParallelEnv } from "../env.ts";
import { makeCopies, vectorize } from "../vectorize.ts";
import { spread } from "./spread.ts";

/** Steps that a new environment is tried for when it is loaded: enough for what is plainly wrong, and quick. */
const TRIAL_STEPS = 5;

/** Whether an id is the path of a module: `./my-env.ts`, `/home/me/env.js`, `envs/crossing.mjs`. */
export const isModulePath = (id: string): boolean => isAbsolute(id) || /^\.{1,2}[/\\]|\.[cm]?[jt]s$/.test(id);

type Factory = (options: unknown) => ParallelEnv | Promise<ParallelEnv>;

/** An environment whose module's default export is a function from options to a `ParallelEnv`. */
export function moduleEnvironment(path: string): EnvironmentDefinition {
  let factory: Promise<Factory> | undefined;
  const make = async (options: unknown): Promise<ParallelEnv> => {
    if (!factory) {
      factory = loadFactory(path);
      const trial = await tryFactory(path, await factory, options);
      try {
        checkParallelEnv(trial, { steps: TRIAL_STEPS });
      } catch (error) {
        throw new InputError(`environment ${path}: ${(error as Error).message}`, { cause: error });
      } finally {
        trial.close?.();
      }
    }
    return (await factory)(options);
  };
  return {
    id: path,
    family: "module",
    description: "An environment of the user's own.",
    optionsSchema: z.record(z.string(), z.unknown()),
    make: (_id, options) => make(options),
    async makeVector(_id, { numEnvs, workers, options }) {
      const threads = Math.min(workers, numEnvs);
      if (threads > 1) return spread(path, () => make(options), { numEnvs, threads, options });
      return vectorize(await makeCopies(numEnvs, () => make(options)));
    },
  };
}

/** The first copy, with what went wrong told as the module's. */
async function tryFactory(path: string, factory: Factory, options: unknown): Promise<ParallelEnv> {
  let made: ParallelEnv;
  try {
    made = await factory(options);
  } catch (error) {
    const isClass = /^class\b/.test(String(factory));
    const hint = isClass ? "; export a function that makes one: export default (options) => new …" : "";
    throw new InputError(`environment ${path}: ${(error as Error).message}${hint}`, { cause: error });
  }
  if (typeof made !== "object" || made === null)
    throw new InputError(`environment ${path}: its default export returned ${made}, must return a ParallelEnv`);
  return made;
}

/** What a module exports. */
export async function loadFactory(path: string): Promise<Factory> {
  const file = resolve(path);
  if (!existsSync(file)) throw new InputError(`environment ${path}: there is no such file (looked for ${file})`);
  const { default: factory } = (await importModule(file)) as { readonly default?: unknown };
  if (typeof factory !== "function")
    throw new InputError(
      `environment ${path}: its default export is ${typeof factory}, must be a function that makes a ParallelEnv`,
    );
  return factory as Factory;
}

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
    return createJiti(import.meta.url).import(file);
  }
}
