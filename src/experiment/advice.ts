/** @file What in a team's spaces goes badly with a configuration: nothing that is wrong, but learning will suffer. */

import type { AlgorithmDefinition } from "../algorithms/algorithm.ts";
import type { TeamSpec } from "../envs/env.ts";
import type { BoxSpace, Space } from "../envs/spaces.ts";
import { differences } from "../trees.ts";
import { type RunConfig, resolveConfig } from "./config.ts";

/** Policies start at 0 ± 0.37: bounds whose half is this much wider or narrower than 1 are out of proportion. */
const PROPORTION = 4;

/** Sizes of which LayerNorm leaves nothing, and next to nothing; to be regretted where there is something to see. */
const FEW_FEATURES = [1, 2];

/** Notices for the user, one line each, that say what to set. */
export function adviceFor(
  team: TeamSpec,
  { policy, critic, rollout }: Pick<RunConfig, "policy" | "critic" | "rollout">,
  { unused = [] }: Pick<AlgorithmDefinition, "unused"> = {},
): string[] {
  const advice: string[] = [];
  const few = ({ size, low, high }: BoxSpace) => FEW_FEATURES.includes(size) && low.some((from, k) => from < high[k]);
  const lost = (who: string, size: number, setting: string): string =>
    `${who} ${size === 1 ? "one number" : "two numbers"}; LayerNorm on what goes in leaves ` +
    `${size === 1 ? "nothing of it" : "of them which is larger, and not by how much"}: consider ${setting}=false`;
  const narrow = team.observationSpaces.findIndex(few);
  if (policy.featureNormalization && narrow >= 0) {
    const { size } = team.observationSpaces[narrow];
    advice.push(lost(`${team.agents[narrow]} observes`, size, "policy.featureNormalization"));
  }
  if (critic.featureNormalization && !unused.includes("critic") && few(team.stateSpace)) {
    advice.push(lost("the state is", team.stateSpace.size, "critic.featureNormalization"));
  }
  const strange = rollout.scaleActions ? [] : team.actionSpaces.map(oddElement);
  const acting = strange.findIndex((element) => element >= 0);
  if (acting >= 0) {
    const { low, high } = team.actionSpaces[acting] as BoxSpace;
    const [from, to] = [low, high].map((bounds) => Number(bounds[strange[acting]].toPrecision(6)));
    advice.push(
      `${team.agents[acting]}'s actions go from ${from} to ${to}, and policies start at 0 ± 0.37 whatever the bounds: ` +
        "consider rollout.scaleActions=true",
    );
  }
  return advice;
}

/** Notices of settings that are not what they would be by themselves, and that the algorithm has no use for. */
export async function unusedSettings(
  { title, unused = [] }: Pick<AlgorithmDefinition, "title" | "unused">,
  config: RunConfig,
): Promise<string[]> {
  if (unused.length === 0) return [];
  const usual = await resolveConfig({ env: config.env, algorithm: { name: config.algorithm.name } });
  return differences(usual, JSON.parse(JSON.stringify(config)))
    .filter(({ path }) => unused.some((known) => path === known || path.startsWith(`${known}.`)))
    .map(({ path, after }) => `${path} is ${JSON.stringify(after)}, but ${title} has no use for it`);
}

/** Updates without a reward after which that is told. */
const UNPAID_UPDATES = 10;

/**
 * Watches rewards until one is not 0.
 * @returns takes an update's rewards; where all have been 0 for long, a notice, once
 */
export function watchRewards(): (rewards: Float32Array) => string | undefined {
  let unpaid: number | undefined = 0;
  return (rewards) => {
    if (unpaid === undefined || rewards.some((reward) => reward !== 0)) {
      unpaid = undefined;
      return;
    }
    unpaid += 1;
    if (unpaid < UNPAID_UPDATES) return;
    unpaid = undefined;
    return (
      `all rewards of ${UNPAID_UPDATES} updates were 0, so there was nothing to learn from ` +
      "(a team's reward is the mean of its agents', which is 0 where what one wins another loses)"
    );
  };
}

/** The first element whose bounds lie far from −1 and 1, or whose middle lies far from 0; −1: there is none. */
const oddElement = (space: Space): number =>
  space.kind === "discrete"
    ? -1
    : space.low.findIndex((from, k) => {
        const [half, middle] = [(space.high[k] - from) / 2, (space.high[k] + from) / 2];
        if (!Number.isFinite(half)) return false;
        return half > PROPORTION || half < 1 / PROPORTION || Math.abs(middle) > half / 2;
      });
