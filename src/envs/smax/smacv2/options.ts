/** @file What can be chosen of a battle by SMACv2's rules; the defaults are those of SMACv2's own configurations. */

import { z } from "zod";

export const smacv2OptionsSchema = z.strictObject({
  conicFov: z
    .boolean()
    .default(false)
    .describe("whether agents see and attack within a cone of 30° only, which they turn with twelve more choices"),
  reflectProbability: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("how often enemies start as the allies' reflections; otherwise they surround them"),
  episodeLimit: z.int().min(1).default(200).describe("steps until an episode is cut off"),
  reward: z
    .strictObject({
      sparse: z
        .boolean()
        .default(false)
        .describe("1 for a win, −1 for a defeat, and nothing else; `scaleTo` scales these too"),
      death: z.number().default(10).describe("for a killed enemy; for every point of damage it is 1"),
      win: z.number().default(200).describe("for a win"),
      defeat: z.number().max(0).default(0).describe("for a defeat"),
      onlyPositive: z.boolean().default(true).describe("whether the damage and deaths of allies cost nothing"),
      negativeScale: z.number().min(0).default(0.5).describe("what they cost otherwise, as a share of the enemies'"),
      scaleTo: z
        .number()
        .gt(0)
        .nullable()
        .default(20)
        .describe("what the most that an episode can pay (recovery aside) is scaled to; null: not scaled"),
    })
    .prefault({})
    .describe("what pays"),
});

export type Smacv2Options = z.output<typeof smacv2OptionsSchema>;
