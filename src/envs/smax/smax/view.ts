/** @file What SMAX's agents see and may do, and the state for a central critic. The README has the tables. */

import { type BoxSpace, box, discrete, type Space } from "../../spaces.ts";
import type { Battles } from "../battles.ts";
import { MAP_SIZE, MOVES, type SmaxArena, STOP } from "./arena.ts";
import { smaxUnitTypes } from "./scenarios.ts";

const SECTORS = 32;
const UNITS_PER_SECTOR = 2;

const TYPES = smaxUnitTypes.length;
/** Numbers that tell of another unit, and of oneself. */
const OTHER = 7 + TYPES;
const OWN = 4 + TYPES;

/** Where units can be, in sizes of the map: a crowd can push its outermost beyond a wall for a moment. */
const POSITION_RANGE = [-1, 2] as const;

/** Builds a space number by number. */
function spaceBuilder() {
  const low: number[] = [];
  const high: number[] = [];
  const labels: string[] = [];
  const add = (label: string, [from, to]: readonly [number, number]): void => {
    labels.push(label);
    low.push(from);
    high.push(to);
  };
  return {
    add,
    addTypes: (prefix: string): void => {
      for (const { name } of smaxUnitTypes) add(`${prefix} is a ${name}`, [0, 1]);
    },
    build: (): BoxSpace => box(low.length, low, high, labels),
  };
}

export interface SmaxView extends Pick<Battles, "look" | "permit"> {
  readonly actionSpace: Space;
  readonly stateSpace: BoxSpace;
  observationSpace(agent: number): BoxSpace;
}

