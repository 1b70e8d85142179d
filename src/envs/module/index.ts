/** @file An environment of the user's own, found by the path of its module. */

import { z } from "zod";
import { InputError } from "../../errors.ts";
import { importDefault } from "../../modules.ts";
import type { EnvironmentDefinition } from "../definition.ts";
import type { ParallelEnv } from "../env.ts";
import { type Factory, tryEnvironment } from "../trial.ts";
import { makeCopies, vectorize } from "../vectorize.ts";
import { spread } from "./spread.ts";

/** An environment whose module's default export is a function from options to a `ParallelEnv`. */
export function moduleEnvironment(path: string): EnvironmentDefinition {
  let factory: Promise<Factory<unknown>> | undefined;
  const make = async (options: unknown): Promise<ParallelEnv> => {
    if (!factory) {
      factory = loadFactory(path);
      await tryEnvironment(path, "its default export", await factory, options);
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

/** What a module exports. */
export async function loadFactory(path: string): Promise<Factory<unknown>> {
  const factory = await importDefault(path, "environment");
  if (typeof factory !== "function")
    throw new InputError(
      `environment ${path}: its default export is ${typeof factory}, must be a function that makes a ParallelEnv`,
    );
  return factory as Factory<unknown>;
}
