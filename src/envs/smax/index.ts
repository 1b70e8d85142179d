/** @file The family `smax`: StarCraft micromanagement in process, by the rules of SMAX and of SMACv2. */

import type { z } from "zod";
import { defineEnvironment, type EnvironmentDefinition } from "../definition.ts";
import type { Battles } from "./battles.ts";
import { battleParallelEnv } from "./parallel.ts";
import type { Smacv2Task } from "./smacv2/arena.ts";
import { smacv2OptionsSchema } from "./smacv2/options.ts";
import { createSmacv2Battles } from "./smacv2/rules.ts";
import { type Race, races } from "./smacv2/units.ts";
import { smaxOptionsSchema } from "./smax/options.ts";
import { createSmaxBattles } from "./smax/rules.ts";
import { describeScenario, smaxScenarios } from "./smax/scenarios.ts";
import { battlesVectorEnv } from "./vector.ts";

/** The paper's setting for SMAC: recurrent policies, 25 battles side by side, 400 steps between updates. */
const preset = {
  steps: 10_000_000,
  algorithm: { epochs: 5 },
  policy: { hidden: 64, layers: 2, recurrent: true, share: true },
  rollout: { environments: 25, length: 400 },
  evaluation: { interval: 25, episodes: 32 },
};

const matPreset = {
  description: "as MAT's authors have it for StarCraft in train_smac.sh, which has no memory",
  settings: {
    algorithm: { learningRate: 5e-4, epochs: 15 },
    policy: { recurrent: false },
    rollout: { environments: 32, length: 100 },
    // As many steps apart as with the other algorithms.
    evaluation: { interval: 80 },
  },
};

const algorithmPresets = { mat: matPreset, "mat-dec": matPreset };

const fromThousandth = { from: 1e-3, to: 0 };

const presets = {
  "large-batches": {
    description:
      "rollouts as large as JaxMARL's, in 4 minibatches, at a rate that falls to 0: where battles are hard to win",
    settings: {
      algorithm: { learningRate: fromThousandth, criticLearningRate: fromThousandth, epochs: 4, minibatches: 4 },
      policy: { chunkLength: 16 },
      rollout: { environments: 128, length: 128 },
      // As many steps apart as in the preset.
      evaluation: { interval: 15 },
    },
  },
};

/** A battle of the registry: its options, and the battles that they make. */
function battle<Schema extends z.ZodType>(
  id: string,
  description: string,
  optionsSchema: Schema,
  battles: (options: z.output<Schema>, numEnvs: number) => Battles,
): EnvironmentDefinition {
  return defineEnvironment({
    id,
    family: "smax",
    description,
    optionsSchema,
    preset,
    algorithmPresets,
    presets,
    make: (_id, options) => battleParallelEnv(id, battles(options, 1)),
    makeVector: (_id, { numEnvs, options }) => battlesVectorEnv(battles(options, numEnvs), numEnvs),
  });
}

const sizes = [
  [5, 5],
  [10, 10],
  [10, 11],
  [20, 20],
  [20, 23],
] as const;

const smacv2Tasks = (Object.keys(races) as Race[]).flatMap((race) =>
  sizes.map(([allies, enemies]): Smacv2Task => ({ race, allies, enemies })),
);

export const smax: readonly EnvironmentDefinition[] = [
  ...Object.entries(smaxScenarios).map(([id, scenario]) =>
    battle(id, `SMAX: ${describeScenario(scenario)}.`, smaxOptionsSchema, (options, numEnvs) =>
      createSmaxBattles(scenario, options, numEnvs),
    ),
  ),
  ...smacv2Tasks.map((task) => {
    const { race, allies, enemies } = task;
    const description = `SMACv2's rules: ${allies} against ${enemies} ${race} units, drawn anew for each episode.`;
    return battle(`smacv2-${race}-${allies}v${enemies}`, description, smacv2OptionsSchema, (options, numEnvs) =>
      createSmacv2Battles(task, options, numEnvs),
    );
  }),
];
