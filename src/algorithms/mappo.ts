/**
 * @file MAPPO: proximal policy optimisation of every agent, with a critic of the whole situation.
 *
 * Yu, Velu, Vinitsky, Gao, Wang, Bayen & Wu 2022, "The Surprising Effectiveness of PPO in Cooperative Multi-Agent
 * Games", arXiv:2103.01955. Agents act at once: π(a | s) = Π π_i(a_i | o_i).
 */

import { z } from "zod";
import { numpy as np } from "../compile/jax.ts";
import { createLearner } from "./actor-critic.ts";
import { type ActorObjective, actorMetrics, compileActorStep } from "./actor-step.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { createPools } from "./pools.ts";
import { ppoSettings } from "./settings.ts";
import { walkSamples } from "./step.ts";
import { type PolicyUpdate, perModel } from "./team-policies.ts";

export const factorizedSettings = z.strictObject(ppoSettings);

/** min(r_i Â_i, clip(r_i, 1 ± ε) Â_i), Schulman et al. 2017, arXiv:1707.06347, equation 7. */
export const ppoObjective = (clip: number): ActorObjective => ({
  clip,
  value: ({ ratio, advantage }) => np.minimum(ratio.mul(advantage), np.clip(ratio, 1 - clip, 1 + clip).mul(advantage)),
});

/**
 * K epochs of every network up an objective, by default PPO's. Agents know nothing of each other; those that share a
 * network make each step together, with the samples of all of them.
 * @param objective one of an agent's own samples, without correction or feedback
 */
export const ppoUpdate =
  (
    settings: z.infer<typeof factorizedSettings>,
    objective: ActorObjective = ppoObjective(settings.clip),
  ): PolicyUpdate =>
  async (policies) => {
    if (objective.usesCorrection || objective.usesFeedback)
      throw new RangeError("ppoUpdate has no correction and no feedback for its objective; sequentialUpdate has");
    const pools = createPools(policies);
    const steps = await perModel(
      pools.map(({ model }) => model),
      (model) => compileActorStep(model, objective, { ...settings, peerCoef: 0 }, pools[0].batch),
    );
    return {
      programs: steps.values(),
      together: true,
      async update(iteration) {
        for (const [k, { minibatches, network, samplesOf }] of pools.entries()) {
          const walk = { epochs: settings.epochs, names: actorMetrics };
          await walkSamples(minibatches, iteration, samplesOf(iteration), [network], steps.get(k)!, walk);
        }
      },
    };
  };

export const mappo = defineAlgorithm({
  name: "mappo",
  title: "MAPPO",
  paper: "https://arxiv.org/abs/2103.01955",
  description: "PPO for every agent with a centralised critic; agents act at once",
  settings: factorizedSettings,
  unused: ["policy.order", "policy.graph"],
  create: (options) =>
    createLearner(options, { autoregressive: false, criticView: "state" }, ppoUpdate(options.settings)),
});
