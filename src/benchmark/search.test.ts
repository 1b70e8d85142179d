import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSettings } from "../experiment/settings.ts";
import { Random } from "../random.ts";
import { searchPoints, searchSchema } from "./search.ts";
import { roundsOf } from "./tune.ts";

const search = (settings: object) => searchSchema.parse(settings);

describe("the points of a search", () => {
  const space = {
    "algorithm.clip": { uniform: [0.1, 0.3] },
    "algorithm.learningRate": { logUniform: [1e-5, 1e-1] },
    "algorithm.epochs": { integer: [1, 3] },
    "policy.activation": { choice: ["relu", "tanh"] },
  };
  const points = searchPoints(search({ space, trials: 400 }), new Random(1));
  const values = (path: string) => points.map((point) => point[path] as number);

  test("lie in their ranges and reach all of them", () => {
    expect(Math.min(...values("algorithm.clip"))).toBeGreaterThanOrEqual(0.1);
    expect(Math.max(...values("algorithm.clip"))).toBeLessThanOrEqual(0.3);
    expect(new Set(values("algorithm.epochs"))).toEqual(new Set([1, 2, 3]));
    expect(new Set(points.map((point) => point["policy.activation"]))).toEqual(new Set(["relu", "tanh"]));
  });

  test("are spread over orders of magnitude where the range says so", () => {
    const low = values("algorithm.learningRate").filter((rate) => rate < 1e-3).length;
    // Half of them, by 400 throws of a coin; four standard deviations are 40.
    expect(Math.abs(low - 200)).toBeLessThan(40);
  });

  test("lie in ranges that are narrow, too: no digit that matters is rounded away", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.integer({ min: -9, max: 2 }), (low, order) => {
        const [uniform, logUniform] = [
          [low, low + 10 ** order],
          [1 + Math.abs(low), 1 + Math.abs(low) + 10 ** order],
        ];
        const ranges = search({ space: { a: { uniform }, b: { logUniform } }, trials: 20 });
        const points = searchPoints(ranges, new Random(1));
        for (const { a, b } of points as { a: number; b: number }[]) {
          expect(a).toBeGreaterThanOrEqual(uniform[0]);
          expect(a).toBeLessThanOrEqual(uniform[1]);
          expect(b).toBeGreaterThanOrEqual(logUniform[0]);
          expect(b).toBeLessThanOrEqual(logUniform[1]);
        }
        expect(new Set(points.map(({ a }) => a)).size).toBeGreaterThan(10);
      }),
    );
    const gamma = searchPoints(search({ space: { gamma: { uniform: [0.999, 0.9999] } } }), new Random(1));
    expect(gamma[0].gamma).toBeLessThan(0.9999);
  });

  test("stay what they are when there are more of them", () => {
    expect(searchPoints(search({ space, trials: 10 }), new Random(1))).toEqual(points.slice(0, 10));
    expect(searchPoints(search({ space, trials: 10 }), new Random(2))).not.toEqual(points.slice(0, 10));
  });
});

describe("a grid", () => {
  const space = { "algorithm.epochs": { choice: [5, 10] }, "policy.activation": { choice: ["relu", "tanh", "relu"] } };

  test("has every combination of the choices", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        (all) => {
          const choices = Object.fromEntries(all.map((choice, i) => [`s${i}`, { choice }]));
          const points = searchPoints(search({ space: choices, points: "grid" }), new Random(1));
          expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(points.length);
          expect(points).toHaveLength(all.reduce((product, choice) => product * choice.length, 1));
          for (const [path, { choice }] of Object.entries(choices))
            expect(new Set(points.map((point) => point[path]))).toEqual(new Set(choice));
        },
      ),
    );
    const one = searchPoints(search({ space, points: "grid" }), new Random(1), ["algorithm.epochs"]);
    expect(one).toEqual([{ "algorithm.epochs": 5 }, { "algorithm.epochs": 10 }]);
  });

  test("is made of choices only", () => {
    const mixed = { ...space, "algorithm.clip": { uniform: [0.1, 0.3] } };
    expect(() => parseSettings(searchSchema, { space: mixed, points: "grid" })).toThrow(
      "space.algorithm.clip: a grid is made of choices: choice: [values…]",
    );
  });
});

describe("the rounds of a search", () => {
  const rounds = (settings: object, steps: number) =>
    roundsOf(search({ space: { "algorithm.clip": { choice: [0.1] } }, ...settings }), steps);

  test("have a third of the trials each, with three times the steps", () => {
    expect(rounds({ trials: 27, minSteps: 1000 }, 27_000)).toEqual([
      { trials: 27, fraction: 1 / 27 },
      { trials: 9, fraction: 1 / 9 },
      { trials: 3, fraction: 1 / 3 },
      { trials: 1, fraction: 1 },
    ]);
    expect(rounds({ trials: 27 }, 27_000)).toHaveLength(4);
  });

  test("are no shorter than an update", () => {
    expect(rounds({ trials: 4, eta: 2 }, 300)).toHaveLength(4);
    for (const settings of [{}, { minSteps: 5 }]) {
      const made = roundsOf(search({ space: { "algorithm.clip": { choice: [0.1] } }, eta: 2, ...settings }), 300, 100);
      expect(made.map(({ fraction }) => fraction)).toEqual([1 / 2, 1]);
    }
    const long = roundsOf(search({ space: { "algorithm.clip": { choice: [0.1] } } }), 300, 400);
    expect(long.map(({ fraction }) => fraction)).toEqual([1]);
  });

  test("are refused where the first would be longer than a run", () => {
    expect(() => rounds({ minSteps: 1001 }, 1000)).toThrow(
      "search.minSteps is 1001, must be at most the steps of a run, 1000",
    );
  });

  test("go on with the one that is left, so that more trials find what it was worth at each", () => {
    const few = rounds({ trials: 4, eta: 2, minSteps: 100 }, 800);
    expect(few).toEqual([
      { trials: 4, fraction: 1 / 8 },
      { trials: 2, fraction: 1 / 4 },
      { trials: 1, fraction: 1 / 2 },
      { trials: 1, fraction: 1 },
    ]);
    const more = rounds({ trials: 40, eta: 2, minSteps: 100 }, 800);
    expect(more.map(({ fraction }) => fraction)).toEqual(few.map(({ fraction }) => fraction));
  });

  test("are one if all run to the end", () => {
    expect(rounds({ trials: 5, method: "random" }, 1000)).toEqual([{ trials: 5, fraction: 1 }]);
  });

  test("always grow in steps, shrink in trials, and end at the end", () => {
    const settings = fc.record({ trials: fc.integer({ min: 1, max: 200 }), eta: fc.integer({ min: 2, max: 5 }) });
    fc.assert(
      fc.property(
        settings,
        fc.integer({ min: 1, max: 1e7 }),
        fc.integer({ min: 1, max: 1e7 }),
        (given, minSteps, steps) => {
          fc.pre(minSteps <= steps);
          const all = rounds({ ...given, minSteps }, steps);
          expect(all[0].trials).toBe(given.trials);
          expect(all.at(-1)!.fraction).toBe(1);
          for (const [i, { trials, fraction }] of all.slice(1).entries()) {
            expect(fraction).toBeGreaterThan(all[i].fraction);
            expect(trials).toBeLessThanOrEqual(all[i].trials / given.eta < 1 ? 1 : all[i].trials / given.eta);
          }
          if (all.length > 1) expect(all[0].fraction * steps).toBeGreaterThanOrEqual(minSteps * (1 - 1e-6));
        },
      ),
    );
  });
});
