/** @file Ant: four legs of two joints around a sphere. Numbers of Gymnasium's Ant-v5. */

import { type Body, indexRobot, type RobotDescription, type Vector3 } from "../description.ts";
import { range } from "../features.ts";
import { bodyNumbers, jointNode, type Robot, sumOfSquares, tableFamily } from "../robot.ts";

/** Which way a leg points in x and y, each ±1. */
export type Direction = readonly [number, number];

interface LegNames {
  /** Of the three bodies: the fixed stub, the upper leg (behind the hip), the lower leg (behind the ankle). */
  readonly bodies: readonly [string, string, string];
  readonly hip: string;
  readonly ankle: string;
}

interface LegShape {
  readonly direction: Direction;
  /** The stub, from the trunk to the hip, in units of 0.2 m in x and y. */
  readonly stub: Direction;
  readonly ankleAxis: Vector3;
  /** degrees */
  readonly ankleRange: readonly [number, number];
}

/** A leg: a stub fixed to the trunk, a hip that turns about z, an ankle that lifts the lower leg. */
export function antLeg(
  { bodies, hip, ankle }: LegNames,
  { direction: [x, y], stub, ankleAxis, ankleRange }: LegShape,
): Body {
  const link = (dx: number, dy: number) => [{ type: "capsule", fromto: [0, 0, 0, dx, dy, 0], size: [0.08] }] as const;
  return {
    name: bodies[0],
    geoms: link(0.2 * stub[0], 0.2 * stub[1]),
    bodies: [
      {
        name: bodies[1],
        pos: [0.2 * stub[0], 0.2 * stub[1], 0],
        joints: [{ name: hip, type: "hinge", axis: [0, 0, 1], range: [-30, 30] }],
        geoms: link(0.2 * x, 0.2 * y),
        bodies: [
          {
            name: bodies[2],
            pos: [0.2 * x, 0.2 * y, 0],
            joints: [{ name: ankle, type: "hinge", axis: ankleAxis, range: ankleRange }],
            geoms: link(0.4 * x, 0.4 * y),
          },
        ],
      },
    ],
  };
}

/** Everything of a model with ants in it but the ants. */
export const antWorld = {
  angle: "degree",
  option: { integrator: "RK4", timestep: 0.01 },
  jointDefaults: { armature: 1, damping: 1, limited: true },
  geomDefaults: {
    conaffinity: 0,
    condim: 3,
    density: 5,
    friction: [1, 0.5, 0.5],
    margin: 0.01,
    rgba: [0.8, 0.6, 0.4, 1],
  },
  geoms: [{ name: "floor", type: "plane", size: [40, 40, 40], conaffinity: 1, condim: 3, rgba: [0.8, 0.9, 0.8, 1] }],
  controlLimit: 1,
} as const satisfies Partial<RobotDescription>;

export const antRoot = { name: "root", type: "free", armature: 0, damping: 0, limited: false, margin: 0.01 } as const;

export const antGear = 150;

/** Contact forces, in N and N m, count and are shown within ± this. */
export const contactLimit = 1;

const healthy = (qpos: Float64Array): boolean => qpos[2] >= 0.2 && qpos[2] <= 1;

/** What ants of any length have in common: their task. */
export const antTask = {
  frameSkip: 5,
  episodeLimit: 1000,
  resetNoise: { scale: 0.1, velocity: { kind: "normal", factor: 1 } },
  contactForces: true,
  /** x of the first body, as MuJoCo last computed it. */
  progress: ({ xpos }) => xpos[3],
  reward: ({ qpos, cfrc_ext }, velocity, effort) =>
    velocity + (healthy(qpos) ? 1 : 0) - (0.5 * effort + 5e-4 * sumOfSquares(cfrc_ext, contactLimit)),
  healthy: ({ qpos }) => healthy(qpos),
  localCategories: [["qpos", "qvel", "cfrc_ext"], ["qpos"]],
} as const satisfies Partial<Robot>;

