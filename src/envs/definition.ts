/** @file What the registry knows of an environment. */

import type { z } from "zod";
import type { ParallelEnv, VectorEnv } from "./env.ts";

/** Settings of a run that go together. */
export interface NamedPreset {
  /** One sentence. */
  readonly description: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** An environment, or a family of them whose ids have a form. */
export interface EnvironmentDefinition {
  /** The id, or, of a family, its form, for people to read: `ManyAgentSwimmer-NxK`. */
  readonly id: string;
  /** Of a family: what its ids look like. */
  readonly pattern?: RegExp;
  readonly family: string;
  /** One sentence. */
  readonly description: string;
  /** Every field has a description, and a default where one makes sense. */
  readonly optionsSchema: z.ZodType;
  /** Settings of a run that differ from the defaults when it trains on this environment. */
  readonly preset?: Readonly<Record<string, unknown>>;
  /** What an algorithm's own authors have here, by its name, laid over `preset` where that algorithm trains. */
  readonly algorithmPresets?: Readonly<Record<string, NamedPreset>>;
  /** Further presets, by name, each laid over `preset` where it is asked for. */
  readonly presets?: Readonly<Record<string, NamedPreset>>;
  /** One copy; `options` are checked and complete. */
  make(id: string, options: unknown): ParallelEnv | Promise<ParallelEnv>;
  /** Many copies, where it can do better than one copy many times. */
  makeVector?(
    id: string,
    settings: { readonly numEnvs: number; readonly workers: number; readonly options: unknown },
  ): VectorEnv | Promise<VectorEnv>;
}

/** Ties the functions that take checked options to their schema. */
export function defineEnvironment<Schema extends z.ZodType>(
  definition: Omit<EnvironmentDefinition, "optionsSchema" | "make" | "makeVector"> & {
    readonly optionsSchema: Schema;
    make(id: string, options: z.output<Schema>): ParallelEnv | Promise<ParallelEnv>;
    makeVector?(
      id: string,
      settings: { readonly numEnvs: number; readonly workers: number; readonly options: z.output<Schema> },
    ): VectorEnv | Promise<VectorEnv>;
  },
): EnvironmentDefinition {
  return definition as EnvironmentDefinition;
}
