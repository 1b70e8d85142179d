/** @file How a battle by SMACv2's rules starts: teams drawn type by type, in mirrored places or one around the other. */

import { type Draws, drawBetween, drawInteger, pushApart } from "../battles.ts";
import { layers, MAP_SIZE, order, type Smacv2Arena } from "./arena.ts";
import { healer, type UnitType } from "./units.ts";

const CENTRE = MAP_SIZE / 2;

/** Room between mirrored teams: allies start at least this far from the middle. */
const MARGIN = 1;

/** Groups of enemies start between the corners and these distances from the middle, in x and in y. */
const INNERMOST = 2;

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

/** Distance between units that are put on one spot. */
const SPACING = 0.6;

/** Rounds in which units that overlap make room, before the battle begins. */
const ROUNDS = 24;

const CORNER_X = [0, 0, 1, 1] as const;
const CORNER_Y = [0, 1, 1, 0] as const;

/** Makes what starts the next episode of battle e. */
export function createStart(arena: Smacv2Arena): (e: number, draws: Draws) => void {
  const { types, allies, enemies, units, memory, options, bodies } = arena;
  const { x, y, type } = memory;
  const layerOf = layers(types);
  // The order in which the game numbers units: by the names of types.
  const rank = types.map(({ name }) =>
    [...types].sort((a, b) => (a.name < b.name ? -1 : 1)).findIndex((t) => t.name === name),
  );
  const diagonals = new Int32Array(4);
  const groupOf = new Int32Array(enemies);
  const crowd = new Int32Array(4);

  function drawType(draws: Draws): number {
    let left = draws.uniform();
    for (let k = 0; k < types.length - 1; k++) {
      left -= types[k].chance;
      if (left < 0) return k;
    }
    return types.length - 1;
  }

  /** A team, drawn again while it is of such alone as can't be. */
  function drawTeam(from: number, to: number, draws: Draws): void {
    let able = from === to;
    while (!able) {
      for (let i = from; i < to; i++) {
        type[i] = drawType(draws);
        if (types[type[i]].alone) able = true;
      }
    }
  }

  /** The `k`th place around a spot, each as far from its neighbours. */
  function putAround(i: number, k: number, atX: number, atY: number): void {
    const distance = SPACING * Math.sqrt(k);
    x[i] = atX + distance * Math.cos(k * GOLDEN_ANGLE);
    y[i] = atY + distance * Math.sin(k * GOLDEN_ANGLE);
  }

  function reflect(first: number, draws: Draws): void {
    for (let i = first; i < first + allies; i++) {
      x[i] = drawBetween(draws, 0, CENTRE - MARGIN);
      y[i] = drawBetween(draws, 0, MAP_SIZE);
    }
    for (let k = 0; k < enemies; k++) {
      const i = first + allies + k;
      x[i] = k < allies ? MAP_SIZE - x[first + k] : drawBetween(draws, CENTRE, MAP_SIZE);
      y[i] = k < allies ? y[first + k] : drawBetween(draws, 0, MAP_SIZE);
    }
  }

  /** Allies in the middle; enemies in one to four groups, each somewhere on a diagonal of its own. */
  function surround(first: number, draws: Draws): void {
    for (let k = 0; k < allies; k++) putAround(first + k, k, CENTRE, CENTRE);
    const groups = 1 + drawInteger(draws, 4);
    for (let k = 0; k < 4; k++) {
      diagonals[k] = k;
      crowd[k] = 0;
    }
    for (let k = 0; k < groups; k++) {
      const other = k + drawInteger(draws, 4 - k);
      const diagonal = diagonals[other];
      diagonals[other] = diagonals[k];
      diagonals[k] = diagonal;
    }
    for (let k = 0; k < enemies; k++) groupOf[k] = drawInteger(draws, groups);
    for (let group = 0; group < groups; group++) {
      const inwards = draws.uniform();
      const sideX = CORNER_X[diagonals[group]];
      const sideY = CORNER_Y[diagonals[group]];
      const atX = inwards * (CENTRE + (2 * sideX - 1) * INNERMOST) + (1 - inwards) * sideX * MAP_SIZE;
      const atY = inwards * (CENTRE + (2 * sideY - 1) * INNERMOST) + (1 - inwards) * sideY * MAP_SIZE;
      for (let k = 0; k < enemies; k++)
        if (groupOf[k] === group) putAround(first + allies + k, crowd[group]++, atX, atY);
    }
  }

  const comesBefore = (i: number, j: number): boolean => {
    if (type[i] !== type[j]) return rank[type[i]] < rank[type[j]];
    return x[i] !== x[j] ? x[i] < x[j] : y[i] < y[j];
  };

  function swap(array: Float32Array | Uint8Array, i: number, j: number): void {
    const value = array[i];
    array[i] = array[j];
    array[j] = value;
  }

  /** Agents are numbered by type, then from west to east, then from south to north. */
  function sortAllies(first: number): void {
    for (let i = first + 1; i < first + allies; i++)
      for (let j = i; j > first && comesBefore(j, j - 1); j--) {
        swap(x, j, j - 1);
        swap(y, j, j - 1);
        swap(type, j, j - 1);
      }
  }

  function makeRoom(first: number): void {
    for (let round = 0; round < ROUNDS; round++) {
      for (let layer = 0; layer < 3; layer++) {
        let count = 0;
        for (let i = first; i < first + units; i++) if (layerOf[type[i]] === layer) bodies.members[count++] = i;
        pushApart(bodies, count);
      }
      for (let i = first; i < first + units; i++) {
        x[i] = Math.min(Math.max(x[i], 0), MAP_SIZE);
        y[i] = Math.min(Math.max(y[i], 0), MAP_SIZE);
      }
    }
  }

  function prepare(i: number, { health, shield, radius, weapon }: UnitType): void {
    memory.health[i] = health;
    memory.shield[i] = shield;
    memory.radius[i] = radius;
    memory.cooldown[i] = 0;
    memory.energy[i] = weapon ? 0 : healer.firstEnergy;
    memory.unhurt[i] = 0;
    memory.order[i] = order.none;
    memory.target[i] = 0;
    memory.goalX[i] = 0;
    memory.goalY[i] = 0;
    memory.facing[i] = 0;
  }

  return (e, draws) => {
    const first = e * units;
    const border = first + allies;
    drawTeam(first, border, draws);
    for (let i = border; i < Math.min(border + allies, first + units); i++) type[i] = type[i - allies];
    drawTeam(Math.min(border + allies, first + units), first + units, draws);
    if (draws.uniform() < options.reflectProbability) reflect(first, draws);
    else surround(first, draws);
    sortAllies(first);
    for (let i = first; i < first + units; i++) prepare(i, types[type[i]]);
    memory.lastAction.fill(-1, e * allies, (e + 1) * allies);
    memory.elapsed[e] = 0;
    makeRoom(first);
  };
}
