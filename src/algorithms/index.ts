/** @file The algorithms, by name. */

import type { AlgorithmDefinition } from "./algorithm.ts";
import { arMappo } from "./ar-mappo.ts";
import { bppo } from "./bppo.ts";
import { bpta } from "./bpta.ts";
import { gcs } from "./gcs.ts";
import { happo } from "./happo.ts";
import { ippo } from "./ippo.ts";
import { mappo } from "./mappo.ts";
import { mat, matDec } from "./mat.ts";

export { type AlgorithmDefinition, DivergedError, type Learner, type LearnerOptions } from "./algorithm.ts";

export const algorithms: ReadonlyMap<string, AlgorithmDefinition> = new Map(
  [bppo, bpta, arMappo, mappo, ippo, happo, mat, matDec, gcs].map((algorithm) => [algorithm.name, algorithm]),
);
