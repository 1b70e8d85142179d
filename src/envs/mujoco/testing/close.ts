/** @file How near numbers must be to those of the reference. */

import { expect } from "vitest";

/** Relative to the number, or, of small numbers, to a thousandth of the largest beside it. */
export function expectClose(what: string, actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length, what).toBe(expected.length);
  const scale = 1e-3 * expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / Math.max(Math.abs(expected[i]), scale);
    if (!(error < 1e-6)) expect.fail(`${what}[${i}] is ${actual[i]}, the reference has ${expected[i]}`);
  }
}
