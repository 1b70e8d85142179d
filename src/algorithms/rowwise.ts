/** @file Programs in which samples do not meet: threads share the rows. */

import { type ArraySpec, compileStaged, type NamedData, type Traced } from "../compile/index.ts";
import type { Sequences } from "../nn/layers.ts";
import { type Arrays, cutSamples, feedsOf, type Samples, shareSequences } from "./minibatch.ts";
import { compileShares, inTurns } from "./shares.ts";

export interface RowwiseProgram {
  /**
   * @param others what all samples share, by name
   * @param into by output, [B, …]
   */
  run(others: NamedData, samples: Samples, into: Arrays): Promise<void>;
  release(): Promise<void>;
}

export interface RowwiseDefinition {
  readonly name: string;
  /** What all samples share, by name. */
  readonly others: Readonly<Record<string, ArraySpec>>;
  readonly sampleSpecs: (sequences: Sequences) => Samples<ArraySpec>;
  /** How the samples make sequences. */
  readonly sequences: Sequences;
  /** The outputs, [B, …] each. */
  outputs(
    others: Readonly<Record<string, Traced>>,
    samples: Samples<Traced>,
    sequences: Sequences,
  ): Readonly<Record<string, Traced>>;
}

export async function compileRowwise(
  { name, others, sampleSpecs, sequences, outputs }: RowwiseDefinition,
  maxThreads: number,
): Promise<RowwiseProgram> {
  const shares = shareSequences(sequences);
  const threads = Math.min(maxThreads, shares.length);
  const programs = await compileShares(shares, threads, (share, own) => {
    const f = ({ rows, sequences, fixed, ...shared }: Samples<Traced> & Record<string, unknown>) =>
      outputs(shared as Record<string, Traced>, { rows, sequences, fixed }, share);
    // The type of a traced function follows the tree of its inputs, which is too deep for the type checker here.
    return compileStaged(name, f as never, { ...others, ...sampleSpecs(share) } as never, () => false, own);
  });
  return {
    async run(shared, samples, into) {
      const parts = cutSamples(samples, sequences, shares);
      const results = cutSamples({ rows: into, sequences: {}, fixed: {} }, sequences, shares);
      await inTurns(shares.length, threads, (i) =>
        programs[i].run({ ...shared, ...feedsOf(parts[i]) }, results[i].rows),
      );
    },
    async release() {
      await Promise.all(programs.map((program) => program.release()));
    },
  };
}
