import { expect, test } from "vitest";
import { box, discrete } from "../envs/spaces.ts";
import { collectorFor, learnerOptions, randomEnv, teamOf } from "./fixture.ts";
import { cutSamples, microBatchSequences, rolloutSequences, rowCount, shareSequences } from "./minibatch.ts";
import { algorithms } from "./registry.ts";

test.each([
  ["numbers", false],
  ["choices, with memory", true],
])("what is learnt does not depend on the number of threads: %s", async (_, recurrent) => {
  const team = teamOf({ actionSpaces: recurrent ? [discrete(3), discrete(2)] : [box(2), box(1)] });
  const states = [];
  for (const threads of [1, 2, 3]) {
    const [numEnvs, length] = [125, 18];
    const settings = { threads, epochs: 2, microBatch: 250 };
    const learner = await algorithms
      .get("bppo")!
      .create({ ...learnerOptions(team, { numEnvs, length, policy: { recurrent }, settings }) });
    const collector = await collectorFor(randomEnv(team, numEnvs, 3), learner, length);
    for (let step = 0; step < 2; step++)
      await learner.update(await collector.collect(learner.policy), { step, totalSteps: 2 });
    states.push(structuredClone(learner.state));
    await learner.release();
  }
  expect(states[1]).toEqual(states[0]);
  expect(states[2]).toEqual(states[0]);
});

test("shares and micro-batches are whole blocks, in order, and nothing is left over", () => {
  for (const whole of [rolloutSequences(100, 40, 1), rolloutSequences(60, 125, 3), rolloutSequences(5, 7, 1)]) {
    const shares = shareSequences(whole);
    expect(shares.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(whole.blocks);
    // Enough of them for two threads, where there is enough to do.
    expect(shares.length > 1).toBe(rowCount(whole) >= 2000);
    const rows = Float32Array.from({ length: 2 * rowCount(whole) }, (_, i) => i);
    const starts = Float32Array.from({ length: whole.blocks * whole.width }, (_, i) => i);
    const cut = cutSamples({ rows: { rows }, sequences: { starts }, fixed: {} }, whole, shares);
    expect(cut.flatMap((part) => [...part.rows.rows])).toEqual([...rows]);
    expect(cut.flatMap((part) => [...part.sequences.starts])).toEqual([...starts]);
    cut.forEach((part, i) => {
      expect(part.rows.rows.length).toBe(2 * rowCount(shares[i]));
    });
    for (const share of shares) {
      const batches = microBatchSequences(share, 300);
      expect(batches.reduce((sum, batch) => sum + rowCount(batch), 0)).toBe(rowCount(share));
    }
  }
});
