/** @file The learner that actor-critic methods are: a team's policies and critics, and one iteration of them. */

import { InputError } from "../errors.ts";
import { teamActors } from "../policy/actor.ts";
import { type Dependencies, resolveDependencies, totalOrder } from "../policy/dependencies.ts";
import { exportPolicy } from "../policy/export.ts";
import { byPredecessors, generatedPolicy, graphGenerator, orderedPolicy } from "../policy/graph.ts";
import { actionRanges, type Chain, chainPolicy, jointPolicy, type PolicyDefinition } from "../policy/joint.ts";
import type { PolicySettings } from "../policy/settings.ts";
import type { Random } from "../random.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import type { Learner, LearnerOptions, Progress } from "./algorithm.ts";
import { createGraphLearning } from "./graph-learning.ts";
import { createMetrics } from "./metrics.ts";
import { createMinibatches, minibatchSequences, rolloutSequences, rowCount } from "./minibatch.ts";
import { checkFinite, createNetwork, type Network, networkState } from "./network.ts";
import { createSampler } from "./sampler.ts";
import type { CommonSettings } from "./settings.ts";
import type { Iteration, PolicyUpdate, TeamPolicies } from "./team-policies.ts";
import { type CriticView, createValueLearning } from "./value-learning.ts";

/** How an algorithm's team is built. */
export interface TeamDesign {
  /** Whether policies condition on the actions of those before them; `learned`: of those whom a generator says. */
  readonly autoregressive: boolean | "learned";
  readonly criticView: CriticView;
}

/** Of algorithms from outside, which may be JavaScript. */
function checkDesign({ autoregressive, criticView }: TeamDesign): void {
  if (![true, false, "learned"].includes(autoregressive))
    throw new InputError(`autoregressive is ${autoregressive}, must be true, false or learned`);
  if (!["state", "observation"].includes(criticView))
    throw new InputError(`criticView is ${criticView}, must be state or observation`);
}

/** @throws InputError where an algorithm can't have the dependencies that are configured */
function designedDependencies(
  count: number,
  { autoregressive }: TeamDesign,
  { order, dependencies }: PolicySettings,
): Dependencies {
  const allowed = autoregressive === "learned" ? "learned" : "none";
  if (autoregressive !== true && order === "shuffled") {
    const reason = autoregressive === "learned" ? "act as a graph says, which it learns" : "act at once";
    throw new InputError(`policy.order is shuffled, but agents of this algorithm ${reason}: leave it out`);
  }
  if (autoregressive !== true && dependencies !== undefined && dependencies !== allowed) {
    const reason =
      autoregressive === "learned"
        ? "this algorithm learns who conditions on whom"
        : "the policies of this algorithm do not condition on other agents' actions";
    throw new InputError(
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
  checkDesign(design);
  const chunkLength = policySettings.recurrent ? policySettings.chunkLength : 1;
  if ((policySettings.recurrent || options.critic.recurrent) && rolloutLength % policySettings.chunkLength !== 0) {
    throw new InputError(
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
  const { programs, update, together = false } = await policyUpdate(policies);
  const sampler = createSampler(chain, policies, together);

  return {
    policy: acting,
    state: new Map([...actors.flatMap(networkState), ...structure.state, ...critics.state, ["updates", updates]]),
    async update(buffer: RolloutBuffer, { step, totalSteps }: Progress) {
      const [policyMetrics, criticMetrics] = [createMetrics(), createMetrics()];
      const progress = Math.min(1, step / totalSteps);
      await critics.evaluate(buffer, criticMetrics);
      const current = structure.dependenciesOf(buffer);
      const samples = sampler(buffer, critics.advantagesOf, current);
      const random = shuffling.split(updates[0]);
      const iteration = { samples, progress, metrics: policyMetrics, dependencies: current };
      await update({ ...iteration, random: random.split(0) });
      await critics.update(buffer, progress, random.split(1), criticMetrics);
      await structure.update(buffer, { ...iteration, random: random.split(2) });
      for (const actor of actors) checkFinite(actor);
      updates[0]++;
      structure.next();
      return { ...policyMetrics.means(), ...criticMetrics.means() };
    },
    policyFor: (count) => jointPolicy(definition, count),
    exportPolicy: (metadata, surroundings) => exportPolicy(definition, metadata, surroundings),
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
