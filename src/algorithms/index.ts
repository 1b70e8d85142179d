/**
 * @file What an algorithm of one's own is made of (`bpta/algorithms`): the parts that the algorithms here are made of.
 *
 * An algorithm is what `defineAlgorithm` returns. Most are a `createLearner`, which builds a team's policies and critics,
 * collects advantages, exports and restores, with a `PolicyUpdate` that says what becomes of the policies once per
 * iteration: `ppoUpdate` and `sequentialUpdate` with an objective of one's own, or one that is written with the parts below
 * (bppo.ts, happo.ts and bpta.ts are examples). Objectives are traced: write them with `numpy` and `lax` of `bpta/jax`.
 */

export { z } from "zod";
export { createLearner, type TeamDesign } from "./actor-critic.ts";
export {
  type ActorObjective,
  type ActorStepSettings,
  compileActorStep,
  compileEvaluation,
  type Influence,
  type ObjectiveTerms,
} from "./actor-step.ts";
export {
  type AlgorithmDefinition,
  DivergedError,
  defineAlgorithm,
  type Learner,
  type LearnerOptions,
  type Progress,
} from "./algorithm.ts";
export { bppoInfluence, bppoObjective, bppoSettings, sequentialUpdate } from "./bppo.ts";
export {
  clipFeedback,
  createEvaluated,
  type Evaluated,
  evaluationOutputs,
  gatherFeedback,
  jointRatio,
  silenceInactive,
} from "./feedback.ts";
export { happoObjective, happoUpdate } from "./happo.ts";
export { ppoObjective, ppoUpdate } from "./mappo.ts";
export { createPools, type Pool } from "./pools.ts";
export { algorithms, registerAlgorithm } from "./registry.ts";
export { type CommonSettings, commonSettings, criticEpochs, ppoSettings } from "./settings.ts";
export { walkSamples } from "./step.ts";
export {
  evaluateAgent,
  type Iteration,
  learnEpochs,
  type PolicyUpdate,
  perModel,
  type TeamPolicies,
} from "./team-policies.ts";
