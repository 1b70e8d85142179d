/** @file One step of a whole team at once: one graph holds all agents, and one backward pass yields every gradient. */

import { withGradientOf } from "../compile/gradients.ts";
import type { ArraySpec, Traced, Tree } from "../compile/index.ts";
import { lax, numpy as np } from "../compile/jax.ts";
import type { Sequences } from "../nn/layers.ts";
import type { Schedule } from "../nn/schedules.ts";
import type { ActorInputs, ActorModel } from "../policy/actor.ts";
import {
  type ActorObjective,
  type ActorStepSettings,
  actorInputs,
  actorSampleSpecs,
  LOSS_METRICS,
  objectiveValue,
} from "./actor-step.ts";
import type { SampleLoss } from "./gradient.ts";
import { type Arrays, rowCount, type Samples } from "./minibatch.ts";
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

/** All agents' samples as one: fields are named `${agent}.${field}`. What all did is there as what each did. */
export function joinSamples<T>(samples: readonly Samples<T>[]): Samples<T> {
  const join = (group: "rows" | "sequences" | "fixed"): Arrays<T> =>
    Object.fromEntries(
      samples.flatMap((own, agent) =>
        Object.entries(own[group])
          .filter(([name]) => name !== "jointActions")
          .map(([name, array]) => [`${agent}.${name}`, array]),
      ),
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

/** What the team's policies say of what was done, agent by agent: [n, B] each. */
interface TeamOutputs {
  readonly logProbs: Traced;
  readonly entropies: Traced;
}

/** Agent by agent: each may have a network of its own, and in the full chain each waits for those before it. */
function evaluateEach(
  { order, ordered, models, networkOf }: Team,
  { chain, peerCoef }: TeamLossSettings,
  parameters: readonly Tree<Traced>[],
  samples: readonly Samples<Traced>[],
  weight: Traced,
  sequences: Sequences,
): TeamOutputs {
  const stored = samples.map(({ rows }) => lax.stopGradient(rows.actions));
  const own = models.map((model, i) => {
    const inputs = actorInputs(samples[i]);
    return { inputs, perception: model.perceive(parameters[networkOf[i]], inputs, sequences) };
  });
  const decide = (i: number, acted: readonly Traced[], seen: (action: Traced) => Traced) => {
    const { inputs, perception } = own[i];
    const looking = models[i].conditioned ? { ...inputs, jointActions: np.concatenate(acted.map(seen), 1) } : inputs;
    return models[i].decide(parameters[networkOf[i]], perception, looking);
  };
  // The compiler sees that these are one forward pass; they differ in where gradients go.
  const alone = (i: number, acted: readonly Traced[]) => decide(i, acted, lax.stopGradient);
  const hears = peerCoef !== 0;
  const heard = (i: number, acted: readonly Traced[]) =>
    hears ? decide(i, acted, (a) => scaleGradient(a, weight)) : alone(i, acted);
  const drawn = (i: number, acted: readonly Traced[]): Traced => {
    const { noise, weights } = samples[i].rows;
    const sample = decide(i, chain === "full" ? acted : stored, (action) => action).sample(noise);
    return whereActive(sample, stored[i], weights);
  };
  let acted = stored;
  // Without an order, everybody acts at once: in the full chain again and again, until what they see of each other settles.
  const times = ordered || !hears ? 0 : chain === "full" ? models.length : 1;
  for (let time = 0; time < times; time++) {
    const before = acted;
    acted = models.map((_, i) => drawn(i, before));
  }
  const logProbs: Traced[] = [];
  const entropies: Traced[] = [];
  for (const i of order) {
    logProbs[i] = heard(i, acted).logProb(samples[i].rows.actions);
    // What is certain of all samples alike may be said once.
    entropies[i] = np.broadcastTo(alone(i, acted).entropy(), [rowCount(sequences)]);
    if (ordered && hears) acted = acted.with(i, drawn(i, acted));
  }
  return { logProbs: np.stack(logProbs), entropies: np.stack(entropies) };
}

/**
 * All agents of one network as one batch, step by step, agent by agent in a step: a graph that does not grow with the team.
 * Theorem 1's direct term asks what each draws given what was done, of nobody after anybody.
 */
function evaluateTogether(
  { models }: Team,
  { peerCoef }: TeamLossSettings,
  [parameters]: readonly Tree<Traced>[],
  samples: readonly Samples<Traced>[],
  weight: Traced,
  sequences: Sequences,
): TeamOutputs {
  const agents = models.length;
  const rows = rowCount(sequences);
  const { teamSize, actionSize } = models[0];
  // Who looks at nobody looks through an empty mask.
  const model = models.find(({ conditioned }) => conditioned) ?? models[0];
  const { blocks, length, width } = sequences;
  const steps = blocks * length;
  const all = { blocks, length, width: agents * width };
  /** What each has of every row, or of every sequence: step by step, in a step agent by agent. */
  const join = (of: (own: Samples<Traced>) => Traced) => {
    const parts = samples.map(of);
    const [count, ...rest] = parts[0].shape;
    const byStep = parts.map((part) => part.reshape([count / width, width, ...rest]));
    return np.stack(byStep, 1).reshape([agents * count, ...rest]);
  };
  const split = (x: Traced) => np.swapaxes(x.reshape([steps, agents, width]), 0, 1).reshape([agents, rows]);
  const inputs = {
    ...Object.fromEntries(
      ["observations", "actionMask", "episodeStarts"]
        .filter((name) => name in samples[0].rows)
        .map((name) => [name, join((own) => own.rows[name])]),
    ),
    ...(model.hiddenSize > 0 && { hidden: join((own) => own.sequences.hidden) }),
    ...(!model.conditioned && { agentId: join((own) => np.broadcastTo(own.fixed.agentId, [rows, teamSize])) }),
  } as unknown as ActorInputs;
  const predecessors = np.stack(
    samples.map((own) => {
      const mask = own.rows.dependencyMask ?? own.fixed.dependencyMask ?? np.zeros([agents * actionSize]);
      const elements = np.broadcastTo(mask, [rows, agents * actionSize]).reshape([steps, width, agents, actionSize]);
      // All elements of an action are seen, or none.
      return elements.slice([], [], [], 0);
    }),
    2,
  );
  const stored = lax.stopGradient(join((own) => own.rows.actions));
  const perception = model.perceive(parameters, inputs, all);
  const decide = (acted: Traced, seen: (action: Traced) => Traced) => {
    const actions = seen(acted).reshape([steps, agents, width, actionSize]);
    const looking = model.conditioned ? { ...inputs, team: { actions, predecessors } } : inputs;
    return model.decide(parameters, perception, looking);
  };
  const hears = peerCoef !== 0;
  const draw = () =>
    whereActive(
      decide(stored, (action) => action).sample(join((own) => own.rows.noise)),
      stored,
      join((own) => own.rows.weights),
    );
  const acted = hears ? draw() : stored;
  const heard = decide(acted, hears ? (action) => scaleGradient(action, weight) : lax.stopGradient);
  const alone = decide(acted, lax.stopGradient);
  return {
    logProbs: split(heard.logProb(stored)),
    entropies: split(np.broadcastTo(alone.entropy(), [agents * rows])),
  };
}

/** Who is not active drew nothing that could be drawn otherwise: nothing goes back to it. */
function whereActive(drawn: Traced, stored: Traced, weights: Traced): Traced {
  const acts = weights.reshape([-1, 1]);
  return drawn.mul(acts).add(stored.mul(np.subtract(1, acts)));
}

/** Whether all agents are evaluated as one batch. */
const isOneBatch = ({ networkOf }: Team, { chain, peerCoef }: TeamLossSettings): boolean =>
  networkOf.every((network) => network === networkOf[0]) && (chain === "direct" || peerCoef === 0);

/**
 * −Σ_j mean(objective_j + c_H · entropy_j). Agent j's log-probability is taken at its stored action, and sees each
 * predecessor i's action as g(θ_i, ε_i), through which its gradient, times λ, goes on to θ_i.
 */
export function teamLoss(team: Team, objective: ActorObjective, settings: TeamLossSettings): SampleLoss {
  const { models } = team;
  const evaluate = isOneBatch(team, settings) ? evaluateTogether : evaluateEach;
  return (parameters, joined, scalars, sequences) => {
    const samples = models.map((_, agent) => samplesOf(joined, agent));
    const { logProbs, entropies } = evaluate(team, settings, parameters, samples, scalars.peerCoef, sequences);
    /** [n, B] */
    const field = (name: string) => np.stack(samples.map(({ rows }) => rows[name]));
    const weights = field("weights");
    const logRatios = logProbs.sub(field("oldLogProbs")).mul(weights);
    const moved = lax.stopGradient(logRatios);
    const others = np.exp(moved.sum(0, { keepdims: true }).sub(moved));
    const correction = np.clip(others, 1 - settings.clip / 2, 1 + settings.clip / 2);
    const counts = np.stack(models.map((_, i) => scalars[`count${i}`]));
    const shares = weights.div(counts.reshape([-1, 1]));
    const ratio = np.exp(logRatios);
    const terms = { logProb: logProbs, ratio, advantage: field("advantages"), correction, peer: np.array(0) };
    const gain = objectiveValue(objective, terms).mul(shares).sum();
    const entropy = entropies.mul(shares).sum();
    const loss = gain.add(entropy.mul(scalars.entropyCoef)).neg();
    const clipped = np
      .greater(np.abs(ratio.sub(1)), settings.clip)
      .astype(ratio.dtype)
      .mul(shares)
      .sum();
    const kl = ratio.sub(1).sub(logRatios).mul(shares).sum();
    return [loss, lax.stopGradient(np.stack([gain.neg(), entropy, clipped, kl]).div(models.length))];
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
      ...(isOneBatch(team, settings) && { tokens: team.models.length }),
    },
    LOSS_METRICS,
  );
}
