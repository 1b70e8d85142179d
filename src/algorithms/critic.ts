/** @file Critics: what a situation is worth, and how they learn it. */

import { type ArraySpec, compile, float32, type Program, type Traced, type Tree } from "../compile/index.ts";
import { lax } from "../compile/jax.ts";
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
import { clippedValueLoss } from "../nn/losses.ts";
import { type ParameterLayout, parameterLayout } from "../nn/parameters.ts";
import type { Schedule } from "../nn/schedules.ts";
import type { SampleLoss } from "./gradient.ts";
import { rowCount, type Samples } from "./minibatch.ts";
import { compileRowwise, type RowwiseProgram } from "./rowwise.ts";
import { compileStep, type StepProgram, type StepSettings } from "./step.ts";

/** A critic's shape. */
export interface CriticShape {
  readonly inputSize: number;
  readonly hidden: number;
  readonly layers: number;
  readonly activation: "relu" | "tanh";
  readonly recurrent: boolean;
  readonly featureNormalization: boolean;
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
      const states = gruSequences(gru, features, hidden!, episodeStarts!, sequences);
      return { values: normThenLinear(norm!, head, states).reshape([-1]), hidden: states };
    },
  };
}

export interface CriticStepSettings extends StepSettings {
  readonly criticLearningRate: Schedule;
  /** How far a value may move from the old one before the clipped loss holds it back, in normalised units. */
  readonly valueClip: number;
  readonly huberDelta: number;
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

/** Mean of `clippedValueLoss` over the samples of weight 1, all in normalised units. */
function criticLoss(model: CriticModel, settings: CriticStepSettings): SampleLoss {
  return ([parameters], { rows, sequences: starts }, { count }, sequences) => {
    const { targets, oldValues, weights } = rows;
    const { values } = model.forward(parameters, { ...rows, ...starts } as unknown as CriticInputs, sequences);
    const loss = clippedValueLoss(values, { oldValues, targets }, settings).mul(weights.div(count)).sum();
    return [loss, lax.stopGradient(loss.reshape([1]))];
  };
}

/** Names of what a critic's step reports, in order. */
export const criticMetrics = ["valueLoss", "criticGradientNorm"] as const;

/** A program that takes one step of Adam. It reports `criticMetrics`. */
export const compileCriticStep = (
  model: CriticModel,
  settings: CriticStepSettings,
  sequences: Sequences,
): Promise<StepProgram> =>
  compileStep(
    {
      name: "critic step",
      layouts: [model.layout],
      loss: criticLoss(model, settings),
      sampleSpecs: (part) => criticSampleSpecs(model, part),
      sequences,
      schedules: {},
      counts: { count: "weights" },
      learningRate: settings.criticLearningRate,
      settings,
    },
    1,
  );

/** Values of `rows` samples, normalised: a program with the output `values` [rows], which takes `theta`; without a GRU. */
export const compileValues = (model: CriticModel, rows: number, threads: number): Promise<RowwiseProgram> =>
  compileRowwise(
    {
      name: "values",
      others: { theta: float32(model.layout.size) },
      sampleSpecs: (part) => ({
        rows: { inputs: float32(rowCount(part), model.inputSize) },
        sequences: {},
        fixed: {},
      }),
      sequences: { blocks: rows, length: 1, width: 1 },
      outputs: ({ theta }, samples, part) => ({
        values: model.forward(model.layout.unravel(theta), samples.rows as unknown as CriticInputs, part).values,
      }),
    },
    threads,
  );

/**
 * A program with the output `values` [rows], normalised, and, with a GRU, `hidden` [rows, H]: one step of each of
 * `rows` environments.
 */
export function compileValueStep(model: CriticModel, rows: number): Promise<Program> {
  const recurrent = model.hiddenSize > 0;
  return compile(
    "value step",
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
