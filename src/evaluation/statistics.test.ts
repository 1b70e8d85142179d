/** @file Tests of the statistics: the numbers of SciPy and rliable, and whether intervals hold the truth as often as they say. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import {
  aggregateInterquartileMean,
  aggregateMean,
  aggregateMedian,
  aggregateOptimalityGap,
  bootstrapInterval,
  fractionAbove,
  type Interval,
  interquartileMean,
  mean,
  probabilityOfImprovement,
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

describe("numbers over tasks with different numbers of runs", () => {
  const repeated = (scores: readonly number[], times: number) => Array.from({ length: times }, () => scores).flat();

  it("are those of tasks that have each run as often as makes them equal", () => {
    const scores = fc.array(fc.double({ min: -1, max: 2, noNaN: true }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(scores, { minLength: 1, maxLength: 4 }), (byTask) => {
        // 60 is a multiple of all lengths; four times that, and quarters are whole.
        const equal = byTask.map((own) => repeated(own, 240 / own.length));
        // Of equal numbers, rliable rounds the quarters to whole runs.
        if (new Set(byTask.map(({ length }) => length)).size > 1) {
          expect(aggregateInterquartileMean(byTask)).toBeCloseTo(aggregateInterquartileMean(equal), 9);
        }
        expect(aggregateOptimalityGap(byTask)).toBeCloseTo(aggregateOptimalityGap(equal), 9);
        expect(fractionAbove(byTask, 0.5)).toBeCloseTo(fractionAbove(equal, 0.5), 9);
      }),
    );
  });

  it("do not favour an algorithm for the tasks on which it has been run the most", () => {
    const [easy, hard] = [1, 0].map((score) => repeated([score], 10));
    expect(aggregateInterquartileMean([easy, hard.slice(8)])).toBe(aggregateInterquartileMean([easy, hard]));
  });
});

/** What one repetition of rliable's bootstrap gave, over several: the ends of the interval, and how far they scatter. */
interface Estimate {
  readonly point: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Standard deviations of `low` and `high` over repetitions. */
  readonly spread: readonly [readonly number[], readonly number[]];
}

describe("rliable's numbers (scripts/rliable-golden.py)", () => {
  const golden = JSON.parse(readFileSync(new URL("golden/rliable.json", import.meta.url), "utf8")) as {
    readonly resamples: number;
    readonly thresholds: readonly number[];
    readonly scores: Readonly<Record<string, readonly (readonly number[])[]>>;
    readonly aggregateNames: readonly string[];
    readonly aggregates: Readonly<Record<string, Estimate>>;
    readonly profiles: Readonly<Record<string, Estimate>>;
    readonly improvement: Readonly<Record<string, Estimate>>;
  };
  const methods = Object.keys(golden.scores);
  const statistics: Readonly<Record<string, (pooled: Float64Array, byTask: readonly Float64Array[]) => number>> = {
    mean: (_, byTask) => aggregateMean(byTask),
    median: (_, byTask) => aggregateMedian(byTask),
    interquartileMean: (_, byTask) => aggregateInterquartileMean(byTask),
    optimalityGap: (_, byTask) => aggregateOptimalityGap(byTask),
  };

  /**
   * Points are the same but for rounding; ends of intervals within four standard errors of either bootstrap, or at the
   * next value, where the statistic takes values this far apart.
   */
  function expectEstimate(estimate: Estimate, i: number, point: number, interval: () => Interval, apart = 0) {
    expect(point).toBeCloseTo(estimate.point[i], 12);
    const { low, high } = interval();
    const margin = (end: 0 | 1) => 4 * estimate.spread[end][i] * Math.sqrt(1 + 1 / 12) + apart + 1e-9;
    expect(Math.abs(low - estimate.low[i])).toBeLessThanOrEqual(margin(0));
    expect(Math.abs(high - estimate.high[i])).toBeLessThanOrEqual(margin(1));
  }
  const options = (seed: number) => ({ random: new Random(seed), resamples: golden.resamples });

  it.each(methods)("of aggregates, method %s", (method) => {
    const byTask = golden.scores[method].map((scores) => Float64Array.from(scores));
    const pooled = Float64Array.from(golden.scores[method].flat());
    for (const [i, name] of golden.aggregateNames.entries()) {
      const statistic = statistics[name];
      expectEstimate(golden.aggregates[method], i, statistic(pooled, byTask), () =>
        bootstrapInterval(byTask, statistic, options(i)),
      );
    }
  });

  it.each(methods)("of performance profiles, method %s", (method) => {
    const byTask = golden.scores[method];
    for (const [i, threshold] of golden.thresholds.entries()) {
      const interval = () => bootstrapInterval(byTask, (_, drawn) => fractionAbove(drawn, threshold), options(i));
      expectEstimate(golden.profiles[method], i, fractionAbove(byTask, threshold), interval, 1 / byTask.flat().length);
    }
  });

  it.each(Object.keys(golden.improvement))("of the probability of improvement, %s", (pair) => {
    const [x, y] = pair.split(",").map((method) => golden.scores[method]);
    expectEstimate(golden.improvement[pair], 0, probabilityOfImprovement(x, y), () =>
      bootstrapInterval(
        [...x, ...y],
        (_, byTask) => probabilityOfImprovement(byTask.slice(0, x.length), byTask.slice(x.length)),
        options(0),
      ),
    );
  });

  it("are symmetric: who is not better, and not equal, is worse", () => {
    const scores = fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 5 }), {
      minLength: 2,
      maxLength: 2,
    });
    fc.assert(
      fc.property(scores, scores, (x, y) => {
        expect(probabilityOfImprovement(x, y) + probabilityOfImprovement(y, x)).toBeCloseTo(1, 12);
        expect(probabilityOfImprovement(x, x)).toBe(0.5);
      }),
    );
  });
});
