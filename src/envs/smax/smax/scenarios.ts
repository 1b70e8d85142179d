/**
 * @file SMAX's unit types and scenarios: numbers of JaxMARL's `smax_env.py` (Rutherford et al. 2023, arXiv:2311.10090).
 */

/** Lengths are in units of the map, times in seconds. */
export interface SmaxUnitType {
  readonly name: string;
  readonly health: number;
  /** What a shot takes from its target. */
  readonly damage: number;
  /** Between shots, but for a random part of −1/16 to 2/16. */
  readonly cooldown: number;
  /** From centre to centre. */
  readonly range: number;
  readonly sight: number;
  /** Per second. */
  readonly speed: number;
  readonly radius: number;
}

/** The six types; a type's number, as agents observe it, is its place here. */
export const smaxUnitTypes: readonly SmaxUnitType[] = [
  { name: "marine", health: 45, damage: 9, cooldown: 0.61, range: 5, sight: 9, speed: 3.15, radius: 0.375 },
  { name: "marauder", health: 125, damage: 10, cooldown: 1.07, range: 6, sight: 10, speed: 2.25, radius: 0.5625 },
  { name: "stalker", health: 160, damage: 13, cooldown: 1.87, range: 6, sight: 10, speed: 4.13, radius: 0.625 },
  { name: "zealot", health: 150, damage: 8, cooldown: 0.86, range: 2, sight: 9, speed: 3.15, radius: 0.5 },
  { name: "zergling", health: 35, damage: 5, cooldown: 0.5, range: 2, sight: 8, speed: 4.13, radius: 0.375 },
  { name: "hydralisk", health: 80, damage: 12, cooldown: 0.59, range: 5, sight: 9, speed: 3.15, radius: 0.625 },
];

/** Who fights whom, and how a battle starts. */
export interface SmaxScenario {
  readonly allies: number;
  readonly enemies: number;
  /** Types of allies, then enemies; absent: drawn anew for each episode, the enemies' like the allies'. */
  readonly types?: readonly number[];
  /** Whether teams start mirrored or one in the middle of the other, by chance, instead of in two fixed places. */
  readonly randomPositions: boolean;
}

const typeOf = (name: string): number => smaxUnitTypes.findIndex((type) => type.name === name);

/** So many of each, in order. */
const team = (counts: Readonly<Record<string, number>>): readonly number[] =>
  Object.entries(counts).flatMap(([name, count]) => Array.from({ length: count }, () => typeOf(name)));

function fixed(allies: Readonly<Record<string, number>>, enemies = allies): SmaxScenario {
  const [ours, theirs] = [team(allies), team(enemies)];
  return { allies: ours.length, enemies: theirs.length, types: [...ours, ...theirs], randomPositions: false };
}

const random = (size: number): SmaxScenario => ({ allies: size, enemies: size, randomPositions: true });

/** By name. */
export const smaxScenarios: Readonly<Record<string, SmaxScenario>> = {
  "3m": fixed({ marine: 3 }),
  "8m": fixed({ marine: 8 }),
  "25m": fixed({ marine: 25 }),
  "2s3z": fixed({ stalker: 2, zealot: 3 }),
  "3s5z": fixed({ stalker: 3, zealot: 5 }),
  "5m_vs_6m": fixed({ marine: 5 }, { marine: 6 }),
  "10m_vs_11m": fixed({ marine: 10 }, { marine: 11 }),
  "27m_vs_30m": fixed({ marine: 27 }, { marine: 30 }),
  "3s5z_vs_3s6z": fixed({ stalker: 3, zealot: 5 }, { stalker: 3, zealot: 6 }),
  "3s_vs_5z": fixed({ stalker: 3 }, { zealot: 5 }),
  "6h_vs_8z": fixed({ hydralisk: 6 }, { zealot: 8 }),
  smacv2_5_units: random(5),
  smacv2_10_units: random(10),
  smacv2_20_units: random(20),
};

/** A scenario as a person would say it: `5 marines against 6 marines`. */
export function describeScenario({ allies, enemies, types }: SmaxScenario): string {
  if (!types) return `${allies} against ${enemies}, of types drawn anew for each episode`;
  const say = (own: readonly number[]): string => {
    const kinds = [...new Set(own)].map((type) => {
      const count = own.filter((other) => other === type).length;
      return `${count} ${smaxUnitTypes[type].name}${count > 1 ? "s" : ""}`;
    });
    return kinds.join(" and ");
  };
  return `${say(types.slice(0, allies))} against ${say(types.slice(allies))}`;
}
