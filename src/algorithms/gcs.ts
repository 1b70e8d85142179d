/**
 * @file GCS: a generator draws, in every step, an acyclic graph of who looks at whose action; agents act along it.
 *
 * Ruan, Du, Xiong, Xing, Li, Meng, Zhang, Wang & Xu 2022, "GCS: Graph-Based Coordination Strategy for Multi-Agent
 * Reinforcement Learning", arXiv:2201.06257: π(a | o) = ρ(G | o) Π π_i(a_i | o_i, a_F(i)), F by G. Policies learn as in
 * MAPPO, each given what it looked at; how the generator does is in `graph-learning.ts`, how acting goes in
 * `src/policy/graph.ts`.
 */

import { z } from "zod";
import { createLearner } from "./actor-critic.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { ppoUpdate } from "./mappo.ts";
import { ppoSettings } from "./settings.ts";

export const gcs = defineAlgorithm({
  name: "gcs",
  title: "GCS",
  paper: "https://arxiv.org/abs/2201.06257",
  description: "PPO for agents that act along a graph which a generator draws in every step, and learns to draw",
  settings: z.strictObject(ppoSettings),
  create: (options) =>
    createLearner(options, { autoregressive: "learned", criticView: "state" }, ppoUpdate(options.settings)),
});
