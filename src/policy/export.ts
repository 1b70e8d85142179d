/** @file A trained policy as an .onnx file, which says what its numbers mean, and back. */

import { exportModel, loadProgram, type Traced, type Tree } from "../compile/index.ts";
import { numpy as np } from "../compile/jax.ts";
import type { TeamSpec } from "../envs/env.ts";
import { type BoxSpace, box, discrete, type Space } from "../envs/spaces.ts";
import { type JointPolicy, type PolicyDefinition, policyOf, type Step, stepSpecs } from "./joint.ts";

/** The metadata key under which a file describes its team, as JSON. */
const TEAM_KEY = "bpta.team";
/** The file's open axis. Its size while tracing is a prime that no size of a network is a multiple of. */
const ENVIRONMENTS = { name: "environments", size: 10_007 } as const;

/** JSON has no infinities: they are written as text. */
type Bound = number | string;

type SpaceDescription =
  | { readonly kind: "discrete"; readonly n: number; readonly labels?: readonly string[] }
  | {
      readonly kind: "box";
      readonly size: number;
      readonly low: readonly Bound[];
      readonly high: readonly Bound[];
      readonly labels?: readonly string[];
    };

/** What a file says of its team. */
interface TeamDescription extends Omit<TeamSpec, "observationSpaces" | "actionSpaces" | "stateSpace"> {
  readonly observationSpaces: readonly SpaceDescription[];
  readonly actionSpaces: readonly SpaceDescription[];
  readonly stateSpace: SpaceDescription;
  readonly order: readonly number[];
  readonly hiddenSizes: readonly number[];
}

function describeSpace(space: Space): SpaceDescription {
  if (space.kind === "discrete") return space;
  const bounds = (values: Float32Array) => Array.from(values, (x): Bound => (Number.isFinite(x) ? x : String(x)));
  return { ...space, low: bounds(space.low), high: bounds(space.high) };
}

function readSpace(space: SpaceDescription): Space {
  if (space.kind === "discrete") return discrete(space.n, space.labels);
  return box(space.size, space.low.map(Number), space.high.map(Number), space.labels);
}

/** What stands between a policy and its environment, inside traced code; what is absent changes nothing. */
export interface Surroundings {
  /** What the policy is to look at in place of an agent's observations, [N, o]. */
  readonly see?: ((agent: number, observations: Traced) => Traced) | undefined;
  /** What the environment is to get in place of an agent's actions, [N, d]. */
  readonly act?: ((agent: number, actions: Traced) => Traced) | undefined;
}

/**
 * The bytes of an .onnx file that draws all agents' actions, in order, for any number of environments (the axis
 * `environments`). Inputs and outputs are those of `JointPolicy.act`, by agent (`observations.0`, `noise.0`, …,
 * `actions.0`, `logProbs.0`); with noise all zero it acts greedily. The key `bpta.team` of its metadata describes
 * agents, spaces and order.
 */
export function exportPolicy(
  definition: PolicyDefinition,
  metadata: Readonly<Record<string, string>> = {},
  { see = (_, observations) => observations, act = (_, actions) => actions }: Surroundings = {},
): Uint8Array {
  const frozen = definition.frozen?.() ?? definition;
  const { team, order, hiddenSizes, thetas } = frozen;
  const description: TeamDescription = {
    ...team,
    observationSpaces: team.observationSpaces.map(describeSpace),
    actionSpaces: team.actionSpaces.map(describeSpace),
    stateSpace: describeSpace(team.stateSpace),
    order,
    hiddenSizes,
  };
  // Made before the trace, so that their memory can be given back after it.
  const parameters = thetas.map((theta) => np.array(Float32Array.from(theta)));
  const model = exportModel(
    "policy",
    (inputs) => {
      const step = inputs as unknown as Step<Traced>;
      const observations = step.observations.map((seen, agent) => see(agent, seen));
      const drawn = frozen.draw(parameters, { ...step, observations }, observations[0].shape[0]);
      const actions = drawn.actions.map((taken, agent) => act(agent, taken));
      return { ...drawn, actions } as unknown as Tree<Traced>;
    },
    stepSpecs(frozen, ENVIRONMENTS.size),
    { metadata: { ...metadata, [TEAM_KEY]: JSON.stringify(description) }, openAxis: ENVIRONMENTS },
  );
  for (const array of parameters) array.dispose();
  return model;
}

/**
 * Loads a policy that was exported.
 * @param source the file's path, or its bytes
 * @throws Error if it is not such a file
 */
export async function loadPolicy(source: string | Uint8Array, numEnvs: number): Promise<JointPolicy> {
  const program = await loadProgram(source, { axes: { [ENVIRONMENTS.name]: numEnvs } });
  const described = program.metadata[TEAM_KEY];
  if (described === undefined) {
    await program.release();
    throw new Error(`${typeof source === "string" ? `${source}: ` : ""}an ONNX model, but not a policy of bpta`);
  }
  const { order, hiddenSizes, ...spec } = JSON.parse(described) as TeamDescription;
  const team: TeamSpec = {
    ...spec,
    observationSpaces: spec.observationSpaces.map((space) => readSpace(space) as BoxSpace),
    actionSpaces: spec.actionSpaces.map(readSpace),
    stateSpace: readSpace(spec.stateSpace) as BoxSpace,
  };
  const drawsGraph = program.inputs.has("graph.noise");
  return policyOf(program, { team, numEnvs, order, hiddenSizes, drawsGraph, refresh: async () => {} });
}
