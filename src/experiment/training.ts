/** @file Training from code, update by update: in memory, with no files, so in a browser, too. */

import { InputError } from "../errors.ts";
import type { EvaluationSummary, UpdateMetrics } from "../evaluation/records.ts";
import { type RunConfig, type RunSettings, resolveConfig } from "./config.ts";
import { openSession } from "./session.ts";
import { updatesOf } from "./updates.ts";

/**
 * A team in training, in memory. Going through it takes one update after the other, until all steps are made; one may stop
 * and go on at any time.
 */
export interface Training extends AsyncIterable<UpdateMetrics, void> {
  /** All settings, resolved. */
  readonly config: RunConfig;
  /** Environment steps that were made, of how many. */
  readonly step: number;
  readonly totalSteps: number;
  /** Judges the greedy policy as it is now. */
  evaluate(): Promise<EvaluationSummary>;
  /** The policy as it is now: the bytes of an .onnx file, which `loadPolicy` reads. */
  exportPolicy(): Uint8Array;
  /** Gives back what it holds; it can't be gone on with after that. */
  close(): Promise<void>;
}

/**
 * Puts a team together and trains it update by update, without a run directory: no files, no checkpoints.
 *
 * ```ts
 * const training = await openTraining({ env: { id: "climbing" }, steps: 200_000 });
 * for await (const { step, episodeReturn } of training) console.log(step, episodeReturn);
 * console.log((await training.evaluate()).meanReturn);
 * await training.close();
 * ```
 *
 * @param settings as those of `train`
 * @param options.onNotice is told what the user should know, one line each
 * @throws InputError if the settings can't be used; DivergedError, while going through it
 */
export async function openTraining(
  settings: RunSettings,
  { onNotice = () => {} }: { readonly onNotice?: (message: string) => void } = {},
): Promise<Training> {
  const config = await resolveConfig(settings);
  if (config.from)
    throw new InputError(`from.run is ${config.from.run}, but this reads no files: leave it out, or use train`);
  const session = await openSession(config);
  session.advice.forEach(onNotice);
  const updates = updatesOf(session, config, undefined, onNotice);
  return {
    config,
    get step() {
      return updates.step;
    },
    totalSteps: updates.totalSteps,
    async *[Symbol.asyncIterator]() {
      while (updates.step < updates.totalSteps) yield await updates.next();
    },
    evaluate: () => session.evaluate(),
    exportPolicy: () => session.exportPolicy(),
    close: () => session.close(),
  };
}