export function createView(arena: SmaxArena): SmaxView {
  const { allies, enemies, units, stats, memory, options } = arena;
  const { x, y, health, cooldown, type, moveX, moveY, attack } = memory;
  const names = Array.from({ length: units }, (_, k) => (k < allies ? `ally_${k}` : `enemy_${k - allies}`));
  const conic = options.observationType === "conic";
  const others = conic ? SECTORS * UNITS_PER_SECTOR : units - 1;
  const observationSize = others * OTHER + OWN;
  const stateSize = units * (OWN + 2);
  const actionSpace: Space =
    options.actionType === "discrete"
      ? discrete(MOVES + enemies, [
          ...["move north", "move east", "move south", "move west", "stop"],
          ...names.slice(allies).map((name) => `attack ${name}`),
        ])
      : box(4, 0, 1, ["probability of a new target", "probability of moving", "distance", "angle / 2π"]);
  const choices = actionSpace.kind === "discrete" ? actionSpace.n : 0;

  // Sectors of the conic observation: how many units each holds already.
  const filled = new Uint8Array(SECTORS);

  /** What `unit` sees of `other`, into thirteen zeros. */
  function describeOther(unit: number, other: number, isEnemy: boolean, into: Float32Array, at: number): void {
    const kind = type[other];
    const sight = stats.sight[type[unit]];
    into[at] = health[other] / stats.health[kind];
    into[at + 1] = (x[other] - x[unit]) / sight;
    into[at + 2] = (y[other] - y[unit]) / sight;
    if (!isEnemy || options.seeEnemyActions) {
      into[at + 3] = moveX[other];
      into[at + 4] = moveY[other];
      into[at + 5] = attack[other] / (MOVES + (isEnemy ? allies : enemies) - 1);
    }
    into[at + 6] = Math.min(Math.max(cooldown[other] / stats.cooldown[kind], 0), 1);
    into[at + 7 + kind] = 1;
  }

  function describeSelf(unit: number, into: Float32Array, at: number): void {
    const kind = type[unit];
    into[at] = health[unit] / stats.health[kind];
    into[at + 1] = x[unit] / MAP_SIZE;
    into[at + 2] = y[unit] / MAP_SIZE;
    into[at + 3] = Math.min(Math.max(cooldown[unit] / stats.cooldown[kind], 0), 1);
    into[at + 4 + kind] = 1;
  }

  /** Every other living unit in sight, each in its place: allies, then enemies. */
  function seeUnits(k: number, first: number, into: Float32Array, at: number): void {
    const unit = first + k;
    const sight = stats.sight[type[unit]];
    let place = at;
    for (let j = 0; j < units; j++) {
      if (j === k) continue;
      const other = first + j;
      if (health[other] > 0) {
        const dx = x[other] - x[unit];
        const dy = y[other] - y[unit];
        if (dx * dx + dy * dy < sight * sight) describeOther(unit, other, j >= allies, into, place);
      }
      place += OTHER;
    }
  }

  /**
   * The first two units, dead ones too, in each sector. As in JaxMARL, nobody sees the first ally, and a unit exactly on
   * the border of two sectors is in neither.
   */
  function seeSectors(k: number, first: number, into: Float32Array, at: number): void {
    const unit = first + k;
    const sight = stats.sight[type[unit]];
    filled.fill(0);
    for (let j = 1; j < units; j++) {
      if (j === k) continue;
      const other = first + j;
      const dx = x[other] - x[unit];
      const dy = y[other] - y[unit];
      if (dx * dx + dy * dy >= sight * sight) continue;
      // From −π, counterclockwise; straight to the left is −π.
      const angle = dy === 0 && dx < 0 ? -Math.PI : Math.atan2(dy, dx);
      const turn = ((angle + Math.PI) * SECTORS) / (2 * Math.PI);
      const sector = Math.floor(turn);
      if (turn === sector || filled[sector] === UNITS_PER_SECTOR) continue;
      const place = sector * UNITS_PER_SECTOR + filled[sector]++;
      describeOther(unit, other, j >= allies, into, at + place * OTHER);
    }
  }

  return {
    actionSpace,
    stateSpace: stateSpaceOf(names, allies),
    observationSpace(agent) {
      const { add, addTypes, build } = spaceBuilder();
      const sights = conic
        ? Array.from({ length: others }, (_, place) => {
            const sector = Math.floor(place / UNITS_PER_SECTOR);
            return `unit ${place % UNITS_PER_SECTOR} of sector ${sector}`;
          })
        : names.filter((_, k) => k !== agent);
      for (const name of sights) {
        add(`${name}: health / full health`, [0, 1]);
        add(`${name}: relative x / sight range`, [-1, 1]);
        add(`${name}: relative y / sight range`, [-1, 1]);
        add(`${name}: last move, x`, [-1, 1]);
        add(`${name}: last move, y`, [-1, 1]);
        add(`${name}: last attack / last choice`, [0, 1]);
        add(`${name}: cooldown / full cooldown`, [0, 1]);
        addTypes(name);
      }
      add("own health / full health", [0, 1]);
      add("own x / size of the map", POSITION_RANGE);
      add("own y / size of the map", POSITION_RANGE);
      add("own cooldown / full cooldown", [0, 1]);
      addTypes("self");
      return build();
    },
    look(e, observations, states) {
      const first = e * units;
      for (let k = 0; k < allies; k++) {
        const into = observations[k];
        const at = e * observationSize;
        into.fill(0, at, at + observationSize);
        if (health[first + k] <= 0) continue;
        if (conic) seeSectors(k, first, into, at);
        else seeUnits(k, first, into, at);
        describeSelf(first + k, into, at + others * OTHER);
      }
      let at = e * stateSize;
      states.fill(0, at, at + stateSize);
      for (let unit = first; unit < first + units; unit++, at += OWN) {
        if (health[unit] <= 0) continue;
        states[at] = health[unit] / stats.health[type[unit]];
        states[at + 1] = x[unit];
        states[at + 2] = y[unit];
        states[at + 3] = cooldown[unit];
        states[at + 4 + type[unit]] = 1;
      }
      for (let k = 0; k < units; k++) {
        states[at + k] = k < allies ? 0 : 1;
        states[at + units + k] = type[first + k];
      }
    },
    permit(e, { active, actionMasks }) {
      const first = e * units;
      for (let k = 0; k < allies; k++) {
        const unit = first + k;
        const alive = health[unit] > 0;
        active[e * allies + k] = alive ? 1 : 0;
        if (choices === 0) continue;
        const mask = actionMasks[k];
        const at = e * choices;
        mask.fill(alive ? 1 : 0, at, at + STOP);
        mask[at + STOP] = 1;
        const range = stats.range[type[unit]];
        for (let j = 0; j < enemies; j++) {
          const enemy = first + allies + j;
          const dx = x[enemy] - x[unit];
          const dy = y[enemy] - y[unit];
          const allowed = alive && health[enemy] > 0 && dx * dx + dy * dy < range * range;
          mask[at + MOVES + j] = allowed ? 1 : 0;
        }
      }
    },
  };
}

function stateSpaceOf(names: readonly string[], allies: number): BoxSpace {
  const { add, addTypes, build } = spaceBuilder();
  for (const name of names) {
    add(`${name}: health / full health`, [0, 1]);
    add(`${name}: x`, [MAP_SIZE * POSITION_RANGE[0], MAP_SIZE * POSITION_RANGE[1]]);
    add(`${name}: y`, [MAP_SIZE * POSITION_RANGE[0], MAP_SIZE * POSITION_RANGE[1]]);
    add(`${name}: seconds until it can shoot`, [Number.NEGATIVE_INFINITY, 2]);
    addTypes(name);
  }
  names.forEach((name, k) => {
    add(`${name}: team`, k < allies ? [0, 0] : [1, 1]);
  });
  for (const name of names) add(`${name}: number of its type`, [0, TYPES - 1]);
  return build();
}
