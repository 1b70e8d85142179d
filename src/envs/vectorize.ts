/** @file Many copies of a `ParallelEnv` as one `VectorEnv`. */

import { Random } from "../random.ts";
import type { Action, EpisodeInfo, ParallelEnv, StepResult, TeamSpec, VectorEnv, VectorMoment } from "./env.ts";
import { meanNumbers } from "./infos.ts";
import { createSvgRecorder } from "./pictures.ts";
import { type Space, vectorSize } from "./spaces.ts";

/** What the team of `env` looks like from outside. */
export function teamOf(env: ParallelEnv): TeamSpec {
  return {
    agents: env.agents,
    observationSpaces: env.agents.map((agent) => env.observationSpace(agent)),
    actionSpaces: env.agents.map((agent) => env.actionSpace(agent)),
    stateSpace: env.stateSpace,
    hasActionMasks: env.actionMask !== undefined,
    hasInactiveAgents: env.activeAgents !== undefined,
    hasWins: env.hasWins ?? false,
  };
}

/** The seed from which environment `index` draws its random numbers when all are started from `seed`. */
export const environmentSeed = (seed: number, index: number): number => new Random(seed).split(index).integer(2 ** 31);

/** Index of the largest of the `n` elements from `offset`; the first, where several are. */
export function argmax(array: ArrayLike<number>, offset: number, n: number): number {
  let best = 0;
  let most = array[offset];
  for (let k = 1; k < n; k++) {
    const value = array[offset + k];
    if (value > most) {
      best = k;
      most = value;
    }
  }
  return best;
}

/** What is saved of one copy. */
interface CopySnapshot {
  readonly env: unknown;
  /** By agent: whether its episode is over while that of the team goes on. */
  readonly done: readonly boolean[];
  /** By agent: what it observes, which a `ParallelEnv` does not say twice. */
  readonly observations: readonly (readonly number[])[];
}

/** Numbers and booleans of what the agents tell, `won` aside: the mean over those who do. */
const numbersOf = (infos: StepResult["infos"]): Readonly<Record<string, number>> =>
  meanNumbers(
    Object.values(infos).map((info) =>
      Object.fromEntries(
        Object.entries(info ?? {})
          .filter(([name, value]) => name !== "won" && (typeof value === "boolean" || Number.isFinite(value)))
          .map(([name, value]) => [name, Number(value)]),
      ),
    ),
  );

function someNonzero(values: ArrayLike<number>): boolean {
  for (let k = 0; k < values.length; k++) if (values[k] !== 0) return true;
  return false;
}

/**
 * Steps copies of an environment together.
 *
 * - The team's reward is the mean of the rewards that are told. Of an agent whose own episode has ended, nothing counts:
 *   no reward, no truncation, nothing that it would see.
 * - The team's episode ends when there is no agent left to act, because its own has ended or it is not active; it counts
 *   as truncated if any agent was truncated at that last step, and not terminated as well, and as terminated otherwise.
 * - An inactive agent observes what it is told, or else zeros, and its mask allows everything; it is not asked for an
 *   action.
 * - Continuous actions are clipped to the bounds of their space before the environment sees them. The array that it
 *   gets is used again at its next step.
 *
 * @param envs the copies, all alike
 * @param first the number of the first of them among all copies that train, which its seed and errors follow
 * @throws RangeError from `step` and `reset` if an environment returns a wrong number of elements or one that is not
 *   finite, no observation for an agent that is to act, or a mask that allows it nothing
 */
