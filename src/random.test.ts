/** @file Tests of the random numbers: reproducible, resumable, split, and distributed as they say. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "./random.ts";

const draw = (random: Random): number[] => [
  random.uniform(),
  random.normal(),
  random.gumbel(),
  random.integer(1000),
  random.normal(),
];

const moments = (values: ArrayLike<number>, raise = 1): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** raise;
  return sum / values.length;
};

describe("a stream", () => {
  it("is a function of its seed, and goes on from a state that went through JSON", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(20), (seed, drawn) => {
        const random = new Random(seed);
        const twin = new Random(seed);
        for (let i = 0; i < drawn; i++) expect(random.normal()).toBe(twin.normal());
        const resumed = Random.fromState(JSON.parse(JSON.stringify(random.state)));
        expect(draw(resumed)).toEqual(draw(random));
        expect(resumed.split(3).uniform()).toBe(random.split(3).uniform());
      }),
    );
  });

  it("keeps the numbers it gave when this was written, so that old runs can be repeated", () => {
    expect([new Random(0).uniform(), new Random(1).uniform(), new Random(0).split(0).uniform()]).toMatchInlineSnapshot(`
      [
        0.11265871534949967,
        0.93190438451342,
        0.5860845074060584,
      ]
    `);
  });

  it("refuses a seed that is not a whole number", () => {
    expect(() => new Random(0.5)).toThrow("seed is 0.5, must be a whole number");
  });
});

describe("split", () => {
  it("gives streams that differ from each other and from their parent, whatever was drawn before", () => {
    const random = new Random(7);
    const before = random.split(2).uniform();
    random.normal();
    expect(random.split(2).uniform()).toBe(before);
    const firsts = [0, 1, 2].flatMap((seed) =>
      [0, 1, 2, 3].flatMap((label) => [
        new Random(seed).split(label).uniform(),
        new Random(seed).split(label).split(seed).uniform(),
      ]),
    );
    expect(new Set([...firsts, ...[0, 1, 2].map((seed) => new Random(seed).uniform())]).size).toBe(27);
  });

  it("makes neighbouring streams uncorrelated", () => {
    const count = 20_000;
    const [x, y] = [new Random(1).split(10), new Random(1).split(11)];
    let product = 0;
    for (let i = 0; i < count; i++) product += x.normal() * y.normal();
    expect(Math.abs(product / Math.sqrt(count))).toBeLessThan(4);
  });
});

describe("distributions, each within five standard errors", () => {
  const count = 100_000;
  const tolerance = (variance: number): number => 5 * Math.sqrt(variance / count);
  const array = new Float32Array(count);

  it("uniform: mean 1/2, variance 1/12, never 0 or 1", () => {
    new Random(11).fillUniform(array);
    expect(Math.abs(moments(array) - 1 / 2)).toBeLessThan(tolerance(1 / 12));
    expect(Math.abs(moments(array, 2) - 1 / 3)).toBeLessThan(tolerance(4 / 45));
    expect(array.every((value) => value > 0 && value < 1)).toBe(true);
  });

  it("normal: moments 0, 1, 0, 3", () => {
    new Random(12).fillNormal(array);
    expect(Math.abs(moments(array))).toBeLessThan(tolerance(1));
    expect(Math.abs(moments(array, 2) - 1)).toBeLessThan(tolerance(2));
    expect(Math.abs(moments(array, 3))).toBeLessThan(tolerance(15));
    expect(Math.abs(moments(array, 4) - 3)).toBeLessThan(tolerance(96));
  });

  it("Gumbel: the Euler–Mascheroni constant and π²/6", () => {
    new Random(13).fillGumbel(array);
    const euler = 0.5772156649;
    expect(Math.abs(moments(array) - euler)).toBeLessThan(tolerance(Math.PI ** 2 / 6));
    expect(Math.abs(moments(array, 2) - euler ** 2 - Math.PI ** 2 / 6)).toBeLessThan(0.1);
  });

  it("Gumbel noise on logits chooses as their softmax", () => {
    const random = new Random(14);
    const logits = [0, Math.log(2), Math.log(5)];
    const counts = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const scores = logits.map((logit) => logit + random.gumbel());
      counts[scores.indexOf(Math.max(...scores))]++;
    }
    [1 / 8, 2 / 8, 5 / 8].forEach((p, i) => {
      expect(Math.abs(counts[i] / count - p)).toBeLessThan(tolerance(p * (1 - p)));
    });
  });

  it("integers and orders: each as likely", () => {
    const random = new Random(15);
    const firsts = [0, 0, 0];
    const order = new Int32Array(3);
    for (let i = 0; i < count; i++) {
      order.set([0, 1, 2]);
      random.shuffle(order);
      firsts[order[0]]++;
    }
    for (const first of firsts) expect(Math.abs(first / count - 1 / 3)).toBeLessThan(tolerance(2 / 9));
  });

  it("fill only the part they are given", () => {
    const part = new Float32Array(5);
    new Random(1).fillNormal(part, 1, 3);
    expect([...part].map((value) => value !== 0)).toEqual([false, true, true, false, false]);
  });
});
