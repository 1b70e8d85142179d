/**
 * @file How the enemies play: they advance on the allies and fight whom they meet, as units with the game's order
 * attack-move do. It stands in for the game's own opponent.
 */

import { order, type Smacv2Arena } from "./arena.ts";
import { battle } from "./battle.ts";
import { biological, canHit, fights, fullHealth, KINDS, range, sight } from "./kinds.ts";

/** How near a healer stays to the unit that it follows. */
const FOLLOW = 2;

/** What a healer is farther away by, for those who look for prey. */
const AFTER_FIGHTERS = 1000;

const { x, y, health, kind, radius, energy, target, goalX, goalY } = battle;

function distance(i: number, j: number): number {
  const dx = x[i] - x[j];
  const dy = y[i] - y[j];
  return Math.sqrt(dx * dx + dy * dy);
}

function moveTo(unit: number, other: number): void {
  battle.order[unit] = order.move;
  goalX[unit] = x[other];
  goalY[unit] = y[other];
}

/** The nearest living ally that it can hit; fighters come before healers. −1: none. */
function nearestPrey(unit: number, allies: number, within: number): number {
  const hits = kind[unit] * KINDS;
  let found = -1;
  let best = Number.POSITIVE_INFINITY;
  for (let ally = 0; ally < allies; ally++) {
    if (health[ally] <= 0 || canHit[hits + kind[ally]] === 0) continue;
    const apart = distance(unit, ally);
    if (apart > within) continue;
    const cost = apart + (fights[kind[ally]] === 1 ? 0 : AFTER_FIGHTERS);
    if (cost >= best) continue;
    found = ally;
    best = cost;
  }
  return found;
}

function fight(unit: number, allies: number): void {
  const current = target[unit];
  if (battle.order[unit] === order.attack && health[current] > 0) {
    const reach = range[kind[unit]] + radius[unit] + radius[current];
    if (distance(unit, current) <= reach) return;
  }
  const prey = nearestPrey(unit, allies, sight[kind[unit]]);
  if (prey >= 0) {
    battle.order[unit] = order.attack;
    target[unit] = prey;
    return;
  }
  const far = nearestPrey(unit, allies, Number.POSITIVE_INFINITY);
  if (far >= 0) moveTo(unit, far);
  else battle.order[unit] = order.none;
}

/** Heals the nearest fellow that needs it, else stays with the nearest. */
function heal(unit: number, allies: number, units: number): void {
  let [hurt, hurtDistance] = [-1, Number.POSITIVE_INFINITY];
  let [fellow, fellowDistance] = [-1, Number.POSITIVE_INFINITY];
  for (let other = allies; other < units; other++) {
    if (health[other] <= 0 || biological[kind[other]] === 0) continue;
    const apart = distance(unit, other);
    if (apart < fellowDistance) [fellow, fellowDistance] = [other, apart];
    if (health[other] < fullHealth[kind[other]] && apart < hurtDistance) [hurt, hurtDistance] = [other, apart];
  }
  if (hurt >= 0 && energy[unit] > 0) {
    battle.order[unit] = order.heal;
    target[unit] = hurt;
  } else if (fellow >= 0 && fellowDistance > FOLLOW) moveTo(unit, fellow);
  else battle.order[unit] = order.none;
}

/** Gives the enemies of the battle at hand their orders. */
export function orderEnemies({ allies, units }: Smacv2Arena): void {
  for (let unit = allies; unit < units; unit++) {
    if (health[unit] <= 0) continue;
    if (fights[kind[unit]] === 1) fight(unit, allies);
    else heal(unit, allies, units);
  }
}
