/** @file The algorithms, by name. */

import type { AlgorithmDefinition } from "./algorithm.ts";
import { arMappo } from "./ar-mappo.ts";
import { bppo } from "./bppo.ts";
import { bpta } from "./bpta.ts";
import { ippo } from "./ippo.ts";
import { mappo } from "./mappo.ts";

export { type AlgorithmDefinition, DivergedError, type Learner } from "./algorithm.ts";

export const algorithms: ReadonlyMap<string, AlgorithmDefinition> = new Map(
  [bppo, bpta, arMappo, mappo, ippo].map((algorithm) => [algorithm.name, algorithm]),
);
