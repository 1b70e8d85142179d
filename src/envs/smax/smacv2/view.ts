/** @file What agents see and may do by SMACv2's rules, and the state for a central critic. The README has the tables. */

import type { TeamSpec } from "../../env.ts";
import { type BoxSpace, box, discrete } from "../../spaces.ts";
import type { Battles } from "../battles.ts";
import { DIRECTION_X, DIRECTION_Y, FIRST_MOVE, LOOKS, MAP_SIZE, NOTHING, type Smacv2Arena, STOP } from "./arena.ts";

const CENTRE = MAP_SIZE / 2;

/** A unit may move in a direction if the map goes on for so far. */
const ROOM_TO_MOVE = 1;

/** cos of half the cone's angle, and the directions of the cones. */
const HALF_CONE = Math.cos(Math.PI / LOOKS);
const LOOK_X = Float64Array.from({ length: LOOKS }, (_, k) => Math.cos((2 * Math.PI * k) / LOOKS));
const LOOK_Y = Float64Array.from({ length: LOOKS }, (_, k) => Math.sin((2 * Math.PI * k) / LOOKS));

export interface Smacv2View extends Pick<Battles, "team" | "look" | "permit"> {
  /** Whether ally k of the battle whose first unit is `first` may attack (or heal) by a choice now. */
  allows(k: number, choice: number, first: number): boolean;
}

