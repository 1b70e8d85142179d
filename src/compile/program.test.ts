import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bool, compile, compileStaged, exportModel, float32, int32, loadProgram } from "./index.ts";
import { grad, nn, numpy as np } from "./jax.ts";
import type { Traced } from "./trace.ts";

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

test("a saved program runs the same, and says what it takes, gives and means", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bpta-"));
  const path = join(folder, "choose.onnx");
  const program = await compile(
    "choose",
    ({ which, x, y }) => ({ x: np.where(which, x, y), sum: x.sum(), counts: which.astype(np.int32) }),
    { which: bool(3), x: float32(2, 3), y: float32(3) },
    { metadata: { meaning: "the first where true" } },
  );
  const feeds = { which: Uint8Array.of(1, 0, 1), x: Float32Array.of(1, 2, 3, 4, 5, 6), y: Float32Array.of(7, 8, 9) };
  const expected = await program.run(feeds);
  await program.save(path);
  await program.release();
  const loaded = await loadProgram(path);
  expect(loaded.name).toBe("choose");
  expect(loaded.metadata).toEqual({ meaning: "the first where true" });
  expect(loaded.inputs).toEqual(
    new Map([
      ["which", bool(3)],
      ["x", float32(2, 3)],
      ["y", float32(3)],
    ]),
  );
  expect(loaded.outputs).toEqual(
    new Map([
      ["x", float32(2, 3)],
      ["sum", float32()],
      ["counts", int32(3)],
    ]),
  );
  expect(await loaded.run(feeds)).toEqual(expected);
  expect([...expected.x]).toEqual([1, 8, 3, 4, 8, 6]);
  await loaded.release();
  await writeFile(path, "this is no model");
  await expect(loadProgram(path)).rejects.toThrow(`${path}: not an ONNX file`);
  await rm(folder, { recursive: true });
});

test("an exported model runs for any size of its open axis", async () => {
  const batch = 7919;
  // Repeats a vector along the axis, joins it, splits an axis and normalises: shapes of every kind.
  const bytes = exportModel(
    "policy",
    ({ x, mask }) => {
      const [size] = x.shape;
      const id = np.broadcastTo(np.array([0, 1]), [size, 2]);
      const features = np.concatenate([x, id, mask.reshape([size, 3])], 1);
      const heads = np.matmul(features, np.ones([8, 4])).reshape([size, 2, 2]);
      return { soft: nn.softmax(heads, -1), best: np.argmax(mask, 1), column: features.slice([], 4) };
    },
    { x: float32(batch, 3), mask: float32(batch, 3) },
    { openAxis: { name: "batch", size: batch }, metadata: { actions: "left, right" } },
  );
  const open = (f: (x: Traced) => Traced) => () =>
    exportModel("open", ({ x }) => f(x), { x: float32(batch, 3) }, { openAxis: { name: "batch", size: batch } });
  expect(open((x) => x.sum(0))).toThrow("program open: an array of constants has the open axis batch");
  const sized: ((x: Traced) => Traced)[] = [
    (x) => x.mean(),
    (x) => x.slice([0, -1]),
    (x) => np.broadcastTo(np.array([1, 2, 3]), x.shape).sum(0),
    (x) => x.reshape([batch, 3]).mul(np.broadcastTo(np.array(1), [batch, 3])),
  ];
  for (const f of sized)
    expect(open(f)).toThrow("program open: what it computes depends on the size of the axis batch");
  await expect(loadProgram(bytes)).rejects.toThrow("x has the open axis batch: give its size in axes");
  for (const size of [1, 4]) {
    const program = await loadProgram(bytes, { axes: { batch: size } });
    expect(program.inputs.get("x")).toEqual(float32(size, 3));
    const x = Float32Array.from({ length: size * 3 }, (_, i) => i);
    const mask = Float32Array.from({ length: size * 3 }, (_, i) => (i % 3 === 2 ? 1 : 0));
    const { soft, best, column } = await program.run({ x, mask });
    expect([...soft]).toEqual(new Array(size * 4).fill(0.5));
    expect([...best]).toEqual(new Array(size).fill(2));
    expect([...column]).toEqual(new Array(size).fill(1));
    await program.release();
  }
});

