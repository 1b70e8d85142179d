/** @file The judge of a run: greedy episodes that follow from its seed. */

import type { VectorEnv } from "../envs/env.ts";
import { meanNumbers } from "../envs/infos.ts";
import { makeVectorEnv } from "../envs/registry.ts";
import { InputError } from "../errors.ts";
import { type EpisodeSettings, evaluatePolicy } from "../evaluation/episodes.ts";
import type { EvaluationSummary } from "../evaluation/records.ts";
import { mean, standardDeviation } from "../evaluation/statistics.ts";
import { loadPolicy } from "../policy/export.ts";
import type { JointPolicy } from "../policy/joint.ts";
import type { RunConfig } from "./config.ts";
import { runStream } from "./streams.ts";

/** Judges policies, with environments of its own and the same episodes each time. */
export interface Evaluator {
  /** Where it plays; a policy must be made for as many environments to be judged. */
  readonly env: VectorEnv;
  evaluate(
    policy: JointPolicy,
    how?: Pick<EpisodeSettings, "random" | "onMoment" | "signal">,
  ): Promise<EvaluationSummary>;
  close(): Promise<void>;
}

/**
 * The judge that a configuration asks for. Its episodes follow from the run's seed and their number.
 * @param options.wrap what stands between policies and environments in training; those of a file bring it with them
 */
export async function openEvaluator(
  config: RunConfig,
  {
    episodes = config.evaluation.episodes,
    wrap = (env) => env,
  }: { readonly episodes?: number | undefined; readonly wrap?: (env: VectorEnv) => VectorEnv } = {},
): Promise<Evaluator> {
  if (!(Number.isInteger(episodes) && episodes > 0))
    throw new InputError(`episodes is ${episodes}, must be a whole number ≥ 1`);
  const { environments, maxEpisodeSteps } = config.evaluation;
  const numEnvs = Math.min(episodes, environments);
  const { workers } = config.rollout;
  const plain = await makeVectorEnv(config.env.id, { numEnvs, workers, options: config.env.options });
  const env = wrap(plain);
  const seed = runStream(config.seed, "evaluation").integer(2 ** 31);
  return {
    env,
    async evaluate(policy, how) {
      const played = await evaluatePolicy(policy, env, { ...how, episodes, seed, maxEpisodeSteps });
      const { returns, wins, infos, counters } = played;
      return {
        episodes,
        meanReturn: mean(returns),
        stdReturn: episodes > 1 ? standardDeviation(returns) : 0,
        ...(env.team.hasWins && { winRate: mean(wins) }),
        ...(infos.some((numbers) => Object.keys(numbers).length > 0) && { infos: meanNumbers(infos) }),
        ...(Object.keys(counters).length > 0 && { counters }),
        returns: Array.from(returns),
      };
    },
    async close() {
      await env.close();
    },
  };
}

/** Which episodes a policy is judged by. */
export interface Judgement {
  /** Default: `evaluation.episodes` of the run. */
  readonly episodes?: number | undefined;
  /** What episodes follow from; default: the run's seed, which gives those of `result.json`. */
  readonly seed?: number | undefined;
  /** Whether actions are drawn as in training, rather than the greedy ones. */
  readonly drawn?: boolean | undefined;
}

/** Judges a policy from the bytes of its .onnx file. */
export async function evaluateModel(
  onnx: Uint8Array,
  config: RunConfig,
  { episodes, seed = config.seed, drawn = false, signal }: Judgement & Pick<EpisodeSettings, "signal"> = {},
): Promise<EvaluationSummary> {
  if (!(Number.isSafeInteger(seed) && seed >= 0)) throw new InputError(`seed is ${seed}, must be a whole number ≥ 0`);
  const evaluator = await openEvaluator({ ...config, seed }, { episodes });
  try {
    const policy = await loadPolicy(onnx, evaluator.env.numEnvs);
    try {
      const random = drawn ? runStream(seed, "evaluation").split(1) : undefined;
      return await evaluator.evaluate(policy, { random, signal });
    } finally {
      await policy.release();
    }
  } finally {
    await evaluator.close();
  }
}
