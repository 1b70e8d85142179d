/**
 * @file Battles by SMACv2's rules (Ellis et al. 2023, arXiv:2212.07489): its teams, starts, observations, actions and
 * rewards, over a simulation of the units' movement and weapons that stands in for the game.
 *
 * Draws of a step: by attack, the time until the next.
 */

import { argmax } from "../../vectorize.ts";
import { type Battles, createBodies, type Draws, drawBetween, pushApart } from "../battles.ts";
import {
  canHit,
  createArena,
  DIRECTION_X,
  DIRECTION_Y,
  FIRST_LOOK,
  FIRST_MOVE,
  LAYERS,
  LOOKS,
  layers,
  MAP_SIZE,
  MOMENT_SECONDS,
  MOMENTS,
  NOTHING,
  order,
  type Smacv2Task,
  STOP,
} from "./arena.ts";
import { createEnemies } from "./enemy.ts";
import type { Smacv2Options } from "./options.ts";
import { createStart } from "./start.ts";
import { healer, recovery } from "./units.ts";
import { createView } from "./view.ts";

/** How far from where it stands an agent that moves is sent. */
const MOVE_DISTANCE = 2;

/** The least that a hit takes, whatever the armour. */
const LEAST_DAMAGE = 0.5;

/** Half the width of a beam along the line of fire. */
const BEAM_HALF_WIDTH = 0.15;

const STEP_SECONDS = MOMENTS * MOMENT_SECONDS;

