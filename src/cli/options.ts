/** @file Parsers of option values; a bad one is refused in a line that names the flag, the value and what is allowed. */

import { InvalidArgumentError } from "commander";
import type { WhichPolicy } from "../experiment/evaluate.ts";

/** A whole number of at least `minimum`; 1e6 is one too. */
export const wholeNumber =
  (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < minimum || value > maximum) {
      const allowed = maximum < Number.MAX_SAFE_INTEGER ? `from ${minimum} to ${maximum}` : `≥ ${minimum}`;
      throw new InvalidArgumentError(`It must be a whole number ${allowed}.`);
    }
    return value;
  };

/** Flags by which a command is told which of a run's policies it is about. */
export const policyOption = [
  "--policy <which>",
  "last, best (of those that were evaluated), or the step of a checkpoint (default: last)",
] as const;

/** `last`, `best`, or a step. */
export const whichPolicy = (text: string): WhichPolicy => {
  if (text === "last" || text === "best") return text;
  const step = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(step) && step > 0) return step;
  throw new InvalidArgumentError("It must be last, best, or the step of a checkpoint.");
};

/** A file name with one of these endings. */
export const fileName =
  (...endings: readonly string[]) =>
  (text: string): string => {
    if (!endings.some((ending) => text.toLowerCase().endsWith(ending)))
      throw new InvalidArgumentError(`It must end in ${endings.join(" or ")}.`);
    return text;
  };

/** A word as a shell takes it. */
export const quoted = (word: string): string =>
  /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** For options that can be given several times. */
export const collected = (value: string, before: readonly string[]): readonly string[] => [...before, value];
