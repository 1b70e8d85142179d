import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import { box, discrete } from "../envs/spaces.ts";
import { Random } from "../random.ts";
import { type ActorObjective, actorGradient, actorInputs, actorSampleSpecs, compileEvaluation } from "./actor-step.ts";
import { bppoInfluence, bppoObjective } from "./bppo.ts";
import { createEvaluated, evaluationOutputs, gatherFeedback, jointRatio, silenceInactive } from "./feedback.ts";
import { sampleIteration, type TeamShape } from "./fixture.ts";
import { lossGradients } from "./gradient.ts";
import { feedsOf, type Samples } from "./minibatch.ts";
import { joinSamples, teamLoss, teamSampleSpecs } from "./simultaneous.ts";
import { evaluateAgent } from "./team-policies.ts";

const CLIP = 0.2;

/** The largest difference between two vectors, over the length of the first. */
function distance(a: Float32Array, b: Float32Array): number {
  const length = Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i])), 0) / length;
}

type Sampled = Awaited<ReturnType<typeof sampleIteration>>;

/** The gradient of each agent's objective in the schedule "sequential", by network, before anyone is updated. */
async function sequentialGradients({ policies, iteration }: Sampled, lambda: number): Promise<Float32Array[]> {
  const { models, networks, ranges, rows, whole, dependencies } = policies;
  const evaluated = models.map(({ jointActionSize, conditioned }, i) =>
    createEvaluated(i, rows, conditioned ? jointActionSize : 0),
  );
  for (const [i, model] of models.entries()) {
    const program = await compileEvaluation(model, model.conditioned ? bppoInfluence : undefined, whole, 2);
    await evaluateAgent(policies, iteration, i, program, evaluationOutputs(evaluated[i]));
    silenceInactive(evaluated[i], iteration.samples[i].rows.weights);
    await program.release();
  }
  const distinct = [...new Set(networks)];
  const sums = distinct.map(({ theta }) => new Float32Array(theta.length));
  for (const [i, model] of models.entries()) {
    const later = evaluated.filter(({ agent }) => dependencies.dependents[i].includes(agent));
    const feedback = new Float32Array(rows * model.actionSize);
    const correction = new Float32Array(rows);
    gatherFeedback(later, dependencies.dependents[i], ranges[i], CLIP, feedback);
    jointRatio(later, CLIP, correction);
    const program = await compile(
      "gradient",
      (traced) => {
        const samples = traced as unknown as Samples<Traced>;
        const inputs = { theta: traced.theta, samples, peerCoef: traced.lambda, entropyCoef: np.array(0.03) };
        return actorGradient(model, bppoObjective(CLIP, true), inputs, whole);
      },
      {
        theta: float32(model.layout.size),
        lambda: float32(),
        ...actorSampleSpecs(model, { usesCorrection: true, usesFeedback: true }, whole),
      },
    );
    const own = iteration.samples[i];
    const feeds = feedsOf({ ...own, rows: { ...own.rows, feedback, correction } });
    const { value } = await program.run({ ...feeds, theta: networks[i].theta, lambda: Float32Array.of(lambda) });
    value.forEach((x, k) => {
      sums[distinct.indexOf(networks[i])][k] += x;
    });
    await program.release();
  }
  return sums;
}

/** What of the schedule "simultaneous" a test has otherwise. */
interface TeamLossOptions {
  readonly chain: "direct" | "full";
  /** By default BPPO's. */
  readonly objective?: ActorObjective;
  readonly entropyCoef?: number;
  /** An order that holds for every sample; false: none, by default what the policies have. */
  readonly order?: readonly number[] | false;
  /** Whether a network that agents share is taken for as many as there are agents. */
  readonly apart?: boolean;
}

