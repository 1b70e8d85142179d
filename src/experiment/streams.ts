/** @file A run's streams of random numbers, all split off its seed. */

import { Random } from "../random.ts";

const labels = { learner: 0, collector: 1, evaluation: 2 } as const;

/** The stream of one part of a run; the streams have nothing to do with one another. */
export const runStream = (seed: number, part: keyof typeof labels): Random => new Random(seed).split(labels[part]);
