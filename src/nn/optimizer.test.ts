import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { grad, numpy as np } from "../compile/jax.ts";
import { Random } from "../random.ts";
import { clippedValueLoss, huber } from "./losses.ts";
import { adam } from "./optimizer.ts";
import { scheduled } from "./schedules.ts";
import { createValueStatistics, updateValueStatistics, valueScale } from "./value-normalizer.ts";

test("Adam's first two steps, worked out by hand, with the gradient clipped to a norm", async () => {
  const program = await compile(
    "adam",
    ({ state, gradient, step }) => {
      const settings = { epsilon: 1e-5, maxNorm: 4 };
      return adam(state, gradient, step, scheduled(0.1, step), settings) as never;
    },
    {
      state: { theta: float32(2), firstMoment: float32(2), secondMoment: float32(2) },
      gradient: float32(2),
      step: float32(),
    },
  );
  let now = { theta: new Float32Array(2), firstMoment: new Float32Array(2), secondMoment: new Float32Array(2) };
  const expected = [0, 1].map(() => ({ theta: 0, m: 0, v: 0 }));
  // The first is longer than 4, the second is not.
  for (const [i, gradient] of [
    [3, -4],
    [-1, 2],
  ].entries()) {
    const outputs = await program.run({
      "state.theta": now.theta,
      "state.firstMoment": now.firstMoment,
      "state.secondMoment": now.secondMoment,
      gradient: Float32Array.from(gradient),
      step: Float32Array.of(i + 1),
    });
    const of = (name: string) => outputs[`next.${name}`] as Float32Array<ArrayBuffer>;
    now = { theta: of("theta"), firstMoment: of("firstMoment"), secondMoment: of("secondMoment") };
    const norm = Math.hypot(...gradient);
    expect(outputs.norm[0]).toBeCloseTo(norm, 5);
    expected.forEach((parameter, k) => {
      const g = gradient[k] * Math.min(1, 4 / norm);
      parameter.m = 0.9 * parameter.m + 0.1 * g;
      parameter.v = 0.999 * parameter.v + 0.001 * g * g;
      const [mHat, vHat] = [parameter.m / (1 - 0.9 ** (i + 1)), parameter.v / (1 - 0.999 ** (i + 1))];
      parameter.theta -= (0.1 * mHat) / (Math.sqrt(vHat) + 1e-5);
      expect(now.theta[k]).toBeCloseTo(parameter.theta, 5);
    });
  }
  await program.release();
});

test("huber; schedules", async () => {
  const program = await compile(
    "small things",
    ({ e, p }) => ({
      huber: huber(e, 2),
      slope: grad((x: Traced) => huber(x, 2).sum())(e),
      line: scheduled({ from: 1, to: 0, fraction: 0.5 }, p),
    }),
    { e: float32(3), p: float32() },
  );
  const feeds = { e: Float32Array.of(1, -5, 0) };
  const { huber: h, slope, line } = await program.run({ ...feeds, p: Float32Array.of(0.125) });
  expect([...h]).toEqual([0.5, 8, 0]);
  expect([...slope]).toEqual([1, -2, 0]);
  expect(line[0]).toBe(0.75);
  expect((await program.run({ ...feeds, p: Float32Array.of(0.9) })).line[0]).toBe(0);
  await program.release();
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