/** The one graph of the schedule "simultaneous": what its gradients are, by network, and its policy loss. */
async function compileTeamGradients(
  { policies, iteration }: Sampled,
  lambda: number,
  { chain, objective = bppoObjective(CLIP, true), entropyCoef = 0.03, order, apart }: TeamLossOptions,
) {
  const { models, networks, whole, dependencies } = policies;
  const distinct = apart ? networks : [...new Set(networks)];
  const networkOf = networks.map((network, agent) => (apart ? agent : distinct.indexOf(network)));
  const ordered = order === undefined ? dependencies.kind === "fixed" : order !== false;
  const team = { order: order || dependencies.order, ordered, models, networkOf };
  const program = await compile(
    "gradients",
    (traced) => {
      const samples = traced as unknown as Samples<Traced>;
      const counts = models.map((_, i) => [`count${i}`, np.maximum(samples.rows[`${i}.weights`].sum(), 1)]);
      const scalars = { peerCoef: traced.lambda, entropyCoef: np.array(entropyCoef), ...Object.fromEntries(counts) };
      const inputs = { thetas: traced.thetas as Traced[], samples, scalars };
      const layouts = distinct.map((network) => models[networks.indexOf(network)].layout);
      const loss = teamLoss(team, objective, { clip: CLIP, chain, peerCoef: 1 });
      const { gradients, metrics } = lossGradients(loss, layouts, inputs, whole);
      return { gradients: [...gradients], policyLoss: metrics.slice(0).mul(models.length) };
    },
    {
      thetas: distinct.map(({ theta }) => float32(theta.length)),
      lambda: float32(),
      ...teamSampleSpecs(team, whole),
    },
  );
  const feeds = { ...feedsOf(joinSamples(iteration.samples)), lambda: Float32Array.of(lambda) };
  return {
    thetas: distinct.map(({ theta }) => theta),
    async at(thetas: readonly Float32Array[]) {
      const named = Object.fromEntries(thetas.map((theta, k) => [`thetas.${k}`, theta]));
      const outputs = await program.run({ ...feeds, ...named });
      const gradients = distinct.map((_, k) => outputs[`gradients.${k}`] as Float32Array);
      return { gradients, policyLoss: outputs.policyLoss[0] };
    },
    release: () => program.release(),
  };
}

async function simultaneousGradients(
  sampled: Sampled,
  lambda: number,
  options: TeamLossOptions,
): Promise<Float32Array[]> {
  const program = await compileTeamGradients(sampled, lambda, options);
  const { gradients } = await program.at(program.thetas);
  await program.release();
  return gradients;
}

test.each<[string, TeamShape, NonNullable<Parameters<typeof sampleIteration>[1]["policy"]>, number]>([
  [
    "choices, memory",
    { actionSpaces: [discrete(3), discrete(3), discrete(3)], hasActionMasks: true },
    { recurrent: true },
    1,
  ],
  ["another order, λ = 0.5", { actionSpaces: [box(2), box(2), box(2)] }, { order: [2, 0, 1] }, 0.5],
  ["graphs of their own", { actionSpaces: [discrete(2), discrete(2), discrete(2)] }, { dependencies: "learned" }, 1],
])(
  "agents of one network, as one batch, get the gradient of each by itself, added up: %s",
  async (_, shape, policy, lambda) => {
    const sampled = await sampleIteration(
      { hasInactiveAgents: true, ...shape },
      { numEnvs: 3, length: 6, policy: { ...policy, share: true } },
    );
    // Not where actions were drawn: what others would do by now is another thing.
    const { theta } = sampled.policies.networks[0];
    const moved = theta.map((x, k) => x + 0.1 * Math.sin(k));
    const [together, apart] = await Promise.all(
      [false, true].map(async (apart) => {
        const program = await compileTeamGradients(sampled, lambda, { chain: "direct", apart });
        const found = await program.at(program.thetas.map(() => moved));
        await program.release();
        return found;
      }),
    );
    expect(apart.gradients).toHaveLength(3);
    const sum = moved.map((_, k) => apart.gradients.reduce((total, own) => total + own[k], 0));
    expect(distance(together.gradients[0], sum)).toBeLessThan(2e-5);
    expect(together.policyLoss).toBeCloseTo(apart.policyLoss, 5);
    await sampled.learner.release();
  },
);

