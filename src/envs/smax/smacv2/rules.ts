/**
 * @file Battles by SMACv2's rules (Ellis et al. 2023, arXiv:2212.07489): its teams, starts, observations, actions and
 * rewards, over a simulation of the units' movement and weapons that stands in for the game.
 *
 * Draws of a step: by attack, the time until the next.
 */

import { argmax } from "../../vectorize.ts";
import { type Battles, type Draws, drawBetween, pushApart } from "../battles.ts";
import {
  createArena,
  DIRECTION_X,
  DIRECTION_Y,
  FIRST_LOOK,
  FIRST_MOVE,
  LOOKS,
  MAP_SIZE,
  MOMENT_SECONDS,
  MOMENTS,
  NOTHING,
  order,
  type Smacv2Arena,
  type Smacv2Task,
  STOP,
} from "./arena.ts";
import { battle, crowds, floatsByUnit, integersByUnit, keepOnMap, putBack, takeUp } from "./battle.ts";
import { orderEnemies } from "./enemy.ts";
import {
  armour,
  beams,
  biological,
  bursts,
  canHit,
  damageTo,
  fights,
  fullHealth,
  fullShield,
  hitsPerAttack,
  KINDS,
  LAYERS,
  layerOf,
  range,
  speed,
  splashReach,
  weaponCooldown,
} from "./kinds.ts";
import type { Smacv2Options } from "./options.ts";
import { beginBattle } from "./start.ts";
import { healer, recovery } from "./units.ts";
import { allows, createView } from "./view.ts";

/** How far from where it stands an agent that moves is sent. */
const MOVE_DISTANCE = 2;

/** The least that a hit takes, whatever the armour. */
const LEAST_DAMAGE = 0.5;

/** Half the width of a beam along the line of fire. */
const BEAM_HALF_WIDTH = 0.15;

const STEP_SECONDS = MOMENTS * MOMENT_SECONDS;

const { x, y, kind, radius, health, shield, cooldown, energy, unhurt, target, goalX, goalY, facing } = battle;

// Of the step and the moment at hand: who lives, how far each goes, and what each had when the step began.
const living = integersByUnit();
const strideX = floatsByUnit();
const strideY = floatsByUnit();
const vitalityBefore = floatsByUnit();
/** By layer: how many live in it. */
const crowdSizes = new Int32Array(LAYERS);
let deaths = false;

function obey(arena: Smacv2Arena, k: number, choice: number): void {
  const { allies, firstAttack } = arena;
  if (choice >= FIRST_MOVE && choice < FIRST_LOOK) {
    battle.order[k] = order.move;
    goalX[k] = x[k] + MOVE_DISTANCE * DIRECTION_X[choice - FIRST_MOVE];
    goalY[k] = y[k] + MOVE_DISTANCE * DIRECTION_Y[choice - FIRST_MOVE];
  } else if (choice < FIRST_MOVE) battle.order[k] = order.none;
  // Whoever turns goes on with what it was about.
  else if (choice < firstAttack) facing[k] = choice - FIRST_LOOK;
  else if (!allows(arena, k, choice)) battle.order[k] = order.none;
  else if (fights[kind[k]] === 1) {
    battle.order[k] = order.attack;
    target[k] = choice - firstAttack + allies;
  } else {
    battle.order[k] = order.heal;
    target[k] = choice - firstAttack;
  }
}

function takeOrders(arena: Smacv2Arena, e: number, actions: readonly Float32Array[]): void {
  const { allies, choices, memory } = arena;
  const { lastAction } = memory;
  for (let k = 0; k < allies; k++) {
    let choice: number = NOTHING;
    if (health[k] > 0) {
      choice = argmax(actions[k], e * choices, choices);
      if (choice === NOTHING) choice = STOP;
      obey(arena, k, choice);
    }
    lastAction[e * allies + k] = choice;
  }
  orderEnemies(arena);
}

function hurt(attackerKind: number, victim: number, times: number): void {
  const damage = damageTo[attackerKind * KINDS + kind[victim]];
  for (let hit = 0; hit < times; hit++) {
    const absorbed = Math.min(shield[victim], damage);
    shield[victim] -= absorbed;
    if (absorbed < damage) health[victim] -= Math.max(damage - absorbed - armour[kind[victim]], LEAST_DAMAGE);
  }
  unhurt[victim] = 0;
  if (health[victim] <= 0) deaths = true;
}

