/** @file What can be chosen of an SMAX battle; the defaults are JaxMARL's `HeuristicEnemySMAX`. */

import { z } from "zod";

export const smaxOptionsSchema = z.strictObject({
  observationType: z
    .enum(["unit_list", "conic"])
    .default("unit_list")
    .describe("what agents see: every other unit in a place of its own, or the first two units in each of 32 sectors"),
  actionType: z
    .enum(["discrete", "continuous"])
    .default("discrete")
    .describe("choices (move, stop, attack whom), or four numbers (see README)"),
  seeEnemyActions: z.boolean().default(true).describe("whether agents see what enemies did last, as they do of allies"),
  wallsCauseDeath: z.boolean().default(true).describe("whether a unit that touches the edge of the map dies"),
  winBonus: z.number().default(1).describe("reward for winning, over that for damage (which is 1 in all)"),
  enemyShoots: z.boolean().default(true).describe("whether the enemies shoot, or only follow"),
  enemyTargets: z
    .enum(["closest", "random"])
    .default("closest")
    .describe("whom an enemy shoots at until one of the two is dead or out of range"),
  // JaxMARL counts a step only after it has asked whether time is over: its `max_steps` of 100 are 101.
  episodeLimit: z.int().min(1).default(101).describe("steps until an episode is cut off"),
});

export type SmaxOptions = z.output<typeof smaxOptionsSchema>;
