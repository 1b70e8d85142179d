/**
 * @file BPPO: bidirectional proximal policy optimisation. Agents act one after the other, each knowing what those
 * before it did; in learning, feedback goes back the way that actions came.
 *
 * Li, Zhao, Wu & Pajarinen 2024, "Backpropagation Through Agents", AAAI-24: Theorem 1, and its combination with PPO.
 */

import { z } from "zod";
import { lax, numpy as np } from "../compile/jax.ts";
import { scheduleSchema } from "../nn/schedules.ts";
import type { PolicySettings } from "../policy/settings.ts";
import { createLearner } from "./actor-critic.ts";
import {
  type ActorObjective,
  actorMetrics,
  compileActorStep,
  compileEvaluation,
  type Influence,
} from "./actor-step.ts";
import { defineAlgorithm } from "./algorithm.ts";
import {
  clipFeedback,
  createEvaluated,
  type Evaluated,
  evaluationOutputs,
  gatherFeedback,
  jointRatio,
  silenceInactive,
} from "./feedback.ts";
import { ppoSettings } from "./settings.ts";
import { compileTeamStep, joinSamples } from "./simultaneous.ts";
import { walkSamples } from "./step.ts";
import { evaluateAgent, learnEpochs, type PolicyUpdate, perModel } from "./team-policies.ts";

export const bppoSettings = z.strictObject({
  ...ppoSettings,
  peerCoef: scheduleSchema
    .default(1)
    .describe("λ, weight of the feedback: a number or a schedule; 0 is the autoregressive policy without feedback"),
  schedule: z
    .enum(["sequential", "simultaneous"])
    .default("sequential")
    .describe(
      "update agents one by one, the last to act first, or all at once through one graph; new runs whose " +
        "policies are shared: simultaneous",
    ),
  chain: z
    .enum(["direct", "full"])
    .default("direct")
    .describe("simultaneous: feedback by Theorem 1's direct term, or also through the reactions in between"),
  feedbackMaxNorm: z
    .number()
    .gt(0)
    .default(10)
    .describe("sequential: feedback to a sample longer than this is made this long"),
  compat: z
    .enum(["none", "published"])
    .default("none")
    .describe("sequential: published divides the feedback by the batch size, as the paper's code does, for comparison"),
});

export type BppoSettings = z.infer<typeof bppoSettings>;

/** r_j Â_j, whose derivative by the actions that agent j looked at is its feedback to those who took them. */
export const bppoInfluence: Influence = ({ ratio, advantage }) => ratio.mul(advantage);

/**
 * min(r_i Â_i M_i + sg(r_i) λ⟨G_i, g_i⟩, clip(r_i) Â_i M_i + clip(sg(r_i)) λ⟨G_i, g_i⟩) with g_i = g(θ_i, ε_i): agent i's own
 * learning and what it learns from its peers.
 */
export const bppoObjective = (clip: number, usesFeedback: boolean): ActorObjective => ({
  usesCorrection: true,
  usesFeedback,
  clip,
  value({ ratio, advantage, correction, peer }) {
    const own = advantage.mul(correction);
    const clipped = np.clip(ratio, 1 - clip, 1 + clip);
    return np.minimum(
      ratio.mul(own).add(lax.stopGradient(ratio).mul(peer)),
      clipped.mul(own).add(lax.stopGradient(clipped).mul(peer)),
    );
  },
});

/**
 * The agents one by one, the last to act first; each hears from those that are updated already.
 * @param objective what an agent makes better, by default BPPO's; without `usesFeedback` nobody hears anything
 * @param influence whose derivative by others' actions is what they hear, by default BPPO's
 */
