/** @file What agents see and may do by SMACv2's rules, and the state for a central critic. The README has the tables. */

import type { TeamSpec } from "../../env.ts";
import { type BoxSpace, box, discrete } from "../../spaces.ts";
import type { Battles } from "../battles.ts";
import {
  DIRECTION_X,
  DIRECTION_Y,
  FIRST_LOOK,
  FIRST_MOVE,
  LOOKS,
  MAP_SIZE,
  NOTHING,
  type Smacv2Arena,
  STOP,
} from "./arena.ts";
import { battle, takeUpLooks } from "./battle.ts";
import { attackRange, fights, flies, fullCooldown, fullHealth, fullShield, sight } from "./kinds.ts";

const CENTRE = MAP_SIZE / 2;

/** A unit may move in a direction if the map goes on for so far. */
const ROOM_TO_MOVE = 1;

/** cos of half the cone's angle, and the directions of the cones. */
const HALF_CONE = Math.cos(Math.PI / LOOKS);
const LOOK_X = Float64Array.from({ length: LOOKS }, (_, k) => Math.cos((2 * Math.PI * k) / LOOKS));
const LOOK_Y = Float64Array.from({ length: LOOKS }, (_, k) => Math.sin((2 * Math.PI * k) / LOOKS));

const { x, y, kind, health, shield, cooldown, energy, facing } = battle;

function squaredDistance(i: number, j: number): number {
  const dx = x[i] - x[j];
  const dy = y[i] - y[j];
  return dx * dx + dy * dy;
}

/** Whether j, so far from i, is in i's cone. */
function isAhead(i: number, j: number, squared: number): boolean {
  const ahead = (x[j] - x[i]) * LOOK_X[facing[i]] + (y[j] - y[i]) * LOOK_Y[facing[i]];
  return ahead >= HALF_CONE * Math.sqrt(squared);
}

function sees(conic: boolean, i: number, j: number): boolean {
  const squared = squaredDistance(i, j);
  const far = sight[kind[i]];
  return conic ? squared <= far * far && isAhead(i, j, squared) : squared < far * far;
}

/** Whether ally k of the battle at hand may attack (or heal) by a choice now. */
export function allows({ allies, enemies, firstAttack, options }: Smacv2Arena, k: number, choice: number): boolean {
  const armed = fights[kind[k]] === 1;
  const slot = choice - firstAttack;
  if (slot >= (armed ? enemies : allies)) return false;
  const target = slot + (armed ? allies : 0);
  // Healers can't heal flyers, and so not themselves.
  if (health[target] <= 0 || (!armed && flies[kind[target]] === 1)) return false;
  const squared = squaredDistance(k, target);
  const far = attackRange[kind[k]];
  return squared <= far * far && (!options.conicFov || isAhead(k, target, squared));
}

function canMove(k: number, direction: number): boolean {
  const toX = x[k] + ROOM_TO_MOVE * DIRECTION_X[direction];
  const toY = y[k] + ROOM_TO_MOVE * DIRECTION_Y[direction];
  return toX >= 0 && toX < MAP_SIZE && toY >= 0 && toY < MAP_SIZE;
}

/** By loop: a call of `fill` costs as much as hundreds of numbers. */
function writeZeros(into: Float32Array, start: number, count: number): number {
  const end = start + count;
  for (let at = start; at < end; at++) into[at] = 0;
  return end;
}

// Each writes all of its numbers, and returns where the next go.

function writeType({ types, firstKind }: Smacv2Arena, k: number, into: Float32Array, at: number): number {
  const end = writeZeros(into, at, types.length);
  into[at + kind[k] - firstKind] = 1;
  return end;
}

function writeShield({ hasShields }: Smacv2Arena, k: number, into: Float32Array, at: number): number {
  if (!hasShields) return at;
  into[at] = shield[k] / fullShield[kind[k]];
  return at + 1;
}

function writeFacing({ options }: Smacv2Arena, k: number, into: Float32Array, at: number): number {
  if (!options.conicFov) return at;
  into[at] = LOOK_X[facing[k]];
  into[at + 1] = LOOK_Y[facing[k]];
  return at + 2;
}

