/** @file What N battles by SMAX's rules consist of: sizes, the units' numbers, and the arrays that change. */

import { type Bodies, createBodies } from "../battles.ts";
import type { SmaxOptions } from "./options.ts";
import { type SmaxScenario, type SmaxUnitType, smaxUnitTypes } from "./scenarios.ts";

/** Edge of the square map. */
export const MAP_SIZE = 32;

/** Choices before those to attack: north, east, south, west, stop. */
export const MOVES = 5;
export const STOP = MOVES - 1;

/** Everything that decides what happens next. By unit where nothing else is said. */
export interface SmaxMemory extends Record<string, Float32Array | Int32Array | Uint8Array> {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Above 0: alive. */
  readonly health: Float32Array;
  /** Seconds until it can shoot; goes on falling below 0. */
  readonly cooldown: Float32Array;
  readonly type: Uint8Array;
  readonly radius: Float32Array;
  /** How it moved last: a vector of length 1 or less. */
  readonly moveX: Float32Array;
  readonly moveY: Float32Array;
  /** Whom it attacked last, as an action; 0: nobody. */
  readonly attack: Int32Array;
  /** By enemy: where it heads while it sees nobody; 0, 0: not decided yet. */
  readonly goalX: Float32Array;
  readonly goalY: Float32Array;
  /** By enemy: whom it shot at last, as an attack choice counted from 0; −1: nobody who is still in range. */
  readonly lastTarget: Int32Array;
  /** By battle: steps taken in this episode. */
  readonly elapsed: Int32Array;
}

export interface SmaxArena {
  readonly scenario: SmaxScenario;
  readonly options: SmaxOptions;
  readonly allies: number;
  readonly enemies: number;
  /** U, of one battle. */
  readonly units: number;
  /** By type. */
  readonly stats: Readonly<Record<Exclude<keyof SmaxUnitType, "name">, Float64Array>>;
  readonly memory: SmaxMemory;
  readonly bodies: Bodies;
}

export function createArena(scenario: SmaxScenario, options: SmaxOptions, numEnvs: number): SmaxArena {
  const { allies, enemies } = scenario;
  const units = allies + enemies;
  const floats = (count = units): Float32Array => new Float32Array(numEnvs * count);
  const byType = (value: (type: SmaxUnitType) => number): Float64Array => Float64Array.from(smaxUnitTypes, value);
  const memory: SmaxMemory = {
    x: floats(),
    y: floats(),
    health: floats(),
    cooldown: floats(),
    type: new Uint8Array(numEnvs * units),
    radius: floats(),
    moveX: floats(),
    moveY: floats(),
    attack: new Int32Array(numEnvs * units),
    goalX: floats(enemies),
    goalY: floats(enemies),
    lastTarget: new Int32Array(numEnvs * enemies),
    elapsed: new Int32Array(numEnvs),
  };
  return {
    scenario,
    options,
    allies,
    enemies,
    units,
    stats: {
      health: byType(({ health }) => health),
      damage: byType(({ damage }) => damage),
      cooldown: byType(({ cooldown }) => cooldown),
      range: byType(({ range }) => range),
      sight: byType(({ sight }) => sight),
      speed: byType(({ speed }) => speed),
      radius: byType(({ radius }) => radius),
    },
    memory,
    bodies: createBodies(memory),
  };
}

/** Parts all living units of the battle whose first unit is `first`. */
export function gatherLiving({ units, memory: { health }, bodies: { members } }: SmaxArena, first: number): number {
  let count = 0;
  for (let i = first; i < first + units; i++) if (health[i] > 0) members[count++] = i;
  return count;
}
