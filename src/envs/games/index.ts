/** @file The family `games`: one payoff for all, of discrete or continuous joint actions. */

import { z } from "zod";
import { defineEnvironment, type EnvironmentDefinition } from "../definition.ts";
import { type Game, gameEnv, gameVectorEnv } from "./game.ts";
import {
  climbingPayoffs,
  flattenPayoffs,
  matrixGame,
  penaltyPayoffs,
  permutationGame,
  quadraticGame,
} from "./payoffs.ts";

const steps = z.int().min(1).max(10_000).default(1).describe("steps of an episode");

/** Games are small and noisy: few units, many environments, many epochs. */
const preset = {
  algorithm: { epochs: 15 },
  policy: { layers: 1 },
  critic: { layers: 1 },
  rollout: { environments: 50, length: 200 },
  steps: 300_000,
};

/**
 * A payoff tensor of the user's own may hide its optimum among traps from more than two agents, who then have to find it
 * from the last to the first: they explore for long (an entropy bonus that fades), and learn in many small steps.
 */
const explorationPreset = {
  ...preset,
  algorithm: {
    ...preset.algorithm,
    learningRate: 2e-3,
    criticLearningRate: 2e-3,
    entropyCoef: { from: 1, to: 0.01, fraction: 0.8 },
  },
  rollout: { environments: 50, length: 50 },
  steps: 400_000,
};

/** A game of the registry: its options, and the game that they make. */
function gameDefinition<Schema extends z.ZodType<{ readonly steps: number }>>(
  id: string,
  description: string,
  optionsSchema: Schema,
  game: (options: z.output<Schema>) => Game,
  familyPreset: Record<string, unknown> = preset,
): EnvironmentDefinition {
  return defineEnvironment({
    id,
    family: "games",
    description,
    optionsSchema,
    preset: familyPreset,
    make: (_id, options) => gameEnv(id, game(options), options.steps),
    makeVector: (_id, { numEnvs, options }) => gameVectorEnv(game(options), options.steps, numEnvs),
  });
}

const payoffTensor = z.array(z.unknown()).superRefine((tensor, context) => {
  try {
    flattenPayoffs(tensor);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

export const games: readonly EnvironmentDefinition[] = [
  gameDefinition(
    "climbing",
    "Two agents, three choices: the best joint action, 11, lies between penalties of −30.",
    z.strictObject({ steps }),
    () => matrixGame(climbingPayoffs),
  ),
  gameDefinition(
    "penalty",
    "Two agents, three choices: two joint actions pay 10, a mismatch between them costs k, a safe one pays 2.",
    z.strictObject({ k: z.number().max(0).default(-100).describe("payoff of a mismatch"), steps }),
    ({ k }) => matrixGame(penaltyPayoffs(k)),
  ),
  gameDefinition(
    "permutation",
    "n agents with n choices each are paid 1 if all choose differently.",
    z.strictObject({ agents: z.int().min(2).max(64).default(4).describe("n, agents and choices"), steps }),
    ({ agents }) => permutationGame(agents),
  ),
  gameDefinition(
    "matrix",
    "Any payoff for every joint action: n agents, any number of choices.",
    z.strictObject({
      payoffs: payoffTensor.describe("payoffs[a0][a1]…: nested lists, one level per agent"),
      steps,
    }),
    ({ payoffs }) => matrixGame(payoffs),
    explorationPreset,
  ),
  gameDefinition(
    "quadratic",
    "Continuous: each agent is drawn to its target, and all are drawn together.",
    z.strictObject({
      targets: z.array(z.number()).min(1).max(64).default([1, -1]).describe("where each agent is drawn to"),
      coupling: z.number().min(0).default(1).describe("c, how strongly the agents are drawn together"),
      steps,
    }),
    ({ targets, coupling }) => quadraticGame(targets, coupling),
  ),
];
