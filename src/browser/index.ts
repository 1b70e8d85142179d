/**
 * @file The library in a browser: training in memory, and policies that act.
 *
 * Its bundle has onnxruntime-web in place of onnxruntime-node, and `absent.ts` in place of what only Node can do (the
 * field `browser` of package.json).
 */

import { mergeSettings, type RunSettings } from "../experiment/config.ts";
import { openTraining as openTrainingAnywhere, type Training } from "../experiment/training.ts";

export { DivergedError } from "../algorithms/algorithm.ts";
export { registerAlgorithm } from "../algorithms/registry.ts";
export type { Action, ByAgent, ParallelEnv, StepResult, TeamSpec } from "../envs/env.ts";
export { makeEnv, type RegisteredEnvironment, registerEnvironment } from "../envs/registry.ts";
export { type BoxSpace, box, type DiscreteSpace, discrete, type Space } from "../envs/spaces.ts";
export { InputError } from "../errors.ts";
export type { EvaluationSummary, UpdateMetrics } from "../evaluation/records.ts";
export type { RunConfig, RunSettings } from "../experiment/config.ts";
export type { Training } from "../experiment/training.ts";
export { loadPolicy } from "../policy/export.ts";
export type { ActInputs, ActOutputs, JointPolicy } from "../policy/joint.ts";
export { Random } from "../random.ts";

/** A page has one thread; results do not depend on how many there are. */
const oneThread = { rollout: { workers: 0 }, algorithm: { threads: 1 } };

/** `openTraining` of the package itself, in this thread. */
export const openTraining: typeof openTrainingAnywhere = (settings, options): Promise<Training> =>
  openTrainingAnywhere(mergeSettings(settings, oneThread) as RunSettings, options);
