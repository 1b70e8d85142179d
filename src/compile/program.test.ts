import { expect, test } from "vitest";
import { compile, float32 } from "./index.ts";
import { grad, numpy as np } from "./jax.ts";

test("a function of trees becomes a program with dotted names", async () => {
  const program = await compile(
    "affine",
    ({ layer, x }) => ({
      y: np.matmul(x, layer.weight).add(layer.bias),
      doubled: { bias: layer.bias.add(layer.bias) },
    }),
    { layer: { weight: float32(2, 3), bias: float32(3) }, x: float32(4, 2) },
  );
  expect([...program.inputs.keys()]).toEqual(["layer.weight", "layer.bias", "x"]);
  expect([...program.outputs.keys()]).toEqual(["y", "doubled.bias"]);
  const outputs = await program.run({
    "layer.weight": Float32Array.of(1, 2, 3, 4, 5, 6),
    "layer.bias": Float32Array.of(10, 20, 30),
    x: Float32Array.of(1, 0, 0, 1, 1, 1, 0, 0),
  });
  expect([...outputs.y]).toEqual([11, 22, 33, 14, 25, 36, 15, 27, 39, 10, 20, 30]);
  expect([...outputs["doubled.bias"]]).toEqual([20, 40, 60]);
  await program.release();
});

test("gradients need no .ref, and outputs go where they are told", async () => {
  const program = await compile("square", ({ x }) => grad((x: np.Array) => x.mul(x).sum())(x), { x: float32(3) });
  const value = new Float32Array(3);
  await program.run({ x: Float32Array.of(1, 2, 3) }, { value });
  expect([...value]).toEqual([2, 4, 6]);
  await program.release();
});

test("an input that does not fit is named, with what came and what was expected", async () => {
  const program = await compile("f", ({ x }) => x.mul(2), { x: float32(2, 3) });
  await expect(program.run({ x: new Float32Array(5) })).rejects.toThrow(
    "program f: input x: got Float32Array(5), expected float32[2, 3], a Float32Array(6)",
  );
  await expect(program.run({})).rejects.toThrow("input x: got nothing");
  await program.release();
});