/** A beam or a burst hits the enemies of unit k around a point, all but `except`. */
function splash({ allies, units }: Smacv2Arena, k: number, except: number, fromX: number, fromY: number): void {
  const own = kind[k];
  const times = hitsPerAttack[own];
  const isBurst = bursts[own] === 1;
  const isAlly = k < allies;
  const dx = fromX - x[k];
  const dy = fromY - y[k];
  const length = Math.sqrt(dx * dx + dy * dy) + 1e-6;
  for (let other = isAlly ? allies : 0; other < (isAlly ? units : allies); other++) {
    if (living[other] === 0 || other === except || canHit[own * KINDS + kind[other]] === 0) continue;
    const offX = x[other] - fromX;
    const offY = y[other] - fromY;
    const reach = splashReach[own] + radius[other];
    let reached: boolean;
    if (isBurst) reached = offX * offX + offY * offY <= reach * reach;
    else {
      const along = Math.abs(offX * dx + offY * dy) / length;
      const across = Math.abs(offX * dy - offY * dx) / length;
      reached = along <= BEAM_HALF_WIDTH + radius[other] && across <= reach;
    }
    if (reached) hurt(own, other, times);
  }
}

function attack(arena: Smacv2Arena, k: number, victim: number, draws: Draws): void {
  const own = kind[k];
  if (bursts[own] === 1) {
    // What it does to others, it does as it dies.
    health[k] = 0;
    deaths = true;
    return;
  }
  cooldown[k] = weaponCooldown[own] + drawBetween(draws, -MOMENT_SECONDS, 2 * MOMENT_SECONDS);
  hurt(own, victim, hitsPerAttack[own]);
  if (beams[own] === 1) splash(arena, k, victim, x[victim], y[victim]);
}

function heal(k: number, patient: number): void {
  const missing = fullHealth[kind[patient]] - health[patient];
  const amount = Math.min(healer.healthPerSecond * MOMENT_SECONDS, missing, energy[k] * healer.healthPerEnergy);
  health[patient] += amount;
  energy[k] -= amount / healer.healthPerEnergy;
}

/** Sends unit k on its way to a point, but not past it. */
function approach(k: number, toX: number, toY: number, stopAt: number): void {
  const dx = toX - x[k];
  const dy = toY - y[k];
  const distance = Math.sqrt(dx * dx + dy * dy);
  const step = Math.min(speed[kind[k]] * MOMENT_SECONDS, distance - stopAt);
  if (step <= 0) return;
  strideX[k] = (dx / distance) * step;
  strideY[k] = (dy / distance) * step;
}

function act(arena: Smacv2Arena, k: number, draws: Draws): void {
  const what = battle.order[k];
  if (what === order.none) return;
  if (what === order.move) {
    approach(k, goalX[k], goalY[k], 0);
    return;
  }
  const other = target[k];
  const heals = what === order.heal;
  const able = heals ? biological[kind[other]] : canHit[kind[k] * KINDS + kind[other]];
  if (living[other] === 0 || able === 0) {
    battle.order[k] = order.none;
    return;
  }
  const dx = x[other] - x[k];
  const dy = y[other] - y[k];
  const reach = range[kind[k]] + radius[k] + radius[other];
  if (dx * dx + dy * dy > reach * reach) approach(k, x[other], y[other], reach * 0.999);
  else if (heals) {
    // Those who died in this moment can't be healed any more.
    if (health[other] > 0) heal(k, other);
  } else if (cooldown[k] <= 0) attack(arena, k, other, draws);
}

/** Whoever bursts as it dies does so, and so do those that die of it. */
function bury(arena: Smacv2Arena): void {
  for (let again = true; again; ) {
    again = false;
    for (let k = 0; k < arena.units; k++) {
      if (living[k] === 0 || health[k] > 0) continue;
      living[k] = 0;
      health[k] = 0;
      if (bursts[kind[k]] === 0) continue;
      splash(arena, k, -1, x[k], y[k]);
      again = true;
    }
  }
}

function recover(k: number, regenerates: boolean): void {
  const own = kind[k];
  if (cooldown[k] > 0) cooldown[k] = Math.max(cooldown[k] - MOMENT_SECONDS, 0);
  if (shield[k] < fullShield[own]) {
    unhurt[k] += MOMENT_SECONDS;
    if (unhurt[k] > recovery.shieldDelay)
      shield[k] = Math.min(shield[k] + recovery.shieldPerSecond * MOMENT_SECONDS, fullShield[own]);
  }
  if (regenerates && health[k] < fullHealth[own])
    health[k] = Math.min(health[k] + recovery.healthPerSecond * MOMENT_SECONDS, fullHealth[own]);
  if (fights[own] === 0 && energy[k] < healer.fullEnergy)
    energy[k] = Math.min(energy[k] + healer.energyPerSecond * MOMENT_SECONDS, healer.fullEnergy);
}

/** Sorts the living into their layers. */
function gather({ units }: Smacv2Arena): void {
  crowdSizes.fill(0);
  for (let k = 0; k < units; k++) {
    if (living[k] === 0) continue;
    const layer = layerOf[kind[k]];
    crowds[layer].members[crowdSizes[layer]++] = k;
  }
}

