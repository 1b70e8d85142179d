/** @file For tests: a team in an environment of pure chance, and one iteration of samples as an algorithm gets them. */

import type { TeamSpec, VectorEnv, VectorMoment } from "../envs/env.ts";
import { box, type Space } from "../envs/spaces.ts";
import type { DependencySettings } from "../policy/dependencies.ts";
import { criticSettingsSchema, policySettingsSchema } from "../policy/settings.ts";
import { Random } from "../random.ts";
import { type Collector, createCollector } from "../rollout/collector.ts";
import { createLearner, type TeamDesign } from "./actor-critic.ts";
import type { Learner, LearnerOptions } from "./algorithm.ts";
import { bppoSettings } from "./bppo.ts";
import type { Iteration, TeamPolicies } from "./team-policies.ts";

/** What a test's team is like. */
export interface TeamShape {
  readonly actionSpaces: readonly Space[];
  readonly hasActionMasks?: boolean;
  readonly hasInactiveAgents?: boolean;
}

export const teamOf = ({ actionSpaces, hasActionMasks = false, hasInactiveAgents = false }: TeamShape): TeamSpec => ({
  agents: actionSpaces.map((_, i) => `agent_${i}`),
  observationSpaces: actionSpaces.map(() => box(3)),
  actionSpaces,
  stateSpace: box(4),
  hasActionMasks,
  hasInactiveAgents,
  hasWins: false,
});

/** Everything is drawn by chance: observations, rewards, ends of episodes, masks, who is active. */
export function randomEnv(team: TeamSpec, numEnvs: number, seed: number): VectorEnv {
  const random = new Random(seed);
  const fill = (moment: VectorMoment) => {
    for (const array of [...moment.observations, moment.states]) random.fillNormal(array);
    moment.actionMasks.forEach((mask, i) => {
      const space = team.actionSpaces[i];
      for (let k = 0; k < mask.length; k++) mask[k] = team.hasActionMasks && random.uniform() < 0.3 ? 0 : 1;
      // One choice at least is always there.
      if (space.kind === "discrete") for (let e = 0; e < numEnvs; e++) mask[e * space.n + random.integer(space.n)] = 1;
    });
    for (let k = 0; k < moment.active.length; k++) {
      moment.active[k] = team.hasInactiveAgents && random.uniform() < 0.3 ? 0 : 1;
    }
  };
  return {
    numEnvs,
    team,
    reset: (_, moment) => fill(moment),
    step(_, moment) {
      fill(moment);
      random.fillNormal(moment.rewards);
      for (const array of [...moment.finalObservations, moment.finalStates]) random.fillNormal(array);
      for (let e = 0; e < numEnvs; e++) {
        const chance = random.uniform();
        moment.terminations[e] = chance < 0.1 ? 1 : 0;
        moment.truncations[e] = chance > 0.9 ? 1 : 0;
      }
    },
    snapshot: () => undefined,
    restore() {},
    close() {},
  };
}

export interface FixtureOptions {
  readonly numEnvs?: number;
  readonly length?: number;
  readonly policy?: DependencySettings & Readonly<Record<string, unknown>>;
  readonly critic?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly design?: TeamDesign;
}

/** Options for a learner of small networks. */
export function learnerOptions(
  team: TeamSpec,
  { numEnvs = 4, length = 6, policy, critic, settings }: FixtureOptions,
): LearnerOptions {
  return {
    team,
    numEnvs,
    rolloutLength: length,
    settings: settings ?? {},
    policy: policySettingsSchema.parse({ hidden: 8, layers: 1, chunkLength: 3, ...policy }),
    critic: criticSettingsSchema.parse({ hidden: 8, layers: 1, ...critic }),
    random: new Random(11),
  };
}

export const collectorFor = (env: VectorEnv, learner: Learner, length: number, seed = 13): Promise<Collector> =>
  createCollector({
    env,
    length,
    hiddenSizes: learner.policy.hiddenSizes,
    drawsGraph: learner.policy.drawsGraph ?? false,
    random: new Random(seed),
  });

/** One iteration of a team in the environment of chance, policies as they start but with livelier heads. */
export async function sampleIteration(
  shape: TeamShape,
  options: FixtureOptions,
): Promise<{ policies: TeamPolicies; iteration: Iteration; learner: Learner }> {
  const team = teamOf(shape);
  const full = learnerOptions(team, options);
  let policies: TeamPolicies | undefined;
  let iteration: Iteration | undefined;
  const learner = await createLearner(
    { ...full, settings: bppoSettings.parse({ epochs: 1, ...options.settings }) },
    options.design ?? { autoregressive: true, criticView: "state" },
    async (made) => {
      policies = made;
      return {
        programs: [],
        async update(current) {
          iteration = current;
        },
      };
    },
  );
  const random = new Random(17);
  for (const network of new Set(policies!.networks)) {
    for (let k = 0; k < network.theta.length; k++) network.theta[k] += 0.2 * random.normal();
  }
  const collector = await collectorFor(randomEnv(team, full.numEnvs, 19), learner, full.rolloutLength);
  // Twice, so that memories are not what they start as.
  for (let i = 0; i < 2; i++) await learner.update(await collector.collect(learner.policy), { step: i, totalSteps: 2 });
  return { policies: policies!, iteration: iteration!, learner };
}
