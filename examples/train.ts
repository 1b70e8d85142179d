/** @file Training from code: BPPO learns the climbing game. Run it with `npx tsx examples/train.ts`. */

import { train } from "bpta";

const { path, stepsPerSecond, evaluation } = await train(
  {
    env: { id: "climbing" },
    algorithm: { name: "bppo", peerCoef: 1 },
    rollout: { length: 50 },
    seed: 0,
    steps: 100_000,
  },
  {
    onProgress(event) {
      if (event.kind !== "update" || event.metrics.update % 10 !== 0) return;
      console.log(`step ${event.metrics.step}: return ${event.metrics.episodeReturn?.toFixed(2)}`);
    },
  },
);

console.log(`${Math.round(stepsPerSecond)} steps per second; the run is in ${path}`);
console.log(`greedy return: ${evaluation.meanReturn} (the best joint action pays 11)`);
