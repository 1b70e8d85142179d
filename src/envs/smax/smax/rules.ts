/**
 * @file SMAX: StarCraft-like micromanagement, by the rules of JaxMARL's `HeuristicEnemySMAX` (Rutherford et al. 2023,
 * arXiv:2311.10090). The same state, actions and draws give the same next state, observations and reward.
 *
 * Draws of a step, in order: by enemy, whom it shoots at (`enemyTargets: random`) and whom it follows; by ally with
 * continuous actions, whether it moves or shoots, and at whom; by shot, the time until the next.
 */

import type { TeamSpec } from "../../env.ts";
import { argmax } from "../../vectorize.ts";
import { type Battles, type Draws, drawBetween, pushApart } from "../battles.ts";
import { createArena, gatherLiving, MAP_SIZE, MOVES, STOP } from "./arena.ts";
import { createHeuristic } from "./heuristic.ts";
import type { SmaxOptions } from "./options.ts";
import { type SmaxScenario, smaxUnitTypes } from "./scenarios.ts";
import { beginBattle } from "./start.ts";
import { createView, type SmaxView } from "./view.ts";

/** Between the cooldowns that a step without a shot, and with one, leave behind: the fastest weapon adds 0.5 or more. */
const LEAST_COOLDOWN = 0.25;

/** Moments of physics in a step, and seconds of each. */
const MOMENTS = 8;
const MOMENT_SECONDS = 1 / 16;

// North, east, south, west, stop.
const DIRECTION_X = [0, 1, 0, -1, 0];
const DIRECTION_Y = [1, 0, -1, 0, 0];

