/** @file One battle as a `ParallelEnv`. */

import { Random } from "../../random.ts";
import { agentsInOrder } from "../agents.ts";
import type { ParallelEnv } from "../env.ts";
import { createMoment } from "../moment.ts";
import { vectorSize } from "../spaces.ts";
import type { Battles } from "./battles.ts";
import { type BattlesSnapshot, restoreBattles, snapshotBattles, writeSituation } from "./vector.ts";

/**
 * One battle.
 * @param id for errors
 * @param battles of one battle
 */
export function battleParallelEnv(id: string, battles: Battles): ParallelEnv {
  const { team } = battles;
  const { agents, observationSpaces, actionSpaces, stateSpace } = team;
  const moment = createMoment(team, 1);
  const actions = actionSpaces.map((space) => new Float32Array(vectorSize(space)));
  battles.draws[0] = new Random(0);

  const { place, byAgent, writeAction } = agentsInOrder(id, team);
  const observations = () => byAgent((i) => moment.observations[i].slice());

  return {
    agents,
    get activeAgents() {
      return agents.filter((_, i) => moment.active[i] === 1);
    },
    hasWins: true,
    stateSpace,
    observationSpace: (agent) => observationSpaces[place(agent)],
    actionSpace: (agent) => actionSpaces[place(agent)],
    reset({ seed } = {}) {
      if (seed !== undefined) battles.draws[0] = new Random(seed);
      battles.begin(0);
      writeSituation(battles, 0, moment);
      return { observations: observations(), infos: byAgent(() => ({})) };
    },
    step(taken) {
      agents.forEach((agent, i) => {
        if (moment.active[i] === 1) writeAction(i, taken[agent], actions[i]);
      });
      battles.advance(0, actions, moment);
      writeSituation(battles, 0, moment);
      const over = moment.terminations[0] === 1;
      const truncated = moment.truncations[0] === 1;
      const info = over || truncated ? { won: moment.wins[0] === 1 } : {};
      return {
        observations: observations(),
        rewards: byAgent(() => moment.rewards[0]),
        // The dead are done; the living are when the battle is.
        terminations: byAgent((i) => over || moment.active[i] === 0),
        truncations: byAgent((i) => truncated && moment.active[i] === 1),
        infos: byAgent(() => info),
      };
    },
    state: () => moment.states.slice(),
    actionMask(agent) {
      const mask = moment.actionMasks[place(agent)];
      return mask.length > 0 ? mask.slice() : undefined;
    },
    snapshot: () => snapshotBattles(battles),
    restore(snapshot) {
      restoreBattles(battles, snapshot as BattlesSnapshot);
      writeSituation(battles, 0, moment);
    },
  };
}
