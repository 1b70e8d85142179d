/**
 * @file Who looks at whom as data: acting over a graph that changes, and the generator that draws one in every step.
 *
 * Ruan, Du, Xiong, Xing, Li, Meng, Zhang, Wang & Xu 2022, "GCS: Graph-Based Coordination Strategy for Multi-Agent
 * Reinforcement Learning", arXiv:2201.06257. A graph of n agents is a matrix [n, n] of 0 and 1, flat: element (i, j) is 1
 * where agent i looks at agent j.
 */

import { withGradientOf } from "../compile/gradients.ts";
import { lax, nn, numpy as np, vmap } from "../compile/jax.ts";
import type { Traced } from "../compile/trace.ts";
import type { TeamSpec } from "../envs/env.ts";
import { type EncoderBlock, encoderBlock, encoderBlockParameters, gelu } from "../nn/attention.ts";
import {
  type LayerNorm,
  type Linear,
  layerNorm,
  layerNormParameters,
  linear,
  linearParameters,
  normThenLinear,
} from "../nn/layers.ts";
import { type ParameterLayout, parameterLayout } from "../nn/parameters.ts";
import type { ActorInputs, ActorModel } from "./actor.ts";
import { totalOrder } from "./dependencies.ts";
import {
  actorStep,
  type Chain,
  chainPolicy,
  type Drawn,
  dependencyMask,
  type PolicyDefinition,
  type Step,
} from "./joint.ts";
import type { PolicySettings } from "./settings.ts";

/** One number in every place: not an array of constants, whose size a policy's file could not leave open. */
export const repeated = (number: number, shape: number[]): Traced => np.broadcastTo(np.array(number), shape);

/** Everybody on everybody but themselves: [n, n] */
const offDiagonal = (agents: number): Traced => np.subtract(1, np.eye(agents));

/**
 * F from a graph that may have cycles. Agents go one by one: the next is the one to whom those who still wait mean least,
 * 1 + p for each that it looks at with probability p, and it looks at none of these. A graph without cycles always has
 * someone who waits for nobody, so it stays as it is.
 *
 * @param edges [B, n, n] of 0 and 1, zero on the diagonal
 * @param probabilities [B, n, n]
 * @returns [B, n, n]
 */
export function withoutCycles(edges: Traced, probabilities: Traced): Traced {
  const [batch, agents] = edges.shape;
  // More than any agent can wait for.
  const done = 2 * agents;
  const price = edges.mul(probabilities.add(1));
  let waiting = repeated(1, [batch, agents]);
  let kept = edges.mul(0);
  for (let turn = 0; turn < agents; turn++) {
    const cost = price.mul(waiting.reshape([batch, 1, agents])).sum(-1);
    const next = np.argmax(cost.add(np.subtract(1, waiting).mul(done)).neg(), -1).reshape([batch, 1]);
    const chosen = next.equal(np.arange(agents)).astype(edges.dtype);
    const acted = np.subtract(1, waiting).reshape([batch, 1, agents]);
    kept = kept.add(edges.mul(acted).mul(chosen.reshape([batch, agents, 1])));
    waiting = waiting.sub(chosen);
  }
  return kept;
}

/** The generator ρ(G | o): its parameters, and the logit of every edge. */
export interface GraphGenerator {
  readonly agents: number;
  readonly layout: ParameterLayout;
  /**
   * @param observations of all agents, in a row: see `paddedObservations`; [B, n, o]
   * @returns logits [B, n, n]; the diagonal means nothing
   */
  forward(parameters: unknown, observations: Traced): Traced;
  /** o: the length of the longest observation, and of the agent's one-hot id after it */
  readonly inputSize: number;
}

interface GeneratorParameters<T> {
  readonly input?: LayerNorm<T>;
  readonly embedding: Linear<T>;
  readonly embedded: LayerNorm<T>;
  readonly blocks: readonly EncoderBlock<T>[];
  /** Of the one who looks, and of the one who is looked at. */
  readonly looking: Linear<T>;
  readonly seen: Linear<T>;
  readonly edge: Linear<T>;
}

const HEAD_GAIN = 0.01;

