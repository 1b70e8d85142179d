/** @file Updates, one after the other: collect, learn, and what there is to say of both. */

import { prefixed } from "../envs/infos.ts";
import type { UpdateMetrics } from "../evaluation/records.ts";
import { mean } from "../evaluation/statistics.ts";
import { watchRewards } from "./advice.ts";
import type { RunConfig } from "./config.ts";
import type { Session } from "./session.ts";

/** How far training has come. */
export interface Counters {
  readonly update: number;
  readonly step: number;
  readonly wallSeconds: number;
}

/** The updates of a session. */
export interface Updates {
  /** Environment steps of all of training, in whole updates. */
  readonly totalSteps: number;
  /** Of those, how many were made. */
  readonly step: number;
  readonly update: number;
  /** Seconds that training has taken until now. */
  seconds(): number;
  /**
   * Takes one more update.
   * @throws DivergedError
   */
  next(): Promise<UpdateMetrics>;
}

/**
 * The updates that a session has before it.
 * @param made how far it has come; the session must be there
 * @param onNotice is told what the user should know, one line each
 */
export function updatesOf(
  session: Session,
  config: RunConfig,
  made: Counters = { update: 0, step: 0, wallSeconds: 0 },
  onNotice: (message: string) => void = () => {},
): Updates {
  const { learner, collector } = session;
  const stepsPerUpdate = config.rollout.environments * config.rollout.length;
  const totalSteps = Math.ceil(config.steps / stepsPerUpdate) * stepsPerUpdate;
  const startedAt = performance.now() - made.wallSeconds * 1000;
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  let { update, step } = made;
  let counted = session.counters();
  const unpaid = watchRewards();

  const noticeCounts = (counts: Readonly<Record<string, number>>): void => {
    for (const [name, count] of Object.entries(counts)) {
      if (count > (counted[name] ?? 0)) onNotice(`${name}: ${count} so far (${config.env.id}, step ${step})`);
    }
    counted = counts;
  };

  return {
    totalSteps,
    get step() {
      return step;
    },
    get update() {
      return update;
    },
    seconds,
    async next() {
      const collectStart = performance.now();
      const buffer = await collector.collect(learner.policy);
      const updateStart = performance.now();
      const nothing = unpaid(buffer.rewards);
      if (nothing) onNotice(nothing);
      const learning = await learner.update(buffer, { step, totalSteps });
      const updateEnd = performance.now();
      update += 1;
      step += stepsPerUpdate;
      const counts = session.counters();
      noticeCounts(counts);
      return {
        update,
        step,
        wallSeconds: seconds(),
        stepsPerSecond: (1000 * stepsPerUpdate) / (updateEnd - collectStart),
        collectSeconds: (updateStart - collectStart) / 1000,
        updateSeconds: (updateEnd - updateStart) / 1000,
        ...episodeMetrics(session),
        ...prefixed("info", session.infos()),
        ...counts,
        ...learning,
      };
    },
  };
}

/** What the episodes that ended in the last rollout came to. */
function episodeMetrics({ collector, hasWins }: Session) {
  const { count, returns, lengths, wins } = collector.episodes;
  if (count === 0) return { episodes: 0 };
  return {
    episodes: count,
    episodeReturn: mean(returns.subarray(0, count)),
    episodeLength: mean(lengths.subarray(0, count)),
    ...(hasWins && { winRate: mean(wins.subarray(0, count)) }),
  };
}
