import { expect, test } from "vitest";
import { compile, float32 } from "../compile/index.ts";
import { huber } from "./losses.ts";
import { adam, clipByNorm } from "./optimizer.ts";
import { scheduled } from "./schedules.ts";
import { createValueStatistics, updateValueStatistics, valueScale } from "./value-normalizer.ts";

test("Adam's first two steps, worked out by hand", async () => {
  const program = await compile(
    "adam",
    ({ state, gradient, step }) => adam(state, gradient, step, scheduled(0.1, step), 1e-5) as never,
    {
      state: { theta: float32(1), firstMoment: float32(1), secondMoment: float32(1) },
      gradient: float32(1),
      step: float32(),
    },
  );
  let state = { theta: new Float32Array(1), firstMoment: new Float32Array(1), secondMoment: new Float32Array(1) };
  const [theta, m, v] = [0, 0, 0];
  const expected = { theta, m, v };
  for (const [i, g] of [2, -1].entries()) {
    const outputs = await program.run({
      "state.theta": state.theta,
      "state.firstMoment": state.firstMoment,
      "state.secondMoment": state.secondMoment,
      gradient: Float32Array.of(g),
      step: Float32Array.of(i + 1),
    });
    state = outputs as unknown as typeof state;
    expected.m = 0.9 * expected.m + 0.1 * g;
    expected.v = 0.999 * expected.v + 0.001 * g * g;
    const [mHat, vHat] = [expected.m / (1 - 0.9 ** (i + 1)), expected.v / (1 - 0.999 ** (i + 1))];
    expected.theta -= (0.1 * mHat) / (Math.sqrt(vHat) + 1e-5);
    expect(state.theta[0]).toBeCloseTo(expected.theta, 5);
  }
  await program.release();
});

test("a gradient is made shorter, never longer; huber; schedules", async () => {
  const program = await compile(
    "small things",
    ({ g, e, p }) => ({
      long: clipByNorm(g, 1).clipped,
      short: clipByNorm(g, 100).clipped,
      huber: huber(e, 2),
      line: scheduled({ from: 1, to: 0, fraction: 0.5 }, p),
    }),
    { g: float32(2), e: float32(3), p: float32() },
  );
  const feeds = { g: Float32Array.of(3, -4), e: Float32Array.of(1, -5, 0) };
  const { long, short, huber: h, line } = await program.run({ ...feeds, p: Float32Array.of(0.125) });
  expect(long[0]).toBeCloseTo(0.6, 5);
  expect(long[1]).toBeCloseTo(-0.8, 5);
  expect([...short]).toEqual([3, -4]);
  expect([...h]).toEqual([0.5, 8, 0]);
  expect(line[0]).toBe(0.75);
  expect((await program.run({ ...feeds, p: Float32Array.of(0.9) })).line[0]).toBe(0);
  await program.release();
});

test("value statistics are those of all values so far, whatever their offset; weights of 0 count for nothing", () => {
  const statistics = createValueStatistics();
  expect(valueScale(statistics)).toEqual({ mean: 0, std: 1 });
  const batches = [
    [1000, 1004],
    [1001, 1003],
    [1006, 998],
  ];
  for (const batch of batches) {
    updateValueStatistics(statistics, [{ values: Float32Array.of(...batch, 1e6), weights: Float32Array.of(1, 1, 0) }]);
  }
  const all = batches.flat();
  const mean = all.reduce((a, b) => a + b) / 6;
  const { mean: running, std } = valueScale(statistics);
  // The decay of 0.99999 per batch is all that sets them apart.
  expect(running).toBeCloseTo(mean, 2);
  expect(std).toBeCloseTo(Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / 6), 2);
});
