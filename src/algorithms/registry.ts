/** @file Where algorithms are found by name; a user's own is found by the path of its module. */

import { z } from "zod";
import { InputError } from "../errors.ts";
import { isModulePath } from "../ids.ts";
import { importDefault } from "../modules.ts";
import { didYouMean } from "../names.ts";
import type { AlgorithmDefinition } from "./algorithm.ts";
import { arMappo } from "./ar-mappo.ts";
import { bppo } from "./bppo.ts";
import { bpta } from "./bpta.ts";
import { gcs } from "./gcs.ts";
import { happo } from "./happo.ts";
import { ippo } from "./ippo.ts";
import { mappo } from "./mappo.ts";
import { mat, matDec } from "./mat.ts";

/** Every algorithm that has a name here. */
export const algorithms: ReadonlyMap<string, AlgorithmDefinition> = new Map(
  [bppo, bpta, arMappo, mappo, ippo, happo, mat, matDec, gcs].map((algorithm) => [algorithm.name, algorithm]),
);

/** What programs have registered. */
const registered = new Map<string, AlgorithmDefinition>();

/**
 * Gives an algorithm its name, by which `train` and all else in this process find it: `algorithm: { name: "my-ppo" }`. To
 * go on with a run of it, or to judge it, a program must register it as well; the command line and the processes of a
 * suite don't know it, and take the path of a module.
 * @throws InputError if it is no algorithm, if the name is taken, or if it looks like a module's path
 */
export function registerAlgorithm(algorithm: AlgorithmDefinition): void {
  const { name } = checkAlgorithm(algorithm, "algorithm");
  if (isModulePath(name)) throw new InputError(`algorithm "${name}": a name must not be a path`);
  if (algorithms.has(name) || registered.has(name)) throw new InputError(`algorithm ${name}: there is one already`);
  registered.set(name, algorithm);
}

/**
 * The algorithm called `name`.
 * @param name one of `algorithms`, one that was registered, or the path of a module (`./my-ppo.ts`) whose default export
 *   is an algorithm
 * @throws InputError that names the nearest name, or what is wrong with the module
 */
export async function findAlgorithm(name: string): Promise<AlgorithmDefinition> {
  if (isModulePath(name)) {
    const what = `algorithm ${name}: its default export`;
    return checkAlgorithm(await importDefault(name, "algorithm"), what);
  }
  const found = algorithms.get(name) ?? registered.get(name);
  if (found) return found;
  const names = [...algorithms.keys(), ...registered.keys()];
  const hint = didYouMean(name, names);
  throw new InputError(`unknown algorithm ${name}${hint} (there are: ${names.join(", ")}, or the path of a module)`);
}

const algorithmSchema = z.looseObject({
  name: z.string().min(1),
  title: z.string().min(1),
  paper: z.string().optional(),
  description: z.string(),
  settings: z.custom<z.ZodObject>(
    (value) => typeof value === "object" && value !== null && "shape" in value,
    "must be an object of zod",
  ),
  defaultsFor: z
    .custom<AlgorithmDefinition["defaultsFor"]>((value) => typeof value === "function", "must be a function")
    .optional(),
  create: z.custom<AlgorithmDefinition["create"]>((value) => typeof value === "function", "must be a function"),
});

/** @throws InputError in one line that says what an algorithm has, and this has not */
function checkAlgorithm(value: unknown, what: string): AlgorithmDefinition {
  const parsed = algorithmSchema.safeParse(value);
  if (parsed.success) return value as AlgorithmDefinition;
  const [{ path, message }] = parsed.error.issues;
  const where = path.length > 0 ? `, ${path.join(".")}: ${message}` : "";
  throw new InputError(`${what} must be what defineAlgorithm returns${where}`);
}
