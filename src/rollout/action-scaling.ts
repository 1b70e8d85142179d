/** @file Continuous actions between −1 and 1, spread over the bounds that their spaces have. */

import type { TeamSpec, VectorEnv } from "../envs/env.ts";
import type { FeatureScaling } from "./normalizer.ts";

/**
 * By agent, what is done to each element x of its action, (x − shift) · scale, so that −1 and 1 become its bounds; an
 * element without two finite bounds is left as it is. Absent for an agent that makes choices.
 */
export function actionScaling({ actionSpaces }: TeamSpec): readonly (FeatureScaling | undefined)[] {
  return actionSpaces.map((space) => {
    if (space.kind === "discrete") return undefined;
    const shift = new Float32Array(space.size);
    const scale = new Float32Array(space.size).fill(1);
    for (let k = 0; k < space.size; k++) {
      const half = (space.high[k] - space.low[k]) / 2;
      if (!(Number.isFinite(half) && half > 0)) continue;
      scale[k] = half;
      shift[k] = -(space.high[k] + space.low[k]) / 2 / half;
    }
    return { shift, scale };
  });
}

/** The same environments, which take actions as policies draw them and see them spread over their bounds. */
export function withScaledActions(env: VectorEnv): VectorEnv {
  const scaling = actionScaling(env.team);
  const buffersFor = (copies: number) =>
    env.team.actionSpaces.map((space) => new Float32Array(space.kind === "box" ? copies * space.size : 0));
  const spread = (actions: readonly Float32Array[], into: readonly Float32Array[]): readonly Float32Array[] =>
    actions.map((taken, agent) => {
      const own = scaling[agent];
      if (!own) return taken;
      const [to, size] = [into[agent], own.shift.length];
      for (let i = 0; i < taken.length; i++) to[i] = (taken[i] - own.shift[i % size]) * own.scale[i % size];
      return to;
    });
  const whole = buffersFor(env.numEnvs);
  return {
    ...env,
    step: (actions, moment) => env.step(spread(actions, whole), moment),
    ...(env.parts && {
      parts: env.parts.map((part, _, { length }) => {
        const own = buffersFor(env.numEnvs / length);
        return { begin: (actions) => part.begin(spread(actions, own)), finish: (moment) => part.finish(moment) };
      }),
    }),
  };
}
