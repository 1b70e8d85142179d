/** @file What a rollout is for each agent's policy: its samples, as programs take them. */

import type { Dependencies } from "../policy/dependencies.ts";
import { agentId, type Chain, dependencyMask as maskOf } from "../policy/joint.ts";
import { normalizeAdvantages } from "../rollout/advantages.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import type { Samples } from "./minibatch.ts";
import type { TeamPolicies } from "./team-policies.ts";

/**
 * Makes every agent's samples from a buffer, in memory that is used again for the next.
 * @param together whether advantages are normalised over all agents of a network, or agent by agent
 */
export function createSampler(
  { team, dependencies }: Chain,
  { models, networks, ranges, rows, whole }: TeamPolicies,
  together: boolean,
): (buffer: RolloutBuffer, advantagesOf: (agent: number) => Float32Array, current: Dependencies) => Samples[] {
  const ownGraphs = dependencies.kind === "learned";
  const jointActionSize = ranges[ranges.length - 1][1];
  const jointActions = new Float32Array(rows * jointActionSize);
  // Advantages that are normalised together lie side by side.
  const batchOf = models.map((_, agent) => (together ? networks[agent] : agent));
  const normalized = [...new Set(batchOf)].map((batch) => {
    const members = [...models.keys()].filter((agent) => batchOf[agent] === batch);
    const [advantages, weights] = [0, 1].map(() => new Float32Array(members.length * rows));
    return { members, advantages, weights };
  });
  const partsOf = (agent: number) => {
    const { members, advantages, weights } = normalized.find(({ members }) => members.includes(agent))!;
    const [start, end] = [0, 1].map((k) => (members.indexOf(agent) + k) * rows);
    return { advantages: advantages.subarray(start, end), weights: weights.subarray(start, end) };
  };
  const own = models.map(({ hiddenSize }, agent) => ({
    ...partsOf(agent),
    hidden: new Float32Array(whole.blocks * whole.width * hiddenSize),
    agentId: agentId(team, agent),
    dependencyMask: new Float32Array(ownGraphs ? rows * jointActionSize : jointActionSize),
  }));
  return (buffer, advantagesOf, current) => {
    models.forEach(({ actionSize }, agent) => {
      const [start] = ranges[agent];
      const actions = buffer.actions[agent];
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < actionSize; k++) {
          jointActions[row * jointActionSize + start + k] = actions[row * actionSize + k];
        }
      }
    });
    own.forEach(({ advantages, weights }, agent) => {
      advantages.set(advantagesOf(agent));
      for (let row = 0; row < rows; row++) weights[row] = buffer.active[row * models.length + agent];
    });
    for (const { advantages, weights } of normalized) normalizeAdvantages(advantages, weights);
    return models.map((model, agent): Samples => {
      const { advantages, weights, hidden, agentId, dependencyMask } = own[agent];
      if (buffer.graph) seenInEachRow(buffer.graph.predecessors, agent, ranges, dependencyMask);
      else dependencyMask.set(maskOf(team, current.predecessors[agent]));
      const perBlock = whole.width * model.hiddenSize;
      for (let block = 0; block < whole.blocks && perBlock > 0; block++) {
        const from = block * whole.length * perBlock;
        hidden.set(buffer.hidden[agent].subarray(from, from + perBlock), block * perBlock);
      }
      return {
        rows: {
          observations: buffer.observations[agent].subarray(0, rows * model.observationSize),
          actions: buffer.actions[agent],
          noise: buffer.noise[agent],
          oldLogProbs: buffer.logProbs[agent],
          advantages,
          weights,
          ...(model.conditioned && { jointActions, ...(ownGraphs && { dependencyMask }) }),
          ...(model.hasActionMask && { actionMask: buffer.actionMasks[agent].subarray(0, rows * model.actionSize) }),
          ...(model.hiddenSize > 0 && { episodeStarts: buffer.episodeStarts.subarray(0, rows) }),
        },
        sequences: { ...(model.hiddenSize > 0 && { hidden }) },
        fixed: { ...(model.identified && { agentId }), ...(model.conditioned && !ownGraphs && { dependencyMask }) },
      };
    });
  };
}

/** For each row, what `agent` looks at of all action vectors side by side: [B, D], from F [B, n · n]. */
function seenInEachRow(
  predecessors: Float32Array,
  agent: number,
  ranges: TeamPolicies["ranges"],
  into: Float32Array,
): void {
  const agents = ranges.length;
  const size = ranges[agents - 1][1];
  for (let row = 0; row < into.length / size; row++) {
    for (let other = 0; other < agents; other++) {
      const [start, end] = ranges[other];
      into.fill(predecessors[(row * agents + agent) * agents + other], row * size + start, row * size + end);
    }
  }
}
