/** @file HalfCheetah: two legs of three joints, in a plane; runs. Numbers of Gymnasium's HalfCheetah-v5. */

import { type Body, type Geom, indexRobot, type Motor, type RobotDescription, type Vector3 } from "../description.ts";
import { range } from "../features.ts";
import type { GraphNode } from "../graph.ts";
import { chain, jointNode, type Robot, tableFamily } from "../robot.ts";

const radius = 0.046;
const light = [0.9, 0.6, 0.6, 1];

/** A capsule in the plane, turned by `angle` (rad) about y. */
const bar = (pos: Vector3, angle: number, halfLength: number, rgba?: readonly number[]): Geom => ({
  type: "capsule",
  pos,
  axisangle: [0, 1, 0, angle],
  size: [radius, halfLength],
  ...(rgba && { rgba }),
});

interface Segment {
  readonly name: string;
  readonly pos: Vector3;
  readonly range: readonly [number, number];
  /** N m/rad; damping is a fortieth of it, in N m s/rad. */
  readonly stiffness: number;
  readonly geom: Geom;
}

/** Thigh, shin, foot: each a body on the one before. */
function leg([segment, ...rest]: readonly Segment[], suffix: string): Body[] {
  if (!segment) return [];
  const { name, pos, range, stiffness, geom } = segment;
  return [
    {
      name: name + suffix,
      pos,
      joints: [{ name: name + suffix, type: "hinge", axis: [0, 1, 0], range, stiffness, damping: stiffness / 40 }],
      geoms: [geom],
      bodies: leg(rest, suffix),
    },
  ];
}

const backLeg: readonly Segment[] = [
  { name: "bthigh", pos: [-0.5, 0, 0], range: [-0.52, 1.05], stiffness: 240, geom: bar([0.1, 0, -0.13], -3.8, 0.145) },
  {
    name: "bshin",
    pos: [0.16, 0, -0.25],
    range: [-0.785, 0.785],
    stiffness: 180,
    geom: bar([-0.14, 0, -0.07], -2.03, 0.15, light),
  },
  {
    name: "bfoot",
    pos: [-0.28, 0, -0.14],
    range: [-0.4, 0.785],
    stiffness: 120,
    geom: bar([0.03, 0, -0.097], -0.27, 0.094, light),
  },
];

const frontLeg: readonly Segment[] = [
  { name: "fthigh", pos: [0.5, 0, 0], range: [-1, 0.7], stiffness: 180, geom: bar([-0.07, 0, -0.12], 0.52, 0.133) },
  {
    name: "fshin",
    pos: [-0.14, 0, -0.24],
    range: [-1.2, 0.87],
    stiffness: 120,
    geom: bar([0.065, 0, -0.09], -0.6, 0.106, light),
  },
  {
    name: "ffoot",
    pos: [0.13, 0, -0.18],
    range: [-0.5, 0.5],
    stiffness: 60,
    geom: bar([0.045, 0, -0.07], -0.6, 0.07, light),
  },
];

/** The leg joints, in the order of the motors. */
export const cheetahJoints = ["bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"] as const;

export const cheetahMotors = (suffix = ""): Motor[] =>
  [120, 90, 60, 120, 60, 30].map((gear, i) => ({ joint: cheetahJoints[i] + suffix, gear }));

/** The trunk with its legs, which slides in x and z and turns about y; joints and bodies have `suffix` in their names. */
export function cheetahBody(suffix = "", y = 0): Body {
  const free = { armature: 0, damping: 0, stiffness: 0, limited: false };
  return {
    name: `torso${suffix}`,
    pos: [0, y, 0.7],
    joints: [
      { name: `rootx${suffix}`, type: "slide", axis: [1, 0, 0], ...free },
      { name: `rootz${suffix}`, type: "slide", axis: [0, 0, 1], ...free },
      { name: `rooty${suffix}`, type: "hinge", axis: [0, 1, 0], ...free },
    ],
    geoms: [{ type: "capsule", fromto: [-0.5, 0, 0, 0.5, 0, 0], size: [radius] }, bar([0.6, 0, 0.1], 0.87, 0.15)],
    bodies: [...leg(backLeg, suffix), ...leg(frontLeg, suffix)],
  };
}

/** Everything of a model with cheetahs in it but the cheetahs. */
export const cheetahWorld = {
  angle: "radian",
  option: { timestep: 0.01 },
  totalMass: 14,
  jointDefaults: {
    armature: 0.1,
    damping: 0.01,
    limited: true,
    stiffness: 8,
    solimplimit: [0, 0.8, 0.03],
    solreflimit: [0.02, 1],
  },
  geomDefaults: {
    contype: 1,
    conaffinity: 0,
    condim: 3,
    friction: [0.4, 0.1, 0.1],
    solimp: [0, 0.8, 0.01],
    solref: [0.02, 1],
    rgba: [0.8, 0.6, 0.4, 1],
  },
  geoms: [{ name: "floor", type: "plane", size: [40, 40, 40], conaffinity: 1, condim: 3, rgba: [0.8, 0.9, 0.8, 1] }],
  controlLimit: 1,
} as const satisfies Partial<RobotDescription>;

/** Noise of the start: uniform positions, normal velocities, both of scale 0.1. */
export const cheetahNoise = { scale: 0.1, velocity: { kind: "normal", factor: 1 } } as const;

/** Each leg a chain; the thighs are neighbours through the trunk. */
export const cheetahEdges = ([bthigh, bshin, bfoot, fthigh, fshin, ffoot]: readonly GraphNode[]) =>
  chain(bfoot, bshin, bthigh, fthigh, fshin, ffoot);

const description: RobotDescription = {
  ...cheetahWorld,
  name: "half-cheetah",
  bodies: [cheetahBody()],
  motors: cheetahMotors(),
};

const pairs = [
  ["bfoot", "bshin"],
  ["bthigh", "ffoot"],
  ["fshin", "fthigh"],
];

export const halfCheetah = tableFamily(
  "HalfCheetah",
  "Two legs of three joints, in a plane; run to the right.",
  {
    "2x3": [cheetahJoints.slice(0, 3), cheetahJoints.slice(3)],
    // Not in Gymnasium-Robotics; as in HAPPO's benchmark (Kuba et al. 2022), whose pairs do not follow the legs.
    "3x2": pairs,
    "6x1": cheetahJoints.map((joint) => [joint]),
  },
  (agents): Robot => {
    const index = indexRobot(description);
    const nodes = Object.fromEntries(cheetahJoints.map((joint) => [joint, jointNode(index, joint)]));
    return {
      description,
      index,
      frameSkip: 5,
      episodeLimit: 1000,
      resetNoise: cheetahNoise,
      contactForces: false,
      progress: ({ qpos }) => qpos[0],
      reward: (_physics, velocity, effort) => velocity - 0.1 * effort,
      state: [...range("qpos", 1, index.positions), ...range("qvel", 0, index.velocities)],
      graph: {
        edges: cheetahEdges(Object.values(nodes)),
        globals: [
          // Where it stands along the track tells nothing.
          { ...jointNode(index, "rootx"), position: null },
          jointNode(index, "rootz"),
          jointNode(index, "rooty"),
        ],
      },
      agents: agents(nodes),
      localCategories: [["qpos", "qvel"], ["qpos"]],
    };
  },
);