test("parameters keep their places in an exported model, also at multiples of what stands for its open axis", async () => {
  const batch = 101;
  const theta = Float32Array.from({ length: 3 * batch + 1 }, (_, i) => i);
  const bytes = exportModel(
    "parts",
    ({ x }) => {
      const parameters = np.array(theta.slice());
      const [weight, bias] = [parameters.slice([batch, batch + 3]), parameters.slice([2 * batch, 2 * batch + 1])];
      return { y: np.matmul(x, weight).add(bias) };
    },
    { x: float32(batch, 3) },
    { openAxis: { name: "batch", size: batch } },
  );
  const program = await loadProgram(bytes, { axes: { batch: 2 } });
  expect([...(await program.run({ x: Float32Array.of(1, 0, 0, 0, 1, 1) })).y]).toEqual([101 + 202, 102 + 103 + 202]);
  await program.release();
});

test.each([0, 1])("a program in two stages agrees with one stage, in thread %d", async (thread) => {
  const inputs = { theta: { w: float32(4, 3), b: float32(3) }, x: float32(5, 4), unused: float32(1) };
  const f = ({ theta, x }: { theta: { w: np.Array; b: np.Array }; x: np.Array }) => {
    const weight = np.tanh(theta.w).sub(theta.w.mean(0, { keepdims: true }));
    return { y: np.matmul(x, weight).add(theta.b), norm: weight.mul(weight).sum() };
  };
  const whole = await compile("layer", f as never, inputs);
  const isStable = (name: string) => name.startsWith("theta.");
  const [staged] = await compileStaged("layer", f as never, inputs, isStable, [thread]);
  const [x, unused] = [Float32Array.from({ length: 20 }, Math.sin), new Float32Array(1)];
  await expect(staged.run({ x, unused })).rejects.toThrow("program layer was not prepared");
  for (const scale of [1, 2]) {
    const theta = {
      "theta.w": Float32Array.from({ length: 12 }, (_, i) => scale * Math.cos(i)),
      "theta.b": Float32Array.of(1, 2, scale),
    };
    await staged.prepare(theta);
    expect(await staged.run({ x, unused })).toEqual(await whole.run({ ...theta, x, unused }));
  }
  await staged.release();
  await whole.release();
});

test.each([0, 1])("programs of one thread share a session, and each keeps its own, in thread %d", async (thread) => {
  const inputs = { theta: float32(2, 2), x: float32(3, 2) };
  const f = ({ theta, x }: Record<string, np.Array>) => ({ y: np.matmul(x, np.tanh(theta)) });
  const programs = await compileStaged("layer", f as never, inputs, (name) => name === "theta", [thread, thread]);
  const whole = await compile("layer", f as never, inputs);
  const thetas = [1, -2].map((scale) => Float32Array.of(scale, 0.5, 0.25, 2 * scale));
  const x = Float32Array.from({ length: 6 }, Math.cos);
  const expected = await Promise.all(thetas.map((theta) => whole.run({ theta, x })));
  for (const [i, program] of programs.entries()) await program.prepare({ theta: thetas[i] });
  expect(await Promise.all(programs.map((program) => program.run({ x })))).toEqual(expected);
  // Who is released takes nothing away from the other.
  await programs[0].release();
  expect(await programs[1].run({ x })).toEqual(expected[1]);
  await programs[1].release();
  await whole.release();
});

