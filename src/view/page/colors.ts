/** @file Colours and letters: of agents and teams, by day and by night. */

/** Of all that is written. */
export const FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

/** Ours and theirs, of two teams. */
export const teamColors = ["#0072b2", "#d55e00"] as const;

export interface Theme {
  readonly zenith: string;
  readonly horizon: string;
  /** Of the chequered ground. */
  readonly ground: readonly [string, string];
  readonly groundText: string;
  readonly ink: string;
  readonly faintInk: string;
  /** Light from above and from the ground. */
  readonly ambient: number;
  readonly sun: number;
}

export const day: Theme = {
  zenith: "#a9c7e8",
  horizon: "#eef3f8",
  ground: ["#dfe5ec", "#cdd6e0"],
  groundText: "#8795a6",
  ink: "#17202c",
  faintInk: "#55626f",
  ambient: 1.45,
  sun: 2.6,
};

export const night: Theme = {
  zenith: "#0b1220",
  horizon: "#26344a",
  ground: ["#2b384b", "#243042"],
  groundText: "#6f829c",
  ink: "#eef3fa",
  faintInk: "#a3b2c6",
  ambient: 1.1,
  sun: 2.4,
};

/** Okabe & Ito 2008, told apart with any colour vision; the first that a plot of curves takes too. */
const few = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#6b4fa0"];

/** One colour for each of `n` agents; where they are many, hues a golden angle apart, so that neighbours differ. */
export const agentColors = (n: number): string[] =>
  Array.from({ length: n }, (_, i) =>
    n <= few.length ? few[i] : `hsl(${Math.round((205 + i * 137.508) % 360)}, 68%, ${[46, 60, 38][i % 3]}%)`,
  );
