/** @file What can be done with the policy of a run: judge it, hand it on. */

import { decodeSignature } from "../compile/onnx.ts";
import { InputError } from "../errors.ts";
import { type EvaluationSummary, readResult } from "../evaluation/records.ts";
import type { RunConfig } from "./config.ts";
import { evaluateModel, type Judgement } from "./evaluator.ts";
import { writeFileAtomically } from "./files.ts";
import { checkpointAt, newestCheckpoint, readBest, readPolicy, readRun } from "./run.ts";
import { openSession } from "./session.ts";

/**
 * Which of a run's policies: the one that it ended with (of a run that has not ended, that of its newest checkpoint);
 * the one that scored best of all that were evaluated; or that of the checkpoint of a step.
 */
export type WhichPolicy = "last" | "best" | number;

/** What `evaluateRun` found. */
export interface RunEvaluation {
  readonly env: string;
  readonly algorithm: string;
  /** The run's */
  readonly seed: number;
  /** Environment steps that the policy has learnt for: fewer than `config.steps` where the run has not come to its end. */
  readonly steps: number;
  readonly evaluation: EvaluationSummary;
}

/**
 * Judges a run's policy from its ONNX file, or that of a checkpoint. With the run's own seed and as many episodes as its
 * own evaluation had, the result for the last one is that of `result.json`.
 *
 * @param path the run directory
 * @throws InputError if it is no run, or has no such policy
 */
export async function evaluateRun(
  path: string,
  { policy = "last", ...judgement }: Judgement & { readonly policy?: WhichPolicy | undefined } = {},
): Promise<RunEvaluation> {
  const { config } = await readRun(path);
  const { onnx, steps } = await modelOf(path, config, policy);
  const evaluation = await evaluateModel(onnx, config, judgement);
  return { env: config.env.id, algorithm: config.algorithm.name, seed: config.seed, steps, evaluation };
}

/**
 * Writes a run's policy to `out`, as one .onnx file.
 * @throws InputError as `evaluateRun`
 */
export async function exportRun(path: string, out: string, policy: WhichPolicy = "last"): Promise<void> {
  const { config } = await readRun(path);
  const { onnx } = await modelOf(path, config, policy);
  await writeFileAtomically(out, [onnx]);
}

/** A policy as the bytes of an .onnx file, and for how many environment steps it has learnt. */
export interface TrainedModel {
  readonly onnx: Uint8Array;
  readonly steps: number;
}

/** One of a run's policies. */
export async function modelOf(path: string, config: RunConfig, which: WhichPolicy = "last"): Promise<TrainedModel> {
  const before = await learntBefore(path, which);
  if (before) return modelFrom(before, config);
  // What there is of a policy before there is a result, an earlier end has left.
  const result = await readResult(path);
  const policy = result && (await readPolicy(path));
  if (policy) {
    try {
      decodeSignature(policy);
    } catch (error) {
      throw new InputError(`${path}/policy.onnx: ${(error as Error).message}`, { cause: error });
    }
    return { onnx: policy, steps: result.steps };
  }
  const last = await learntAtLast(path);
  if (!last) {
    throw new InputError(
      `${path} has neither a policy.onnx nor a checkpoint that is whole; bpta resume ${path} goes on`,
    );
  }
  return modelFrom(last, config);
}

/** What a run has learnt: a session's, and for how many environment steps. */
interface Learnt {
  readonly session: unknown;
  readonly steps: number;
}

/**
 * What a run has learnt, for another that goes on from there.
 * @throws InputError if it is no run, or has no such checkpoint
 */
export async function learntBy(path: string, which: WhichPolicy): Promise<Learnt> {
  const learnt = (await learntBefore(path, which)) ?? (await learntAtLast(path));
  if (!learnt) throw new InputError(`${path} has no checkpoint that is whole, so nothing can go on from it`);
  return learnt;
}

/** What is asked for, where it is not the last. */
async function learntBefore(path: string, which: WhichPolicy): Promise<Learnt | undefined> {
  if (which === "last") return undefined;
  if (which !== "best" && !(Number.isSafeInteger(which) && which >= 1))
    throw new InputError(`policy is ${which}, must be last, best, or the step of a checkpoint`);
  if (which !== "best") return { session: (await checkpointAt(path, which)).session, steps: which };
  const [result, best] = [await readResult(path), await readBest(path)];
  if (!best || (result && result.evaluation.meanReturn >= best.evaluation.meanReturn)) return undefined;
  return { session: best.session, steps: best.step };
}

/** That of the newest checkpoint; undefined if there is none. */
async function learntAtLast(path: string): Promise<Learnt | undefined> {
  const checkpoint = await newestCheckpoint(path, () => {});
  if (!checkpoint) return undefined;
  const { step } = checkpoint.content.counters as { readonly step: number };
  return { session: checkpoint.content.session, steps: step };
}

/** The policy of a session that was put down. */
async function modelFrom({ session: snapshot, steps }: Learnt, config: RunConfig): Promise<TrainedModel> {
  const session = await openSession(config);
  try {
    await session.restore(snapshot);
    return { onnx: session.exportPolicy(), steps };
  } finally {
    await session.close();
  }
}
