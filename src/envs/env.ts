/**
 * @file The environment interface, in two forms.
 *
 * `ParallelEnv` is what people write: PettingZoo's parallel API, in names and meaning. `VectorEnv` is what trains:
 * many copies side by side, which write into typed arrays that the caller owns, and allocate nothing per step.
 * `vectorize` (vectorize.ts) makes the second from the first; fast environments implement the second directly.
 */

import type { Recorder } from "./recording.ts";
import type { BoxSpace, Space } from "./spaces.ts";

/** An agent's action: the index of a choice, or a vector. */
export type Action = number | ArrayLike<number>;

/** Values by agent. */
export type ByAgent<T> = Readonly<Record<string, T>>;

/** What a step returns, by agent, for the agents whose episode was going on; what it says of others does not count. */
export interface StepResult {
  readonly observations: ByAgent<ArrayLike<number>>;
  readonly rewards: ByAgent<number>;
  /** The agent's episode ended by the rules: nothing of value comes after. */
  readonly terminations: ByAgent<boolean>;
  /** The agent's episode was cut off by a time limit: the value of what would have come is bootstrapped. */
  readonly truncations: ByAgent<boolean>;
  /**
   * Anything else; `won` (boolean, any agent's, at the end of an episode) is counted as the win rate, and other numbers and
   * booleans that are told then become metrics: `info.NAME`, means over agents and episodes.
   */
  readonly infos: ByAgent<Readonly<Record<string, unknown>>>;
}

/** A team's environment, one copy. See https://pettingzoo.farama.org/api/parallel/. */
export interface ParallelEnv {
  /** Every agent that can take part, in a fixed order. */
  readonly agents: readonly string[];
  /** The agents that are alive now; absent: all are, always. */
  readonly activeAgents?: readonly string[];
  /** Whether episodes can end in a win, told by `won` in an agent's info; absent: they can't. */
  readonly hasWins?: boolean;
  observationSpace(agent: string): BoxSpace;
  actionSpace(agent: string): Space;
  /** What `state()` returns. */
  readonly stateSpace: BoxSpace;
  /** Starts an episode. With a seed, the environment's random numbers start anew from it; without, they go on. */
  reset(options?: { readonly seed?: number }): {
    readonly observations: ByAgent<ArrayLike<number>>;
    readonly infos: ByAgent<Readonly<Record<string, unknown>>>;
  };
  /** Takes an action of every active agent. */
  step(actions: ByAgent<Action>): StepResult;
  /** The whole situation, for a centralised critic. */
  state(): ArrayLike<number>;
  /** For a discrete action space: 1 where a choice is allowed now, 0 where not; absent or undefined: all are. */
  actionMask?(agent: string): ArrayLike<number> | undefined;
  /**
   * Everything that decides what happens next (the random numbers' state included), as JSON-able data, so that a
   * killed run can go on exactly. Without it, a resumed run starts new episodes.
   */
  snapshot?(): unknown;
  /** Goes back to what `snapshot` returned. */
  restore?(snapshot: unknown): void;
  /** How it looks now, as SVG whose root has a `viewBox`: what `bpta render` shows. Asked for only then. */
  render?(): string;
  /** How fast that is shown; default: 10. */
  readonly stepsPerSecond?: number;
  close?(): void;
}

/** What a team looks like from outside: enough to build its policies and buffers. */
export interface TeamSpec {
  readonly agents: readonly string[];
  /** By agent, in the order of `agents`. */
  readonly observationSpaces: readonly BoxSpace[];
  readonly actionSpaces: readonly Space[];
  readonly stateSpace: BoxSpace;
  /** Whether `actionMasks` can hold zeros. */
  readonly hasActionMasks: boolean;
  /** Whether agents can become inactive before the episode's end. */
  readonly hasInactiveAgents: boolean;
  /** Whether episodes can end in a win or a loss, so that a win rate means something. */
  readonly hasWins: boolean;
}

/**
 * One moment of N environments with n agents, in arrays that the caller owns. After a step that ends an episode, the
 * environment has already started the next: `observations` are the new episode's, and `finalObservations` and
 * `finalStates` hold how the old one ended (those rows only; other rows are not touched).
 */
export interface VectorMoment {
  /** By agent: [N, observation size]. */
  readonly observations: readonly Float32Array[];
  /** [N, state size] */
  readonly states: Float32Array;
  /** By agent: [N, choices], 1 where allowed, 0 where not; empty arrays for agents with continuous actions. */
  readonly actionMasks: readonly Float32Array[];
  /** [N, n]: 1 where the agent is active (can act) at this moment. */
  readonly active: Float32Array;
  /** [N]: the team's reward of the step that led here. */
  readonly rewards: Float32Array;
  /** [N]: 1 where that step ended the episode by the rules. */
  readonly terminations: Uint8Array;
  /** [N]: 1 where it ended by a time limit. */
  readonly truncations: Uint8Array;
  /** By agent: [N, observation size]; valid where the step ended the episode. */
  readonly finalObservations: readonly Float32Array[];
  /** [N, state size]; valid where the step ended the episode. */
  readonly finalStates: Float32Array;
  /** [N]: 1 where the episode ended in a win; valid where the step ended the episode. */
  readonly wins: Uint8Array;
}

/** Some of the copies of a `VectorEnv`, whose steps are computed while the caller does something else. */
export interface VectorEnvPart {
  /**
   * Begins a step of the part's environments.
   * @param actions as of `VectorEnv.step`, of these environments
   */
  begin(actions: readonly Float32Array[]): void;
  /**
   * Waits until the step is done; must follow `begin`.
   * @param moment of these environments; is overwritten
   */
  finish(moment: VectorMoment): Promise<void> | void;
}

/** What a copy told at the end of an episode. */
export interface EpisodeInfo {
  readonly copy: number;
  readonly numbers: Readonly<Record<string, number>>;
}

/** N copies of an environment, stepped together. */
export interface VectorEnv {
  readonly numEnvs: number;
  readonly team: TeamSpec;
  /** Starts all episodes; environment e's random numbers follow from (seed, e) alone. Writes all but the step's results. */
  reset(seed: number, moment: VectorMoment): Promise<void> | void;
  /**
   * Takes one step everywhere.
   * @param actions by agent: [N, vector size]: one-hot for choices, the numbers themselves for continuous actions
   * @param moment is overwritten
   */
  step(actions: readonly Float32Array[], moment: VectorMoment): Promise<void> | void;
  /**
   * The environments in parts of equal size, in order, that can be stepped in turns: while one acts, another moves.
   * Absent: there is only `step`. How many there are does not depend on the number of threads.
   */
  readonly parts?: readonly VectorEnvPart[];
  /** Everything that decides what happens next, as JSON-able data; undefined where the environment can't tell. */
  snapshot(): Promise<unknown> | unknown;
  /** Counts since the last reset of what people should know of, by name: `divergences`, episodes lost to broken physics. */
  counters?(): Readonly<Record<string, number>>;
  /** What was told of the episodes that ended since the last call or reset, in each copy's order. Between steps only. */
  takeInfos?(): Promise<readonly EpisodeInfo[]> | readonly EpisodeInfo[];
  /** Watches these copies, so that their episodes can be shown; absent: there is nothing to see. */
  recorder?(): Promise<Recorder>;
  /** Goes back to what `snapshot` returned; writes the observations of that moment. */
  restore(snapshot: unknown, moment: VectorMoment): Promise<void> | void;
  close(): Promise<void> | void;
}
