/**
 * @file Layers: functions of a parameter tree and of arrays with one sample per row.
 *
 * Every type has the kind of its leaves as parameter: `Linear<Parameter>` says how one is made, `Linear<Traced>` is
 * what the mathematics sees.
 */

import { withGradientOf } from "../compile/gradients.ts";
import { lax, nn, numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import { type Activation, activationGain, constant, orthogonal } from "./initializers.ts";
import { Parameter } from "./parameters.ts";

/** x · weight + bias; weight [in, out], bias [out]. */
export type Linear<T> = {
  readonly weight: T;
  readonly bias: T;
};

/** LayerNorm's parameters, each [size]. */
export type LayerNorm<T> = {
  readonly scale: T;
  readonly offset: T;
};

export type Mlp<T> = {
  /** Absent: the input as it is. */
  readonly input?: LayerNorm<T>;
  readonly layers: readonly { readonly linear: Linear<T>; readonly norm: LayerNorm<T> }[];
};

/** Gated recurrent unit, gates side by side in the order reset, update, candidate. */
export type Gru<T> = {
  /** [in, 3 · hidden] and [3 · hidden] */
  readonly input: Linear<T>;
  /** [hidden, 3 · hidden] and [3 · hidden] */
  readonly hidden: Linear<T>;
};

export const linearParameters = (inputs: number, outputs: number, gain: number): Linear<Parameter> => ({
  weight: new Parameter([inputs, outputs], orthogonal(gain)),
  bias: new Parameter([outputs], constant(0)),
});

export const layerNormParameters = (size: number): LayerNorm<Parameter> => ({
  scale: new Parameter([size], constant(1)),
  offset: new Parameter([size], constant(0)),
});

/** An MLP's shape: `layers` hidden layers of `hidden` units. */
export interface MlpShape {
  readonly hidden: number;
  readonly layers: number;
  readonly activation: Activation;
  /** Whether there is a LayerNorm on the input. */
  readonly featureNormalization: boolean;
}

export const mlpParameters = (inputs: number, shape: MlpShape): Mlp<Parameter> => ({
  ...(shape.featureNormalization && { input: layerNormParameters(inputs) }),
  layers: Array.from({ length: shape.layers }, (_, i) => ({
    linear: linearParameters(i === 0 ? inputs : shape.hidden, shape.hidden, activationGain(shape.activation)),
    norm: layerNormParameters(shape.hidden),
  })),
});

export const gruParameters = (inputs: number, hidden: number): Gru<Parameter> => {
  const gates = (rows: number): Linear<Parameter> => ({
    weight: new Parameter([rows, 3 * hidden], orthogonal(1)),
    bias: new Parameter([3 * hidden], constant(0)),
  });
  return { input: gates(inputs), hidden: gates(hidden) };
};

export const linear = ({ weight, bias }: Linear<Traced>, x: Traced): Traced => np.matmul(x, weight).add(bias);

export const LAYER_NORM_EPSILON = 1e-5;

const rowMean = (x: Traced): Traced => x.mean(-1, { keepdims: true });

/** Of each row: less its mean, c; over its standard deviation, r = 1/√(mean(c²) + ε); and both, x̂ = r c. No gradient. */
function rowStatistics(x: Traced) {
  const fixed = lax.stopGradient(x);
  const centered = fixed.sub(rowMean(fixed));
  const inverse = np.reciprocal(np.sqrt(rowMean(centered.mul(centered)).add(LAYER_NORM_EPSILON)));
  return { centered, inverse, standardized: centered.mul(inverse) };
}

/** −r·mean(ċ·x̂), [B, 1]: signs and factors stay on the numbers per row; only what must be is done on [B, n]. */
const shrinkage = (along: Traced, { inverse, standardized }: ReturnType<typeof rowStatistics>): Traced =>
  along
    .mul(standardized)
    .sum(-1, { keepdims: true })
    .mul(inverse.mul(-1 / along.shape[1]));

/**
 * Each row of x [B, n] less its mean, over its standard deviation (biased, ε = 1e-5 under the root), with the gradient
 * that `along` carries (x less its mean, or x itself where that is known to do).
 *
 * The gradient is the closed form r·(ċ − x̂·mean(ċ·x̂)), c = x − mean(x), r = 1/std, in place of what differentiating
 * the forward pass step by step would give: the same function, in fewer passes over [B, n].
 */
function standardizeFor(x: Traced, along: Traced): Traced {
  const statistics = rowStatistics(x);
  const { inverse, standardized } = statistics;
  return withGradientOf(standardized, along.mul(inverse).add(standardized.mul(shrinkage(along, statistics))));
}

const standardize = (x: Traced): Traced => standardizeFor(x, x.sub(rowMean(x)));

/**
 * Ba, Kiros & Hinton 2016, arXiv:1607.06450; x [B, n].
 *
 * The gradient is that of `standardizeFor`, with the scale taken into the mean of ċ·x̂, so that one product of what
 * comes back with x̂ serves both the scale's gradient and that mean.
 */
export function layerNorm({ scale, offset }: LayerNorm<Traced>, x: Traced): Traced {
  const statistics = rowStatistics(x);
  const { inverse, standardized } = statistics;
  const along = x.sub(rowMean(x));
  const fixed = lax.stopGradient(scale);
  const shrink = np.matmul(shrinkage(along, statistics), fixed.reshape([1, -1]));
  const carried = along.mul(inverse).mul(fixed).add(standardized.mul(shrink));
  // Its gradients by scale and offset are its own; that by x is carried.
  const value = standardized.mul(scale).add(offset);
  return withGradientOf(value, value.add(carried));
}

/** A layer this many times narrower than its input is cheaper to scale after the product than before. */
const NARROW = 4;

/** A norm's scale and offset, folded into the linear layer that follows: γ ⊙ W and β W + b. */
export const foldNorm = ({ scale, offset }: LayerNorm<Traced>, { weight, bias }: Linear<Traced>) => ({
  scaled: weight.mul(scale.reshape([-1, 1])),
  folded: np.matmul(offset, weight).add(bias),
});

/**
 * `linear(l, layerNorm(norm, x))`, in fewer passes over x, forward and backward; without a norm, `linear(l, x)`.
 *
 * The norm's scale and offset fold into the linear layer: x̂ (γ ⊙ W) + (β W + b). Since rows of x̂ have mean zero, the
 * columns of γ ⊙ W can be given mean zero too; then the gradient that comes back has mean zero by itself (where x is
 * narrow, it is cheaper to see to that in x). And where the layer is narrow, x̂ is never made: x̂ W = r · (x W).
 */
export function normThenLinear(norm: LayerNorm<Traced> | undefined, layer: Linear<Traced>, x: Traced): Traced {
  if (!norm) return linear(layer, x);
  const { scaled, folded } = foldNorm(norm, layer);
  const [inputs, outputs] = layer.weight.shape;
  if (inputs < outputs) return np.matmul(standardize(x), scaled).add(folded);
  const centeredWeight = scaled.sub(scaled.mean(0, { keepdims: true }));
  if (outputs * NARROW > inputs) return np.matmul(standardizeFor(x, x), centeredWeight).add(folded);
  const { centered, inverse } = rowStatistics(x);
  // dr/dx = −r³ c / n
  const slope = rowMean(centered.mul(x)).mul(inverse.mul(inverse).mul(inverse).neg());
  return np.matmul(x, centeredWeight).mul(withGradientOf(inverse, slope)).add(folded);
}

/** `normThenLinear` without its gradient: in fewer operators, where there are few rows. */
export function standardThenLinear(norm: LayerNorm<Traced>, layer: Linear<Traced>, x: Traced): Traced {
  const { scaled, folded } = foldNorm(norm, layer);
  return np.matmul(rowStatistics(x).standardized, scaled).add(folded);
}

/** max(x, 0), whose derivative at 0 is 0: where a row of zeros comes in (a constant observation), none flows back. */
function relu(x: Traced): Traced {
  const positive = np.maximum(x, 0);
  return withGradientOf(positive, x.mul(np.greater(lax.stopGradient(positive), 0).astype(x.dtype)));
}

/** 1 / (1 + e⁻ˣ), with its derivative y (1 − y) from what it came to. */
function sigmoid(x: Traced): Traced {
  const y = nn.sigmoid(lax.stopGradient(x));
  return withGradientOf(y, x.mul(y.mul(np.subtract(1, y))));
}

/** tanh x, as 2σ(2x) − 1, which a compiled program has one operator for, with its derivative 1 − tanh² x. */
function tanh(x: Traced): Traced {
  const y = nn.sigmoid(lax.stopGradient(x).mul(2)).mul(2).sub(1);
  return withGradientOf(y, x.mul(np.subtract(1, y.mul(y))));
}

const activate = (activation: Activation, x: Traced): Traced => (activation === "relu" ? relu(x) : tanh(x));

/** What comes out of an MLP before its last LayerNorm, which whoever takes it folds into a linear layer, or applies. */
export interface Unnormalized {
  /** [B, hidden] */
  readonly x: Traced;
  readonly norm: LayerNorm<Traced>;
}

/**
 * LayerNorm on the input x [B, in], if there is one, then per layer Linear → activation → LayerNorm, up to the last
 * LayerNorm. At least one layer.
 */
export const mlp = (parameters: Mlp<Traced>, activation: Activation, x: Traced): Unnormalized =>
  mlpAbove(parameters, activation, normThenLinear(parameters.input, parameters.layers[0].linear, x));

/** What is above an MLP's first linear layer, which came to `first`, [B, hidden]. */
export function mlpAbove({ layers }: Mlp<Traced>, activation: Activation, first: Traced): Unnormalized {
  const [lowest, ...others] = layers;
  return others.reduce<Unnormalized>(
    (below, { linear, norm }) => ({ x: activate(activation, normThenLinear(below.norm, linear, below.x)), norm }),
    { x: activate(activation, first), norm: lowest.norm },
  );
}

/**
 * A GRU's step (Cho et al. 2014, arXiv:1406.1078, with the reset gate after the product, as cuDNN and PyTorch): from
 * x [B, in] and the state before [B, hidden] to the next. Layers are cut into their gates here, once for all steps, so that
 * no step has to cut what comes out of them.
 */
function gruStep(gru: Gru<Traced>): (x: Traced, hidden: Traced) => Traced {
  const gatesOf = ({ weight, bias }: Linear<Traced>) =>
    [0, 1, 2].map((gate) => {
      const size = weight.shape[1] / 3;
      const part: [number, number] = [gate * size, (gate + 1) * size];
      return { weight: weight.slice([], part), bias: bias.slice(part) };
    });
  const [ofInput, ofHidden] = [gatesOf(gru.input), gatesOf(gru.hidden)];
  // One product's result is what the other is added to.
  const both = [0, 1].map((k) => ({ weight: ofInput[k].weight, bias: ofInput[k].bias.add(ofHidden[k].bias) }));
  return (x, hidden) => {
    const gate = (k: number) => sigmoid(linear(both[k], x).add(np.matmul(hidden, ofHidden[k].weight)));
    const [reset, update] = [gate(0), gate(1)];
    const candidate = tanh(linear(ofInput[2], x).add(reset.mul(linear(ofHidden[2], hidden))));
    return candidate.add(update.mul(hidden.sub(candidate)));
  };
}

/**
 * How the B = blocks · length · width rows of a batch make sequences: row (k · length + l) · width + c is step l of
 * sequence (k, c). A whole rollout [T, N] in chunks of L steps is T/L blocks of width N.
 */
export interface Sequences {
  readonly blocks: number;
  readonly length: number;
  readonly width: number;
}

/**
 * A GRU over sequences.
 * @param features x [B, in], and the LayerNorm that comes before, if there is one
 * @param hidden the state before each sequence's first step, [blocks · width, hidden]
 * @param starts [B]: 1 where an episode begins, before which the state is zero
 * @returns the state after every row, [B, hidden]
 */
export function gruSequences(
  gru: Gru<Traced>,
  features: { readonly x: Traced; readonly norm?: LayerNorm<Traced> },
  hidden: Traced,
  starts: Traced,
  { blocks, length, width }: Sequences,
): Traced {
  const size = hidden.shape[1];
  const rows = blocks * width;
  const folded = features.norm && foldNorm(features.norm, gru.input);
  const x = folded ? standardize(features.x) : features.x;
  const inputs = x.reshape([blocks, length, width, x.shape[1]]);
  const keep = np.subtract(1, starts).reshape([blocks, length, width]);
  const next = gruStep(folded ? { ...gru, input: { weight: folded.scaled, bias: folded.folded } } : gru);
  const states: Traced[] = [];
  let state = hidden;
  for (let step = 0; step < length; step++) {
    const kept = state.mul(keep.slice([], step).reshape([rows, 1]));
    state = next(inputs.slice([], step).reshape([rows, x.shape[1]]), kept);
    states.push(state);
  }
  const whole =
    states.length === 1
      ? state
      : np.stack(
          states.map((s) => s.reshape([blocks, width, size])),
          1,
        );
  return whole.reshape([blocks * length * width, size]);
}