test.each([0, 1])("what goes in by a pack can come out under its own name, in thread %d", async (thread) => {
  const inputs = { a: float32(2, 3), b: float32(2, 3), memory: float32(2, 3) };
  const f = ({ a, b, memory }: Record<string, np.Array>) => ({ memory: memory.add(a).add(b.mul(2)) });
  const [staged] = await compileStaged("memory", f as never, inputs as never, () => false, [thread]);
  const memory = new Float32Array(6);
  await staged.run(
    { a: new Float32Array(6).fill(1), b: new Float32Array(6).fill(2), memory: new Float32Array(6).fill(4) },
    { memory },
  );
  expect([...memory]).toEqual(new Array(6).fill(9));
  await staged.release();
});

test("one array can be fed to inputs of different shapes", async () => {
  const program = await compile("shapes", ({ a, b }) => np.matmul(a, b), { a: float32(1, 4), b: float32(4, 1) });
  const x = Float32Array.of(1, 2, 3, 4);
  const [output] = Object.values(await program.run({ a: x, b: x }));
  expect([...output]).toEqual([30]);
  await program.release();
});

test.each([0, 1])("many small arrays go over in packs, and nobody sees them, in thread %d", async (thread) => {
  const rows = [2, 1, 3, 2];
  const inputs = {
    theta: float32(3),
    wide: rows.map((count) => float32(count, 3)),
    flat: rows.map((count) => float32(count)),
    large: rows.map(() => float32(5000)),
    flags: bool(4),
  };
  const f = ({ theta, wide, flat, large, flags }: Record<string, np.Array & np.Array[]>) => ({
    // Of which one is an input as it is, one a constant, and two are the same.
    sums: [...wide.map((x) => np.matmul(x, theta)), flat[1], np.ones([2]), np.matmul(wide[0], theta)],
    wide: wide.map((x, i) => x.mul(flat[i].reshape([-1, 1]))),
    rest: large.reduce((sum, x) => sum.add(x.slice([0, 2])), np.zeros([2])),
    flags: np.logicalNot(flags),
  });
  const whole = await compile("packs", f as never, inputs as never);
  const [staged] = await compileStaged("packs", f as never, inputs as never, (name) => name === "theta", [thread]);
  const theta = Float32Array.of(1, -2, 0.5);
  await staged.prepare({ theta });
  for (const scale of [1, 3]) {
    const feeds: Record<string, Float32Array | Uint8Array> = { flags: Uint8Array.of(1, 0, 0, 1) };
    for (const [name, { size }] of whole.inputs)
      feeds[name] ??= Float32Array.from(
        { length: size },
        (_, i) => scale * Math.sin(i + name.length + Number(name.at(-1))),
      );
    const { theta: _, ...others } = feeds;
    const into = { "sums.2": new Float32Array(3), "wide.1": new Float32Array(3) };
    const results = await staged.run(others, into);
    expect(results).toEqual(await whole.run({ ...feeds, theta }));
    for (const name of ["sums.2", "wide.1"] as const) expect(results[name]).toBe(into[name]);
    await expect(staged.run({ ...others, "flat.2": theta.slice(1) })).rejects.toThrow(
      "program packs: input flat.2: got",
    );
  }
  await staged.release();
  await whole.release();
});

test("runs of a program in the background that are asked for at once each have their own numbers", async () => {
  const double = await compile("double", ({ x }) => ({ y: x.mul(2) }), { x: float32(3) }, { thread: 1 });
  const results = await Promise.all([1, 2, 3].map((k) => double.run({ x: new Float32Array(3).fill(k) })));
  expect(results.map(({ y }) => y[0])).toEqual([2, 4, 6]);
  await double.release();
});

test.each([0, 1])("so have runs of one whose arrays go over in packs, in thread %d", async (thread) => {
  const names = ["a", "b", "c", "d"];
  const inputs = Object.fromEntries(names.map((name) => [name, float32(1)]));
  const f = (terms: Record<string, np.Array>) => ({ sum: names.map((name) => terms[name]).reduce((x, y) => x.add(y)) });
  const [sum] = await compileStaged("sum", f as never, inputs as never, () => false, [thread]);
  const feeds = (k: number) => Object.fromEntries(names.map((name) => [name, Float32Array.of(k)]));
  const results = await Promise.all([1, 2, 3].map((k) => sum.run(feeds(k))));
  expect(results.map((result) => result.sum[0])).toEqual([4, 8, 12]);
  await sum.release();
});

