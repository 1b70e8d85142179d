/** @file Factorisations of robots that come in any length: N agents with K segments each. */

import { InputError } from "../../errors.ts";

/** Segments that are enough for anybody; MuJoCo's time grows with their square. */
const maximum = 100;

/**
 * Reads `NxK`.
 * @param what of which each agent has K
 * @param minimum of N·K
 * @throws InputError if it is not of that form, or too short or too long
 */
export function segmentsOf(
  robot: string,
  factorisation: string,
  what: string,
  minimum: number,
): { readonly agents: number; readonly perAgent: number; readonly total: number } {
  const [, agents, perAgent] = (/^([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(factorisation) ?? []).map(Number);
  const total = agents * perAgent;
  if (!(total >= minimum && total <= maximum)) {
    throw new InputError(
      `${robot} has no factorisation ${JSON.stringify(factorisation)} (it is ${robot}-NxK: N agents with K ${what} each, N·K from ${minimum} to ${maximum}, such as ${robot}-5x2)`,
    );
  }
  return { agents, perAgent, total };
}
