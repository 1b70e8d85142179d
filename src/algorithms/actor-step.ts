/** @file Programs of one agent's policy: a step up an objective, and what its actions mean to those it looks at. */

import { type ArraySpec, compile, float32, type Program, type Traced, type Tree } from "../compile/index.ts";
import { grad, lax, numpy as np } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import type { AdamState } from "../nn/optimizer.ts";
import { type Schedule, scheduled } from "../nn/schedules.ts";
import type { ActorInputs, ActorModel } from "../policy/actor.ts";
import { lossGradients, type SampleLoss } from "./gradient.ts";
import { halves, rowCount, type Samples } from "./minibatch.ts";
import { networkSpecs, type OptimizerSettings, optimize } from "./network.ts";
import { compileSharedStep } from "./shared-step.ts";

/** What an objective is made of, for agent i; [B] each. */
export interface ObjectiveTerms {
  /** log π_i(a_i | o_i, a_F(i)) at the stored action */
  readonly logProb: Traced;
  /** r_i = π_i / π_i^old */
  readonly ratio: Traced;
  /** Â_i, normalised */
  readonly advantage: Traced;
  /** M_i: how likely those that are already updated have become to act as they did; 1 where the objective has none */
  readonly correction: Traced;
  /** λ⟨G_i, g(θ_i, ε_i)⟩; 0 where the objective has no feedback */
  readonly peer: Traced;
}

/** What a policy is made better at. */
export interface ActorObjective {
  readonly usesCorrection: boolean;
  readonly usesFeedback: boolean;
  /** ε, outside of which a ratio counts as clipped (a metric only). */
  readonly clip?: number;
  /** Per sample, [B]; to be made larger. */
  value(terms: ObjectiveTerms): Traced;
}

export interface ActorStepSettings extends OptimizerSettings {
  readonly learningRate: Schedule;
  readonly entropyCoef: Schedule;
  readonly peerCoef: Schedule;
  readonly microBatch: number;
  /** Threads that share the samples of a step. */
  readonly threads: number;
}

/** Names of what `metrics` of a step holds, in order. */
export const actorMetrics = [
  "policyLoss",
  "entropy",
  "clipFraction",
  "approximateKl",
  "gradientNorm",
  "peerCoef",
] as const;

/** The fields of `samples` that a model looks at. */
function inputSpecs(model: ActorModel, sequences: Sequences): Samples<ArraySpec> {
  const rows = rowCount(sequences);
  return {
    rows: {
      observations: float32(rows, model.observationSize),
      ...(model.conditioned && { jointActions: float32(rows, model.jointActionSize) }),
      ...(model.hasActionMask && { actionMask: float32(rows, model.actionSize) }),
      ...(model.hiddenSize > 0 && { episodeStarts: float32(rows) }),
    },
    sequences: {
      ...(model.hiddenSize > 0 && { hidden: float32(sequences.blocks * sequences.width, model.hiddenSize) }),
    },
    fixed: {
      agentId: float32(model.teamSize),
      ...(model.conditioned && { dependencyMask: float32(model.jointActionSize) }),
    },
  };
}

/** The fields of `samples` that an objective needs. */
export function actorSampleSpecs(
  model: ActorModel,
  objective: Pick<ActorObjective, "usesCorrection" | "usesFeedback">,
  sequences: Sequences,
): Samples<ArraySpec> {
  const inputs = inputSpecs(model, sequences);
  const rows = rowCount(sequences);
  const perAction = float32(rows, model.actionSize);
  return {
    ...inputs,
    rows: {
      ...inputs.rows,
      actions: perAction,
      oldLogProbs: float32(rows),
      advantages: float32(rows),
      weights: float32(rows),
      ...(objective.usesCorrection && { correction: float32(rows) }),
      ...(objective.usesFeedback && { noise: perAction, feedback: perAction }),
    },
  };
}

/** What the model sees of samples. */
export const actorInputs = ({ rows, sequences, fixed }: Samples<Traced>): ActorInputs =>
  ({ ...rows, ...sequences, ...fixed }) as unknown as ActorInputs;

/** −mean(objective + c_H · entropy) over the samples of weight 1, as a sum over samples over `scalars.count`. */
function actorLoss(model: ActorModel, objective: ActorObjective): SampleLoss {
  return ([parameters], samples, { count, peerCoef, entropyCoef }, sequences) => {
    const { actions, oldLogProbs, advantages, weights, correction, noise, feedback } = samples.rows;
    const { distribution } = model.forward(parameters, actorInputs(samples), sequences);
    const logProb = distribution.logProb(actions);
    const logRatio = logProb.sub(oldLogProbs);
    const ratio = np.exp(logRatio);
    const peer = feedback ? peerCoef.mul(feedback.mul(distribution.sample(noise)).sum(-1)) : np.array(0);
    const terms = { logProb, ratio, advantage: advantages, correction: correction ?? np.array(1), peer };
    const share = weights.div(count);
    const gain = objective.value(terms).mul(share).sum();
    const entropy = distribution.entropy().mul(share).sum();
    const loss = gain.add(entropy.mul(entropyCoef)).neg();
    const clipped =
      objective.clip === undefined
        ? np.array(0)
        : np
            .greater(np.abs(ratio.sub(1)), objective.clip)
            .astype(ratio.dtype)
            .mul(share)
            .sum();
    // Schulman's estimator of KL(old ‖ new), http://joschu.net/blog/kl-approx.html: never below zero.
    const kl = ratio.sub(1).sub(logRatio).mul(share).sum();
    return [loss, lax.stopGradient(np.stack([gain.neg(), entropy, clipped, kl]))];
  };
}

