/** @file Training: collect, update, evaluate, record, checkpoint, in the order in which it happens. */

import { DivergedError } from "../algorithms/algorithm.ts";
import { InputError, InterruptedError } from "../errors.ts";
import {
  type EvaluationSummary,
  evaluationMetrics,
  type RunResult,
  readResult,
  type UpdateMetrics,
} from "../evaluation/records.ts";
import { nameOfId } from "../ids.ts";
import { differences } from "../trees.ts";
import { type RunConfig, type RunSettings, resolveConfig, validateConfig } from "./config.ts";
import { learntBy } from "./evaluate.ts";
import { evaluateModel } from "./evaluator.ts";
import { lockDirectory } from "./lock.ts";
import { createRun, newestCheckpoint, newRunPath, putAside, type RunDirectory, readRun, reopenRun } from "./run.ts";
import { openSession, type Session } from "./session.ts";
import { type Counters, updatesOf } from "./updates.ts";

/** What happens during a run, in order: preparation, a start, updates (and notices), a result. */
export type TrainEvent =
  /** Environments are made and programs compiled, which takes some seconds. */
  | { readonly kind: "prepare"; readonly config: RunConfig }
  | {
      readonly kind: "start";
      readonly path: string;
      readonly config: RunConfig;
      readonly step: number;
      readonly totalSteps: number;
    }
  /** Something that the user should know, such as a damaged checkpoint. */
  | { readonly kind: "notice"; readonly message: string }
  | { readonly kind: "update"; readonly metrics: UpdateMetrics }
  /** The run has come to `pauseAt`; how good its policy is there. */
  | { readonly kind: "pause"; readonly path: string; readonly step: number; readonly evaluation: EvaluationSummary }
  | { readonly kind: "result"; readonly path: string; readonly result: RunResult };

/** How a run is watched and stopped. */
export interface TrainOptions {
  /** Is told of everything that happens. */
  readonly onProgress?: (event: TrainEvent) => void;
  /** Once aborted, the run finishes its update, writes a checkpoint and throws InterruptedError. */
  readonly signal?: AbortSignal;
  /**
   * Environment steps after which the run is put aside: it is judged, writes a checkpoint and throws InterruptedError.
   * Going on later gives the numbers of a run that never was; what depends on the progress of training (schedules)
   * follows `steps` all the same.
   */
  readonly pauseAt?: number | undefined;
}

/** A run that came to its end. */
export interface TrainResult extends RunResult {
  /** The run directory. */
  readonly path: string;
}

/**
 * Trains a team from the start.
 *
 * ```ts
 * const { evaluation } = await train({ env: { id: "climbing" }, algorithm: { name: "bppo" }, seed: 1 });
 * ```
 *
 * @param settings what is not given takes the environment's preset or the default (docs/configuration.md)
 * @param options.out the run directory, new or empty; default: `runs/ENV-ALGORITHM-seedSEED`, with a number if taken
 * @throws InputError if the settings can't be used; InterruptedError; DivergedError
 */
export async function train(
  settings: RunSettings,
  { out, ...options }: TrainOptions & { readonly out?: string | undefined } = {},
): Promise<TrainResult> {
  const config = await resolveConfig(settings);
  options.onProgress?.({ kind: "prepare", config });
  // The session comes first: what does not fit together is refused before a directory is made.
  const session = await openSession(config);
  try {
    for (const message of session.advice) options.onProgress?.({ kind: "notice", message });
    for (const message of await goOnFrom(session, config)) options.onProgress?.({ kind: "notice", message });
    const run = await createRun(out ?? (await newRunPath(runName(config))), config);
    return await runToEnd(run, session, undefined, options);
  } finally {
    await session.close();
  }
}

/**
 * Goes on with a run that was stopped or killed, from its newest whole checkpoint (from its start, if it has none), to
 * its end. Its numbers are those of a run that was never stopped. A run that has ended is left as it is.
 *
 * @param path the run directory
 * @param options.steps how long it is to be from now on; a run that has ended goes on, too, where that is longer. What
 *   follows a schedule goes on from where the longer one is by then, so its numbers are not those of a run that was to be
 *   as long from the start.
 * @throws InputError if another process is writing to it, it is longer than `steps` already, or it has ended and has no
 *   checkpoint to go on from; InterruptedError; DivergedError
 */
export async function resume(
  path: string,
  { steps, ...options }: TrainOptions & { readonly steps?: number | undefined } = {},
): Promise<TrainResult> {
  const before = await readRun(path);
  const stored = { ...before, config: await validateConfig({ ...before.config, steps: steps ?? before.config.steps }) };
  const result = await readResult(path);
  if (result && steps !== undefined && steps < result.steps)
    throw new InputError(`steps is ${steps}, but ${path} has made ${result.steps} already`);
  if (result && stored.config.steps <= result.steps) {
    options.onProgress?.({ kind: "notice", message: `${path} has already ended; nothing is left to do` });
    options.onProgress?.({ kind: "result", path, result });
    return { path, ...result };
  }
  const notice = (message: string): void => options.onProgress?.({ kind: "notice", message });
  const lock = await lockDirectory(path);
  try {
    const unusable: string[] = [];
    const checkpoint = await newestCheckpoint(path, (message, damaged) => {
      notice(message);
      if (damaged !== undefined) unusable.push(damaged);
    });
    if (!checkpoint && result)
      throw new InputError(
        `${path} has ended and has no checkpoint that it could go on from; train again, with steps ${stored.config.steps} and another --out`,
      );
    await putAside(unusable);
    if (!checkpoint) notice(`${path} has no checkpoint to go on from; it starts again`);
    options.onProgress?.({ kind: "prepare", config: stored.config });
    const session = await openSession(stored.config);
    try {
      if (!checkpoint) await goOnFrom(session, stored.config);
      const made = (checkpoint?.content.counters as Counters | undefined)?.step ?? 0;
      if (steps !== undefined && steps < made)
        throw new InputError(`steps is ${steps}, but ${path} has made ${made} already`);
      const run = await reopenRun(path, stored, checkpoint?.content, lock, steps !== undefined);
      return await runToEnd(run, session, checkpoint, options);
    } finally {
      await session.close();
    }
  } finally {
    await lock.release();
  }
}

