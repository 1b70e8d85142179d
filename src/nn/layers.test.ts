import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { grad, numpy as np } from "../compile/jax.ts";
import { Random } from "../random.ts";
import {
  type Gru,
  gruParameters,
  gruSequences,
  type LayerNorm,
  type Linear,
  layerNorm,
  linear,
  linearParameters,
  normThenLinear,
} from "./layers.ts";
import { parameterLayout } from "./parameters.ts";

function normals(size: number, label: number): Float32Array {
  const array = new Float32Array(size);
  new Random(1).split(label).fillNormal(array);
  return array;
}

/** LayerNorm as its paper writes it, differentiated step by step. */
function plainLayerNorm({ scale, offset }: LayerNorm<Traced>, x: Traced): Traced {
  const centered = x.sub(x.mean(-1, { keepdims: true }));
  const variance = centered.mul(centered).mean(-1, { keepdims: true });
  return centered
    .div(np.sqrt(variance.add(1e-5)))
    .mul(scale)
    .add(offset);
}

test.each([
  { inputs: 5, outputs: 3 },
  { inputs: 16, outputs: 1 },
  { inputs: 16, outputs: 4 },
])("folding a LayerNorm into a linear layer changes neither value nor gradient: $inputs to $outputs", async (size) => {
  const { inputs: n, outputs: m } = size;
  const specs = {
    norm: { scale: float32(n), offset: float32(n) },
    linear: { weight: float32(n, m), bias: float32(m) },
    x: float32(7, n),
  };
  type Inputs = { norm: LayerNorm<Traced>; linear: Linear<Traced>; x: Traced };
  const both = await compile(
    "both",
    (inputs) => {
      const forms = {
        folded: ({ norm, linear, x }: Inputs) => normThenLinear(norm, linear, x),
        plain: (i: Inputs) => linear(i.linear, plainLayerNorm(i.norm, i.x)),
      };
      const of = (form: (inputs: Inputs) => Traced) => {
        const loss = (i: Inputs) => np.sin(form(i)).sum();
        return {
          value: form(inputs as Inputs),
          gradient: (grad(loss as never) as unknown as (i: Inputs) => Inputs)(inputs as Inputs),
        };
      };
      return { folded: of(forms.folded), plain: of(forms.plain) } as never;
    },
    specs,
  );
  const feeds = Object.fromEntries([...both.inputs].map(([name, { size }], i) => [name, normals(size, i)]));
  const outputs = await both.run(feeds);
  const names = [...both.outputs.keys()].filter((name) => name.startsWith("plain"));
  expect(names.length).toBe(6);
  for (const name of names) {
    const folded = outputs[name.replace("plain", "folded")];
    outputs[name].forEach((value, i) => {
      expect(folded[i], `${name}[${i}]`).toBeCloseTo(value, 4);
    });
  }
  await both.release();
});

test("LayerNorm gives rows of mean 0 and variance 1, and zeros for a row of one number", async () => {
  const norm = (x: Traced) => layerNorm({ scale: np.array(1), offset: np.array(0) }, x);
  const program = await compile("norm", ({ x, one }) => ({ y: norm(x), one: norm(one) }), {
    x: float32(4, 64),
    one: float32(2, 1),
  });
  const { y, one } = await program.run({ x: normals(256, 0).map((v) => 5 + 3 * v), one: Float32Array.of(1, 7) });
  for (let row = 0; row < 4; row++) {
    const numbers = Array.from(y.subarray(row * 64, (row + 1) * 64));
    const mean = numbers.reduce((a, b) => a + b, 0) / 64;
    expect(mean).toBeCloseTo(0, 5);
    expect(numbers.reduce((a, b) => a + (b - mean) ** 2, 0) / 64).toBeCloseTo(1, 3);
  }
  expect([...one]).toEqual([0, 0]);
  await program.release();
});

test("orthogonal matrices are orthogonal, times their gain", () => {
  for (const [rows, columns] of [
    [6, 4],
    [4, 6],
  ]) {
    const weight = new Float32Array(rows * columns);
    linearParameters(rows, columns, 2).weight.initialize(new Random(3), [rows, columns], weight);
    const short = Math.min(rows, columns);
    const at = (i: number, k: number) => (rows < columns ? weight[i * columns + k] : weight[k * columns + i]);
    for (let i = 0; i < short; i++) {
      for (let j = 0; j < short; j++) {
        let product = 0;
        for (let k = 0; k < Math.max(rows, columns); k++) product += at(i, k) * at(j, k);
        expect(product).toBeCloseTo(i === j ? 4 : 0, 5);
      }
    }
  }
});

test("a GRU over sequences is its steps, one after the other, with a fresh state where an episode begins", async () => {
  const [blocks, length, width, inputs, hidden] = [2, 3, 2, 3, 4];
  const layout = parameterLayout(gruParameters(inputs, hidden));
  const theta = layout.initialize(new Random(5));
  const whole = await compile(
    "sequences",
    (i) => {
      const gru = layout.unravel(i.theta) as Gru<Traced>;
      return gruSequences(gru, { x: i.x }, i.hidden, i.starts, { blocks, length, width });
    },
    { theta: float32(layout.size), x: float32(12, inputs), hidden: float32(4, hidden), starts: float32(12) },
  );
  const step = await compile(
    "step",
    (i) => {
      const gru = layout.unravel(i.theta) as Gru<Traced>;
      return gruSequences(gru, { x: i.x }, i.hidden, np.zeros([1]), { blocks: 1, length: 1, width: 1 });
    },
    { theta: float32(layout.size), x: float32(1, inputs), hidden: float32(1, hidden) },
  );
  const x = normals(12 * inputs, 1);
  const initial = normals(4 * hidden, 2);
  const starts = Float32Array.of(0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1);
  const { value: states } = await whole.run({ theta, x, hidden: initial, starts });
  for (let block = 0; block < blocks; block++) {
    for (let c = 0; c < width; c++) {
      let state = initial.slice((block * width + c) * hidden, (block * width + c + 1) * hidden);
      for (let l = 0; l < length; l++) {
        const row = (block * length + l) * width + c;
        if (starts[row]) state = new Float32Array(hidden);
        const { value } = await step.run({ theta, x: x.slice(row * inputs, (row + 1) * inputs), hidden: state });
        state = value as Float32Array<ArrayBuffer>;
        state.forEach((number, k) => {
          expect(states[row * hidden + k]).toBeCloseTo(number, 5);
        });
      }
    }
  }
  await Promise.all([whole.release(), step.release()]);
});

test("parameters survive the way from the flat vector to the tree and back", async () => {
  const layout = parameterLayout(gruParameters(2, 3));
  const program = await compile("there and back", ({ theta }) => layout.ravel(layout.unravel(theta)), {
    theta: float32(layout.size),
  });
  const theta = layout.initialize(new Random(7));
  expect((await program.run({ theta })).value).toEqual(theta);
  expect([...layout.entries.keys()]).toEqual(["input.weight", "input.bias", "hidden.weight", "hidden.bias"]);
  await program.release();
});