function passMoment(arena: Smacv2Arena, draws: Draws): void {
  const { units, regenerates } = arena;
  deaths = false;
  // All at once: whoever lives as the moment begins acts in it.
  for (let k = 0; k < units; k++) if (living[k] === 1) act(arena, k, draws);
  if (deaths) {
    bury(arena);
    gather(arena);
  }
  // The living go where they go, as far as the others and the map let them.
  for (let k = 0; k < units; k++) {
    if (living[k] === 0) continue;
    recover(k, regenerates);
    x[k] += strideX[k];
    y[k] += strideY[k];
    strideX[k] = 0;
    strideY[k] = 0;
  }
  for (let layer = 0; layer < LAYERS; layer++) if (crowdSizes[layer] > 1) pushApart(crowds[layer], crowdSizes[layer]);
  for (let k = 0; k < units; k++) keepOnMap(k);
}

/** Whether a team can go on: healers alone can't. */
function stands(from: number, to: number): boolean {
  for (let k = from; k < to; k++) if (health[k] > 0 && fights[kind[k]] === 1) return true;
  return false;
}

/** What a team lost in the step, in points, and in deaths times their price. */
function losses(from: number, to: number, price: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) {
    const before = vitalityBefore[k];
    if (before === 0) continue;
    sum += health[k] > 0 ? before - (health[k] + shield[k]) : before + price;
  }
  return sum;
}

function rewardOf({ allies, enemies, units, options }: Smacv2Arena, won: boolean, lost: boolean): number {
  const { sparse, death, win, defeat, onlyPositive, negativeScale, scaleTo } = options.reward;
  let reward = 0;
  if (!sparse) {
    const gains = losses(allies, units, death);
    if (onlyPositive) reward = Math.max(gains, 0);
    else reward = gains - negativeScale * losses(0, allies, death);
  }
  if (won) reward += sparse ? 1 : win;
  if (lost) reward += sparse ? -1 : defeat;
  if (scaleTo === null) return reward;
  let most = win + enemies * death;
  for (let k = allies; k < units; k++) most += fullHealth[kind[k]] + fullShield[kind[k]];
  return reward / (most / scaleTo);
}

/** N battles of a task. */
export function createSmacv2Battles(task: Smacv2Task, options: Smacv2Options, numEnvs: number): Battles {
  const arena = createArena(task, options, numEnvs);
  const { types, allies, units, memory } = arena;
  const hasHealers = types.some(({ weapon }) => weapon === undefined);
  const view = createView(arena);
  const draws: Draws[] = [];
  return {
    team: view.team,
    looks: {
      mapSize: MAP_SIZE,
      deadlyWalls: false,
      secondsPerStep: STEP_SECONDS,
      allies,
      units,
      unitTypes: types.map(({ name, weapon, attackRange, ...own }) => ({
        ...{ name, health: own.health, shield: own.shield, radius: own.radius, sight: own.sight, flies: own.flies },
        range: attackRange,
        heals: weapon === undefined,
        burst: weapon?.splash?.form === "burst" ? weapon.splash.reach : 0,
      })),
      ...{ type: memory.type, x: memory.x, y: memory.y },
      ...{ health: memory.health, shield: memory.shield, cooldown: memory.cooldown },
      target: (first, k) => memory.target[first + k],
      engaged: (unit) => memory.order[unit] === order.attack || memory.order[unit] === order.heal,
      // The fastest weapon leaves more than 0.1 behind.
      attacked: (before, after) => after > Math.max(before - STEP_SECONDS, 0) + 0.05,
      ...(options.conicFov && {
        cones: { angle: (2 * Math.PI) / LOOKS, directions: LOOKS, facing: memory.facing },
      }),
    },
    draws,
    memory,
    begin: (e) => beginBattle(arena, e, draws[e]),
    advance(e, actions, moment) {
      takeUp(arena, e);
      for (let k = 0; k < units; k++) {
        living[k] = health[k] > 0 ? 1 : 0;
        strideX[k] = 0;
        strideY[k] = 0;
        vitalityBefore[k] = living[k] === 1 ? health[k] + shield[k] : 0;
      }
      gather(arena);
      takeOrders(arena, e, actions);
      for (let step = 0; step < MOMENTS; step++) passMoment(arena, draws[e]);
      putBack(arena, e);
      memory.elapsed[e] += 1;
      const weStand = stands(0, allies);
      const theyStand = stands(allies, units);
      const won = weStand && !theyStand;
      // Where there are healers, those who are left without fighters have lost, whatever the others have (SMACv2's
      // `update_units`); else those who fall together have drawn.
      moment.rewards[e] = rewardOf(arena, won, !weStand && (theyStand || hasHealers));
      moment.terminations[e] = weStand && theyStand ? 0 : 1;
      moment.truncations[e] = weStand && theyStand && memory.elapsed[e] >= options.episodeLimit ? 1 : 0;
      moment.wins[e] = won ? 1 : 0;
    },
    look: view.look,
    permit: view.permit,
  };
}
