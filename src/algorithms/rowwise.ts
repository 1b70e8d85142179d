/** @file Programs in which samples do not meet: threads share the rows. */

import { type ArraySpec, compile, type NamedData, type Program, type Traced, type Tree } from "../compile/index.ts";
import type { Sequences } from "../nn/layers.ts";
import { type Arrays, cutSamples, feedsOf, type Samples, shareSequences } from "./minibatch.ts";

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

export async function compileRowwise(definition: RowwiseDefinition, threads: number): Promise<RowwiseProgram> {
  const { name, others, sampleSpecs, sequences, outputs } = definition;
  const parts = shareSequences(sequences);
  const compilePart = (part: Sequences, thread: number): Promise<Program> => {
    const f = ({ rows, sequences, fixed, ...shared }: Samples<Traced> & Record<string, unknown>) =>
      outputs(shared as Record<string, Traced>, { rows, sequences, fixed }, part) as Tree<Traced>;
    // The type of a traced function follows the tree of its inputs, which is too deep for the type checker here.
    return compile(name, f as never, { ...others, ...sampleSpecs(part) } as never, { thread });
  };
  const programs = await Promise.all(parts.map((part, i) => compilePart(part, i % threads)));
  return {
    async run(shared, samples, into) {
      const own = cutSamples(samples, sequences, parts);
      const results = cutSamples({ rows: into, sequences: {}, fixed: {} }, sequences, parts);
      await Promise.all(programs.map((program, i) => program.run({ ...shared, ...feedsOf(own[i]) }, results[i].rows)));
    },
    async release() {
      await Promise.all(programs.map((program) => program.release()));
    },
  };
}
