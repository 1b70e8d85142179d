/** @file Agents by name, for environments that keep them in order. */

import type { Action, ByAgent, TeamSpec } from "./env.ts";

export interface Agents {
  /**
   * The place of an agent in the order.
   * @throws RangeError, one line, if there is no such agent
   */
  place(agent: string): number;
  /** A value for each agent, by its name. */
  byAgent<T>(value: (place: number) => T): ByAgent<T>;
  /**
   * Writes the action of the agent at a place as a vector: one-hot for a choice.
   * @throws RangeError, one line, if it is none of its action space
   */
  writeAction(place: number, action: Action | undefined, into: Float32Array): void;
}

/** @param id of the environment, for errors */
export const agentsInOrder = (
  id: string,
  { agents, actionSpaces }: Pick<TeamSpec, "agents" | "actionSpaces">,
): Agents => ({
  place(agent) {
    const i = agents.indexOf(agent);
    if (i < 0) throw new RangeError(`${id} has no agent ${agent} (there are: ${agents.join(", ")})`);
    return i;
  },
  byAgent: (value) => Object.fromEntries(agents.map((agent, i) => [agent, value(i)])),
  writeAction(i, action, into) {
    const space = actionSpaces[i];
    const wrong = (allowed: string): RangeError => {
      const given = typeof action === "object" ? `${action.length} numbers` : String(action);
      return new RangeError(`${id}: action of ${agents[i]} is ${given}, must be ${allowed}`);
    };
    if (space.kind === "discrete") {
      if (!Number.isInteger(action) || (action as number) < 0 || (action as number) >= space.n)
        throw wrong(`a choice from 0 to ${space.n - 1}`);
      into.fill(0);
      into[action as number] = 1;
    } else {
      if (typeof action !== "object" || action.length !== space.size) throw wrong(`a vector of ${space.size}`);
      into.set(action);
    }
  },
});
