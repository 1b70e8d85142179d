/** @file Parsers of option values; a bad one is refused in a line that names the flag, the value and what is allowed. */

import { InvalidArgumentError } from "commander";

/** A whole number of at least `minimum`; 1e6 is one too. */
export const wholeNumber =
  (minimum: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`It must be a whole number ≥ ${minimum}.`);
    }
    return value;
  };

/** A file name with this ending. */
export const fileName =
  (ending: string) =>
  (text: string): string => {
    if (!text.toLowerCase().endsWith(ending)) throw new InvalidArgumentError(`It must end in ${ending}.`);
    return text;
  };

/** For options that can be given several times. */
export const collected = (value: string, before: readonly string[]): readonly string[] => [...before, value];
