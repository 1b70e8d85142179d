/** @file Agents that share a network and learn together: their samples as those of one. */

import { InputError } from "../errors.ts";
import type { Sequences } from "../nn/layers.ts";
import type { ActorModel } from "../policy/actor.ts";
import {
  createJoin,
  createMinibatches,
  joinedSequences,
  type Minibatches,
  minibatchSequences,
  type Samples,
} from "./minibatch.ts";
import type { Network } from "./network.ts";
import type { Iteration, TeamPolicies } from "./team-policies.ts";

/** The agents of one network. */
export interface Pool {
  readonly network: Network;
  /** With `ownIds`, where the agents are several. */
  readonly model: ActorModel;
  /** How the samples of one minibatch make sequences. */
  readonly batch: Sequences;
  readonly minibatches: Minibatches;
  /** The agents' samples, one agent's after the other's; in memory that is used again for the next iteration. */
  samplesOf(iteration: Iteration): Samples;
}

/**
 * The networks of a team whose agents look at nobody, or at whom each sample says, with the agents whose they are.
 * Agents of one network have minibatches in common, as many as one agent has.
 * @throws InputError of agents that share a network and look at each other in an order: each would need a model of its own
 */
export function createPools(policies: TeamPolicies): readonly Pool[] {
  const { models, networks, whole, batch, minibatches } = policies;
  return [...new Set(networks)].map((network): Pool => {
    const members = [...models.keys()].filter((agent) => networks[agent] === network);
    const [first] = members;
    const model = models[first];
    if (members.length === 1) {
      return { network, model, batch, minibatches, samplesOf: ({ samples }) => samples[first] };
    }
    if (members.some((agent) => models[agent].conditioned && !models[agent].ownGraphs)) {
      throw new InputError(
        "policy.share is true, but agents that look at each other's actions in an order can't learn as one (ppoUpdate): " +
          "set it to false, or update them in turn (sequentialUpdate)",
      );
    }
    const joined = joinedSequences(whole, members.length);
    const join = createJoin();
    const ids = agentIds(members, models.length, policies.rows);
    return {
      network,
      model: { ...model, ownIds: true },
      batch: minibatchSequences(joined, minibatches.count),
      minibatches: createMinibatches(joined, minibatches.count),
      samplesOf({ samples }) {
        const { rows, sequences } = join(members.map((agent) => samples[agent]));
        return { rows: { ...rows, agentId: ids }, sequences, fixed: {} };
      },
    };
  });
}

/** One-hot ids of `members`, `rows` of each: [members · rows, n]. */
function agentIds(members: readonly number[], agents: number, rows: number): Float32Array {
  const ids = new Float32Array(members.length * rows * agents);
  members.forEach((agent, k) => {
    for (let row = k * rows; row < (k + 1) * rows; row++) ids[row * agents + agent] = 1;
  });
  return ids;
}
