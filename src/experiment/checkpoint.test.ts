import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  checkpointsIn,
  decodeCheckpoint,
  encodeCheckpoint,
  loadNewestCheckpoint,
  saveCheckpoint,
} from "./checkpoint.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpta-checkpoint-"));
});
afterEach(() => rm(directory, { recursive: true }));

const bytesOf = (content: unknown): Buffer => Buffer.concat(encodeCheckpoint(content));

const typedArray = fc.oneof(
  fc.float32Array(),
  fc.float64Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
);
const { content } = fc.letrec((tie) => ({
  content: fc.oneof(
    { maxDepth: 3 },
    typedArray,
    fc.double(),
    fc.bigInt(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("content"), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      tie("content"),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}));

test("what comes back is what went in, bit for bit", () => {
  fc.assert(
    fc.property(content, (value) => {
      expect(decodeCheckpoint(bytesOf(value))).toStrictEqual(value);
    }),
  );
});

test("a view into a larger array is saved as what it shows", () => {
  const view = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  expect(decodeCheckpoint(bytesOf({ view }))).toStrictEqual({ view: Float32Array.of(2, 3) });
});

test("any changed byte and any cut is noticed", () => {
  const whole = bytesOf({ step: 3, theta: Float32Array.of(1, 2, 3) });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
      const damaged = Buffer.from(whole);
      damaged[position] ^= change;
      expect(() => decodeCheckpoint(damaged)).toThrow();
      expect(() => decodeCheckpoint(whole.subarray(0, position))).toThrow();
    }),
  );
});

test("the last K are kept, and nothing half-written stays", async () => {
  for (const step of [100, 200, 1000, 300_000]) await saveCheckpoint(directory, step, { step }, 2);
  expect(await readdir(directory)).toEqual(["step-000000001000.ckpt", "step-000000300000.ckpt"]);
});

test("a damaged checkpoint is named and the one before it is used", async () => {
  for (const step of [1, 2, 3]) await saveCheckpoint(directory, step, { step }, 3);
  const [newest, second] = await checkpointsIn(directory);
  await truncate(newest, 60);
  const bytes = await readFile(second);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(second, bytes);
  const damaged: string[] = [];
  const loaded = await loadNewestCheckpoint(
    directory,
    (value) => value,
    (path, reason) => damaged.push(`${path}: ${reason}`),
  );
  expect(loaded?.content).toEqual({ step: 1 });
  expect(damaged).toEqual([`${newest}: its checksum does not match`, `${second}: its checksum does not match`]);
});

test("no directory, no checkpoint", async () => {
  const never = () => expect.unreachable();
  expect(await loadNewestCheckpoint(join(directory, "nowhere"), never, never)).toBeUndefined();
});
