/** @file What a page shows: episodes of one team, as JSON-able data. */

import type { Recording } from "../envs/recording.ts";
import type { Outcome } from "../evaluation/episodes.ts";

/** One episode, or a part of it. */
export interface EpisodeData {
  readonly recording: Recording;
  /** Steps of the episode before the recording's first frame, and their reward. */
  readonly stepsBefore: number;
  readonly returnBefore: number;
  /** Float32 [F − 1] in base64: the reward of the step that led to each frame but the first. */
  readonly rewards: string;
  /**
   * Uint8 [F − 1, agents] in base64: how much of its range each agent's action took in that step, mean of |a| / limit,
   * 255 is all of it; absent where actions are choices or have no limits.
   */
  readonly activity?: string | undefined;
  /** Uint8 [F − 1, agents] in base64: each agent's choice in that step; absent where actions are not (256 or fewer) choices. */
  readonly choices?: string | undefined;
  /** Uint8 [F − 1, agents] in base64, 255 is 1: how probable the policy made it. */
  readonly probabilities?: string | undefined;
  /** How the episode ended, where there is a win to be had and the recording goes to its end. */
  readonly outcome?: Outcome | undefined;
}

export interface PageData {
  readonly env: string;
  readonly algorithm: string;
  /** The run's. */
  readonly seed: number;
  /** Environment steps that the policy was trained for. */
  readonly steps: number;
  /** Whether actions were drawn, as in training, rather than greedy. */
  readonly drawn: boolean;
  readonly agents: readonly string[];
  /** By agent: what its choices mean; absent where actions are no choices. */
  readonly choiceLabels?: readonly (readonly string[])[] | undefined;
  /** At least one. */
  readonly episodes: readonly EpisodeData[];
}

/** What a film is like. */
export interface FilmSettings {
  readonly kind: "png" | "gif" | "mp4";
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly dark: boolean;
  /** Of a png: which frame of the first episode. */
  readonly frame: number;
}

/** What a browser made: the file's bytes in base64, and what was in it. */
export interface Film {
  readonly bytes: string;
  readonly frames: number;
  /** Of mp4: what the frames are encoded by. */
  readonly codec?: string;
}
