/**
 * @file HAPPO: agents are updated one after the other, each allowing for what those before it have become.
 *
 * Kuba, Chen, Wen, Wen, Sun, Wang & Yang 2022, "Trust Region Policy Optimisation in Multi-Agent Reinforcement Learning",
 * arXiv:2109.11251, equation 11 and algorithm 4. Agents act at once: π(a | s) = Π π_i(a_i | o_i).
 */

import { z } from "zod";
import { createLearner } from "./actor-critic.ts";
import { type ActorObjective, compileActorStep, compileEvaluation } from "./actor-step.ts";
import { defineAlgorithm } from "./algorithm.ts";
import { createEvaluated, evaluationOutputs, jointRatio, silenceInactive } from "./feedback.ts";
import { ppoObjective } from "./mappo.ts";
import { ppoSettings } from "./settings.ts";
import { evaluateAgent, learnEpochs, type PolicyUpdate, perModel } from "./team-policies.ts";

export const happoSettings = z.strictObject(ppoSettings);

/** M_i · min(r_i Â, clip(r_i, 1 ± ε) Â), M_i = Π r_j over the agents updated before i; M_i itself is not clipped. */
export const happoObjective = (clip: number): ActorObjective => {
  const ppo = ppoObjective(clip);
  return { ...ppo, usesCorrection: true, value: (terms) => terms.correction.mul(ppo.value(terms)) };
};

/**
 * One agent after the other, each K epochs.
 * @param order in which they go; undefined: one drawn for each iteration
 */
export const happoUpdate =
  (settings: z.infer<typeof happoSettings>, order: readonly number[] | undefined): PolicyUpdate =>
  async (policies) => {
    const { models, networks, rows, whole, batch } = policies;
    const objective = happoObjective(settings.clip);
    const steps = await perModel(models, (model) =>
      compileActorStep(model, objective, { ...settings, peerCoef: 0 }, batch),
    );
    const evaluations = await perModel(models, (model) => compileEvaluation(model, undefined, whole, settings.threads));
    const memory = models.map((_, agent) => createEvaluated(agent, rows, 0));
    const correction = new Float32Array(rows);
    const drawn = Int32Array.from(models.keys());
    const sharesParameters = new Set(networks).size < networks.length;
    return {
      programs: [...steps.values(), ...evaluations.values()],
      async update(iteration) {
        if (!order) {
          // From the same order each time: what was drawn before must not matter, or a resumed run would go another way.
          for (const agent of drawn.keys()) drawn[agent] = agent;
          iteration.random.shuffle(drawn);
        }
        const updated: typeof memory = [];
        for (const agent of order ?? drawn) {
          jointRatio(updated, undefined, correction);
          const { epochs } = settings;
          await learnEpochs(policies, iteration, agent, steps.get(agent)!, { epochs, extraRows: { correction } });
          updated.push(memory[agent]);
          if (updated.length === models.length) break;
          // With parameters in common, those that were updated before have changed again.
          for (const evaluated of sharesParameters ? updated : [memory[agent]]) {
            const evaluation = evaluations.get(evaluated.agent)!;
            await evaluateAgent(policies, iteration, evaluated.agent, evaluation, evaluationOutputs(evaluated));
            silenceInactive(evaluated, iteration.samples[evaluated.agent].rows.weights);
          }
        }
      },
    };
  };

export const happo = defineAlgorithm({
  name: "happo",
  title: "HAPPO",
  paper: "https://arxiv.org/abs/2109.11251",
  description: "PPO for one agent after the other, in random order, each allowing for what the others became",
  settings: happoSettings,
  create(options) {
    const { settings, policy } = options;
    const order = policy.order === "shuffled" ? undefined : policy.order;
    return createLearner(
      { ...options, policy: { ...policy, order } },
      { autoregressive: false, criticView: "state" },
      happoUpdate(settings, order),
    );
  },
});
