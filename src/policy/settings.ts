/** @file What can be configured of policies and critics. */

import { z } from "zod";

const trunk = {
  hidden: z.int().min(1).max(8192).default(64).describe("units of each hidden layer, and of the GRU"),
  layers: z.int().min(1).max(64).default(2).describe("hidden layers of each MLP"),
  activation: z.enum(["relu", "tanh"]).default("relu").describe("activation of the hidden layers"),
  featureNormalization: z
    .boolean()
    .default(true)
    .describe(
      "LayerNorm on what goes in: each sample less the mean of its features, over their standard deviation. It takes " +
        "away what all features of a sample have in common: all there is of a single feature, and the size of two; " +
        "set it to false for those",
    ),
};

export const policySettingsSchema = z.strictObject({
  ...trunk,
  recurrent: z.boolean().default(false).describe("a GRU after the observation's MLP"),
  chunkLength: z
    .int()
    .min(1)
    .default(10)
    .describe("recurrent: steps of truncated backpropagation through time; must divide rollout.length"),
  share: z.boolean().default(false).describe("one network for all agents, which then need equal spaces"),
  order: z
    .union([z.array(z.int().min(0)), z.literal("shuffled")])
    .optional()
    .describe(
      "the agents' indices, first to act first, or shuffled: drawn anew for each update; default: by index, or as the " +
        "dependencies need",
    ),
  dependencies: z
    .union([z.enum(["all", "none", "learned"]), z.array(z.array(z.int().min(0)))])
    .optional()
    .describe(
      "whose actions an agent's policy conditions on: all that act before it (the default of autoregressive " +
        "algorithms), none, for each agent a list of agents' indices (any acyclic graph), or learned: a generator " +
        "draws a graph in every step (the default of gcs)",
    ),
  graph: z
    .strictObject({
      heads: z.int().min(1).default(1).describe("heads of the generator's attention; must divide policy.hidden"),
      blocks: z.int().min(1).max(64).default(1).describe("the generator's attention blocks"),
      decoderHidden: z.int().min(1).max(8192).default(16).describe("units of the layer that looks at a pair of agents"),
      clip: z.number().gt(0).lt(1).default(0.2).describe("ε of the generator's clipped objective"),
      acyclicityCoef: z.number().min(0).default(1).describe("weight of the penalty on cycles, h(P)"),
      entropyCoef: z.number().min(0).default(0).describe("weight of the edges' mean entropy in its objective"),
    })
    .prefault({})
    .describe("the generator of learned dependencies"),
  stdX: z.number().gt(0).default(1).describe("x of σ = y·sigmoid(ρ/x), the standard deviation of continuous actions"),
  stdY: z.number().gt(0).default(0.5).describe("y of σ = y·sigmoid(ρ/x): the largest standard deviation"),
  stdRho: z.number().default(1).describe("ρ of σ = y·sigmoid(ρ/x) at the start"),
  temperature: z.number().gt(0).default(1).describe("τ of the relaxed action softmax((logits + G)/τ) of choices"),
});

export type PolicySettings = z.infer<typeof policySettingsSchema>;

export const criticSettingsSchema = z.strictObject({
  ...trunk,
  recurrent: z.boolean().optional().describe("a GRU after the critic's MLP; default: as the policy"),
  share: z
    .boolean()
    .optional()
    .describe("one critic for the whole team; default: yes where critics see the state or policies are shared"),
});

export type CriticSettings = z.infer<typeof criticSettingsSchema>;
