/** @file Hopper and Walker2d: upright on one or two legs, in a plane. Numbers of Gymnasium's Hopper-v5, Walker2d-v5. */

import { type Body, type Geom, indexRobot, type Joint, type RobotDescription, type Vector3 } from "../description.ts";
import { type Feature, range } from "../features.ts";
import type { GraphNode } from "../graph.ts";
import { chain, jointNode, type Robot, tableFamily } from "../robot.ts";

const free = { armature: 0, damping: 0, stiffness: 0, limited: false };

/** The trunk slides in x and z and turns about y; its height counts from the ground. */
const rootJoints: readonly Joint[] = [
  { name: "rootx", type: "slide", axis: [1, 0, 0], pos: [0, 0, -1.25], ...free },
  { name: "rootz", type: "slide", axis: [0, 0, 1], pos: [0, 0, -1.25], ref: 1.25, ...free },
  { name: "rooty", type: "hinge", axis: [0, 1, 0], ...free },
];

const hinge = (name: string, range: readonly [number, number], pos?: Vector3): Joint => ({
  name,
  type: "hinge",
  axis: [0, -1, 0],
  range,
  ...(pos && { pos }),
});

/** Turned from upright to lying along x. */
const lying = [Math.SQRT1_2, 0, -Math.SQRT1_2, 0];

interface Foot {
  /** m, from the ankle's middle to the foot's. */
  readonly offset: number;
  readonly halfLength: number;
  readonly friction: number;
}

function leg(suffix: string, foot: Foot, rgba?: readonly number[]): Body {
  const look = rgba && { rgba };
  const capsule = (radius: number, halfLength: number, friction: number, more: Partial<Geom> = {}): Geom => ({
    type: "capsule",
    size: [radius, halfLength],
    friction,
    ...look,
    ...more,
  });
  return {
    name: `thigh${suffix}`,
    pos: [0, 0, -0.2],
    joints: [hinge(`thigh${suffix}_joint`, [-150, 0])],
    geoms: [capsule(0.05, 0.225, 0.9, { pos: [0, 0, -0.225] })],
    bodies: [
      {
        name: `leg${suffix}`,
        pos: [0, 0, -0.7],
        joints: [hinge(`leg${suffix}_joint`, [-150, 0], [0, 0, 0.25])],
        geoms: [capsule(0.04, 0.25, 0.9)],
        bodies: [
          {
            name: `foot${suffix}`,
            pos: [foot.offset, 0, -0.35],
            joints: [hinge(`foot${suffix}_joint`, [-45, 45], [-foot.offset, 0, 0.1])],
            geoms: [capsule(0.06, foot.halfLength, foot.friction, { pos: [-foot.offset / 2, 0, 0.1], quat: lying })],
          },
        ],
      },
    ],
  };
}

const trunk = (legs: readonly Body[]): Body => ({
  name: "torso",
  pos: [0, 0, 1.25],
  joints: rootJoints,
  geoms: [{ type: "capsule", size: [0.05, 0.2], friction: 0.9 }],
  bodies: legs,
});

const option = { integrator: "RK4", timestep: 0.002 } as const;
const skin = [0.8, 0.6, 0.4, 1];
const ground = [0.8, 0.9, 0.8, 1];

/** What both are rewarded for: going right, being upright, little effort. */
const walkingReward = (healthy: boolean, velocity: number, effort: number): number =>
  velocity + (healthy ? 1 : 0) - 1e-3 * effort;

const common = {
  frameSkip: 4,
  episodeLimit: 1000,
  resetNoise: { scale: 5e-3, velocity: { kind: "uniform", factor: 1 } },
  contactForces: false,
  localCategories: [["qpos", "qvel"], ["qpos"]],
} as const satisfies Partial<Robot>;

const hopperDescription: RobotDescription = {
  name: "hopper",
  angle: "degree",
  option,
  jointDefaults: { armature: 1, damping: 1, limited: true },
  geomDefaults: {
    conaffinity: 1,
    condim: 1,
    contype: 1,
    margin: 0.001,
    solimp: [0.8, 0.8, 0.01],
    solref: [0.02, 1],
    rgba: skin,
  },
  geoms: [{ name: "floor", type: "plane", size: [20, 20, 0.125], conaffinity: 1, condim: 3, rgba: ground }],
  bodies: [trunk([leg("", { offset: 0.13, halfLength: 0.195, friction: 2 })])],
  motors: ["thigh_joint", "leg_joint", "foot_joint"].map((joint) => ({ joint, gear: 200 })),
  controlLimit: 1,
};

/** Velocities are shown within ±10. */
const clipped = { kind: "clip", limit: 10 } as const;
const hopperVelocity = (index: number): Feature => ({ field: "qvel", index, change: clipped });

