/**
 * @file Attention among the agents of a team, and blocks of it (Vaswani et al. 2017, arXiv:1706.03762).
 *
 * A batch of B teams of n agents is B · n rows, those of one team next to each other: row b · n + i is agent i.
 */

import { nn, numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import { type LayerNorm, type Linear, layerNorm, layerNormParameters, linear, linearParameters } from "./layers.ts";
import type { Parameter } from "./parameters.ts";

/** Projections of multi-head attention, each [size, size]. */
export type Attention<T> = {
  readonly query: Linear<T>;
  readonly key: Linear<T>;
  readonly value: Linear<T>;
  readonly output: Linear<T>;
};

/** Gains of the blocks' layers, as in MAT's code: small, so that a block starts as little more than its skip. */
const SMALL_GAIN = 0.01;
const HIDDEN_GAIN = Math.SQRT2;

export function attentionParameters(size: number): Attention<Parameter> {
  const projection = () => linearParameters(size, size, SMALL_GAIN);
  return { query: projection(), key: projection(), value: projection(), output: projection() };
}

/** Logit of what must not be looked at: its weight is zero in float32. */
const HIDDEN_LOGIT = -1e9;

/**
 * softmax(Q Kᵀ / √d) V in `heads` parts of the width, and a projection.
 * @param query [B · n, E]: those who look
 * @param seen [B · n, E]: those who are looked at
 * @param causal whether agent i sees agents 0 … i only
 */
export function attention(
  parameters: Attention<Traced>,
  query: Traced,
  seen: Traced,
  { agents, heads, causal }: { readonly agents: number; readonly heads: number; readonly causal: boolean },
): Traced {
  const [rows, size] = query.shape;
  const batch = rows / agents;
  const split = (x: Traced): Traced => x.reshape([batch, agents, heads, size / heads]).transpose([0, 2, 1, 3]);
  const [q, k, v] = [linear(parameters.query, query), linear(parameters.key, seen), linear(parameters.value, seen)].map(
    split,
  );
  const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(size / heads));
  const weights = nn.softmax(causal ? scores.add(later(agents)) : scores, -1);
  return linear(parameters.output, np.matmul(weights, v).transpose([0, 2, 1, 3]).reshape([rows, size]));
}

/** [n, n]: 0 where the column is no later than the row. */
const later = (agents: number): Traced =>
  np
    .array(
      Float32Array.from({ length: agents * agents }, (_, k) =>
        k % agents > Math.floor(k / agents) ? HIDDEN_LOGIT : 0,
      ),
    )
    .reshape([agents, agents]);

/** x Φ(x), Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export const gelu = (x: Traced): Traced => nn.gelu(x, { approximate: false });

/** Linear → GELU → Linear. */
type FeedForward<T> = { readonly inner: Linear<T>; readonly outer: Linear<T> };

const feedForwardParameters = (size: number): FeedForward<Parameter> => ({
  inner: linearParameters(size, size, HIDDEN_GAIN),
  outer: linearParameters(size, size, SMALL_GAIN),
});

const feedForward = ({ inner, outer }: FeedForward<Traced>, x: Traced): Traced => linear(outer, gelu(linear(inner, x)));

export type EncoderBlock<T> = {
  readonly attention: Attention<T>;
  readonly attended: LayerNorm<T>;
  readonly feedForward: FeedForward<T>;
  readonly fed: LayerNorm<T>;
};

export const encoderBlockParameters = (size: number): EncoderBlock<Parameter> => ({
  attention: attentionParameters(size),
  attended: layerNormParameters(size),
  feedForward: feedForwardParameters(size),
  fed: layerNormParameters(size),
});

/** How a batch of teams is laid out, and into how many heads attention is split. */
export interface TeamShape {
  readonly agents: number;
  readonly heads: number;
}

/** x ← LayerNorm(x + attention of all to all), x ← LayerNorm(x + MLP(x)). */
export function encoderBlock(block: EncoderBlock<Traced>, x: Traced, team: TeamShape): Traced {
  const attended = layerNorm(block.attended, x.add(attention(block.attention, x, x, { ...team, causal: false })));
  return layerNorm(block.fed, attended.add(feedForward(block.feedForward, attended)));
}

export type DecoderBlock<T> = EncoderBlock<T> & {
  readonly cross: Attention<T>;
  readonly crossed: LayerNorm<T>;
};

export const decoderBlockParameters = (size: number): DecoderBlock<Parameter> => ({
  ...encoderBlockParameters(size),
  cross: attentionParameters(size),
  crossed: layerNormParameters(size),
});

/**
 * x ← LayerNorm(x + attention to those before), x ← LayerNorm(encoded + attention of what is encoded to x, of those
 * before), x ← LayerNorm(x + MLP(x)).
 */
export function decoderBlock(block: DecoderBlock<Traced>, x: Traced, encoded: Traced, team: TeamShape): Traced {
  const causal = { ...team, causal: true };
  const attended = layerNorm(block.attended, x.add(attention(block.attention, x, x, causal)));
  const crossed = layerNorm(block.crossed, encoded.add(attention(block.cross, encoded, attended, causal)));
  return layerNorm(block.fed, crossed.add(feedForward(block.feedForward, crossed)));
}
