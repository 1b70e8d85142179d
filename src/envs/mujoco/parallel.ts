/** @file One copy of a MuJoCo task behind the parallel interface. */

import { agentsInOrder } from "../agents.ts";
import type { ParallelEnv } from "../env.ts";
import { createMoment } from "../moment.ts";
import { allocateCopies, type CopiesSnapshot, createCopies, restoreCopies, snapshotCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import type { MujocoOptions } from "./options.ts";
import { createTask } from "./task.ts";

/**
 * One copy of a task.
 * @param id as in `findRobot`
 * @throws InputError if there is no such robot or factorisation
 */
export async function createParallelEnv(id: string, options: MujocoOptions): Promise<ParallelEnv> {
  const task = createTask(findRobot(id, options), options);
  const { agents, observationSpaces, actionSpaces, stateSpace } = task.team;
  const ordinary = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);
  const memory = allocateCopies(task, 1, ordinary);
  const moment = createMoment(task.team, 1);
  const actions = task.motors.map(({ length }) => new Float32Array(length));
  const copies = await createCopies(task, memory);

  const { place, byAgent, writeAction } = agentsInOrder(id, task.team);
  const observations = () => byAgent((i) => moment.observations[i].slice());

  return {
    agents,
    stateSpace,
    observationSpace: (agent) => observationSpaces[place(agent)],
    actionSpace: (agent) => actionSpaces[place(agent)],
    reset({ seed } = {}) {
      if (seed !== undefined) {
        memory.seed[0] = seed;
        memory.episodes[0] = 0;
      }
      copies.begin(0, moment);
      return { observations: observations(), infos: byAgent(() => ({})) };
    },
    step(taken) {
      agents.forEach((agent, i) => {
        writeAction(i, taken[agent], actions[i]);
      });
      const divergences = memory.divergences[0];
      copies.advance(0, actions, moment);
      const diverged = memory.divergences[0] > divergences;
      return {
        observations: observations(),
        rewards: byAgent(() => moment.rewards[0]),
        terminations: byAgent(() => moment.terminations[0] === 1),
        truncations: byAgent(() => moment.truncations[0] === 1),
        infos: byAgent(() => ({ diverged })),
      };
    },
    state: () => moment.states.slice(),
    snapshot: () => snapshotCopies(memory, moment),
    restore: (snapshot) => restoreCopies(snapshot as CopiesSnapshot, memory, moment),
    close: () => copies.release(),
  };
}
