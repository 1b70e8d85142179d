/**
 * @file The numbers of all units by SMACv2's rules in tables. A unit's kind is its type's number among the types of all
 * races, so that one set of tables serves every battle (see `battle.ts`).
 */

import { type Race, races, type UnitType } from "./units.ts";

/** By kind. */
export const kinds: readonly UnitType[] = Object.values(races).flat();
export const KINDS = kinds.length;

/** The first type of a race. */
export const firstKindOf = (race: Race): number => kinds.indexOf(races[race][0]);

const table = (value: (kind: UnitType) => number | boolean): Float64Array =>
  Float64Array.from(kinds, (kind) => Number(value(kind)));

export const fullHealth = table(({ health }) => health);
export const fullShield = table(({ shield }) => shield);
export const armour = table((kind) => kind.armour);
export const radiusOf = table(({ radius }) => radius);
export const speed = table((kind) => kind.speed);
export const sight = table((kind) => kind.sight);
/** From centre to centre, as far as an agent may attack or heal. */
export const attackRange = table((kind) => kind.attackRange);
/** From edge to edge, as far as it shoots or heals. */
export const range = table(({ weapon, attackRange }) => weapon?.range ?? attackRange);
export const fullCooldown = table((kind) => kind.fullCooldown);
export const weaponCooldown = table(({ weapon }) => weapon?.cooldown ?? 0);
export const hitsPerAttack = table(({ weapon }) => weapon?.hits ?? 0);
export const chance = table((kind) => kind.chance);
export const splashReach = table(({ weapon }) => weapon?.splash?.reach ?? 0);

/** 1 or 0. */
export const fights = table(({ weapon }) => weapon !== undefined);
export const bursts = table(({ weapon }) => weapon?.splash?.form === "burst");
export const beams = table(({ weapon }) => weapon?.splash?.form === "beam");
export const flies = table((kind) => kind.flies);
export const biological = table((kind) => kind.biological);
export const alone = table((kind) => kind.alone);

/** Units push only those of their layer: those on the ground, flyers, and colossi, who walk over the others. */
export const layerOf = table(({ flies, name }) => (flies ? 1 : name === "colossus" ? 2 : 0));
export const LAYERS = 3;

/** The order in which the game numbers units: by the names of types. */
export const rank = table(({ name }) => kinds.filter((other) => other.name < name).length);

const pairs = (value: (attacker: UnitType, target: UnitType) => number | boolean): Float64Array =>
  Float64Array.from(kinds.flatMap((attacker) => kinds.map((target) => Number(value(attacker, target)))));

/** At attacker · KINDS + target: whether one can attack the other, 1 or 0; and what a hit takes, armour aside. */
export const canHit = pairs(({ weapon }, target) => weapon !== undefined && (weapon.hitsFlyers || !target.flies));
export const damageTo = pairs(({ weapon }, { attribute }) => {
  if (!weapon) return 0;
  return weapon.damage + (weapon.bonus && weapon.bonus.against === attribute ? weapon.bonus.damage : 0);
});
