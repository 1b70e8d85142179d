/** @file The joint policy, acting: one program draws all agents' actions, in order, in all environments. */

import { type ArraySpec, compileStaged, float32, type Program } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import type { TeamSpec } from "../envs/env.ts";
import { vectorSize } from "../envs/spaces.ts";
import type { ActorModel } from "./actor.ts";
import type { Dependencies } from "./dependencies.ts";

/** What the agents of N environments see, by agent. */
export interface ActInputs {
  /** [N, o_i] */
  readonly observations: readonly Float32Array[];
  /** [N, A_i], or empty */
  readonly actionMasks: readonly Float32Array[];
  /** ε: [N, d_i], Gumbel for choices, normal for numbers; all zero gives the greedy action. */
  readonly noise: readonly Float32Array[];
  /** State of the GRUs, [N, H_i], or empty */
  readonly hidden: readonly Float32Array[];
  /** [N]: 1 where the observation begins an episode (the GRUs then start from zero). */
  readonly episodeStarts: Float32Array;
}

/** Where the joint policy writes what it did, by agent. */
export interface ActOutputs {
  /** [N, d_i]: one-hot for choices, the numbers themselves for continuous actions, not clipped to their bounds */
  readonly actions: readonly Float32Array[];
  /** [N] */
  readonly logProbs: readonly Float32Array[];
  /** [N, H_i], or empty. Must not be the arrays of the inputs. */
  readonly hidden: readonly Float32Array[];
}

/** A team's policies for a number N of environments. */
export interface JointPolicy {
  readonly team: TeamSpec;
  readonly numEnvs: number;
  /** σ: the agents' indices, first to act first. */
  readonly order: readonly number[];
  /** By agent: H_i, 0 without a GRU. */
  readonly hiddenSizes: readonly number[];
  /** Takes the parameters as they are now: call it before acting where they may have changed since the last time. */
  refresh(): Promise<void>;
  /** Draws every agent's action for every environment. */
  act(inputs: ActInputs, into: ActOutputs): Promise<void>;
  /** Frees its program. */
  release(): Promise<void>;
}

/** All that makes a joint policy, but the number of environments. */
export interface PolicyDefinition {
  readonly team: TeamSpec;
  readonly dependencies: Dependencies;
  /** By agent. */
  readonly models: readonly ActorModel[];
  /** By agent: which of `thetas` is its. */
  readonly networkOf: readonly number[];
  /** Live parameters, by network. */
  readonly thetas: readonly Float32Array[];
}

/** By agent: which part of all action vectors side by side is its own, as [start, end]. */
export function actionRanges(team: TeamSpec): [number, number][] {
  let end = 0;
  return team.actionSpaces.map((space) => {
    const start = end;
    end += vectorSize(space);
    return [start, end];
  });
}

/** [D]: 1 where an element of all action vectors side by side belongs to one of `agents`. */
export function dependencyMask(team: TeamSpec, agents: readonly number[]): Float32Array {
  const ranges = actionRanges(team);
  const mask = new Float32Array(ranges[ranges.length - 1][1]);
  for (const agent of agents) mask.fill(1, ...ranges[agent]);
  return mask;
}

/** One-hot [n] */
export const agentId = (team: TeamSpec, agent: number): Float32Array =>
  Float32Array.from(team.agents, (_, i) => (i === agent ? 1 : 0));

/** `ActInputs` as a program has them: what only some agents have is by index, for those. */
export type Step<T> = {
  readonly observations: readonly T[];
  readonly actionMasks: Readonly<Record<string, T>>;
  readonly noise: readonly T[];
  readonly hidden: Readonly<Record<string, T>>;
  readonly episodeStarts: Readonly<Record<string, T>>;
};

export function stepSpecs({ team, models }: PolicyDefinition, numEnvs: number): Step<ArraySpec> {
  const having = (has: (model: ActorModel) => boolean, size: (model: ActorModel) => number) =>
    Object.fromEntries(models.flatMap((model, i) => (has(model) ? [[i, float32(numEnvs, size(model))]] : [])));
  const recurrent = models.some(({ hiddenSize }) => hiddenSize > 0);
  return {
    observations: team.observationSpaces.map(({ size }) => float32(numEnvs, size)),
    actionMasks: having(
      ({ hasActionMask }) => hasActionMask,
      ({ actionSize }) => actionSize,
    ),
    noise: models.map(({ actionSize }) => float32(numEnvs, actionSize)),
    hidden: having(
      ({ hiddenSize }) => hiddenSize > 0,
      ({ hiddenSize }) => hiddenSize,
    ),
    episodeStarts: recurrent ? { all: float32(numEnvs) } : {},
  };
}