export const sequentialUpdate =
  (
    settings: Omit<BppoSettings, "schedule" | "chain">,
    objective: ActorObjective = bppoObjective(settings.clip, settings.peerCoef !== 0),
    influence: Influence = bppoInfluence,
  ): PolicyUpdate =>
  async (policies) => {
    const { dependencies, models, networks, ranges, rows } = policies;
    const { usesFeedback: hasFeedback = false } = objective;
    const steps = await perModel(models, (model) => compileActorStep(model, objective, settings, policies.batch));
    const hears = (agent: number) => hasFeedback && models[agent].conditioned;
    // In a fixed order nobody is updated after the first to act, so nobody asks what it has become.
    const evaluations = await perModel(
      models,
      (model) => {
        const told = hasFeedback && model.conditioned ? influence : undefined;
        return compileEvaluation(model, told, policies.whole, settings.threads);
      },
      (agent) => dependencies.kind !== "fixed" || agent !== dependencies.order[0],
    );
    const sharesParameters = new Set(networks).size < networks.length;
    const jointActionSize = models[0].jointActionSize;
    const memory = models.map((_, agent) => createEvaluated(agent, rows, hears(agent) ? jointActionSize : 0));
    const correction = new Float32Array(rows);
    const feedback = models.map(({ actionSize }) => new Float32Array(rows * actionSize));

    return {
      programs: [...steps.values(), ...evaluations.values()],
      async update(iteration) {
        const { samples, metrics } = iteration;
        const { order, dependents } = iteration.dependencies;
        const evaluate = async (evaluated: Evaluated): Promise<void> => {
          const { agent } = evaluated;
          await evaluateAgent(policies, iteration, agent, evaluations.get(agent)!, evaluationOutputs(evaluated));
          silenceInactive(evaluated, samples[agent].rows.weights);
        };
        const updated: Evaluated[] = [];
        // Where each sample has its graph, some of those who look at an agent are not updated before it: they tell it
        // what they are told by the network that they have.
        const waiting = hasFeedback && dependencies.kind === "learned" ? memory : [];
        for (const evaluated of waiting) await evaluate(evaluated);
        for (const agent of order.toReversed()) {
          // M_i, and G_i through the networks of those that are updated.
          jointRatio(updated, settings.clip, correction);
          const extraRows = { correction, ...(hasFeedback && { feedback: feedback[agent] }) };
          if (hasFeedback) {
            const heard = waiting.length > 0 ? memory.filter((other) => other.agent !== agent) : updated;
            gatherFeedback(heard, dependents[agent], ranges[agent], settings.clip, feedback[agent]);
            // The published code takes the gradient of the mean over the batch for a sample's own.
            if (settings.compat === "published")
              for (let k = 0; k < feedback[agent].length; k++) feedback[agent][k] /= rows;
            const norm = clipFeedback(feedback[agent], samples[agent].rows.weights, settings.feedbackMaxNorm);
            metrics.add(["feedbackNorm"], [norm]);
          }
          await learnEpochs(policies, iteration, agent, steps.get(agent)!, { epochs: settings.epochs, extraRows });
          updated.push(memory[agent]);
          if (updated.length === models.length) break;
          // With parameters in common, those that were evaluated have changed again.
          const changed = waiting.length > 0 ? memory : updated;
          for (const evaluated of sharesParameters ? changed : [memory[agent]]) await evaluate(evaluated);
        }
      },
    };
  };

/** All agents at once: K epochs of steps of the whole team, each from one backward pass. */
const simultaneous =
  (settings: BppoSettings): PolicyUpdate =>
  async ({ dependencies, models, networks, batch, minibatches }) => {
    const distinct = [...new Set(networks)];
    const networkOf = networks.map((network) => distinct.indexOf(network));
    const team = { order: dependencies.order, ordered: dependencies.kind === "fixed", models, networkOf };
    const step = await compileTeamStep(team, bppoObjective(settings.clip, true), settings, batch);
    const epochs = { epochs: settings.epochs, names: actorMetrics };
    return {
      programs: [step],
      update: (iteration) =>
        walkSamples(minibatches, iteration, joinSamples(iteration.samples), distinct, step, epochs),
    };
  };

/** The two schedules, by name. */
export const bppoUpdate = (settings: BppoSettings): PolicyUpdate =>
  settings.schedule === "sequential" ? sequentialUpdate(settings) : simultaneous(settings);

/**
 * Who comes after others have moved the network that it shares with them starts far from its old probabilities, and the
 * team learns worse: those who share a network take their steps together (docs/results/simple-spread.md).
 */
export const scheduleFor = ({ share }: PolicySettings) =>
  ({ schedule: share ? "simultaneous" : "sequential" }) as const;

export const bppo = defineAlgorithm({
  name: "bppo",
  title: "BPPO",
  paper: "Li, Zhao, Wu & Pajarinen 2024, Backpropagation Through Agents, AAAI-24",
  description: "PPO for agents that act in turn, with feedback from those that act later through the chain of actions",
  settings: bppoSettings
    .refine(({ schedule, chain }) => schedule === "simultaneous" || chain === "direct", {
      path: ["chain"],
      message: "full needs schedule: simultaneous",
    })
    .refine(({ schedule, compat }) => schedule === "sequential" || compat === "none", {
      path: ["compat"],
      message: "published needs schedule: sequential",
    }),
  defaultsFor: scheduleFor,
  create: (options) =>
    createLearner(options, { autoregressive: true, criticView: "state" }, bppoUpdate(options.settings)),
});
