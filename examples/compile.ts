/**
 * @file The compiler by itself: a function is traced, differentiated and compiled into one ONNX graph, here for linear
 * regression by gradient descent (`npx tsx examples/compile.ts`).
 */

import { compile, exportModel, float32, loadProgram } from "bpta/compile";
import { grad, numpy as np } from "bpta/jax";

type Inputs = { weight: np.Array; x: np.Array; y: np.Array };
const loss = ({ weight, x, y }: Inputs) => {
  const error = np.matmul(x, weight).sub(y);
  return error.mul(error).mean();
};

// One program: the loss, and a step down its gradient.
const step = await compile(
  "step",
  (inputs) => {
    const { weight } = grad(loss)(inputs) as Inputs;
    return { loss: loss(inputs), weight: inputs.weight.sub(weight.mul(0.5)) };
  },
  { weight: float32(3), x: float32(100, 3), y: float32(100) },
);

const x = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * i));
const y = Float32Array.from({ length: 100 }, (_, i) => 2 * x[3 * i] - x[3 * i + 2]);
const weight = new Float32Array(3);
for (let k = 0; k < 200; k++) weight.set((await step.run({ weight, x, y })).weight);
console.log(`weights: ${Array.from(weight, (w) => (Math.abs(w) < 0.005 ? "0" : w.toFixed(2))).join(", ")}`); // 2, 0, −1
await step.release();

// To be shipped: for any number of rows. The size given here is for tracing alone.
const bytes = exportModel(
  "predict",
  (inputs) => ({ y: np.matmul(inputs.x, np.array(weight.slice())) }),
  { x: float32(7, 3) },
  { openAxis: { name: "rows", size: 7 } },
);
const predict = await loadProgram(bytes, { axes: { rows: 2 } });
const predicted = await predict.run({ x: Float32Array.of(1, 0, 0, 0, 0, 1) });
console.log(`predictions: ${Array.from(predicted.y, (value) => value.toFixed(2)).join(", ")}`); // 2, −1
await predict.release();
