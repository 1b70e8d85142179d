import fc from "fast-check";
import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import { box, discrete, vectorSize } from "../envs/spaces.ts";
import { type ActorModel, teamActors } from "../policy/actor.ts";
import { resolveDependencies } from "../policy/dependencies.ts";
import { actionRanges, agentId } from "../policy/joint.ts";
import { policySettingsSchema } from "../policy/settings.ts";
import { Random } from "../random.ts";
import { actorInputs, compileEvaluation } from "./actor-step.ts";
import { bptaInfluence } from "./bpta.ts";
import { createEvaluated, evaluationOutputs, gatherFeedback } from "./feedback.ts";
import { teamOf } from "./fixture.ts";
import { feedsOf, type Samples } from "./minibatch.ts";
import { perModel } from "./team-policies.ts";
import { compileGradient } from "./theorem.ts";

const team = teamOf({ actionSpaces: [discrete(3), box(2), discrete(3), box(1)] });
const agents = team.agents.length;
const ranges = actionRanges(team);
const jointSize = ranges[agents - 1][1];
const rows = 24;
const sequences = { blocks: rows, length: 1, width: 1 };

/** log π(a) of given actions, and g(θ, ε), relaxed where discrete. */
const compileProbe = (model: ActorModel) =>
  compile(
    "probe",
    (traced) => {
      const samples = traced as unknown as Samples<Traced>;
      const { distribution } = model.forward(model.layout.unravel(traced.theta), actorInputs(samples), sequences);
      const { actions, noise } = samples.rows;
      return { logProb: distribution.logProb(actions), relaxed: distribution.relaxedSample(noise) };
    },
    {
      theta: float32(model.layout.size),
      rows: {
        observations: float32(rows, 3),
        jointActions: float32(rows, jointSize),
        dependencyMask: float32(rows, jointSize),
        actions: float32(rows, model.actionSize),
        noise: float32(rows, model.actionSize),
      },
      fixed: { agentId: float32(agents) },
    },
  );

/** An acyclic graph for each row: who looks at whom, [row][agent][other]. */
function randomGraphs(random: Random): boolean[][][] {
  return Array.from({ length: rows }, () => {
    const order = Int32Array.from({ length: agents }, (_, k) => k);
    random.shuffle(order);
    return team.agents.map((_, i) =>
      team.agents.map((_, j) => order.indexOf(j) < order.indexOf(i) && random.uniform() < 0.6),
    );
  });
}

test("feedback along any acyclic graphs is the derivative of the relaxed chain", async () => {
  const settings = policySettingsSchema.parse({ hidden: 6, layers: 1, activation: "tanh", temperature: 0.8 });
  const { predecessors } = resolveDependencies(agents, { dependencies: "learned" });
  const { models } = teamActors(team, predecessors, settings, true);
  const probes = await perModel(models, compileProbe);
  const evaluations = await perModel(models, (model) => compileEvaluation(model, bptaInfluence, sequences, 1));
  const gradients = await perModel(models, (model) => compileGradient(model, rows));

  const check = async (seed: number) => {
    const random = new Random(seed);
    const normals = (size: number) => {
      const array = new Float32Array(size);
      random.fillNormal(array);
      return array;
    };
    const graphs = randomGraphs(random);
    const thetas = models.map(({ layout }) => layout.initialize(random).map((x) => x + 0.4 * random.normal()));
    const joint = normals(rows * jointSize);
    const own = models.map(({ actionSize }, agent): Samples => {
      const dependencyMask = Float32Array.from({ length: rows * jointSize }, (_, k) => {
        const other = ranges.findIndex(([, end]) => k % jointSize < end);
        return graphs[Math.floor(k / jointSize)][agent][other] ? 1 : 0;
      });
      const discreteAction = team.actionSpaces[agent].kind === "discrete";
      const actions = discreteAction
        ? Float32Array.from({ length: rows * actionSize }, (_, k) => (Math.floor(k / 3) % 3 === k % 3 ? 1 : 0))
        : normals(rows * actionSize);
      return {
        rows: {
          observations: normals(rows * 3),
          jointActions: joint,
          dependencyMask,
          actions,
          noise: normals(rows * actionSize),
          advantages: normals(rows),
          oldLogProbs: new Float32Array(rows),
          weights: new Float32Array(rows).fill(1),
        },
        sequences: {},
        fixed: { agentId: agentId(team, agent) },
      };
    });
    const probe = (agent: number, theta: Float32Array) => probes.get(agent)!.run({ theta, ...feedsOf(own[agent]) });

    const agent = random.integer(agents);
    const [start, end] = ranges[agent];
    /** The chain in which only what `agent` does follows from its parameters: what its dependents are worth then. */
    const chain = async (theta: Float32Array) => {
      const { relaxed } = await probe(agent, theta);
      for (let row = 0; row < rows; row++)
        for (let k = start; k < end; k++)
          joint[row * jointSize + k] = relaxed[row * (end - start) + k - start] as number;
      let value = 0;
      for (let j = 0; j < agents; j++) {
        if (j === agent) continue;
        const { logProb } = await probe(j, thetas[j]);
        logProb.forEach((x, row) => {
          if (graphs[row][j][agent]) value += (x * own[j].rows.advantages[row]) / rows;
        });
      }
      return value;
    };

    await chain(thetas[agent]);
    const heard = models.map((_, j) => createEvaluated(j, rows, jointSize));
    for (const [j, evaluated] of heard.entries())
      await evaluations.get(j)!.run({ theta: thetas[j] }, own[j], evaluationOutputs(evaluated));
    const feedback = new Float32Array(rows * vectorSize(team.actionSpaces[agent]));
    const others = heard.filter((evaluated) => evaluated.agent !== agent);
    gatherFeedback(
      others,
      resolveDependencies(agents, { dependencies: "learned" }).dependents[agent],
      ranges[agent],
      undefined,
      feedback,
    );
    // Without advantages of its own, nothing is left but the peer term.
    const peer = { ...own[agent], rows: { ...own[agent].rows, advantages: new Float32Array(rows), feedback } };
    const feeds = { ...feedsOf(peer), theta: thetas[agent], peerCoef: Float32Array.of(1) };
    const value = (await gradients.get(agent)!.run(feeds)).value as Float32Array;

    const direction = normals(value.length);
    const h = 4e-3;
    const moved = (scale: number) => thetas[agent].map((x, k) => x + scale * direction[k]);
    const slope = ((await chain(moved(h))) - (await chain(moved(-h)))) / (2 * h);
    const predicted = -value.reduce((sum, x, k) => sum + x * direction[k], 0);
    const scale = Math.sqrt(value.reduce((sum, x) => sum + x * x, 0));
    expect(Math.abs(predicted - slope), `${predicted}, ${slope}`).toBeLessThan(0.02 * scale + 3e-3);
    expect(graphs.some((graph) => graph.some((looks) => looks[agent])) ? scale : 1).toBeGreaterThan(0.005);
  };
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), check), { numRuns: 20, seed: 3 });
  const programs = [probes, evaluations, gradients].flatMap((byAgent): { release(): Promise<void> }[] => [
    ...byAgent.values(),
  ]);
  await Promise.all([...new Set(programs)].map((program) => program.release()));
});
