/** @file What a training comes to: the same source for the test and for the page that it opens. */

import type { EvaluationSummary, UpdateMetrics } from "../../evaluation/records.ts";
import type { RunSettings } from "../../experiment/config.ts";
import type { openTraining } from "../../experiment/training.ts";
import type { loadPolicy } from "../../policy/export.ts";

export interface Outcome {
  readonly updates: readonly UpdateMetrics[];
  readonly evaluation: EvaluationSummary;
  /** Size of the policy's file. */
  readonly policyBytes: number;
}

/** The library, here or in a browser. */
export interface Library {
  readonly openTraining: typeof openTraining;
  readonly loadPolicy: typeof loadPolicy;
}

export async function outcomeOf({ openTraining, loadPolicy }: Library, settings: RunSettings): Promise<Outcome> {
  const training = await openTraining(settings);
  const updates: UpdateMetrics[] = [];
  for await (const metrics of training) updates.push(metrics);
  const evaluation = await training.evaluate();
  const policy = training.exportPolicy();
  await (await loadPolicy(policy, 2)).release();
  await training.close();
  return { updates, evaluation, policyBytes: policy.length };
}