/** What k sees of another unit. */
function writeOther(
  arena: Smacv2Arena,
  k: number,
  seen: number,
  flag: boolean,
  into: Float32Array,
  at: number,
): number {
  const far = sight[kind[k]];
  into[at] = flag ? 1 : 0;
  into[at + 1] = Math.sqrt(squaredDistance(k, seen)) / far;
  into[at + 2] = (x[seen] - x[k]) / far;
  into[at + 3] = (y[seen] - y[k]) / far;
  into[at + 4] = health[seen] / fullHealth[kind[seen]];
  return writeType(arena, seen, into, writeShield(arena, seen, into, at + 5));
}

function writeSelf(arena: Smacv2Arena, k: number, into: Float32Array, at: number): void {
  into[at] = health[k] / fullHealth[kind[k]];
  const next = writeShield(arena, k, into, at + 1);
  into[next] = x[k] / MAP_SIZE;
  into[next + 1] = y[k] / MAP_SIZE;
  writeType(arena, k, into, writeFacing(arena, k, into, next + 2));
}

function writeObservation(arena: Smacv2Arena, k: number, other: number, into: Float32Array, start: number): void {
  const { allies, enemies, firstAttack, options } = arena;
  let at = start;
  for (let direction = 0; direction < 4; direction++) into[at++] = canMove(k, direction) ? 1 : 0;
  for (let j = 0; j < enemies; j++) {
    const enemy = allies + j;
    if (health[enemy] > 0 && sees(options.conicFov, k, enemy))
      at = writeOther(arena, k, enemy, allows(arena, k, firstAttack + j), into, at);
    else at = writeZeros(into, at, other);
  }
  for (let j = 0; j < allies; j++) {
    if (j === k) continue;
    if (health[j] > 0 && sees(options.conicFov, k, j)) at = writeOther(arena, k, j, true, into, at);
    else at = writeZeros(into, at, other);
  }
  writeSelf(arena, k, into, at);
}

/** What the state tells of a unit; of an ally, more. */
function writeUnit(arena: Smacv2Arena, k: number, into: Float32Array, start: number): number {
  const isAlly = k < arena.allies;
  const own = kind[k];
  let at = start;
  into[at++] = health[k] / fullHealth[own];
  if (isAlly) into[at++] = (fights[own] === 1 ? cooldown[k] * 16 : energy[k]) / fullCooldown[own];
  into[at++] = (x[k] - CENTRE) / MAP_SIZE;
  into[at++] = (y[k] - CENTRE) / MAP_SIZE;
  at = writeShield(arena, k, into, at);
  if (isAlly) at = writeFacing(arena, k, into, at);
  return writeType(arena, k, into, at);
}

export function createView(arena: Smacv2Arena): Pick<Battles, "team" | "look" | "permit"> {
  const { types, allies, enemies, units, choices, firstAttack, memory, hasShields, options } = arena;
  const shieldBits = hasShields ? 1 : 0;
  const lookBits = options.conicFov ? 2 : 0;
  // Numbers that tell of another unit (enemies and allies alike), of oneself; in the state, of an ally, of an enemy.
  const other = 5 + shieldBits + types.length;
  const own = 3 + shieldBits + lookBits + types.length;
  const allyState = 4 + shieldBits + lookBits + types.length;
  const enemyState = 3 + shieldBits + types.length;
  const observationSize = 4 + (units - 1) * other + own;
  const stateSize = allies * allyState + enemies * enemyState + allies * choices;
  return {
    team: teamOf(arena),
    look(e, observations, states) {
      takeUpLooks(arena, e);
      const start = e * observationSize;
      for (let k = 0; k < allies; k++) {
        if (health[k] > 0) writeObservation(arena, k, other, observations[k], start);
        else writeZeros(observations[k], start, observationSize);
      }
      let at = e * stateSize;
      for (let k = 0; k < units; k++) {
        if (health[k] > 0) at = writeUnit(arena, k, states, at);
        else at = writeZeros(states, at, k < allies ? allyState : enemyState);
      }
      for (let k = e * allies; k < (e + 1) * allies; k++) {
        const choice = memory.lastAction[k];
        const next = writeZeros(states, at, choices);
        if (choice >= 0) states[at + choice] = 1;
        at = next;
      }
    },
    permit(e, { active, actionMasks }) {
      takeUpLooks(arena, e);
      const start = e * choices;
      for (let k = 0; k < allies; k++) {
        const alive = health[k] > 0;
        const mask = actionMasks[k];
        active[e * allies + k] = alive ? 1 : 0;
        if (!alive) {
          writeZeros(mask, start, choices);
          mask[start + NOTHING] = 1;
          continue;
        }
        mask[start + NOTHING] = 0;
        mask[start + STOP] = 1;
        for (let direction = 0; direction < 4; direction++)
          mask[start + FIRST_MOVE + direction] = canMove(k, direction) ? 1 : 0;
        for (let choice = FIRST_LOOK; choice < firstAttack; choice++) mask[start + choice] = 1;
        for (let choice = firstAttack; choice < choices; choice++)
          mask[start + choice] = allows(arena, k, choice) ? 1 : 0;
      }
    },
  };
}

