import { expect, test } from "vitest";
import { randomEnv, teamOf } from "../algorithms/fixture.ts";
import { createMoment } from "../envs/moment.ts";
import { box } from "../envs/spaces.ts";
import { createNormalizer } from "./normalizer.ts";

const team = teamOf({ actionSpaces: [box(1), box(1)] });
const numEnvs = 3;

/** Steps of the environment of chance, moved and stretched; what agent 1 saw of feature 2, raw and through it. */
function walk(steps: number, refreshEvery: number) {
  const chance = randomEnv(team, numEnvs, 5);
  const raw: number[] = [];
  const stretched = {
    ...chance,
    step(actions: readonly Float32Array[], moment: Parameters<typeof chance.step>[1]) {
      chance.step(actions, moment);
      const seen = moment.observations[1];
      for (let k = 2; k < seen.length; k += 3) {
        seen[k] = 1000 + 0.5 * seen[k];
        raw.push(seen[k]);
      }
    },
  };
  const normalizer = createNormalizer(team);
  const env = normalizer.wrap(stretched, true);
  const moment = createMoment(team, numEnvs);
  const scaled: number[] = [];
  for (let step = 0; step < steps; step++) {
    if (step % refreshEvery === 0) normalizer.refresh();
    env.step([], moment);
    for (let k = 2; k < 3 * numEnvs; k += 3) scaled.push(moment.observations[1][k]);
  }
  return { normalizer, raw, scaled };
}

test("features are seen less their mean, over their standard deviation, of all that was seen before the rollout", () => {
  const { normalizer, raw, scaled } = walk(60, 20);
  const before = raw.slice(0, 40 * numEnvs);
  const mean = before.reduce((sum, x) => sum + x, 0) / before.length;
  const std = Math.sqrt(before.reduce((sum, x) => sum + (x - mean) ** 2, 0) / before.length);
  const { shift, scale } = normalizer.observations[1];
  expect(shift[2]).toBeCloseTo(mean, 3);
  expect(scale[2] * std).toBeCloseTo(1, 4);
  for (let i = 40 * numEnvs; i < raw.length; i++) expect(scaled[i]).toBeCloseTo((raw[i] - mean) / std, 2);
  // Before anything was taken in, features are as they are, held within the limit.
  expect(scaled[0]).toBe(10);
});

test("statistics of parts are those of the whole", () => {
  const [parts, whole] = [walk(60, 7).normalizer, walk(60, 60).normalizer];
  for (const normalizer of [parts, whole]) normalizer.refresh();
  for (const [i, { shift, scale }] of parts.observations.entries()) {
    for (let k = 0; k < shift.length; k++) {
      expect(shift[k]).toBeCloseTo(whole.observations[i].shift[k], 3);
      expect(scale[k]).toBeCloseTo(whole.observations[i].scale[k], 4);
    }
  }
});

test("a feature that is always the same, and large, stays a number", () => {
  const copies = 128;
  for (let value = 3000; value < 3100; value += 0.37) {
    const same = randomEnv(team, copies, 5);
    const env = createNormalizer(team);
    const wrapped = env.wrap(
      { ...same, reset: (_, moment) => moment.observations[0].fill(value) && undefined } as typeof same,
      true,
    );
    wrapped.reset(0, createMoment(team, copies));
    env.refresh();
    for (const scale of env.observations[0].scale) expect(scale).toBeGreaterThan(0);
  }
});

test("after its statistics are restored, an environment that begins anew is seen through them", () => {
  const { normalizer } = walk(60, 20);
  const other = createNormalizer(team);
  for (const [name, array] of other.state) array.set(normalizer.state.get(name)!);
  other.wrap(randomEnv(team, numEnvs, 5), true).reset(0, createMoment(team, numEnvs));
  expect(other.observations).toEqual(normalizer.observations);
});
