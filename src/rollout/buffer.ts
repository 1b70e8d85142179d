/** @file The rollout buffer: T steps of N environments in typed arrays, written once, in place. */

import type { TeamSpec } from "../envs/env.ts";
import { vectorSize } from "../envs/spaces.ts";
import { type DrawnGraph, graphNoiseSize } from "../policy/joint.ts";

/** The last moment of an episode that was cut off: what its rewards to come are estimated from. */
export interface FinalMoment {
  /** t of the step that was cut off; its reward is `rewards[time · N + env]`. */
  time: number;
  env: number;
  /** By agent: [o_i] */
  readonly observations: readonly Float32Array[];
  /** [s] */
  readonly state: Float32Array;
}

/**
 * What was seen and done in T steps of N environments with n agents, by agent where agents differ. A sample's row is
 * t · N + e, so `observations[i].subarray(0, T · N · o_i)` is a batch of T · N rows as it stands. Row T · N + e is the
 * moment after the last step.
 */
export interface RolloutBuffer {
  readonly team: TeamSpec;
  /** T */
  readonly length: number;
  /** N */
  readonly numEnvs: number;
  /** By agent: [T + 1, N, o_i] */
  readonly observations: readonly Float32Array[];
  /** [T + 1, N, s] */
  readonly states: Float32Array;
  /** By agent: [T + 1, N, A_i], 1 where allowed; empty for continuous actions */
  readonly actionMasks: readonly Float32Array[];
  /** [T + 1, N, n]: 1 where the agent can act */
  readonly active: Float32Array;
  /** By agent: [T, N, d_i], one-hot for choices, not clipped for continuous actions */
  readonly actions: readonly Float32Array[];
  /** By agent: [T, N, d_i], the ε from which the action follows */
  readonly noise: readonly Float32Array[];
  /** By agent: [T, N], log π_i(a_i | …) of the policy that acted */
  readonly logProbs: readonly Float32Array[];
  /** By agent: [T + 1, N, H_i], the GRU's state before the step; empty without one */
  readonly hidden: readonly Float32Array[];
  /** Who looked at whom, [T, N, …], and the noise that it follows from; absent where the policy draws no graph. */
  readonly graph?: DrawnGraph & { readonly noise: Float32Array };
  /** [T + 1, N]: 1 where the observation begins an episode */
  readonly episodeStarts: Float32Array;
  /** [T, N] */
  readonly rewards: Float32Array;
  /** [T, N]: 1 where the step ended the episode by the rules */
  readonly terminations: Uint8Array;
  /** [T, N]: 1 where it was cut off */
  readonly truncations: Uint8Array;
  /** One for each 1 in `truncations`, in the order of rows. */
  readonly finals: FinalMoment[];
}

/** A buffer of zeros. */
export function createRolloutBuffer(
  team: TeamSpec,
  {
    length,
    numEnvs,
    hiddenSizes,
    drawsGraph = false,
  }: { length: number; numEnvs: number; hiddenSizes: readonly number[]; drawsGraph?: boolean },
): RolloutBuffer {
  const moments = (size: number): Float32Array => new Float32Array((length + 1) * numEnvs * size);
  const steps = (size: number): Float32Array => new Float32Array(length * numEnvs * size);
  const agents = team.agents.length;
  const actions = () => team.actionSpaces.map((space) => steps(vectorSize(space)));
  return {
    team,
    length,
    numEnvs,
    observations: team.observationSpaces.map(({ size }) => moments(size)),
    states: moments(team.stateSpace.size),
    actionMasks: team.actionSpaces.map((space) => moments(space.kind === "discrete" ? space.n : 0)),
    active: moments(agents),
    actions: actions(),
    noise: actions(),
    logProbs: team.agents.map(() => steps(1)),
    hidden: hiddenSizes.map(moments),
    ...(drawsGraph && {
      graph: {
        edges: steps(agents * agents),
        predecessors: steps(agents * agents),
        logProb: steps(1),
        noise: steps(graphNoiseSize(agents)),
      },
    }),
    episodeStarts: moments(1),
    rewards: steps(1),
    terminations: new Uint8Array(length * numEnvs),
    truncations: new Uint8Array(length * numEnvs),
    finals: [],
  };
}
