/** @file Where environments are found by name; a user's own is found by the path of its module. */

import { didYouMean } from "../names.ts";
import type { EnvironmentDefinition } from "./definition.ts";
import type { ParallelEnv, VectorEnv } from "./env.ts";
import { football } from "./football/index.ts";
import { games } from "./games/index.ts";
import { isModulePath, moduleEnvironment } from "./module.ts";
import { mujoco } from "./mujoco/index.ts";
import { python } from "./python/index.ts";
import { smax } from "./smax/index.ts";
import { vectorize } from "./vectorize.ts";

/** Every environment that has a name. */
export const environments: readonly EnvironmentDefinition[] = [...games, ...mujoco, ...smax, ...football, ...python];

/**
 * The environment called `id`.
 * @param id a name, one of a family's names, or the path of a module (`./my-env.ts`) whose default export is a function
 *   from options to a `ParallelEnv`
 * @throws RangeError that names the nearest id
 */
export function findEnvironment(id: string): EnvironmentDefinition {
  if (isModulePath(id)) return moduleEnvironment(id);
  const found = environments.find((environment) =>
    environment.pattern ? environment.pattern.test(id) : environment.id === id,
  );
  if (found) return found;
  const ids = environments.map((environment) => environment.id);
  const relatives = ids.filter((other) => other.startsWith(`${id.split("-")[0]}-`));
  if (relatives.length > 0) throw new RangeError(`unknown environment ${id} (there are: ${relatives.join(", ")})`);
  const hint = didYouMean(id, ids) || ` (there are: ${ids.join(", ")}, or the path of a module)`;
  throw new RangeError(`unknown environment ${id}${hint}`);
}

/** @throws RangeError in one line: the option, what was wrong with it */
function parseOptions({ optionsSchema }: EnvironmentDefinition, id: string, options: unknown): unknown {
  const parsed = optionsSchema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw new RangeError(`environment ${id}: ${["options", ...path].join(".")}: ${message}`);
}

/**
 * One copy of an environment.
 * @param options the environment's own; missing ones take their defaults
 * @throws RangeError if there is no such environment, or it has no such options
 */
export async function makeEnv(id: string, options?: unknown): Promise<ParallelEnv> {
  const definition = findEnvironment(id);
  return definition.make(id, parseOptions(definition, id, options));
}

/** How many copies of an environment are wanted, and where they run. */
export interface VectorEnvSettings {
  /** N */
  readonly numEnvs: number;
  /** Threads that the copies are spread over, this one among them, in environments that can. Results do not depend on it. */
  readonly workers?: number;
  /** The environment's own options; missing ones take their defaults. */
  readonly options?: unknown;
}

/**
 * Many copies of an environment, stepped together.
 * @throws RangeError if there is no such environment, or it has no such options
 */
export async function makeVectorEnv(
  id: string,
  { numEnvs, workers = 0, options }: VectorEnvSettings,
): Promise<VectorEnv> {
  const definition = findEnvironment(id);
  const parsed = parseOptions(definition, id, options);
  if (definition.makeVector) return definition.makeVector(id, { numEnvs, workers, options: parsed });
  const copies: ParallelEnv[] = [];
  for (let e = 0; e < numEnvs; e++) copies.push(await definition.make(id, parsed));
  return vectorize(copies);
}
