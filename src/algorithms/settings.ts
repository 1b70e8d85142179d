/** @file Settings that every algorithm has. */

import { z } from "zod";
import { rateSchema, scheduleSchema } from "../nn/schedules.ts";

/** Of the optimisers, the returns and the critic. */
export const commonSettings = {
  learningRate: rateSchema.default(5e-4).describe("Adam's learning rate for the policies: a number or a schedule"),
  criticLearningRate: rateSchema.default(5e-4).describe("the same for the critics"),
  adamEpsilon: z.number().gt(0).default(1e-5).describe("Adam's ε"),
  maxGradientNorm: z.number().gt(0).default(10).describe("a gradient longer than this is made this long"),
  gamma: z.number().min(0).max(1).default(0.99).describe("γ, discount per step"),
  gaeLambda: z.number().min(0).max(1).default(0.95).describe("λ of generalised advantage estimation"),
  entropyCoef: scheduleSchema
    .default(0.01)
    .describe("c_H, weight of the policies' entropy in their objective: a number or a schedule"),
  valueClip: z
    .number()
    .gt(0)
    .default(0.2)
    .describe("how far a value may move from the old one before its loss is clipped, in normalised units"),
  huberDelta: z.number().gt(0).default(10).describe("δ of the critics' Huber loss, in normalised units"),
  microBatch: z
    .int()
    .min(1)
    .default(2500)
    .describe("samples whose gradients are computed together, to fit the cache; changes speed only"),
  threads: z
    .int()
    .min(1)
    .default(2)
    .describe("threads that share the samples of a gradient step; results do not depend on it"),
};

const minibatches = z.int().min(1).default(1).describe("random parts of a rollout, one gradient step each, per pass");

/** Of the algorithms that step more than once per rollout. */
export const ppoSettings = {
  ...commonSettings,
  clip: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.2)
    .describe("ε, how far a probability ratio may move from 1 before it is clipped"),
  epochs: z.int().min(1).default(5).describe("K, passes over a rollout, of policies and critics"),
  minibatches,
};

/** Of the algorithms whose policies walk a rollout once. */
export const criticEpochs = {
  epochs: z.int().min(1).default(5).describe("passes of the critics over a rollout; policies make one"),
  minibatches,
};

export type CommonSettings = z.infer<z.ZodObject<typeof commonSettings>> & {
  readonly epochs: number;
  readonly minibatches: number;
};
