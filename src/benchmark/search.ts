/** @file What a search for hyperparameters looks through, and the points that it looks at. */

import { z } from "zod";
import type { Random } from "../random.ts";

const ends = (schema: z.ZodNumber) =>
  z.tuple([schema, schema]).refine(([low, high]) => low < high, "the first must be less than the second");

/** The values that a setting may take. */
const rangeSchema = z.union([
  z.strictObject({ uniform: ends(z.number()).describe("[low, high]: any number between, all as likely") }),
  z.strictObject({ logUniform: ends(z.number().gt(0)).describe("[low, high]: any between, all orders as likely") }),
  z.strictObject({ integer: ends(z.int()).describe("[low, high]: any whole number, both ends included") }),
  z.strictObject({ choice: z.array(z.unknown()).min(1).describe("any of these, whatever they are") }),
]);

/** Which hyperparameters to look for, and how. */
const searchFields = z.strictObject({
  space: z
    .record(z.string(), rangeSchema)
    .refine((space) => Object.keys(space).length > 0, "must have a setting to look for")
    .describe(
      "settings by dotted path, each with one of uniform: [low, high], logUniform: [low, high], integer: [low, high], choice: [values…]",
    ),
  points: z
    .enum(["random", "grid"])
    .default("random")
    .describe(
      "which points are tried: drawn ones, or each combination of the choices, of which the space then consists",
    ),
  trials: z
    .int()
    .min(1)
    .default(20)
    .describe(
      "random points: how many are drawn, for each algorithm; one that came up before is not tried again. Of a grid all are tried",
    ),
  method: z
    .enum(["random", "halving"])
    .default("halving")
    .describe("random: every trial runs to its end; halving: only those that do best go on"),
  eta: z.int().min(2).default(3).describe("halving: of so many trials one goes on, with so many times the steps"),
  minSteps: z
    .int()
    .min(1)
    .optional()
    .describe(
      "halving: the first round has at least so many steps (rounds end at steps/eta, steps/eta², …), and an update; default: steps/eta³",
    ),
  seed: z.int().min(0).default(0).describe("the points that are tried follow from it"),
});

export const searchSchema = searchFields.superRefine(({ points, space }, context) => {
  const drawn = Object.keys(space).find((path) => !("choice" in space[path]));
  if (points === "random" || drawn === undefined) return;
  const message = "a grid is made of choices: choice: [values…]";
  context.addIssue({ code: "custom", path: ["space", drawn], message, input: space[drawn] });
});

export type Search = z.output<typeof searchSchema>;
type Range = z.output<typeof rangeSchema>;

/** One value of a range. */
function sample(range: Range, random: Random): unknown {
  if ("choice" in range) return range.choice[random.integer(range.choice.length)];
  if ("integer" in range) {
    const [low, high] = range.integer;
    return low + random.integer(high - low + 1);
  }
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const [low, high] = "uniform" in range ? range.uniform : range.logUniform;
  const value =
    "uniform" in range
      ? roundedTo((high - low) / 1000, between(low, high))
      : Number(Math.exp(between(Math.log(low), Math.log(high))).toPrecision(3));
  return Math.min(high, Math.max(low, value));
}

/** A value in whole steps of a power of ten, at most `step`: people can read it, and it says no more than it should. */
function roundedTo(step: number, value: number): number {
  const digits = Math.min(100, Math.max(0, Math.ceil(-Math.log10(step))));
  return Number(value.toFixed(digits));
}

/** A point of the space: a value for each setting, by its path. */
export type SearchPoint = Readonly<Record<string, unknown>>;

/**
 * The points that a search tries. The first drawn ones are the same however many there are, so a search can be extended.
 * @param paths the settings to look for; default: all of the space
 */
export function searchPoints(
  { space, points, trials }: Search,
  random: Random,
  paths: readonly string[] = Object.keys(space),
): SearchPoint[] {
  if (points === "grid") return combinations(Object.entries(space).filter(([path]) => paths.includes(path)));
  return Array.from({ length: trials }, (_, trial) =>
    Object.fromEntries(
      Object.entries(space).flatMap(([path, range], setting) =>
        // A stream of its own for each value: settings that are left out, or added at the end, do not change it.
        paths.includes(path) ? [[path, sample(range, random.split(trial).split(setting))]] : [],
      ),
    ),
  );
}

/** Each combination of the choices; the last setting changes first. */
const combinations = (space: readonly (readonly [path: string, range: Range])[]): SearchPoint[] =>
  space.reduce<SearchPoint[]>(
    (points, [path, range]) =>
      points.flatMap((point) => ("choice" in range ? range.choice.map((value) => ({ ...point, [path]: value })) : [])),
    [{}],
  );
