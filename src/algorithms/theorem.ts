/**
 * @file The game in which both terms of Theorem 1 are known in closed form, and what the estimators make of it.
 *
 * One state, two agents: a₁ ~ N(m, s²), a₂ | a₁ ~ N(k·a₁ + b, t²), Q = −(a₁ − p)² − (a₂ − q)² − c(a₁ − a₂)².
 */

import { compile, float32, type Program, type Traced } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { TeamSpec } from "../envs/env.ts";
import { box } from "../envs/spaces.ts";
import { diagonalGaussian } from "../nn/distributions.ts";
import { constant } from "../nn/initializers.ts";
import { Parameter } from "../nn/parameters.ts";
import { type ActorModel, defineActor } from "../policy/actor.ts";
import { resolveDependencies } from "../policy/dependencies.ts";
import { agentId, chainPolicy, dependencyMask, jointPolicy } from "../policy/joint.ts";
import type { Random } from "../random.ts";
import { actorGradient, actorSampleSpecs, compileEvaluation } from "./actor-step.ts";
import { bptaInfluence, bptaObjective } from "./bpta.ts";
import { createEvaluated, evaluationOutputs, gatherFeedback } from "./feedback.ts";
import { feedsOf, rolloutSequences, type Samples } from "./minibatch.ts";

/** The numbers of the game and of the two policies. */
export interface QuadraticGame {
  readonly m: number;
  readonly s: number;
  readonly k: number;
  readonly b: number;
  readonly t: number;
  readonly p: number;
  readonly q: number;
  readonly c: number;
}

/** What an agent's gradient by its mean m is made of. */
export interface GradientTerms {
  /** E[∇_m log π_1 · Q]: the gradient of E[Q] */
  readonly own: number;
  /** E[∇_{a₁} log π_2 · ∇_m g · Q] */
  readonly peer: number;
}

/** E[Q] */
export const expectedReward = ({ m, s, k, b, t, p, q, c }: QuadraticGame): number =>
  -((m - p) ** 2 + s * s) -
  ((k * m + b - q) ** 2 + k * k * s * s + t * t) -
  c * (((1 - k) * m - b) ** 2 + (1 - k) ** 2 * s * s + t * t);

/** Both terms for agent 1, in closed form. */
export function exactTerms({ m, k, b, p, q, c }: QuadraticGame): GradientTerms {
  const miss = k * m + b - q;
  const gap = (1 - k) * m - b;
  return { own: -2 * (m - p) - 2 * k * miss - 2 * c * (1 - k) * gap, peer: -2 * k * miss + 2 * c * k * gap };
}

const team: TeamSpec = {
  agents: ["first", "second"],
  observationSpaces: [box(1), box(1)],
  actionSpaces: [box(1), box(1)],
  stateSpace: box(1),
  hasActionMasks: false,
  hasInactiveAgents: false,
  hasWins: false,
};

/** A Gaussian whose mean is linear in what was done before; [mean or slope, …] are its parameters. */
function linearGaussians({ m, s, k, b, t }: QuadraticGame): ActorModel[] {
  const shape = { observationSize: 1, actionSize: 1, discrete: false, hasActionMask: false, hiddenSize: 0 };
  const common = { ...shape, identified: true, teamSize: 2, jointActionSize: 2 };
  const number = (value: number) => new Parameter([1], constant(value));
  return [
    defineActor(
      { ...common, conditioned: false },
      { mean: number(m) },
      {
        perceive: ({ mean }: { mean: Traced }, { observations }) => ({ x: observations.mul(0).add(mean) }),
        decide: ({ mean }: { mean: Traced }, { x }) => diagonalGaussian(x, mean.mul(0).add(s)),
      },
    ),
    defineActor(
      { ...common, conditioned: true },
      { slope: number(k), offset: number(b) },
      {
        perceive: (_, { observations }) => ({ x: observations }),
        decide(own: { slope: Traced; offset: Traced }, _, { jointActions, dependencyMask }) {
          const seen = dependencyMask ? jointActions!.mul(dependencyMask) : jointActions!;
          const heard = seen.sum(-1, { keepdims: true });
          return diagonalGaussian(heard.mul(own.slope).add(own.offset), own.slope.mul(0).add(t));
        },
      },
    ),
  ];
}

