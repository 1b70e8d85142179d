/** @file The joint policy, acting: one program draws all agents' actions, in order, in all environments. */

import { type ArraySpec, compileStaged, float32, type Program } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import type { Tree } from "../compile/tree.ts";
import type { TeamSpec } from "../envs/env.ts";
import { vectorSize } from "../envs/spaces.ts";
import type { ActorInputs, ActorModel } from "./actor.ts";
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
  /** Of a policy that draws its graph: Gumbel, [N, `graphNoiseSize`]; absent or all zero: the likeliest edges. */
  readonly graphNoise?: Float32Array | undefined;
}

/** Where the joint policy writes what it did, by agent. */
export interface ActOutputs {
  /** [N, d_i]: one-hot for choices, the numbers themselves for continuous actions, not clipped to their bounds */
  readonly actions: readonly Float32Array[];
  /** [N] */
  readonly logProbs: readonly Float32Array[];
  /** [N, H_i], or empty. Must not be the arrays of the inputs. */
  readonly hidden: readonly Float32Array[];
  /** Of a policy that draws its graph; absent: not told. */
  readonly graph?: DrawnGraph | undefined;
}

/** Who looked at whom, in n agents: matrices [N, n · n] of 0 and 1 whose row i is about what agent i looks at. */
export interface DrawnGraph<T = Float32Array> {
  /** As drawn; may have cycles. */
  readonly edges: T;
  /** F(i): the edges that were kept, without cycles. */
  readonly predecessors: T;
  /** [N]: log ρ of `edges` */
  readonly logProb: T;
}

const drawnGraphNames = ["edges", "predecessors", "logProb"] as const;

/** Numbers of noise per environment from which a graph of n agents is drawn: two for each pair, absent and present. */
export const graphNoiseSize = (agents: number): number => 2 * agents * agents;

/** A team's policies for a number N of environments. */
export interface JointPolicy {
  readonly team: TeamSpec;
  readonly numEnvs: number;
  /** σ: the agents' indices, first to act first; where that changes, by index. */
  readonly order: readonly number[];
  /** By agent: H_i, 0 without a GRU. */
  readonly hiddenSizes: readonly number[];
  /** Whether who looks at whom is drawn anew in each step, from `graphNoise`; absent: no. */
  readonly drawsGraph?: boolean;
  /** Takes the parameters as they are now: call it before acting where they may have changed since the last time. */
  refresh(): Promise<void>;
  /** Draws every agent's action for every environment. */
  act(inputs: ActInputs, into: ActOutputs): Promise<void>;
  /** Frees its program. */
  release(): Promise<void>;
}

/** What all agents do in one step, inside traced code. */
export interface Drawn {
  /** By agent: [N, d_i] */
  readonly actions: readonly Traced[];
  /** By agent: [N] */
  readonly logProbs: readonly Traced[];
  /** [N, H_i], by the index of the agents that have a GRU */
  readonly hidden: Readonly<Record<string, Traced>>;
  /** Absent where the policy draws no graph. */
  readonly graph?: DrawnGraph<Traced>;
}

/** All that makes a joint policy, but the number of environments. */
export interface PolicyDefinition {
  readonly team: TeamSpec;
  /** σ: first to act first; where that changes from step to step, by index. */
  readonly order: readonly number[];
  /** By agent: H_i, 0 without a GRU */
  readonly hiddenSizes: readonly number[];
  /** Whether who looks at whom is drawn anew in each step. */
  readonly drawsGraph: boolean;
  /** Live arrays that actions follow from, besides what agents see: parameters, and what else seldom changes. */
  readonly thetas: readonly Float32Array[];
  /** The same policy for good, where what it is now can be said more simply than what it may become. */
  frozen?(): PolicyDefinition;
  /** Draws every agent's action, inside traced code. */
  draw(thetas: readonly Traced[], step: Step<Traced>, numEnvs: number): Drawn;
}

/** A team of actors that act one after the other. */
export interface Chain {
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
  readonly graph: Readonly<Record<string, T>>;
};

/** Whether an agent has choices some of which may be unavailable. */
const hasMask = (team: TeamSpec, agent: number): boolean =>
  team.hasActionMasks && team.actionSpaces[agent].kind === "discrete";

export function stepSpecs(
  { team, hiddenSizes, drawsGraph }: Pick<PolicyDefinition, "team" | "hiddenSizes" | "drawsGraph">,
  numEnvs: number,
): Step<ArraySpec> {
  const actionSizes = team.actionSpaces.map(vectorSize);
  const having = (has: (agent: number) => boolean, sizes: readonly number[]) =>
    Object.fromEntries(sizes.flatMap((size, i) => (has(i) ? [[i, float32(numEnvs, size)]] : [])));
  const remembers = (agent: number) => hiddenSizes[agent] > 0;
  return {
    observations: team.observationSpaces.map(({ size }) => float32(numEnvs, size)),
    actionMasks: having((agent) => hasMask(team, agent), actionSizes),
    noise: actionSizes.map((size) => float32(numEnvs, size)),
    hidden: having(remembers, hiddenSizes),
    episodeStarts: hiddenSizes.some((size) => size > 0) ? { all: float32(numEnvs) } : {},
    graph: drawsGraph ? { noise: float32(numEnvs, graphNoiseSize(team.agents.length)) } : {},
  };
}