/** Inside traced code: the gradient [P] of the loss at θ, and the metrics [4] that go with it. */
export function actorGradient(
  model: ActorModel,
  objective: ActorObjective,
  { microBatch }: Pick<ActorStepSettings, "microBatch">,
  inputs: {
    readonly theta: Traced;
    readonly samples: Samples<Traced>;
    readonly peerCoef: Traced;
    readonly entropyCoef: Traced;
    /** Samples of weight 1 in both halves, where `samples` are one of them. */
    readonly count?: Traced;
  },
  sequences: Sequences,
): { readonly gradient: Traced; readonly metrics: Traced } {
  const { theta, samples, peerCoef, entropyCoef } = inputs;
  const count = np.maximum(inputs.count ?? samples.rows.weights.sum(), 1);
  const { gradients, metrics } = lossGradients(
    actorLoss(model, objective),
    [model.layout],
    { thetas: [theta], samples, scalars: { count, peerCoef, entropyCoef } },
    sequences,
    microBatch,
    inputs.count !== undefined,
  );
  return { gradient: gradients[0], metrics };
}

/**
 * A program that takes one step of Adam up an objective; run it with `takeStep`. Outputs `metrics`, see `actorMetrics`.
 * Two threads share its samples where the settings say so and there are enough; the numbers are the same.
 */
export function compileActorStep(
  model: ActorModel,
  objective: ActorObjective,
  settings: ActorStepSettings,
  sequences: Sequences,
): Promise<Program> {
  const samples = (shape: Sequences) => actorSampleSpecs(model, objective, shape);
  const schedules = (progress: Traced) => ({
    peerCoef: scheduled(settings.peerCoef, progress),
    entropyCoef: scheduled(settings.entropyCoef, progress),
  });
  const gradientOf = (traced: Tree<Traced>, theta: Traced, progress: Traced, shape: Sequences, count?: Traced) => {
    const inputs = {
      theta,
      samples: traced as unknown as Samples<Traced>,
      ...schedules(progress),
      ...(count && { count }),
    };
    return actorGradient(model, objective, settings, inputs, shape);
  };
  const step = (
    network: AdamState & { readonly steps: Traced },
    gradient: Traced,
    metrics: Traced,
    progress: Traced,
  ) => {
    const { next, gradientNorm } = optimize(network, gradient, scheduled(settings.learningRate, progress), settings);
    const all = np.concatenate([metrics, np.stack([gradientNorm, schedules(progress).peerCoef])]);
    return { network: next as unknown as Tree<Traced>, metrics: all };
  };
  const specs = { network: networkSpecs(model.layout.size), progress: float32() };
  if (settings.threads > 1 && halves(sequences, settings.microBatch).length === 2) {
    return compileSharedStep({
      sequences,
      microBatch: settings.microBatch,
      compileGradient: (shape, background) =>
        compile(
          "actor gradient",
          (inputs) => gradientOf(inputs as unknown as Tree<Traced>, inputs.theta, inputs.progress, shape, inputs.count),
          { theta: float32(model.layout.size), progress: float32(), count: float32(), ...samples(shape) },
          background === undefined ? {} : { background },
        ),
      compileStep: (metricsSpec) =>
        compile(
          "actor step",
          ({ network, progress, gradients: [a, b], metrics: [c, d] }) => step(network, a.add(b), c.add(d), progress),
          { ...specs, gradients: [specs.network.theta, specs.network.theta], metrics: [metricsSpec, metricsSpec] },
        ),
    });
  }
  return compile(
    "actor step",
    (inputs) => {
      const { network, progress } = inputs;
      const { gradient, metrics } = gradientOf(inputs as unknown as Tree<Traced>, network.theta, progress, sequences);
      return step(network, gradient, metrics, progress);
    },
    { ...specs, ...samples(sequences) },
  );
}

/**
 * What one agent's samples are worth, as a function of its own probability of them; per sample, [B]. Its derivative
 * by the actions that the agent looked at is the feedback to those who took them.
 */
export type Influence = (terms: Pick<ObjectiveTerms, "logProb" | "ratio" | "advantage">) => Traced;

/**
 * A program that looks back at the stored actions through a network.
 * @param influence absent: the ratio only
 * @returns a program with the outputs `logRatio` (log r_i) [B] and, with an influence, `actionGradients` [B, D]: the derivative of
 *   each sample's influence by all agents' actions, zero outside F(i)
 */
export function compileEvaluation(
  model: ActorModel,
  influence: Influence | undefined,
  sequences: Sequences,
): Promise<Program> {
  const rows = rowCount(sequences);
  const inputs = inputSpecs(model, sequences);
  const specs = {
    theta: float32(model.layout.size),
    ...inputs,
    rows: {
      ...inputs.rows,
      actions: float32(rows, model.actionSize),
      oldLogProbs: float32(rows),
      ...(influence && { advantages: float32(rows) }),
    },
  };
  return compile(
    "evaluation",
    (traced) => {
      const samples = traced as unknown as Samples<Traced>;
      const parameters = model.layout.unravel(traced.theta);
      const { actions, oldLogProbs, advantages, jointActions } = samples.rows;
      const termsAt = (joint: Traced | undefined) => {
        const seen = joint ? { ...actorInputs(samples), jointActions: joint } : actorInputs(samples);
        const { distribution } = model.forward(parameters, seen, sequences);
        const logProb = distribution.logProb(actions);
        const logRatio = logProb.sub(oldLogProbs);
        return { logProb, logRatio, ratio: np.exp(logRatio), advantage: advantages };
      };
      const { logRatio } = termsAt(jointActions);
      if (!influence) return { logRatio };
      // Samples do not meet in a forward pass, so the gradient of the sum is the gradient of each.
      const actionGradients = grad((joint: Traced) => influence(termsAt(joint)).sum())(jointActions);
      return { logRatio, actionGradients };
    },
    specs,
  );
}
