/**
 * @file MAPPO: proximal policy optimisation of every agent, with a critic of the whole situation.
 *
 * Yu, Velu, Vinitsky, Gao, Wang, Bayen & Wu 2022, "The Surprising Effectiveness of PPO in Cooperative Multi-Agent
 * Games", arXiv:2103.01955. Agents act at once: π(a | s) = Π π_i(a_i | o_i).
 */

import { z } from "zod";
import { numpy as np } from "../compile/jax.ts";
import { createLearner, type PolicyUpdate, perModel, stepEpoch } from "./actor-critic.ts";
import { type ActorObjective, compileActorStep } from "./actor-step.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { ppoSettings } from "./settings.ts";

export const factorizedSettings = z.strictObject(ppoSettings);

/** min(r_i Â_i, clip(r_i, 1 ± ε) Â_i), Schulman et al. 2017, arXiv:1707.06347, equation 7. */
export const ppoObjective = (clip: number): ActorObjective => ({
  usesCorrection: false,
  usesFeedback: false,
  clip,
  value: ({ ratio, advantage }) => np.minimum(ratio.mul(advantage), np.clip(ratio, 1 - clip, 1 + clip).mul(advantage)),
});

/** K epochs, in each of which every agent walks its samples; agents know nothing of each other. */
export const ppoUpdate =
  (settings: z.infer<typeof factorizedSettings>): PolicyUpdate =>
  async (policies) => {
    const objective = ppoObjective(settings.clip);
    const steps = await perModel(policies.models, (model) =>
      compileActorStep(model, objective, { ...settings, peerCoef: 0 }, policies.batch),
    );
    return {
      programs: steps.values(),
      async update(iteration) {
        for (let epoch = 0; epoch < settings.epochs; epoch++) {
          for (const agent of policies.dependencies.order)
            await stepEpoch(policies, iteration, agent, steps.get(agent)!);
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
  create: (options) =>
    createLearner(options, { autoregressive: false, criticView: "state" }, ppoUpdate(options.settings)),
});
