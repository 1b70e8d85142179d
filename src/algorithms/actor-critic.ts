/** @file What all algorithms stand on: a team's policies and critics, an iteration's samples, and a learner of them. */

import type { Program } from "../compile/index.ts";
import type { Sequences } from "../nn/layers.ts";
import { type ActorModel, teamActors } from "../policy/actor.ts";
import { type Dependencies, resolveDependencies, totalOrder } from "../policy/dependencies.ts";
import { exportPolicy } from "../policy/export.ts";
import { byPredecessors, generatedPolicy, graphGenerator, orderedPolicy } from "../policy/graph.ts";
import {
  actionRanges,
  agentId,
  type Chain,
  chainPolicy,
  jointPolicy,
  dependencyMask as maskOf,
  type PolicyDefinition,
} from "../policy/joint.ts";
import type { PolicySettings } from "../policy/settings.ts";
import type { Random } from "../random.ts";
import { normalizeAdvantages } from "../rollout/advantages.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import { actorMetrics } from "./actor-step.ts";
import type { Learner, LearnerOptions, Progress } from "./algorithm.ts";
import { createGraphLearning } from "./graph-learning.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import {
  type Arrays,
  createMinibatches,
  type Minibatches,
  minibatchSequences,
  rolloutSequences,
  rowCount,
  type Samples,
} from "./minibatch.ts";
import { checkFinite, createNetwork, type Network, networkState } from "./network.ts";
import type { RowwiseProgram } from "./rowwise.ts";
import type { CommonSettings } from "./settings.ts";
import { type StepProgram, walkSamples } from "./step.ts";
import { type CriticView, createValueLearning } from "./value-learning.ts";

/** One iteration, as the update of an algorithm sees it. */
export interface Iteration {
  /** By agent: its samples, with advantages normalised over those where it is active, and zero elsewhere. */
  readonly samples: readonly Samples[];
  /** [1]: how much of training is done, 0 to 1 */
  readonly progress: Float32Array;
  readonly metrics: Metrics;
  /** Who looked at whom. Where every step has its own graph, the order is from those who look at few to those at many. */
  readonly dependencies: Dependencies;
  /** Shuffles minibatches; follows from the seed and the number of the iteration. */
  readonly random: { shuffle(array: Int32Array): void };
}

/** The policies of a team, for an algorithm to write its update with. */
export interface TeamPolicies {
  /** What holds for all of training; `Iteration.dependencies` are those of one. */
  readonly dependencies: Dependencies;
  /** By agent; agents of equal shape have the same. */
  readonly models: readonly ActorModel[];
  /** By agent; the same one where parameters are shared. */
  readonly networks: readonly Network[];
  /** By agent: where its actions lie in all action vectors side by side, [start, end]. */
  readonly ranges: readonly (readonly [number, number])[];
  /** B = T · N */
  readonly rows: number;
  /** How a whole rollout's samples make sequences, and those of one minibatch. */
  readonly whole: Sequences;
  readonly batch: Sequences;
  readonly minibatches: Minibatches;
}

/**
 * What an algorithm does with the policies once per iteration.
 * @returns the programs it runs, so that they can be released, and the update
 */
export type PolicyUpdate = (policies: TeamPolicies) => Promise<{
  readonly programs: Iterable<Pick<Program, "release">>;
  readonly update: (iteration: Iteration) => Promise<void>;
}>;

/** Programs by agent, for the agents that are `needed`; agents with the same model have the same program. */
export async function perModel<P>(
  models: readonly ActorModel[],
  compileFor: (model: ActorModel) => Promise<P>,
  needed: (agent: number) => boolean = () => true,
): Promise<ReadonlyMap<number, P>> {
  const programs = new Map<ActorModel, P>();
  const byAgent = new Map<number, P>();
  for (const [agent, model] of models.entries()) {
    if (!needed(agent)) continue;
    if (!programs.has(model)) programs.set(model, await compileFor(model));
    byAgent.set(agent, programs.get(model)!);
  }
  return byAgent;
}