/**
 * Every agent's observation and id → LayerNorm → Linear → GELU → LayerNorm → encoder blocks → h; the logit of i looking
 * at j is a line of relu(W h_i + U h_j).
 */
export function graphGenerator(
  team: TeamSpec,
  { hidden, graph, featureNormalization }: PolicySettings,
): GraphGenerator {
  const agents = team.agents.length;
  const inputSize = paddedSize(team);
  const layout = parameterLayout({
    ...(featureNormalization && { input: layerNormParameters(inputSize) }),
    embedding: linearParameters(inputSize, hidden, Math.SQRT2),
    embedded: layerNormParameters(hidden),
    blocks: Array.from({ length: graph.blocks }, () => encoderBlockParameters(hidden)),
    looking: linearParameters(hidden, graph.decoderHidden, 1),
    seen: linearParameters(hidden, graph.decoderHidden, 1),
    edge: linearParameters(graph.decoderHidden, 1, HEAD_GAIN),
  });
  return {
    agents,
    layout,
    inputSize,
    forward(tree, observations) {
      const parameters = tree as GeneratorParameters<Traced>;
      const [batch] = observations.shape;
      const x = observations.reshape([batch * agents, inputSize]);
      const embedded = layerNorm(parameters.embedded, gelu(normThenLinear(parameters.input, parameters.embedding, x)));
      const h = parameters.blocks.reduce(
        (below, block) => encoderBlock(block, below, { agents, heads: graph.heads }),
        embedded,
      );
      const width = graph.decoderHidden;
      const looking = linear(parameters.looking, h).reshape([batch, agents, 1, width]);
      const seen = linear(parameters.seen, h).reshape([batch, 1, agents, width]);
      // A sum, not a matrix product: pairs then lie as they are made.
      const { weight, bias } = parameters.edge;
      return nn
        .relu(looking.add(seen))
        .mul(weight.reshape([width]))
        .sum(-1)
        .add(bias);
    },
  };
}

/** o + n of `paddedObservations` */
export const paddedSize = ({ agents, observationSpaces }: TeamSpec): number =>
  Math.max(...observationSpaces.map(({ size }) => size)) + agents.length;

/** All agents' observations, shorter ones filled up with zeros, each with its agent's one-hot id: [B, n, o + n]. */
export function paddedObservations(observations: readonly Traced[]): Traced {
  const agents = observations.length;
  const longest = Math.max(...observations.map(({ shape }) => shape[1]));
  const ids = np.eye(agents);
  const padded = observations.map((own, i) => {
    const [batch, size] = own.shape;
    const id = np.broadcastTo(ids.slice(i), [batch, agents]);
    return np.concatenate(size < longest ? [own, repeated(0, [batch, longest - size]), id] : [own, id], 1);
  });
  return np.stack(padded, 1);
}

/** log σ(x) = min(x, 0) − log(1 + exp(−|x|)), finite for every x, with its derivative σ(−x). */
function logSigmoid(x: Traced): Traced {
  const fixed = lax.stopGradient(x);
  const value = np.minimum(fixed, 0).sub(np.log(np.exp(np.abs(fixed).neg()).add(1)));
  return withGradientOf(value, x.mul(nn.sigmoid(fixed.neg())));
}

/** log ρ(edges) [B], of edges [B, n, n] of 0 and 1: a sum over pairs. */
export function edgesLogProb(logits: Traced, edges: Traced): Traced {
  // log σ(l) where there is an edge, log σ(−l) where there is none.
  const signed = logits.mul(edges.mul(2).sub(1));
  return logSigmoid(signed).mul(offDiagonal(edges.shape[1])).sum([-1, -2]);
}

/** Mean entropy [B] of the pairs. */
export function edgesEntropy(logits: Traced): Traced {
  const agents = logits.shape[1];
  const p = nn.sigmoid(logits);
  const entropy = p
    .mul(logSigmoid(logits))
    .add(np.subtract(1, p).mul(logSigmoid(logits.neg())))
    .neg();
  return entropy
    .mul(offDiagonal(agents))
    .sum([-1, -2])
    .div(Math.max(1, agents * (agents - 1)));
}