export function createView(arena: Smacv2Arena): Smacv2View {
  const { types, allies, enemies, units, choices, firstAttack, memory, options } = arena;
  const { x, y, type, health, shield, cooldown, energy, facing, lastAction } = memory;
  const hasShields = types.some((own) => own.shield > 0);
  const shieldBits = hasShields ? 1 : 0;
  const lookBits = options.conicFov ? 2 : 0;
  // Numbers that tell of another unit (enemies and allies alike), of oneself; in the state, of an ally, of an enemy.
  const other = 5 + shieldBits + types.length;
  const own = 3 + shieldBits + lookBits + types.length;
  const allyState = 4 + shieldBits + lookBits + types.length;
  const enemyState = 3 + shieldBits + types.length;
  const observationSize = 4 + (units - 1) * other + own;
  const stateSize = allies * allyState + enemies * enemyState + allies * choices;

  const squaredDistance = (i: number, j: number): number => (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2;

  /** Whether `j` is within `range` of `i`, and in its cone if it has one. */
  function reaches(i: number, j: number, range: number): boolean {
    const squared = squaredDistance(i, j);
    if (squared > range * range) return false;
    if (!options.conicFov) return true;
    const ahead = (x[j] - x[i]) * LOOK_X[facing[i]] + (y[j] - y[i]) * LOOK_Y[facing[i]];
    return ahead >= HALF_CONE * Math.sqrt(squared);
  }

  function sees(i: number, j: number): boolean {
    const { sight } = types[type[i]];
    return options.conicFov ? reaches(i, j, sight) : squaredDistance(i, j) < sight * sight;
  }

  function allows(k: number, choice: number, first: number): boolean {
    const unit = first + k;
    const { weapon, attackRange } = types[type[unit]];
    const slot = choice - firstAttack;
    if (slot >= (weapon ? enemies : allies)) return false;
    const target = first + slot + (weapon ? allies : 0);
    // Healers can't heal flyers, and so not themselves.
    if (health[target] <= 0 || (!weapon && types[type[target]].flies)) return false;
    return reaches(unit, target, attackRange);
  }

  function canMove(unit: number, direction: number): boolean {
    const toX = x[unit] + ROOM_TO_MOVE * DIRECTION_X[direction];
    const toY = y[unit] + ROOM_TO_MOVE * DIRECTION_Y[direction];
    return toX >= 0 && toX < MAP_SIZE && toY >= 0 && toY < MAP_SIZE;
  }

  /** Health, shield and the rest of what any observer sees of a unit. */
  function writeBody(unit: number, into: Float32Array, at: number): number {
    const kind = types[type[unit]];
    let next = at;
    into[next++] = health[unit] / kind.health;
    if (hasShields) into[next++] = shield[unit] / kind.shield;
    return next;
  }

  function describeOther(unit: number, seen: number, flag: boolean, into: Float32Array, at: number): void {
    const { sight } = types[type[unit]];
    into[at] = flag ? 1 : 0;
    into[at + 1] = Math.sqrt(squaredDistance(unit, seen)) / sight;
    into[at + 2] = (x[seen] - x[unit]) / sight;
    into[at + 3] = (y[seen] - y[unit]) / sight;
    into[writeBody(seen, into, at + 4) + type[seen]] = 1;
  }

  function observe(k: number, first: number, into: Float32Array, start: number): void {
    const unit = first + k;
    let at = start;
    for (let direction = 0; direction < 4; direction++) into[at++] = canMove(unit, direction) ? 1 : 0;
    for (let j = 0; j < enemies; j++, at += other) {
      const enemy = first + allies + j;
      if (health[enemy] > 0 && sees(unit, enemy))
        describeOther(unit, enemy, allows(k, firstAttack + j, first), into, at);
    }
    for (let j = 0; j < allies; j++) {
      if (j === k) continue;
      if (health[first + j] > 0 && sees(unit, first + j)) describeOther(unit, first + j, true, into, at);
      at += other;
    }
    at = writeBody(unit, into, at);
    into[at++] = x[unit] / MAP_SIZE;
    into[at++] = y[unit] / MAP_SIZE;
    if (options.conicFov) {
      into[at++] = LOOK_X[facing[unit]];
      into[at++] = LOOK_Y[facing[unit]];
    }
    into[at + type[unit]] = 1;
  }

  function writeAllyState(unit: number, into: Float32Array, start: number): void {
    const kind = types[type[unit]];
    into[start] = health[unit] / kind.health;
    into[start + 1] = (kind.weapon ? cooldown[unit] * 16 : energy[unit]) / kind.fullCooldown;
    into[start + 2] = (x[unit] - CENTRE) / MAP_SIZE;
    into[start + 3] = (y[unit] - CENTRE) / MAP_SIZE;
    let at = start + 4;
    if (hasShields) into[at++] = shield[unit] / kind.shield;
    if (options.conicFov) {
      into[at++] = LOOK_X[facing[unit]];
      into[at++] = LOOK_Y[facing[unit]];
    }
    into[at + type[unit]] = 1;
  }

  function writeEnemyState(unit: number, into: Float32Array, start: number): void {
    const kind = types[type[unit]];
    into[start] = health[unit] / kind.health;
    into[start + 1] = (x[unit] - CENTRE) / MAP_SIZE;
    into[start + 2] = (y[unit] - CENTRE) / MAP_SIZE;
    let at = start + 3;
    if (hasShields) into[at++] = shield[unit] / kind.shield;
    into[at + type[unit]] = 1;
  }

  return {
    team: teamOf(arena, hasShields),
    allows,
    look(e, observations, states) {
      const first = e * units;
      for (let k = 0; k < allies; k++) {
        const start = e * observationSize;
        observations[k].fill(0, start, start + observationSize);
        if (health[first + k] > 0) observe(k, first, observations[k], start);
      }
      let at = e * stateSize;
      states.fill(0, at, at + stateSize);
      for (let k = 0; k < allies; k++, at += allyState)
        if (health[first + k] > 0) writeAllyState(first + k, states, at);
      for (let k = allies; k < units; k++, at += enemyState)
        if (health[first + k] > 0) writeEnemyState(first + k, states, at);
      for (let k = e * allies; k < (e + 1) * allies; k++, at += choices)
        if (lastAction[k] >= 0) states[at + lastAction[k]] = 1;
    },
    permit(e, { active, actionMasks }) {
      const first = e * units;
      for (let k = 0; k < allies; k++) {
        const alive = health[first + k] > 0;
        const mask = actionMasks[k];
        const start = e * choices;
        active[e * allies + k] = alive ? 1 : 0;
        mask.fill(0, start, start + choices);
        if (!alive) {
          mask[start + NOTHING] = 1;
          continue;
        }
        mask[start + STOP] = 1;
        for (let direction = 0; direction < 4; direction++)
          mask[start + FIRST_MOVE + direction] = canMove(first + k, direction) ? 1 : 0;
        mask.fill(1, start + FIRST_MOVE + 4, start + firstAttack);
        for (let choice = firstAttack; choice < choices; choice++)
          mask[start + choice] = allows(k, choice, first) ? 1 : 0;
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

function teamOf({ types, allies, enemies, choices, options, task }: Smacv2Arena, hasShields: boolean): TeamSpec {
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
