import fc from "fast-check";
import { expect, test } from "vitest";
import { compile, float32 } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { TeamSpec } from "../envs/env.ts";
import { box, discrete, type Space, vectorSize } from "../envs/spaces.ts";
import { Random } from "../random.ts";
import { teamActors } from "./actor.ts";
import { resolveDependencies } from "./dependencies.ts";
import { exportPolicy, loadPolicy } from "./export.ts";
import { byPredecessors, cyclicity, generatedPolicy, graphGenerator, orderedPolicy, withoutCycles } from "./graph.ts";
import { chainPolicy, graphNoiseSize, type JointPolicy, jointPolicy, type PolicyDefinition } from "./joint.ts";
import { policySettingsSchema } from "./settings.ts";

/** Whether nobody, by way of others, looks at themselves. */
function isAcyclic(graph: ArrayLike<number>, agents: number): boolean {
  const gone = new Set<number>();
  for (let round = 0; round < agents; round++) {
    for (let i = 0; i < agents; i++) {
      if (Array.from({ length: agents }, (_, j) => j).every((j) => gone.has(j) || !graph[i * agents + j])) gone.add(i);
    }
  }
  return gone.size === agents;
}

test("a drawn graph loses its cycles, and nothing where it has none", async () => {
  const agents = 5;
  const count = 60;
  const program = await compile("cut", ({ edges, p }) => ({ kept: withoutCycles(edges, p) }), {
    edges: float32(count, agents, agents),
    p: float32(count, agents, agents),
  });
  const edge = fc.record({ there: fc.boolean(), p: fc.double({ min: 0.01, max: 0.99, noNaN: true }) });
  const graph = fc.record({
    edges: fc.array(edge, { minLength: agents * agents, maxLength: agents * agents }),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: agents }),
    acyclic: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(graph, { minLength: count, maxLength: count }), async (graphs) => {
      const edges = graphs.map(({ edges, order, acyclic }) =>
        edges.map(({ there }, k) => {
          const [i, j] = [Math.floor(k / agents), k % agents];
          return there && i !== j && (!acyclic || order.indexOf(j) < order.indexOf(i)) ? 1 : 0;
        }),
      );
      const { kept } = await program.run({
        edges: Float32Array.from(edges.flat()),
        p: Float32Array.from(graphs.flatMap((own) => own.edges.map(({ p }) => p))),
      });
      edges.forEach((drawn, b) => {
        const own = Array.from(kept.subarray(b * 25, (b + 1) * 25));
        expect(isAcyclic(own, agents)).toBe(true);
        own.forEach((there, k) => {
          expect(there <= drawn[k]).toBe(true);
        });
        if (isAcyclic(drawn, agents)) expect(own).toEqual(drawn);
        // Of a graph with a cycle, something must be left: of two agents who look at each other, one still does.
        for (let i = 0; i < agents; i++)
          if (drawn.slice(i * agents, (i + 1) * agents).some((x) => x)) expect(own.some((x) => x)).toBe(true);
      });
    }),
    { numRuns: 10, seed: 5 },
  );
  await program.release();
});

test("the penalty is zero without cycles, and only there", async () => {
  const program = await compile("h", ({ p }) => ({ h: cyclicity(np.log(p).sub(np.log(np.subtract(1, p)))) }), {
    p: float32(2, 3, 3),
  });
  const e = 1e-6;
  const [chain, ring] = [
    [e, e, e, 0.7, e, e, 0.2, 0.9, e],
    [e, 0.5, e, 0.5, e, e, e, e, e],
  ];
  const { h } = await program.run({ p: Float32Array.from([...chain, ...ring]) });
  expect(h[0]).toBeCloseTo(0, 5);
  // tr((I + A/3)³) with A = P∘P, whose only cycle has two steps of weight 1/4: 3 · 2 · (1/12)² more than 3.
  expect(h[1]).toBeCloseTo(6 / 144, 5);
  await program.release();
});

function teamWith(actionSpaces: readonly Space[]): TeamSpec {
  return {
    agents: actionSpaces.map((_, i) => `agent_${i}`),
    observationSpaces: actionSpaces.map((_, i) => box(2 + i)),
    actionSpaces,
    stateSpace: box(3),
    hasActionMasks: false,
    hasInactiveAgents: false,
    hasWins: false,
  };
}

const team = teamWith([discrete(3), box(2), discrete(2)]);
const agents = team.agents.length;
const settings = policySettingsSchema.parse({ hidden: 8, layers: 1, recurrent: true });

/** Three actors that look at whoever acted before, with lively heads, and a lively generator. */
function actors() {
  const random = new Random(2);
  const { predecessors } = resolveDependencies(agents, { dependencies: "learned" });
  const { models, networkOf } = teamActors(team, predecessors, settings, true);
  const lively = (theta: Float32Array) => theta.map((x) => x + 0.5 * random.normal());
  const generator = graphGenerator(team, settings);
  return {
    chain: {
      team,
      models,
      networkOf,
      thetas: models.map(({ layout }, i) => lively(layout.initialize(random.split(i)))),
    },
    generator,
    theta: lively(generator.layout.initialize(random)),
  };
}

