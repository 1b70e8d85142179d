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

const matAlgorithm = { learningRate: 5e-5, epochs: 10, minibatches: 40, maxGradientNorm: 0.5, entropyCoef: 0.001 };

const algorithmPresets = {
  mat: {
    description: "MAT's settings in its authors' train_mujoco.sh; what agents observe there, too: the preset trunk",
    settings: { algorithm: matAlgorithm },
  },
  "mat-dec": {
    description:
      "MAT-Dec's settings in its authors' train_mujoco.sh and train_mujoco.py; what agents observe there, too: the preset trunk",
    settings: { algorithm: matAlgorithm, policy: { share: true } },
  },
};

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
  trunk: {
    description: "every agent observes, besides its own joints, how the trunk is and moves, as in MAT's code",
    settings: { env: { options: { globalCategories: ["qpos", "qvel"] } } },
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
