/** @file An agent's policy π_i(· | o_i, a_F(i)): the one forward function that acting, learning and feedback share. */

import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import type { Tree } from "../compile/tree.ts";
import type { TeamSpec } from "../envs/env.ts";
import { type Space, vectorSize } from "../envs/spaces.ts";
import { InputError } from "../errors.ts";
import { boundedStd, categorical, type Distribution, diagonalGaussian } from "../nn/distributions.ts";
import { constant } from "../nn/initializers.ts";
import {
  gruParameters,
  gruSequences,
  type LayerNorm,
  layerNorm,
  layerNormParameters,
  linearParameters,
  type Mlp,
  mlp,
  mlpAbove,
  mlpParameters,
  normThenLinear,
  type Sequences,
  standardThenLinear,
} from "../nn/layers.ts";
import { Parameter, type ParameterLayout, type ParameterTree, parameterLayout } from "../nn/parameters.ts";
import { firstLayerOfTeam, type TeamActions } from "./looking.ts";
import type { PolicySettings } from "./settings.ts";

/** What an actor sees, one sample per row. */
export interface ActorInputs {
  /** [B, o] */
  readonly observations: Traced;
  /** The action vectors of all agents, by index, side by side: [B, D]. Absent for an actor that conditions on nobody. */
  readonly jointActions?: Traced;
  /**
   * [D], or [B, D] where each row has its own: 1 at the elements of `jointActions` that belong to F(i), 0 elsewhere;
   * absent where those are 0 already.
   */
  readonly dependencyMask?: Traced;
  /** In place of both, and of `agentId`, where rows are of all agents of a network: [S, n, W] of them. */
  readonly team?: TeamActions;
  /** One-hot: [n], or [B, n] where each row has its own. Absent for an actor that is not told who it is. */
  readonly agentId?: Traced;
  /** [B, choices], 1 where available; absent: all are. */
  readonly actionMask?: Traced;
  /** State of the GRU before each sequence, [blocks · width, H]; absent without one. */
  readonly hidden?: Traced;
  /** [B]: 1 where an episode begins; absent with `hidden`. */
  readonly episodeStarts?: Traced;
}

/** What an actor makes of what it sees by itself, whatever others do. */
export interface Perception {
  /** [B, …] */
  readonly x: Traced;
  /** The LayerNorm that is still to come before the head; absent: none. */
  readonly norm?: LayerNorm<Traced>;
  /** State of the GRU after every row, [B, H]; absent without one. */
  readonly hidden?: Traced;
}

export interface ActorOutputs {
  readonly distribution: Distribution;
  /** State of the GRU after every row, [B, H]; absent without one. */
  readonly hidden?: Traced;
}

/** What an actor is run for. */
export type ActorUse = "learning" | "acting";

/** A kind of policy: its sizes, its parameters, and its forward function. Agents of equal shape share one. */
export interface ActorModel {
  readonly observationSize: number;
  readonly actionSize: number;
  /** Whether it draws choices (noise is Gumbel) or numbers (noise is normal). */
  readonly discrete: boolean;
  readonly hasActionMask: boolean;
  /** H; 0 without a GRU. */
  readonly hiddenSize: number;
  /** Whether it looks at other agents' actions, that is, F(i) is not empty. */
  readonly conditioned: boolean;
  /** Whether F(i) is another in each sample; absent: no. */
  readonly ownGraphs?: boolean;
  /**
   * Whether it is told which agent it acts for, with what it looks at; not where nobody in the team looks at anybody and
   * each has a network of its own.
   */
  readonly identified: boolean;
  /** Whether samples are of several agents, each with its agent's id; absent: no. */
  readonly ownIds?: boolean;
  /** Agents in the team. */
  readonly teamSize: number;
  /** D, the length of all agents' action vectors side by side. */
  readonly jointActionSize: number;
  readonly layout: ParameterLayout;
  /** The forward function's first half, inside traced code; `parameters` as `layout` unravels them. */
  perceive(parameters: Tree<Traced>, inputs: ActorInputs, sequences: Sequences): Perception;
  /**
   * Its second half. Who asks what an agent would do after this and after that perceives once: then gradients meet
   * there, and go back through the first half once.
   * @param use acting takes no gradient, and few rows: the same function, in fewer operators
   */
  decide(parameters: Tree<Traced>, perception: Perception, inputs: ActorInputs, use?: ActorUse): Distribution;
  /** Both. */
  forward(parameters: Tree<Traced>, inputs: ActorInputs, sequences: Sequences, use?: ActorUse): ActorOutputs;
}

