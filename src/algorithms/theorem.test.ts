import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { discrete } from "../envs/spaces.ts";
import { type ActorModel, teamActors } from "../policy/actor.ts";
import { resolveDependencies } from "../policy/dependencies.ts";
import { agentId, dependencyMask } from "../policy/joint.ts";
import { policySettingsSchema } from "../policy/settings.ts";
import { Random } from "../random.ts";
import { actorInputs, compileEvaluation } from "./actor-step.ts";
import { bptaInfluence } from "./bpta.ts";
import { createEvaluated, gatherFeedback } from "./feedback.ts";
import { teamOf } from "./fixture.ts";
import { feedsOf, type Samples } from "./minibatch.ts";
import { compileGradient, estimateTerms, exactTerms, expectedReward, type QuadraticGame } from "./theorem.ts";

const games: QuadraticGame[] = [
  { m: 0.5, s: 0.4, k: 0.8, b: 0.2, t: 0.5, p: 1, q: -0.5, c: 0.5 },
  { m: -1, s: 0.3, k: -0.6, b: 0.4, t: 0.3, p: 0.2, q: 1, c: 1 },
  { m: 0, s: 0.5, k: 1.2, b: -0.3, t: 0.4, p: 0.7, q: 0.4, c: 0 },
];

test.each(games)("both terms of Theorem 1 have their closed form: %o", async (game) => {
  const exact = exactTerms(game);
  const estimates = await estimateTerms(game, new Random(2), { batches: 40, rows: 4000 });
  for (const term of ["own", "peer"] as const) {
    const { mean, standardError } = estimates[term];
    expect(Math.abs(mean - exact[term]), term).toBeLessThan(3 * standardError);
    // Were it not small, the line above would say nothing.
    expect(standardError, term).toBeLessThan(0.05);
  }
});

test("the own term alone is the gradient of the expected reward; the two together are zero somewhere else", () => {
  for (const game of games) {
    const h = 1e-4;
    const slope = (expectedReward({ ...game, m: game.m + h }) - expectedReward({ ...game, m: game.m - h })) / (2 * h);
    expect(exactTerms(game).own).toBeCloseTo(slope, 6);
    // own and peer are linear in m: find where own is zero.
    const at = (m: number) => exactTerms({ ...game, m });
    const best = -at(0).own / (at(1).own - at(0).own);
    expect(at(best).own).toBeCloseTo(0, 9);
    expect(Math.abs(at(best).peer)).toBeGreaterThan(0.1);
  }
});

/** Two agents, three choices each, small networks with lively heads; any number of rows. */
function discreteTeam() {
  const team = teamOf({ actionSpaces: [discrete(3), discrete(3)] });
  const settings = policySettingsSchema.parse({ hidden: 6, layers: 1, activation: "tanh", temperature: 0.8 });
  const dependencies = resolveDependencies(2, {});
  const { models } = teamActors(team, dependencies.predecessors, settings);
  const random = new Random(4);
  const thetas = models.map(({ layout }) => layout.initialize(random).map((x) => x + 0.4 * random.normal()));
  const samplesOf = (agent: number, rows: Samples["rows"]): Samples => ({
    rows,
    sequences: {},
    fixed: { agentId: agentId(team, agent), dependencyMask: dependencyMask(team, dependencies.predecessors[agent]) },
  });
  return { models, thetas, samplesOf, random };
}

/** log π(a) of given actions, and relaxed actions for given noise. */
const compileProbes = (model: ActorModel, rows: number) =>
  compile(
    "probes",
    (traced) => {
      const samples = traced as unknown as Samples<Traced>;
      const sequences = { blocks: rows, length: 1, width: 1 };
      const { distribution } = model.forward(model.layout.unravel(traced.theta), actorInputs(samples), sequences);
      return {
        logProb: distribution.logProb(samples.rows.actions),
        relaxed: distribution.relaxedSample(samples.rows.noise),
      };
    },
    {
      theta: float32(model.layout.size),
      rows: {
        observations: float32(rows, 3),
        jointActions: float32(rows, 6),
        actions: float32(rows, 3),
        noise: float32(rows, 3),
      },
      fixed: { agentId: float32(2), dependencyMask: float32(6) },
    },
  );

/** Compares a gradient with finite differences of `f` along random directions. */
async function expectGradient(
  gradient: Float32Array,
  theta: Float32Array,
  f: (theta: Float32Array) => Promise<number>,
  random: Random,
): Promise<void> {
  for (let trial = 0; trial < 4; trial++) {
    const direction = theta.map(() => random.normal());
    const h = 5e-3;
    const moved = (scale: number) => theta.map((x, i) => x + scale * direction[i]);
    const slope = ((await f(moved(h))) - (await f(moved(-h)))) / (2 * h);
    const predicted = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
    expect(Math.abs(predicted - slope)).toBeLessThan(0.01 * Math.abs(slope) + 2e-3);
    expect(Math.abs(slope)).toBeGreaterThan(0.01);
  }
}

