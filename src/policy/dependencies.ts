/** @file In which order agents act, and who conditions on whose action. */

/** F and B of the paper: who an agent's policy conditions on, and who conditions on it. Agents are indices. */
export interface Dependencies {
  /** σ: the agents, first to act first. */
  readonly order: readonly number[];
  /** F(i), forward dependencies: the agents whose actions agent i's policy conditions on; ascending. */
  readonly predecessors: readonly (readonly number[])[];
  /** B(i), backward dependents: the agents whose policies condition on agent i's action; ascending. */
  readonly dependents: readonly (readonly number[])[];
}

/** How a configuration says it. */
export interface DependencySettings {
  /** A permutation of 0 … n − 1; absent: by index. */
  readonly order?: readonly number[] | undefined;
  /** `all`: on every agent that acted before; `none`: on nobody; else, for each agent, a list of agents. */
  readonly dependencies?: "all" | "none" | readonly (readonly number[])[] | undefined;
}

/**
 * The dependencies of a team of `count` agents.
 * @throws RangeError if the order is not a permutation, or an agent would condition on one that acts later
 */
export function resolveDependencies(count: number, settings: DependencySettings): Dependencies {
  const agents = Array.from({ length: count }, (_, i) => i);
  const order = settings.order ?? agents;
  if (order.length !== count || agents.some((agent) => !order.includes(agent))) {
    throw new RangeError(`policy.order is [${order}], must be a permutation of the agents 0 to ${count - 1}`);
  }
  const before = (agent: number): number[] => order.slice(0, order.indexOf(agent)).sort((a, b) => a - b);
  const predecessors = predecessorsOf(agents, settings.dependencies ?? "all", before);
  return {
    order,
    predecessors,
    dependents: agents.map((agent) => agents.filter((other) => predecessors[other].includes(agent))),
  };
}

function predecessorsOf(
  agents: readonly number[],
  dependencies: NonNullable<DependencySettings["dependencies"]>,
  before: (agent: number) => number[],
): number[][] {
  if (dependencies === "none") return agents.map(() => []);
  if (dependencies === "all") return agents.map(before);
  if (dependencies.length !== agents.length) {
    throw new RangeError(
      `policy.dependencies has ${dependencies.length} lists, must have one for each of the ${agents.length} agents`,
    );
  }
  return agents.map((agent) => {
    const earlier = before(agent);
    const late = dependencies[agent].find((other) => !earlier.includes(other));
    if (late !== undefined) {
      throw new RangeError(
        `policy.dependencies[${agent}] has ${late}, must be agents that act before agent ${agent}: [${earlier}]`,
      );
    }
    return earlier.filter((other) => dependencies[agent].includes(other));
  });
}
