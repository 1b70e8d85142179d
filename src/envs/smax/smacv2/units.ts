/**
 * @file The units of SMACv2's races. Most of what the game says of them is from its own data as its API gives it, and
 * holds for version 4.10; a baneling's burst and a medivac's healing are from Liquipedia, beams and recovery from an
 * extract of the game's data of 5.0.15; what SMACv2 adds is from its `starcraft2.py` (Ellis et al. 2023,
 * arXiv:2212.07489). The README of `smax` says which numbers were checked against what, and which could not be.
 *
 * Times are in seconds of the game's speed "normal", 16 moments each; lengths in units of the map.
 */

export type Attribute = "light" | "armoured";

/** What a unit does to those that it attacks. */
export interface Weapon {
  readonly damage: number;
  /** More damage to units with an attribute. */
  readonly bonus?: { readonly against: Attribute; readonly damage: number };
  /** Hits of an attack, from each of which armour is taken. */
  readonly hits: number;
  /** From edge to edge. */
  readonly range: number;
  /** Between attacks, but for a random part of −1 to 2 moments. */
  readonly cooldown: number;
  readonly hitsFlyers: boolean;
  /**
   * `beam`: on a line across the line of fire, all enemies on the ground are hit. `burst`: all enemies on the ground
   * around the unit, which dies of it; so they are, too, when it is killed.
   */
  readonly splash?: { readonly form: "beam" | "burst"; readonly reach: number };
}

export interface UnitType {
  readonly name: string;
  readonly health: number;
  readonly shield: number;
  /** Taken from every hit, but not from the part that a shield absorbs. */
  readonly armour: number;
  readonly attribute?: Attribute;
  readonly flies: boolean;
  /** Whether it can be healed. */
  readonly biological: boolean;
  /** Per second. */
  readonly speed: number;
  readonly radius: number;
  /** Absent: it heals instead. */
  readonly weapon?: Weapon;
  /** SMACv2: from centre to centre, as far as an agent sees, and as far as it may attack (or heal). */
  readonly sight: number;
  readonly attackRange: number;
  /** SMACv2: what the state divides the cooldown in moments (of a healer, its energy) by. */
  readonly fullCooldown: number;
  /** SMACv2: the chance of a place in a team, and whether a team can be of this type alone. */
  readonly chance: number;
  readonly alone: boolean;
}

const ground = { shield: 0, armour: 0, flies: false, biological: true, alone: true };
const gun = { hits: 1, hitsFlyers: true };

const terran: readonly UnitType[] = [
  {
    ...ground,
    name: "marine",
    health: 45,
    attribute: "light",
    speed: 2.25,
    radius: 0.375,
    weapon: { ...gun, damage: 6, range: 5, cooldown: 0.8608 },
    sight: 9,
    attackRange: 5,
    fullCooldown: 15,
    chance: 0.45,
  },
  {
    ...ground,
    name: "marauder",
    health: 125,
    armour: 1,
    attribute: "armoured",
    speed: 2.25,
    radius: 0.5625,
    weapon: {
      ...gun,
      damage: 10,
      bonus: { against: "armoured", damage: 10 },
      range: 6,
      cooldown: 1.5,
      hitsFlyers: false,
    },
    sight: 10,
    attackRange: 6,
    fullCooldown: 25,
    chance: 0.45,
  },
  {
    ...ground,
    name: "medivac",
    health: 150,
    armour: 1,
    attribute: "armoured",
    flies: true,
    biological: false,
    speed: 2.5,
    radius: 0.75,
    sight: 11,
    attackRange: 4,
    fullCooldown: 200,
    chance: 0.1,
    alone: false,
  },
];

const protoss: readonly UnitType[] = [
  {
    ...ground,
    name: "stalker",
    health: 80,
    shield: 80,
    armour: 1,
    attribute: "armoured",
    biological: false,
    speed: 2.953125,
    radius: 0.625,
    weapon: { ...gun, damage: 13, bonus: { against: "armoured", damage: 5 }, range: 6, cooldown: 1.8701 },
    sight: 10,
    attackRange: 6,
    fullCooldown: 35,
    chance: 0.45,
  },
  {
    ...ground,
    name: "zealot",
    health: 100,
    shield: 50,
    armour: 1,
    attribute: "light",
    speed: 2.25,
    radius: 0.5,
    weapon: { ...gun, damage: 8, hits: 2, range: 0.1, cooldown: 1.2, hitsFlyers: false },
    sight: 9,
    attackRange: 2,
    fullCooldown: 22,
    chance: 0.45,
  },
  {
    ...ground,
    name: "colossus",
    health: 200,
    shield: 150,
    armour: 1,
    attribute: "armoured",
    biological: false,
    speed: 2.25,
    radius: 1,
    weapon: {
      ...gun,
      damage: 10,
      bonus: { against: "light", damage: 5 },
      hits: 2,
      range: 7,
      cooldown: 1.5,
      hitsFlyers: false,
      splash: { form: "beam", reach: 1.4 },
    },
    sight: 10,
    attackRange: 7,
    fullCooldown: 24,
    chance: 0.1,
  },
];

const zerg: readonly UnitType[] = [
  {
    ...ground,
    name: "zergling",
    health: 35,
    attribute: "light",
    speed: 2.953125,
    radius: 0.375,
    weapon: { ...gun, damage: 5, range: 0.1, cooldown: 0.696, hitsFlyers: false },
    sight: 8,
    attackRange: 2,
    fullCooldown: 11,
    chance: 0.45,
  },
  {
    ...ground,
    name: "hydralisk",
    health: 90,
    attribute: "light",
    speed: 2.25,
    radius: 0.625,
    weapon: { ...gun, damage: 12, range: 5, cooldown: 0.825 },
    sight: 9,
    attackRange: 5,
    fullCooldown: 10,
    chance: 0.45,
  },
  {
    ...ground,
    name: "baneling",
    health: 30,
    speed: 2.5,
    radius: 0.375,
    weapon: {
      ...gun,
      damage: 20,
      bonus: { against: "light", damage: 15 },
      range: 0.25,
      cooldown: 0.833,
      hitsFlyers: false,
      splash: { form: "burst", reach: 2.2 },
    },
    sight: 8,
    attackRange: 2,
    fullCooldown: 1,
    chance: 0.1,
    alone: false,
  },
];

export type Race = "terran" | "protoss" | "zerg";

/** By race; a type's number, as agents observe it, is its place. */
export const races: Readonly<Record<Race, readonly UnitType[]>> = { terran, protoss, zerg };

/** A medivac's. Energy is what healing costs, 1 for 3 points of health. */
export const healer = {
  healthPerSecond: 9,
  healthPerEnergy: 3,
  firstEnergy: 50,
  fullEnergy: 200,
  energyPerSecond: 0.5625,
} as const;

/** How units recover by themselves. */
export const recovery = {
  /** Seconds without a hit after which shields do. */
  shieldDelay: 10,
  shieldPerSecond: 2,
  /** Of the zerg. */
  healthPerSecond: 0.2734,
} as const;
