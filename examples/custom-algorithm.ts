/**
 * @file An algorithm of your own: back-propagation through agents on SPO, which holds policies near by a penalty where PPO
 * clips (Xie, Zhang, Yang, Hutter & Xu 2025, "Simple Policy Optimization", ICML, arXiv:2401.16025).
 *
 * Train with it from the command line (`npx bpta train climbing --algo ./examples/custom-algorithm.ts`), or name it in a
 * suite beside others. Networks with or without memory, shared or not, any graph of who sees whom, checkpoints, resuming
 * and the policy file come with it.
 */

import { type ActorObjective, bppoSettings, createLearner, defineAlgorithm, sequentialUpdate } from "bpta/algorithms";
import { lax, numpy as np } from "bpta/jax";

/** r_i Â_i M_i − |Â_i M_i| (r_i − 1)² / 2ε + sg(r_i) λ⟨G_i, g_i⟩: SPO's objective, and what the agent hears from others. */
const spoObjective = (epsilon: number, usesFeedback: boolean): ActorObjective => ({
  usesCorrection: true,
  usesFeedback,
  clip: epsilon,
  value({ ratio, advantage, correction, peer }) {
    const own = advantage.mul(correction);
    const change = ratio.sub(1);
    const penalty = np
      .abs(own)
      .mul(change.mul(change))
      .div(2 * epsilon);
    return ratio.mul(own).sub(penalty).add(lax.stopGradient(ratio).mul(peer));
  },
});

export default defineAlgorithm({
  name: "bpta-spo",
  title: "BPTA on SPO",
  paper: "https://arxiv.org/abs/2401.16025",
  description: "SPO for agents that act in turn, with feedback from those that act later through the chain of actions",
  settings: bppoSettings.omit({ schedule: true, chain: true }),
  create(options) {
    const { settings } = options;
    const objective = spoObjective(settings.clip, settings.peerCoef !== 0);
    return createLearner(options, { autoregressive: true, criticView: "state" }, sequentialUpdate(settings, objective));
  },
});
