/** @file Names that people mistype, and those that they meant. */

import { distance } from "fastest-levenshtein";
import { InputError } from "./errors.ts";

/** The name that was probably meant, if one is near (a few letters wrong, or only its beginning); case does not count. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  let nearest: string | undefined;
  let smallest = Math.max(2, name.length / 3) + 1;
  for (const candidate of names) {
    const letters = distance(lower, candidate.toLowerCase());
    // Where no letter is the same, nothing was meant.
    const alike = letters < Math.max(name.length, candidate.length);
    if (alike && letters < smallest) [nearest, smallest] = [candidate, letters];
  }
  return nearest ?? names.find((candidate) => lower !== "" && candidate.toLowerCase().startsWith(lower));
}

/** `; did you mean X?` where a name is near, else nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/** What to say of a name that does not exist. */
export const unknownName = (kind: string, name: string, names: readonly string[]): InputError =>
  new InputError(`unknown ${kind} ${name}${didYouMean(name, names)} (there are: ${names.join(", ")})`);
