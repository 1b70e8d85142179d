/** @file The family `mujoco`: DeepMind's physics, robots shared by a team. */

import { defineEnvironment, type EnvironmentDefinition } from "../definition.ts";
import { optionsSchema } from "./options.ts";
import { createParallelEnv } from "./parallel.ts";
import type { RobotFamily } from "./robot.ts";
import { robotFamilies } from "./robots/index.ts";
import { createVectorEnv } from "./vector.ts";

/** The paper's setting for Multi-Agent MuJoCo. */
const preset = {
  steps: 10_000_000,
  algorithm: { epochs: 5, learningRate: 3e-4, criticLearningRate: 3e-4, entropyCoef: 0 },
  policy: { hidden: 64, layers: 2 },
  critic: { share: false },
  rollout: { environments: 40, length: 100, workers: 2 },
  // An episode has 1,000 steps: more of them, or more often, would take a good part of the time.
  evaluation: { interval: 100, episodes: 10 },
};

const matPreset = {
  description: "as MAT's authors have it in train_mujoco.sh, on the same copies and steps per update",
  settings: {
    algorithm: { learningRate: 5e-5, epochs: 10, minibatches: 40, maxGradientNorm: 0.5, entropyCoef: 0.001 },
  },
};

const algorithmPresets = { mat: matPreset, "mat-dec": matPreset };

const presets = {
  "fading-feedback": {
    description: "feedback fades over the first 3 of 10 million steps: biased at first, an unbiased direction later",
    settings: { algorithm: { peerCoef: { from: 1, to: 0, fraction: 0.3 } } },
  },
  "full-state": {
    description: "every agent observes the robot's full state instead of its own joints",
    settings: { env: { options: { obsk: null } } },
  },
  "running-normalization": {
    description: "observations and state are normalised by their running mean and deviation, not over their features",
    settings: {
      env: { options: { standardise: false, state: { standardise: false } } },
      rollout: { normalizeObservations: true },
    },
  },
};

function definition(id: string, description: string, pattern?: RegExp): EnvironmentDefinition {
  return defineEnvironment({
    id,
    ...(pattern && { pattern }),
    family: "mujoco",
    description,
    optionsSchema,
    preset,
    algorithmPresets,
    presets,
    make: createParallelEnv,
    makeVector: createVectorEnv,
  });
}

/** One definition for each factorisation, or one for all where there are endlessly many. */
function definitions({ name, description, factorisations }: RobotFamily): readonly EnvironmentDefinition[] {
  if ("form" in factorisations)
    return [definition(`${name}-${factorisations.form}`, description, new RegExp(`^${name}-`))];
  return factorisations.map((factorisation) => definition(`${name}-${factorisation}`, description));
}

export const mujoco: readonly EnvironmentDefinition[] = robotFamilies.flatMap(definitions);
