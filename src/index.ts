/** @file The library: what the command line does, from code. */

export { type AlgorithmDefinition, DivergedError, type Learner, type LearnerOptions } from "./algorithms/algorithm.ts";
export { algorithms, registerAlgorithm } from "./algorithms/registry.ts";
export {
  type BenchmarkEvent,
  type BenchmarkOptions,
  type BenchmarkResult,
  benchmark,
} from "./benchmark/benchmark.ts";
export type { BenchmarkReport, Estimate } from "./benchmark/report.ts";
export type { SuiteSettings } from "./benchmark/suite.ts";
export {
  type Trial,
  type TunedAlgorithm,
  type TuneEvent,
  type TuneOptions,
  type TuneResult,
  tune,
} from "./benchmark/tune.ts";
export { type CheckOptions, checkParallelEnv } from "./envs/check.ts";
export type { EnvironmentDefinition } from "./envs/definition.ts";
export type { Action, ByAgent, ParallelEnv, StepResult, TeamSpec, VectorEnv, VectorMoment } from "./envs/env.ts";
export { createMoment } from "./envs/moment.ts";
export {
  environments,
  makeEnv,
  makeVectorEnv,
  type RegisteredEnvironment,
  registerEnvironment,
  type VectorEnvSettings,
} from "./envs/registry.ts";
export { type BoxSpace, box, type DiscreteSpace, discrete, type Space, vectorSize } from "./envs/spaces.ts";
export { vectorize } from "./envs/vectorize.ts";
export { InputError, InterruptedError } from "./errors.ts";
export {
  type EpisodeMoment,
  type EpisodeSettings,
  type EvaluatedEpisodes,
  evaluatePolicy,
} from "./evaluation/episodes.ts";
export {
  type EvaluationSummary,
  type RunResult,
  readMetrics,
  readResult,
  type UpdateMetrics,
} from "./evaluation/records.ts";
export { type RunConfig, type RunSettings, resolveConfig } from "./experiment/config.ts";
export { evaluateRun, exportRun, type RunEvaluation, type WhichPolicy } from "./experiment/evaluate.ts";
export { type PlotOptions, plotRuns } from "./experiment/plot.ts";
export { type Rendered, type RenderOptions, render } from "./experiment/render.ts";
export { resume, type TrainEvent, type TrainOptions, type TrainResult, train } from "./experiment/train.ts";
export { openTraining, type Training } from "./experiment/training.ts";
export { loadPolicy } from "./policy/export.ts";
export type { ActInputs, ActOutputs, JointPolicy } from "./policy/joint.ts";
export { Random, type RandomState } from "./random.ts";
