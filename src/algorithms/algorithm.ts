/** @file What a learning algorithm is, to whoever trains with one. */

import type { z } from "zod";
import type { TeamSpec } from "../envs/env.ts";
import { InputError } from "../errors.ts";
import type { Surroundings } from "../policy/export.ts";
import type { JointPolicy } from "../policy/joint.ts";
import type { CriticSettings, PolicySettings } from "../policy/settings.ts";
import type { Random } from "../random.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";

/** How far training is, in environment steps. */
export interface Progress {
  readonly step: number;
  readonly totalSteps: number;
}

/** A team that learns. */
export interface Learner {
  /** The policy as it is now, for the environments that it trains on. */
  readonly policy: JointPolicy;
  /**
   * All that learning changes (parameters, the optimiser's moments, statistics, counters), as live arrays by name: a
   * checkpoint reads them, a restore writes into them.
   */
  readonly state: ReadonlyMap<string, Float32Array | Int32Array>;
  /**
   * Learns from one full buffer.
   * @returns metrics by name
   * @throws DivergedError if a loss, gradient or parameter is no longer a finite number
   */
  update(buffer: RolloutBuffer, progress: Progress): Promise<Readonly<Record<string, number>>>;
  /** A policy with the same live parameters for another number of environments; whoever asks releases it. */
  policyFor(numEnvs: number): Promise<JointPolicy>;
  /** The bytes of an .onnx file with the policy as it is now; see `exportPolicy`. */
  exportPolicy(metadata?: Readonly<Record<string, string>>, surroundings?: Surroundings): Uint8Array;
  release(): Promise<void>;
}

export interface LearnerOptions<Settings = unknown> {
  readonly team: TeamSpec;
  readonly numEnvs: number;
  /** Environments that `Learner.policy` acts in at a time; default: all. */
  readonly policyEnvs?: number | undefined;
  /** T, steps of each environment per update */
  readonly rolloutLength: number;
  /** The algorithm's settings; missing ones take their defaults. */
  readonly settings: Settings;
  readonly policy: PolicySettings;
  readonly critic: CriticSettings;
  readonly random: Random;
}

export interface AlgorithmDefinition {
  readonly name: string;
  readonly title: string;
  /** Where it is from, if from a paper. */
  readonly paper?: string;
  readonly description: string;
  /** Every field has a description and a default. */
  readonly settings: z.ZodObject;
  /** Settings that new runs with such policies have by default instead. */
  readonly defaultsFor?: (policy: PolicySettings) => Readonly<Record<string, unknown>>;
  /** Settings of a run that it has no use for, by path, sections whole: `critic`, `policy.layers`. Default: none. */
  readonly unused?: readonly string[];
  /** @throws InputError where settings do not go together, or do not fit the team */
  create(options: LearnerOptions): Promise<Learner>;
}

/** Ties a `create` that takes parsed settings to their schema. */
export function defineAlgorithm<Schema extends z.ZodObject>(
  definition: Omit<AlgorithmDefinition, "settings" | "create"> & {
    readonly settings: Schema;
    create(options: LearnerOptions<z.infer<Schema>>): Promise<Learner>;
  },
): AlgorithmDefinition {
  if (typeof definition.create !== "function")
    throw new InputError(`algorithm ${definition.name}: create is ${typeof definition.create}, must be a function`);
  return {
    ...definition,
    create: async (options) => {
      const given = { ...definition.defaultsFor?.(options.policy), ...(options.settings as object) };
      return definition.create({ ...options, settings: definition.settings.parse(given) });
    },
  };
}

/** Learning has left the finite numbers. */
export class DivergedError extends Error {
  constructor(what: string) {
    super(`training diverged: ${what} is not finite; try a smaller learning rate`);
    this.name = "DivergedError";
  }
}