/** Walks an agent's samples `epochs` times, minibatch by minibatch, each one step of its policy. */
export const learnEpochs = (
  { minibatches, networks }: TeamPolicies,
  iteration: Iteration,
  agent: number,
  program: StepProgram,
  { epochs, extraRows = {} }: { readonly epochs: number; readonly extraRows?: Arrays },
): Promise<void> => {
  const own = iteration.samples[agent];
  const samples = { ...own, rows: { ...own.rows, ...extraRows } };
  return walkSamples(minibatches, iteration, samples, [networks[agent]], program, { epochs, names: actorMetrics });
};

/** Runs an evaluation program on an agent's samples, with its parameters as they are now. */
export async function evaluateAgent(
  { networks }: TeamPolicies,
  { samples }: Iteration,
  agent: number,
  program: RowwiseProgram,
  into: Arrays,
): Promise<void> {
  await program.run({ theta: networks[agent].theta }, samples[agent], into);
}

/** How an algorithm's team is built. */
export interface TeamDesign {
  /** Whether policies condition on the actions of those before them; `learned`: of those whom a generator says. */
  readonly autoregressive: boolean | "learned";
  readonly criticView: CriticView;
}

/** @throws RangeError where an algorithm can't have the dependencies that are configured */
function designedDependencies(
  count: number,
  { autoregressive }: TeamDesign,
  { order, dependencies }: PolicySettings,
): Dependencies {
  const allowed = autoregressive === "learned" ? "learned" : "none";
  if (autoregressive !== true && dependencies !== undefined && dependencies !== allowed) {
    const reason =
      autoregressive === "learned"
        ? "this algorithm learns who conditions on whom"
        : "the policies of this algorithm do not condition on other agents' actions";
    throw new RangeError(
      `policy.dependencies is ${JSON.stringify(dependencies)}, must be ${allowed} (or absent): ${reason}`,
    );
  }
  return resolveDependencies(count, { order, dependencies: autoregressive === true ? dependencies : allowed });
}