/** A model's sizes. */
type ActorShape = Omit<ActorModel, "layout" | "perceive" | "decide" | "forward">;

/** Ties the two halves of a forward function to the parameters that they take, so that the rest needs to know of neither. */
export function defineActor<S>(
  shape: ActorShape,
  parameters: S,
  halves: {
    perceive(parameters: ParameterTree<S>, inputs: ActorInputs, sequences: Sequences): Perception;
    decide(parameters: ParameterTree<S>, perception: Perception, inputs: ActorInputs, use: ActorUse): Distribution;
  },
): ActorModel {
  const perceive: ActorModel["perceive"] = (tree, inputs, sequences) =>
    halves.perceive(tree as ParameterTree<S>, inputs, sequences);
  const decide: ActorModel["decide"] = (tree, perception, inputs, use = "learning") =>
    halves.decide(tree as ParameterTree<S>, perception, inputs, use);
  return {
    ...shape,
    layout: parameterLayout(parameters as Tree<Parameter>),
    perceive,
    decide,
    forward(tree, inputs, sequences, use) {
      const perception = perceive(tree, inputs, sequences);
      const { hidden } = perception;
      return { distribution: decide(tree, perception, inputs, use), ...(hidden && { hidden }) };
    },
  };
}

/** Gain of the head: actions start near the middle, choices near equally likely. */
const HEAD_GAIN = 0.01;

/**
 * o_i → MLP (→ GRU) → h; (a_F(i), id) → MLP → e; LayerNorm(h + e) → head.
 *
 * In a team where nobody looks at anybody there is no e, and no LayerNorm but that of the MLP, or after the GRU. But where
 * all share a network, or some look at others, those who look at nobody have an e as well: one row for each agent.
 */
