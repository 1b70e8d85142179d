/** @file Episodes of the greedy policy: what a team has learnt, without the noise that it learnt by. */

import type { VectorEnv } from "../envs/env.ts";
import type { Numbers } from "../envs/infos.ts";
import { createMoment } from "../envs/moment.ts";
import { vectorSize } from "../envs/spaces.ts";
import { graphNoiseSize, type JointPolicy } from "../policy/joint.ts";
import type { Random } from "../random.ts";

/** How episodes went; one element per episode: those of the first copy of the environment, in order, and so on. */
export interface EvaluatedEpisodes {
  /** Undiscounted sums of the team's rewards. */
  readonly returns: Float64Array;
  /** In steps. */
  readonly lengths: Int32Array;
  /** 1 where the episode ended in a win. */
  readonly wins: Uint8Array;
  /** Numbers that the environment told at its end, where it did. */
  readonly infos: readonly Numbers[];
  /** What the environment counted while they were played, where it did (`divergences`). */
  readonly counters: Numbers;
}

export type Outcome = "won" | "lost" | "cut off";

/** A moment of an episode, for whoever watches. */
export interface EpisodeMoment {
  readonly episode: number;
  /** The copy of the environment that plays it. */
  readonly copy: number;
  /** Steps so far; 0: the episode begins, and there is no reward nor action yet. */
  readonly step: number;
  /** Of the step that led here. */
  readonly reward: number;
  /** By agent: [N, d_i], of the step that led here; in memory that is used again. */
  readonly actions: readonly Float32Array[];
  /** By agent: [N], the logarithms of their probabilities (densities) by the policy. */
  readonly logProbs: readonly Float32Array[];
  /** Whether this is the episode's last moment. */
  readonly ended: boolean;
  /** Then: whether the environment says so, and has begun the next by now; or it goes on, and was cut off. */
  readonly over: boolean;
  /** Then: how it ended, by the rules in a win or not, or by a time limit. */
  readonly outcome?: Outcome | undefined;
}

/** How episodes are played. */
export interface EpisodeSettings {
  readonly episodes: number;
  /** What the environment is started from. */
  readonly seed: number;
  /**
   * Steps after which an episode that goes on counts as one, and what comes after as the next: an environment without
   * end is judged by stretches of that length. Default: as long as they take.
   */
  readonly maxEpisodeSteps?: number | undefined;
  /** Where actions are to be drawn as in training: where their noise comes from; absent: they are greedy. */
  readonly random?: Random | undefined;
  /** Is told of every moment of the episodes. */
  readonly onMoment?: ((moment: EpisodeMoment) => void) | undefined;
  /** Once aborted, the next step throws its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Plays exactly `episodes` episodes with the greedy action (the mean, the most probable choice), or with drawn ones.
 *
 * How many each copy of the environment plays is settled beforehand: had the first to finish counted, short episodes
 * would be over-represented.
 *
 * @param policy must be made for as many environments as `env` has
 */
export async function evaluatePolicy(
  policy: JointPolicy,
  env: VectorEnv,
  { episodes, seed, maxEpisodeSteps = Number.POSITIVE_INFINITY, random, onMoment, signal }: EpisodeSettings,
): Promise<EvaluatedEpisodes> {
  const { team, numEnvs } = env;
  if (policy.numEnvs !== numEnvs)
    throw new RangeError(`the policy is made for ${policy.numEnvs} environments, the evaluation has ${numEnvs}`);
  const floats = (sizes: readonly number[]) => sizes.map((size) => new Float32Array(numEnvs * size));
  const actionSizes = team.actionSpaces.map(vectorSize);
  const moment = createMoment(team, numEnvs);
  const episodeStarts = new Float32Array(numEnvs).fill(1);
  const noise = floats(actionSizes);
  const graphNoise = policy.drawsGraph ? new Float32Array(numEnvs * graphNoiseSize(team.agents.length)) : undefined;
  const actions = floats(actionSizes);
  const logProbs = floats(team.agents.map(() => 1));
  // The memory after a step is that before the next: two sets of arrays take turns.
  const memories = [floats(policy.hiddenSizes), floats(policy.hiddenSizes)];
  const turns = memories.map((hidden, turn) => ({
    inputs: {
      observations: moment.observations,
      actionMasks: moment.actionMasks,
      noise,
      graphNoise,
      hidden,
      episodeStarts,
    },
    outputs: { actions, logProbs, hidden: memories[1 - turn] },
  }));

  // Copy e plays the episodes from firstEpisode(e) to firstEpisode(e + 1).
  const firstEpisode = (e: number): number => Math.floor((e * episodes) / numEnvs);
  const next = Int32Array.from({ length: numEnvs }, (_, e) => firstEpisode(e));
  const returns = new Float64Array(episodes);
  const lengths = new Int32Array(episodes);
  const wins = new Uint8Array(episodes);
  let left = episodes;

  const drawNoise = (from: Random): void => {
    team.actionSpaces.forEach(({ kind }, i) => {
      if (kind === "discrete") from.fillGumbel(noise[i]);
      else from.fillNormal(noise[i]);
    });
    if (graphNoise) from.fillGumbel(graphNoise);
  };
  const isOver = (e: number): boolean => moment.terminations[e] === 1 || moment.truncations[e] === 1;
  const outcomeOf = (e: number): Outcome => {
    if (!isOver(e)) return "cut off";
    if (moment.wins[e] === 1) return "won";
    return moment.terminations[e] === 1 ? "lost" : "cut off";
  };
  const tell = (copy: number, episode: number, reward: number, ended: boolean): void =>
    onMoment?.({
      ...{ episode, copy, step: lengths[episode], reward, actions, logProbs, ended },
      over: ended && isOver(copy),
      outcome: ended ? outcomeOf(copy) : undefined,
    });
  const tellOfStart = (e: number): void => {
    if (next[e] < firstEpisode(e + 1)) tell(e, next[e], 0, false);
  };

  await policy.refresh();
  await env.reset(seed, moment);
  const before = env.counters?.() ?? {};
  for (let e = 0; e < numEnvs; e++) tellOfStart(e);
  for (let t = 0; left > 0; t++) {
    const { inputs, outputs } = turns[t % 2];
    signal?.throwIfAborted();
    if (random) drawNoise(random);
    await policy.act(inputs, outputs);
    await env.step(actions, moment);
    for (let e = 0; e < numEnvs; e++) {
      const over = isOver(e);
      episodeStarts[e] = over ? 1 : 0;
      const episode = next[e];
      if (episode === firstEpisode(e + 1)) continue;
      returns[episode] += moment.rewards[e];
      lengths[episode] += 1;
      const ended = over || lengths[episode] === maxEpisodeSteps;
      tell(e, episode, moment.rewards[e], ended);
      if (!ended) continue;
      wins[episode] = over ? moment.wins[e] : 0;
      next[e] += 1;
      left -= 1;
      tellOfStart(e);
    }
  }
  const infos: Numbers[] = Array.from({ length: episodes }, () => ({}));
  const place = Int32Array.from({ length: numEnvs }, (_, e) => firstEpisode(e));
  // Copies that were done early went on playing.
  for (const { copy, numbers } of (await env.takeInfos?.()) ?? [])
    if (place[copy] < firstEpisode(copy + 1)) infos[place[copy]++] = numbers;
  const counted = Object.entries(env.counters?.() ?? {}).map(([name, count]) => [name, count - (before[name] ?? 0)]);
  const counters = Object.fromEntries(counted.filter(([, count]) => count !== 0));
  return { returns, lengths, wins, infos, counters };
}
