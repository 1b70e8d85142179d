/** @file One step of a whole team at once: one graph holds all agents, and one backward pass yields every gradient. */

import { withGradientOf } from "../compile/gradients.ts";
import type { ArraySpec, Traced } from "../compile/index.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import type { Schedule } from "../nn/schedules.ts";
import type { ActorModel } from "../policy/actor.ts";
import {
  type ActorObjective,
  type ActorStepSettings,
  actorInputs,
  actorSampleSpecs,
  LOSS_METRICS,
  objectiveValue,
} from "./actor-step.ts";
import type { SampleLoss } from "./gradient.ts";
import type { Arrays, Samples } from "./minibatch.ts";
import { compileStep, type StepProgram } from "./step.ts";

/** A team, as a program that holds all of it sees it. */
export interface Team {
  /** σ */
  readonly order: readonly number[];
  /** Whether σ holds for every sample; else who looks at whom is data, and anybody may look at anybody. */
  readonly ordered: boolean;
  /** By agent */
  readonly models: readonly ActorModel[];
  /** By agent: which network its parameters are */
  readonly networkOf: readonly number[];
}

export interface SimultaneousSettings extends ActorStepSettings, TeamLossSettings {}

interface TeamLossSettings {
  /** ε; M is clipped to 1 ± ε/2 */
  readonly clip: number;
  /**
   * `direct`: an action's own conditioning inputs are what was done, so that feedback is Theorem 1's direct term.
   * `full`: they follow from θ and ε as well, and feedback also runs through the reactions in between.
   */
  readonly chain: "direct" | "full";
  /** λ; where it is 0 for good, agents look at what was done, and nobody hears anything. */
  readonly peerCoef: Schedule;
}

/** All agents' samples as one: fields are named `${agent}.${field}`. */
export function joinSamples<T>(samples: readonly Samples<T>[]): Samples<T> {
  const join = (group: "rows" | "sequences" | "fixed"): Arrays<T> =>
    Object.fromEntries(
      samples.flatMap((own, agent) => Object.entries(own[group]).map(([name, array]) => [`${agent}.${name}`, array])),
    );
  return { rows: join("rows"), sequences: join("sequences"), fixed: join("fixed") };
}

function samplesOf<T>(joined: Samples<T>, agent: number): Samples<T> {
  const own = (arrays: Arrays<T>): Arrays<T> => {
    const prefix = `${agent}.`;
    const fields = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries(fields.map(([name, array]) => [name.slice(prefix.length), array]));
  };
  return { rows: own(joined.rows), sequences: own(joined.sequences), fixed: own(joined.fixed) };
}

/** x in the forward pass, λx in the backward pass. */
const scaleGradient = (x: Traced, scale: Traced): Traced => withGradientOf(x, x.mul(scale));

/**
 * −Σ_j mean(objective_j + c_H · entropy_j). Agent j's log-probability is taken at its stored action, and sees each
 * predecessor i's action as g(θ_i, ε_i), through which its gradient, times λ, goes on to θ_i.
 */
