import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { grad, numpy as np } from "../compile/jax.ts";
import { Random } from "../random.ts";
import { boundedStd, categorical, diagonalGaussian } from "./distributions.ts";

test("a diagonal Gaussian's numbers", async () => {
  const program = await compile(
    "gaussian",
    ({ mean, rho, action, noise }) => {
      const std = boundedStd(rho, 1, 0.5);
      const gaussian = diagonalGaussian(mean, std);
      return { std, logProb: gaussian.logProb(action), entropy: gaussian.entropy(), sample: gaussian.sample(noise) };
    },
    { mean: float32(1, 2), rho: float32(2), action: float32(1, 2), noise: float32(1, 2) },
  );
  const { std, logProb, entropy, sample } = await program.run({
    mean: Float32Array.of(0.5, -1),
    rho: Float32Array.of(1, 0),
    action: Float32Array.of(0.7, -1.5),
    noise: Float32Array.of(2, -1),
  });
  const [s1, s2] = [0.5 / (1 + Math.exp(-1)), 0.25];
  expect(std[0]).toBeCloseTo(s1, 6);
  expect(std[1]).toBeCloseTo(s2, 6);
  const density = (x: number, s: number) => -0.5 * (x / s) ** 2 - Math.log(s * Math.sqrt(2 * Math.PI));
  expect(logProb[0]).toBeCloseTo(density(0.2, s1) + density(-0.5, s2), 5);
  expect(entropy[0]).toBeCloseTo(Math.log(2 * Math.PI * Math.E * s1 * s2), 5);
  expect(sample[0]).toBeCloseTo(0.5 + 2 * s1, 6);
  expect(sample[1]).toBeCloseTo(-1 - s2, 6);
  await program.release();
});

test("choices: unavailable ones are never drawn, have no probability, and get no gradient", async () => {
  const rows = 4000;
  const program = await compile(
    "choices",
    ({ logits, mask, noise, action }) => {
      const tiled = np.broadcastTo(logits, [rows, 3]);
      const masks = np.broadcastTo(mask, [rows, 3]);
      const one = (l: Traced) => categorical(l.reshape([1, 3]), mask.reshape([1, 3]), 1);
      return {
        samples: categorical(tiled, masks, 1).sample(noise),
        logProb: one(logits).logProb(action),
        entropy: one(logits).entropy(),
        gradient: grad((l: Traced) => one(l).logProb(action).add(one(l).entropy()).sum())(logits),
      };
    },
    { logits: float32(3), mask: float32(3), noise: float32(rows, 3), action: float32(1, 3) },
  );
  const noise = new Float32Array(rows * 3);
  new Random(2).fillGumbel(noise);
  const { samples, logProb, entropy, gradient } = await program.run({
    logits: Float32Array.of(0.2, 5, 1.2),
    mask: Float32Array.of(1, 0, 1),
    noise,
    action: Float32Array.of(1, 0, 0),
  });
  const p = 1 / (1 + Math.exp(1));
  const counts = [0, 0, 0];
  for (let i = 0; i < samples.length; i++) counts[i % 3] += samples[i];
  expect(counts[1]).toBe(0);
  expect(counts[0] + counts[2]).toBe(rows);
  expect(Math.abs(counts[0] / rows - p)).toBeLessThan(3 * Math.sqrt((p * (1 - p)) / rows));
  expect(logProb[0]).toBeCloseTo(Math.log(p), 5);
  expect(entropy[0]).toBeCloseTo(-p * Math.log(p) - (1 - p) * Math.log(1 - p), 5);
  expect(gradient[1]).toBe(0);
  await program.release();
});

test("a drawn choice is one-hot and has the gradient of the relaxed one, against finite differences", async () => {
  const temperature = 0.7;
  const program = await compile(
    "straight through",
    ({ logits, noise, weight }) => {
      const draw = (l: Traced) => categorical(l, undefined, temperature).sample(noise);
      const relaxed = (l: Traced) => categorical(l, undefined, temperature).relaxedSample(noise).mul(weight).sum();
      return {
        sample: draw(logits),
        gradient: grad((l: Traced) => draw(l).mul(weight).sum())(logits),
        relaxed: relaxed(logits),
      };
    },
    { logits: float32(1, 3), noise: float32(1, 3), weight: float32(1, 3) },
  );
  const feeds = { noise: Float32Array.of(0.3, 1.1, -0.2), weight: Float32Array.of(1, -2, 3) };
  const logits = Float32Array.of(0.5, -0.1, 0.4);
  const { sample, gradient } = await program.run({ ...feeds, logits });
  expect([...sample]).toEqual([0, 1, 0]);
  for (let k = 0; k < 3; k++) {
    const at = async (h: number) =>
      (await program.run({ ...feeds, logits: logits.map((l, i) => (i === k ? l + h : l)) })).relaxed[0];
    const h = 1e-2;
    expect(gradient[k]).toBeCloseTo(((await at(h)) - (await at(-h))) / (2 * h), 3);
  }
  const { sample: greedy } = await program.run({ ...feeds, logits, noise: new Float32Array(3) });
  expect([...greedy]).toEqual([1, 0, 0]);
  await program.release();
});