/** Builds a team's policies and critics, and a learner that updates the policies as `policyUpdate` says. */
export async function createLearner(
  options: LearnerOptions<CommonSettings>,
  design: TeamDesign,
  policyUpdate: PolicyUpdate,
): Promise<Learner> {
  const { team, numEnvs, rolloutLength, settings, policy: policySettings, random } = options;
  const chunkLength = policySettings.recurrent ? policySettings.chunkLength : 1;
  if ((policySettings.recurrent || options.critic.recurrent) && rolloutLength % policySettings.chunkLength !== 0) {
    throw new RangeError(
      `policy.chunkLength is ${policySettings.chunkLength}, must divide rollout.length, which is ${rolloutLength}`,
    );
  }
  const dependencies = designedDependencies(team.agents.length, design, policySettings);
  const { models, networkOf } = teamActors(
    team,
    dependencies.predecessors,
    policySettings,
    dependencies.kind === "learned",
  );
  const initial = random.split(0);
  const actors: Network[] = [];
  networkOf.forEach((network, agent) => {
    const name = policySettings.share ? "actor" : `actors.${team.agents[agent]}`;
    actors[network] ??= createNetwork(name, models[agent].layout, initial.split(network));
  });
  const critics = await createValueLearning({ ...options, random: random.split(1) }, design.criticView);
  const chain: Chain = { team, dependencies, models, networkOf, thetas: actors.map(({ theta }) => theta) };
  const whole = rolloutSequences(rolloutLength, numEnvs, chunkLength);
  const policies: TeamPolicies = {
    dependencies,
    models,
    networks: networkOf.map((network) => actors[network]),
    ranges: actionRanges(team),
    rows: rowCount(whole),
    whole,
    batch: minibatchSequences(whole, settings.minibatches),
    minibatches: createMinibatches(whole, settings.minibatches),
  };
  const updates = new Int32Array(1);
  const shuffling = random.split(2);
  const structure = await createStructure(options, chain, policies, updates);
  const { definition } = structure;
  const acting = await jointPolicy(definition, options.policyEnvs ?? numEnvs);
  const { programs, update } = await policyUpdate(policies);
  const sampler = createSampler(chain, policies, numEnvs);
  const progressNow = new Float32Array(1);

  return {
    policy: acting,
    state: new Map([...actors.flatMap(networkState), ...structure.state, ...critics.state, ["updates", updates]]),
    async update(buffer: RolloutBuffer, { step, totalSteps }: Progress) {
      const [policyMetrics, criticMetrics] = [createMetrics(), createMetrics()];
      progressNow[0] = Math.min(1, step / totalSteps);
      await critics.evaluate(buffer, criticMetrics);
      const current = structure.dependenciesOf(buffer);
      const samples = sampler(buffer, critics.advantagesOf, current);
      const random = shuffling.split(updates[0]);
      const iteration = { samples, progress: progressNow, metrics: policyMetrics, dependencies: current };
      await update({ ...iteration, random: random.split(0) });
      await critics.update(buffer, progressNow, random.split(1), criticMetrics);
      await structure.update(buffer, { ...iteration, random: random.split(2) });
      for (const actor of actors) checkFinite(actor);
      updates[0]++;
      structure.next();
      return { ...policyMetrics.means(), ...criticMetrics.means() };
    },
    policyFor: (count) => jointPolicy(definition, count),
    exportPolicy: (metadata, see) => exportPolicy(definition, metadata, see),
    async release() {
      await Promise.all([acting, critics, structure, ...new Set(programs)].map((owned) => owned.release()));
    },
  };
}

/** Who conditions on whom, where that is more than a constant. */
interface Structure {
  readonly definition: PolicyDefinition;
  /** Live arrays by name. */
  readonly state: readonly (readonly [string, Float32Array | Int32Array])[];
  /** The dependencies with which a buffer was collected. */
  dependenciesOf(buffer: RolloutBuffer): Dependencies;
  /** Learns from a buffer, where there is something to learn. */
  update(buffer: RolloutBuffer, iteration: Iteration): Promise<void>;
  /** Turns to the next iteration. */
  next(): void;
  release(): Promise<void>;
}

async function createStructure(
  options: LearnerOptions<CommonSettings>,
  chain: Chain,
  policies: TeamPolicies,
  updates: Int32Array,
): Promise<Structure> {
  const { team, policy, random } = options;
  const { dependencies } = chain;
  const nothing = { state: [], dependenciesOf: () => dependencies, async update() {}, next() {}, async release() {} };
  switch (dependencies.kind) {
    case "fixed":
      return { ...nothing, definition: chainPolicy(chain) };
    case "shuffled": {
      const shuffled = createShuffledOrder(team.agents.length, random.split(3), updates);
      const definition = orderedPolicy(chain, shuffled.predecessors);
      return { ...nothing, ...shuffled, definition };
    }
    case "learned": {
      const generator = graphGenerator(team, policy);
      const learning = await createGraphLearning(options, generator, policies);
      const dependenciesOf = ({ graph }: RolloutBuffer): Dependencies => ({
        ...dependencies,
        order: byPredecessors(graph!.predecessors, team.agents.length),
      });
      return { ...nothing, ...learning, dependenciesOf, definition: generatedPolicy(chain, generator, learning.theta) };
    }
  }
}