/** An estimate and its standard error. */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number;
}

/** Mean and standard error of the mean. */
function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/**
 * Both terms for agent 1, as the algorithm "bpta" estimates them: actions drawn by the joint policy's program, feedback
 * from agent 2's evaluation program, gradients of the objective. E[Q] is taken off Q as a baseline, which changes no
 * expectation.
 *
 * @param batches independent batches of `rows` samples, whose spread gives the standard errors
 */
export async function estimateTerms(
  game: QuadraticGame,
  random: Random,
  { batches = 60, rows = 4000 } = {},
): Promise<{ readonly own: Estimate; readonly peer: Estimate }> {
  const dependencies = resolveDependencies(2, {});
  const models = linearGaussians(game);
  const thetas = models.map(({ layout }) => layout.initialize(random));
  const policy = await jointPolicy(chainPolicy({ team, dependencies, models, networkOf: [0, 1], thetas }), rows);
  const sequences = rolloutSequences(1, rows, 1);
  const evaluation = await compileEvaluation(models[1], bptaInfluence, sequences, 1);
  const gradient = await compileGradient(models[0], rows);

  const column = () => new Float32Array(rows);
  const observations = [column(), column()];
  const noise = [column(), column()];
  const outputs = { actions: [column(), column()], logProbs: [column(), column()], hidden: [column(), column()] };
  const joint = new Float32Array(2 * rows);
  const advantages = column();
  const feedback = column();
  const heard = createEvaluated(1, rows, 2);
  const baseline = expectedReward(game);
  const samplesOf = (agent: number): Samples => ({
    rows: {
      observations: observations[agent],
      jointActions: joint,
      actions: outputs.actions[agent],
      noise: noise[agent],
      oldLogProbs: outputs.logProbs[agent],
      advantages,
      weights: column().fill(1),
      feedback,
    },
    sequences: {},
    fixed: { agentId: agentId(team, agent), dependencyMask: dependencyMask(team, dependencies.predecessors[agent]) },
  });

  const own: number[] = [];
  const peer: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (const array of noise) random.fillNormal(array);
    const inputs = { observations, actionMasks: [], noise, hidden: [], episodeStarts: column() };
    await policy.act(inputs, outputs);
    for (let row = 0; row < rows; row++) {
      const [a1, a2] = outputs.actions.map((actions) => actions[row]);
      joint[2 * row] = a1;
      joint[2 * row + 1] = a2;
      advantages[row] = -((a1 - game.p) ** 2) - (a2 - game.q) ** 2 - game.c * (a1 - a2) ** 2 - baseline;
    }
    await evaluation.run({ theta: thetas[1] }, samplesOf(1), evaluationOutputs(heard));
    gatherFeedback([heard], [1], [0, 1], undefined, feedback);
    const feeds = { theta: thetas[0], ...feedsOf(samplesOf(0)) };
    // The programs make losses smaller: the direction of learning is minus their gradient.
    const without = -(await gradient.run({ ...feeds, peerCoef: Float32Array.of(0) })).value[0];
    const withPeers = -(await gradient.run({ ...feeds, peerCoef: Float32Array.of(1) })).value[0];
    own.push(without);
    peer.push(withPeers - without);
  }
  await Promise.all([policy, evaluation, gradient].map((program) => program.release()));
  return { own: estimate(own), peer: estimate(peer) };
}

/** The gradient of the loss of `bptaObjective`, without entropy, at weight `peerCoef` of the feedback. */
export function compileGradient(model: ActorModel, rows: number): Promise<Program> {
  const sequences = rolloutSequences(1, rows, 1);
  return compile(
    "gradient",
    (traced) => {
      const { theta, peerCoef } = traced as { readonly theta: Traced; readonly peerCoef: Traced };
      const samples = traced as unknown as Samples<Traced>;
      const inputs = { theta, peerCoef, samples, entropyCoef: np.array(0) };
      return actorGradient(model, bptaObjective, inputs, sequences);
    },
    {
      theta: float32(model.layout.size),
      peerCoef: float32(),
      ...actorSampleSpecs(model, bptaObjective, sequences),
    },
  );
}
