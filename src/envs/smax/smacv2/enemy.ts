/**
 * @file How the enemies play: they advance on the allies and fight whom they meet, as units with the game's order
 * attack-move do. It stands in for the game's own opponent.
 */

import { canHit, order, type Smacv2Arena } from "./arena.ts";

/** How near a healer stays to the unit that it follows. */
const FOLLOW = 2;

/** Makes what gives battle e's enemies their orders. */
export function createEnemies({ types, allies, units, memory }: Smacv2Arena): (e: number) => void {
  const { x, y, health, type, radius, target, goalX, goalY } = memory;
  const hits = types.map((attacker) => types.map((other) => canHit(attacker, other)));

  const distance = (i: number, j: number): number => Math.sqrt((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2);

  function moveTo(unit: number, other: number): void {
    memory.order[unit] = order.move;
    goalX[unit] = x[other];
    goalY[unit] = y[other];
  }

  /** The nearest living ally that it can hit; fighters come before healers. −1: none. */
  function nearestPrey(unit: number, first: number, within: number): number {
    let [found, best] = [-1, Number.POSITIVE_INFINITY];
    for (let k = 0; k < allies; k++) {
      const ally = first + k;
      if (health[ally] <= 0 || !hits[type[unit]][type[ally]]) continue;
      const apart = distance(unit, ally);
      if (apart > within) continue;
      const cost = apart + (types[type[ally]].weapon ? 0 : 1000);
      if (cost < best) [found, best] = [k, cost];
    }
    return found;
  }

  function fight(unit: number, first: number): void {
    const { weapon, sight } = types[type[unit]];
    const current = first + target[unit];
    const reach = weapon!.range + radius[unit] + radius[current];
    const busy = memory.order[unit] === order.attack && health[current] > 0;
    if (busy && distance(unit, current) <= reach) return;
    const prey = nearestPrey(unit, first, sight);
    if (prey >= 0) {
      memory.order[unit] = order.attack;
      target[unit] = prey;
      return;
    }
    const far = nearestPrey(unit, first, Number.POSITIVE_INFINITY);
    if (far >= 0) moveTo(unit, first + far);
    else memory.order[unit] = order.none;
  }

  /** Heals the nearest fellow that needs it, else stays with the nearest. */
  function heal(unit: number, first: number): void {
    let [hurt, hurtDistance] = [-1, Number.POSITIVE_INFINITY];
    let [fellow, fellowDistance] = [-1, Number.POSITIVE_INFINITY];
    for (let k = allies; k < units; k++) {
      const other = first + k;
      if (health[other] <= 0 || !types[type[other]].biological) continue;
      const apart = distance(unit, other);
      if (apart < fellowDistance) [fellow, fellowDistance] = [k, apart];
      if (health[other] < types[type[other]].health && apart < hurtDistance) [hurt, hurtDistance] = [k, apart];
    }
    if (hurt >= 0 && memory.energy[unit] > 0) {
      memory.order[unit] = order.heal;
      target[unit] = hurt;
    } else if (fellow >= 0 && fellowDistance > FOLLOW) moveTo(unit, first + fellow);
    else memory.order[unit] = order.none;
  }

  return (e) => {
    const first = e * units;
    for (let unit = first + allies; unit < first + units; unit++) {
      if (health[unit] <= 0) continue;
      if (types[type[unit]].weapon) fight(unit, first);
      else heal(unit, first);
    }
  };
}
