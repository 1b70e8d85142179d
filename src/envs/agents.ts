/** @file Agents by name, for environments that keep them in order. */

import type { ByAgent } from "./env.ts";

export interface Agents {
  /**
   * The place of an agent in the order.
   * @throws RangeError, one line, if there is no such agent
   */
  place(agent: string): number;
  /** A value for each agent, by its name. */
  byAgent<T>(value: (place: number) => T): ByAgent<T>;
}

/** @param id of the environment, for errors */
export const agentsInOrder = (id: string, agents: readonly string[]): Agents => ({
  place(agent) {
    const i = agents.indexOf(agent);
    if (i < 0) throw new RangeError(`${id} has no agent ${agent} (there are: ${agents.join(", ")})`);
    return i;
  },
  byAgent: (value) => Object.fromEntries(agents.map((agent, i) => [agent, value(i)])),
});
