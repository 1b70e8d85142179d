/** @file A user's environment is tried when it is first made, so that what is plainly wrong is told at once, in one line. */

import { InputError } from "../errors.ts";
import { checkParallelEnv } from "./check.ts";
import type { ParallelEnv } from "./env.ts";

/** Steps of the trial: enough for what is plainly wrong, and quick. */
const TRIAL_STEPS = 5;

/** Makes a copy of an environment. */
export type Factory<Options> = (options: Options) => ParallelEnv | Promise<ParallelEnv>;

/**
 * Makes one copy, plays a few steps in it, and throws it away.
 * @param name what errors call the environment
 * @param made what errors call what `factory` is
 * @throws InputError in one line
 */
export async function tryEnvironment<Options>(
  name: string,
  made: string,
  factory: Factory<Options>,
  options: Options,
): Promise<void> {
  const wrong = (cause: unknown, hint = ""): InputError =>
    new InputError(`environment ${name}: ${cause instanceof Error ? cause.message : cause}${hint}`, { cause });
  let env: ParallelEnv;
  try {
    env = await factory(options);
  } catch (error) {
    const isClass = /^class\b/.test(String(factory));
    throw wrong(error, isClass ? `; ${made} must be a function that makes one: (options) => new …` : "");
  }
  if (typeof env !== "object" || env === null) throw wrong(`${made} returned ${env}, must return a ParallelEnv`);
  try {
    checkParallelEnv(env, { steps: TRIAL_STEPS });
  } catch (error) {
    throw wrong(error);
  } finally {
    env.close?.();
  }
}
