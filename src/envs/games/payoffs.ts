/** @file The games of the literature, and those that a user makes, as payoffs of joint actions. */

import { InputError } from "../../errors.ts";
import { box, discrete } from "../spaces.ts";
import { argmax } from "../vectorize.ts";
import type { Game } from "./game.ts";

/** A payoff for every joint action: `[a_0][a_1]…[a_(n−1)]`, one level of nesting per agent. */
export type PayoffTensor = readonly (number | PayoffTensor)[];

/** The climbing game of Claus & Boutilier (AAAI 1998); rows are agent 0's choices, columns agent 1's. */
export const climbingPayoffs: PayoffTensor = [
  [11, -30, 0],
  [-30, 7, 6],
  [0, 0, 5],
];

/** The penalty game of Claus & Boutilier (AAAI 1998): two ways to 10, a safe 2, and `k` for a mismatch. */
export const penaltyPayoffs = (k: number): PayoffTensor => [
  [10, 0, k],
  [0, 2, 0],
  [k, 0, 10],
];

/** A payoff tensor as flat memory, the last agent's choices next to each other. */
interface FlatPayoffs {
  /** Number of choices, by agent. */
  readonly shape: readonly number[];
  readonly payoffs: Float64Array;
}

/**
 * Flattens a tensor.
 * @throws InputError that names the place where it is not a tensor of finite numbers
 */
export function flattenPayoffs(tensor: unknown): FlatPayoffs {
  const shape: number[] = [];
  for (let node = tensor; Array.isArray(node); node = node[0]) shape.push(node.length);
  if (shape.length === 0) throw new InputError("payoffs must be nested lists, one level per agent");
  const payoffs: number[] = [];
  const visit = (node: unknown, path: readonly number[]): void => {
    const where = `payoffs${path.map((index) => `[${index}]`).join("")}`;
    if (path.length === shape.length) {
      if (typeof node !== "number" || !Number.isFinite(node))
        throw new InputError(`${where} is ${JSON.stringify(node)}, must be a number (${shape.length} agents)`);
      payoffs.push(node);
      return;
    }
    const size = shape[path.length];
    if (!Array.isArray(node)) throw new InputError(`${where} is ${JSON.stringify(node)}, must be a list of ${size}`);
    if (node.length !== size || size === 0)
      throw new InputError(`${where} has ${node.length} elements, must have ${size || "at least 1"}`);
    node.forEach((child, index) => {
      visit(child, [...path, index]);
    });
  };
  visit(tensor, []);
  return { shape, payoffs: Float64Array.from(payoffs) };
}

/** The game that pays what a tensor says. */
export function matrixGame(tensor: unknown): Game {
  const { shape, payoffs } = flattenPayoffs(tensor);
  return {
    actionSpaces: shape.map((choices) => discrete(choices)),
    best: payoffs.reduce((a, b) => Math.max(a, b)),
    payoff(actions, row) {
      let index = 0;
      for (let i = 0; i < shape.length; i++) index = index * shape[i] + argmax(actions[i], row * shape[i], shape[i]);
      return payoffs[index];
    },
  };
}

/** n agents with n choices each are paid 1 when all choose differently, else 0; n! joint actions are optimal. */
export function permutationGame(agents: number): Game {
  const taken = new Uint8Array(agents);
  return {
    actionSpaces: Array.from({ length: agents }, () => discrete(agents)),
    best: 1,
    payoff(actions, row) {
      taken.fill(0);
      for (let i = 0; i < agents; i++) {
        const choice = argmax(actions[i], row * agents, agents);
        if (taken[choice] === 1) return 0;
        taken[choice] = 1;
      }
      return 1;
    },
  };
}

/**
 * A continuous game: agent i is drawn to its target, and all are drawn together,
 * Q = −Σ_i (a_i − target_i)² − c·Σ_{i<j} (a_i − a_j)².
 * With two agents it is the one in which both terms of the policy gradient have a closed form (docs/theory.md).
 */
export function quadraticGame(targets: readonly number[], coupling: number): Game {
  return {
    actionSpaces: targets.map(() => box(1)),
    payoff(actions, row) {
      let payoff = 0;
      for (let i = 0; i < targets.length; i++) {
        payoff -= (actions[i][row] - targets[i]) ** 2;
        for (let j = 0; j < i; j++) payoff -= coupling * (actions[i][row] - actions[j][row]) ** 2;
      }
      return payoff;
    },
  };
}
