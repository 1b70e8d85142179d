/**
 * @file IPPO: MAPPO whose critics see their own agent's observation only, so that training, too, is decentralised.
 *
 * de Witt et al. 2020, "Is Independent Learning All You Need in the StarCraft Multi-Agent Challenge?",
 * arXiv:2011.09533.
 */

import { createLearner } from "./actor-critic.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { factorizedSettings, ppoUpdate } from "./mappo.ts";

export const ippo = defineAlgorithm({
  name: "ippo",
  title: "IPPO",
  paper: "https://arxiv.org/abs/2011.09533",
  description: "PPO for every agent by itself, its critic included; agents act at once",
  settings: factorizedSettings,
  unused: ["policy.order", "policy.graph"],
  create: (options) =>
    createLearner(options, { autoregressive: false, criticView: "observation" }, ppoUpdate(options.settings)),
});
