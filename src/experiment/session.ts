/** @file The parts that a configuration asks for, put together: environments, collector, learner, and the judge. */

import type { Learner } from "../algorithms/algorithm.ts";
import { findAlgorithm } from "../algorithms/registry.ts";
import type { Traced } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { VectorEnv } from "../envs/env.ts";
import { meanNumbers, type Numbers } from "../envs/infos.ts";
import { makeVectorEnv } from "../envs/registry.ts";
import { InputError } from "../errors.ts";
import type { EvaluationSummary } from "../evaluation/records.ts";
import { actionScaling, withScaledActions } from "../rollout/action-scaling.ts";
import { type Collector, type CollectorSnapshot, createCollector } from "../rollout/collector.ts";
import { createNormalizer, type FeatureScaling, LIMIT } from "../rollout/normalizer.ts";
import { adviceFor, unusedSettings } from "./advice.ts";
import type { RunConfig } from "./config.ts";
import { openEvaluator } from "./evaluator.ts";
import { runStream } from "./streams.ts";

/** What of a session decides how it goes on. */
interface SessionSnapshot {
  readonly learner: Readonly<Record<string, Float32Array | Int32Array>>;
  /** Absent without running normalisation. */
  readonly normalizer?: Readonly<Record<string, Float64Array>>;
  readonly collector: CollectorSnapshot;
}

/** A team in training. */
export interface Session {
  readonly learner: Learner;
  readonly collector: Collector;
  /** What the user should know of how the team and the configuration go together, one line each. */
  readonly advice: readonly string[];
  /** Whether episodes can be won. */
  readonly hasWins: boolean;
  /** Means of what environments told of the episodes that ended in the last rollout, by name. */
  infos(): Numbers;
  /** What people should know of the environments, by name: counts since training began. */
  counters(): Readonly<Record<string, number>>;
  /** Judges the policy as it is now. */
  evaluate(): Promise<EvaluationSummary>;
  /** The policy as it is now, as the bytes of an .onnx file. */
  exportPolicy(): Uint8Array;
  snapshot(): Promise<SessionSnapshot>;
  /** Goes back to what `snapshot` returned. */
  restore(snapshot: unknown): Promise<void>;
  /**
   * Takes over what another session had learnt when its `snapshot` was made; environments and random numbers stay.
   * @throws InputError where its networks are of other sizes
   */
  learnFrom(snapshot: unknown): void;
  close(): Promise<void>;
}

/**
 * Puts together what `config` asks for.
 * @throws Error, one line, where the parts do not fit together
 */
