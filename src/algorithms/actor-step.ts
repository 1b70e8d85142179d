/** @file Programs of one agent's policy: a step up an objective, and what its actions mean to those it looks at. */

import { type ArraySpec, float32, type Traced } from "../compile/index.ts";
import { grad, lax, numpy as np } from "../compile/jax.ts";
import { InputError } from "../errors.ts";
import type { Sequences } from "../nn/layers.ts";
import type { Schedule } from "../nn/schedules.ts";
import type { ActorInputs, ActorModel } from "../policy/actor.ts";
import { lossGradients, type SampleLoss } from "./gradient.ts";
import { rowCount, type Samples } from "./minibatch.ts";
import { compileRowwise, type RowwiseProgram } from "./rowwise.ts";
import { compileStep, type StepProgram, type StepSettings } from "./step.ts";

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
  /** Whether it looks at `correction`; the update must give it. */
  readonly usesCorrection?: boolean;
  /** Whether it looks at `peer`; the update must give the feedback G_i. */
  readonly usesFeedback?: boolean;
  /** ε, outside of which a ratio counts as clipped (a metric only). */
  readonly clip?: number;
  /** Per sample, [B]; to be made larger. The mean over samples is taken of it. */
  value(terms: ObjectiveTerms): Traced;
}

/**
 * What an objective makes of its terms.
 * @throws InputError unless it is one number per sample: of a mean or a sum, shares of the samples would not add up
 */
export function objectiveValue(objective: ActorObjective, terms: ObjectiveTerms): Traced {
  return perSample("an objective's value", "the mean is taken of it", objective.value(terms), terms.ratio);
}

/** @throws InputError unless a value from outside is one number per sample, as `like` is */
function perSample(what: string, use: string, value: Traced | undefined, like: Traced): Traced {
  const { shape } = like;
  if (!Array.isArray(value?.shape) || String(value.shape) !== String(shape)) {
    const given = Array.isArray(value?.shape) ? `an array of shape [${value.shape}]` : `${value}`;
    throw new InputError(
      `${what} must be one number per sample, [${shape}], written with numpy of bpta/jax; it returned ${given} (${use})`,
    );
  }
  return value;
}

export interface ActorStepSettings extends StepSettings {
  readonly learningRate: Schedule;
  readonly entropyCoef: Schedule;
  readonly peerCoef: Schedule;
}

/** Names of what a step reports, in order. */
export const actorMetrics = [
  "policyLoss",
  "entropy",
  "clipFraction",
  "approximateKl",
  "gradientNorm",
  "peerCoef",
  "entropyCoef",
] as const;

/** Those that the loss gives. */
export const LOSS_METRICS = 4;

/** The fields of `samples` that a model looks at. */
function inputSpecs(model: ActorModel, sequences: Sequences): Samples<ArraySpec> {
  const rows = rowCount(sequences);
  const { conditioned, identified, ownGraphs = false, ownIds = false, teamSize, jointActionSize } = model;
  return {
    rows: {
      observations: float32(rows, model.observationSize),
      ...(ownIds && { agentId: float32(rows, teamSize) }),
      ...(conditioned && { jointActions: float32(rows, jointActionSize) }),
      ...(conditioned && ownGraphs && { dependencyMask: float32(rows, jointActionSize) }),
      ...(model.hasActionMask && { actionMask: float32(rows, model.actionSize) }),
      ...(model.hiddenSize > 0 && { episodeStarts: float32(rows) }),
    },
    sequences: {
      ...(model.hiddenSize > 0 && { hidden: float32(sequences.blocks * sequences.width, model.hiddenSize) }),
    },
    fixed: {
      ...(identified && !ownIds && { agentId: float32(teamSize) }),
      ...(conditioned && !ownGraphs && { dependencyMask: float32(jointActionSize) }),
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
    const gain = objectiveValue(objective, terms).mul(share).sum();
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

/** Inside traced code: the gradient [P] of the loss at θ, by which a step goes. */
export function actorGradient(
  model: ActorModel,
  objective: ActorObjective,
  inputs: {
    readonly theta: Traced;
    readonly samples: Samples<Traced>;
    readonly peerCoef: Traced;
    readonly entropyCoef: Traced;
  },
  sequences: Sequences,
): Traced {
  const { theta, samples, peerCoef, entropyCoef } = inputs;
  const count = np.maximum(samples.rows.weights.sum(), 1);
  const scalars = { count, peerCoef, entropyCoef };
  const all = { thetas: [theta], samples, scalars };
  return lossGradients(actorLoss(model, objective), [model.layout], all, sequences).gradients[0];
}

/** A program that takes one step of Adam up an objective. It reports `actorMetrics`. */
export function compileActorStep(
  model: ActorModel,
  objective: ActorObjective,
  settings: ActorStepSettings,
  sequences: Sequences,
): Promise<StepProgram> {
  const { peerCoef, entropyCoef, learningRate } = settings;
  return compileStep(
    {
      name: "actor step",
      layouts: [model.layout],
      loss: actorLoss(model, objective),
      sampleSpecs: (part) => actorSampleSpecs(model, objective, part),
      sequences,
      schedules: { peerCoef, entropyCoef },
      counts: { count: "weights" },
      learningRate,
      settings,
    },
    LOSS_METRICS,
  );
}

/**
 * What one agent's samples are worth, as a function of its own probability of them; per sample, [B]. Its derivative
 * by the actions that the agent looked at is the feedback to those who took them.
 */
export type Influence = (terms: Pick<ObjectiveTerms, "logProb" | "ratio" | "advantage">) => Traced;

/**
 * A program that looks back at the stored actions through a network; it takes `theta` and samples.
 * @param influence absent: the ratio only
 * @returns a program with the outputs `logRatio` (log r_i) [B] and, with an influence, `actionGradients` [B, D]: the derivative of
 *   each sample's influence by all agents' actions, zero outside F(i)
 */
export function compileEvaluation(
  model: ActorModel,
  influence: Influence | undefined,
  sequences: Sequences,
  threads: number,
): Promise<RowwiseProgram> {
  return compileRowwise(
    {
      name: "evaluation",
      others: { theta: float32(model.layout.size) },
      sampleSpecs(part) {
        const rows = rowCount(part);
        const inputs = inputSpecs(model, part);
        const needed = {
          ...inputs.rows,
          actions: float32(rows, model.actionSize),
          oldLogProbs: float32(rows),
          ...(influence && { advantages: float32(rows) }),
        };
        return { ...inputs, rows: needed };
      },
      sequences,
      outputs({ theta }, samples, part) {
        const parameters = model.layout.unravel(theta);
        const { actions, oldLogProbs, advantages, jointActions } = samples.rows;
        const termsAt = (joint: Traced | undefined) => {
          const seen = joint ? { ...actorInputs(samples), jointActions: joint } : actorInputs(samples);
          const { distribution } = model.forward(parameters, seen, part);
          const logProb = distribution.logProb(actions);
          const logRatio = logProb.sub(oldLogProbs);
          return { logProb, logRatio, ratio: np.exp(logRatio), advantage: advantages };
        };
        const { logRatio } = termsAt(jointActions);
        if (!influence) return { logRatio };
        // Samples do not meet in a forward pass, so the gradient of the sum is the gradient of each.
        const influenceAt = (joint: Traced): Traced => {
          const terms = termsAt(joint);
          return perSample("an influence", "each sample's derivative is taken of it", influence(terms), terms.ratio);
        };
        const actionGradients = grad((joint: Traced) => influenceAt(joint).sum())(jointActions);
        return { logRatio, actionGradients };
      },
    },
    threads,
  );
}
