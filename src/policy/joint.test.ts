import fc from "fast-check";
import { expect, test } from "vitest";
import type { TeamSpec } from "../envs/env.ts";
import { box, discrete, type Space, vectorSize } from "../envs/spaces.ts";
import { Random } from "../random.ts";
import { teamActors } from "./actor.ts";
import { type DependencySettings, resolveDependencies } from "./dependencies.ts";
import { exportPolicy, loadPolicy } from "./export.ts";
import { chainPolicy, type JointPolicy, jointPolicy, type PolicyDefinition } from "./joint.ts";
import { policySettingsSchema } from "./settings.ts";

function teamOf(actionSpaces: readonly Space[], hasActionMasks = false): TeamSpec {
  return {
    agents: actionSpaces.map((_, i) => `agent_${i}`),
    observationSpaces: actionSpaces.map((_, i) => box(2 + i)),
    actionSpaces,
    stateSpace: box(3),
    hasActionMasks,
    hasInactiveAgents: false,
    hasWins: false,
  };
}

function definitionOf(team: TeamSpec, settings: DependencySettings & { recurrent?: boolean }): PolicyDefinition {
  const policy = policySettingsSchema.parse({ hidden: 8, layers: 1, ...settings });
  const dependencies = resolveDependencies(team.agents.length, settings);
  const { models, networkOf } = teamActors(team, dependencies.predecessors, policy);
  const random = new Random(1);
  const thetas = models.map(({ layout }, i) => {
    const theta = layout.initialize(random.split(i));
    // Heads start so small that nothing would show.
    return theta.map((parameter) => parameter + 0.3 * random.normal());
  });
  return chainPolicy({ team, dependencies, models, networkOf, thetas });
}

function inputsFor({ team, numEnvs, hiddenSizes }: JointPolicy, seed: number) {
  const random = new Random(seed);
  const normals = (size: number) => {
    const array = new Float32Array(size);
    random.fillNormal(array);
    return array;
  };
  return {
    observations: team.observationSpaces.map(({ size }) => normals(numEnvs * size)),
    actionMasks: team.actionSpaces.map((space) =>
      Float32Array.from({ length: team.hasActionMasks && space.kind === "discrete" ? numEnvs * space.n : 0 }, (_, i) =>
        i % 3 === 1 ? 0 : 1,
      ),
    ),
    noise: team.actionSpaces.map((space) => normals(numEnvs * vectorSize(space))),
    hidden: hiddenSizes.map((size) => normals(numEnvs * size)),
    episodeStarts: Float32Array.from({ length: numEnvs }, (_, e) => e % 2),
  };
}

async function act(policy: JointPolicy, inputs: ReturnType<typeof inputsFor>) {
  const { team, numEnvs, hiddenSizes } = policy;
  const outputs = {
    actions: team.actionSpaces.map((space) => new Float32Array(numEnvs * vectorSize(space))),
    logProbs: team.agents.map(() => new Float32Array(numEnvs)),
    hidden: hiddenSizes.map((size) => new Float32Array(numEnvs * size)),
  };
  await policy.act(inputs, outputs);
  return outputs;
}