test.each<[string, TeamShape, NonNullable<Parameters<typeof sampleIteration>[1]["policy"]>, number]>([
  ["numbers and choices", { actionSpaces: [box(2), discrete(3)], hasActionMasks: true }, {}, 1],
  ["another order, λ = 0.5", { actionSpaces: [discrete(2), box(1), discrete(3)] }, { order: [2, 0, 1] }, 0.5],
  ["a graph", { actionSpaces: [box(1), discrete(3), box(1)] }, { dependencies: [[], [], [0]] }, 1],
  ["memory", { actionSpaces: [discrete(3), box(1)] }, { recurrent: true }, 1],
  ["shared parameters", { actionSpaces: [box(2), box(2)] }, { share: true }, 1],
])("before anyone is updated, the two schedules go the same way: %s", async (_, shape, policy, lambda) => {
  const sampled = await sampleIteration(shape, { policy });
  const sequential = await sequentialGradients(sampled, lambda);
  const simultaneous = await simultaneousGradients(sampled, lambda, { chain: "direct" });
  sequential.forEach((gradient, k) => {
    expect(distance(gradient, simultaneous[k]), `network ${k}`).toBeLessThan(2e-4);
  });
  await sampled.learner.release();
});

test("the full chain differs from the direct one for the first of three, and only there", async () => {
  const sampled = await sampleIteration({ actionSpaces: [box(1), box(1), box(1)] }, {});
  const direct = await simultaneousGradients(sampled, 1, { chain: "direct" });
  const full = await simultaneousGradients(sampled, 1, { chain: "full" });
  expect(distance(direct[0], full[0])).toBeGreaterThan(1e-3);
  expect(distance(direct[1], full[1])).toBeLessThan(1e-5);
  expect(distance(direct[2], full[2])).toBeLessThan(1e-5);
  await sampled.learner.release();
});

/** log π Â: nothing of it is held constant, so that its value is a function of what it is differentiated by. */
const plain: ActorObjective = {
  value: ({ logProb, advantage }) => logProb.mul(advantage),
};

test.each([
  ["a fixed graph", { dependencies: [[], [0], [0, 1], [1, 2]] }],
  ["an order drawn for each iteration", { order: "shuffled" }],
  ["a graph drawn for each sample", { dependencies: "learned" }],
] as const)("the full chain's gradient is the slope of the loss along the whole chain: %s", async (_, policy) => {
  const actionSpaces = [box(1), box(2), box(1), box(1)];
  // Smooth activations, so that a finite difference is a slope.
  const sampled = await sampleIteration({ actionSpaces }, { policy: { ...policy, activation: "tanh" } });
  const options = { objective: plain, entropyCoef: 0 } as const;
  const program = await compileTeamGradients(sampled, 1, { ...options, chain: "full" });
  const { gradients } = await program.at(program.thetas);
  const direct = await simultaneousGradients(sampled, 1, { ...options, chain: "direct" });
  const random = new Random(3);
  let told = 0;
  for (const [k, gradient] of gradients.entries()) {
    const scale = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
    for (let trial = 0; trial < 3; trial++) {
      const direction = gradient.map(() => random.normal());
      const h = 4e-3;
      const moved = (by: number) =>
        program.thetas.map((theta, j) => (j === k ? theta.map((x, at) => x + by * direction[at]) : theta));
      const [up, down] = [(await program.at(moved(h))).policyLoss, (await program.at(moved(-h))).policyLoss];
      const along = (vector: Float32Array) => vector.reduce((sum, x, at) => sum + x * direction[at], 0);
      const slope = (up - down) / (2 * h);
      const tolerance = 0.02 * scale + 3e-3;
      expect(Math.abs(along(gradient) - slope), `network ${k}: ${along(gradient)}, ${slope}`).toBeLessThan(tolerance);
      if (Math.abs(along(direct[k]) - slope) > tolerance) told++;
    }
  }
  // Some of it goes through reactions in between, which the direct chain leaves out.
  expect(told).toBeGreaterThan(0);
  await Promise.all([program.release(), sampled.learner.release()]);
});