function hopperHealthy(qpos: Float64Array, qvel: Float64Array): boolean {
  for (let i = 2; i < qpos.length; i++) if (!(Math.abs(qpos[i]) < 100)) return false;
  for (let i = 0; i < qvel.length; i++) if (!(Math.abs(qvel[i]) < 100)) return false;
  return qpos[1] > 0.7 && Math.abs(qpos[2]) < 0.2;
}

export const hopper = tableFamily(
  "Hopper",
  "One leg of three joints, in a plane; hop to the right without falling.",
  { "3x1": [["thigh_joint"], ["leg_joint"], ["foot_joint"]] },
  (agents): Robot => {
    const index = indexRobot(hopperDescription);
    const node = (joint: string): GraphNode => {
      const plain = jointNode(index, joint);
      return { ...plain, shows: { qvel: [hopperVelocity(plain.velocity!)] } };
    };
    const nodes = Object.fromEntries(["thigh_joint", "leg_joint", "foot_joint"].map((joint) => [joint, node(joint)]));
    return {
      ...common,
      description: hopperDescription,
      index,
      progress: ({ qpos }) => qpos[0],
      reward: ({ qpos, qvel }, velocity, effort) => walkingReward(hopperHealthy(qpos, qvel), velocity, effort),
      healthy: ({ qpos, qvel }) => hopperHealthy(qpos, qvel),
      state: [...range("qpos", 1, index.positions), ...range("qvel", 0, index.velocities, clipped)],
      graph: {
        edges: chain(nodes.foot_joint, nodes.leg_joint, nodes.thigh_joint),
        // Where it stands along the track tells nothing.
        globals: [{ ...node("rootx"), position: null }, node("rootz"), node("rooty")],
      },
      agents: agents(nodes),
    };
  },
);

const walkerDescription: RobotDescription = {
  name: "walker2d",
  angle: "degree",
  option,
  jointDefaults: { armature: 0.01, damping: 0.1, limited: true },
  geomDefaults: { conaffinity: 0, condim: 3, contype: 1, density: 1000, friction: [0.7, 0.1, 0.1], rgba: skin },
  geoms: [{ name: "floor", type: "plane", size: [40, 40, 40], conaffinity: 1, condim: 3, rgba: ground }],
  bodies: [
    trunk([
      leg("", { offset: 0.2, halfLength: 0.1, friction: 1.9 }),
      leg("_left", { offset: 0.2, halfLength: 0.1, friction: 1.9 }, [0.7, 0.3, 0.6, 1]),
    ]),
  ],
  motors: ["thigh", "leg", "foot", "thigh_left", "leg_left", "foot_left"].map((name) => ({
    joint: `${name}_joint`,
    gear: 100,
  })),
  controlLimit: 1,
};

const walkerHealthy = (qpos: Float64Array): boolean => qpos[1] > 0.8 && qpos[1] < 2 && Math.abs(qpos[2]) < 1;

/** Foot to hip, as Gymnasium-Robotics lists them. */
const rightLeg = ["foot_joint", "leg_joint", "thigh_joint"] as const;
const leftLeg = ["foot_left_joint", "leg_left_joint", "thigh_left_joint"] as const;
const bothLegs = [...rightLeg, ...leftLeg];

export const walker2d = tableFamily(
  "Walker2d",
  "Two legs of three joints, in a plane; walk to the right without falling.",
  {
    "2x3": [rightLeg, leftLeg],
    // Not in Gymnasium-Robotics: the same list of joints, cut into pairs and single ones.
    "3x2": [bothLegs.slice(0, 2), bothLegs.slice(2, 4), bothLegs.slice(4)],
    "6x1": bothLegs.map((joint) => [joint]),
  },
  (agents): Robot => {
    const index = indexRobot(walkerDescription);
    const nodes = Object.fromEntries(bothLegs.map((joint) => [joint, jointNode(index, joint)]));
    return {
      ...common,
      description: walkerDescription,
      index,
      progress: ({ qpos }) => qpos[0],
      reward: ({ qpos }, velocity, effort) => walkingReward(walkerHealthy(qpos), velocity, effort),
      healthy: ({ qpos }) => walkerHealthy(qpos),
      state: [...range("qpos", 1, index.positions), ...range("qvel", 0, index.velocities, clipped)],
      graph: {
        edges: chain(...rightLeg.map((joint) => nodes[joint]), ...leftLeg.map((joint) => nodes[joint]).reverse()),
        globals: [
          { ...jointNode(index, "rootx"), position: null },
          jointNode(index, "rootz"),
          jointNode(index, "rooty"),
        ],
      },
      agents: agents(nodes),
    };
  },
);