export async function openSession(config: RunConfig): Promise<Session> {
  const { env: environment, algorithm, rollout, seed } = config;
  const closers: (() => Promise<unknown> | unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const plain = await makeVectorEnv(environment.id, {
      numEnvs: rollout.environments,
      workers: rollout.workers,
      options: environment.options,
    });
    closers.push(() => plain.close());
    const normalizer = rollout.normalizeObservations ? createNormalizer(plain.team) : undefined;
    const scaling = rollout.scaleActions ? actionScaling(plain.team) : undefined;
    const wrap = (bare: VectorEnv, counts: boolean): VectorEnv => {
      const scaledEnv = scaling ? withScaledActions(bare) : bare;
      return normalizer?.wrap(scaledEnv, counts) ?? scaledEnv;
    };
    const env = wrap(plain, true);
    const { name, ...settings } = algorithm;
    const definition = await findAlgorithm(name);
    const learner = await definition.create({
      team: env.team,
      numEnvs: rollout.environments,
      policyEnvs: env.parts && rollout.environments / env.parts.length,
      rolloutLength: rollout.length,
      settings,
      policy: config.policy,
      critic: config.critic,
      random: runStream(seed, "learner"),
    });
    closers.push(() => learner.release());
    const collector = await createCollector({
      env,
      length: rollout.length,
      hiddenSizes: learner.policy.hiddenSizes,
      drawsGraph: learner.policy.drawsGraph ?? false,
      random: runStream(seed, "collector"),
    });
    let infos: Numbers = {};
    const evaluate = judge(config, learner, (bare) => wrap(bare, false), closers);
    return {
      learner,
      collector: {
        ...collector,
        async collect(policy) {
          normalizer?.refresh();
          const buffer = await collector.collect(policy);
          infos = meanNumbers(((await env.takeInfos?.()) ?? []).map(({ numbers }) => numbers));
          return buffer;
        },
      },
      advice: [...adviceFor(env.team, config, definition), ...(await unusedSettings(definition, config))],
      hasWins: env.team.hasWins,
      infos: () => infos,
      counters: () => env.counters?.() ?? {},
      evaluate,
      exportPolicy: () =>
        learner.exportPolicy(
          {
            "bpta.env": JSON.stringify(environment),
            "bpta.algorithm": name,
            "bpta.seed": String(seed),
          },
          {
            see: normalizer && ((agent, observations) => normalized(observations, normalizer.observations[agent])),
            act: scaling && ((agent, actions) => scaled(actions, scaling[agent])),
          },
        ),
      snapshot: async () => ({
        learner: Object.fromEntries(learner.state),
        ...(normalizer && { normalizer: Object.fromEntries(normalizer.state) }),
        collector: await collector.snapshot(),
      }),
      async restore(snapshot) {
        const { learner: arrays, normalizer: statistics, collector: collected } = snapshot as SessionSnapshot;
        restoreArrays(learner.state, arrays);
        if (normalizer) restoreArrays(normalizer.state, statistics ?? {});
        await collector.restore(collected);
      },
      learnFrom(snapshot) {
        const { learner: arrays, normalizer: statistics = {} } = snapshot as SessionSnapshot;
        checkFit(learner.state, arrays);
        checkFit(normalizer?.state ?? new Map(), statistics);
        restoreArrays(learner.state, arrays);
        if (normalizer) restoreArrays(normalizer.state, statistics);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An evaluation whose environments and program are made when it is first asked for. */
function judge(
  config: RunConfig,
  learner: Learner,
  wrap: (env: VectorEnv) => VectorEnv,
  closers: (() => Promise<unknown> | unknown)[],
): () => Promise<EvaluationSummary> {
  let ready: Promise<() => Promise<EvaluationSummary>> | undefined;
  const prepare = async () => {
    const evaluator = await openEvaluator(config, { wrap });
    closers.push(() => evaluator.close());
    const policy = await learner.policyFor(evaluator.env.numEnvs);
    closers.push(() => policy.release());
    return () => evaluator.evaluate(policy);
  };
  return async () => {
    ready ??= prepare();
    return (await ready)();
  };
}

/** (x − shift) · scale inside traced code: what `action-scaling.ts` does to actions. */
const scaled = (x: Traced, scaling: FeatureScaling | undefined): Traced =>
  scaling ? x.sub(np.array(scaling.shift.slice())).mul(np.array(scaling.scale.slice())) : x;

/** What `normalizer.ts` does to observations, inside traced code. */
const normalized = (observations: Traced, scaling: FeatureScaling): Traced =>
  np.clip(scaled(observations, scaling), -LIMIT, LIMIT);

type LiveArrays = ReadonlyMap<string, Float32Array | Float64Array | Int32Array>;
type SavedArrays = Readonly<Record<string, Float32Array | Float64Array | Int32Array>>;

/** @throws InputError where saved arrays are not those of a like session */
function checkFit(live: LiveArrays, saved: SavedArrays): void {
  for (const name of new Set([...live.keys(), ...Object.keys(saved)])) {
    const [own, theirs] = [live.get(name)?.length, saved[name]?.length];
    if (own === theirs) continue;
    const size = (length: number | undefined) => (length === undefined ? "absent" : `of ${length} numbers`);
    throw new InputError(`from.run: its ${name} is ${size(theirs)}, and ${size(own)} here; the two must be alike`);
  }
}

/** Writes saved arrays into the live ones of the same names. */
function restoreArrays(live: LiveArrays, saved: SavedArrays): void {
  for (const [name, array] of live) {
    const from = saved[name];
    if (from?.constructor !== array.constructor || from.length !== array.length) {
      throw new Error(`the checkpoint does not fit the run's configuration: ${name} is not of the same size`);
    }
    array.set(from);
  }
}