function networkActor(
  shape: Omit<ActorShape, "hiddenSize" | "discrete" | "actionSize">,
  space: Space,
  settings: PolicySettings,
): ActorModel {
  const { hidden, activation, recurrent, stdX, stdY, stdRho, temperature } = settings;
  const { teamSize, jointActionSize, conditioned, identified } = shape;
  const actionSize = vectorSize(space);
  const discrete = space.kind === "discrete";
  const parameters = {
    trunk: mlpParameters(shape.observationSize, settings),
    ...(recurrent && { gru: gruParameters(hidden, hidden) }),
    ...(identified && {
      conditioning: mlpParameters(jointActionSize + teamSize, { ...settings, featureNormalization: true }),
    }),
    ...((identified || recurrent) && { norm: layerNormParameters(hidden) }),
    head: linearParameters(hidden, actionSize, HEAD_GAIN),
    ...(!discrete && { rho: new Parameter([actionSize], constant(stdRho)) }),
  };

  /** What an agent looks at, and who it is: [B, H], or [1, H] where that is the same for all. */
  function condition(layers: Mlp<Traced>, inputs: ActorInputs): Traced {
    const { observations, jointActions, dependencyMask, team } = inputs;
    if (team) {
      const first = firstLayerOfTeam(layers.input!, layers.layers[0].linear, team);
      const { norm, x } = mlpAbove(layers, activation, first);
      return layerNorm(norm, x);
    }
    const agentId = inputs.agentId!;
    const mixed = !conditioned && agentId.ndim === 2;
    const rows = conditioned ? observations.shape[0] : mixed ? teamSize : 1;
    const nothing = () => np.broadcastTo(np.zeros([jointActionSize]), [rows, jointActionSize]);
    const seen = !conditioned ? nothing() : dependencyMask ? jointActions!.mul(dependencyMask) : jointActions!;
    const ids = mixed ? np.eye(teamSize) : np.broadcastTo(agentId, [rows, teamSize]);
    const { norm, x } = mlp(layers, activation, np.concatenate([seen, ids], 1));
    const embedded = layerNorm(norm, x);
    return mixed ? np.matmul(agentId, embedded) : embedded;
  }

  const sizes = { ...shape, actionSize, discrete, hiddenSize: recurrent ? hidden : 0 };
  return defineActor(sizes, parameters, {
    perceive({ trunk, gru, norm }, inputs, sequences) {
      const features = mlp(trunk, activation, inputs.observations);
      if (gru) {
        const states = gruSequences(gru, features, inputs.hidden!, inputs.episodeStarts!, sequences);
        return { x: states, norm: norm!, hidden: states };
      }
      return norm ? { x: layerNorm(features.norm, features.x), norm } : features;
    },
    decide({ conditioning, head, rho }, { x, norm }, inputs, use) {
      const toHead = use === "acting" ? standardThenLinear : normThenLinear;
      const output = toHead(norm!, head, conditioning ? x.add(condition(conditioning, inputs)) : x);
      return rho
        ? diagonalGaussian(output, boundedStd(rho, stdX, stdY))
        : categorical(output, inputs.actionMask, temperature);
    },
  });
}

/** The actors of a team. */
export interface TeamActors {
  /** By agent; agents of equal shape have the same model (the same object). */
  readonly models: readonly ActorModel[];
  /** By agent: which network its parameters are. */
  readonly networkOf: readonly number[];
}

/**
 * The actors of a team, as the settings have them.
 * @param predecessors F(i) by agent
 * @param ownGraphs whether F(i) is another in each sample, and these only what it may be
 * @throws InputError if parameters are to be shared by agents whose spaces differ
 */
export function teamActors(
  team: TeamSpec,
  predecessors: readonly (readonly number[])[],
  settings: PolicySettings,
  ownGraphs = false,
): TeamActors {
  const jointActionSize = team.actionSpaces.reduce((sum, space) => sum + vectorSize(space), 0);
  const teamSize = team.agents.length;
  const identified = settings.share || predecessors.some(({ length }) => length > 0);
  const made = new Map<string, ActorModel>();
  const models = team.agents.map((_, i) => {
    const space = team.actionSpaces[i];
    const observationSize = team.observationSpaces[i].size;
    const conditioned = predecessors[i].length > 0;
    const hasActionMask = team.hasActionMasks && space.kind === "discrete";
    const key = [observationSize, space.kind, vectorSize(space), conditioned].join();
    const sizes = { observationSize, teamSize, jointActionSize };
    const shape = { ...sizes, hasActionMask, conditioned, ownGraphs, identified };
    const model = made.get(key) ?? networkActor(shape, space, settings);
    made.set(key, model);
    return model;
  });
  if (settings.share) {
    const describe = (i: number) => {
      const space = team.actionSpaces[i];
      const actions = space.kind === "discrete" ? `${space.n} choices` : `${space.size} continuous actions`;
      return `${team.observationSpaces[i].size} observations and ${actions}`;
    };
    const odd = team.agents.findIndex((_, i) => describe(i) !== describe(0));
    if (odd > 0) {
      throw new InputError(
        `policy.share is true, but ${team.agents[0]} has ${describe(0)}, ${team.agents[odd]} ${describe(odd)}; ` +
          "agents that share a network need equal spaces",
      );
    }
  }
  return { models, networkOf: team.agents.map((_, i) => (settings.share ? 0 : i)) };
}
