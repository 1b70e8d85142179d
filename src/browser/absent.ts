/** @file What stands in a browser's bundle for files that only Node can run: the field `browser` of package.json. */

import { InputError } from "../errors.ts";

function refuse(what: string): never {
  throw new InputError(`${what} needs Node: it is not there in a browser`);
}

const MODULE = "a module by its path (registerEnvironment and registerAlgorithm take what a program has)";

export const importDefault = () => refuse(MODULE);
export const wholePath = () => refuse(MODULE);
export const backgroundExecutable = () => refuse("a program in a thread of its own");
export const startWorker = () => refuse("a thread");
export const threadsOf = () => refuse("a thread");
export const waitWhile = () => refuse("a thread");
export const spread = () => refuse("a thread");
export const createPythonVectorEnv = () => refuse("an environment in Python");
