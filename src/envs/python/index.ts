/** @file Environments in Python, by the name of their module: `py:mpe2.simple_spread_v3`. */

import { z } from "zod";
import { agentsInOrder } from "../agents.ts";
import { defineEnvironment, type EnvironmentDefinition } from "../definition.ts";
import type { Action, ParallelEnv, StepResult, VectorEnv } from "../env.ts";
import { createMoment } from "../moment.ts";
import { vectorSize } from "../spaces.ts";
import { createPythonVectorEnv } from "./vector.ts";

/** Options of every environment that Python steps. */
export const processOptions = {
  python: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("the Python to run, which has NumPy and the environment's package; null: BPTA_PYTHON, or else python3"),
  timeLimitSeconds: z
    .number()
    .positive()
    .default(60)
    .describe(
      "seconds that a process may take to step its copies once, before it is replaced (and to make them, at least 60)",
    ),
  maxRestarts: z
    .int()
    .min(0)
    .default(5)
    .describe("processes that may crash or hang, and be replaced, within 1,000 steps before the run stops"),
};

const optionsSchema = z.strictObject({
  args: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("keyword arguments of what makes the environment, such as { N: 3, max_cycles: 25 }"),
  ...processOptions,
});

type PythonOptions = z.output<typeof optionsSchema>;

/** `py:module` or `py:module:factory`. */
const pattern = /^py:([A-Za-z_][\w.]*)(?::(.+))?$/;

function settingsOf(id: string, options: PythonOptions) {
  const [, module, variant] = pattern.exec(id)!;
  return { id, module, variant: variant ?? null, ...options };
}

/** A `VectorEnv` of one copy, by the interface that people write; all agents are given the team's reward. */
export function pythonParallelEnv(id: string, vector: VectorEnv): ParallelEnv {
  const { team } = vector;
  const { place, byAgent, writeAction } = agentsInOrder(id, team);
  const moment = createMoment(team, 1);
  const actions = team.actionSpaces.map((space) => new Float32Array(vectorSize(space)));
  let state = moment.states;
  /** Whether the next episode, without a seed, has begun already. */
  let begun = false;
  let ended = false;
  const copies = (arrays: readonly Float32Array[]) => byAgent((i) => arrays[i].slice());
  return {
    agents: team.agents,
    get activeAgents() {
      return ended ? [] : team.agents.filter((_, i) => moment.active[i] === 1);
    },
    hasWins: team.hasWins,
    observationSpace: (agent) => team.observationSpaces[place(agent)],
    actionSpace: (agent) => team.actionSpaces[place(agent)],
    stateSpace: team.stateSpace,
    reset({ seed } = {}) {
      if (seed !== undefined || !begun) void vector.reset(seed ?? 0, moment);
      begun = true;
      ended = false;
      state = moment.states;
      return { observations: copies(moment.observations), infos: byAgent(() => ({})) };
    },
    step(taken: Readonly<Record<string, Action>>): StepResult {
      const acting = team.agents.filter((_, i) => moment.active[i] === 1);
      team.agents.forEach((agent, i) => {
        const action = taken[agent];
        // What the environment does without an agent is its own affair.
        if (action === undefined) actions[i].fill(0);
        else writeAction(i, action, actions[i]);
      });
      void vector.step(actions, moment);
      const [terminated, truncated] = [moment.terminations[0] === 1, moment.truncations[0] === 1];
      ended = terminated || truncated;
      state = ended ? moment.finalStates : moment.states;
      const of = <T>(value: T) => Object.fromEntries(acting.map((agent) => [agent, value]));
      return {
        observations: copies(ended ? moment.finalObservations : moment.observations),
        rewards: of(moment.rewards[0]),
        terminations: of(terminated),
        truncations: of(truncated),
        infos: of(ended && team.hasWins ? { won: moment.wins[0] === 1 } : {}),
      };
    },
    state: () => state,
    ...(team.hasActionMasks && {
      actionMask: (agent: string) => {
        const mask = moment.actionMasks[place(agent)];
        return mask.length > 0 ? mask : undefined;
      },
    }),
    close: () => void vector.close(),
  };
}

/** Environments of modules whose ids look alike. */
const pythonEnvironment = (
  definition: Required<Pick<EnvironmentDefinition, "id" | "pattern" | "description" | "preset">>,
) =>
  defineEnvironment({
    ...definition,
    family: "python",
    optionsSchema,
    make: (id, options) =>
      pythonParallelEnv(id, createPythonVectorEnv({ ...settingsOf(id, options), numEnvs: 1, processes: 1 })),
    makeVector: (id, { numEnvs, workers, options }) =>
      createPythonVectorEnv({ ...settingsOf(id, options), numEnvs, processes: workers }),
  });

export const python = [
  pythonEnvironment({
    id: "py:mpe2.scenario",
    pattern: /^py:(?:mpe2|pettingzoo\.mpe)\.\w+(?::\w+)?$/,
    description: "Multi-Agent Particle Environments: agents in a plane that cover, meet, chase or tell each other.",
    // Measured on simple_spread: docs/results/simple-spread.md.
    preset: {
      algorithm: { epochs: 10, minibatches: 8, gamma: 0.9 },
      policy: { featureNormalization: false },
      critic: { featureNormalization: false },
      rollout: { environments: 32, length: 100, workers: 2 },
    },
  }),
  pythonEnvironment({
    id: "py:module[:factory]",
    pattern,
    description: "An environment in Python: PettingZoo's, Gymnasium's, or what an adapter makes of it.",
    preset: { rollout: { environments: 8, length: 100, workers: 2 } },
  }),
];