test("an agent's policy looks at the actions of those it depends on, in any order, in any graph, and at no others", async () => {
  const graphs = fc.integer({ min: 2, max: 4 }).chain((n) =>
    fc.record({
      order: fc.shuffledSubarray(
        Array.from({ length: n }, (_, i) => i),
        { minLength: n },
      ),
      edges: fc.array(fc.boolean(), { minLength: n * n, maxLength: n * n }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(graphs, async ({ order, edges }) => {
      const n = order.length;
      const dependencies = order.map((_, i) =>
        order.slice(0, order.indexOf(i)).filter((predecessor) => edges[i * n + predecessor]),
      );
      const definition = definitionOf(teamOf(order.map((_, i) => (i % 2 ? box(2) : discrete(3)))), {
        order,
        dependencies,
      });
      const policy = await jointPolicy(definition, 2);
      const inputs = inputsFor(policy, 3);
      const before = await act(policy, inputs);
      for (let changed = 0; changed < n; changed++) {
        // Other noise, another action of this agent, and of those whom it reaches.
        const noise = inputs.noise.map((own, i) => (i === changed ? own.map((x, k) => -3 * x + k) : own));
        const after = await act(policy, { ...inputs, noise });
        const moved = (i: number) => after.actions[i].some((x, k) => x !== before.actions[i][k]);
        for (let i = 0; i < n; i++) {
          if (i === changed) continue;
          const sees = dependencies[i].some(moved);
          const differs = after.logProbs[i].some((x, k) => x !== before.logProbs[i][k]) || moved(i);
          expect(differs, `agent ${i} when ${changed} acts otherwise`).toBe(sees);
        }
      }
      await policy.release();
    }),
    { numRuns: 12, seed: 1 },
  );
});

test.each([
  ["choices with masks", teamOf([discrete(3), discrete(4)], true), false],
  ["numbers and choices, with memory", teamOf([box(2), discrete(3)]), true],
] as const)(
  "an exported policy acts as the one it was made from, for any number of environments: %s",
  async (_, team, recurrent) => {
    const definition = definitionOf(team, { recurrent });
    const bytes = exportPolicy(definition, { note: "hello" });
    for (const numEnvs of [1, 5]) {
      const [policy, loaded] = [await jointPolicy(definition, numEnvs), await loadPolicy(bytes, numEnvs)];
      const { observationSpaces, ...rest } = loaded.team;
      expect({ ...rest, observationSpaces }).toEqual(team);
      const inputs = inputsFor(policy, 4);
      const [expected, actual] = [await act(policy, inputs), await act(loaded, inputs)];
      for (const key of ["actions", "logProbs", "hidden"] as const) {
        expected[key].forEach((array, i) => {
          array.forEach((x, k) => {
            expect(actual[key][i][k], `${key} of ${i} at ${k}`).toBeCloseTo(x, 5);
          });
        });
      }
      if (team.hasActionMasks)
        expect(expected.actions[0].every((x, k) => x === 0 || inputs.actionMasks[0][k] === 1)).toBe(true);
      await Promise.all([policy.release(), loaded.release()]);
    }
  },
);

test("memory: an episode's start forgets the state", async () => {
  const policy = await jointPolicy(definitionOf(teamOf([discrete(2)]), { recurrent: true }), 2);
  const inputs = inputsFor(policy, 5);
  const before = await act(policy, inputs);
  const after = await act(policy, { ...inputs, hidden: inputs.hidden.map((h) => h.map((x) => x + 1)) });
  const size = policy.hiddenSizes[0];
  // Environment 1 begins an episode, environment 0 does not.
  expect(after.hidden[0].subarray(size)).toEqual(before.hidden[0].subarray(size));
  expect(after.hidden[0].subarray(0, size)).not.toEqual(before.hidden[0].subarray(0, size));
  await policy.release();
});

test("what does not fit is refused in one line", () => {
  expect(() => resolveDependencies(3, { order: [0, 2, 2] })).toThrow(
    "policy.order is [0,2,2], must be a permutation of the agents 0 to 2",
  );
  expect(() => resolveDependencies(3, { order: [0, 1, 2], dependencies: [[], [2], []] })).toThrow(
    "policy.dependencies[1] has 2, must be agents that act before agent 1: [0]",
  );
  expect(() => resolveDependencies(3, { dependencies: [[]] })).toThrow("has 1 lists, must have one for each of the 3");
  expect(() => resolveDependencies(3, { dependencies: [[1], [2], [0]] })).toThrow(
    "policy.dependencies must have no cycle; nobody of the agents [0,1,2] can act first",
  );
  expect(() => resolveDependencies(2, { dependencies: [[2], []] })).toThrow(
    "policy.dependencies has 2, must be lists of the agents 0 to 1",
  );
  expect(() => resolveDependencies(2, { order: "shuffled", dependencies: "learned" })).toThrow(
    'policy.order is shuffled, so policy.dependencies must be all (or absent); it is "learned"',
  );
  expect(() => resolveDependencies(2, { order: [1, 0], dependencies: "learned" })).toThrow(
    "policy.order is [1,0], must be absent where policy.dependencies is learned",
  );
  const share = policySettingsSchema.parse({ share: true });
  expect(() => teamActors(teamOf([discrete(2), discrete(2)]), [[], [0]], share)).toThrow(
    "policy.share is true, but agent_0 has 2 observations and 2 choices, agent_1 3 observations and 2 choices",
  );
});

test("a graph alone says in which order agents act", () => {
  const { order, predecessors } = resolveDependencies(4, { dependencies: [[3], [], [0, 1], [1]] });
  expect(order).toEqual([1, 3, 0, 2]);
  expect(predecessors).toEqual([[3], [], [0, 1], [1]]);
});

test("dependents are the other side of predecessors", () => {
  const { predecessors, dependents } = resolveDependencies(3, { order: [2, 0, 1] });
  expect(predecessors).toEqual([[2], [0, 2], []]);
  expect(dependents).toEqual([[1], [], [0, 1]]);
});