/** Height, orientation and velocities of the trunk, which every agent may see. */
export const antTrunk = { qpos: range("qpos", 2, 7), qvel: range("qvel", 0, 6) };

/** The whole situation but x and y: positions, velocities, contact forces on every body. */
export const antState = (positions: number, velocities: number, bodies: number): Robot["state"] => [
  ...range("qpos", 2, positions),
  ...range("qvel", 0, velocities),
  ...range("cfrc_ext", 6, 6 * bodies, { kind: "clip", limit: contactLimit }),
];

/** By leg, 1 to 4. */
const legs = [
  { bodies: ["front_left_leg", "aux_1", "ankle_1"], direction: [1, 1], ankleAxis: [-1, 1, 0], ankleRange: [30, 70] },
  { bodies: ["front_right_leg", "aux_2", "ankle_2"], direction: [-1, 1], ankleAxis: [1, 1, 0], ankleRange: [-70, -30] },
  { bodies: ["back_leg", "aux_3", "ankle_3"], direction: [-1, -1], ankleAxis: [-1, 1, 0], ankleRange: [-70, -30] },
  { bodies: ["right_back_leg", "aux_4", "ankle_4"], direction: [1, -1], ankleAxis: [1, 1, 0], ankleRange: [30, 70] },
] as const;

const description: RobotDescription = {
  ...antWorld,
  name: "ant",
  bodies: [
    {
      name: "torso",
      pos: [0, 0, 0.75],
      joints: [antRoot],
      geoms: [{ type: "sphere", size: [0.25] }],
      bodies: legs.map(({ bodies, direction, ...shape }, i) =>
        antLeg({ bodies, hip: `hip_${i + 1}`, ankle: `ankle_${i + 1}` }, { direction, stub: direction, ...shape }),
      ),
    },
  ],
  // The last leg's motors come first.
  motors: [4, 1, 2, 3].flatMap((leg) => [
    { joint: `hip_${leg}`, gear: antGear },
    { joint: `ankle_${leg}`, gear: antGear },
  ]),
};

const pair = (leg: number): readonly string[] => [`hip${leg}`, `ankle${leg}`];

export const ant = tableFamily(
  "Ant",
  "Four legs of two joints; run along x without turning over.",
  {
    "2x4": [
      [...pair(1), ...pair(2)],
      [...pair(3), ...pair(4)],
    ],
    // Legs that stand across.
    "2x4d": [
      [...pair(1), ...pair(4)],
      [...pair(2), ...pair(3)],
    ],
    "4x2": [1, 2, 3, 4].map(pair),
    // Not in Gymnasium-Robotics: each joint an agent.
    "8x1": [1, 2, 3, 4].flatMap(pair).map((joint) => [joint]),
  },
  (agents): Robot => {
    const index = indexRobot(description);
    const nodes = Object.fromEntries(
      legs.flatMap(({ bodies: [stub, upper, lower] }, i) => [
        [
          `hip${i + 1}`,
          jointNode(index, `hip_${i + 1}`, {
            label: `hip${i + 1}`,
            bodies: bodyNumbers(index, ["torso", stub]),
            bodyLimit: contactLimit,
          }),
        ],
        [
          `ankle${i + 1}`,
          jointNode(index, `ankle_${i + 1}`, {
            label: `ankle${i + 1}`,
            bodies: bodyNumbers(index, [stub, upper, lower]),
            bodyLimit: contactLimit,
          }),
        ],
      ]),
    );
    return {
      ...antTask,
      description,
      index,
      state: antState(index.positions, index.velocities, index.bodies.length),
      graph: {
        edges: [
          ...[1, 2, 3, 4].map((leg) => [nodes[`hip${leg}`], nodes[`ankle${leg}`]]),
          [nodes.hip1, nodes.hip2, nodes.hip3, nodes.hip4],
        ],
        globals: [{ label: "root", motor: null, position: 0, velocity: 0, shows: antTrunk }],
      },
      agents: agents(nodes),
    };
  },
);