/** N battles of a task. */
export function createSmacv2Battles(task: Smacv2Task, options: Smacv2Options, numEnvs: number): Battles {
  const arena = createArena(task, options, numEnvs);
  const { types, allies, enemies, units, choices, firstAttack, memory } = arena;
  const { x, y, radius, type, health, shield, cooldown, energy, unhurt, target, goalX, goalY, lastAction } = memory;
  const view = createView(arena);
  const start = createStart(arena);
  const orderEnemies = createEnemies(arena);
  const draws: Draws[] = [];
  const layerOf = layers(types);
  /** By types, of a hit: its damage, armour aside. */
  const damageTo = types.map(({ weapon }) =>
    types.map(({ attribute }) =>
      weapon ? weapon.damage + (weapon.bonus && weapon.bonus.against === attribute ? weapon.bonus.damage : 0) : 0,
    ),
  );
  const fullHealth = Float64Array.from(types, (own) => own.health);
  const fullShield = Float64Array.from(types, (own) => own.shield);
  const speed = Float64Array.from(types, (own) => own.speed);
  const heals = Uint8Array.from(types, ({ weapon }) => (weapon ? 0 : 1));
  const range = Float64Array.from(types, ({ weapon, attackRange }) => weapon?.range ?? attackRange);
  const bursts = Uint8Array.from(types, ({ weapon }) => (weapon?.splash?.form === "burst" ? 1 : 0));
  const regenerates = task.race === "zerg";
  /** By layer: its living units, and how many they are. */
  const crowds = Array.from({ length: LAYERS }, () => createBodies(memory, units));
  const crowdSizes = new Int32Array(LAYERS);
  const hits = types.map((attacker) => types.map((other) => canHit(attacker, other)));
  // Of the battle and the moment at hand, by unit of the battle.
  const living = new Uint8Array(units);
  const strideX = new Float64Array(units);
  const strideY = new Float64Array(units);
  const vitalityBefore = new Float64Array(units);
  let deaths = false;

  function obey(unit: number, k: number, first: number, e: number, choice: number): void {
    if (choice >= FIRST_MOVE && choice < FIRST_LOOK) {
      memory.order[unit] = order.move;
      goalX[unit] = x[unit] + MOVE_DISTANCE * DIRECTION_X[choice - FIRST_MOVE];
      goalY[unit] = y[unit] + MOVE_DISTANCE * DIRECTION_Y[choice - FIRST_MOVE];
    } else if (choice < FIRST_MOVE) memory.order[unit] = order.none;
    // Whoever turns goes on with what it was about.
    else if (choice < firstAttack) memory.facing[unit] = choice - FIRST_LOOK;
    else if (!view.allows(k, choice, first)) memory.order[unit] = order.none;
    else {
      const fights = types[type[unit]].weapon !== undefined;
      memory.order[unit] = fights ? order.attack : order.heal;
      target[unit] = choice - firstAttack + (fights ? allies : 0);
    }
    lastAction[e * allies + k] = choice;
  }

  function takeOrders(e: number, actions: readonly Float32Array[]): void {
    const first = e * units;
    for (let k = 0; k < allies; k++) {
      if (health[first + k] <= 0) lastAction[e * allies + k] = NOTHING;
      else {
        const choice = argmax(actions[k], e * choices, choices);
        obey(first + k, k, first, e, choice === NOTHING ? STOP : choice);
      }
    }
    orderEnemies(e);
  }

  function hurt(attackerType: number, victim: number, times: number): void {
    const { armour } = types[type[victim]];
    for (let hit = 0; hit < times; hit++) {
      const damage = damageTo[attackerType][type[victim]];
      const absorbed = Math.min(shield[victim], damage);
      shield[victim] -= absorbed;
      if (absorbed < damage) health[victim] -= Math.max(damage - absorbed - armour, LEAST_DAMAGE);
    }
    unhurt[victim] = 0;
    if (health[victim] <= 0) deaths = true;
  }

  /** Hits the enemies of `unit` for which `reaches` holds, all but `except`. */
  function splash(unit: number, first: number, except: number, fromX: number, fromY: number): void {
    const kind = type[unit];
    const { hits: times, splash: area } = types[kind].weapon!;
    const isAlly = unit < first + allies;
    const dx = fromX - x[unit];
    const dy = fromY - y[unit];
    const length = Math.sqrt(dx * dx + dy * dy) + 1e-6;
    for (let k = isAlly ? allies : 0; k < (isAlly ? units : allies); k++) {
      const other = first + k;
      if (living[k] === 0 || other === except || !hits[kind][type[other]]) continue;
      const offX = x[other] - fromX;
      const offY = y[other] - fromY;
      let reached: boolean;
      if (area!.form === "burst") {
        const reach = area!.reach + radius[other];
        reached = offX * offX + offY * offY <= reach * reach;
      } else {
        const along = Math.abs(offX * dx + offY * dy) / length;
        const across = Math.abs(offX * dy - offY * dx) / length;
        reached = along <= BEAM_HALF_WIDTH + radius[other] && across <= area!.reach + radius[other];
      }
      if (reached) hurt(kind, other, times);
    }
  }

  function attack(unit: number, victim: number, first: number, own: Draws): void {
    const weapon = types[type[unit]].weapon!;
    if (weapon.splash?.form === "burst") {
      // What it does to others, it does as it dies.
      health[unit] = 0;
      deaths = true;
      return;
    }
    cooldown[unit] = weapon.cooldown + drawBetween(own, -MOMENT_SECONDS, 2 * MOMENT_SECONDS);
    hurt(type[unit], victim, weapon.hits);
    if (weapon.splash) splash(unit, first, victim, x[victim], y[victim]);
  }

  function heal(unit: number, patient: number): void {
    const missing = types[type[patient]].health - health[patient];
    const amount = Math.min(healer.healthPerSecond * MOMENT_SECONDS, missing, energy[unit] * healer.healthPerEnergy);
    health[patient] += amount;
    energy[unit] -= amount / healer.healthPerEnergy;
  }

  /** Sends unit k on its way to a point, but not past it. */
  function approach(k: number, unit: number, toX: number, toY: number, stopAt: number): void {
    const dx = toX - x[unit];
    const dy = toY - y[unit];
    const distance = Math.sqrt(dx * dx + dy * dy);
    const step = Math.min(speed[type[unit]] * MOMENT_SECONDS, distance - stopAt);
    if (step <= 0) return;
    strideX[k] = (dx / distance) * step;
    strideY[k] = (dy / distance) * step;
  }

  function act(k: number, first: number, own: Draws): void {
    const unit = first + k;
    const what = memory.order[unit];
    if (what === order.none) return;
    if (what === order.move) {
      approach(k, unit, goalX[unit], goalY[unit], 0);
      return;
    }
    const other = first + target[unit];
    const asHealer = what === order.heal;
    const able = asHealer ? types[type[other]].biological : hits[type[unit]][type[other]];
    if (living[target[unit]] === 0 || !able) {
      memory.order[unit] = order.none;
      return;
    }
    const dx = x[other] - x[unit];
    const dy = y[other] - y[unit];
    const reach = range[type[unit]] + radius[unit] + radius[other];
    if (dx * dx + dy * dy > reach * reach) approach(k, unit, x[other], y[other], reach * 0.999);
    else if (asHealer) {
      // Those who died in this moment can't be healed any more.
      if (health[other] > 0) heal(unit, other);
    } else if (cooldown[unit] <= 0) attack(unit, other, first, own);
  }

  /** Whoever bursts as it dies does so, and so do those that die of it. */
  function bury(first: number): void {
    for (let again = true; again; ) {
      again = false;
      for (let k = 0; k < units; k++) {
        const unit = first + k;
        if (living[k] === 0 || health[unit] > 0) continue;
        living[k] = 0;
        health[unit] = 0;
        if (bursts[type[unit]] === 0) continue;
        splash(unit, first, -1, x[unit], y[unit]);
        again = true;
      }
    }
  }

  function recover(unit: number): void {
    const kind = type[unit];
    if (cooldown[unit] > 0) cooldown[unit] = Math.max(cooldown[unit] - MOMENT_SECONDS, 0);
    if (shield[unit] < fullShield[kind]) {
      unhurt[unit] += MOMENT_SECONDS;
      if (unhurt[unit] > recovery.shieldDelay)
        shield[unit] = Math.min(shield[unit] + recovery.shieldPerSecond * MOMENT_SECONDS, fullShield[kind]);
    }
    if (regenerates && health[unit] < fullHealth[kind])
      health[unit] = Math.min(health[unit] + recovery.healthPerSecond * MOMENT_SECONDS, fullHealth[kind]);
    if (heals[kind] === 1 && energy[unit] < healer.fullEnergy)
      energy[unit] = Math.min(energy[unit] + healer.energyPerSecond * MOMENT_SECONDS, healer.fullEnergy);
  }

  /** Sorts the living into their layers. */
  function gather(first: number): void {
    crowdSizes.fill(0);
    for (let k = 0; k < units; k++) {
      if (living[k] === 0) continue;
      const layer = layerOf[type[first + k]];
      crowds[layer].members[crowdSizes[layer]++] = first + k;
    }
  }

  function keepOnMap(unit: number): void {
    if (x[unit] < 0) x[unit] = 0;
    else if (x[unit] > MAP_SIZE) x[unit] = MAP_SIZE;
    if (y[unit] < 0) y[unit] = 0;
    else if (y[unit] > MAP_SIZE) y[unit] = MAP_SIZE;
  }

  function passMoment(first: number, own: Draws): void {
    deaths = false;
    // All at once: whoever lives as the moment begins acts in it.
    for (let k = 0; k < units; k++) if (living[k] === 1) act(k, first, own);
    if (deaths) {
      bury(first);
      gather(first);
    }
    // The living go where they go, as far as the others and the map let them.
    for (let k = 0; k < units; k++) {
      if (living[k] === 0) continue;
      recover(first + k);
      x[first + k] += strideX[k];
      y[first + k] += strideY[k];
      strideX[k] = 0;
      strideY[k] = 0;
    }
    for (let layer = 0; layer < LAYERS; layer++) if (crowdSizes[layer] > 1) pushApart(crowds[layer], crowdSizes[layer]);
    for (let k = 0; k < units; k++) keepOnMap(first + k);
  }

  /** Whether a team can go on: healers alone can't. */
  const stands = (from: number, to: number): boolean => {
    for (let i = from; i < to; i++) if (health[i] > 0 && types[type[i]].weapon) return true;
    return false;
  };

  const vitality = (i: number): number => health[i] + shield[i];

  /** What a team lost in the step, in points, and in deaths times their price. */
  function losses(from: number, to: number, first: number, price: number): number {
    let sum = 0;
    for (let i = from; i < to; i++) {
      const before = vitalityBefore[i - first];
      if (before === 0) continue;
      sum += health[i] > 0 ? before - vitality(i) : before + price;
    }
    return sum;
  }

  function rewardOf(first: number, won: boolean, lost: boolean): number {
    const { sparse, death, win, defeat, onlyPositive, negativeScale, scaleTo } = options.reward;
    const border = first + allies;
    let reward = 0;
    if (!sparse) {
      const gains = losses(border, first + units, first, death);
      if (onlyPositive) reward = Math.max(gains, 0);
      else reward = gains - negativeScale * losses(first, border, first, death);
    }
    if (won) reward += sparse ? 1 : win;
    if (lost) reward += sparse ? -1 : defeat;
    if (scaleTo === null) return reward;
    let most = win + enemies * death;
    for (let i = border; i < first + units; i++) most += types[type[i]].health + types[type[i]].shield;
    return reward / (most / scaleTo);
  }

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
      ...{ type, x, y, health, shield, cooldown },
      target: (first, k) => target[first + k],
      engaged: (unit) => memory.order[unit] === order.attack || memory.order[unit] === order.heal,
      // The fastest weapon leaves more than 0.1 behind.
      attacked: (before, after) => after > Math.max(before - STEP_SECONDS, 0) + 0.05,
      ...(options.conicFov && {
        cones: { angle: (2 * Math.PI) / LOOKS, directions: LOOKS, facing: memory.facing },
      }),
    },
    draws,
    memory,
    begin: (e) => start(e, draws[e]),
    advance(e, actions, moment) {
      const first = e * units;
      for (let k = 0; k < units; k++) {
        living[k] = health[first + k] > 0 ? 1 : 0;
        strideX[k] = 0;
        strideY[k] = 0;
        vitalityBefore[k] = living[k] === 1 ? vitality(first + k) : 0;
      }
      gather(first);
      takeOrders(e, actions);
      for (let step = 0; step < MOMENTS; step++) passMoment(first, draws[e]);
      memory.elapsed[e] += 1;
      const weStand = stands(first, first + allies);
      const theyStand = stands(first + allies, first + units);
      const won = weStand && !theyStand;
      moment.rewards[e] = rewardOf(first, won, !weStand && theyStand);
      moment.terminations[e] = weStand && theyStand ? 0 : 1;
      moment.truncations[e] = weStand && theyStand && memory.elapsed[e] >= options.episodeLimit ? 1 : 0;
      moment.wins[e] = won ? 1 : 0;
    },
    look: view.look,
    permit: view.permit,
  };
}
