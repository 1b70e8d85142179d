/**
 * @file The battle at hand. A step works on one battle in arrays of the module, into which it is taken from the memory of
 * all battles, and out of which it is put back: code that is compiled once for arrays that it knows is faster than code
 * that serves the arrays of several sets of battles.
 *
 * Arrays are by unit of the battle; `kind` in place of the memory's `type`, see `kinds.ts`.
 */

import { createBodies, MOST_UNITS } from "../battles.ts";
import { MAP_SIZE, type Smacv2Arena } from "./arena.ts";
import { LAYERS, radiusOf } from "./kinds.ts";

export const integersByUnit = (): Int32Array => new Int32Array(MOST_UNITS);
/** Of float64, where nothing is kept beyond a step. */
export const floatsByUnit = (): Float64Array => new Float64Array(MOST_UNITS);
const floats = (): Float32Array => new Float32Array(MOST_UNITS);

export const battle = {
  x: floats(),
  y: floats(),
  kind: integersByUnit(),
  radius: floats(),
  health: floats(),
  shield: floats(),
  cooldown: floats(),
  energy: floats(),
  unhurt: floats(),
  order: integersByUnit(),
  target: integersByUnit(),
  goalX: floats(),
  goalY: floats(),
  facing: integersByUnit(),
} as const;

/** By layer: those who push each other. */
export const crowds = Array.from({ length: LAYERS }, () => createBodies(battle));

const { x, y, kind, radius, health, shield, cooldown, energy, unhurt, order, target, goalX, goalY, facing } = battle;

/** Takes up what can be seen of battle e. */
export function takeUpLooks({ units, firstKind, memory }: Smacv2Arena, e: number): void {
  for (let k = 0, unit = e * units; k < units; k++, unit++) {
    kind[k] = firstKind + memory.type[unit];
    x[k] = memory.x[unit];
    y[k] = memory.y[unit];
    health[k] = memory.health[unit];
    shield[k] = memory.shield[unit];
    cooldown[k] = memory.cooldown[unit];
    energy[k] = memory.energy[unit];
    facing[k] = memory.facing[unit];
  }
}

/** Takes up battle e. */
export function takeUp(arena: Smacv2Arena, e: number): void {
  const { units, memory } = arena;
  takeUpLooks(arena, e);
  for (let k = 0, unit = e * units; k < units; k++, unit++) {
    radius[k] = radiusOf[kind[k]];
    unhurt[k] = memory.unhurt[unit];
    order[k] = memory.order[unit];
    target[k] = memory.target[unit];
    goalX[k] = memory.goalX[unit];
    goalY[k] = memory.goalY[unit];
  }
}

/** Puts battle e back, as it is now. */
export function putBack({ units, firstKind, memory }: Smacv2Arena, e: number): void {
  for (let k = 0, unit = e * units; k < units; k++, unit++) {
    memory.type[unit] = kind[k] - firstKind;
    memory.x[unit] = x[k];
    memory.y[unit] = y[k];
    memory.health[unit] = health[k];
    memory.shield[unit] = shield[k];
    memory.cooldown[unit] = cooldown[k];
    memory.energy[unit] = energy[k];
    memory.unhurt[unit] = unhurt[k];
    memory.order[unit] = order[k];
    memory.target[unit] = target[k];
    memory.goalX[unit] = goalX[k];
    memory.goalY[unit] = goalY[k];
    memory.facing[unit] = facing[k];
  }
}

/** @returns whether a unit was off the map */
export function keepOnMap(k: number): boolean {
  const atX = x[k];
  const atY = y[k];
  if (atX >= 0 && atX <= MAP_SIZE && atY >= 0 && atY <= MAP_SIZE) return false;
  x[k] = Math.min(Math.max(atX, 0), MAP_SIZE);
  y[k] = Math.min(Math.max(atY, 0), MAP_SIZE);
  return true;
}