test("in a game that can be enumerated, the mean of own(i) is the gradient of the expected reward", async () => {
  const { models, thetas, samplesOf, random } = discreteTeam();
  const rows = 9;
  const payoff = Float32Array.from({ length: rows }, () => 3 * random.normal());
  const actions = [0, 1].map((agent) =>
    Float32Array.from({ length: 3 * rows }, (_, i) =>
      (agent === 0 ? Math.floor(i / 9) : Math.floor(i / 3) % 3) === i % 3 ? 1 : 0,
    ),
  );
  const jointActions = Float32Array.from(
    { length: 6 * rows },
    (_, i) => actions[i % 6 < 3 ? 0 : 1][3 * Math.floor(i / 6) + (i % 3)],
  );
  const observations = new Float32Array(3 * rows).map((_, i) => [0.3, -1, 0.8][i % 3]);
  const probes = await Promise.all(models.map((model) => compileProbes(model, rows)));
  const rowsOf = (agent: number) => ({ observations, jointActions, actions: actions[agent], noise: actions[agent] });
  const probabilities = async (at: readonly Float32Array[]): Promise<number[]> => {
    const [first, second] = await Promise.all(
      probes.map(async (probe, i) => (await probe.run({ theta: at[i], ...feedsOf(samplesOf(i, rowsOf(i))) })).logProb),
    );
    return Array.from(first, (logProb, row) => Math.exp(logProb + second[row]));
  };
  const expected = await probabilities(thetas);
  expect(expected.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  for (const agent of [0, 1]) {
    const gradient = await compileGradient(models[agent], rows);
    // Every joint action once, weighed by its probability: the mean over all there is.
    const advantages = Float32Array.from(payoff, (q, row) => q * expected[row] * rows);
    const zeros = new Float32Array(3 * rows);
    const extra = {
      advantages,
      oldLogProbs: new Float32Array(rows),
      weights: new Float32Array(rows).fill(1),
      feedback: zeros,
    };
    const feeds = feedsOf(samplesOf(agent, { ...rowsOf(agent), ...extra }));
    const { value } = await gradient.run({ ...feeds, theta: thetas[agent], peerCoef: Float32Array.of(0) });
    const reward = async (theta: Float32Array) =>
      (await probabilities(thetas.map((own, i) => (i === agent ? theta : own)))).reduce(
        (sum, p, row) => sum + p * payoff[row],
        0,
      );
    await expectGradient(
      Float32Array.from(value, (x) => -x),
      thetas[agent],
      reward,
      random,
    );
    await gradient.release();
  }
  await Promise.all(probes.map((probe) => probe.release()));
});

test("with the soft action in the forward pass too, peer(i) is the derivative through the relaxed chain", async () => {
  const { models, thetas, samplesOf, random } = discreteTeam();
  const rows = 40;
  const column = (size: number, fill: (array: Float32Array) => void) => {
    const array = new Float32Array(size * rows);
    fill(array);
    return array;
  };
  const observations = column(3, (array) => random.fillNormal(array));
  const noise = column(3, (array) => random.fillGumbel(array));
  const payoff = column(1, (array) => random.fillNormal(array));
  // What agent 2 did; any choice will do.
  const second = Float32Array.from({ length: 3 * rows }, (_, i) => (Math.floor(i / 3) % 3 === i % 3 ? 1 : 0));
  const probes = await Promise.all(models.map((model) => compileProbes(model, rows)));
  const chain = async (theta: Float32Array) => {
    const blank = { observations, jointActions: new Float32Array(6 * rows), actions: second, noise };
    const { relaxed } = await probes[0].run({ theta, ...feedsOf(samplesOf(0, blank)) });
    const jointActions = Float32Array.from({ length: 6 * rows }, (_, i) =>
      i % 6 < 3 ? relaxed[3 * Math.floor(i / 6) + (i % 6)] : 0,
    );
    const { logProb } = await probes[1].run({ theta: thetas[1], ...feedsOf(samplesOf(1, { ...blank, jointActions })) });
    return {
      jointActions,
      value: Array.from(logProb).reduce((sum, x, row) => sum + (x * payoff[row]) / rows, 0),
    };
  };

  const sequences = { blocks: rows, length: 1, width: 1 };
  const evaluation = await compileEvaluation(models[1], bptaInfluence, sequences, 1);
  const { jointActions } = await chain(thetas[0]);
  const common = { observations, noise, jointActions, advantages: payoff, oldLogProbs: new Float32Array(rows) };
  const heard = createEvaluated(1, rows, 6);
  await evaluation.run({ theta: thetas[1] }, samplesOf(1, { ...common, actions: second }), {
    logRatio: heard.logRatio,
    actionGradients: heard.actionGradients,
  });
  const feedback = new Float32Array(3 * rows);
  gatherFeedback([heard], [1], [0, 3], undefined, feedback);

  const gradient = await compileGradient(models[0], rows);
  const weights = new Float32Array(rows).fill(1);
  // Without advantages, nothing is left but the peer term.
  const peer = { ...common, actions: second, advantages: new Float32Array(rows), weights, feedback };
  const { value } = await gradient.run({
    ...feedsOf(samplesOf(0, peer)),
    theta: thetas[0],
    peerCoef: Float32Array.of(1),
  });
  await expectGradient(
    Float32Array.from(value, (x) => -x),
    thetas[0],
    async (theta) => (await chain(theta)).value,
    random,
  );
  await Promise.all([...probes, evaluation, gradient].map((program) => program.release()));
});
