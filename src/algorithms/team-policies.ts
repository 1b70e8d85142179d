/** @file What an algorithm writes its update with: a team's policies, one iteration's samples, and walks over them. */

import type { Program } from "../compile/index.ts";
import type { Sequences } from "../nn/layers.ts";
import type { ActorModel } from "../policy/actor.ts";
import type { Dependencies } from "../policy/dependencies.ts";
import { actorMetrics } from "./actor-step.ts";
import type { Metrics } from "./metrics.ts";
import type { Arrays, Minibatches, Samples } from "./minibatch.ts";
import type { Network } from "./network.ts";
import type { RowwiseProgram } from "./rowwise.ts";
import { type StepProgram, walkSamples } from "./step.ts";

/** One iteration, as the update of an algorithm sees it. */
export interface Iteration {
  /** By agent: its samples, with advantages normalised over those where it is active, and zero elsewhere. */
  readonly samples: readonly Samples[];
  /** How much of training is done, 0 to 1. */
  readonly progress: number;
  readonly metrics: Metrics;
  /** Who looked at whom. Where every step has its own graph, the order is from those who look at few to those at many. */
  readonly dependencies: Dependencies;
  /** Shuffles minibatches; follows from the seed and the number of the iteration. */
  readonly random: { shuffle(array: Int32Array): void };
}

/** The policies of a team, for an algorithm to write its update with. */
export interface TeamPolicies {
  /** What holds for all of training; `Iteration.dependencies` are those of one. */
  readonly dependencies: Dependencies;
  /** By agent; agents of equal shape have the same. */
  readonly models: readonly ActorModel[];
  /** By agent; the same one where parameters are shared. */
  readonly networks: readonly Network[];
  /** By agent: where its actions lie in all action vectors side by side, [start, end]. */
  readonly ranges: readonly (readonly [number, number])[];
  /** B = T · N */
  readonly rows: number;
  /** How a whole rollout's samples make sequences, and those of one minibatch. */
  readonly whole: Sequences;
  readonly batch: Sequences;
  readonly minibatches: Minibatches;
}

/**
 * What an algorithm does with the policies once per iteration.
 * @returns the programs it runs, so that they can be released, and the update
 */
export type PolicyUpdate = (policies: TeamPolicies) => Promise<{
  readonly programs: Iterable<Pick<Program, "release">>;
  /** Whether the agents of one network learn from one batch, over all of which advantages then are normalised. */
  readonly together?: boolean;
  readonly update: (iteration: Iteration) => Promise<void>;
}>;

/** Programs by agent, for the agents that are `needed`; agents with the same model have the same program. */
export async function perModel<P>(
  models: readonly ActorModel[],
  compileFor: (model: ActorModel) => Promise<P>,
  needed: (agent: number) => boolean = () => true,
): Promise<ReadonlyMap<number, P>> {
  const programs = new Map<ActorModel, P>();
  const byAgent = new Map<number, P>();
  for (const [agent, model] of models.entries()) {
    if (!needed(agent)) continue;
    if (!programs.has(model)) programs.set(model, await compileFor(model));
    byAgent.set(agent, programs.get(model)!);
  }
  return byAgent;
}

/** Walks an agent's samples `epochs` times, minibatch by minibatch, each one step of its policy. */
export const learnEpochs = (
  { minibatches, networks }: TeamPolicies,
  iteration: Iteration,
  agent: number,
  program: StepProgram,
  { epochs, extraRows = {} }: { readonly epochs: number; readonly extraRows?: Arrays },
): Promise<void> => {
  const own = iteration.samples[agent];
  const samples = { ...own, rows: { ...own.rows, ...extraRows } };
  return walkSamples(minibatches, iteration, samples, [networks[agent]], program, { epochs, names: actorMetrics });
};

/** Runs an evaluation program on an agent's samples, with its parameters as they are now. */
export async function evaluateAgent(
  { networks }: TeamPolicies,
  { samples }: Iteration,
  agent: number,
  program: RowwiseProgram,
  into: Arrays,
): Promise<void> {
  await program.run({ theta: networks[agent].theta }, samples[agent], into);
}