test.each(["direct", "full"] as const)(
  "one graph for all samples is the same as data, and as an order in which agents act: %s chain",
  async (chain) => {
    const shape = { actionSpaces: [discrete(3), box(2), discrete(2), box(1)], hasInactiveAgents: true };
    const sampled = await sampleIteration(shape, { policy: { order: "shuffled" } });
    const { order } = sampled.iteration.dependencies;
    // As after some epochs: what comes of the stored noise is no longer what was done.
    const random = new Random(23);
    for (const { theta } of sampled.policies.networks) {
      for (let k = 0; k < theta.length; k++) theta[k] += 0.1 * random.normal();
    }
    const ordered = await simultaneousGradients(sampled, 0.7, { chain, order });
    const asData = await simultaneousGradients(sampled, 0.7, { chain, order: false });
    ordered.forEach((gradient, k) => {
      expect(distance(gradient, asData[k]), `network ${k}`).toBeLessThan(2e-4);
    });
    await sampled.learner.release();
  },
);

test.each([
  ["choices with masks", { actionSpaces: [discrete(3), discrete(4)], hasActionMasks: true }, {}],
  ["numbers, in another order", { actionSpaces: [box(2), box(3)] }, { order: [1, 0] }],
  ["with memory", { actionSpaces: [discrete(3), box(2)] }, { recurrent: true }],
] as const)(
  "stored noise gives back the stored action, and its probability, sample by sample: %s",
  async (_, shape, policy) => {
    const { policies, iteration, learner } = await sampleIteration(shape, { policy });
    for (const [i, model] of policies.models.entries()) {
      const specs = actorSampleSpecs(model, { usesFeedback: true }, policies.whole);
      const program = await compile(
        "again",
        (traced) => {
          const samples = traced as unknown as Samples<Traced>;
          const parameters = model.layout.unravel(traced.theta);
          const { distribution } = model.forward(parameters, actorInputs(samples), policies.whole);
          return {
            action: distribution.sample(samples.rows.noise),
            logProb: distribution.logProb(samples.rows.actions),
          };
        },
        { theta: float32(model.layout.size), ...specs },
      );
      const { actions, oldLogProbs } = iteration.samples[i].rows;
      const feeds = feedsOf({ ...iteration.samples[i], rows: { ...iteration.samples[i].rows, feedback: actions } });
      const { action, logProb } = await program.run({ ...feeds, theta: policies.networks[i].theta });
      actions.forEach((stored, k) => {
        if (model.discrete) expect(action[k]).toBe(stored);
        else expect(action[k]).toBeCloseTo(stored, 5);
      });
      oldLogProbs.forEach((stored, k) => {
        expect(logProb[k]).toBeCloseTo(stored, 4);
      });
      await program.release();
    }
    await learner.release();
  },
);

test("feedback is weighed by how the others have changed, and is zero from those that do not look", () => {
  const [rows, jointActionSize] = [1, 3];
  const of = (agent: number, logRatio: number, gradients: number[]) => {
    const evaluated = createEvaluated(agent, rows, jointActionSize);
    evaluated.logRatio[0] = logRatio;
    evaluated.actionGradients.set(gradients);
    return evaluated;
  };
  const evaluated = [of(1, 0.05, [2, 0, 0]), of(2, -1, [4, 1, 0]), of(3, 0, [100, 0, 0])];
  const into = new Float32Array(1);
  gatherFeedback(evaluated, [1, 2], [0, 1], 0.2, into);
  // M without 1: exp(−1), held at 0.9; without 2: exp(0.05).
  expect(into[0]).toBeCloseTo(0.9 * 2 + Math.exp(0.05) * 4, 5);
  jointRatio(evaluated, 0.2, into);
  expect(into[0]).toBeCloseTo(0.9, 6);
});