/**
 * h(P) = tr((I + P∘P/n)ⁿ) − n [B], which is zero where the probabilities P [B, n, n] have no cycle, and only there (Yu,
 * Chen, Gao & Yu 2019, "DAG-GNN", arXiv:1904.10098, after NOTEARS, Zheng et al. 2018).
 */
export function cyclicity(logits: Traced): Traced {
  const agents = logits.shape[1];
  const p = nn.sigmoid(logits).mul(offDiagonal(agents));
  const step = p.mul(p).div(agents).add(np.eye(agents));
  if (agents === 1) return p.sum([-1, -2]);
  const power = (exponent: number) => {
    let product = step;
    for (let k = 1; k < exponent; k++) product = np.matmul(product, step);
    return product;
  };
  // tr(A B) = Σ A ∘ Bᵀ: half the power twice, and no product for the whole.
  const half = Math.floor(agents / 2);
  const rest = power(agents - half).transpose([0, 2, 1]);
  return power(half).mul(rest).sum([-1, -2]).sub(agents);
}

/** [n, D]: row j is 1 where an element of all action vectors side by side is agent j's. */
const ownElements = (team: TeamSpec): Traced =>
  np.stack(team.agents.map((_, agent) => np.array(dependencyMask(team, [agent]))));

/** By agent: 1 at the actions that it looks at, [B, D], of F [B, n, n]. */
function seenElements(team: TeamSpec, predecessors: Traced): Traced[] {
  const own = ownElements(team);
  return team.agents.map((_, agent) => np.matmul(predecessors.slice([], agent), own));
}

/**
 * Every agent's action, where F is data. All act at once, again and again, each time seeing what those they look at did
 * the time before. Who looks at nobody is right the first time, who looks at them the second; after n times everybody
 * is, in any graph without cycles.
 *
 * @param predecessors F: [N, n, n], or [1, n, n] for all environments
 */
function drawOverGraph(
  { team, models, networkOf }: Pick<Chain, "team" | "models" | "networkOf">,
  parameters: readonly Traced[],
  predecessors: Traced,
  step: Step<Traced>,
  numEnvs: number,
): Drawn {
  const groups = [...new Set(models)].map((model) => alike(model, { team, models, networkOf }, parameters, step));
  const masks = seenElements(team, predecessors).map((mask) => np.broadcastTo(mask, [numEnvs, mask.shape[1]]));
  let actions = models.map(({ actionSize }) => repeated(0, [numEnvs, actionSize]));
  const logProbs: Traced[] = [];
  const hidden: Record<string, Traced> = {};
  for (let time = 0; time < models.length; time++) {
    const seen = np.concatenate(actions, 1);
    const next: Traced[] = [];
    for (const { members, draw } of groups) {
      const drawn = draw(seen, np.stack(members.map((agent) => masks[agent])));
      members.forEach((agent, k) => {
        next[agent] = drawn.action.slice(k);
        logProbs[agent] = drawn.logProb.slice(k);
        if (drawn.hidden) hidden[agent] = drawn.hidden.slice(k);
      });
    }
    actions = next;
  }
  return { actions, logProbs, hidden };
}

/** What agents of one shape draw, side by side: [m, N, …]. */
interface DrawnAlike {
  readonly action: Traced;
  readonly logProb: Traced;
  readonly hidden?: Traced;
}

/**
 * The agents whose policies have the shape of `model`, to be run as one batch, whether they share a network or not.
 * `draw` takes all action vectors side by side, [N, D], and which of them each agent sees, [m, N, D].
 */
