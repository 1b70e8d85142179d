/**
 * @file How the generator of graphs learns: the graph that a step draws is an action of the team, and pays like one.
 *
 * Ruan et al. 2022, "GCS: Graph-Based Coordination Strategy for Multi-Agent Reinforcement Learning", arXiv:2201.06257:
 * ∇φ E[∇ log ρ_φ(G | o) Â] under a constraint that keeps cycles away. Here the ratio of ρ is clipped as PPO clips a
 * policy's, since a rollout is walked several times.
 */

import { type ArraySpec, float32, type Traced } from "../compile/index.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import type { TeamSpec } from "../envs/env.ts";
import { InputError } from "../errors.ts";
import type { Sequences } from "../nn/layers.ts";
import { cyclicity, edgesEntropy, edgesLogProb, type GraphGenerator, paddedObservations } from "../policy/graph.ts";
import type { PolicySettings } from "../policy/settings.ts";
import { normalizeAdvantages } from "../rollout/advantages.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import type { LearnerOptions } from "./algorithm.ts";
import type { SampleLoss } from "./gradient.ts";
import { rowCount, type Samples } from "./minibatch.ts";
import { checkFinite, createNetwork, networkState } from "./network.ts";
import type { CommonSettings } from "./settings.ts";
import { compileStep, walkSamples } from "./step.ts";
import type { Iteration, TeamPolicies } from "./team-policies.ts";

/** Names of what `metrics` of a step holds, in order. */
const graphMetrics = ["graphLoss", "graphEntropy", "cyclicity", "graphGradientNorm"] as const;

/** −mean(min(r Â, clip(r, 1 ± ε) Â) + c_H · entropy − α · h(P)), r = ρ(G | o) / ρ_old(G | o). */
const graphLoss =
  (generator: GraphGenerator, { clip, acyclicityCoef, entropyCoef }: PolicySettings["graph"]): SampleLoss =>
  ([parameters], { rows }, { count }) => {
    const { edges, oldLogProbs, advantages, weights } = rows;
    const { agents } = generator;
    const logits = generator.forward(parameters, observationsOf(rows, agents));
    const ratio = np.exp(edgesLogProb(logits, edges.reshape([-1, agents, agents])).sub(oldLogProbs));
    const gain = np.minimum(ratio.mul(advantages), np.clip(ratio, 1 - clip, 1 + clip).mul(advantages));
    const share = weights.div(count);
    const mean = (x: Traced) => x.mul(share).sum();
    const [surrogate, entropy, cycles] = [mean(gain), mean(edgesEntropy(logits)), mean(cyclicity(logits))];
    const loss = cycles.mul(acyclicityCoef).sub(surrogate).sub(entropy.mul(entropyCoef));
    return [loss, lax.stopGradient(np.stack([surrogate.neg(), entropy, cycles]))];
  };

const observationsOf = (rows: Readonly<Record<string, Traced>>, agents: number): Traced =>
  paddedObservations(Array.from({ length: agents }, (_, agent) => rows[`observations${agent}`]));

/** The fields of `samples` that a generator learns from. */
function graphSampleSpecs({ agents }: GraphGenerator, team: TeamSpec, sequences: Sequences): Samples<ArraySpec> {
  const rows = rowCount(sequences);
  return {
    rows: {
      ...Object.fromEntries(
        team.observationSpaces.map(({ size }, agent) => [`observations${agent}`, float32(rows, size)]),
      ),
      edges: float32(rows, agents * agents),
      oldLogProbs: float32(rows),
      advantages: float32(rows),
      weights: float32(rows),
    },
    sequences: {},
    fixed: {},
  };
}

/** A generator that learns; see `TeamPolicies` for how a rollout is cut. */
export async function createGraphLearning(
  options: LearnerOptions<CommonSettings>,
  generator: GraphGenerator,
  { rows, minibatches, batch }: TeamPolicies,
) {
  const { settings, team, random, policy } = options;
  if (policy.hidden % policy.graph.heads !== 0) {
    throw new InputError(`policy.graph.heads is ${policy.graph.heads}, must divide policy.hidden, ${policy.hidden}`);
  }
  const network = createNetwork("graph", generator.layout, random.split(3));
  const step = await compileStep(
    {
      name: "graph step",
      layouts: [generator.layout],
      loss: graphLoss(generator, policy.graph),
      sampleSpecs: (part) => graphSampleSpecs(generator, team, part),
      sequences: batch,
      schedules: {},
      counts: { count: "weights" },
      learningRate: settings.learningRate,
      settings,
      tokens: generator.agents,
    },
    graphMetrics.length - 1,
  );
  const advantages = new Float32Array(rows);
  const weights = new Float32Array(rows);
  return {
    theta: network.theta,
    state: networkState(network),
    async update(buffer: RolloutBuffer, iteration: Iteration): Promise<void> {
      const { samples, metrics } = iteration;
      const { edges, predecessors, logProb } = buffer.graph!;
      // What the team as a whole gained: the agents' advantages, on average over those that are active.
      for (let row = 0; row < rows; row++) {
        let [sum, count] = [0, 0];
        for (const own of samples) {
          sum += own.rows.advantages[row];
          count += own.rows.weights[row];
        }
        weights[row] = count > 0 ? 1 : 0;
        advantages[row] = count > 0 ? sum / count : 0;
      }
      normalizeAdvantages(advantages, weights);
      metrics.add(["edgesDrawn", "edgesKept"], [total(edges) / rows, total(predecessors) / rows]);
      const own = {
        rows: {
          ...Object.fromEntries(
            team.observationSpaces.map(({ size }, agent) => [
              `observations${agent}`,
              buffer.observations[agent].subarray(0, rows * size),
            ]),
          ),
          edges,
          oldLogProbs: logProb,
          advantages,
          weights,
        },
        sequences: {},
        fixed: {},
      };
      const walk = { epochs: settings.epochs, names: graphMetrics };
      await walkSamples(minibatches, iteration, own, [network], step, walk);
      checkFinite(network);
    },
    release: () => step.release(),
  };
}

const total = (array: Float32Array): number => array.reduce((sum, x) => sum + x, 0);