/** An order drawn for each iteration, which follows from the seed and the iteration's number. */
function createShuffledOrder(count: number, random: Random, updates: Int32Array) {
  const predecessors = new Float32Array(count * count);
  const order = new Int32Array(count);
  const next = (): void => {
    order.forEach((_, k) => {
      order[k] = k;
    });
    random.split(updates[0]).shuffle(order);
    predecessors.fill(0);
    order.forEach((agent, place) => {
      for (const earlier of order.subarray(0, place)) predecessors[agent * count + earlier] = 1;
    });
  };
  next();
  return {
    predecessors,
    // What is restored is F; the order follows from how many an agent looks at.
    state: [["order.predecessors", predecessors] as const],
    next,
    dependenciesOf: (): Dependencies => totalOrder(byPredecessors(predecessors, count)),
  };
}

/** Makes every agent's samples from a buffer, in memory that is used again for the next. */
function createSampler(
  { team, dependencies }: Chain,
  { models, ranges, rows, whole }: TeamPolicies,
  numEnvs: number,
): (buffer: RolloutBuffer, advantagesOf: (agent: number) => Float32Array, current: Dependencies) => Samples[] {
  const ownGraphs = dependencies.kind === "learned";
  const jointActionSize = ranges[ranges.length - 1][1];
  const jointActions = new Float32Array(rows * jointActionSize);
  const own = models.map(({ hiddenSize }, agent) => ({
    advantages: new Float32Array(rows),
    weights: new Float32Array(rows),
    hidden: new Float32Array(whole.blocks * whole.width * hiddenSize),
    agentId: agentId(team, agent),
    dependencyMask: new Float32Array(ownGraphs ? rows * jointActionSize : jointActionSize),
  }));
  return (buffer, advantagesOf, current) => {
    models.forEach(({ actionSize }, agent) => {
      const [start] = ranges[agent];
      const actions = buffer.actions[agent];
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < actionSize; k++) {
          jointActions[row * jointActionSize + start + k] = actions[row * actionSize + k];
        }
      }
    });
    return models.map((model, agent): Samples => {
      const { advantages, weights, hidden, agentId, dependencyMask } = own[agent];
      for (let row = 0; row < rows; row++) weights[row] = buffer.active[row * models.length + agent];
      normalizeAdvantages(advantagesOf(agent), weights, advantages);
      if (buffer.graph) seenInEachRow(buffer.graph.predecessors, agent, ranges, dependencyMask);
      else dependencyMask.set(maskOf(team, current.predecessors[agent]));
      const perBlock = numEnvs * model.hiddenSize;
      for (let block = 0; block < whole.blocks && perBlock > 0; block++) {
        const from = block * whole.length * perBlock;
        hidden.set(buffer.hidden[agent].subarray(from, from + perBlock), block * perBlock);
      }
      return {
        rows: {
          observations: buffer.observations[agent].subarray(0, rows * model.observationSize),
          actions: buffer.actions[agent],
          noise: buffer.noise[agent],
          oldLogProbs: buffer.logProbs[agent],
          advantages,
          weights,
          ...(model.conditioned && { jointActions, ...(ownGraphs && { dependencyMask }) }),
          ...(model.hasActionMask && { actionMask: buffer.actionMasks[agent].subarray(0, rows * model.actionSize) }),
          ...(model.hiddenSize > 0 && { episodeStarts: buffer.episodeStarts.subarray(0, rows) }),
        },
        sequences: { ...(model.hiddenSize > 0 && { hidden }) },
        fixed: { agentId, ...(model.conditioned && !ownGraphs && { dependencyMask }) },
      };
    });
  };
}

/** For each row, what `agent` looks at of all action vectors side by side: [B, D], from F [B, n · n]. */
function seenInEachRow(
  predecessors: Float32Array,
  agent: number,
  ranges: TeamPolicies["ranges"],
  into: Float32Array,
): void {
  const agents = ranges.length;
  const size = ranges[agents - 1][1];
  for (let row = 0; row < into.length / size; row++) {
    for (let other = 0; other < agents; other++) {
      const [start, end] = ranges[other];
      into.fill(predecessors[(row * agents + agent) * agents + other], row * size + start, row * size + end);
    }
  }
}
