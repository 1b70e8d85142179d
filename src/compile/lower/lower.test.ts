/** @file Holds compiled programs to the tracing library: random programs, their gradients, and every primitive. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArraySpec, bool, compile, type Data, float32, int32, type Traced, type Tree } from "../index.ts";
import { grad, jvp, lax, nn, numpy as np, random, vmap } from "../jax.ts";
import { type TreeFunction, trace } from "../trace.ts";
import type { Node } from "./graph.ts";
import { lower } from "./lower.ts";

type Inputs = Record<string, ArraySpec>;
type Function_ = (inputs: Record<string, Traced>) => Tree<Traced | number>;

/** Numbers between −2 and 2 that look random and are the same every time. */
function example(spec: ArraySpec, salt: number): Data {
  const number = (i: number) => 2 * Math.sin(12.9898 * (i + 1) + 78.233 * salt);
  if (spec.dtype === "float32") return Float32Array.from({ length: spec.size }, (_, i) => number(i));
  if (spec.dtype === "int32") return Int32Array.from({ length: spec.size }, (_, i) => Math.round(4 * number(i)));
  return Uint8Array.from({ length: spec.size }, (_, i) => (number(i) > 0 ? 1 : 0));
}

/** Runs `f` compiled and in the tracing library, and expects the same numbers. */
async function expectSame(f: Function_, inputs: Inputs, feeds?: Record<string, Data>): Promise<void> {
  const data = feeds ?? Object.fromEntries(Object.keys(inputs).map((name, i) => [name, example(inputs[name], i)]));
  const compiled = await compile("test", f as never, inputs);
  const reference = await compile("test", f as never, inputs, { runtime: "jax" });
  const [ours, theirs] = [await compiled.run(data), await reference.run(data)];
  await compiled.release();
  for (const name of reference.outputs.keys()) expectClose(ours[name], theirs[name], name);
}

const nodesOf = (f: Function_, inputs: Inputs): readonly Node[] =>
  lower(trace("test", f as unknown as TreeFunction, inputs)).nodes;

/** The operators that `f` becomes. */
const operatorsOf = (f: Function_, inputs: Inputs): string[] => nodesOf(f, inputs).map(({ op }) => op);

function expectClose(ours: Data, theirs: Data, name: string, tolerance = 2e-5): void {
  expect(ours.length).toBe(theirs.length);
  const scale = Math.max(1, ...Array.from(theirs, (number) => (Number.isFinite(number) ? Math.abs(number) : 0)));
  for (let i = 0; i < ours.length; i++) {
    const same = Object.is(ours[i], theirs[i]) || Math.abs(ours[i] - theirs[i]) <= tolerance * scale;
    if (!same) expect.fail(`${name}[${i}] is ${ours[i]}, the tracing library has ${theirs[i]}`);
  }
}

/** Numbers drawn one after the other from a list, again and again. */
function decisions(numbers: readonly number[]): (n: number) => number {
  let next = 0;
  return (n) => numbers[next++ % numbers.length] % n;
}

