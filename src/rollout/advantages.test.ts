/** @file Tests of the advantages: against the definition as a sum, and what ends of episodes do. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generalizedAdvantages, normalizeAdvantages } from "./advantages.ts";

/** A rollout with everything that advantages follow from. */
const rollouts = fc
  .record({ length: fc.integer({ min: 1, max: 12 }), numEnvs: fc.integer({ min: 1, max: 3 }) })
  .chain(({ length, numEnvs }) => {
    const number = fc.double({ min: -2, max: 2, noNaN: true });
    const rows = length * numEnvs;
    const all = <T>(value: fc.Arbitrary<T>, count: number) => fc.array(value, { minLength: count, maxLength: count });
    return fc.record({
      length: fc.constant(length),
      numEnvs: fc.constant(numEnvs),
      rewards: all(number, rows).map((array) => Float32Array.from(array)),
      values: all(number, rows + numEnvs).map((array) => Float32Array.from(array)),
      ends: all(fc.constantFrom("no", "no", "no", "terminated", "truncated", "both"), rows),
      finalValues: all(number, rows).map((array) => Float32Array.from(array)),
      gamma: fc.double({ min: 0, max: 1, noNaN: true }),
      gaeLambda: fc.double({ min: 0, max: 1, noNaN: true }),
    });
  })
  .map(({ ends, finalValues, ...rollout }) => ({
    ...rollout,
    terminations: Uint8Array.from(ends, (end) => (end === "terminated" || end === "both" ? 1 : 0)),
    truncations: Uint8Array.from(ends, (end) => (end === "truncated" || end === "both" ? 1 : 0)),
    finalValues: finalValues.subarray(0, ends.filter((end) => end === "truncated" || end === "both").length),
  }));

type Rollout = typeof rollouts extends fc.Arbitrary<infer T> ? T : never;

/** Σ_k (γλ)^k δ_{t+k}, up to the end of the episode or of the rollout. */
function byDefinition(rollout: Rollout, t: number, e: number): number {
  const { length, numEnvs, rewards, values, finalValues, terminations, truncations, gamma, gaeLambda } = rollout;
  let advantage = 0;
  for (let k = 0; t + k < length; k++) {
    const row = (t + k) * numEnvs + e;
    const finalIndex = truncations.subarray(0, row).filter((flag) => flag === 1).length;
    let next = values[row + numEnvs];
    if (truncations[row]) next = finalValues[finalIndex];
    if (terminations[row]) next = 0;
    advantage += (gamma * gaeLambda) ** k * (rewards[row] + gamma * next - values[row]);
    if (terminations[row] || truncations[row]) break;
  }
  return advantage;
}

describe("generalised advantages", () => {
  it("are the sums that define them", () => {
    fc.assert(
      fc.property(rollouts, (rollout) => {
        const advantages = new Float32Array(rollout.length * rollout.numEnvs);
        generalizedAdvantages(rollout, rollout, rollout, advantages);
        for (let t = 0; t < rollout.length; t++)
          for (let e = 0; e < rollout.numEnvs; e++)
            expect(advantages[t * rollout.numEnvs + e]).toBeCloseTo(byDefinition(rollout, t, e), 4);
      }),
    );
  });

  it("of a constant reward, cut off and valued rightly, are zero: a time limit is no loss", () => {
    const [gamma, length] = [0.9, 4];
    const value = 1 / (1 - gamma);
    const advantages = new Float32Array(length);
    const buffer = {
      length,
      numEnvs: 1,
      rewards: new Float32Array(length).fill(1),
      terminations: new Uint8Array(length),
      truncations: Uint8Array.of(0, 1, 0, 0),
    };
    const estimates = { values: new Float32Array(length + 1).fill(value), finalValues: Float32Array.of(value) };
    generalizedAdvantages(buffer, estimates, { gamma, gaeLambda: 0.95 }, advantages);
    for (const advantage of advantages) expect(advantage).toBeCloseTo(0, 5);
    generalizedAdvantages(
      { ...buffer, terminations: buffer.truncations, truncations: buffer.terminations },
      { ...estimates, finalValues: new Float32Array(0) },
      { gamma, gaeLambda: 0.95 },
      advantages,
    );
    expect(advantages[1]).toBeCloseTo(1 - value, 5);
    expect(advantages[2]).toBeCloseTo(0, 5);
  });
});

describe("normalisation", () => {
  it("gives mean 0 and deviation 1 over active samples, and 0 to the others", () => {
    const advantages = Float32Array.of(1, 100, 3, 5, -100);
    const weights = Float32Array.of(1, 0, 1, 1, 0);
    normalizeAdvantages(advantages, weights);
    const expected = Math.sqrt(3 / 2);
    [-expected, 0, 0, expected, 0].forEach((value, i) => {
      expect(advantages[i]).toBeCloseTo(value, 4);
    });
  });

  it("stays finite where all are alike, or none is active", () => {
    for (const weight of [1, 0]) {
      const advantages = Float32Array.of(2, 2);
      normalizeAdvantages(advantages, Float32Array.of(weight, weight));
      expect([...advantages].map(Math.abs)).toEqual([0, 0]);
    }
  });
});
