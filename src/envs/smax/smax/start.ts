/** @file How an SMAX battle starts: where units stand and what they are. */

import { type Draws, drawBetween, drawInteger, pushApart } from "../battles.ts";
import { gatherLiving, MAP_SIZE, type SmaxArena } from "./arena.ts";
import { smaxUnitTypes } from "./scenarios.ts";

/** How far from its team's place a unit may stand, in x and in y. */
const SPREAD = 2;

const CENTRE = MAP_SIZE / 2;
const CORNERS_X = [0, 0, MAP_SIZE, MAP_SIZE];
const CORNERS_Y = [0, MAP_SIZE, 0, MAP_SIZE];

// Memory of one surrounding: the four groups' places, and who is in which.
const groupX = new Float64Array(4);
const groupY = new Float64Array(4);

function gather({ x, y }: SmaxArena["memory"], from: number, to: number, atX: number, draws: Draws): void {
  for (let i = from; i < to; i++) {
    x[i] = atX + drawBetween(draws, -SPREAD, SPREAD);
    y[i] = CENTRE + drawBetween(draws, -SPREAD, SPREAD);
  }
}

/** Enemies are the allies' reflections; those that are more stand anywhere in their half. */
function reflect({ allies, enemies, memory: { x, y } }: SmaxArena, first: number, draws: Draws): void {
  for (let i = first; i < first + allies; i++) {
    x[i] = drawBetween(draws, 0, CENTRE);
    y[i] = drawBetween(draws, 0, MAP_SIZE);
  }
  for (let k = 0; k < enemies; k++) {
    const i = first + allies + k;
    x[i] = k < allies ? MAP_SIZE - x[first + k] : drawBetween(draws, CENTRE, MAP_SIZE);
    y[i] = k < allies ? y[first + k] : drawBetween(draws, 0, MAP_SIZE);
  }
}

/** One team in the middle; each of the other in one of four groups, which stand somewhere on the diagonals. */
function surround({ allies, units, memory }: SmaxArena, first: number, draws: Draws): void {
  const { x, y } = memory;
  const border = first + allies;
  const end = first + units;
  const alliesInside = drawInteger(draws, 2) === 1;
  gather(memory, alliesInside ? first : border, alliesInside ? border : end, CENTRE, draws);
  for (let group = 0; group < 4; group++) {
    const inwards = draws.uniform();
    groupX[group] = inwards * CENTRE + (1 - inwards) * CORNERS_X[group];
    groupY[group] = inwards * CENTRE + (1 - inwards) * CORNERS_Y[group];
  }
  for (let i = alliesInside ? border : first; i < (alliesInside ? end : border); i++) {
    const group = drawInteger(draws, 4);
    x[i] = groupX[group] + drawBetween(draws, -SPREAD, SPREAD);
    y[i] = groupY[group] + drawBetween(draws, -SPREAD, SPREAD);
  }
}

/** Starts the next episode of battle e. */
export function beginBattle(arena: SmaxArena, e: number, draws: Draws): void {
  const { scenario, allies, enemies, units, stats, memory, bodies } = arena;
  const first = e * units;
  if (!scenario.randomPositions) {
    gather(memory, first, first + allies, MAP_SIZE / 4, draws);
    gather(memory, first + allies, first + units, (MAP_SIZE / 4) * 3, draws);
  } else if (draws.uniform() < 0.5) surround(arena, first, draws);
  else reflect(arena, first, draws);
  for (let k = 0; k < units; k++) {
    const i = first + k;
    if (scenario.types) memory.type[i] = scenario.types[k];
    else memory.type[i] = k < allies ? drawInteger(draws, smaxUnitTypes.length) : memory.type[i - allies];
    memory.health[i] = stats.health[memory.type[i]];
    memory.radius[i] = stats.radius[memory.type[i]];
    memory.cooldown[i] = 0;
    memory.moveX[i] = 0;
    memory.moveY[i] = 0;
    memory.attack[i] = 0;
  }
  for (let k = e * enemies; k < (e + 1) * enemies; k++) {
    memory.goalX[k] = 0;
    memory.goalY[k] = 0;
    memory.lastTarget[k] = -1;
  }
  memory.elapsed[e] = 0;
  pushApart(bodies, gatherLiving(arena, first));
}
