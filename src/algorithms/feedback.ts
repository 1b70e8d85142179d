/** @file Feedback: what agents that act later tell those before them about their actions. */

import type { Arrays } from "./minibatch.ts";

/** What is known of an agent that was evaluated; see `compileEvaluation`. */
export interface Evaluated {
  readonly agent: number;
  /** log r_j, [B]; zero where the agent is not active */
  readonly logRatio: Float32Array;
  /** ∂(its influence)/∂a for all agents' action vectors side by side, [B, D] */
  readonly actionGradients: Float32Array;
}

/** Memory for what an evaluation gives; `jointActionSize` 0 for an agent that gives no feedback. */
export const createEvaluated = (agent: number, rows: number, jointActionSize: number): Evaluated => ({
  agent,
  logRatio: new Float32Array(rows),
  actionGradients: new Float32Array(rows * jointActionSize),
});

/** Takes the ratios of an inactive agent for 1: it did not act, then or now. */
export function silenceInactive({ logRatio }: Evaluated, weights: Float32Array): void {
  for (let row = 0; row < logRatio.length; row++) logRatio[row] *= weights[row];
}

const clip = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/**
 * M = clip(Π_j r_j, 1 ± ε/2) per sample: how much likelier (or less likely) the evaluated agents have become to act as
 * they did.
 * @param epsilon undefined: M is not clipped
 * @param into [B]
 */
export function jointRatio(evaluated: readonly Evaluated[], epsilon: number | undefined, into: Float32Array): void {
  for (let row = 0; row < into.length; row++) {
    let logProduct = 0;
    for (const { logRatio } of evaluated) logProduct += logRatio[row];
    const product = Math.exp(logProduct);
    into[row] = epsilon === undefined ? product : clip(product, 1 - epsilon / 2, 1 + epsilon / 2);
  }
}

/**
 * G_i = Σ_{j∈B(i)} M_{−i,j} · ∂(influence of j)/∂a_i per sample, where M_{−i,j} is `jointRatio` of the evaluated agents
 * other than j.
 * @param evaluated all whose ratios count
 * @param dependents B(i)
 * @param range where a_i lies in all action vectors side by side
 * @param epsilon undefined: no ratios, M = 1
 * @param into [B, d_i]
 */
export function gatherFeedback(
  evaluated: readonly Evaluated[],
  dependents: readonly number[],
  [start, end]: readonly [number, number],
  epsilon: number | undefined,
  into: Float32Array,
): void {
  into.fill(0);
  const size = end - start;
  const rows = into.length / size;
  const sources = evaluated.filter(({ agent }) => dependents.includes(agent));
  for (let row = 0; row < rows; row++) {
    let logProduct = 0;
    for (const { logRatio } of evaluated) logProduct += logRatio[row];
    for (const { logRatio, actionGradients } of sources) {
      const others =
        epsilon === undefined ? 1 : clip(Math.exp(logProduct - logRatio[row]), 1 - epsilon / 2, 1 + epsilon / 2);
      const from = row * (actionGradients.length / rows) + start;
      for (let k = 0; k < size; k++) into[row * size + k] += others * actionGradients[from + k];
    }
  }
}

/**
 * Makes every sample's feedback at most `maxNorm` long.
 * @param feedback [B, d], changed in place
 * @returns its mean length before, over the samples of weight 1
 */
export function clipFeedback(feedback: Float32Array, weights: Float32Array, maxNorm: number): number {
  const size = feedback.length / weights.length;
  let total = 0;
  let count = 0;
  for (let row = 0; row < weights.length; row++) {
    let squares = 0;
    for (let k = row * size; k < (row + 1) * size; k++) squares += feedback[k] * feedback[k];
    const norm = Math.sqrt(squares);
    total += weights[row] * norm;
    count += weights[row];
    if (norm > maxNorm) for (let k = row * size; k < (row + 1) * size; k++) feedback[k] *= maxNorm / norm;
  }
  return count > 0 ? total / count : 0;
}

/** An `Evaluated` as the outputs of an evaluation program; one without action gradients has no memory for them. */
export const evaluationOutputs = ({ logRatio, actionGradients }: Evaluated): Arrays =>
  actionGradients.length > 0 ? { logRatio, actionGradients } : { logRatio };
