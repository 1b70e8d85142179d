/**
 * @file How SMAX's enemies play: shoot at one ally until it is dead or out of range; with nobody in range, walk towards
 * an ally in sight, drawn anew at each step; with nobody in sight, to the point of the map opposite to the start.
 */

import { type Draws, drawInteger } from "../battles.ts";
import { MAP_SIZE, MOVES, type SmaxArena } from "./arena.ts";

/** The `k`th of the marked places. */
function place(marks: Uint8Array, k: number): number {
  let left = k;
  for (let slot = 0; slot < marks.length; slot++) if (marks[slot] === 1 && left-- === 0) return slot;
  return -1;
}

/**
 * Makes what decides for the enemies.
 * @returns writes into `actions` what each enemy of battle e does, a choice as in the README; a dead enemy still wants to
 *   go somewhere, which some observations show
 */
export function createHeuristic(arena: SmaxArena): (e: number, draws: Draws, actions: Int32Array) => void {
  const { allies, enemies, units, stats, memory, options } = arena;
  const { x, y, health, type, goalX, goalY, lastTarget } = memory;
  // By ally as an enemy counts them, from the last to the first.
  const seen = new Uint8Array(allies);
  const inRange = new Uint8Array(allies);

  /** Looks around from a living unit, and returns who is closest of those in range. */
  function lookAround(unit: number, first: number): number {
    const sight = stats.sight[type[unit]];
    const range = stats.range[type[unit]];
    let [closest, closestDistance] = [0, Number.POSITIVE_INFINITY];
    for (let slot = 0; slot < allies; slot++) {
      const ally = first + allies - 1 - slot;
      const dx = x[ally] - x[unit];
      const dy = y[ally] - y[unit];
      const squared = dx * dx + dy * dy;
      const visible = health[ally] > 0 && squared < sight * sight;
      seen[slot] = visible ? 1 : 0;
      inRange[slot] = visible && squared < range * range ? 1 : 0;
      if (inRange[slot] === 1 && squared < closestDistance) {
        closest = slot;
        closestDistance = squared;
      }
    }
    return closest;
  }

  const count = (marks: Uint8Array): number => {
    let sum = 0;
    for (let slot = 0; slot < allies; slot++) sum += marks[slot];
    return sum;
  };

  function decide(k: number, e: number, draws: Draws): number {
    const first = e * units;
    const unit = first + allies + k;
    const own = e * enemies + k;
    const alive = health[unit] > 0;
    const ownX = alive ? x[unit] : 0;
    const ownY = alive ? y[unit] : 0;
    if (goalX[own] === 0 && goalY[own] === 0 && lastTarget[own] === -1) {
      goalX[own] = MAP_SIZE - ownX;
      goalY[own] = MAP_SIZE - ownY;
    }
    let targets = 0;
    let sighted = 0;
    if (alive) {
      const closest = lookAround(unit, first);
      targets = count(inRange);
      sighted = count(seen);
      const keeps = lastTarget[own] !== -1 && inRange[lastTarget[own]] === 1;
      if (targets === 0) lastTarget[own] = -1;
      else if (!keeps)
        lastTarget[own] = options.enemyTargets === "closest" ? closest : place(inRange, drawInteger(draws, targets));
    } else lastTarget[own] = -1;
    if (targets > 0 && options.enemyShoots) return MOVES + lastTarget[own];

    let towardsX = goalX[own] - ownX;
    let towardsY = goalY[own] - ownY;
    if (sighted > 0) {
      const ally = first + allies - 1 - place(seen, drawInteger(draws, sighted));
      towardsX = x[ally] - ownX;
      towardsY = y[ally] - ownY;
    }
    // The direction nearest to it; of two as near, the first of north, east, south, west.
    let [direction, best] = [0, towardsY];
    if (towardsX > best) [direction, best] = [1, towardsX];
    if (-towardsY > best) [direction, best] = [2, -towardsY];
    return -towardsX > best ? 3 : direction;
  }

  return (e, draws, actions) => {
    for (let k = 0; k < enemies; k++) actions[k] = decide(k, e, draws);
  };
}