/**
 * Has a session begin with what the run has learnt that `config.from` names.
 * @returns notices of what that run's policies were otherwise
 * @throws InputError where it does not fit
 */
async function goOnFrom(session: Session, { from, env, policy, rollout }: RunConfig): Promise<string[]> {
  if (!from) return [];
  const { config } = await readRun(from.run);
  session.learnFrom((await learntBy(from.run, from.policy)).session);
  const seen = ({ normalizeObservations, scaleActions }: RunConfig["rollout"]) => ({
    normalizeObservations,
    scaleActions,
  });
  const theirs = { env: config.env, policy: config.policy, rollout: seen(config.rollout) };
  return differences(theirs, { env, policy, rollout: seen(rollout) }).map(
    ({ path, before, after }) =>
      `${path} is ${JSON.stringify(after)}, and was ${JSON.stringify(before)} in ${from.run}`,
  );
}

/** `runs/` directory name of a run. */
const runName = ({ env, algorithm, seed }: RunConfig): string =>
  `${nameOfId(env.id)}-${nameOfId(algorithm.name)}-seed${seed}`;

async function runToEnd(
  run: RunDirectory,
  session: Session,
  checkpoint: { readonly path: string; readonly content: Readonly<Record<string, unknown>> } | undefined,
  { onProgress = () => {}, signal, pauseAt = Number.POSITIVE_INFINITY }: TrainOptions,
): Promise<TrainResult> {
  const { config, path } = run;
  const notice = (message: string): void => onProgress({ kind: "notice", message });
  let lastCheckpoint = checkpoint?.path;
  try {
    let counters: Counters = { update: 0, step: 0, wallSeconds: 0 };
    if (checkpoint) {
      counters = checkpoint.content.counters as Counters;
      await session.restore(checkpoint.content.session);
    }
    const updates = updatesOf(session, config, counters, notice);
    const { totalSteps } = updates;
    onProgress({ kind: "start", path, config, step: updates.step, totalSteps });

    const pause = async (): Promise<never> => {
      onProgress({ kind: "pause", path, step: updates.step, evaluation: await session.evaluate() });
      throw new InterruptedError(`paused at step ${updates.step} of ${totalSteps}`, path);
    };
    while (updates.step < totalSteps) {
      if (updates.step >= pauseAt) await pause();
      const learnt = await updates.next().catch((error: unknown) => {
        if (!(error instanceof DivergedError)) throw error;
        error.message += ` (at step ${updates.step}; last good checkpoint: ${lastCheckpoint ?? "none"})`;
        throw error;
      });
      const { update, step } = updates;
      const isLast = step >= totalSteps;
      const { interval } = config.evaluation;
      const evaluation = !isLast && interval > 0 && update % interval === 0 ? await session.evaluate() : undefined;
      const metrics = {
        ...learnt,
        ...(evaluation && { ...evaluationMetrics(evaluation), wallSeconds: updates.seconds() }),
      };
      run.recordUpdate(metrics);
      onProgress({ kind: "update", metrics });
      if (evaluation && evaluation.meanReturn > run.bestReturn)
        await run.keepBest({ step, evaluation, session: await session.snapshot() });

      if (isLast || signal?.aborted || step >= pauseAt || update % config.checkpoint.interval === 0) {
        counters = { update, step, wallSeconds: metrics.wallSeconds };
        lastCheckpoint = await run.checkpoint(step, { counters, session: await session.snapshot() });
      }
      if (signal?.aborted) throw new InterruptedError(`stopped at step ${step} of ${totalSteps}`, path);
    }

    // Judged from its file, so that the result is that of the policy which others will load.
    const policy = session.exportPolicy();
    await run.writePolicy(policy);
    // Environments can be heavy: those of the rollout are let go before the judge makes its own.
    await session.close();
    const result: RunResult = {
      env: config.env.id,
      algorithm: config.algorithm.name,
      seed: config.seed,
      steps: updates.step,
      wallSeconds: counters.wallSeconds,
      stepsPerSecond: updates.step / counters.wallSeconds,
      evaluation: await evaluateModel(policy, config, { signal }).catch((error: unknown) => {
        if (signal?.aborted) throw new InterruptedError(`stopped at step ${updates.step}, before it was judged`, path);
        throw error;
      }),
    };
    await run.writeResult(result);
    onProgress({ kind: "result", path, result });
    return { path, ...result };
  } catch (error) {
    // What the system refuses, such as room on a full disk.
    const refused = error as NodeJS.ErrnoException;
    if (refused.syscall !== undefined) {
      refused.message = `${path}: ${refused.message} (last good checkpoint: ${lastCheckpoint ?? "none"})`;
    } else if (lastCheckpoint && !(error instanceof DivergedError || error instanceof InterruptedError)) {
      // Of an environment, say, that fails in the middle: what it says may have more lines, with where it failed.
      refused.message = refused.message.replace(/\n|$/, ` (last good checkpoint: ${lastCheckpoint})$&`);
    }
    throw error;
  } finally {
    await run.close();
  }
}
