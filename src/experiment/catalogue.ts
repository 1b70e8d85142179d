/** @file What there is to choose from. */

/** An environment, or a family of them. */
export interface EnvironmentEntry {
  /** The id, or the form of a family's ids. */
  readonly name: string;
  readonly family: string;
  readonly description: string;
  /** Presets besides the default one, by name: what they are. */
  readonly presets: Readonly<Record<string, string>>;
}

export interface AlgorithmEntry {
  readonly name: string;
  readonly title: string;
  /** Where it is from, if from a paper. */
  readonly paper?: string | undefined;
  readonly description: string;
}

/** Every environment that has a name. */
export async function listEnvironments(): Promise<EnvironmentEntry[]> {
  const { environments } = await import("../envs/registry.ts");
  return environments.map(({ id, family, description, presets = {} }) => ({
    name: id,
    family,
    description,
    presets: Object.fromEntries(Object.entries(presets).map(([name, preset]) => [name, preset.description])),
  }));
}

/** Every algorithm. */
export async function listAlgorithms(): Promise<AlgorithmEntry[]> {
  const { algorithms } = await import("../algorithms/registry.ts");
  return [...algorithms.values()].map(({ name, title, paper, description }) => ({ name, title, paper, description }));
}
