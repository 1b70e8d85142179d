/**
 * @file A team as a transformer: an encoder of what all agents observe, which also says what that is worth, and a decoder
 * that goes from one agent's action to the next one's.
 *
 * Wen, Kuba, Lin, Zhang, Wen, Wang & Yang 2022, "Multi-Agent Reinforcement Learning is a Sequence Modeling Problem",
 * arXiv:2205.14953, figure 2; sizes and gains as in the authors' code.
 */

import { numpy as np } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import type { Tree } from "../compile/tree.ts";
import type { TeamSpec } from "../envs/env.ts";
import { vectorSize } from "../envs/spaces.ts";
import { InputError } from "../errors.ts";
import {
  type DecoderBlock,
  type DecoderMemory,
  decoderBlock,
  decoderBlockParameters,
  type EncoderBlock,
  encoderBlock,
  encoderBlockParameters,
  gelu,
  nextInDecoderBlock,
} from "../nn/attention.ts";
import { boundedStd, categorical, type Distribution, diagonalGaussian } from "../nn/distributions.ts";
import { constant, orthogonal } from "../nn/initializers.ts";
import {
  type Gru,
  gruParameters,
  gruSequences,
  type LayerNorm,
  type Linear,
  layerNorm,
  layerNormParameters,
  linear,
  linearParameters,
  normThenLinear,
  type Sequences,
} from "../nn/layers.ts";
import { Parameter, type ParameterLayout, parameterLayout } from "../nn/parameters.ts";
import { paddedObservations, paddedSize, repeated } from "./graph.ts";
import type { PolicyDefinition } from "./joint.ts";
import type { PolicySettings } from "./settings.ts";

/** LayerNorm, if there is one → Linear → GELU. */
type Embedding<T> = { readonly norm?: LayerNorm<T>; readonly linear: Linear<T> };

/** Linear → GELU → LayerNorm → Linear. */
type Head<T> = { readonly inner: Linear<T>; readonly norm: LayerNorm<T>; readonly outer: Linear<T> };

interface Encoder<T> {
  readonly embedding: Embedding<T>;
  readonly gru?: Gru<T>;
  readonly norm: LayerNorm<T>;
  readonly blocks: readonly EncoderBlock<T>[];
  readonly head: Head<T>;
}

interface Decoder<T> {
  /** Of the action before; of choices, with an element for "nobody acted yet" and no bias. */
  readonly embedding: { readonly weight: T; readonly bias?: T };
  readonly norm: LayerNorm<T>;
  readonly blocks: readonly DecoderBlock<T>[];
  readonly head: Head<T>;
}

/** An agent on its own, which sees its observation only. */
interface Actor<T> {
  readonly layers: readonly Embedding<T>[];
  readonly gru?: Gru<T>;
  readonly norm: LayerNorm<T>;
  readonly head: Linear<T>;
}

interface TransformerParameters<T> {
  readonly encoder: Encoder<T>;
  readonly decoder?: Decoder<T>;
  /** MAT-Dec: one for each agent, or one for all. */
  readonly actors?: readonly Actor<T>[];
  /** ρ of the standard deviation of each action dimension */
  readonly rho?: T;
}

const HIDDEN_GAIN = Math.SQRT2;
const HEAD_GAIN = 0.01;

const embeddingParameters = (inputs: number, size: number, normalized = true): Embedding<Parameter> => ({
  ...(normalized && { norm: layerNormParameters(inputs) }),
  linear: linearParameters(inputs, size, HIDDEN_GAIN),
});

const embed = ({ norm, linear: layer }: Embedding<Traced>, x: Traced): Traced => gelu(normThenLinear(norm, layer, x));

const headParameters = (size: number, outputs: number): Head<Parameter> => ({
  inner: linearParameters(size, size, HIDDEN_GAIN),
  norm: layerNormParameters(size),
  outer: linearParameters(size, outputs, HEAD_GAIN),
});

const applyHead = ({ inner, norm, outer }: Head<Traced>, x: Traced): Traced =>
  normThenLinear(norm, outer, gelu(linear(inner, x)));

/** `applyHead` without a gradient: the same function, in fewer operators. */
const applyHeadActing = ({ inner, norm, outer }: Head<Traced>, x: Traced): Traced =>
  linear(outer, layerNorm(norm, gelu(linear(inner, x))));