export function vectorize(envs: readonly ParallelEnv[], first = 0): VectorEnv {
  if (envs.length === 0) throw new RangeError("vectorize: there is no environment, must be at least one");
  const team = teamOf(envs[0]);
  const { agents, actionSpaces } = team;
  const done = envs.map(() => agents.map(() => false));
  /** By agent: whether its episode was still going on at the step that is being looked at. */
  const alive = agents.map(() => false);
  const vectors = envs.map(() => actionSpaces.map((space) => new Float32Array(vectorSize(space))));
  let latest: VectorMoment | undefined;
  /** By copy: how its last episode looked at its end; absent while nobody watches. */
  let lastLooks: string[] | undefined;
  let told: EpisodeInfo[] = [];
  /** By copy, by agent: what was observed last. Callers may change what a moment holds. */
  const seen = envs.map(() => team.observationSpaces.map(({ size }) => new Float32Array(size)));

  const writeRow = (e: number, what: string, values: ArrayLike<number>, into: Float32Array, size: number): void => {
    if (values.length !== size)
      throw new RangeError(`environment ${first + e}: ${what} has ${values.length} elements, its space has ${size}`);
    for (let k = 0; k < size; k++) {
      const value = values[k];
      if (!(Math.abs(value) < Infinity)) throw new RangeError(`environment ${first + e}: ${what}[${k}] is ${value}`);
      into[e * size + k] = value;
    }
  };
  const writeState = (e: number, into: Float32Array): void =>
    writeRow(e, "state()", envs[e].state(), into, team.stateSpace.size);
  const writeObservations = (
    e: number,
    observations: Readonly<Record<string, ArrayLike<number> | undefined>>,
    observes: (i: number) => boolean,
    into: readonly Float32Array[],
  ): void => {
    for (let i = 0; i < agents.length; i++) {
      const { size } = team.observationSpaces[i];
      const values = observes(i) ? observations[agents[i]] : undefined;
      if (values) writeRow(e, `observation of ${agents[i]}`, values, into[i], size);
      else into[i].fill(0, e * size, (e + 1) * size);
    }
  };
  const isActive = (e: number, i: number): boolean =>
    !done[e][i] && (!envs[e].activeAgents || envs[e].activeAgents.includes(agents[i]));
  /** What is observed at a moment that goes on, in which whoever is to act observes something. */
  const writeSeen = (e: number, observations: Parameters<typeof writeObservations>[1], moment: VectorMoment): void => {
    const blind = agents.find((agent, i) => observations[agent] === undefined && isActive(e, i));
    if (blind !== undefined)
      throw new RangeError(`environment ${first + e}: observation of ${blind} is missing; it is to act`);
    writeObservations(e, observations, (i) => !done[e][i], moment.observations);
  };
  /** Who can act, what is allowed and the state: what an environment can be asked for at any moment. */
  const writeSituation = (e: number, moment: VectorMoment): void => {
    const env = envs[e];
    team.observationSpaces.forEach(({ size }, i) => {
      seen[e][i].set(moment.observations[i].subarray(e * size, (e + 1) * size));
    });
    for (let i = 0; i < agents.length; i++) {
      const space = actionSpaces[i];
      const active = isActive(e, i);
      moment.active[e * agents.length + i] = active ? 1 : 0;
      if (space.kind !== "discrete") continue;
      const mask = active ? env.actionMask?.(agents[i]) : undefined;
      if (mask) {
        writeRow(e, `action mask of ${agents[i]}`, mask, moment.actionMasks[i], space.n);
        if (!someNonzero(mask))
          throw new RangeError(`environment ${first + e}: action mask of ${agents[i]} allows nothing`);
      } else moment.actionMasks[i].fill(1, e * space.n, (e + 1) * space.n);
    }
    writeState(e, moment.states);
  };
  const begin = (e: number, seed: number | undefined, moment: VectorMoment): void => {
    done[e].fill(false);
    writeSeen(e, envs[e].reset(seed === undefined ? undefined : { seed }).observations, moment);
    writeSituation(e, moment);
  };
  const readAction = (space: Space, from: Float32Array, e: number, into: Float32Array): Action => {
    if (space.kind === "discrete") return argmax(from, e * space.n, space.n);
    for (let k = 0; k < space.size; k++)
      into[k] = Math.min(Math.max(from[e * space.size + k], space.low[k]), space.high[k]);
    return into;
  };
  const stepOne = (e: number, joint: readonly Float32Array[], moment: VectorMoment): void => {
    const env = envs[e];
    const actions: Record<string, Action> = {};
    for (let i = 0; i < agents.length; i++) {
      alive[i] = !done[e][i];
      if (isActive(e, i)) actions[agents[i]] = readAction(actionSpaces[i], joint[i], e, vectors[e][i]);
    }
    const { observations, rewards, terminations, truncations, infos } = env.step(actions);
    let [total, count, truncated, won] = [0, 0, false, false];
    for (let i = 0; i < agents.length; i++) {
      const agent = agents[i];
      const reward = rewards[agent] as number | undefined;
      if (alive[i] && reward !== undefined) {
        if (!Number.isFinite(reward)) throw new RangeError(`environment ${first + e}: reward of ${agent} is ${reward}`);
        total += reward;
        count += 1;
      }
      if (terminations[agent] || truncations[agent]) done[e][i] = true;
      if (alive[i] && truncations[agent] && !terminations[agent]) truncated = true;
      if (infos[agent]?.won === true) won = true;
    }
    const ended = agents.every((_, i) => !isActive(e, i));
    moment.rewards[e] = count > 0 ? total / count : 0;
    moment.terminations[e] = ended && !truncated ? 1 : 0;
    moment.truncations[e] = ended && truncated ? 1 : 0;
    if (ended) {
      if (won && !env.hasWins) {
        throw new TypeError(`environment ${first + e}: infos tell of a win (won: true), but hasWins is not true`);
      }
      moment.wins[e] = won ? 1 : 0;
      told.push({ copy: e, numbers: numbersOf(infos) });
      writeObservations(e, observations, (i) => alive[i], moment.finalObservations);
      writeState(e, moment.finalStates);
      if (lastLooks) lastLooks[e] = env.render!();
      begin(e, undefined, moment);
    } else {
      writeSeen(e, observations, moment);
      writeSituation(e, moment);
    }
  };

  return {
    numEnvs: envs.length,
    team,
    reset(seed, moment) {
      latest = moment;
      told = [];
      for (let e = 0; e < envs.length; e++) begin(e, environmentSeed(seed, first + e), moment);
    },
    step(actions, moment) {
      latest = moment;
      for (let e = 0; e < envs.length; e++) stepOne(e, actions, moment);
    },
    takeInfos() {
      const taken = told;
      told = [];
      return taken;
    },
    snapshot(): readonly CopySnapshot[] | undefined {
      const moment = latest;
      if (!moment || !envs.every((env) => env.snapshot && env.restore)) return undefined;
      return envs.map((env, e) => ({
        env: env.snapshot!(),
        done: [...done[e]],
        observations: seen[e].map((own) => [...own]),
      }));
    },
    restore(snapshot, moment) {
      latest = moment;
      (snapshot as readonly CopySnapshot[]).forEach((copy, e) => {
        envs[e].restore!(copy.env);
        copy.done.forEach((isDone, i) => {
          done[e][i] = isDone;
        });
        for (let i = 0; i < agents.length; i++)
          moment.observations[i].set(copy.observations[i], e * team.observationSpaces[i].size);
        writeSituation(e, moment);
      });
    },
    ...(envs[0].render && {
      async recorder() {
        const looks: string[] = [];
        lastLooks = looks;
        return createSvgRecorder((e, final) => (final ? looks[e] : envs[e].render!()), envs[0].stepsPerSecond);
      },
    }),
    close() {
      for (const env of envs) env.close?.();
    },
  };
}

/** `count` copies, made one after the other. */
export async function makeCopies(
  count: number,
  make: () => ParallelEnv | Promise<ParallelEnv>,
): Promise<readonly ParallelEnv[]> {
  const copies: ParallelEnv[] = [];
  for (let e = 0; e < count; e++) copies.push(await make());
  return copies;
}
