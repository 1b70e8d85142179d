/** @file What can be done with the policy of a run: judge it, hand it on. */

import type { RunConfig } from "./config.ts";
import { InputError } from "./errors.ts";
import { evaluateModel } from "./evaluator.ts";
import { writeFileAtomically } from "./files.ts";
import { type EvaluationSummary, newestCheckpoint, readPolicy, readRun } from "./run.ts";
import { openSession } from "./session.ts";

/** What `evaluateRun` found. */
export interface RunEvaluation {
  readonly env: string;
  readonly algorithm: string;
  readonly seed: number;
  readonly evaluation: EvaluationSummary;
}

/**
 * Judges a run's policy from its ONNX file. With as many episodes as the run's own evaluation had, the result is that
 * of `result.json`.
 *
 * @param path the run directory
 * @param options.episodes default: `evaluation.episodes` of the run
 */
export async function evaluateRun(
  path: string,
  { episodes }: { readonly episodes?: number | undefined } = {},
): Promise<RunEvaluation> {
  const { config } = await readRun(path);
  const evaluation = await evaluateModel(await modelOf(path, config), config, episodes);
  return { env: config.env.id, algorithm: config.algorithm.name, seed: config.seed, evaluation };
}

/** Writes a run's policy to `out`, as one .onnx file. */
export async function exportRun(path: string, out: string): Promise<void> {
  const { config } = await readRun(path);
  await writeFileAtomically(out, [await modelOf(path, config)]);
}

/** The bytes of a run's policy: the one that it ended with, or else that of its newest checkpoint. */
async function modelOf(path: string, config: RunConfig): Promise<Uint8Array> {
  const policy = await readPolicy(path);
  if (policy) return policy;
  const checkpoint = await newestCheckpoint(path, () => {});
  if (!checkpoint) {
    throw new InputError(
      `${path} has neither a policy.onnx nor a checkpoint that is whole; bpta resume ${path} goes on`,
    );
  }
  const session = await openSession(config);
  try {
    await session.restore(checkpoint.content.session);
    return await session.exportPolicy();
  } finally {
    await session.close();
  }
}