/** What a team of transformers sees, by agent; one sample per row. */
export interface TransformerInputs {
  /** [B, o_i] */
  readonly observations: readonly Traced[];
  /** [B, A_i]; absent where all is available */
  readonly actionMasks: Readonly<Record<string, Traced>>;
  /** [blocks · width, H], before each sequence; absent without memory */
  readonly hidden: Readonly<Record<string, Traced>>;
  /** [B]; absent with `hidden` */
  readonly episodeStarts?: Traced | undefined;
}

/** What the encoder makes of it. */
export interface Encoded {
  /** [B, n, E] */
  readonly representations: Traced;
  /** Normalised, [B, n] */
  readonly values: Traced;
  /** The state of the memory after every row, by agent: [B, H]; empty without one */
  readonly hidden: readonly Traced[];
}

/** What was done, looked back at. */
export interface Evaluated {
  /** log π_i(a_i | …), [B, n] */
  readonly logProbs: Traced;
  /** [B, n], or [n] or [] where rows, or agents too, have the same */
  readonly entropies: Traced;
}

/** A team as a transformer. Agents are in the order in which they act wherever they stand in a row. */
export interface Transformer {
  readonly team: TeamSpec;
  /** σ */
  readonly order: readonly number[];
  /** H, 0 without memory */
  readonly hiddenSize: number;
  readonly layout: ParameterLayout;
  encode(parameters: Tree<Traced>, inputs: TransformerInputs, sequences: Sequences): Encoded;
  /**
   * How likely what was done is, of all agents at once: each is told what those before it did (teacher forcing).
   * @param actions in order, [B, d_i] each
   */
  evaluate(
    parameters: Tree<Traced>,
    inputs: TransformerInputs,
    encoded: Encoded,
    actions: readonly Traced[],
    sequences: Sequences,
  ): Evaluated;
  /**
   * What agents may do, one after the other.
   * @param choose called in order; gives what the agent does, [B, d_i]
   */
  act(
    parameters: Tree<Traced>,
    inputs: TransformerInputs,
    encoded: Encoded,
    sequences: Sequences,
    choose: (agent: number, distribution: Distribution) => Traced,
  ): void;
}

export interface TransformerSettings {
  readonly blocks: number;
  readonly heads: number;
  /** MAT-Dec: agents act at once, each on its own observation; the encoder gives values only. */
  readonly decentralized: boolean;
}

/**
 * @throws InputError where the agents of a team can't be tokens of one sequence
 */
