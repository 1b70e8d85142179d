/** @file What can be chosen of a MuJoCo task, and what of it is the paper's. */

import { z } from "zod";
import { categories } from "./graph.ts";

const category = z.enum(categories);

/** The defaults are the paper's setting; Gymnasium-Robotics' own are `referenceOptions`. */
export const optionsSchema = z.strictObject({
  obsk: z
    .int()
    .min(0)
    .max(100)
    .nullable()
    .default(0)
    .describe("how many edges of the robot's graph an agent sees beyond its own joints; null: the full state"),
  localCategories: z
    .array(z.array(category))
    .min(1)
    .nullable()
    .default(null)
    .describe("what an agent sees of joints at distance 0, 1, …; further ones are as the last; null: the robot's own"),
  globalCategories: z
    .array(category)
    .default([])
    .describe("what an agent sees of the parts that belong to nobody (the trunk); without effect if obsk is null"),
  ownJoints: z
    .boolean()
    .default(false)
    .describe(
      "Humanoids, ManySegmentAnt, CoupledHalfCheetah: agents see their own joints; false: those that Gymnasium-Robotics shows (see README)",
    ),
  agentId: z.boolean().default(true).describe("whether an agent's observation ends with its number, one-hot"),
  standardise: z
    .boolean()
    .default(true)
    .describe("whether each observation is standardised over its own features: (o − mean(o)) / std(o)"),
  state: z
    .strictObject({
      agentId: z
        .boolean()
        .default(true)
        .describe(
          "whether the critic's state ends with a one-hot number; it is the first agent's for all (see README)",
        ),
      standardise: z
        .boolean()
        .default(true)
        .describe("whether the critic's state is standardised over its own features"),
    })
    .prefault({})
    .describe("what the critic gets: the robot's full state, and this"),
  resetNoise: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe("scale of the noise of the initial state; 0: none; null: the robot's own"),
  clipActions: z
    .boolean()
    .default(false)
    .describe(
      "whether actions are clipped to the motors' range before they are charged for (the physics always clips); Gymnasium and the paper's code charge for them as they are drawn",
    ),
  episodeLimit: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe("steps until an episode is cut off; null: the robot's own (1,000; Reacher 50, Pusher 100)"),
});

export type MujocoOptions = z.output<typeof optionsSchema>;

/** Gymnasium-Robotics' own choices (`mamujoco_v1`), from an initial state without noise. */
export const referenceOptions: MujocoOptions = optionsSchema.parse({
  obsk: 1,
  globalCategories: ["qpos", "qvel"],
  agentId: false,
  standardise: false,
  state: { agentId: false, standardise: false },
  clipActions: false,
  resetNoise: 0,
});
