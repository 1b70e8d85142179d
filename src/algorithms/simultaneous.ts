/** @file One step of a whole team at once: one graph holds all agents, and one backward pass yields every gradient. */

import { withGradientOf } from "../compile/gradients.ts";
import { type ArraySpec, compile, float32, type Program, type Traced, type Tree } from "../compile/index.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import { scheduled } from "../nn/schedules.ts";
import type { ActorModel } from "../policy/actor.ts";
import { type ActorObjective, type ActorStepSettings, actorInputs, actorSampleSpecs } from "./actor-step.ts";
import { lossGradients, type SampleLoss } from "./gradient.ts";
import type { Arrays, Samples } from "./minibatch.ts";
import { networkSpecs, optimize } from "./network.ts";

/** A team, as a program that holds all of it sees it. */
export interface Team {
  /** σ */
  readonly order: readonly number[];
  /** By agent */
  readonly models: readonly ActorModel[];
  /** By agent: which network its parameters are */
  readonly networkOf: readonly number[];
}

export interface SimultaneousSettings extends ActorStepSettings {
  /** ε; M is clipped to 1 ± ε/2 */
  readonly clip: number;
  /**
   * `direct`: an action's own conditioning inputs are constants to it, so that feedback is Theorem 1's direct term.
   * `full`: it also runs through the reactions in between.
   */
  readonly chain: "direct" | "full";
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
function teamLoss(
  { order, models, networkOf }: Team,
  objective: ActorObjective,
  { clip, chain }: SimultaneousSettings,
): SampleLoss {
  return (parameters, joined, scalars, sequences) => {
    const samples = models.map((_, agent) => samplesOf(joined, agent));
    const acted = samples.map(({ rows }) => lax.stopGradient(rows.actions));
    const terms: { logProb: Traced; logRatio: Traced; entropy: Traced }[] = [];
    for (const i of order) {
      const { rows } = samples[i];
      const forward = (seen: (action: Traced) => Traced) => {
        const inputs = actorInputs(samples[i]);
        const looking = models[i].conditioned
          ? { ...inputs, jointActions: np.concatenate(acted.map(seen), 1) }
          : inputs;
        return models[i].forward(parameters[networkOf[i]], looking, sequences).distribution;
      };
      // The compiler sees that these are one forward pass; they differ in where gradients go.
      const alone = forward(lax.stopGradient);
      const heard = forward((action) => scaleGradient(action, scalars.peerCoef));
      const logProb = heard.logProb(rows.actions);
      terms[i] = { logProb, logRatio: logProb.sub(rows.oldLogProbs).mul(rows.weights), entropy: alone.entropy() };
      acted[i] = (chain === "full" ? forward((action) => action) : alone).sample(rows.noise);
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
      const value = objective.value({ logProb, ratio, advantage: advantages, correction, peer: np.array(0) });
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
      const specs = actorSampleSpecs(model, { usesCorrection: false, usesFeedback: false }, sequences);
      return { ...specs, rows: { ...specs.rows, noise: specs.rows.actions } };
    }),
  );

/** Inside traced code: the gradient [P] of each network of the team, and the metrics [4] that go with them. */
export function teamGradients(
  team: Team,
  objective: ActorObjective,
  settings: SimultaneousSettings,
  inputs: {
    readonly thetas: readonly Traced[];
    readonly samples: Samples<Traced>;
    readonly peerCoef: Traced;
    readonly entropyCoef: Traced;
  },
  sequences: Sequences,
): { readonly gradients: readonly Traced[]; readonly metrics: Traced } {
  const layouts = inputs.thetas.map((_, network) => team.models[team.networkOf.indexOf(network)].layout);
  const counts = team.models.map((_, i) => [`count${i}`, np.maximum(inputs.samples.rows[`${i}.weights`].sum(), 1)]);
  const { peerCoef, entropyCoef } = inputs;
  const scalars: Arrays<Traced> = { peerCoef, entropyCoef, ...Object.fromEntries(counts) };
  return lossGradients(
    teamLoss(team, objective, settings),
    layouts,
    { thetas: inputs.thetas, samples: inputs.samples, scalars },
    sequences,
    settings.microBatch,
  );
}

/**
 * A program that takes one step of Adam with every network of the team; run it with `takeStep`, whose networks are
 * named `networks.0`, …. Outputs `metrics`, see `actorMetrics`, averaged over
 * agents.
 */
export function compileTeamStep(
  team: Team,
  objective: ActorObjective,
  settings: SimultaneousSettings,
  sequences: Sequences,
): Promise<Program> {
  const count = Math.max(...team.networkOf) + 1;
  const sizes = Array.from({ length: count }, (_, k) => team.models[team.networkOf.indexOf(k)].layout.size);
  return compile(
    "team step",
    (traced) => {
      const { networks, progress } = traced;
      const samples = traced as unknown as Samples<Traced>;
      const peerCoef = scheduled(settings.peerCoef, progress);
      const thetas = networks.map(({ theta }) => theta);
      const entropyCoef = scheduled(settings.entropyCoef, progress);
      const inputs = { thetas, samples, peerCoef, entropyCoef };
      const { gradients, metrics } = teamGradients(team, objective, settings, inputs, sequences);
      const learningRate = scheduled(settings.learningRate, progress);
      const steps = networks.map((network, k) => optimize(network, gradients[k], learningRate, settings));
      const norms = np.stack(steps.map(({ gradientNorm }) => gradientNorm)).mean();
      return {
        networks: steps.map(({ next }) => next as unknown as Tree<Traced>),
        metrics: np.concatenate([metrics, np.stack([norms, peerCoef])]),
      };
    },
    { networks: sizes.map(networkSpecs), progress: float32(), ...teamSampleSpecs(team, sequences) },
  );
}
