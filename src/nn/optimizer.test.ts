import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { grad, numpy as np } from "../compile/jax.ts";
import { Random } from "../random.ts";
import { clippedValueLoss, huber } from "./losses.ts";
import { adam, euclideanNorm } from "./optimizer.ts";
import { scheduled } from "./schedules.ts";
import { createValueStatistics, updateValueStatistics, valueScale } from "./value-normalizer.ts";

test("Adam's first two steps, worked out by hand, with the gradient clipped to a norm", () => {
  const zeros = () => new Float32Array(2);
  const state = { theta: zeros(), firstMoment: zeros(), secondMoment: zeros(), steps: new Int32Array(1) };
  const expected = [0, 1].map(() => ({ theta: 0, m: 0, v: 0 }));
  // The first is longer than 4, the second is not.
  for (const [i, gradient] of [
    [3, -4],
    [-1, 2],
  ].entries()) {
    const norm = euclideanNorm(Float32Array.from(gradient));
    expect(norm).toBeCloseTo(Math.hypot(...gradient), 12);
    adam(state, Float32Array.from(gradient), norm, { learningRate: 0.1, epsilon: 1e-5, maxNorm: 4 });
    expect(state.steps[0]).toBe(i + 1);
    expected.forEach((parameter, k) => {
      const g = gradient[k] * Math.min(1, 4 / norm);
      parameter.m = 0.9 * parameter.m + 0.1 * g;
      parameter.v = 0.999 * parameter.v + 0.001 * g * g;
      const [mHat, vHat] = [parameter.m / (1 - 0.9 ** (i + 1)), parameter.v / (1 - 0.999 ** (i + 1))];
      parameter.theta -= (0.1 * mHat) / (Math.sqrt(vHat) + 1e-5);
      expect(state.theta[k]).toBeCloseTo(parameter.theta, 5);
    });
  }
});

test("what a parameter once got fades to nothing, not to numbers too small to reckon with", () => {
  const one = () => Float32Array.of(1e-18);
  const state = { theta: one(), firstMoment: one(), secondMoment: one(), steps: new Int32Array(1) };
  for (let step = 0; step < 1000; step++)
    adam(state, new Float32Array(1), 0, { learningRate: 0, epsilon: 1e-5, maxNorm: 1 });
  expect(state.firstMoment[0]).toBe(0);
  expect(state.secondMoment[0]).toBeCloseTo(1e-18 * 0.999 ** 1000, 22);
});

test("huber", async () => {
  const program = await compile(
    "huber",
    ({ e }) => ({ huber: huber(e, 2), slope: grad((x: Traced) => huber(x, 2).sum())(e) }),
    { e: float32(3) },
  );
  const { huber: h, slope } = await program.run({ e: Float32Array.of(1, -5, 0) });
  expect([...h]).toEqual([0.5, 8, 0]);
  expect([...slope]).toEqual([1, -2, 0]);
  await program.release();
});

test("a schedule is a constant, or a line that ends after a fraction of training", () => {
  expect(scheduled(0.1, 0.7)).toBe(0.1);
  const line = { from: 1, to: 0, fraction: 0.5 };
  expect([0, 0.125, 0.5, 0.9].map((progress) => scheduled(line, progress))).toEqual([1, 0.75, 0, 0]);
});

test("a value learns where the larger of its losses is not the one that is held back", async () => {
  const settings = { valueClip: 0.5, huberDelta: 1 };
  type Sample = { values: Traced; oldValues: Traced; targets: Traced };
  const plain = ({ values, oldValues, targets }: Sample) => {
    const held = oldValues.add(np.clip(values.sub(oldValues), -0.5, 0.5));
    const loss = (error: Traced) => {
      const within = np.minimum(np.abs(error), 1);
      return within.mul(np.abs(error).sub(within.mul(0.5)));
    };
    return np.maximum(loss(values.sub(targets)), loss(held.sub(targets)));
  };
  const closed = ({ values, ...sample }: Sample) => clippedValueLoss(values, sample, settings);
  const program = await compile(
    "both",
    (sample) => {
      const both = (loss: (sample: Sample) => Traced) => ({
        loss: loss(sample as Sample),
        slope: grad((values: Traced) => loss({ ...(sample as Sample), values }).sum())(sample.values),
      });
      return { plain: both(plain), closed: both(closed) };
    },
    { values: float32(60), oldValues: float32(60), targets: float32(60) },
  );
  const random = new Random(0);
  const normals = () => {
    const array = new Float32Array(60);
    random.fillNormal(array);
    return array;
  };
  const outputs = await program.run({ values: normals(), oldValues: normals(), targets: normals() });
  for (const field of ["loss", "slope"]) {
    for (let i = 0; i < 60; i++) {
      expect(outputs[`closed.${field}`][i]).toBeCloseTo(outputs[`plain.${field}`][i], 5);
    }
  }
  expect([...outputs["closed.slope"]].filter((slope) => slope === 0).length).toBeGreaterThan(3);
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
