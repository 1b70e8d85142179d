/** @file Numbers that change as training goes on. */

import { z } from "zod";
import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";

/** A constant, or a straight line from one number to another over the first part of training. */
export const scheduleSchema = z.union([
  z.number(),
  z.strictObject({
    from: z.number().describe("value at the start of training"),
    to: z.number().describe("value from then on"),
    fraction: z.number().gt(0).max(1).default(1).describe("fraction of training that it takes to get there"),
  }),
]);

export type Schedule = z.infer<typeof scheduleSchema>;

/** Its value, inside traced code, when `progress` [] (0 at the start of training, 1 at its end) has been made. */
export function scheduled(schedule: Schedule, progress: Traced): Traced {
  if (typeof schedule === "number") return np.array(schedule);
  const { from, to, fraction } = schedule;
  return np
    .minimum(progress.div(fraction), 1)
    .mul(to - from)
    .add(from);
}
