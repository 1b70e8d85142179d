/** @file The family `football`: Google Research Football, the game itself, in Python processes (README.md). */

import { z } from "zod";
import { defineEnvironment, type EnvironmentDefinition } from "../definition.ts";
import type { VectorEnv } from "../env.ts";
import { processOptions, pythonParallelEnv } from "../python/index.ts";
import { createPythonVectorEnv } from "../python/vector.ts";
import { discrete } from "../spaces.ts";
import { createPitchRecorder } from "./recorder.ts";

const optionsSchema = z.strictObject({
  agents: z
    .int()
    .min(1)
    .max(11)
    .nullable()
    .default(null)
    .describe("players that agents move, the game's own AI moves the others; null: as many as in the literature"),
  rewards: z
    .enum(["scoring", "scoring,checkpoints"])
    .default("scoring,checkpoints")
    .describe(
      "1 for a goal, −1 for one of the opponents'; checkpoints: also up to 1 for carrying the ball to the goal",
    ),
  state: z
    .enum(["global", "observations"])
    .default("global")
    .describe("what critics see: the whole game once, or the agents' observations one after the other"),
  stacked: z.boolean().default(false).describe("observe the last four moments, the oldest first, instead of the last"),
  ...processOptions,
  // A game takes a quarter of a second to start, and there may be fifty in a process.
  timeLimitSeconds: processOptions.timeLimitSeconds.default(300),
});

type FootballOptions = z.output<typeof optionsSchema>;

/** The setting of MAPPO's published scripts, and of the paper's. */
const preset = {
  steps: 20_000_000,
  algorithm: { epochs: 15, minibatches: 2 },
  policy: { hidden: 64, layers: 2, share: true },
  rollout: { environments: 50, length: 200, workers: 2 },
  evaluation: { interval: 20, episodes: 100 },
};

/** The 19 actions. The game's "top" is +y of a recording. */
const ACTIONS = [
  ...["idle", "left", "top_left", "top", "top_right", "right", "bottom_right", "bottom", "bottom_left"],
  ...["long_pass", "high_pass", "short_pass", "shot", "sprint", "release_direction", "release_sprint"],
  ...["sliding", "dribble", "release_dribble"],
] as const;

const scenarios: Readonly<Record<string, string>> = {
  academy_3_vs_1_with_keeper: "three attack one defender and a keeper",
  academy_counterattack_easy: "four counterattack, most opponents far behind",
  academy_counterattack_hard: "four counterattack against more defenders",
  academy_corner: "a corner, taken by ten",
  academy_pass_and_shoot_with_keeper: "two pass and shoot past a defender and a keeper",
  academy_run_pass_and_shoot_with_keeper: "two run, pass and shoot past a defender and a keeper",
  "5_vs_5": "a whole game of five against five",
  "11_vs_11_easy_stochastic": "a whole game of eleven against eleven, easy opponents",
};

function footballVectorEnv(
  id: string,
  scenario: string,
  options: FootballOptions,
  numEnvs: number,
  workers: number,
): VectorEnv {
  const { python, timeLimitSeconds, maxRestarts, ...args } = options;
  const env = createPythonVectorEnv({
    id,
    module: "football",
    variant: scenario,
    args,
    python,
    timeLimitSeconds,
    maxRestarts,
    numEnvs,
    processes: workers,
  });
  return {
    ...env,
    team: { ...env.team, actionSpaces: env.team.agents.map(() => discrete(ACTIONS.length, ACTIONS)) },
    recorder: async () => createPitchRecorder(env.scene),
  };
}

export const football: readonly EnvironmentDefinition[] = Object.entries(scenarios).map(([scenario, description]) => {
  const name = `football-${scenario}`;
  return defineEnvironment({
    id: name,
    family: "football",
    description: `Google Research Football: ${description}.`,
    optionsSchema,
    preset,
    make: (id, options) => pythonParallelEnv(id, footballVectorEnv(id, scenario, options, 1, 1)),
    makeVector: (id, { numEnvs, workers, options }) => footballVectorEnv(id, scenario, options, numEnvs, workers),
  });
});
