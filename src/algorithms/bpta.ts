/**
 * @file BPTA on the plain policy gradient (advantage actor-critic): Theorem 1 as it stands, one step per rollout.
 *
 * Li, Zhao, Wu & Pajarinen 2024, "Backpropagation Through Agents", AAAI-24, equation 1.
 */

import { z } from "zod";
import { scheduleSchema } from "../nn/schedules.ts";
import { createLearner } from "./actor-critic.ts";
import { type ActorObjective, compileActorStep, compileEvaluation, type Influence } from "./actor-step.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { clipFeedback, createEvaluated, evaluationOutputs, gatherFeedback } from "./feedback.ts";
import { commonSettings, criticEpochs } from "./settings.ts";
import { evaluateAgent, learnEpochs, type PolicyUpdate, perModel } from "./team-policies.ts";

export const bptaSettings = z.strictObject({
  ...commonSettings,
  ...criticEpochs,
  peerCoef: scheduleSchema.default(1).describe("λ, weight of the feedback: a number or a schedule"),
  feedbackMaxNorm: z.number().gt(0).default(10).describe("feedback to a sample longer than this is made this long"),
});

export type BptaSettings = z.infer<typeof bptaSettings>;

/** log π_j(a_j | o_j, a_F(j)) Â_j, whose derivative by a_i is agent j's part in the peer term of agent i. */
export const bptaInfluence: Influence = ({ logProb, advantage }) => logProb.mul(advantage);

/** log π_i Â_i + λ⟨G_i, g(θ_i, ε_i)⟩: its gradient is the own and the peer term of Theorem 1. */
export const bptaObjective: ActorObjective = {
  usesFeedback: true,
  value: ({ logProb, advantage, peer }) => logProb.mul(advantage).add(peer),
};

/**
 * All feedback first, while every policy is what it was; then one step each. That is the theorem's gradient where every
 * agent has parameters of its own and a rollout is one minibatch; else the steps of one are from where those before them
 * left it.
 */
export const bptaUpdate =
  (settings: BptaSettings): PolicyUpdate =>
  async (policies) => {
    const { dependencies, models, ranges, rows } = policies;
    const steps = await perModel(models, (model) => compileActorStep(model, bptaObjective, settings, policies.batch));
    const looking = dependencies.order.filter((agent) => models[agent].conditioned);
    const evaluations = await perModel(
      models,
      (model) => compileEvaluation(model, bptaInfluence, policies.whole, settings.threads),
      (agent) => looking.includes(agent),
    );
    const evaluated = models.map(({ conditioned, jointActionSize }, agent) =>
      createEvaluated(agent, rows, conditioned ? jointActionSize : 0),
    );
    const feedback = models.map(({ actionSize }) => new Float32Array(rows * actionSize));
    return {
      programs: [...steps.values(), ...evaluations.values()],
      async update(iteration) {
        for (const agent of looking) {
          await evaluateAgent(policies, iteration, agent, evaluations.get(agent)!, evaluationOutputs(evaluated[agent]));
        }
        const { order, dependents } = iteration.dependencies;
        for (const agent of order) {
          gatherFeedback(evaluated, dependents[agent], ranges[agent], undefined, feedback[agent]);
          const { weights } = iteration.samples[agent].rows;
          iteration.metrics.add(["feedbackNorm"], [clipFeedback(feedback[agent], weights, settings.feedbackMaxNorm)]);
          const extraRows = { feedback: feedback[agent] };
          await learnEpochs(policies, iteration, agent, steps.get(agent)!, { epochs: 1, extraRows });
        }
      },
    };
  };

export const bpta = defineAlgorithm({
  name: "bpta",
  title: "BPTA (A2C)",
  paper: "Li, Zhao, Wu & Pajarinen 2024, Backpropagation Through Agents, AAAI-24",
  description: "the plain policy gradient for agents that act in turn, with feedback through the chain of actions",
  settings: bptaSettings,
  create: (options) =>
    createLearner(options, { autoregressive: true, criticView: "state" }, bptaUpdate(options.settings)),
});
