/** @file An environment of the user's own, found by the path of its module. */

import { z } from "zod";
import { InputError } from "../../errors.ts";
import { importDefault } from "../../modules.ts";
import { checkParallelEnv } from "../check.ts";
import type { EnvironmentDefinition } from "../definition.ts";
import type { ParallelEnv } from "../env.ts";
import { makeCopies, vectorize } from "../vectorize.ts";
import { spread } from "./spread.ts";

/** Steps that a new environment is tried for when it is loaded: enough for what is plainly wrong, and quick. */
const TRIAL_STEPS = 5;

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
  const factory = await importDefault(path, "environment");
  if (typeof factory !== "function")
    throw new InputError(
      `environment ${path}: its default export is ${typeof factory}, must be a function that makes a ParallelEnv`,
    );
  return factory as Factory;
}