async function act(policy: JointPolicy, seed: number, env?: number) {
  const random = new Random(seed);
  const all = env === undefined ? policy.numEnvs : NUM_ENVS;
  /** Numbers for all environments, or for one of them. */
  const normals = (size: number) => {
    const array = new Float32Array(all * size);
    random.fillNormal(array);
    return env === undefined ? array : array.slice(env * size, (env + 1) * size);
  };
  const { numEnvs } = policy;
  const outputs = {
    actions: team.actionSpaces.map((space) => new Float32Array(numEnvs * vectorSize(space))),
    logProbs: team.agents.map(() => new Float32Array(numEnvs)),
    hidden: policy.hiddenSizes.map((size) => new Float32Array(numEnvs * size)),
    graph: {
      edges: new Float32Array(numEnvs * agents * agents),
      predecessors: new Float32Array(numEnvs * agents * agents),
      logProb: new Float32Array(numEnvs),
    },
  };
  const inputs = {
    observations: team.observationSpaces.map(({ size }) => normals(size)),
    actionMasks: [],
    noise: team.actionSpaces.map((space) => normals(vectorSize(space))),
    hidden: policy.hiddenSizes.map((size) => normals(size)),
    episodeStarts: new Float32Array(numEnvs),
    graphNoise: normals(graphNoiseSize(agents)),
  };
  await policy.act(inputs, policy.drawsGraph ? outputs : { ...outputs, graph: undefined });
  return outputs;
}

const NUM_ENVS = 4;

/** What a team does in one environment is what it does in a fixed graph. */
async function expectChain(
  done: Awaited<ReturnType<typeof act>>,
  definition: PolicyDefinition,
  env: number,
): Promise<void> {
  const policy = await jointPolicy(definition, 1);
  const alone = await act(policy, 7, env);
  for (const key of ["actions", "logProbs", "hidden"] as const) {
    alone[key].forEach((array, i) => {
      array.forEach((x, k) => {
        expect(done[key][i][env * array.length + k], `${key} of ${i} in ${env}`).toBeCloseTo(x, 4);
      });
    });
  }
  await policy.release();
}

test("a team that draws its graph acts, in each environment, as a team with that graph; its file does, too", async () => {
  const { chain, generator, theta } = actors();
  const definition = generatedPolicy(chain, generator, theta);
  const policy = await jointPolicy(definition, NUM_ENVS);
  const done = await act(policy, 7);
  const graphs = new Set<string>();
  for (let env = 0; env < NUM_ENVS; env++) {
    const own = done.graph.predecessors.subarray(env * agents * agents, (env + 1) * agents * agents);
    graphs.add(own.join());
    const dependencies = team.agents.map((_, i) => [0, 1, 2].filter((j) => own[i * agents + j] === 1));
    await expectChain(
      done,
      chainPolicy({ ...chain, dependencies: resolveDependencies(agents, { dependencies }) }),
      env,
    );
  }
  expect(graphs.size).toBeGreaterThan(1);
  const loaded = await loadPolicy(exportPolicy(definition), NUM_ENVS);
  const again = await act(loaded, 7);
  expect(again.graph.predecessors).toEqual(done.graph.predecessors);
  again.actions.forEach((array, i) => {
    array.forEach((x, k) => {
      expect(x).toBeCloseTo(done.actions[i][k], 4);
    });
  });
  await Promise.all([policy.release(), loaded.release()]);
});

test("a team whose order changes acts in the order that it has now; its file keeps that of its time", async () => {
  const { chain } = actors();
  const predecessors = new Float32Array(agents * agents);
  const definition = orderedPolicy(chain, predecessors);
  const policy = await jointPolicy(definition, NUM_ENVS);
  for (const order of [
    [0, 1, 2],
    [2, 0, 1],
  ]) {
    order.forEach((agent, place) => {
      for (let j = 0; j < agents; j++) predecessors[agent * agents + j] = order.indexOf(j) < place ? 1 : 0;
    });
    expect(byPredecessors(predecessors, agents)).toEqual(order);
    await policy.refresh();
    const done = await act(policy, 7);
    await expectChain(done, chainPolicy({ ...chain, dependencies: resolveDependencies(agents, { order }) }), 1);
    const loaded = await loadPolicy(exportPolicy(definition), NUM_ENVS);
    expect(loaded.order).toEqual(order);
    const again = await act(loaded, 7);
    again.logProbs.forEach((array, i) => {
      array.forEach((x, k) => {
        expect(x).toBeCloseTo(done.logProbs[i][k], 4);
      });
    });
    await loaded.release();
  }
  await policy.release();
});