function alike(
  model: ActorModel,
  { team, models, networkOf }: Pick<Chain, "team" | "models" | "networkOf">,
  parameters: readonly Traced[],
  step: Step<Traced>,
): { readonly members: readonly number[]; draw(seen: Traced, masks: Traced): DrawnAlike } {
  const members = models.flatMap((own, agent) => (own === model ? [agent] : []));
  const networks = members.map((agent) => networkOf[agent]);
  const shared = networks.every((network) => network === networks[0]);
  const theta = shared ? parameters[networks[0]] : np.stack(networks.map((network) => parameters[network]));
  const { episodeStarts } = actorStep(model, members[0], team, step);
  const inputs = members.map((agent) => {
    const { episodeStarts: _, ...own } = actorStep(model, agent, team, step);
    return { ...own, noise: step.noise[agent] } as unknown as Readonly<Record<string, Traced>>;
  });
  const stacked = Object.fromEntries(
    Object.keys(inputs[0]).map((name) => [name, np.stack(inputs.map((own) => own[name]))]),
  );
  const drawOne = (vector: Traced, own: Readonly<Record<string, Traced>>, seen: Traced, mask: Traced) => {
    const { noise, ...rest } = own;
    const looking = { ...rest, episodeStarts, ...(model.conditioned && { jointActions: seen, dependencyMask: mask }) };
    const sequences = { blocks: 1, length: 1, width: noise.shape[0] };
    const tree = model.layout.unravel(vector);
    const { distribution, hidden } = model.forward(tree, looking as unknown as ActorInputs, sequences, "acting");
    return { ...distribution.draw(noise), ...(hidden && { hidden }) };
  };
  const drawAll = vmap(drawOne as never, [shared ? null : 0, 0, null, 0]) as unknown as (
    ...inputs: Parameters<typeof drawOne>
  ) => DrawnAlike;
  return { members, draw: (seen, masks) => drawAll(theta, stacked, seen, masks) };
}

/** The agents from those who look at few to those who look at many, in graphs [B, n · n]. */
export function byPredecessors(graphs: Float32Array, agents: number): number[] {
  const looks = new Float64Array(agents);
  for (let k = 0; k < graphs.length; k++) looks[Math.floor(k / agents) % agents] += graphs[k];
  return Array.from(looks.keys()).sort((i, j) => looks[i] - looks[j] || i - j);
}

const definitionOf = ({ team, models, thetas }: Pick<Chain, "team" | "models" | "thetas">) => ({
  team,
  order: team.agents.map((_, agent) => agent),
  hiddenSizes: models.map(({ hiddenSize }: ActorModel) => hiddenSize),
  thetas,
});

/**
 * A team that acts in an order which changes now and then, each agent looking at all before it.
 * @param predecessors F, live: [n · n]
 */
export function orderedPolicy(chain: Omit<Chain, "dependencies">, predecessors: Float32Array): PolicyDefinition {
  const agents = chain.models.length;
  return {
    ...definitionOf({ ...chain, thetas: [...chain.thetas, predecessors] }),
    drawsGraph: false,
    frozen: () => chainPolicy({ ...chain, dependencies: totalOrder(byPredecessors(predecessors, agents)) }),
    draw: (thetas, step, numEnvs) =>
      drawOverGraph(chain, thetas, thetas[chain.thetas.length].reshape([1, agents, agents]), step, numEnvs),
  };
}

/**
 * A team that draws, in every step, who looks at whom.
 * @param theta the generator's parameters, live
 */
export function generatedPolicy(
  chain: Omit<Chain, "dependencies">,
  generator: GraphGenerator,
  theta: Float32Array,
): PolicyDefinition {
  const agents = chain.models.length;
  return {
    ...definitionOf({ ...chain, thetas: [...chain.thetas, theta] }),
    drawsGraph: true,
    draw(thetas, step, numEnvs) {
      const parameters = generator.layout.unravel(thetas[chain.thetas.length]);
      const logits = generator.forward(parameters, paddedObservations(step.observations));
      const noise = step.graph.noise.reshape([numEnvs, agents, agents, 2]);
      // Each edge is a choice between absent (logit 0) and present, by Gumbel-max.
      const drawn = np.greater(logits.add(noise.slice([], [], [], 1)), noise.slice([], [], [], 0));
      const edges = drawn.astype(logits.dtype).mul(offDiagonal(agents));
      const predecessors = withoutCycles(edges, nn.sigmoid(logits));
      const flat = (x: Traced) => x.reshape([numEnvs, agents * agents]);
      return {
        ...drawOverGraph(chain, thetas, predecessors, step, numEnvs),
        graph: { edges: flat(edges), predecessors: flat(predecessors), logProb: edgesLogProb(logits, edges) },
      };
    },
  };
}
