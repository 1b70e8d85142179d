import { expect, test } from "vitest";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { mergeTrees } from "../trees.ts";
import { keepKnown, parseSettings, schemaNode } from "./settings.ts";

const schema = z.strictObject({
  algorithm: z
    .strictObject({
      epochs: z.int().min(1).default(15),
      clip: z.number().gt(0).lt(1).default(0.2),
      schedule: z.enum(["sequential", "simultaneous"]).default("sequential"),
      peerCoef: z.union([z.number(), z.strictObject({ from: z.number(), to: z.number() })]).default(1),
      order: z.array(z.int().min(0)).optional(),
    })
    .prefault({}),
  env: z.strictObject({ options: z.record(z.string(), z.number()).default({}) }).prefault({}),
  quiet: z.boolean().default(false),
  seed: z
    .int()
    .default(0)
    .refine((seed) => seed !== 13, "13 brings bad luck"),
});

test.each([
  [{ algoritm: {} }, "algoritm is not a setting; did you mean algorithm? (allowed here: algorithm, env, quiet, seed)"],
  [
    { algorithm: { epoch: 3 } },
    "algorithm.epoch is not a setting; did you mean epochs? (allowed here: epochs, clip, schedule, peerCoef, order)",
  ],
  [{ zzzzzz: 1 }, "zzzzzz is not a setting (allowed here: algorithm, env, quiet, seed)"],
  [{ algorithm: { epochs: 0 } }, "algorithm.epochs is 0; it must be a whole number ≥ 1"],
  [{ algorithm: { epochs: 1.5 } }, "algorithm.epochs is 1.5; it must be a whole number ≥ 1"],
  [{ algorithm: { clip: "wide" } }, 'algorithm.clip is "wide"; it must be a number > 0 and < 1'],
  [{ algorithm: { clip: null } }, "algorithm.clip is null; it must be a number > 0 and < 1"],
  [{ algorithm: { schedule: "both" } }, 'algorithm.schedule is "both"; it must be one of sequential, simultaneous'],
  [{ algorithm: { peerCoef: "x" } }, 'algorithm.peerCoef is "x"; it must be a number, or a mapping with from, to'],
  [{ algorithm: { peerCoef: { from: 1 } } }, "algorithm.peerCoef.to is nothing; it must be a number"],
  [
    { algorithm: { peerCoef: { from: 1, to: 0, frm: 2 } } },
    "algorithm.peerCoef.frm is not a setting; did you mean from? (allowed here: from, to)",
  ],
  [
    { algorithm: { peerCoef: { from: 1, too: 0 } } },
    "algorithm.peerCoef.too is not a setting; did you mean to? (allowed here: from, to)",
  ],
  [{ algorithm: { order: [0, -1] } }, "algorithm.order.1 is -1; it must be a whole number ≥ 0"],
  [{ algorithm: 3 }, "algorithm is 3; it must be a mapping with epochs, clip, schedule, peerCoef, order"],
  [{ env: { options: { k: "a" } } }, 'env.options.k is "a"; it must be a number'],
  [{ quiet: "yes" }, 'quiet is "yes"; it must be true or false'],
  [{ seed: 13 }, "seed: 13 brings bad luck"],
])("%j is refused in one line", (value, message) => {
  expect(() => parseSettings(schema, value)).toThrow(new InputError(message));
});

test("defaults fill what is not given", () => {
  expect(parseSettings(schema, { algorithm: { epochs: 2 } })).toEqual({
    algorithm: { epochs: 2, clip: 0.2, schedule: "sequential", peerCoef: 1 },
    env: { options: {} },
    quiet: false,
    seed: 0,
  });
});

test("mappings are merged, everything else is replaced", () => {
  expect(mergeTrees({ a: { x: 1, y: [1, 2] }, b: { c: 1 } }, { a: { y: [3] }, b: 5, d: { e: 1 } })).toEqual({
    a: { x: 1, y: [3] },
    b: 5,
    d: { e: 1 },
  });
});

test("a preset's settings that the schema does not have are left out", () => {
  const preset = { algorithm: { epochs: 5, ppoOnly: 1 }, other: 2, env: { options: { k: -100 } } };
  expect(keepKnown(preset, schemaNode(schema))).toEqual({ algorithm: { epochs: 5 }, env: { options: { k: -100 } } });
});