/** A list of numbers with their labels and bounds. */
type Numbers = readonly (readonly [label: string, low: number, high: number])[];

const spaceOf = (numbers: Numbers): BoxSpace =>
  box(
    numbers.length,
    numbers.map(([, low]) => low),
    numbers.map(([, , high]) => high),
    numbers.map(([label]) => label),
  );

function teamOf({ types, allies, enemies, choices, hasShields, options, task }: Smacv2Arena): TeamSpec {
  const agents = Array.from({ length: allies }, (_, k) => `ally_${k}`);
  const foes = Array.from({ length: enemies }, (_, k) => `enemy_${k}`);
  const kinds = (name: string): Numbers => types.map((type) => [`${name} is a ${type.name}`, 0, 1] as const);
  const shieldOf = (name: string): Numbers => (hasShields ? [[`${name}: shield / full shield`, 0, 1]] : []);
  const view = (name: string): Numbers =>
    options.conicFov
      ? [
          [`${name}: looks towards, x`, -1, 1],
          [`${name}: looks towards, y`, -1, 1],
        ]
      : [];
  const other = (name: string, flag: string): Numbers => [
    [`${name}: ${flag}`, 0, 1],
    [`${name}: distance / sight range`, 0, 1],
    [`${name}: relative x / sight range`, -1, 1],
    [`${name}: relative y / sight range`, -1, 1],
    [`${name}: health / full health`, 0, 1],
    ...shieldOf(name),
    ...kinds(name),
  ];
  const observation = (agent: string): BoxSpace =>
    spaceOf([
      ...["north", "south", "east", "west"].map((direction) => [`can move ${direction}`, 0, 1] as const),
      ...foes.flatMap((name) => other(name, "the choice of its number is allowed")),
      ...agents.filter((name) => name !== agent).flatMap((name) => other(name, "visible")),
      ["own health / full health", 0, 1],
      ...shieldOf("self"),
      ["own x / size of the map", 0, 1],
      ["own y / size of the map", 0, 1],
      ...view("self"),
      ...kinds("self"),
    ]);
  const place = (name: string): Numbers => [
    [`${name}: (x − middle) / size of the map`, -0.5, 0.5],
    [`${name}: (y − middle) / size of the map`, -0.5, 0.5],
  ];
  const attacks = Array.from({ length: choices }, (_, slot) =>
    [
      ...(slot < enemies ? [`attack enemy_${slot}`] : []),
      ...(task.race === "terran" && slot < allies ? [`heal ally_${slot}`] : []),
    ].join(", or "),
  );
  const actions = [
    ...["nothing", "stop", "move north", "move south", "move east", "move west"],
    ...(options.conicFov ? Array.from({ length: LOOKS }, (_, k) => `look towards ${(360 / LOOKS) * k}°`) : []),
  ];
  const labels = [...actions, ...attacks].slice(0, choices);
  return {
    agents,
    observationSpaces: agents.map(observation),
    actionSpaces: agents.map(() => discrete(choices, labels)),
    stateSpace: spaceOf([
      ...agents.flatMap(
        (name): Numbers => [
          [`${name}: health / full health`, 0, 1],
          [`${name}: cooldown / full cooldown, or energy / full energy`, 0, 34],
          ...place(name),
          ...shieldOf(name),
          ...view(name),
          ...kinds(name),
        ],
      ),
      ...foes.flatMap(
        (name): Numbers => [[`${name}: health / full health`, 0, 1], ...place(name), ...shieldOf(name), ...kinds(name)],
      ),
      ...agents.flatMap((name) => labels.map((label) => [`${name}: last action was: ${label}`, 0, 1] as const)),
    ]),
    hasActionMasks: true,
    hasInactiveAgents: true,
    hasWins: true,
  };
}