/** Every agent's action, in order, each conditioned on those before it; inside traced code. */
export function drawActions(
  { team, dependencies, models, networkOf }: PolicyDefinition,
  numEnvs: number,
  thetas: readonly Traced[],
  step: Step<Traced>,
): { actions: Traced[]; logProbs: Traced[]; hidden: Record<string, Traced> } {
  const nothing = models.map(({ actionSize }) => np.broadcastTo(np.zeros([actionSize]), [numEnvs, actionSize]));
  const actions: Traced[] = [];
  const logProbs: Traced[] = [];
  const hidden: Record<string, Traced> = {};
  for (const i of dependencies.order) {
    const model = models[i];
    const parameters = model.layout.unravel(thetas[networkOf[i]]);
    const inputs = {
      observations: step.observations[i],
      ...(model.conditioned && {
        jointActions: np.concatenate(
          nothing.map((none, j) => (dependencies.predecessors[i].includes(j) ? actions[j] : none)),
          1,
        ),
      }),
      agentId: np.array(agentId(team, i)),
      ...(model.hasActionMask && { actionMask: step.actionMasks[i] }),
      ...(model.hiddenSize > 0 && { hidden: step.hidden[i], episodeStarts: step.episodeStarts.all }),
    };
    const outputs = model.forward(parameters, inputs, { blocks: 1, length: 1, width: numEnvs }, "acting");
    const { action, logProb } = outputs.distribution.draw(step.noise[i]);
    actions[i] = action;
    logProbs[i] = logProb;
    if (outputs.hidden) hidden[i] = outputs.hidden;
  }
  return { actions, logProbs, hidden };
}

/**
 * Compiles the joint policy for `numEnvs` environments, with the live parameters of `definition` as they are now and
 * whenever it is refreshed.
 */
export async function jointPolicy(definition: PolicyDefinition, numEnvs: number): Promise<JointPolicy> {
  const { team, dependencies, models, thetas } = definition;
  const specs = { theta: thetas.map((theta) => float32(theta.length)), ...stepSpecs(definition, numEnvs) };
  const [program] = await compileStaged(
    "act",
    (inputs) => drawActions(definition, numEnvs, inputs.theta as readonly Traced[], inputs as unknown as Step<Traced>),
    specs,
    (name) => name.startsWith("theta."),
  );
  const parameters = Object.fromEntries(thetas.map((theta, k) => [`theta.${k}`, theta]));
  const refresh = () => program.prepare(parameters);
  await refresh();
  return policyOf(program, {
    team,
    numEnvs,
    order: dependencies.order,
    hiddenSizes: models.map(({ hiddenSize }) => hiddenSize),
    hasMask: models.map(({ hasActionMask }) => hasActionMask),
    refresh,
  });
}

/** A joint policy that runs a program with the inputs of `stepSpecs` and the outputs of `drawActions`. */
export function policyOf(
  program: Pick<Program, "run" | "release">,
  {
    hasMask,
    ...policy
  }: Pick<JointPolicy, "team" | "numEnvs" | "order" | "hiddenSizes" | "refresh"> & {
    /** By agent. */
    readonly hasMask: readonly boolean[];
  },
): JointPolicy {
  // Filled anew each time, so that acting allocates nothing of its own.
  const feeds: Record<string, Float32Array> = {};
  const results: Record<string, Float32Array> = {};
  const agents = policy.team.agents.map((_, i) => ({
    observations: `observations.${i}`,
    noise: `noise.${i}`,
    mask: hasMask[i] ? `actionMasks.${i}` : undefined,
    hidden: policy.hiddenSizes[i] > 0 ? `hidden.${i}` : undefined,
    actions: `actions.${i}`,
    logProbs: `logProbs.${i}`,
  }));
  const recurrent = policy.hiddenSizes.some((size) => size > 0);
  return {
    ...policy,
    async act(inputs, into) {
      for (let i = 0; i < agents.length; i++) {
        const names = agents[i];
        feeds[names.observations] = inputs.observations[i];
        feeds[names.noise] = inputs.noise[i];
        if (names.mask) feeds[names.mask] = inputs.actionMasks[i];
        results[names.actions] = into.actions[i];
        results[names.logProbs] = into.logProbs[i];
        if (names.hidden) {
          feeds[names.hidden] = inputs.hidden[i];
          results[names.hidden] = into.hidden[i];
        }
      }
      if (recurrent) feeds["episodeStarts.all"] = inputs.episodeStarts;
      await program.run(feeds, results);
    },
    release: () => program.release(),
  };
}