/** N battles of a scenario. */
export function createSmaxBattles(scenario: SmaxScenario, options: SmaxOptions, numEnvs: number): Battles {
  const arena = createArena(scenario, options, numEnvs);
  const { allies, enemies, units, stats, memory, bodies } = arena;
  const { x, y, health, cooldown, type, moveX, moveY, attack, elapsed } = memory;
  const view = createView(arena);
  const decideForEnemies = createHeuristic(arena);
  const draws: Draws[] = [];
  // Of the battle and step at hand, by unit of the battle: whom it shoots at (−1: nobody), how far it goes in a moment.
  const choices = new Int32Array(enemies);
  const targets = new Int32Array(units);
  const strideX = new Float64Array(units);
  const strideY = new Float64Array(units);
  const damage = new Float64Array(units);
  const healthBefore = new Float64Array(units);

  function choose(unit: number, choice: number): void {
    moveX[unit] = choice < MOVES ? DIRECTION_X[choice] : 0;
    moveY[unit] = choice < MOVES ? DIRECTION_Y[choice] : 0;
    attack[unit] = choice < MOVES ? 0 : choice;
  }

  /** The attack choice for the enemy nearest to a point. */
  function attackNear(first: number, atX: number, atY: number): number {
    let [nearest, nearestDistance] = [0, Number.POSITIVE_INFINITY];
    for (let k = 0; k < enemies; k++) {
      const enemy = first + allies + k;
      const distance = (x[enemy] - atX) ** 2 + (y[enemy] - atY) ** 2;
      if (distance < nearestDistance) [nearest, nearestDistance] = [k, distance];
    }
    return MOVES + nearest;
  }

  /** Four numbers in 0 to 1; see the README. */
  function chooseContinuously(unit: number, first: number, numbers: Float32Array, at: number, own: Draws): void {
    const clip = (value: number): number => Math.min(Math.max(value, 0), 1);
    const newTarget = clip(numbers[at]);
    const move = clip(numbers[at + 1]);
    const radius = clip(numbers[at + 2]);
    const angle = clip(numbers[at + 3]) * 2 * Math.PI;
    const moves = own.uniform() < move;
    const dx = radius * Math.cos(angle);
    const dy = radius * Math.sin(angle);
    moveX[unit] = moves ? dx : 0;
    moveY[unit] = moves ? dy : 0;
    if (moves) attack[unit] = 0;
    else if (own.uniform() < newTarget) attack[unit] = attackNear(first, x[unit] + dx, y[unit] + dy);
  }

  function decide(e: number, actions: readonly Float32Array[]): void {
    const first = e * units;
    decideForEnemies(e, draws[e], choices);
    for (let k = 0; k < allies; k++) {
      const unit = first + k;
      if (health[unit] <= 0) choose(unit, STOP);
      else if (options.actionType === "discrete")
        choose(unit, argmax(actions[k], e * (MOVES + enemies), MOVES + enemies));
      else chooseContinuously(unit, first, actions[k], e * 4, draws[e]);
    }
    for (let k = 0; k < enemies; k++) choose(first + allies + k, choices[k]);
    for (let k = 0; k < units; k++) {
      const unit = first + k;
      const reach = stats.speed[type[unit]] * MOMENT_SECONDS;
      strideX[k] = moveX[unit] * reach;
      strideY[k] = moveY[unit] * reach;
      targets[k] = targetOf(first, k);
    }
  }

  /** Everybody who can shoots at once, so that two can kill each other. */
  function shoot(first: number, own: Draws): void {
    damage.fill(0);
    for (let k = 0; k < units; k++) {
      const unit = first + k;
      const target = targets[k];
      if (target >= 0 && cooldown[unit] <= 0 && health[unit] > 0 && health[first + target] > 0) {
        const dx = x[unit] - x[first + target];
        const dy = y[unit] - y[first + target];
        const range = stats.range[type[unit]];
        if (dx * dx + dy * dy < range * range) {
          damage[target] += stats.damage[type[unit]];
          // As in the game: https://github.com/google-deepmind/pysc2/blob/master/docs/environment.md#determinism-and-randomness
          const deviation = drawBetween(own, -MOMENT_SECONDS, 2 * MOMENT_SECONDS);
          cooldown[unit] = stats.cooldown[type[unit]] + deviation;
          continue;
        }
      }
      cooldown[unit] -= MOMENT_SECONDS;
    }
  }

  function passMoment(first: number, own: Draws): void {
    shoot(first, own);
    for (let k = 0; k < units; k++) {
      const unit = first + k;
      if (health[unit] <= 0) continue;
      x[unit] = Math.min(Math.max(x[unit] + strideX[k], 0), MAP_SIZE);
      y[unit] = Math.min(Math.max(y[unit] + strideY[k], 0), MAP_SIZE);
      const atWall = x[unit] <= 0 || y[unit] <= 0 || x[unit] >= MAP_SIZE || y[unit] >= MAP_SIZE;
      health[unit] = atWall && options.wallsCauseDeath ? 0 : Math.max(health[unit] - damage[k], 0);
    }
    pushApart(bodies, gatherLiving(arena, first));
  }

  /** Each team counts the other from the side that is nearer to it in the list of units. */
  function targetOf(first: number, k: number): number {
    const choice = attack[first + k];
    if (choice === 0) return -1;
    return k < allies ? allies + choice - MOVES : allies - 1 - (choice - MOVES);
  }

  const anyAlive = (from: number, to: number): boolean => {
    for (let i = from; i < to; i++) if (health[i] > 0) return true;
    return false;
  };

  return {
    team: teamOf(allies, view),
    looks: {
      mapSize: MAP_SIZE,
      deadlyWalls: options.wallsCauseDeath,
      secondsPerStep: MOMENTS * MOMENT_SECONDS,
      allies,
      units,
      unitTypes: smaxUnitTypes.map(({ name, health, radius, range, sight }) => ({
        ...{ name, health, radius, range, sight },
        ...{ shield: 0, flies: false, heals: false, burst: 0 },
      })),
      ...{ type, x, y, health, cooldown },
      target: targetOf,
      engaged: (unit) => attack[unit] > 0,
      attacked: (before, after) => after > before - MOMENTS * MOMENT_SECONDS + LEAST_COOLDOWN,
    },
    draws,
    memory,
    begin: (e) => beginBattle(arena, e, draws[e]),
    advance(e, actions, moment) {
      const first = e * units;
      const border = first + allies;
      decide(e, actions);
      for (let k = 0; k < units; k++) healthBefore[k] = health[first + k];
      for (let step = 0; step < MOMENTS; step++) passMoment(first, draws[e]);
      elapsed[e] += 1;

      let lost = 0;
      for (let k = allies; k < units; k++)
        lost += (healthBefore[k] - health[first + k]) / stats.health[type[first + k]];
      const alliesLive = anyAlive(first, border);
      const enemiesLive = anyAlive(border, first + units);
      const won = alliesLive && !enemiesLive;
      moment.rewards[e] = lost / enemies + (won ? options.winBonus : 0);
      moment.terminations[e] = alliesLive && enemiesLive ? 0 : 1;
      moment.truncations[e] = alliesLive && enemiesLive && elapsed[e] >= options.episodeLimit ? 1 : 0;
      moment.wins[e] = won ? 1 : 0;
    },
    look: view.look,
    permit: view.permit,
  };
}

function teamOf(allies: number, view: SmaxView): TeamSpec {
  const agents = Array.from({ length: allies }, (_, i) => `ally_${i}`);
  return {
    agents,
    observationSpaces: agents.map((_, i) => view.observationSpace(i)),
    actionSpaces: agents.map(() => view.actionSpace),
    stateSpace: view.stateSpace,
    hasActionMasks: view.actionSpace.kind === "discrete",
    hasInactiveAgents: true,
    hasWins: true,
  };
}
