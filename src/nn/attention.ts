/**
 * @file Attention among the agents of a team, and blocks of it (Vaswani et al. 2017, arXiv:1706.03762).
 *
 * A batch of B teams of n agents is B · n rows, those of one team next to each other: row b · n + i is agent i.
 */

import { withGradientOf } from "../compile/gradients.ts";
import { lax, nn, numpy as np } from "../compile/jax.ts";
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

/** How attention is split, and whether the j-th to look sees the first j only. */
interface AttentionShape {
  readonly heads: number;
  readonly causal: boolean;
}

/** softmax(Q Kᵀ / √d) V of queries [B, m, E], keys and values [B, n, E], in `heads` parts of the width: [B, m, E]. */
function attend(queries: Traced, keys: Traced, values: Traced, { heads, causal }: AttentionShape): Traced {
  const [batch, looking, size] = queries.shape;
  const seen = keys.shape[1];
  // Whoever sees one only sees all of it.
  if (seen === 1) return np.broadcastTo(values, [batch, looking, size]);
  const split = (x: Traced): Traced =>
    heads === 1 ? x : x.reshape([batch, x.shape[1], heads, size / heads]).transpose([0, 2, 1, 3]);
  const [q, k, v] = [queries, keys, values].map(split);
  const scores = np.matmul(q, k.transpose(heads === 1 ? [0, 2, 1] : [0, 1, 3, 2])).mul(1 / Math.sqrt(size / heads));
  const attended = np.matmul(nn.softmax(causal ? scores.add(later(seen)) : scores, -1), v);
  return heads === 1 ? attended : attended.transpose([0, 2, 1, 3]).reshape([batch, looking, size]);
}

/**
 * Attention of all to all, or to those before, and a projection.
 * @param query [B · n, E]: those who look
 * @param seen [B · n, E]: those who are looked at
 * @param causal whether agent i sees agents 0 … i only
 */
function attention(
  parameters: Attention<Traced>,
  query: Traced,
  seen: Traced,
  { agents, ...shape }: AttentionShape & { readonly agents: number },
): Traced {
  const [rows, size] = query.shape;
  const byTeam = (x: Traced): Traced => x.reshape([rows / agents, agents, size]);
  const [q, k, v] = [linear(parameters.query, query), linear(parameters.key, seen), linear(parameters.value, seen)];
  return linear(parameters.output, attend(byTeam(q), byTeam(k), byTeam(v), shape).reshape([rows, size]));
}

/** What those have left who were looked at: [B, j, E] each, of the first j agents. */
interface Memory {
  readonly keys: Traced;
  readonly values: Traced;
}

/**
 * Attention of one agent to those before it, who are remembered, and to `seen` itself.
 * @param query [B, E]
 * @param seen [B, E]
 */
function nextAttention(
  parameters: Attention<Traced>,
  query: Traced,
  seen: Traced,
  heads: number,
  memory: Memory | undefined,
): { readonly attended: Traced; readonly memory: Memory } {
  const [batch, size] = query.shape;
  const alone = (x: Traced): Traced => x.reshape([batch, 1, size]);
  const join = (before: Traced | undefined, x: Traced) =>
    before ? np.concatenate([before, alone(x)], 1) : alone(np.broadcastTo(x, [batch, size]));
  const keys = join(memory?.keys, linear(parameters.key, seen));
  const values = join(memory?.values, linear(parameters.value, seen));
  const found = attend(alone(linear(parameters.query, query)), keys, values, { heads, causal: false });
  return { attended: linear(parameters.output, found.reshape([batch, size])), memory: { keys, values } };
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

/** x Φ(x), Hendrycks & Gimpel 2016, arXiv:1606.08415; with its derivative, Φ(x) + x φ(x), in closed form. */
export function gelu(x: Traced): Traced {
  const fixed = lax.stopGradient(x);
  const u = fixed.mul(Math.SQRT1_2);
  const probability = lax.erf(u).mul(0.5).add(0.5);
  const density = np.exp(np.subtract(-0.5 * Math.log(2 * Math.PI), u.mul(u)));
  return withGradientOf(fixed.mul(probability), x.mul(probability.add(fixed.mul(density))));
}

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

/** What a decoder block remembers of those who acted. */
export interface DecoderMemory {
  readonly attended: Memory;
  readonly crossed: Memory;
}

/**
 * `decoderBlock` of the agent that is next to act, where those before have left a memory: nothing of theirs is computed
 * again.
 * @param x [B, E]: of the agent alone
 * @param encoded [B, E], likewise
 */
export function nextInDecoderBlock(
  block: DecoderBlock<Traced>,
  x: Traced,
  encoded: Traced,
  heads: number,
  memory: DecoderMemory | undefined,
): { readonly x: Traced; readonly memory: DecoderMemory } {
  const self = nextAttention(block.attention, x, x, heads, memory?.attended);
  const attended = layerNorm(block.attended, x.add(self.attended));
  const cross = nextAttention(block.cross, encoded, attended, heads, memory?.crossed);
  const crossed = layerNorm(block.crossed, encoded.add(cross.attended));
  return {
    x: layerNorm(block.fed, crossed.add(feedForward(block.feedForward, crossed))),
    memory: { attended: self.memory, crossed: cross.memory },
  };
}