const maximumSize = 600;
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Does one random thing to some of `pool`. Keeps numbers small, and derivatives continuous but for kinks. */
function randomOperation(pool: readonly Traced[], draw: (n: number) => number, kinds: number): Traced {
  const x = pool[draw(pool.length)];
  const y = pool[draw(pool.length)];
  const axis = x.ndim > 0 ? draw(x.ndim) : 0;
  const tame = (a: Traced) => np.tanh(a);
  /** `a`, summed where it does not broadcast with `b`. */
  const fitted = (a: Traced, b: Traced) => {
    const lead = a.ndim - b.ndim;
    const clash = a.shape.flatMap((size, k) => {
      const other = k - lead >= 0 ? b.shape[k - lead] : 1;
      return size === other || size === 1 || other === 1 ? [] : [k];
    });
    return clash.length > 0 ? a.sum(clash, { keepdims: true }) : a;
  };
  const bounded = (a: Traced, b: Traced, f: (a: Traced, b: Traced) => Traced) => {
    const result = sizeOf(np.broadcastShapes(a.shape, b.shape)) <= maximumSize ? f(a, b) : f(a, a);
    return tame(result);
  };
  switch (draw(kinds)) {
    case 0:
      return bounded(fitted(x, y), y, np.add);
    case 1:
      return bounded(fitted(x, y), y, np.multiply);
    case 2:
      return bounded(fitted(x, y), y, (a, b) => a.sub(b));
    case 3:
      return bounded(fitted(x, y), y, (a, b) => a.div(b.mul(b).add(1)));
    case 4:
      return bounded(fitted(x, y), y, (a, b) => np.maximum(a, b.mul(0.5)));
    case 5:
      return bounded(fitted(x, y), y, (a, b) => np.where(a.less(b), a.mul(3), b.mul(-1)));
    case 6:
      return np.sin(x).neg();
    case 7:
      return np.exp(tame(x));
    case 8:
      return np.sqrt(x.mul(x).add(0.5));
    case 9:
      return x.transpose(x.shape.map((_, k) => (k + axis) % x.ndim));
    case 10:
      return x.reshape(-1);
    case 11:
      return x.ndim > 0 && x.shape[axis] % 2 === 0 ? x.reshape(x.shape.toSpliced(axis, 1, 2, x.shape[axis] / 2)) : x;
    case 12:
      return np.expandDims(x, axis);
    case 13:
      return x.ndim > 0 ? tame(x.sum(axis)) : x;
    case 14:
      return x.ndim > 0 ? x.mean(axis, { keepdims: true }) : x;
    case 15:
      return x.ndim > 0 ? x.max(axis) : x;
    case 16: {
      if (x.ndim === 0 || sizeOf(x.shape) * 2 > maximumSize) return x;
      return np.concatenate([x, x.mul(-2)], axis);
    }
    case 17: {
      if (x.ndim === 0 || x.shape[axis] < 2) return x;
      const cut = x.shape.map((size, k): [number, number] => (k === axis ? [1, size] : [0, size]));
      return x.slice(...cut);
    }
    case 18:
      return x.ndim > 0 && sizeOf(x.shape) < maximumSize / 2 ? np.pad(x, { [axis]: [1, draw(2)] }) : x;
    case 19:
      return x.ndim > 0 ? np.flip(x, axis) : x;
    case 20: {
      // A matrix product of whatever there is, over its last axis.
      const last = x.shape.at(-1) ?? 1;
      const rows = x.reshape([-1, last]);
      const weight = np.sin(np.arange(last * 3).astype(np.float32)).reshape([last, 3]);
      return tame(np.matmul(rows, weight));
    }
    case 21: {
      if (x.ndim < 2) return x;
      const t = x.transpose(x.shape.map((_, k) => x.ndim - 1 - k));
      return sizeOf(x.shape) <= 100 ? tame(np.tensordot(x, t, 1)) : x;
    }
    case 22:
      return x.ndim > 0 ? nn.softmax(x, axis) : x;
    default:
      return x.ndim > 0 ? np.take(x, np.array([0, x.shape[axis] - 1, 0], { dtype: np.int32 }), axis) : x;
  }
}

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });

const randomProgram = fc.record({
  shapes: fc.array(shapes, { minLength: 1, maxLength: 3 }),
  numbers: fc.array(fc.nat(1000), { minLength: 5, maxLength: 60 }),
});

/** All kinds of operations; the last, picking by index, has a gradient that the tracing library itself can't run. */
const allKinds = 24;

function build({ shapes, numbers }: { shapes: number[][]; numbers: number[] }, kinds = allKinds - 1) {
  const inputs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, float32(...shape)]));
  const f = (arrays: Record<string, Traced>): Traced[] => {
    const draw = decisions(numbers);
    const pool = Object.values(arrays);
    for (let step = 0; step < numbers.length / 3; step++) pool.push(randomOperation(pool, draw, kinds));
    return pool.slice(-3);
  };
  /** One smooth number that depends on everything. */
  const total = (arrays: Record<string, Traced>): Traced =>
    f(arrays).reduce((sum: Traced, array) => sum.add(np.sin(array).sum()), np.array(0) as Traced);
  return { inputs, f, total };
}

