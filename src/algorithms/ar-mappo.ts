/**
 * @file AR-MAPPO: BPPO without feedback. Agents act one after the other, each knowing what those before it did; the
 * ablation of BPPO that shows what feedback is worth.
 */

import { z } from "zod";
import { createLearner } from "./actor-critic.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { bppoSettings, bppoUpdate, scheduleFor } from "./bppo.ts";
import { ppoSettings } from "./settings.ts";

export const arMappo = defineAlgorithm({
  name: "ar-mappo",
  title: "AR-MAPPO",
  paper: "Li, Zhao, Wu & Pajarinen 2024, Backpropagation Through Agents, AAAI-24",
  description: "PPO for agents that act in turn, each knowing what those before it did; no feedback",
  settings: z.strictObject({ ...ppoSettings, schedule: bppoSettings.shape.schedule }),
  defaultsFor: scheduleFor,
  create: (options) =>
    createLearner(
      options,
      { autoregressive: true, criticView: "state" },
      bppoUpdate(bppoSettings.parse({ ...options.settings, peerCoef: 0 })),
    ),
});
