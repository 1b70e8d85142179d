/** @file Programs that threads share: one for each share of the samples, as many at a time as there are threads. */

import type { StagedProgram } from "../compile/index.ts";
import type { Sequences } from "../nn/layers.ts";

/**
 * A program for each share, that of share i in thread i mod `threads`. Shares that lie alike are traced once.
 * @param compileFor one program for each of the threads that it is given
 */
export async function compileShares(
  shares: readonly Sequences[],
  threads: number,
  compileFor: (share: Sequences, threads: readonly number[]) => Promise<readonly StagedProgram[]>,
): Promise<StagedProgram[]> {
  const programs: StagedProgram[] = [];
  for (const blocks of new Set(shares.map((share) => share.blocks))) {
    const alike = shares.flatMap((share, i) => (share.blocks === blocks ? [i] : []));
    const compiled = await compileFor(
      shares[alike[0]],
      alike.map((i) => i % threads),
    );
    alike.forEach((i, k) => {
      programs[i] = compiled[k];
    });
  }
  return programs;
}

/** Does something with each of `count` shares, as many at a time as there are threads. */
export async function inTurns(count: number, threads: number, act: (i: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < count; first += threads) {
    await Promise.all(Array.from({ length: Math.min(threads, count - first) }, (_, k) => act(first + k)));
  }
}
