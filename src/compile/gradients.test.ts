import { expect, test } from "vitest";
import { withGradientOf } from "./gradients.ts";
import { compile, float32 } from "./index.ts";
import { grad, numpy as np } from "./jax.ts";

test.each(["onnx", "jax"] as const)("value of one, gradient of the other (%s)", async (runtime) => {
  const rounded = (x: np.Array) => withGradientOf(np.floor(x), x.mul(x));
  const program = await compile(
    "rounded",
    ({ x }) => ({ value: rounded(x), gradient: grad((x: np.Array) => rounded(x).sum())(x) }),
    { x: float32(3) },
    { runtime },
  );
  const { value, gradient } = await program.run({ x: Float32Array.of(0.5, 1.5, -2.5) });
  expect([...value]).toEqual([0, 1, -3]);
  expect([...gradient]).toEqual([1, 3, -5]);
  await program.release();
});