/** What an actor sees of a step, but for the actions of others. */
export const actorStep = (model: ActorModel, agent: number, team: TeamSpec, step: Step<Traced>): ActorInputs => ({
  observations: step.observations[agent],
  ...(model.identified && { agentId: np.array(agentId(team, agent)) }),
  ...(model.hasActionMask && { actionMask: step.actionMasks[agent] }),
  ...(model.hiddenSize > 0 && { hidden: step.hidden[agent], episodeStarts: step.episodeStarts.all }),
});

/** Every agent's action, in order, each conditioned on those before it. */
export function chainPolicy({ team, dependencies, models, networkOf, thetas }: Chain): PolicyDefinition {
  return {
    team,
    order: dependencies.order,
    hiddenSizes: models.map(({ hiddenSize }) => hiddenSize),
    drawsGraph: false,
    thetas,
    draw(parameters, step, numEnvs) {
      const nothing = models.map(({ actionSize }) => np.broadcastTo(np.zeros([actionSize]), [numEnvs, actionSize]));
      const actions: Traced[] = [];
      const logProbs: Traced[] = [];
      const hidden: Record<string, Traced> = {};
      for (const i of dependencies.order) {
        const model = models[i];
        const seen = (agent: number) => dependencies.predecessors[i].includes(agent);
        const inputs = {
          ...actorStep(model, i, team, step),
          ...(model.conditioned && {
            jointActions: np.concatenate(
              nothing.map((none, j) => (seen(j) ? actions[j] : none)),
              1,
            ),
          }),
        };
        const tree = model.layout.unravel(parameters[networkOf[i]]);
        const outputs = model.forward(tree, inputs, { blocks: 1, length: 1, width: numEnvs }, "acting");
        const { action, logProb } = outputs.distribution.draw(step.noise[i]);
        actions[i] = action;
        logProbs[i] = logProb;
        if (outputs.hidden) hidden[i] = outputs.hidden;
      }
      return { actions, logProbs, hidden };
    },
  };
}

/**
 * Compiles the joint policy for `numEnvs` environments, with the live arrays of `definition` as they are now and
 * whenever it is refreshed.
 */
export async function jointPolicy(definition: PolicyDefinition, numEnvs: number): Promise<JointPolicy> {
  const { team, order, hiddenSizes, drawsGraph, thetas } = definition;
  const specs = { theta: thetas.map((theta) => float32(theta.length)), ...stepSpecs(definition, numEnvs) };
  const [program] = await compileStaged(
    "act",
    (inputs) => {
      const drawn = definition.draw(inputs.theta as readonly Traced[], inputs as unknown as Step<Traced>, numEnvs);
      return drawn as unknown as Tree<Traced>;
    },
    specs,
    (name) => name.startsWith("theta."),
  );
  const parameters = Object.fromEntries(thetas.map((theta, k) => [`theta.${k}`, theta]));
  const refresh = () => program.prepare(parameters);
  await refresh();
  return policyOf(program, { team, numEnvs, order, hiddenSizes, drawsGraph, refresh });
}

/** A joint policy that runs a program with the inputs of `stepSpecs` and the outputs of `PolicyDefinition.draw`. */
export function policyOf(
  program: Pick<Program, "run" | "release">,
  policy: Omit<JointPolicy, "act" | "release">,
): JointPolicy {
  // Filled anew each time, so that acting allocates nothing of its own.
  const feeds: Record<string, Float32Array> = {};
  const results: Record<string, Float32Array> = {};
  const agents = policy.team.agents.map((_, i) => ({
    observations: `observations.${i}`,
    noise: `noise.${i}`,
    mask: hasMask(policy.team, i) ? `actionMasks.${i}` : undefined,
    hidden: policy.hiddenSizes[i] > 0 ? `hidden.${i}` : undefined,
    actions: `actions.${i}`,
    logProbs: `logProbs.${i}`,
  }));
  const recurrent = policy.hiddenSizes.some((size) => size > 0);
  const noNoise = new Float32Array(policy.drawsGraph ? policy.numEnvs * graphNoiseSize(policy.team.agents.length) : 0);
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
      if (policy.drawsGraph) {
        feeds["graph.noise"] = inputs.graphNoise ?? noNoise;
        for (const name of drawnGraphNames) {
          // Not into what was given the time before.
          if (into.graph) results[`graph.${name}`] = into.graph[name];
          else delete results[`graph.${name}`];
        }
      }
      await program.run(feeds, results);
    },
    release: () => program.release(),
  };
}
