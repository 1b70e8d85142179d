/**
 * @file Running normalisation: what agents and critics see, less its mean, over its standard deviation, both over all
 * that was seen so far in training.
 */

import type { TeamSpec, VectorEnv, VectorMoment } from "../envs/env.ts";

/** What is done to each of n features: (x − shift) · scale, held within ± `LIMIT`. */
export interface FeatureScaling {
  readonly shift: Float32Array;
  readonly scale: Float32Array;
}

/** Features this many standard deviations from the mean, or more, look alike. */
export const LIMIT = 10;
/** Added to variances, so that a feature that never changes becomes 0. */
const EPSILON = 1e-8;

export interface Normalizer {
  /** By agent: what is done to its observations now. */
  readonly observations: readonly FeatureScaling[];
  /** Live arrays by name: all that decides how it goes on. */
  readonly state: ReadonlyMap<string, Float64Array>;
  /** The same environments, as seen through it. What is seen counts, if `counts` says so, from the next `refresh` on. */
  wrap(env: VectorEnv, counts: boolean): VectorEnv;
  /** Takes in what was seen since the last time: call it between rollouts, never within one. */
  refresh(): void;
}

/** Mean and variance of n features, and what was seen since they were last taken: four numbers for each. */
interface Statistics {
  readonly size: number;
  /** [1 + 2n]: samples, then means, then sums of squared deviations */
  readonly taken: Float64Array;
  /** [1 + 2n]: samples, then sums, then sums of squares, of what is yet to be taken in; relative to the means */
  readonly pending: Float64Array;
  readonly scaling: FeatureScaling;
}

function createStatistics(size: number): Statistics {
  return {
    size,
    taken: new Float64Array(1 + 2 * size),
    pending: new Float64Array(1 + 2 * size),
    scaling: { shift: new Float32Array(size), scale: new Float32Array(size).fill(1) },
  };
}

/** The scaling that follows from the statistics; before anything was taken in, none. */
function updateScaling({ size, taken, scaling }: Statistics): void {
  const count = taken[0];
  // Of a feature that was always the same, rounding can leave a sum of squares below zero.
  for (let k = 0; k < size; k++) {
    scaling.shift[k] = count > 0 ? taken[1 + k] : 0;
    scaling.scale[k] = count > 0 ? 1 / Math.sqrt(Math.max(taken[1 + size + k] / count, 0) + EPSILON) : 1;
  }
}

/** Chan, Golub & LeVeque 1983: statistics of two sets from those of each. */
function takeIn(statistics: Statistics): void {
  const { size, taken, pending } = statistics;
  const [before, added] = [taken[0], pending[0]];
  if (added === 0) return;
  const count = before + added;
  for (let k = 1; k <= size; k++) {
    // Sums are relative to the mean so far, so the mean's move is a plain average of them.
    const move = pending[k] / count;
    taken[size + k] += pending[size + k] - move * pending[k];
    taken[k] += move;
  }
  taken[0] = count;
  pending.fill(0);
  updateScaling(statistics);
}

/** Counts rows of features; relative to the means so far, so that squares of large numbers don't swallow small ones. */
function count({ size, taken, pending }: Statistics, rows: Float32Array): void {
  for (let i = 0; i < rows.length; i += size) {
    for (let k = 0; k < size; k++) {
      const deviation = rows[i + k] - taken[1 + k];
      pending[1 + k] += deviation;
      pending[1 + size + k] += deviation * deviation;
    }
  }
  pending[0] += rows.length / size;
}

function scaleRow({ shift, scale }: FeatureScaling, rows: Float32Array, row: number): void {
  const size = shift.length;
  for (let k = 0; k < size; k++) {
    const at = row * size + k;
    rows[at] = Math.min(Math.max(Math.fround(Math.fround(rows[at] - shift[k]) * scale[k]), -LIMIT), LIMIT);
  }
}

export function createNormalizer(team: TeamSpec): Normalizer {
  const agents = team.observationSpaces.map(({ size }) => createStatistics(size));
  const critic = createStatistics(team.stateSpace.size);
  const all = [...agents, critic];
  const scaleAll = (moment: VectorMoment): void => {
    for (let e = 0; e < moment.rewards.length; e++) {
      for (let i = 0; i < agents.length; i++) scaleRow(agents[i].scaling, moment.observations[i], e);
      scaleRow(critic.scaling, moment.states, e);
    }
  };
  const countAll = (moment: VectorMoment): void => {
    for (let i = 0; i < agents.length; i++) count(agents[i], moment.observations[i]);
    count(critic, moment.states);
  };
  const state = new Map<string, Float64Array>();
  all.forEach(({ taken, pending }, i) => {
    const name = `normalizer.${i < agents.length ? team.agents[i] : "state"}`;
    state.set(`${name}.taken`, taken);
    state.set(`${name}.pending`, pending);
  });

  return {
    observations: agents.map(({ scaling }) => scaling),
    state,
    refresh() {
      for (const statistics of all) takeIn(statistics);
    },
    wrap(env, counts) {
      const began = (moment: VectorMoment): void => {
        if (counts) countAll(moment);
        scaleAll(moment);
      };
      const stepped = (moment: VectorMoment): void => {
        for (let e = 0; e < moment.rewards.length; e++) {
          if (moment.terminations[e] + moment.truncations[e] === 0) continue;
          for (let i = 0; i < agents.length; i++) scaleRow(agents[i].scaling, moment.finalObservations[i], e);
          scaleRow(critic.scaling, moment.finalStates, e);
        }
        began(moment);
      };
      const after = (done: Promise<void> | void, act: (moment: VectorMoment) => void, moment: VectorMoment) =>
        done ? done.then(() => act(moment)) : act(moment);
      return {
        ...env,
        reset(seed, moment) {
          // Statistics may have been restored, and the environment not.
          for (const statistics of all) updateScaling(statistics);
          return after(env.reset(seed, moment), began, moment);
        },
        step: (actions, moment) => after(env.step(actions, moment), stepped, moment),
        ...(env.parts && {
          parts: env.parts.map((part) => ({
            begin: part.begin,
            finish: (moment: VectorMoment) => after(part.finish(moment), stepped, moment),
          })),
        }),
        restore(snapshot, moment) {
          // What it was seen through then: the state that was restored before.
          for (const statistics of all) updateScaling(statistics);
          return after(env.restore(snapshot, moment), scaleAll, moment);
        },
      };
    },
  };
}
