/**
 * @file Games: the agents act at once and share a payoff. One core, seen as a `ParallelEnv` and, fast, as a `VectorEnv`.
 *
 * A game of one step shows its players a constant. One of several steps shows them how far it is and what all did last.
 */

import { agentsInOrder } from "../agents.ts";
import type { ParallelEnv, TeamSpec, VectorEnv, VectorMoment } from "../env.ts";
import { type BoxSpace, box, type Space, vectorSize } from "../spaces.ts";

/** What makes a game. */
export interface Game {
  readonly actionSpaces: readonly Space[];
  /**
   * What all get for what all did.
   * @param actions by agent: [N, vector size], one-hot for choices
   * @param row which of the N
   */
  payoff(actions: readonly Float32Array[], row: number): number;
  /** The highest payoff, where an episode that gets it at every step counts as won. */
  readonly best?: number;
}

const agentNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `agent_${i}`);

/** See the family's README for the table. */
function observationSpaceOf(agents: readonly string[], actionSpaces: readonly Space[], steps: number): BoxSpace {
  if (steps === 1) return box(1, 1, 1, ["constant 1"]);
  const low = [1, 0];
  const high = [1, 1];
  const labels = ["constant 1", "part of the episode that is over"];
  actionSpaces.forEach((space, i) => {
    for (let k = 0; k < vectorSize(space); k++) {
      low.push(space.kind === "discrete" ? 0 : space.low[k]);
      high.push(space.kind === "discrete" ? 1 : space.high[k]);
      labels.push(`${agents[i]}'s last action, element ${k}`);
    }
  });
  return box(low.length, low, high, labels);
}

function teamOfGame({ actionSpaces, best }: Game, steps: number): TeamSpec {
  const agents = agentNames(actionSpaces.length);
  const observationSpace = observationSpaceOf(agents, actionSpaces, steps);
  return {
    agents,
    actionSpaces,
    observationSpaces: agents.map(() => observationSpace),
    stateSpace: observationSpace,
    hasActionMasks: false,
    hasInactiveAgents: false,
    hasWins: best !== undefined,
  };
}

/** N copies of a game whose episodes take `steps` steps. */
export function gameVectorEnv(game: Game, steps: number, numEnvs: number): VectorEnv {
  const team = teamOfGame(game, steps);
  const { size } = team.stateSpace;
  const step = new Int32Array(numEnvs);
  const best = new Uint8Array(numEnvs).fill(1);
  // What all observe, and the state: [N, size].
  const situations = new Float32Array(numEnvs * size);
  const sizes = game.actionSpaces.map(vectorSize);

  const begin = (e: number): void => {
    step[e] = 0;
    best[e] = 1;
    situations.fill(0, e * size, (e + 1) * size);
    situations[e * size] = 1;
  };
  const advance = (actions: readonly Float32Array[], e: number): void => {
    if (steps === 1) return;
    situations[e * size + 1] = step[e] / steps;
    let to = e * size + 2;
    for (let i = 0; i < sizes.length; i++)
      for (let k = 0; k < sizes[i]; k++) situations[to++] = actions[i][e * sizes[i] + k];
  };
  const copyRow = (e: number, observations: readonly Float32Array[], states: Float32Array): void => {
    for (let k = e * size; k < (e + 1) * size; k++) {
      const value = situations[k];
      for (let i = 0; i < observations.length; i++) observations[i][k] = value;
      states[k] = value;
    }
  };
  const writeMoment = (moment: VectorMoment): void => {
    for (const observations of moment.observations) observations.set(situations);
    moment.states.set(situations);
    for (const mask of moment.actionMasks) mask.fill(1);
    moment.active.fill(1);
  };

  return {
    numEnvs,
    team,
    reset(_seed, moment) {
      for (let e = 0; e < numEnvs; e++) begin(e);
      writeMoment(moment);
    },
    step(actions, moment) {
      for (let e = 0; e < numEnvs; e++) {
        const payoff = game.payoff(actions, e);
        if (payoff !== game.best) best[e] = 0;
        step[e] += 1;
        advance(actions, e);
        moment.rewards[e] = payoff;
        moment.terminations[e] = 0;
        moment.truncations[e] = 0;
        if (step[e] === steps) {
          moment.terminations[e] = 1;
          moment.wins[e] = best[e];
          copyRow(e, moment.finalObservations, moment.finalStates);
          begin(e);
        }
      }
      writeMoment(moment);
    },
    snapshot: () => ({ step: [...step], best: [...best], situations: [...situations] }),
    restore(snapshot, moment) {
      const saved = snapshot as Readonly<Record<"step" | "best" | "situations", readonly number[]>>;
      step.set(saved.step);
      best.set(saved.best);
      situations.set(saved.situations);
      writeMoment(moment);
    },
    close() {},
  };
}

/** One copy of a game, whose episodes take `steps` steps. */
export function gameEnv(id: string, game: Game, steps: number): ParallelEnv {
  const team = teamOfGame(game, steps);
  const { agents, observationSpaces, actionSpaces, stateSpace } = team;
  const { place, byAgent, writeAction } = agentsInOrder(id, team);
  const vectors = actionSpaces.map((space) => new Float32Array(vectorSize(space)));
  let state = new Float32Array(stateSpace.size);
  let step = 0;
  let best = true;

  return {
    agents,
    stateSpace,
    hasWins: game.best !== undefined,
    observationSpace: (agent) => observationSpaces[place(agent)],
    actionSpace: (agent) => actionSpaces[place(agent)],
    reset() {
      step = 0;
      best = true;
      state = new Float32Array(stateSpace.size);
      state[0] = 1;
      return { observations: byAgent(() => state), infos: {} };
    },
    step(actions) {
      agents.forEach((agent, i) => {
        writeAction(i, actions[agent], vectors[i]);
      });
      const payoff = game.payoff(vectors, 0);
      best &&= payoff === game.best;
      step += 1;
      const ended = step === steps;
      if (steps > 1) state = Float32Array.from([1, step / steps, ...vectors.flatMap((vector) => [...vector])]);
      return {
        observations: byAgent(() => state),
        rewards: byAgent(() => payoff),
        terminations: byAgent(() => ended),
        truncations: byAgent(() => false),
        infos: ended ? byAgent(() => ({ won: best })) : {},
      };
    },
    state: () => state,
    snapshot: () => ({ step, best, state: [...state] }),
    restore(snapshot) {
      const saved = snapshot as { step: number; best: boolean; state: readonly number[] };
      step = saved.step;
      best = saved.best;
      state = Float32Array.from(saved.state);
    },
  };
}
