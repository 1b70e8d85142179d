import { expect, test } from "vitest";
import { box, discrete } from "../envs/spaces.ts";
import { bppo } from "./bppo.ts";
import { collectorFor, learnerOptions, randomEnv, teamOf } from "./fixture.ts";
import { mappo } from "./mappo.ts";

test.each([
  { algorithm: bppo, recurrent: false, share: false, spaces: [discrete(3), box(2)] },
  { algorithm: bppo, recurrent: true, share: true, spaces: [box(1), box(1)] },
  { algorithm: mappo, recurrent: false, share: false, spaces: [box(2), box(2)] },
])("$algorithm.name: two threads compute what one does, bit for bit (memory: $recurrent)", async (shape) => {
  const { algorithm, recurrent, share, spaces } = shape;
  const team = teamOf({ actionSpaces: spaces, hasInactiveAgents: true });
  const length = 12;
  const states: number[][] = [];
  for (const threads of [1, 2]) {
    const settings = { threads, microBatch: 5, epochs: 2 };
    const policy = { recurrent, share, chunkLength: 3 };
    const critic = { background: threads > 1 };
    const options = learnerOptions(team, { length, numEnvs: 4, settings, policy, critic });
    const learner = await algorithm.create(options);
    const collector = await collectorFor(randomEnv(team, 4, 3), learner, length);
    const metrics: number[] = [];
    for (let update = 0; update < 2; update++) {
      const buffer = await collector.collect(learner.policy);
      metrics.push(...Object.values(await learner.update(buffer, { step: update, totalSteps: 2 })));
    }
    states.push([...[...learner.state.values()].flatMap((array) => [...array]), ...metrics]);
    await learner.release();
  }
  expect(states[0].length).toBeGreaterThan(100);
  expect(states[1]).toEqual(states[0]);
});
