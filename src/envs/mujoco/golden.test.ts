/** @file Every robot and factorisation against the reference, step by step; `scripts/mujoco-golden.py` made the numbers. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createMoment } from "../moment.ts";
import { vectorSize } from "../spaces.ts";
import { allocateCopies, createCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import { type MujocoOptions, referenceOptions } from "./options.ts";
import { createTask } from "./task.ts";
import { expectClose } from "./testing/close.ts";

interface Golden {
  readonly rewards: readonly number[];
  /** The steps (from 1) after which the reference says that the episode has ended; it goes on all the same. */
  readonly terminated: readonly number[];
  /** By step, of some. */
  readonly states: Readonly<Record<string, readonly number[]>>;
  /** By step, of all from 0 to 50: inner product with a wave. */
  readonly stateProducts: readonly number[];
  readonly observations: readonly {
    readonly options: Partial<MujocoOptions>;
    /** By step, of some, by agent. */
    readonly steps: Readonly<Record<string, readonly (readonly number[])[]>>;
    /** By step, of all: inner product of all agents' observations with a wave. */
    readonly products: readonly number[];
  }[];
}

const folder = new URL("./golden/", import.meta.url);
const golden = readdirSync(folder).flatMap((file) =>
  Object.entries(JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Record<string, Golden>),
);

/** In ±1.25 of the motors' range, so that some actions lie outside; the same arithmetic is in the script. */
const action = (step: number, place: number, limit: number): number =>
  1.25 * limit * (((step * 7919 + place * 104729 + 31 * step * place) % 2001) / 1000 - 1);

/** Relative to the length of the vectors. */
function expectProduct(what: string, vectors: readonly ArrayLike<number>[], expected: number): void {
  const numbers = vectors.flatMap((vector) => Array.from(vector));
  const product = numbers.reduce((sum, value, k) => sum + value * Math.cos(1.9 * k), 0);
  const error = Math.abs(product - expected) / Math.max(Math.hypot(...numbers), 1e-3);
  if (!(error <= 1e-6)) expect.fail(`the product of ${what} is ${product}, the reference has ${expected}`);
}

async function follow(id: string, options: MujocoOptions, visit: (step: number, at: Visit) => void): Promise<void> {
  const task = createTask(findRobot(id, options), options);
  const memory = allocateCopies(task, 1, (bytes) => new ArrayBuffer(bytes));
  const moment = createMoment(task.team, 1);
  const copies = await createCopies(task, memory);
  const actions = task.team.actionSpaces.map((space) => new Float32Array(vectorSize(space)));
  const limit = task.robot.description.controlLimit;
  copies.begin(0, moment);
  visit(0, moment);
  for (let step = 1; step <= 50; step++) {
    let place = 0;
    for (const own of actions) for (let k = 0; k < own.length; k++) own[k] = action(step, place++, limit);
    copies.advance(0, actions, moment);
    visit(step, moment);
  }
  copies.release();
}

type Visit = ReturnType<typeof createMoment>;

test.each(golden)(
  "%s does what the reference does",
  async (id, { rewards, terminated, states, stateProducts, observations }) => {
    expect(rewards).toHaveLength(50);
    const ours: number[] = [];
    const ended: number[] = [];
    for (const [variant, { options, steps, products }] of observations.entries()) {
      await follow(id, { ...referenceOptions, ...options }, (step, moment) => {
        steps[step]?.forEach((expected, agent) => {
          expectClose(`observation of agent ${agent} at step ${step}`, moment.observations[agent], expected);
        });
        expectProduct(`observations at step ${step}`, moment.observations, products[step]);
        if (variant > 0) return;
        expectProduct(`state at step ${step}`, [moment.states], stateProducts[step]);
        if (states[step]) expectClose(`state at step ${step}`, moment.states, states[step]);
        if (step === 0) return;
        ours.push(moment.rewards[0]);
        if (moment.terminations[0]) ended.push(step);
      });
    }
    for (const [step, reward] of rewards.entries()) expectClose(`reward of step ${step + 1}`, [ours[step]], [reward]);
    expect(ended).toEqual(terminated);
  },
);
