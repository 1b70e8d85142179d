/**
 * @file Prints the numbers of docs/theory.md: both terms of Theorem 1 in the game where they are known, as estimated
 * and in closed form, and where learning by their sum comes to rest. `npx tsx scripts/theorem.ts`
 */

import {
  type Estimate,
  estimateTerms,
  exactTerms,
  expectedReward,
  type QuadraticGame,
} from "../src/algorithms/theorem.ts";
import { Random } from "../src/random.ts";

const games: readonly QuadraticGame[] = [
  { m: 0.5, s: 0.4, k: 0.8, b: 0.2, t: 0.5, p: 1, q: -0.5, c: 0.5 },
  { m: -1, s: 0.3, k: -0.6, b: 0.4, t: 0.3, p: 0.2, q: 1, c: 1 },
  { m: 0, s: 0.5, k: 1.2, b: -0.3, t: 0.4, p: 0.7, q: 0.4, c: 0 },
  { m: 1, s: 0.2, k: 0.5, b: 0, t: 0.2, p: -0.5, q: 0.5, c: 2 },
];

const symbols = ["m", "s", "k", "b", "t", "p", "q", "c"] as const;
const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const signed = (x: number) => (Object.is(Math.round(x * 1000), -0) ? "0.000" : x.toFixed(3));
const withError = ({ mean, standardError }: Estimate) => `${signed(mean)} ± ${standardError.toFixed(3)}`;

row([...symbols, "own, exact", "own, estimated", "peer, exact", "peer, estimated"]);
row([...symbols, 1, 2, 3, 4].map(() => "---"));
for (const [i, game] of games.entries()) {
  const exact = exactTerms(game);
  const { own, peer } = await estimateTerms(game, new Random(i), { batches: 100, rows: 10_000 });
  row([
    ...symbols.map((symbol) => `${game[symbol]}`),
    signed(exact.own),
    withError(own),
    signed(exact.peer),
    withError(peer),
  ]);
}

console.log();
row(["game", "λ = 0: m", "E[Q]", "λ = 1: m", "E[Q]", "λ from 1 to 0: m", "E[Q]"]);
row(["game", 1, 2, 3, 4, 5, 6].map(() => "---"));
for (const [i, game] of games.entries()) {
  const constant = (lambda: number) => climb(game, () => lambda);
  const rests = [constant(0), constant(1), climb(game, (done) => Math.max(0, 1 - 2 * done))];
  row([`${i + 1}`, ...rests.flatMap((m) => [signed(m), signed(expectedReward({ ...game, m }))])]);
}

/** Follows own + λ·peer by m alone; `lambda` is a function of the part of the way that is done. */
function climb(game: QuadraticGame, lambda: (done: number) => number): number {
  const steps = 4000;
  let { m } = game;
  for (let step = 0; step < steps; step++) {
    const { own, peer } = exactTerms({ ...game, m });
    m += 0.01 * (own + lambda(step / steps) * peer);
  }
  return m;
}
