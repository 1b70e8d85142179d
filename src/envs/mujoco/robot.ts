/** @file What a robot is: its body, what it is rewarded for, when it has fallen, how agents can share it. */

import { InputError } from "../../errors.ts";
import type { Random } from "../../random.ts";
import type { RobotDescription, RobotIndex } from "./description.ts";
import type { Feature } from "./features.ts";
import type { Category, GraphNode, RobotGraph } from "./graph.ts";

/** MuJoCo's arrays as they stand after the last substep, in its own memory: read, never kept. */
export interface Physics {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly xpos: Float64Array;
  readonly xipos: Float64Array;
  readonly cfrc_ext: Float64Array;
  /** kg, by body */
  readonly bodyMass: Float64Array;
}

/** How a robot stands when an episode starts. */
export interface ResetNoise {
  /** Scale of the noise: the positions' is uniform in ± this. */
  readonly scale: number;
  /** What the positions' is times; default: 1. */
  readonly positionFactor?: number;
  /** The velocities' is normal, or uniform, and times this. */
  readonly velocity: { readonly kind: "normal" | "uniform"; readonly factor: number };
  /** Puts what is not the robot's, such as a goal, where this episode has it. */
  arrange?(random: Random, qpos: Float64Array, qvel: Float64Array): void;
}

export interface Robot {
  readonly description: RobotDescription;
  readonly index: RobotIndex;
  /** Physics steps of one environment step, which hold the action. */
  readonly frameSkip: number;
  /** Environment steps until an episode is cut off. */
  readonly episodeLimit: number;
  readonly resetNoise: ResetNoise;
  /** Whether reward or observations need the bodies' contact forces (`cfrc_ext`), which MuJoCo computes on demand. */
  readonly contactForces: boolean;
  /** What moving forward is measured by, in m; its rate of change over a step is the `velocity` below. */
  progress(physics: Physics): number;
  /**
   * The team's reward of a step.
   * @param velocity m/s, of `progress`
   * @param effort sum of squared actions
   */
  reward(physics: Physics, velocity: number, effort: number): number;
  /** Whether the episode may go on; absent: it always may. */
  healthy?(physics: Physics): boolean;
  /** The whole situation. */
  readonly state: readonly Feature[];
  readonly graph: RobotGraph;
  /** By agent, the nodes whose motors it moves, in the order of its action. */
  readonly agents: readonly (readonly GraphNode[])[];
  /** What is observed at distance 0, 1, …; further rings are as the last. */
  readonly localCategories: readonly (readonly Category[])[];
}

/** A kind of robot, which agents can share in several ways. */
export interface RobotFamily {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  /** The factorisations' names, or, where there are endlessly many, their form. */
  readonly factorisations: readonly string[] | { readonly form: string; readonly examples: readonly string[] };
  /** @throws InputError saying what is allowed, if there is no such factorisation */
  build(factorisation: string, variant: RobotVariant): Robot;
}

/** What a robot can be told beside its factorisation. */
export interface RobotVariant {
  /**
   * Gymnasium-Robotics' tables of the Humanoids, ManySegmentAnt and CoupledHalfCheetah show agents joints that are not
   * theirs.
   * True: their own, in place of what those tables say.
   */
  readonly ownJoints: boolean;
}

/** The nodes named, by agent. */
export type Partition = readonly (readonly string[])[];

/** A family whose factorisations are a table of node names. */
export function tableFamily(
  name: string,
  description: string,
  table: Readonly<Record<string, Partition>>,
  build: (agents: (nodes: Readonly<Record<string, GraphNode>>) => GraphNode[][], variant: RobotVariant) => Robot,
): RobotFamily {
  const factorisations = Object.keys(table);
  return {
    name,
    description,
    factorisations,
    build(factorisation, variant) {
      if (!Object.hasOwn(table, factorisation)) {
        throw new InputError(
          `${name} has no factorisation ${JSON.stringify(factorisation)} (there are: ${factorisations.map((f) => `${name}-${f}`).join(", ")})`,
        );
      }
      return build((nodes) => table[factorisation].map((labels) => labels.map((label) => nodes[label])), variant);
    },
  };
}

/** The node of a joint that a motor moves. */
export function jointNode(
  index: RobotIndex,
  joint: string,
  more: Pick<GraphNode, "bodies" | "bodyLimit" | "shows"> & { readonly label?: string } = {},
): GraphNode {
  const address = index.joints.get(joint)!;
  return {
    label: joint,
    motor: index.motors.get(joint) ?? null,
    position: address.position,
    velocity: address.velocity,
    ...more,
  };
}

/** Two neighbours for each pair along a chain. */
export const chain = (...nodes: readonly GraphNode[]): [GraphNode, GraphNode][] =>
  nodes.slice(1).map((node, i) => [nodes[i], node]);

/** Numbers of the bodies named. */
export const bodyNumbers = (index: RobotIndex, names: readonly string[]): number[] =>
  names.map((name) => index.bodies.indexOf(name));

/** From the origin of one body to that of another, in m. */
export const bodyDistance = ({ xpos }: Physics, a: number, b: number): number =>
  Math.hypot(xpos[3 * a] - xpos[3 * b], xpos[3 * a + 1] - xpos[3 * b + 1], xpos[3 * a + 2] - xpos[3 * b + 2]);

/** Sum of squares, each number clipped to ±`limit` first. */
export function sumOfSquares(values: Float64Array, limit = Number.POSITIVE_INFINITY): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Math.min(Math.max(values[i], -limit), limit);
    sum += value * value;
  }
  return sum;
}
