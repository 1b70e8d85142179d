/** @file SMAX against the reference, step by step; `scripts/smax-golden.py` made the numbers. */

import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { VectorMoment } from "../env.ts";
import { createMoment } from "../moment.ts";
import { vectorSize } from "../spaces.ts";
import type { Draws } from "./battles.ts";
import { type SmaxOptions, smaxOptionsSchema } from "./smax/options.ts";
import { createSmaxBattles } from "./smax/rules.ts";
import { smaxScenarios } from "./smax/scenarios.ts";
import { writeSituation } from "./vector.ts";

interface Situation {
  /** By agent, weighted sums. */
  readonly observations: readonly number[];
  readonly state: number;
  /** By agent, read as a binary number. */
  readonly masks: readonly number[];
  /** At some times: x of all units, then y. */
  readonly places?: readonly number[];
  /** At some times. */
  readonly full?: { readonly observations: readonly (readonly number[])[]; readonly state: readonly number[] };
}

interface Step extends Situation {
  readonly draws: readonly number[];
  readonly actions: readonly (number | readonly number[])[];
  readonly reward: number;
  readonly done: boolean;
}

interface Golden {
  readonly scenario: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly episodes: readonly {
    readonly draws: readonly number[];
    readonly start: Situation;
    readonly steps: readonly Step[];
  }[];
}

const folder = new URL("./golden/", import.meta.url);
const golden = readdirSync(folder).map((file): [string, Golden] => [
  file.replace(".json.gz", ""),
  JSON.parse(gunzipSync(readFileSync(new URL(file, folder))).toString()) as Golden,
]);

/** The reference's names of options. */
const names: Readonly<Record<string, keyof SmaxOptions>> = {
  observation_type: "observationType",
  action_type: "actionType",
  attack_mode: "enemyTargets",
  walls_cause_death: "wallsCauseDeath",
  see_enemy_actions: "seeEnemyActions",
  enemy_shoots: "enemyShoots",
  max_steps: "episodeLimit",
  won_battle_bonus: "winBonus",
};

const optionsOf = (options: Golden["options"]): SmaxOptions =>
  smaxOptionsSchema.parse(
    Object.fromEntries(
      // Of the reference's episodes, the limit counts all steps but the first.
      Object.entries(options).map(([name, value]) => [names[name], name === "max_steps" ? Number(value) + 1 : value]),
    ),
  );

/** Gives the draws that were recorded, and tells if others are asked for. */
function replay() {
  let recorded: readonly number[] = [];
  let next = 0;
  return {
    load(draws: readonly number[]): void {
      recorded = draws;
      next = 0;
    },
    left: () => recorded.length - next,
    uniform(): number {
      if (next === recorded.length) throw new Error(`more than the ${recorded.length} recorded draws`);
      return recorded[next++];
    },
  } satisfies Draws & Record<string, unknown>;
}

/** The same arithmetic is in the script. */
const weight = (k: number): number => 0.5 + ((k * 7919) % 1009) / 1009;

/** A weighted sum of an array's numbers, and the length of those that it adds. */
function digest(values: ArrayLike<number>): { readonly sum: number; readonly norm: number } {
  let [sum, squares] = [0, 0];
  for (let k = 0; k < values.length; k++) {
    sum += weight(k) * values[k];
    squares += (weight(k) * values[k]) ** 2;
  }
  return { sum, norm: Math.sqrt(squares) };
}

const TOLERANCE = 1e-5;

/** Relative to the number, or, of small numbers, to 1: they are shares of something. */
function expectClose(what: string, actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length, what).toBe(expected.length);
  for (let k = 0; k < expected.length; k++) {
    const error = Math.abs(actual[k] - expected[k]) / Math.max(1, Math.abs(expected[k]));
    if (!(error <= TOLERANCE)) expect.fail(`${what}[${k}] is ${actual[k]}, the reference has ${expected[k]}`);
  }
}

function expectSituation(when: string, moment: VectorMoment, { observations, state, masks, full }: Situation): void {
  const compare = (what: string, values: Float32Array, expected: number): void => {
    const { sum, norm } = digest(values);
    if (!(Math.abs(sum - expected) <= TOLERANCE * Math.max(1, norm)))
      expect.fail(`${what} ${when} sums up to ${sum}, the reference has ${expected}`);
  };
  if (full) {
    expectClose(`state ${when}`, moment.states, full.state);
    full.observations.forEach((expected, i) => {
      expectClose(`observation of agent ${i} ${when}`, moment.observations[i], expected);
    });
  }
  compare("state", moment.states, state);
  observations.forEach((expected, i) => {
    compare(`observation of agent ${i}`, moment.observations[i], expected);
  });
  moment.actionMasks.forEach((mask, i) => {
    if (mask.length > 0) expect(Number.parseInt([...mask].join(""), 2), `mask of agent ${i} ${when}`).toBe(masks[i]);
  });
}

test.each(golden)("%s goes as in the reference", (_, { scenario, options, episodes }) => {
  const battles = createSmaxBattles(smaxScenarios[scenario], optionsOf(options), 1);
  const moment = createMoment(battles.team, 1);
  const actions = battles.team.actionSpaces.map((space) => new Float32Array(vectorSize(space)));
  const draws = replay();
  battles.draws[0] = draws;
  const { x, y } = battles.memory;
  // Crowds that push each other amplify rounding errors.
  const startAnew = ({ places = [] }: Situation): void => {
    x.set(places.slice(0, x.length));
    y.set(places.slice(x.length));
  };
  let steps = 0;
  for (const [number, episode] of episodes.entries()) {
    draws.load(episode.draws);
    battles.begin(0);
    expect(draws.left()).toBe(0);
    writeSituation(battles, 0, moment);
    expectSituation(`at the start of episode ${number}`, moment, episode.start);
    startAnew(episode.start);
    for (const [t, step] of episode.steps.entries()) {
      const when = `after step ${t + 1} of episode ${number}`;
      draws.load(step.draws);
      for (const [i, action] of step.actions.entries()) {
        if (typeof action === "number") actions[i].fill(0)[action] = 1;
        else actions[i].set(action);
      }
      battles.advance(0, actions, moment);
      expect(draws.left(), `draws left ${when}`).toBe(0);
      writeSituation(battles, 0, moment);
      expectClose(`reward ${when}`, moment.rewards, [step.reward]);
      expect(moment.terminations[0] + moment.truncations[0] === 1, `end ${when}`).toBe(step.done);
      expectSituation(when, moment, step);
      startAnew(step);
      steps++;
    }
  }
  expect(steps).toBe(100);
});
