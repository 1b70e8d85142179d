/** @file Where environments are found by name; a user's own is found by the path of its module. */

import { z } from "zod";
import { InputError } from "../errors.ts";
import { isModulePath } from "../ids.ts";
import { didYouMean } from "../names.ts";
import { defineEnvironment, type EnvironmentDefinition } from "./definition.ts";
import type { ParallelEnv, VectorEnv } from "./env.ts";
import { football } from "./football/index.ts";
import { games } from "./games/index.ts";
import { moduleEnvironment } from "./module/index.ts";
import { mujoco } from "./mujoco/index.ts";
import { python } from "./python/index.ts";
import { smax } from "./smax/index.ts";
import { tryEnvironment } from "./trial.ts";
import { makeCopies, vectorize } from "./vectorize.ts";

/** Every environment that has a name here. */
export const environments: readonly EnvironmentDefinition[] = [...games, ...mujoco, ...smax, ...football, ...python];

/** What programs have registered. */
const registered: EnvironmentDefinition[] = [];

/** An environment by a name of its own, for this process. */
export interface RegisteredEnvironment {
  readonly id: string;
  /** One copy of it. */
  make(options: Readonly<Record<string, unknown>>): ParallelEnv | Promise<ParallelEnv>;
  /** Settings of a run that differ from the defaults when it trains on this environment. */
  readonly preset?: Readonly<Record<string, unknown>>;
}

/**
 * Gives an environment a name, by which `train` and all else in this process find it: `env: { id: "my-game" }`. To go on
 * with a run on it, or to judge it, a program must register it as well; the command line and the processes of a suite
 * don't know it, and take the path of a module.
 * @throws InputError if the name is taken, or looks like a module's path
 */
export function registerEnvironment({ id, make, preset = {} }: RegisteredEnvironment): void {
  let tried = false;
  if (id === "" || isModulePath(id)) throw new InputError(`environment "${id}": a name must not be empty, nor a path`);
  if (known().some((other) => isCalled(other, id))) throw new InputError(`environment ${id}: there is one already`);
  const optionsSchema = z.record(z.string(), z.unknown());
  const description = "An environment of the user's own.";
  registered.push(
    defineEnvironment({
      id,
      family: "registered",
      description,
      optionsSchema,
      preset,
      async make(_, options) {
        if (!tried) await tryEnvironment(id, "make", make, options);
        tried = true;
        return make(options);
      },
    }),
  );
}

const known = (): readonly EnvironmentDefinition[] => [...environments, ...registered];

const isCalled = (environment: EnvironmentDefinition, id: string): boolean =>
  environment.pattern ? environment.pattern.test(id) : environment.id === id;

/**
 * The environment called `id`.
 * @param id a name, one of a family's names, one that was registered, or the path of a module (`./my-env.ts`) whose default export is a function
 *   from options to a `ParallelEnv`
 * @throws InputError that names the nearest id
 */
export function findEnvironment(id: string): EnvironmentDefinition {
  if (isModulePath(id)) return moduleEnvironment(id);
  const found = known().find((environment) => isCalled(environment, id));
  if (found) return found;
  const ids = known().map((environment) => environment.id);
  const listed = (names: readonly string[]): string => (names.length > 0 ? ` (there are: ${names.join(", ")})` : "");
  const hint =
    listed(ids.filter((other) => stem(other) === stem(id) && other !== stem(other))) ||
    didYouMean(id, ids) ||
    listed(ids.filter((other) => other.toLowerCase().includes(stem(id).toLowerCase()))) ||
    listed([...stems(ids), "or the path of a module"]);
  throw new InputError(`unknown environment ${id}${hint}`);
}

/** `HalfCheetah` of `HalfCheetah-6x1` */
const stem = (id: string): string => id.split("-")[0];

/** Names, those that begin alike as one: `climbing`, `HalfCheetah-…`. */
function stems(ids: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const id of ids) groups.set(stem(id), [...(groups.get(stem(id)) ?? []), id]);
  return Array.from(groups, ([first, alike]) => (alike.length > 1 ? `${first}-…` : alike[0]));
}

/** @throws InputError in one line: the option, what was wrong with it */
function parseOptions({ optionsSchema }: EnvironmentDefinition, id: string, options: unknown): unknown {
  const parsed = optionsSchema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw new InputError(`environment ${id}: ${["options", ...path].join(".")}: ${message}`);
}

/**
 * One copy of an environment.
 * @param options the environment's own; missing ones take their defaults
 * @throws InputError if there is no such environment, or it has no such options
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
 * @throws InputError if there is no such environment, or it has no such options
 */
export async function makeVectorEnv(
  id: string,
  { numEnvs, workers = 0, options }: VectorEnvSettings,
): Promise<VectorEnv> {
  for (const [name, value, least] of [
    ["numEnvs", numEnvs, 1],
    ["workers", workers, 0],
  ] as const) {
    if (!(Number.isSafeInteger(value) && value >= least))
      throw new InputError(`${name} is ${value}, must be a whole number ≥ ${least}`);
  }
  const definition = findEnvironment(id);
  const parsed = parseOptions(definition, id, options);
  if (definition.makeVector) return definition.makeVector(id, { numEnvs, workers, options: parsed });
  return vectorize(await makeCopies(numEnvs, () => definition.make(id, parsed)));
}
