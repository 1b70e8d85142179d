import { expect, test } from "vitest";
import { compile, float32, type Traced } from "../compile/index.ts";
import type { TeamSpec } from "../envs/env.ts";
import { box, discrete, type Space, vectorSize } from "../envs/spaces.ts";
import { Random } from "../random.ts";
import { exportPolicy, loadPolicy } from "./export.ts";
import { jointPolicy } from "./joint.ts";
import { policySettingsSchema } from "./settings.ts";
import { transformer, transformerPolicy } from "./transformer.ts";

const teamWith = (actionSpaces: readonly Space[]): TeamSpec => ({
  agents: actionSpaces.map((_, i) => `agent_${i}`),
  observationSpaces: actionSpaces.map((_, i) => box(2 + (i % 2))),
  actionSpaces,
  stateSpace: box(3),
  hasActionMasks: false,
  hasInactiveAgents: false,
  hasWins: false,
});

const numEnvs = 5;

test.each([
  ["choices", [discrete(3), discrete(2), discrete(3)], [2, 0, 1], false],
  ["numbers", [box(1), box(2), box(2)], [0, 1, 2], false],
  ["numbers, decentralised", [box(1), box(2), box(2)], [0, 1, 2], true],
] as const)(
  "what a transformer draws, agent by agent, is what it makes of all actions at once, and its file does the same: %s",
  async (_, spaces, order, decentralized) => {
    const team = teamWith(spaces);
    const settings = policySettingsSchema.parse({ hidden: 8, layers: 1, recurrent: true });
    const model = transformer(team, settings, { blocks: 2, heads: 2, decentralized }, order);
    const random = new Random(3);
    const theta = model.layout.initialize(random).map((x) => x + 0.3 * random.normal());
    const definition = transformerPolicy(model, theta);
    const policy = await jointPolicy(definition, numEnvs);
    const normals = (size: number) => {
      const array = new Float32Array(numEnvs * size);
      random.fillNormal(array);
      return array;
    };
    const inputs = {
      observations: team.observationSpaces.map(({ size }) => normals(size)),
      actionMasks: [],
      noise: team.actionSpaces.map((space) => normals(vectorSize(space))),
      hidden: policy.hiddenSizes.map(normals),
      episodeStarts: Float32Array.of(0, 1, 0, 0, 1),
    };
    const empty = () => ({
      actions: team.actionSpaces.map((space) => new Float32Array(numEnvs * vectorSize(space))),
      logProbs: team.agents.map(() => new Float32Array(numEnvs)),
      hidden: policy.hiddenSizes.map((size) => new Float32Array(numEnvs * size)),
    });
    const done = empty();
    await policy.act(inputs, done);

    const all = await compile(
      "all at once",
      (traced) => {
        const parameters = model.layout.unravel(traced.theta);
        const seen = {
          observations: traced.observations as readonly Traced[],
          actionMasks: {},
          hidden: traced.hidden as unknown as Readonly<Record<string, Traced>>,
          episodeStarts: traced.starts,
        };
        const sequences = { blocks: 1, length: 1, width: numEnvs };
        const encoded = model.encode(parameters, seen, sequences);
        const acted = order.map((agent) => traced.actions[agent]);
        return { logProbs: model.evaluate(parameters, seen, encoded, acted, sequences).logProbs };
      },
      {
        theta: float32(theta.length),
        observations: team.observationSpaces.map(({ size }) => float32(numEnvs, size)),
        hidden: policy.hiddenSizes.map((size) => float32(numEnvs, size)),
        starts: float32(numEnvs),
        actions: team.actionSpaces.map((space) => float32(numEnvs, vectorSize(space))),
      },
    );
    const named = (name: string, arrays: readonly Float32Array[]) =>
      Object.fromEntries(arrays.map((array, i) => [`${name}.${i}`, array]));
    const { episodeStarts: starts, observations, hidden } = inputs;
    const feeds = {
      ...named("observations", observations),
      ...named("hidden", hidden),
      ...named("actions", done.actions),
    };
    const evaluated = await all.run({ theta, starts, ...feeds });
    order.forEach((agent, k) => {
      for (let e = 0; e < numEnvs; e++) {
        expect(done.logProbs[agent][e]).toBeCloseTo(evaluated.logProbs[e * order.length + k], 4);
      }
    });

    // Other noise for the second to act: those after it see that, the first does not, and nobody decentralised.
    const noise = inputs.noise.map((own, i) => (i === order[1] ? own.map((x) => 3 - x) : own));
    const other = empty();
    await policy.act({ ...inputs, noise }, other);
    expect(other.logProbs[order[0]]).toEqual(done.logProbs[order[0]]);
    expect(other.actions[order[1]]).not.toEqual(done.actions[order[1]]);
    const third = [other, done].map(({ actions, logProbs }) => [...actions[order[2]], ...logProbs[order[2]]].join());
    expect(third[0] === third[1]).toBe(decentralized);

    const loaded = await loadPolicy(exportPolicy(definition), numEnvs);
    const again = empty();
    await loaded.act(inputs, again);
    for (const key of ["actions", "logProbs", "hidden"] as const) {
      again[key].forEach((array, i) => {
        array.forEach((x, k) => {
          expect(x, key).toBeCloseTo(done[key][i][k], 4);
        });
      });
    }
    await Promise.all([policy, all, loaded].map((owned) => owned.release()));
  },
);

test("what can't be one sequence is refused in one line", () => {
  const make = (spaces: readonly Space[], heads: number) =>
    transformer(
      teamWith(spaces),
      policySettingsSchema.parse({ hidden: 8 }),
      { blocks: 1, heads, decentralized: false },
      spaces.map((_, i) => i),
    );
  expect(() => make([discrete(2), box(1)], 1)).toThrow(
    "agent_0 has a discrete action space, agent_1 a box one; agents of one transformer need actions of one kind",
  );
  expect(() => make([box(1)], 3)).toThrow("algorithm.heads is 3, must divide policy.hidden, 8");
});
