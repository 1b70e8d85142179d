/** @file In which order agents act, and who conditions on whose action. */

import { InputError } from "../errors.ts";
/** F and B of the paper: who an agent's policy conditions on, and who conditions on it. Agents are indices. */
export interface Dependencies {
  /**
   * `fixed`: what follows holds for all of training. `shuffled`: each iteration draws an order of its own. `learned`: a
   * generator draws a graph in every step. With the latter two, this is what may be: anybody may look at anybody.
   */
  readonly kind: "fixed" | "shuffled" | "learned";
  /** σ: the agents, first to act first; by index where it changes. */
  readonly order: readonly number[];
  /** F(i), forward dependencies: the agents whose actions agent i's policy conditions on; ascending. */
  readonly predecessors: readonly (readonly number[])[];
  /** B(i), backward dependents: the agents whose policies condition on agent i's action; ascending. */
  readonly dependents: readonly (readonly number[])[];
}

/** How a configuration says it. */
export interface DependencySettings {
  /** A permutation of 0 … n − 1; `shuffled`: one drawn per iteration; absent: by index, or as the dependencies need. */
  readonly order?: readonly number[] | "shuffled" | undefined;
  /**
   * `all`: on every agent that acted before; `none`: on nobody; `learned`: on whom a generator says; else, for each
   * agent, a list of agents: any acyclic graph.
   */
  readonly dependencies?: "all" | "none" | "learned" | readonly (readonly number[])[] | undefined;
}

const agentsOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * The dependencies of a team of `count` agents.
 * @throws InputError if the order is not a permutation, or an agent would condition on one that acts later or, without
 *   an order, on itself by way of others
 */
export function resolveDependencies(count: number, settings: DependencySettings): Dependencies {
  const agents = agentsOf(count);
  const { order: given, dependencies: wanted = "all" } = settings;
  if (given === "shuffled" || wanted === "learned") {
    if (given === "shuffled" && wanted !== "all") {
      const shown = JSON.stringify(wanted);
      throw new InputError(`policy.order is shuffled, so policy.dependencies must be all (or absent); it is ${shown}`);
    }
    if (given !== undefined && given !== "shuffled") {
      throw new InputError(`policy.order is [${given}], must be absent where policy.dependencies is learned`);
    }
    const others = agents.map((agent) => agents.filter((other) => other !== agent));
    return {
      kind: given === "shuffled" ? "shuffled" : "learned",
      order: agents,
      predecessors: others,
      dependents: others,
    };
  }
  if (given && (given.length !== count || agents.some((agent) => !given.includes(agent)))) {
    throw new InputError(`policy.order is [${given}], must be a permutation of the agents 0 to ${count - 1}`);
  }
  if (wanted === "none") return fixed(given ?? agents, () => []);
  if (wanted === "all") return fixed(given ?? agents, before(given ?? agents));
  if (wanted.length !== count) {
    throw new InputError(
      `policy.dependencies has ${wanted.length} lists, must have one for each of the ${count} agents`,
    );
  }
  const order = given ?? topologicalOrder(wanted);
  return fixed(order, (agent) => {
    const earlier = before(order)(agent);
    const late = wanted[agent].find((other) => !earlier.includes(other));
    if (late !== undefined) {
      throw new InputError(
        `policy.dependencies[${agent}] has ${late}, must be agents that act before agent ${agent}: [${earlier}]`,
      );
    }
    return earlier.filter((other) => wanted[agent].includes(other));
  });
}

/** Every agent that acts before `agent`, ascending. */
const before =
  (order: readonly number[]) =>
  (agent: number): number[] =>
    order.slice(0, order.indexOf(agent)).sort((a, b) => a - b);

function fixed(order: readonly number[], predecessorsOf: (agent: number) => readonly number[]): Dependencies {
  const agents = agentsOf(order.length);
  const predecessors = agents.map(predecessorsOf);
  return {
    kind: "fixed",
    order,
    predecessors,
    dependents: agents.map((agent) => agents.filter((other) => predecessors[other].includes(agent))),
  };
}

/** Everyone on all who act before. */
export const totalOrder = (order: readonly number[]): Dependencies => fixed(order, before(order));

/** Each agent after all those that it conditions on; of several that could be next, the first by index. */
function topologicalOrder(dependencies: readonly (readonly number[])[]): number[] {
  const agents = agentsOf(dependencies.length);
  const order: number[] = [];
  while (order.length < agents.length) {
    const next = agents.find(
      (agent) => !order.includes(agent) && dependencies[agent].every((other) => order.includes(other)),
    );
    if (next === undefined) {
      const waiting = agents.filter((agent) => !order.includes(agent));
      const strange = waiting.flatMap((i) => dependencies[i].filter((other) => other >= agents.length));
      if (strange.length > 0) {
        throw new InputError(
          `policy.dependencies has ${strange[0]}, must be lists of the agents 0 to ${agents.length - 1}`,
        );
      }
      throw new InputError(`policy.dependencies must have no cycle; nobody of the agents [${waiting}] can act first`);
    }
    order.push(next);
  }
  return order;
}
