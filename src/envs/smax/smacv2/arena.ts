/** @file What N battles by SMACv2's rules consist of: sizes, the race's numbers, and the arrays that change. */

import { firstKindOf } from "./kinds.ts";
import type { Smacv2Options } from "./options.ts";
import { type Race, races, type UnitType } from "./units.ts";

/** Edge of the square map. */
export const MAP_SIZE = 32;

/** Moments of physics in a step, and seconds of each. */
export const MOMENTS = 8;
export const MOMENT_SECONDS = 1 / 16;

/** Directions to look in. */
export const LOOKS = 12;

/** Choices, in order: nothing (the dead), stop, move, look (with a cone), and attack or heal. */
export const NOTHING = 0;
export const STOP = 1;
export const FIRST_MOVE = 2;
export const FIRST_LOOK = 6;
// North, south, east, west.
export const DIRECTION_X = [0, 0, 1, -1] as const;
export const DIRECTION_Y = [1, -1, 0, 0] as const;

/** What a unit is about. */
export const order = { none: 0, move: 1, attack: 2, heal: 3 } as const;

export interface Smacv2Task {
  readonly race: Race;
  readonly allies: number;
  readonly enemies: number;
}

/** Everything that decides what happens next. By unit where nothing else is said. */
export interface Smacv2Memory extends Record<string, Float32Array | Int32Array | Uint8Array> {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly type: Uint8Array;
  /** Above 0: alive. */
  readonly health: Float32Array;
  readonly shield: Float32Array;
  /** Seconds until it can attack. */
  readonly cooldown: Float32Array;
  readonly energy: Float32Array;
  /** Seconds since it was hit. */
  readonly unhurt: Float32Array;
  readonly order: Uint8Array;
  /** Whom it attacks or heals: a unit of its battle, from 0. */
  readonly target: Int32Array;
  /** Where it moves. */
  readonly goalX: Float32Array;
  readonly goalY: Float32Array;
  /** Where it looks, in twelfths of a turn from the east, counterclockwise. */
  readonly facing: Uint8Array;
  /** By ally: its last choice; −1: none yet. */
  readonly lastAction: Int32Array;
  /** By battle: steps taken in this episode. */
  readonly elapsed: Int32Array;
}

export interface Smacv2Arena {
  readonly task: Smacv2Task;
  readonly options: Smacv2Options;
  readonly types: readonly UnitType[];
  /** The kind of the race's first type, see `kinds.ts`. */
  readonly firstKind: number;
  readonly allies: number;
  readonly enemies: number;
  /** U, of one battle. */
  readonly units: number;
  /** The number of the first choice that attacks or heals, and of all. */
  readonly firstAttack: number;
  readonly choices: number;
  readonly hasShields: boolean;
  /** Whether health comes back by itself. */
  readonly regenerates: boolean;
  readonly memory: Smacv2Memory;
}

export function createArena(task: Smacv2Task, options: Smacv2Options, numEnvs: number): Smacv2Arena {
  const { allies, enemies, race } = task;
  const units = allies + enemies;
  const firstAttack = FIRST_LOOK + (options.conicFov ? LOOKS : 0);
  const floats = (): Float32Array => new Float32Array(numEnvs * units);
  const bytes = (): Uint8Array => new Uint8Array(numEnvs * units);
  const memory: Smacv2Memory = {
    x: floats(),
    y: floats(),
    type: bytes(),
    health: floats(),
    shield: floats(),
    cooldown: floats(),
    energy: floats(),
    unhurt: floats(),
    order: bytes(),
    target: new Int32Array(numEnvs * units),
    goalX: floats(),
    goalY: floats(),
    facing: bytes(),
    lastAction: new Int32Array(numEnvs * allies),
    elapsed: new Int32Array(numEnvs),
  };
  return {
    task,
    options,
    types: races[race],
    firstKind: firstKindOf(race),
    allies,
    enemies,
    units,
    firstAttack,
    // Healers choose among allies, who may be more than enemies.
    choices: firstAttack + (race === "terran" ? Math.max(allies, enemies) : enemies),
    hasShields: races[race].some(({ shield }) => shield > 0),
    regenerates: race === "zerg",
    memory,
  };
}