describe("random programs", () => {
  test("run as in the tracing library", async () => {
    await fc.assert(
      fc.asyncProperty(randomProgram, async (program) => {
        const { inputs, f } = build(program, allKinds);
        await expectSame(f, inputs);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test("have the gradients of the tracing library", async () => {
    await fc.assert(
      fc.asyncProperty(randomProgram, async (program) => {
        const { inputs, total } = build(program);
        await expectSame((arrays) => grad(total)(arrays), inputs);
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  test("have gradients that finite differences confirm", async () => {
    let confirmed = 0;
    await fc.assert(
      fc.asyncProperty(randomProgram, async (program) => {
        const { inputs, total } = build(program);
        const slope = await compile(
          "slope",
          (({ x, direction }: { x: Record<string, Traced>; direction: Record<string, Traced> }) => {
            const gradients = grad(total)(x) as Record<string, Traced>;
            const dot = (sum: Traced, name: string) => sum.add(gradients[name].mul(direction[name]).sum());
            return { value: total(x), slope: Object.keys(x).reduce(dot, np.array(0) as Traced) };
          }) as never,
          { x: inputs, direction: inputs },
        );
        const feeds = (step: number) => {
          const all: Record<string, Data> = {};
          Object.keys(inputs).forEach((name, i) => {
            const direction = example(inputs[name], i + 10);
            all[`direction.${name}`] = direction;
            all[`x.${name}`] = Float32Array.from(example(inputs[name], i), (x, k) => x + step * direction[k]);
          });
          return all;
        };
        const step = 4e-3;
        const [low, middle, high] = [
          await slope.run(feeds(-step)),
          await slope.run(feeds(0)),
          await slope.run(feeds(step)),
        ];
        await slope.release();
        const forward = (high.value[0] - middle.value[0]) / step;
        const backward = (middle.value[0] - low.value[0]) / step;
        // Where the two sides differ there is a kink, and no derivative to compare with.
        if (Math.abs(forward - backward) > 0.02 * (1 + Math.abs(forward))) return;
        expect(Math.abs(middle.slope[0] - (forward + backward) / 2)).toBeLessThan(0.02 * (1 + Math.abs(forward)));
        confirmed++;
      }),
      { numRuns: 60, seed: 3 },
    );
    expect(confirmed).toBeGreaterThan(20);
  });
});

describe("primitives", () => {
  const x = float32(3, 4);
  const cases: Record<string, [Function_, Inputs]> = {
    "element-wise functions": [
      ({ x }) => [
        np.floor(x),
        np.ceil(x),
        np.cos(x),
        np.sin(x),
        np.atan(x),
        np.asin(x.mul(0.4)),
        lax.erf(x),
        lax.erfc(x),
      ],
      { x },
    ],
    "logarithm and reciprocal": [({ x }) => [np.log(x.mul(x).add(0.1)), np.reciprocal(x.add(5))], { x }],
    remainders: [
      ({ x, y }) => [x.mod(0.7), np.floorDivide(x, 0.3), np.remainder(y, 3), np.floorDivide(y, 2)],
      { x, y: int32(5) },
    ],
    "paddings of different ranks, added": [
      ({ x, y }) =>
        np.pad(y, [[0, 2]]).add(
          np.pad(x, [
            [3, 0],
            [0, 0],
          ]),
        ),
      { x, y: float32(2) },
    ],
    comparisons: [
      ({ x, y }) => [x.less(y), x.lessEqual(y), x.equal(x), x.notEqual(y), x.greater(0), x.greaterEqual(0)],
      { x, y: float32(4) },
    ],
    "whole numbers": [
      ({ i, j }) => [
        i.add(j),
        i.mul(j),
        np.minimum(i, j),
        np.maximum(i, j),
        i.sum(0),
        i.max(),
        i.prod(0),
        np.abs(i),
        np.matmul(i, j.transpose()),
      ],
      { i: int32(2, 3), j: int32(2, 3) },
    ],
    "truth values": [
      ({ a, b }) => [
        np.logicalAnd(a, b),
        np.logicalOr(a, b),
        np.logicalXor(a, b),
        np.logicalNot(a),
        a.any(0),
        a.all(),
        np.where(a, b, np.logicalNot(b)),
        a.equal(b),
        np.pad(a, 1),
        a.astype(np.float32),
      ],
      { a: bool(2, 3), b: bool(2, 3) },
    ],
    casts: [
      ({ x, i }) => [x.astype(np.int32), i.astype(np.float32), i.astype(np.bool), x.astype(np.bool)],
      { x, i: int32(4) },
    ],
    "bits of whole numbers": [
      ({ i, j }) => {
        const n = np.abs(j).mod(5);
        const u = i.astype(np.uint32);
        return [
          ...[np.bitwiseAnd(i, j), np.bitwiseOr(i, j), np.bitwiseXor(i, j), np.bitwiseCount(i), np.invert(i)],
          ...[np.leftShift(i, n), np.rightShift(i, n)],
          ...[np.leftShift(u, n.astype(np.uint32)), np.rightShift(u, n.astype(np.uint32)), u.mul(u), u.add(u)].map(
            (bits) => bits.astype(np.int32),
          ),
        ];
      },
      { i: int32(8), j: int32(8) },
    ],
    reductions: [
      ({ x }) => [x.sum(), x.mean(0), x.prod(1), x.min(0), x.max(1), np.var_(x, 1), np.argmax(x, 1), np.argmin(x, 0)],
      { x },
    ],
    "sums over what repeats": [
      ({ x }) => {
        const y = np.broadcastTo(x, [5, 3, 4]);
        return [y.sum(0), y.sum([0, 2]), y.prod(0), y.max(0), y.mean()];
      },
      { x },
    ],
    sorting: [({ x }) => [np.sort(x, 1), np.argsort(x, 1)], { x }],
    "cumulative sums": [({ x }) => [np.cumsum(x, 1), np.cumsum(x, 0)], { x }],
    "one-hot and picking": [({ i }) => nn.oneHot(np.abs(i).mod(4), 4), { i: int32(6) }],
    "advanced indexing": [
      ({ x, i }) => {
        const k = np.abs(i).mod(3);
        return [x.slice(k, k), x.slice([], k), x.slice(k), np.takeAlongAxis(x, k.reshape([3, 1]), 1)];
      },
      { x, i: int32(3) },
    ],
    "gradient of indexing": [
      ({ x, i }) =>
        grad((x: Traced) => {
          const y = x.slice(np.abs(i).mod(3));
          return y.mul(y).sum();
        })(x),
      { x, i: int32(5) },
    ],
    "batched products": [
      ({ a, b }) => [np.matmul(a, b), np.matmul(a, b).transpose([0, 2, 1]), a.mul(a).sum([1, 2]), np.vecdot(a, a)],
      { a: float32(2, 3, 4), b: float32(2, 4, 5) },
    ],
    "products of every kind": [
      ({ a, b, v }) => [
        np.matmul(a, b),
        np.matmul(a, v),
        np.dot(v, v),
        np.outer(v, v),
        np.inner(a, a),
        np.tensordot(a, b, [
          [0, 1],
          [1, 0],
        ]),
      ],
      { a: float32(3, 4), b: float32(4, 3), v: float32(4) },
    ],
    splitting: [({ x }) => [...np.split(x, 2, 1), ...np.split(np.broadcastTo(x.sum(0), [6, 4]), 3, 0)], { x }],
    vmap: [
      ({ a, b }) => vmap((r: Traced, s: Traced) => np.matmul(r, s).sum())(a, b),
      { a: float32(3, 2, 4), b: float32(3, 4, 2) },
    ],
    jvp: [({ x }) => jvp((x: Traced) => np.tanh(x).sum(), [x], [x.mul(2)]), { x }],
    convolution: [
      ({ x, k }) => [
        lax.conv(x, k, [1, 1], "SAME"),
        lax.convGeneralDilated(x, k, [2, 1], "VALID", { rhsDilation: [1, 2] }),
        lax.convGeneralDilated(
          x,
          k,
          [1, 1],
          [
            [1, 2],
            [0, 1],
          ],
          { lhsDilation: [2, 1] },
        ),
      ],
      { x: float32(2, 3, 6, 7), k: float32(4, 3, 2, 3) },
    ],
    "gradient of convolution": [
      ({ x, k }) => grad((p: { x: Traced; k: Traced }) => np.tanh(lax.conv(p.x, p.k, [2, 1], "SAME")).sum())({ x, k }),
      { x: float32(2, 3, 6, 5), k: float32(4, 3, 2, 3) },
    ],
    windows: [({ x }) => lax.reduceWindow(x, (w: Traced) => w.max(), [2, 3], [1, 2]), { x: float32(6, 7) }],
    "gradient of windows": [
      ({ x }) => grad((x: Traced) => lax.reduceWindow(x, (w: Traced) => w.mul(w).sum(), [3], [2]).sum())(x),
      { x: float32(9) },
    ],
    "Fourier transform": [
      ({ x }) => {
        const f = np.fft.fft({ real: x, imag: x.mul(0.5) });
        const b = np.fft.ifft(f);
        return [f.real, f.imag, b.real, b.imag];
      },
      { x: float32(3, 8) },
    ],
    "constant arrays": [({ x }) => x.add(np.array([1, 2, 3, 4])).mul(np.eye(3, 4)), { x }],
    "outputs that are inputs, constants or the same": [
      ({ x }) => ({ a: x, b: x, c: 3, d: x.add(1), e: x.add(1) }),
      { x },
    ],
    "empty arrays": [({ x }) => np.concatenate([x.slice([0, 0]), x], 0), { x }],
    "random bits": [
      ({ k }) => {
        const key = k.astype(np.uint32);
        const keys = [key, random.split(key, 3).slice(1)];
        return keys.map((key) => random.bits(key, [2, 3]).astype(np.int32));
      },
      { k: int32(2) },
    ],
  };
  for (const [name, [f, inputs]] of Object.entries(cases)) test(name, () => expectSame(f, inputs));

  test("sorting along any axis, and its gradient", async () => {
    const sortColumns = ({ x }: { x: Traced }) => ({
      sorted: np.sort(x, 0),
      order: np.argsort(x, 0),
      gradient: grad((x: Traced) =>
        np
          .sort(x, 0)
          .mul(np.array([[1], [10], [100]]))
          .sum(),
      )(x),
    });
    const program = await compile("sort", sortColumns, { x: float32(3, 2) });
    const { sorted, order, gradient } = await program.run({ x: Float32Array.of(3, 1, 1, 2, 2, 3) });
    await program.release();
    expect([...sorted]).toEqual([1, 1, 2, 2, 3, 3]);
    expect([...order]).toEqual([1, 0, 2, 1, 0, 2]);
    expect([...gradient]).toEqual([100, 1, 1, 10, 10, 100]);
  });

  test("the gradient of slices that tile an array is one copy, whichever the axis and with gaps", async () => {
    const slices = ({ x, weights }: { x: Traced; weights: Traced }) =>
      grad((x: Traced) => {
        const columns = [0, 1, 3].map((k) =>
          x
            .slice([], k)
            .mul(x.slice([], k))
            .mul(k + 2)
            .sum(),
        );
        const rows = [
          x
            .slice([0, 2])
            .mul(weights.slice([0, 2]))
            .sum(),
          np.exp(x.slice([2, 3])).sum(),
        ];
        return [...columns, ...rows].reduce((sum, term) => sum.add(term));
      })(x);
    await expectSame(slices as unknown as Function_, { x: float32(3, 5), weights: float32(3, 5) });
    const onlyColumns = ({ x }: { x: Traced }) =>
      grad((x: Traced) => [0, 1, 3].map((k) => np.exp(x.slice([], k)).sum()).reduce((sum, term) => sum.add(term)))(x);
    await expectSame(onlyColumns as unknown as Function_, { x: float32(3, 5) });
    expect(operatorsOf(onlyColumns as unknown as Function_, { x: float32(3, 5) })).not.toContain("Pad");
  });

  test("no operator changes a shape that broadcasting takes as it is, and a vector is joined in one go", async () => {
    const inputs = { x: float32(40, 30), w: float32(30, 50), v: float32(50) };
    const centered: Function_ = ({ x, w }) => {
      const product = np.matmul(x, w);
      return product.sub(product.mean(0, { keepdims: true })).mul(product.mean(0).add(1));
    };
    const joined: Function_ = ({ x, w, v }) => {
      const rows = [np.matmul(x, w).sum(0), np.sin(np.matmul(x, w)).sum(0), np.cos(np.matmul(x, w)).sum(0)];
      return np.concatenate([np.concatenate([...rows, v]), np.exp(v), rows[0]]);
    };
    for (const f of [centered, joined]) await expectSame(f, inputs);
    expect(operatorsOf(centered, inputs)).not.toContain("Reshape");
    const operators = operatorsOf(joined, inputs);
    expect(operators.filter((op) => op === "Concat")).toHaveLength(1);
    // The two vectors that are not rows of a product, and what comes out.
    expect(operators.filter((op) => op === "Reshape").length).toBeLessThanOrEqual(3);
  });

  test("a column times a row plus a matrix is a product, and a sum to one number is none", async () => {
    const inputs = { column: float32(128), row: float32(200), x: float32(128, 200) };
    const outer: Function_ = ({ column, row, x }) => column.reshape([-1, 1]).mul(row).add(np.sin(x));
    const dot: Function_ = ({ x }) => x.mul(np.cos(x)).sum();
    for (const f of [outer, dot]) await expectSame(f, inputs);
    expect(operatorsOf(outer, inputs)).toContain("Gemm");
    expect(operatorsOf(dot, inputs)).not.toContain("Gemm");
  });

  test("a vector times a long matrix is a row times it, without a factor", async () => {
    const inputs = { x: float32(300, 64), v: float32(64) };
    const mean: Function_ = ({ x }) => np.sin(x).mean(-1).add(1);
    const product: Function_ = ({ x, v }) => np.matmul(np.sin(x), v.mul(v));
    for (const f of [mean, product]) {
      await expectSame(f, inputs);
      const products = nodesOf(f, inputs).filter(({ op }) => op === "Gemm");
      expect(products.map(({ inputs, attributes }) => [inputs[0]!.shape, attributes])).toEqual([[[1, 64], {}]]);
    }
  });

  test("offsets of a sum are added before they are added to anything large", async () => {
    const inputs = { x: float32(40, 30), b: float32(30), c: float32(30) };
    const f: Function_ = ({ x, b, c }) => np.sin(x).add(b).add(np.cos(x).add(c));
    await expectSame(f, inputs);
    const sums = nodesOf(f, inputs).filter(({ op }) => op === "Add");
    expect(sums.filter(({ outputs }) => sizeOf(outputs[0].shape) === 1200)).toHaveLength(2);
  });

  test("the gradient of a square layer whose norm is folded into it moves no data", async () => {
    const inputs = { x: float32(300, 64), weight: float32(64, 64), scale: float32(64), offset: float32(64) };
    const f: Function_ = ({ x, ...parameters }) =>
      grad(({ weight, scale, offset }: Record<string, Traced>) => {
        const folded = np.matmul(offset, weight);
        return np.sin(np.matmul(np.cos(x), weight.mul(scale.reshape([-1, 1]))).add(folded)).sum();
      })(parameters);
    await expectSame(f, inputs);
    // But for the input, which is turned once.
    const turned = nodesOf(f, inputs).filter(({ op }) => op === "Transpose");
    expect(turned.filter(({ inputs }) => inputs[0]!.input === undefined)).toEqual([]);
  });

  test("an absolute value is one operator", async () => {
    const f: Function_ = ({ x }) => ({ y: np.abs(x), dx: grad((x: Traced) => np.abs(x).sum())(x) });
    await expectSame(f, { x: float32(5, 7) });
    expect(operatorsOf(({ x }) => np.abs(x), { x: float32(5, 7) })).toEqual(["Abs"]);
  });

  test("sigmoid and hyperbolic tangent are one operator each", async () => {
    const f = ({ x }: { x: Traced }) => [nn.sigmoid(x), nn.sigmoid(x.mul(2)).mul(2).sub(1)];
    await expectSame(f as unknown as Function_, { x: float32(7) });
    expect(operatorsOf(f as unknown as Function_, { x: float32(7) }).sort()).toEqual(["Sigmoid", "Tanh"]);
  });

  test("the logarithm of a sigmoid, and of a multiple of one, has all its digits where the sigmoid has none", async () => {
    const f = ({ x }: { x: Traced }) => ({ log: np.log(nn.sigmoid(x)), multiple: np.log(nn.sigmoid(x).mul(2)) });
    const program = await compile("logs", f as never, { x: float32(4) });
    const { log, multiple } = await program.run({ x: Float32Array.of(-30, -17, 0, 5) });
    const exact = [-30, -17 - Math.log1p(Math.exp(-17)), -Math.LN2, -Math.log1p(Math.exp(-5))];
    expectClose(log, Float32Array.from(exact), "log");
    expectClose(
      multiple,
      Float32Array.from(exact, (x) => x + Math.LN2),
      "multiple",
    );
    await program.release();
  });

  test("the ends of the whole numbers are no trap: division by −1, and the greatest of unsigned ones", async () => {
    const f = ({ a, b }: { a: Traced; b: Traced }) => {
      const unsigned = a.astype(np.uint32);
      const ends = [np.max(unsigned), np.min(unsigned)].map((end) => end.astype(np.int32));
      return { quotient: np.floorDivide(a, b), remainder: np.remainder(a, b), greatest: ends[0], least: ends[1] };
    };
    const program = await compile("ends", f as never, { a: int32(3), b: int32(3) });
    const least = -(2 ** 31);
    const outputs = await program.run({ a: Int32Array.of(least, 7, -1), b: Int32Array.of(-1, 2, 1) });
    expect([...outputs.quotient].slice(1)).toEqual([3, -1]);
    expect([...outputs.remainder]).toEqual([0, 1, 0]);
    // −1 is 2³² − 1 there.
    expect([...outputs.greatest, ...outputs.least]).toEqual([-1, 7]);
    await program.release();
  });

  test("arrays without elements change their shapes", async () => {
    const f = ({ x }: { x: Traced }) => ({
      turned: x.mul(2).reshape([3, 0]),
      flat: x.mul(2).reshape([0]),
      sum: x.sum(),
    });
    const program = await compile("empty", f as never, { x: float32(0, 3) });
    const { turned, flat, sum } = await program.run({ x: new Float32Array(0) });
    expect([turned.length, flat.length, [...sum]]).toEqual([0, 0, [0]]);
    await program.release();
  });

  test("derivatives of softplus and of the logarithm of a sigmoid hold where the sigmoid is all but 0 or 1", async () => {
    const f: Function_ = ({ x }) => [
      grad((x: Traced) => nn.softplus(x).sum())(x),
      grad((x: Traced) => nn.logSigmoid(x).sum())(x),
    ];
    const x = Float32Array.of(-30, -18, -14, 0, 14, 17, 18, 30);
    await expectSame(f, { x: float32(8) }, { x });
  });

  test("erfc is true to its digits where it is all but 0", async () => {
    const program = await compile("erfc", ({ x }) => lax.erfc(x), { x: float32(5) });
    const [output] = Object.values(await program.run({ x: Float32Array.of(-3, 0, 2, 4, 5) }));
    // Abramowitz & Stegun, table 7.1; NIST's DLMF 7.
    [1.9999779095, 1, 4.677734981e-3, 1.54172579e-8, 1.5374597944e-12].forEach((value, i) => {
      expect(output[i] / value).toBeCloseTo(1, 5);
    });
    await program.release();
  });

  test("constant factors stay apart where their product is more or less than float32 can hold", async () => {
    const f: Function_ = ({ x }) => [x.mul(1e-30).mul(1e-30), x.mul(1e30).mul(1e30).mul(1e-30).mul(1e-30)];
    const program = await compile("factors", f as never, { x: float32(2) });
    const [small, same] = Object.values(await program.run({ x: Float32Array.of(1e30, 1e-20) }));
    expect(small[0] / 1e-30).toBeCloseTo(1, 5);
    expect(same[1] / 1e-20).toBeCloseTo(1, 5);
    await program.release();
  });

  test("a mean per column is none per row, even of a square", async () => {
    const normalized = (x: Traced, mean: Traced): Traced => {
      const centered = x.sub(mean);
      const variance = centered.mul(centered).mean(-1, { keepdims: true });
      return centered.mul(np.reciprocal(np.sqrt(variance.add(1e-5))));
    };
    const perColumn: Function_ = ({ x }) => normalized(x, x.mean(-1));
    const perRow: Function_ = ({ x }) => normalized(x, x.mean(-1, { keepdims: true }));
    for (const f of [perColumn, perRow]) await expectSame(f, { x: float32(4, 4) });
    expect(operatorsOf(perColumn, { x: float32(4, 4) })).not.toContain("LayerNormalization");
    expect(operatorsOf(perRow, { x: float32(4, 4) })).toContain("LayerNormalization");
  });

  test("one that ONNX does not have is named, with where it came from", async () => {
    const f = ({ a }: { a: Traced }) => np.linalg.cholesky(a);
    await expect(compile("solver", f, { a: float32(3, 3) })).rejects.toThrow(
      /program solver: the primitive cholesky can't be expressed in ONNX .*float32\[3,3\].*, at .*lower\.test\.ts:\d+:\d+\)/,
    );
  });
});