export function teamLoss(
  { order, ordered, models, networkOf }: Team,
  objective: ActorObjective,
  { clip, chain, peerCoef }: TeamLossSettings,
): SampleLoss {
  return (parameters, joined, scalars, sequences) => {
    const samples = models.map((_, agent) => samplesOf(joined, agent));
    const stored = samples.map(({ rows }) => lax.stopGradient(rows.actions));
    const forward = (i: number, acted: readonly Traced[], seen: (action: Traced) => Traced) => {
      const inputs = actorInputs(samples[i]);
      const looking = models[i].conditioned ? { ...inputs, jointActions: np.concatenate(acted.map(seen), 1) } : inputs;
      return models[i].forward(parameters[networkOf[i]], looking, sequences).distribution;
    };
    // The compiler sees that these are one forward pass; they differ in where gradients go.
    const alone = (i: number, acted: readonly Traced[]) => forward(i, acted, lax.stopGradient);
    const hears = peerCoef !== 0;
    const heard = (i: number, acted: readonly Traced[]) =>
      hears ? forward(i, acted, (a) => scaleGradient(a, scalars.peerCoef)) : alone(i, acted);
    const drawn = (i: number, acted: readonly Traced[]): Traced => {
      const { noise, weights } = samples[i].rows;
      const sample = forward(i, chain === "full" ? acted : stored, (action) => action).sample(noise);
      // Who is not active drew nothing that could be drawn otherwise: nothing goes back to it.
      const acts = weights.reshape([-1, 1]);
      return sample.mul(acts).add(stored[i].mul(np.subtract(1, acts)));
    };
    let acted = stored;
    // Without an order, everybody acts at once: in the full chain again and again, until what they see of each other settles.
    const times = ordered || !hears ? 0 : chain === "full" ? models.length : 1;
    for (let time = 0; time < times; time++) {
      const before = acted;
      acted = models.map((_, i) => drawn(i, before));
    }
    const terms: { logProb: Traced; logRatio: Traced; entropy: Traced }[] = [];
    for (const i of order) {
      const { rows } = samples[i];
      const logProb = heard(i, acted).logProb(rows.actions);
      const logRatio = logProb.sub(rows.oldLogProbs).mul(rows.weights);
      terms[i] = { logProb, logRatio, entropy: alone(i, acted).entropy() };
      if (ordered && hears) acted = acted.with(i, drawn(i, acted));
    }
    const logJoint = terms.map(({ logRatio }) => lax.stopGradient(logRatio)).reduce((sum, own) => sum.add(own));
    let loss = np.array(0);
    let metrics = np.zeros([4]);
    models.forEach((_, i) => {
      const { logProb, logRatio, entropy } = terms[i];
      const { advantages, weights } = samples[i].rows;
      const ratio = np.exp(logRatio);
      const others = np.exp(logJoint.sub(lax.stopGradient(logRatio)));
      const correction = np.clip(others, 1 - clip / 2, 1 + clip / 2);
      const share = weights.div(scalars[`count${i}`]);
      const value = objectiveValue(objective, { logProb, ratio, advantage: advantages, correction, peer: np.array(0) });
      const gain = value.mul(share).sum();
      const spread = entropy.mul(share).sum();
      loss = loss.sub(gain.add(spread.mul(scalars.entropyCoef)));
      const clipped = np
        .greater(np.abs(ratio.sub(1)), clip)
        .astype(ratio.dtype)
        .mul(share)
        .sum();
      const kl = ratio.sub(1).sub(logRatio).mul(share).sum();
      metrics = metrics.add(np.stack([gain.neg(), spread, clipped, kl]).div(models.length));
    });
    return [loss, lax.stopGradient(metrics)];
  };
}

/** The fields of the team's samples. */
export const teamSampleSpecs = ({ models }: Team, sequences: Sequences): Samples<ArraySpec> =>
  joinSamples(
    models.map((model) => {
      const specs = actorSampleSpecs(model, {}, sequences);
      return { ...specs, rows: { ...specs.rows, noise: specs.rows.actions } };
    }),
  );

/**
 * A program that takes one step of Adam with every network of the team. It reports `actorMetrics`, averaged over
 * agents.
 */
export function compileTeamStep(
  team: Team,
  objective: ActorObjective,
  settings: SimultaneousSettings,
  sequences: Sequences,
): Promise<StepProgram> {
  const { peerCoef, entropyCoef, learningRate } = settings;
  const networks = Math.max(...team.networkOf) + 1;
  return compileStep(
    {
      name: "team step",
      layouts: Array.from({ length: networks }, (_, k) => team.models[team.networkOf.indexOf(k)].layout),
      loss: teamLoss(team, objective, settings),
      sampleSpecs: (part) => teamSampleSpecs(team, part),
      sequences,
      schedules: { peerCoef, entropyCoef },
      counts: Object.fromEntries(team.models.map((_, agent) => [`count${agent}`, `${agent}.weights`])),
      learningRate,
      settings,
    },
    LOSS_METRICS,
  );
}