test.each([0, 1])("positions and flags can be what seldom changes, in thread %d", async (thread) => {
  const inputs = { index: int32(2), mask: bool(4), prepared: float32(4), x: float32(4) };
  const f = ({ index, mask, prepared, x }: Record<string, np.Array>) => ({
    taken: x.slice(index as never),
    kept: np.where(mask, x, 0),
    scaled: x.mul(np.exp(prepared)),
  });
  const [staged] = await compileStaged("staged", f as never, inputs as never, (name) => name !== "x", [thread]);
  const index = Int32Array.of(3, 1);
  const stable = { index, mask: Uint8Array.of(1, 0, 0, 1), prepared: new Float32Array(4) };
  await expect(staged.prepare({ ...stable, index: index.subarray(1) })).rejects.toThrow(
    "program staged: input index: got",
  );
  await staged.prepare(stable);
  // What is prepared is a copy.
  index.fill(0);
  const { taken, kept, scaled } = await staged.run({ x: Float32Array.of(1, 2, 3, 4) });
  expect([[...taken], [...kept], [...scaled]]).toEqual([
    [4, 2],
    [1, 0, 0, 4],
    [1, 2, 3, 4],
  ]);
  await staged.release();
});

test("programs in the background run beside those here, with the same numbers", async () => {
  const step = ({ w, x, flags }: { w: np.Array; x: np.Array; flags: np.Array }) => ({
    y: np.tanh(np.matmul(x, w)),
    count: flags.astype(np.int32).sum(),
  });
  const inputs = { w: float32(8, 8), x: float32(16, 8), flags: bool(5) };
  const here = await compile("step", step as never, inputs);
  const background = await compile("step", step as never, inputs, { thread: 1 });
  const feeds = {
    w: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)),
    x: Float32Array.from({ length: 128 }, (_, i) => Math.cos(i)),
    flags: Uint8Array.of(1, 0, 1, 1, 0),
  };
  const y = new Float32Array(128);
  for (let round = 0; round < 3; round++) {
    feeds.x[0] = round;
    const [ours, theirs] = await Promise.all([here.run(feeds), background.run(feeds, { y })]);
    expect(theirs).toEqual(ours);
    expect(theirs.y).toBe(y);
  }
  await expect(background.run({ ...feeds, x: new Float32Array(3) })).rejects.toThrow("program step: input x: got");
  await here.release();
  await background.release();
  await expect(background.run(feeds)).rejects.toThrow("program step was released");
});

test("a released program says so", async () => {
  const program = await compile("f", ({ x }) => x.mul(2), { x: float32(1) });
  await program.release();
  await program.release();
  await expect(program.run({ x: new Float32Array(1) })).rejects.toThrow("program f was released");
});

test("memory stays flat over a long loop of runs, and when programs come and go", async () => {
  const step = ({ w, x }: { w: np.Array; x: np.Array }) => ({
    w: w.sub(grad((w: np.Array) => np.tanh(np.matmul(x, w)).sum())(w)),
  });
  const inputs = { w: float32(64, 64), x: float32(256, 64) };
  const program = await compile("step", step as never, inputs);
  const [a, b, x] = [new Float32Array(64 * 64), new Float32Array(64 * 64), new Float32Array(256 * 64).fill(0.1)];
  const loop = async (runs: number) => {
    for (let i = 0; i < runs; i++) await program.run({ w: i % 2 ? b : a, x }, { w: i % 2 ? a : b });
    for (let i = 0; i < runs / 100; i++) await (await compile("step", step as never, inputs)).release();
    return process.memoryUsage().rss / 2 ** 20;
  };
  await loop(1500);
  const before = await loop(500);
  const after = await loop(3000);
  await program.release();
  // One leaked copy of x per run would be 187 MiB.
  expect(after - before).toBeLessThan(40);
});
