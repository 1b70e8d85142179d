import { expect, test } from "vitest";
import { compile, float32 } from "../compile/index.ts";
import { Random } from "../random.ts";
import { createMinibatches, inTimeOrder, minibatchSequences, rolloutSequences, rowCount } from "./minibatch.ts";

test("minibatches deal out whole sequences, each once, with what they begin with", async () => {
  const [length, numEnvs, chunk] = [6, 4, 3];
  const whole = rolloutSequences(length, numEnvs, chunk);
  expect(whole).toEqual({ blocks: 2, length: 3, width: 4 });
  expect(minibatchSequences(whole, 2)).toEqual({ blocks: 4, length: 3, width: 1 });
  // Row t · N + e holds (t, e); the sequence that begins at time t in environment e begins with 100 · t + e.
  const rows = Float32Array.from({ length: 2 * length * numEnvs }, (_, i) =>
    i % 2 === 0 ? Math.floor(i / 2 / numEnvs) : Math.floor(i / 2) % numEnvs,
  );
  const starts = Float32Array.from({ length: 8 }, (_, i) => 100 * chunk * Math.floor(i / numEnvs) + (i % numEnvs));
  const minibatches = createMinibatches(whole, 2);
  minibatches.shuffle(new Random(3));
  const seen: number[] = [];
  await minibatches.forEach(
    { rows: { at: rows }, sequences: { start: starts }, fixed: {} },
    async ({ rows: { at }, sequences: { start } }) => {
      expect([at.length, start.length]).toEqual([24, 4]);
      for (let sequence = 0; sequence < 4; sequence++) {
        const [t, e] = [Math.floor(start[sequence] / 100), start[sequence] % 100];
        seen.push(start[sequence]);
        for (let l = 0; l < chunk; l++) {
          const row = sequence * chunk + l;
          expect([at[2 * row], at[2 * row + 1]]).toEqual([t + l, e]);
        }
      }
    },
  );
  expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 300, 301, 302, 303]);
  expect(seen).not.toEqual(seen.toSorted((a, b) => a - b));
});

test("in the order of time, a step's rows lie together, in the order of their sequences", async () => {
  const whole = { blocks: 3, length: 2, width: 2 };
  const rows = rowCount(whole);
  let inTime: unknown;
  const program = await compile(
    "in time",
    ({ at }) => {
      const [samples, sequences] = inTimeOrder({ rows: { at }, sequences: {}, fixed: {} }, whole);
      inTime = sequences;
      return samples.rows;
    },
    { at: float32(rows, 3) },
  );
  // Of each row: its block, its step, its column.
  const at = Array.from({ length: rows }, (_, row) => [Math.floor(row / 4), Math.floor(row / 2) % 2, row % 2]);
  const { at: moved } = await program.run({ at: Float32Array.from(at.flat()) });
  expect(inTime).toEqual({ blocks: 1, length: 2, width: 6 });
  const places = Array.from({ length: rows }, (_, row) => [...moved.subarray(3 * row, 3 * row + 3)]);
  const expected = [0, 1].flatMap((step) =>
    [0, 1, 2].flatMap((block) => [0, 1].map((column) => [block, step, column])),
  );
  expect(places).toEqual(expected);
  await program.release();
});