export function transformer(
  team: TeamSpec,
  policy: PolicySettings,
  { blocks, heads, decentralized }: TransformerSettings,
  order: readonly number[],
): Transformer {
  const { hidden: size, recurrent, share, layers, featureNormalization, stdX, stdY, stdRho, temperature } = policy;
  if (size % heads !== 0) throw new InputError(`algorithm.heads is ${heads}, must divide policy.hidden, ${size}`);
  const agents = team.agents.length;
  const [{ kind }] = team.actionSpaces;
  const odd = team.actionSpaces.findIndex((space) => space.kind !== kind);
  if (odd > 0) {
    throw new InputError(
      `${team.agents[0]} has a ${kind} action space, ${team.agents[odd]} a ${team.actionSpaces[odd].kind} one; ` +
        "agents of one transformer need actions of one kind",
    );
  }
  const discrete = kind === "discrete";
  const actionSizes = team.actionSpaces.map(vectorSize);
  const largest = Math.max(...actionSizes);
  const inputSize = paddedSize(team);
  const repeat = <T>(count: number, make: () => T): readonly T[] => Array.from({ length: count }, make);
  const observed = () => embeddingParameters(inputSize, size, featureNormalization);
  const memory = () => recurrent && { gru: gruParameters(size, size) };
  const decoder = () => ({
    embedding: discrete
      ? { weight: new Parameter([largest + 1, size], orthogonal(HIDDEN_GAIN)) }
      : linearParameters(largest, size, HIDDEN_GAIN),
    norm: layerNormParameters(size),
    blocks: repeat(blocks, () => decoderBlockParameters(size)),
    head: headParameters(size, largest),
  });
  const actor = () => ({
    layers: Array.from({ length: layers }, (_, k) => (k === 0 ? observed() : embeddingParameters(size, size))),
    ...memory(),
    norm: layerNormParameters(size),
    head: linearParameters(size, largest, HEAD_GAIN),
  });
  const layout = parameterLayout({
    encoder: {
      embedding: observed(),
      ...memory(),
      norm: layerNormParameters(size),
      blocks: repeat(blocks, () => encoderBlockParameters(size)),
      head: headParameters(size, 1),
    },
    ...(decentralized ? { actors: repeat(share ? 1 : agents, actor) } : { decoder: decoder() }),
    ...(!discrete && { rho: new Parameter([largest], constant(stdRho)) }),
  } as Tree<Parameter>);
  // MAT-Dec has a memory for what is worth what, and one for acting.
  const memories = recurrent ? (decentralized ? 2 : 1) : 0;

  /** [B, n, o], agents in order */
  const tokens = (observations: readonly Traced[]): Traced =>
    paddedObservations(order.map((agent) => observations[agent]));

  /** The encoder's memory over sequences: [B · n, E] → [B · n, E]. */
  function remember(gru: Gru<Traced>, x: Traced, inputs: TransformerInputs, sequences: Sequences): Traced {
    const before = order.map((agent) => inputs.hidden[agent].slice([], [0, size]));
    const rows = x.shape[0] / agents;
    const starts = np.broadcastTo(inputs.episodeStarts!.reshape([rows, 1]), [rows, agents]).reshape([-1]);
    const side = { ...sequences, width: sequences.width * agents };
    return gruSequences(gru, { x }, np.stack(before, 1).reshape([-1, size]), starts, side);
  }

  /** What each actor of a decentralised team makes of its observation, in order: [B, E]. */
  function trunks(actors: readonly Actor<Traced>[], inputs: TransformerInputs, sequences: Sequences): Traced[] {
    const all = tokens(inputs.observations);
    return order.map((agent, k) => {
      const { layers: own, gru } = actorOf(actors, agent);
      const x = own.reduce((below, layer) => embed(layer, below), all.slice([], k));
      if (!gru) return x;
      const hidden = inputs.hidden[agent].slice([], [size, 2 * size]);
      return gruSequences(gru, { x }, hidden, inputs.episodeStarts!, sequences);
    });
  }
  const actorOf = (actors: readonly Actor<Traced>[], agent: number) => actors[share ? 0 : agent];

  /** A vector per agent of the team, filled up with zeros to the longest: [B, largest]. */
  const filledUp = (x: Traced): Traced =>
    x.shape[1] < largest ? np.concatenate([x, repeated(0, [x.shape[0], largest - x.shape[1]])], 1) : x;

  /** 1 where an agent's vector has an element, 0 where it is filled up, [n, largest]; undefined: all have all. */
  const elements = (): Traced | undefined =>
    actionSizes.every((own) => own === largest)
      ? undefined
      : np.array(order.map((agent) => Array.from({ length: largest }, (_, k) => Number(k < actionSizes[agent]))));

  /** What was done, looked back at with what the heads say, [B, n, largest]. */
  function evaluated(
    outputs: Traced,
    rho: Traced | undefined,
    actionMasks: TransformerInputs["actionMasks"],
    actions: readonly Traced[],
  ): Evaluated {
    const masks = order.flatMap((agent) => actionMasks[agent] ?? []);
    const available = masks.length > 0 ? np.stack(masks.map(filledUp), 1) : elements();
    const distribution = rho
      ? diagonalGaussian(outputs, boundedStd(rho, stdX, stdY), elements())
      : categorical(outputs, available, temperature);
    return {
      logProbs: distribution.logProb(np.stack(actions.map(filledUp), 1)),
      entropies: distribution.entropy(),
    };
  }

  function distribution(agent: number, output: Traced, rho: Traced | undefined, mask: Traced | undefined) {
    const own = actionSizes[agent];
    const cut = (x: Traced) => (own === largest ? x : x.ndim === 1 ? x.slice([0, own]) : x.slice([], [0, own]));
    return rho
      ? diagonalGaussian(cut(output), boundedStd(cut(rho), stdX, stdY))
      : categorical(cut(output), mask, temperature);
  }

  /** What an action is to the agent after it: filled up to the longest; of choices, with a place for the start. */
  const actionToken = (action: Traced): Traced =>
    discrete ? np.concatenate([repeated(0, [action.shape[0], 1]), filledUp(action)], 1) : filledUp(action);

  /** What stands before the first action. */
  const startToken = (batch: number): Traced =>
    discrete
      ? np.concatenate([repeated(1, [batch, 1]), repeated(0, [batch, largest])], 1)
      : repeated(0, [batch, largest]);

  function embedAction({ embedding, norm }: Decoder<Traced>, token: Traced): Traced {
    const product = np.matmul(token, embedding.weight);
    return layerNorm(norm, gelu(embedding.bias ? product.add(embedding.bias) : product));
  }

  /** What the heads of a decentralised team say, in order: [B, largest] each. */
  const decentralizedOutputs = (actors: readonly Actor<Traced>[], inputs: TransformerInputs, sequences: Sequences) =>
    trunks(actors, inputs, sequences).map((x, k) => {
      const { norm, head } = actorOf(actors, order[k]);
      return normThenLinear(norm, head, x);
    });

  return {
    team,
    order,
    hiddenSize: memories * size,
    layout,
    encode(tree, inputs, sequences) {
      const parameters = tree as unknown as TransformerParameters<Traced>;
      const { embedding, gru, norm, blocks: layers, head } = parameters.encoder;
      const all = tokens(inputs.observations);
      const [batch] = all.shape;
      const embedded = embed(embedding, all.reshape([batch * agents, inputSize]));
      const known = gru ? remember(gru, embedded, inputs, sequences) : embedded;
      const x = layers.reduce((below, block) => encoderBlock(block, below, { heads, agents }), layerNorm(norm, known));
      const states = known.reshape([batch, agents, size]);
      const acting = gru && parameters.actors && trunks(parameters.actors, inputs, sequences);
      const hidden: Traced[] = [];
      order.forEach((agent, k) => {
        if (!gru) return;
        const own = states.slice([], k);
        hidden[agent] = acting ? np.concatenate([own, acting[k]], 1) : own;
      });
      return {
        representations: x.reshape([batch, agents, size]),
        values: applyHead(head, x).reshape([batch, agents]),
        hidden,
      };
    },
    evaluate(tree, inputs, { representations }, actions, sequences) {
      const { actors, decoder, rho } = tree as unknown as TransformerParameters<Traced>;
      if (!decoder) {
        const outputs = np.stack(decentralizedOutputs(actors!, inputs, sequences), 1);
        return evaluated(outputs, rho, inputs.actionMasks, actions);
      }
      const [batch] = representations.shape;
      const before = np.stack([startToken(batch), ...actions.slice(0, -1).map(actionToken)], 1);
      const encoded = representations.reshape([batch * agents, size]);
      const x = decoder.blocks.reduce(
        (below, block) => decoderBlock(block, below, encoded, { heads, agents }),
        embedAction(decoder, before.reshape([batch * agents, before.shape[2]])),
      );
      const outputs = applyHead(decoder.head, x).reshape([batch, agents, largest]);
      return evaluated(outputs, rho, inputs.actionMasks, actions);
    },
    act(tree, inputs, { representations }, sequences, choose) {
      const { actors, decoder, rho } = tree as unknown as TransformerParameters<Traced>;
      if (!decoder) {
        decentralizedOutputs(actors!, inputs, sequences).forEach((output, k) => {
          choose(order[k], distribution(order[k], output, rho, inputs.actionMasks[order[k]]));
        });
        return;
      }
      const memories: (DecoderMemory | undefined)[] = decoder.blocks.map(() => undefined);
      let token = startToken(representations.shape[0]);
      order.forEach((agent, k) => {
        const encoded = representations.slice([], k);
        const x = decoder.blocks.reduce(
          (below, block, level) => {
            const next = nextInDecoderBlock(block, below, encoded, heads, memories[level]);
            memories[level] = next.memory;
            return next.x;
          },
          embedAction(decoder, token),
        );
        const output = applyHeadActing(decoder.head, x);
        token = actionToken(choose(agent, distribution(agent, output, rho, inputs.actionMasks[agent])));
      });
    },
  };
}

/**
 * A team that acts as a transformer does, agent by agent in one program.
 * @param theta its parameters, live
 */
export function transformerPolicy(model: Transformer, theta: Float32Array): PolicyDefinition {
  const { team, order, hiddenSize, layout } = model;
  return {
    team,
    order,
    hiddenSizes: team.agents.map(() => hiddenSize),
    drawsGraph: false,
    thetas: [theta],
    draw([vector], step, numEnvs) {
      const parameters = layout.unravel(vector);
      const inputs = { ...step, episodeStarts: step.episodeStarts.all };
      const sequences = { blocks: 1, length: 1, width: numEnvs };
      const encoded = model.encode(parameters, inputs, sequences);
      const actions: Traced[] = [];
      const logProbs: Traced[] = [];
      model.act(parameters, inputs, encoded, sequences, (agent, distribution) => {
        const { action, logProb } = distribution.draw(step.noise[agent]);
        actions[agent] = action;
        logProbs[agent] = logProb;
        return action;
      });
      const hidden = Object.fromEntries(encoded.hidden.map((state, agent) => [agent, state]));
      return { actions, logProbs, hidden };
    },
  };
}
