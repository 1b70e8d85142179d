/** @file How a battle by SMACv2's rules starts: teams drawn type by type, in mirrored places or one around the other. */

import { type Draws, drawBetween, drawInteger, MOST_UNITS, pushApart } from "../battles.ts";
import { MAP_SIZE, order, type Smacv2Arena } from "./arena.ts";
import { battle, crowds, keepOnMap, putBack } from "./battle.ts";
import { alone, chance, fights, fullHealth, fullShield, LAYERS, layerOf, radiusOf, rank } from "./kinds.ts";
import { healer } from "./units.ts";

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

const { x, y, kind } = battle;

// Memory of one surrounding: the groups' diagonals, which group each enemy is of, and how many each has.
const diagonals = new Int32Array(4);
const groupOf = new Int32Array(MOST_UNITS);
const groupSize = new Int32Array(4);

function drawKind({ types, firstKind }: Smacv2Arena, draws: Draws): number {
  let left = draws.uniform();
  const last = firstKind + types.length - 1;
  for (let own = firstKind; own < last; own++) {
    left -= chance[own];
    if (left < 0) return own;
  }
  return last;
}

/** A team, drawn again while it is of such alone as can't be. */
function drawTeam(arena: Smacv2Arena, from: number, to: number, draws: Draws): void {
  let able = from === to;
  while (!able) {
    for (let k = from; k < to; k++) {
      kind[k] = drawKind(arena, draws);
      if (alone[kind[k]] === 1) able = true;
    }
  }
}

/** The `place`th place around a spot, each as far from its neighbours. */
function putAround(k: number, place: number, atX: number, atY: number): void {
  const distance = SPACING * Math.sqrt(place);
  x[k] = atX + distance * Math.cos(place * GOLDEN_ANGLE);
  y[k] = atY + distance * Math.sin(place * GOLDEN_ANGLE);
}

function reflect({ allies, units }: Smacv2Arena, draws: Draws): void {
  for (let k = 0; k < allies; k++) {
    x[k] = drawBetween(draws, 0, CENTRE - MARGIN);
    y[k] = drawBetween(draws, 0, MAP_SIZE);
  }
  for (let k = allies; k < units; k++) {
    const ally = k - allies;
    x[k] = ally < allies ? MAP_SIZE - x[ally] : drawBetween(draws, CENTRE, MAP_SIZE);
    y[k] = ally < allies ? y[ally] : drawBetween(draws, 0, MAP_SIZE);
  }
}

/** Allies in the middle; enemies in one to four groups, each somewhere on a diagonal of its own. */
function surround({ allies, units }: Smacv2Arena, draws: Draws): void {
  for (let k = 0; k < allies; k++) putAround(k, k, CENTRE, CENTRE);
  const groups = 1 + drawInteger(draws, 4);
  for (let k = 0; k < 4; k++) {
    diagonals[k] = k;
    groupSize[k] = 0;
  }
  for (let k = 0; k < groups; k++) {
    const other = k + drawInteger(draws, 4 - k);
    const diagonal = diagonals[other];
    diagonals[other] = diagonals[k];
    diagonals[k] = diagonal;
  }
  for (let k = allies; k < units; k++) groupOf[k] = drawInteger(draws, groups);
  for (let group = 0; group < groups; group++) {
    const inwards = draws.uniform();
    const sideX = CORNER_X[diagonals[group]];
    const sideY = CORNER_Y[diagonals[group]];
    const atX = inwards * (CENTRE + (2 * sideX - 1) * INNERMOST) + (1 - inwards) * sideX * MAP_SIZE;
    const atY = inwards * (CENTRE + (2 * sideY - 1) * INNERMOST) + (1 - inwards) * sideY * MAP_SIZE;
    for (let k = allies; k < units; k++) if (groupOf[k] === group) putAround(k, groupSize[group]++, atX, atY);
  }
}

function comesBefore(i: number, j: number): boolean {
  if (kind[i] !== kind[j]) return rank[kind[i]] < rank[kind[j]];
  return x[i] !== x[j] ? x[i] < x[j] : y[i] < y[j];
}

function swap(array: Float32Array | Int32Array, i: number, j: number): void {
  const value = array[i];
  array[i] = array[j];
  array[j] = value;
}

/** Agents are numbered by type, then from west to east, then from south to north. */
function sortAllies({ allies }: Smacv2Arena): void {
  for (let i = 1; i < allies; i++)
    for (let j = i; j > 0 && comesBefore(j, j - 1); j--) {
      swap(x, j, j - 1);
      swap(y, j, j - 1);
      swap(kind, j, j - 1);
    }
}

function makeRoom({ units }: Smacv2Arena): void {
  let moved = true;
  for (let round = 0; moved && round < ROUNDS; round++) {
    moved = false;
    for (let layer = 0; layer < LAYERS; layer++) {
      const { members } = crowds[layer];
      let count = 0;
      for (let k = 0; k < units; k++) if (layerOf[kind[k]] === layer) members[count++] = k;
      if (pushApart(crowds[layer], count)) moved = true;
    }
    for (let k = 0; k < units; k++) if (keepOnMap(k)) moved = true;
  }
}

function prepare(k: number): void {
  const own = kind[k];
  battle.radius[k] = radiusOf[own];
  battle.health[k] = fullHealth[own];
  battle.shield[k] = fullShield[own];
  battle.cooldown[k] = 0;
  battle.energy[k] = fights[own] === 1 ? 0 : healer.firstEnergy;
  battle.unhurt[k] = 0;
  battle.order[k] = order.none;
  battle.target[k] = 0;
  battle.goalX[k] = 0;
  battle.goalY[k] = 0;
  battle.facing[k] = 0;
}

/** Starts the next episode of battle e. */
export function beginBattle(arena: Smacv2Arena, e: number, draws: Draws): void {
  const { allies, units, memory, options } = arena;
  const mirrored = Math.min(2 * allies, units);
  drawTeam(arena, 0, allies, draws);
  for (let k = allies; k < mirrored; k++) kind[k] = kind[k - allies];
  drawTeam(arena, mirrored, units, draws);
  if (draws.uniform() < options.reflectProbability) reflect(arena, draws);
  else surround(arena, draws);
  sortAllies(arena);
  for (let k = 0; k < units; k++) prepare(k);
  makeRoom(arena);
  putBack(arena, e);
  memory.lastAction.fill(-1, e * allies, (e + 1) * allies);
  memory.elapsed[e] = 0;
}
