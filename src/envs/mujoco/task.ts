/** @file A robot shared by a team: who sees what, who moves which motor. */

import { InputError } from "../../errors.ts";
import type { TeamSpec } from "../env.ts";
import { box } from "../spaces.ts";
import { type Feature, featureLabel } from "./features.ts";
import { nodesByDistance, observe } from "./graph.ts";
import type { MujocoOptions } from "./options.ts";
import { type FeaturePlan, planFeatures } from "./physics.ts";
import type { Robot } from "./robot.ts";

/** A vector that agents or the critic get: features, then perhaps a one-hot number, then perhaps standardised. */
export interface VectorPlan {
  readonly features: FeaturePlan;
  /** What is one in the one-hot part. */
  readonly id: number;
  /** Length of the one-hot part, 0 where there is none. */
  readonly ids: number;
  readonly standardise: boolean;
  readonly size: number;
}

export interface Task {
  readonly robot: Robot;
  readonly team: TeamSpec;
  /** By agent. */
  readonly observations: readonly VectorPlan[];
  readonly state: VectorPlan;
  /** By agent, the motor that each number of its action moves. */
  readonly motors: readonly Int32Array[];
  /** Actions are clipped to ± this; infinite: not at all. */
  readonly actionLimit: number;
  readonly resetNoise: number;
  readonly episodeLimit: number;
}

function agentFeatures(robot: Robot, agent: number, options: MujocoOptions): readonly Feature[] {
  if (options.obsk === null) return robot.state;
  const rings = nodesByDistance(robot.agents[agent], robot.graph.edges, options.obsk);
  const local = options.localCategories ?? robot.localCategories;
  const byRing = rings.map((_, distance) => local[Math.min(distance, local.length - 1)]);
  return observe(rings, byRing, robot.graph.globals, options.globalCategories);
}

/** Numbers in a copy's row; see `physics.ts`. */
export const rowSize = ({ robot: { index } }: Task): number => index.positions + 2 * index.velocities + 1;

/** @throws InputError if an agent would observe nothing */
export function createTask(robot: Robot, options: MujocoOptions): Task {
  const { description, index } = robot;
  const agents = robot.agents.map((_, i) => `agent_${i}`);
  const plan = (
    features: readonly Feature[],
    id: number,
    { agentId, standardise }: { readonly agentId: boolean; readonly standardise: boolean },
  ): VectorPlan => {
    const ids = agentId ? agents.length : 0;
    return { features: planFeatures(features), id, ids, standardise, size: features.length + ids };
  };
  const space = (features: readonly Feature[], { size, standardise }: VectorPlan) => {
    const labels = [
      ...features.map((feature) => featureLabel(feature, index)),
      ...Array.from({ length: size - features.length }, (_, i) => `agent id ${i}`),
    ];
    return box(size, undefined, undefined, standardise ? labels.map((label) => `${label}, standardised`) : labels);
  };
  const features = agents.map((_, i) => agentFeatures(robot, i, options));
  const observations = features.map((own, i) => plan(own, i, options));
  features.forEach(({ length }, i) => {
    if (length === 0)
      throw new InputError(`options.localCategories: ${agents[i]} of ${description.name} would observe nothing`);
  });
  const state = plan(robot.state, 0, options.state);
  return {
    robot,
    team: {
      agents,
      observationSpaces: observations.map((own, i) => space(features[i], own)),
      actionSpaces: robot.agents.map((nodes) =>
        box(
          nodes.length,
          -description.controlLimit,
          description.controlLimit,
          nodes.map(
            ({ motor }) => `torque of ${description.motors[motor!].joint}, 1 is ${description.motors[motor!].gear} N m`,
          ),
        ),
      ),
      stateSpace: space(robot.state, state),
      hasActionMasks: false,
      hasInactiveAgents: false,
      hasWins: false,
    },
    observations,
    state,
    motors: robot.agents.map((nodes) => Int32Array.from(nodes, ({ motor }) => motor!)),
    actionLimit: options.clipActions ? description.controlLimit : Number.POSITIVE_INFINITY,
    resetNoise: options.resetNoise ?? robot.resetNoise.scale,
    episodeLimit: options.episodeLimit ?? robot.episodeLimit,
  };
}

/** Completes a vector whose features are in place: appends the one-hot number, standardises over all its features. */
export function finishVector({ id, ids, standardise, size }: VectorPlan, vector: Float32Array, offset: number): void {
  const end = offset + size;
  for (let i = 0; i < ids; i++) vector[end - ids + i] = i === id ? 1 : 0;
  if (!standardise) return;
  let sum = 0;
  for (let i = offset; i < end; i++) sum += vector[i];
  const mean = sum / size;
  let squares = 0;
  for (let i = offset; i < end; i++) squares += (vector[i] - mean) ** 2;
  const deviation = Math.sqrt(squares / size);
  // Features that are all the same say nothing.
  const scale = deviation > 0 ? 1 / deviation : 0;
  for (let i = offset; i < end; i++) vector[i] = (vector[i] - mean) * scale;
}
