/**
 * @file Battles between two teams of units, N of them side by side: what a set of rules (SMAX's, SMACv2's) has to give,
 * and what all of them do alike.
 *
 * A battle's units are its allies, who are the agents, and then its enemies, whom the rules move. What is known of unit
 * i of battle e stands at e · units + i of an array.
 */

import type { Numbers } from "../bytes.ts";
import type { TeamSpec, VectorMoment } from "../env.ts";
import type { UnitLooks } from "../recording.ts";

/** Where random numbers come from: uniform in (0, 1). `Random` is one; tests have others. */
export interface Draws {
  uniform(): number;
}

/** What can be seen of units: see `BattleRecording`. By unit of all battles where nothing else is said. */
export interface BattleLooks {
  readonly mapSize: number;
  readonly deadlyWalls: boolean;
  readonly secondsPerStep: number;
  /** Of one battle. */
  readonly allies: number;
  readonly units: number;
  readonly unitTypes: readonly UnitLooks[];
  readonly type: Uint8Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly health: Float32Array;
  /** Absent: nobody has one. */
  readonly shield?: Float32Array;
  readonly cooldown: Float32Array;
  /** Whom unit k of the battle whose first unit is `first` is or was last after, as a unit of the battle; −1: nobody. */
  target(first: number, k: number): number;
  /** Whether it is after its target still, as the step ends. */
  engaged(unit: number): boolean;
  /** Whether a unit attacked in a step, by its cooldown before and after. */
  attacked(before: number, after: number): boolean;
  /** The angle of cones of view, and how many directions there are for `facing`, from the east counterclockwise. */
  readonly cones?: { readonly angle: number; readonly directions: number; readonly facing: Uint8Array };
}

/** N battles by one set of rules. */
export interface Battles {
  readonly team: TeamSpec;
  readonly looks: BattleLooks;
  /** By battle; to be set before its first episode. */
  readonly draws: Draws[];
  /** Everything that decides what happens next, but the random numbers. */
  readonly memory: Readonly<Record<string, Numbers>>;
  /** Starts the next episode of battle e. */
  begin(e: number): void;
  /**
   * Takes battle e's step; an episode that ends stays as it ended. Writes the row of `rewards`, `terminations`,
   * `truncations` and `wins`.
   * @param actions by agent, one-hot for choices; those of dead agents do not count
   */
  advance(e: number, actions: readonly Float32Array[], moment: VectorMoment): void;
  /** Writes what agents observe and the state, row e; zeros for dead agents. */
  look(e: number, observations: readonly Float32Array[], states: Float32Array): void;
  /** Writes what is allowed and who is alive, row e. A dead agent may only do nothing. */
  permit(e: number, moment: VectorMoment): void;
}

/** One of 0, …, n − 1. */
export const drawInteger = (draws: Draws, n: number): number => Math.min(Math.floor(draws.uniform() * n), n - 1);

/** Uniform between two bounds. */
export const drawBetween = (draws: Draws, low: number, high: number): number => low + (high - low) * draws.uniform();

/** Units that a battle has room for, of both teams. */
export const MOST_UNITS = 64;

/** Bodies that must not overlap. */
export interface Bodies {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly radius: Float32Array;
  /** Indices of those that take part, `MOST_UNITS` at most; as many as `pushApart` is told. */
  readonly members: Int32Array;
}

/** Bodies at places that change. */
export const createBodies = ({ x, y, radius }: Omit<Bodies, "members">): Bodies => ({
  ...{ x, y, radius },
  members: new Int32Array(MOST_UNITS),
});

// Of members: where they stand, how large they are, and what they are pushed by.
const atX = new Float64Array(MOST_UNITS);
const atY = new Float64Array(MOST_UNITS);
const size = new Float64Array(MOST_UNITS);
const pushX = new Float64Array(MOST_UNITS);
const pushY = new Float64Array(MOST_UNITS);

/** Keeps the division finite where two bodies stand on one spot. */
const SMALLEST_DISTANCE = 1e-6;

/**
 * Moves each of two bodies that overlap by half of the overlap, away from the other; bodies that overlap with several
 * move by the sum. All are pushed from where they stand before.
 * @param count of `members`
 * @returns whether any overlapped
 */
export function pushApart({ x, y, radius, members }: Bodies, count: number): boolean {
  for (let a = 0; a < count; a++) {
    const i = members[a];
    atX[a] = x[i];
    atY[a] = y[i];
    size[a] = radius[i];
    pushX[a] = 0;
    pushY[a] = 0;
  }
  let touched = false;
  for (let a = 0; a < count; a++) {
    const ax = atX[a];
    const ay = atY[a];
    const ar = size[a];
    for (let b = a + 1; b < count; b++) {
      const dx = ax - atX[b];
      const dy = ay - atY[b];
      const reach = ar + size[b];
      const squared = dx * dx + dy * dy;
      if (squared >= reach * reach) continue;
      const overlap = reach / (Math.sqrt(squared) + SMALLEST_DISTANCE) - 1;
      if (overlap <= 0) continue;
      touched = true;
      pushX[a] += dx * overlap;
      pushY[a] += dy * overlap;
      pushX[b] -= dx * overlap;
      pushY[b] -= dy * overlap;
    }
  }
  if (!touched) return false;
  for (let a = 0; a < count; a++) {
    const i = members[a];
    x[i] = atX[a] + pushX[a] / 2;
    y[i] = atY[a] + pushY[a] / 2;
  }
  return true;
}
