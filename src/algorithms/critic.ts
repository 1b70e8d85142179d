/** @file Critics: what a situation is worth, and how they learn it. */

import { type ArraySpec, compile, float32, type Program, type Traced, type Tree } from "../compile/index.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import {
  type Gru,
  gruParameters,
  gruSequences,
  type LayerNorm,
  type Linear,
  layerNormParameters,
  linearParameters,
  type Mlp,
  mlp,
  mlpParameters,
  normThenLinear,
  type Sequences,
} from "../nn/layers.ts";
import { huber } from "../nn/losses.ts";
import { type ParameterLayout, parameterLayout } from "../nn/parameters.ts";
import { type Schedule, scheduled } from "../nn/schedules.ts";
import { lossGradients, type SampleLoss } from "./gradient.ts";
import { rowCount, type Samples } from "./minibatch.ts";
import { networkSpecs, type OptimizerSettings, optimize } from "./network.ts";

/** A critic's shape. */
export interface CriticShape {
  readonly inputSize: number;
  readonly hidden: number;
  readonly layers: number;
  readonly activation: "relu" | "tanh";
  readonly recurrent: boolean;
}

/** What critics see, one sample per row. */
interface CriticInputs {
  /** State or observation, [B, s] */
  readonly inputs: Traced;
  /** As of an actor; absent without a GRU. */
  readonly hidden?: Traced;
  readonly episodeStarts?: Traced;
}

/** A kind of critic: its parameters and its forward function. */
export interface CriticModel {
  readonly inputSize: number;
  /** H; 0 without a GRU. */
  readonly hiddenSize: number;
  readonly layout: ParameterLayout;
  /** Normalised values [B], and the states of the GRU after every row, [B, H], where there is one. */
  forward(
    parameters: Tree<Traced>,
    inputs: CriticInputs,
    sequences: Sequences,
  ): { readonly values: Traced; readonly hidden?: Traced };
}

interface CriticParameters<T> {
  readonly trunk: Mlp<T>;
  readonly gru?: Gru<T>;
  readonly norm?: LayerNorm<T>;
  readonly head: Linear<T>;
}

/** The actors' trunk, and one number out: input → MLP (→ GRU → LayerNorm) → value. */
export function criticModel(shape: CriticShape): CriticModel {
  const { inputSize, hidden, activation, recurrent } = shape;
  const layout = parameterLayout({
    trunk: mlpParameters(inputSize, shape),
    ...(recurrent && { gru: gruParameters(hidden, hidden), norm: layerNormParameters(hidden) }),
    head: linearParameters(hidden, 1, 1),
  });
  return {
    inputSize,
    hiddenSize: recurrent ? hidden : 0,
    layout,
    forward(parameters, { inputs, hidden, episodeStarts }, sequences) {
      const { trunk, gru, norm, head } = parameters as unknown as CriticParameters<Traced>;
      const features = mlp(trunk, activation, inputs);
      if (!gru) return { values: normThenLinear(features.norm, head, features.x).reshape([-1]) };
      const gates = normThenLinear(features.norm, gru.input, features.x);
      const states = gruSequences(gru, gates, hidden!, episodeStarts!, sequences);
      return { values: normThenLinear(norm!, head, states).reshape([-1]), hidden: states };
    },
  };
}

export interface CriticStepSettings extends OptimizerSettings {
  readonly criticLearningRate: Schedule;
  /** How far a value may move from the old one before the clipped loss holds it back, in normalised units. */
  readonly valueClip: number;
  readonly huberDelta: number;
  readonly microBatch: number;
}

/** The fields of `samples` that a critic learns from. */
const criticSampleSpecs = (model: CriticModel, sequences: Sequences): Samples<ArraySpec> => {
  const rows = rowCount(sequences);
  return {
    rows: {
      inputs: float32(rows, model.inputSize),
      targets: float32(rows),
      oldValues: float32(rows),
      weights: float32(rows),
      ...(model.hiddenSize > 0 && { episodeStarts: float32(rows) }),
    },
    sequences: {
      ...(model.hiddenSize > 0 && { hidden: float32(sequences.blocks * sequences.width, model.hiddenSize) }),
    },
    fixed: {},
  };
};

/** Mean over the samples of weight 1 of max(huber(V − R), huber(clip(V) − R)), all in normalised units. */
function criticLoss(model: CriticModel, { valueClip, huberDelta }: CriticStepSettings): SampleLoss {
  return ([parameters], { rows, sequences: starts }, { count }, sequences) => {
    const { targets, oldValues, weights } = rows;
    const { values } = model.forward(parameters, { ...rows, ...starts } as unknown as CriticInputs, sequences);
    const clipped = oldValues.add(np.clip(values.sub(oldValues), -valueClip, valueClip));
    const error = np.maximum(huber(values.sub(targets), huberDelta), huber(clipped.sub(targets), huberDelta));
    const loss = error.mul(weights.div(count)).sum();
    return [loss, lax.stopGradient(loss.reshape([1]))];
  };
}

/** Names of what `metrics` of a critic's step holds, in order. */
export const criticMetrics = ["valueLoss", "criticGradientNorm"] as const;

/**
 * A program that takes one step of Adam; run it with `takeStep`. Outputs `metrics`, see `criticMetrics`.
 * @param background whether it runs in a thread of its own
 */
export function compileCriticStep(
  model: CriticModel,
  settings: CriticStepSettings,
  sequences: Sequences,
  background = false,
): Promise<Program> {
  return compile(
    "critic step",
    (traced) => {
      const samples = traced as unknown as Samples<Traced>;
      const { network, progress } = traced;
      const count = np.maximum(samples.rows.weights.sum(), 1);
      const { gradients, metrics } = lossGradients(
        criticLoss(model, settings),
        [model.layout],
        { thetas: [network.theta], samples, scalars: { count } },
        sequences,
        settings.microBatch,
      );
      const learningRate = scheduled(settings.criticLearningRate, progress);
      const { next, gradientNorm } = optimize(network, gradients[0], learningRate, settings);
      const all = np.concatenate([metrics, gradientNorm.reshape([1])]);
      return { network: next as unknown as Tree<Traced>, metrics: all };
    },
    { network: networkSpecs(model.layout.size), progress: float32(), ...criticSampleSpecs(model, sequences) },
    { background },
  );
}

/**
 * A program with the output `values` [rows], normalised, and, with a GRU, `hidden` [rows, H]: one step of each of
 * `rows` environments.
 */
export function compileValues(model: CriticModel, rows: number): Promise<Program> {
  const recurrent = model.hiddenSize > 0;
  return compile(
    "values",
    (traced) => {
      const inputs = traced.rows as unknown as CriticInputs;
      const outputs = model.forward(model.layout.unravel(traced.theta), inputs, { blocks: 1, length: 1, width: rows });
      return outputs as unknown as Tree<Traced>;
    },
    {
      theta: float32(model.layout.size),
      rows: {
        inputs: float32(rows, model.inputSize),
        ...(recurrent && { hidden: float32(rows, model.hiddenSize), episodeStarts: float32(rows) }),
      } as Readonly<Record<string, ArraySpec>>,
    },
  );
}
