/** @file Tests of the statistics: SciPy's numbers, and whether intervals hold the truth as often as they say. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import {
  bootstrapInterval,
  interquartileMean,
  mean,
  standardDeviation,
  standardError,
  tInterval,
} from "./statistics.ts";

/** Final returns of seven runs. */
const returns = [2453, 3453, 3471, 2707, 3217, 2951, 4351];

describe("the mean", () => {
  it("comes with its spread, standard error and t interval, as SciPy has them", () => {
    expect(mean(returns)).toBe(3229);
    expect(standardDeviation(returns)).toBeCloseTo(621.7866729567841, 9);
    expect(standardError(returns)).toBeCloseTo(235.01327216827158, 9);
    const { low, high } = tInterval(returns);
    expect(low).toBeCloseTo(2653.943239155096, 8);
    expect(high).toBeCloseTo(3804.056760844904, 8);
    const wider = tInterval(returns, 0.99);
    expect(wider.low).toBeCloseTo(2357.7052093801167, 8);
    expect(wider.high).toBeCloseTo(4100.294790619883, 8);
  });

  it.each([
    [2, 0.95, 12.706204736174694],
    [3, 0.95, 4.302652729749462],
    [4, 0.95, 3.1824463052837078],
    [5, 0.99, 4.604094871349992],
    [10, 0.95, 2.262157162798205],
    [30, 0.99, 2.756385903670605],
    [201, 0.95, 1.9718962236339088],
  ])("has an interval of %i values at confidence %f that is %f standard errors wide each way", (n, confidence, t) => {
    const values = Array.from({ length: n }, (_, i) => i * i);
    const { high } = tInterval(values, confidence);
    expect((high - mean(values)) / standardError(values)).toBeCloseTo(t, 10);
  });

  it("is in its 95 % t interval 95 % of the times, with only four seeds", () => {
    const random = new Random(1);
    const trials = 4000;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { low, high } = tInterval([0, 0, 0, 0].map(() => 3 + 2 * random.normal()));
      if (low < 3 && 3 < high) held += 1;
    }
    // Three standard deviations of a count of 4,000 are 1 %.
    expect(Math.abs(held / trials - 0.95)).toBeLessThan(0.0104);
  });

  it("has no interval when there is one value only", () => {
    expect(tInterval([5])).toEqual({ low: Number.NaN, high: Number.NaN });
  });
});

describe("the bootstrap", () => {
  it("gives the interval of a mean that theory gives, when there are many values", () => {
    const random = new Random(2);
    const values = Array.from({ length: 400 }, () => random.normal());
    const { low, high } = bootstrapInterval([values], mean, { random });
    const margin = 1.96 * standardError(values);
    expect(Math.abs(mean(values) - margin - low)).toBeLessThan(0.15 * margin);
    expect(Math.abs(mean(values) + margin - high)).toBeLessThan(0.15 * margin);
  });

  it("is a function of its random numbers, and stays within the values", () => {
    const scores = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(scores, { minLength: 1, maxLength: 3 }), fc.nat(), (strata, seed) => {
        const interval = bootstrapInterval(strata, interquartileMean, { random: new Random(seed), resamples: 50 });
        expect(bootstrapInterval(strata, interquartileMean, { random: new Random(seed), resamples: 50 })).toEqual(
          interval,
        );
        const all = strata.flat();
        expect(interval.low).toBeLessThanOrEqual(interval.high);
        expect(interval.low).toBeGreaterThanOrEqual(Math.min(...all) - 1e-9);
        expect(interval.high).toBeLessThanOrEqual(Math.max(...all) + 1e-9);
      }),
    );
  });

  it("draws again within tasks, so that differences between tasks do not count as uncertainty", () => {
    const tasks = [
      [1, 1, 1],
      [9, 9, 9],
    ];
    expect(bootstrapInterval(tasks, mean, { random: new Random(0) })).toEqual({ low: 5, high: 5 });
    expect(bootstrapInterval([tasks.flat()], mean, { random: new Random(0) }).low).toBeLessThan(4);
  });

  it("refuses a task without runs", () => {
    expect(() => bootstrapInterval([[1], []], mean, { random: new Random(0) })).toThrow("task without runs");
  });
});

describe("the interquartile mean", () => {
  it("is SciPy's mean with a quarter trimmed off each end", () => {
    expect(interquartileMean(returns)).toBeCloseTo(3159.8, 10);
    expect(interquartileMean([11, 11, 7, 11, -30, 0, 5, 11, 11])).toBe(9);
    expect(interquartileMean([1, 9])).toBe(5);
  });

  it("does not change when the extremes get more extreme", () => {
    expect(interquartileMean([...returns, 1e9])).toBe(interquartileMean([...returns, 4352]));
  });
});
