/** @file Numbers that change as training goes on. */

import { z } from "zod";

const scheduleOf = (value: z.ZodNumber) =>
  z.union([
    value,
    z.strictObject({
      from: value.describe("value at the start of training"),
      to: value.describe("value from then on"),
      fraction: z.number().gt(0).max(1).default(1).describe("fraction of training that it takes to get there"),
    }),
  ]);

/** A constant, or a straight line from one number to another over the first part of training. */
export const scheduleSchema = scheduleOf(z.number());

/** The same of a rate, which is not negative. */
export const rateSchema = scheduleOf(z.number().min(0));

export type Schedule = z.infer<typeof scheduleSchema>;

/**
 * Its value.
 * @param progress how much of training is done: 0 at its start, 1 at its end
 */
export function scheduled(schedule: Schedule, progress: number): number {
  if (typeof schedule === "number") return schedule;
  const { from, to, fraction } = schedule;
  return from + (to - from) * Math.min(progress / fraction, 1);
}
