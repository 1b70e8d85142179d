/** @file Tests of how one waits: awake where that is faster, asleep where not, and never awake for long. */

import { describe, expect, test } from "vitest";
import { createPatience } from "./patience.ts";

/** Waits for steps for so long, ms, of which each takes what `step` says; how much of that time was awake. */
function play(milliseconds: number, step: (awake: boolean) => number): { share: number; ended: boolean } {
  let now = 0;
  let awake = false;
  let awakeFor = 0;
  const patience = createPatience(
    (value) => {
      awake = value;
    },
    () => now,
  );
  while (now < milliseconds) {
    const began = now;
    const there = now + step(awake);
    patience.wait(() => {
      // A look takes a microsecond.
      now += 0.001;
      return now >= there;
    });
    now = Math.max(now, there);
    if (awake) awakeFor += now - began;
  }
  return { share: awakeFor / now, ended: awake };
}

describe("waiting", () => {
  test("is awake where steps follow each other faster so", () => {
    expect(play(60_000, (awake) => (awake ? 0.2 : 0.3)).share).toBeGreaterThan(0.95);
    expect(play(60_000, (awake) => (awake ? 2.0 : 2.2)).share).toBeGreaterThan(0.95);
  });

  test.each([
    ["is slower", 0.5, 0.3],
    ["changes nothing", 0.3, 0.3],
  ])("is asleep where being awake %s", (_, awake, asleep) => {
    expect(play(60_000, (is) => (is ? awake : asleep)).share).toBeLessThan(0.1);
  });

  test("does not try for long what is far slower", () => {
    let slow = 0;
    play(60_000, (awake) => {
      if (!awake) slow += 1;
      return awake ? 0.2 : 1;
    });
    // Some six trials, of a hundredth of a second each.
    expect(slow).toBeGreaterThan(30);
    expect(slow).toBeLessThan(150);
  });

  test("changes when things change", () => {
    let steps = 0;
    const { share, ended } = play(120_000, (awake) => {
      steps += 1;
      return steps < 100_000 ? (awake ? 0.2 : 0.3) : awake ? 0.9 : 0.3;
    });
    expect(ended).toBe(false);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.5);
  });

  test("goes on asleep after three milliseconds, and looks ever more rarely where that is in vain", () => {
    let now = 0;
    const patience = createPatience(
      () => {},
      () => now,
    );
    const looked = Array.from({ length: 40 }, () => {
      const began = now;
      expect(
        patience.wait(() => {
          now += 0.001;
          return false;
        }),
      ).toBe(false);
      const awake = now - began;
      now += 50;
      return awake;
    });
    expect(Math.max(...looked)).toBeLessThan(3.1);
    expect(looked.filter((awake) => awake > 1.5).length).toBeLessThan(6);
  });
});
