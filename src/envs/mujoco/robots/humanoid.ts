/**
 * @file Humanoid and HumanoidStandup: the same body of 17 motors, standing or lying at first.
 * Numbers of Gymnasium's Humanoid-v5 and HumanoidStandup-v5.
 */

import { type Body, type Geom, indexRobot, type Joint, type RobotDescription, type Vector3 } from "../description.ts";
import { range } from "../features.ts";
import type { GraphNode } from "../graph.ts";
import {
  bodyNumbers,
  jointNode,
  type Partition,
  type Physics,
  type Robot,
  sumOfSquares,
  tableFamily,
} from "../robot.ts";

/** Where parts are that differ between the two. */
interface Posture {
  readonly torsoHeight: number;
  readonly head: Vector3;
  /** The middle of the upper waist. */
  readonly upperWaist: readonly [x: number, z: number];
  readonly lowerWaist: Vector3;
  readonly pelvis: Vector3;
  /** Height of the hips against the pelvis. */
  readonly hipHeight: number;
  /** Where the legs point to: down (−z) or forward (x). */
  readonly along: (distance: number, side: number) => Vector3;
  readonly foot: Vector3;
  /** degrees; the left hip's range in y, the right's is −110 to 20. */
  readonly leftHipY: readonly [number, number];
}

const capsule = (from: Vector3, to: Vector3, radius: number): Geom => ({
  type: "capsule",
  fromto: [...from, ...to],
  size: [radius],
});

const sphere = (pos: Vector3, radius: number): Geom => ({ type: "sphere", pos, size: [radius] });

/** Nearly no turn at all, but not quite. */
const waistTurn = [1, 0, -0.002, 0];

interface HingeDynamics {
  readonly range: readonly [number, number];
  readonly armature: number;
  readonly stiffness?: number;
  readonly damping?: number;
  readonly pos?: Vector3;
}

const hinge = (name: string, axis: Vector3, dynamics: HingeDynamics): Joint => ({
  name,
  type: "hinge",
  axis,
  ...dynamics,
});

/** Thigh, shin and foot. Side −1: the right, 1: the left, which differs in more than its side. */
function leg(side: -1 | 1, posture: Posture): Body {
  const name = side < 0 ? "right" : "left";
  const { along, foot, hipHeight, leftHipY } = posture;
  const sideways = -0.01 * side;
  const hips = { damping: 5, stiffness: 10 };
  return {
    name: `${name}_thigh`,
    pos: [0, 0.1 * side, hipHeight],
    joints: [
      hinge(`${name}_hip_x`, [-side, 0, 0], { ...hips, armature: 0.01, range: [-25, 5] }),
      hinge(`${name}_hip_z`, [0, 0, -side], { ...hips, armature: 0.01, range: [-60, 35] }),
      hinge(`${name}_hip_y`, [0, 1, 0], {
        damping: 5,
        stiffness: 20,
        armature: side < 0 ? 0.008 : 0.01,
        range: side < 0 ? [-110, 20] : leftHipY,
      }),
    ],
    geoms: [capsule([0, 0, 0], along(0.34, sideways), 0.06)],
    bodies: [
      {
        name: `${name}_shin`,
        pos: along(0.403, sideways),
        joints: [
          hinge(`${name}_knee`, [0, -1, 0], {
            pos: [0, 0, 0.02],
            armature: 0.006,
            range: [-160, -2],
            ...(side > 0 && { stiffness: 1 }),
          }),
        ],
        geoms: [capsule([0, 0, 0], along(0.3, 0), 0.049)],
        bodies: [{ name: `${name}_foot`, pos: foot, geoms: [sphere([0, 0, 0.1], 0.075)] }],
      },
    ],
  };
}

/** Upper and lower arm, with the hand. */
function arm(side: -1 | 1): Body {
  const name = side < 0 ? "right" : "left";
  const shoulder = { stiffness: 1, range: side < 0 ? ([-85, 60] as const) : ([-60, 85] as const) };
  return {
    name: `${name}_upper_arm`,
    pos: [0, 0.17 * side, 0.06],
    joints: [
      hinge(`${name}_shoulder1`, [2, -side, 1], { armature: 0.0068, ...shoulder }),
      hinge(`${name}_shoulder2`, [0, side, 1], { armature: 0.0051, ...shoulder }),
    ],
    geoms: [capsule([0, 0, 0], [0.16, 0.16 * side, -0.16], 0.04)],
    bodies: [
      {
        name: `${name}_lower_arm`,
        pos: [0.18, 0.18 * side, -0.18],
        joints: [hinge(`${name}_elbow`, [0, -1, -side], { armature: 0.0028, stiffness: 0, range: [-90, 50] })],
        geoms: [
          capsule([0.01, -0.01 * side, 0.01], [0.17, -0.17 * side, 0.17], 0.031),
          sphere([0.18, -0.18 * side, 0.18], 0.04),
        ],
      },
    ],
  };
}

/** By motor: the joint and its gear. */
const gears: Readonly<Record<string, number>> = {
  abdomen_y: 100,
  abdomen_z: 100,
  abdomen_x: 100,
  right_hip_x: 100,
  right_hip_z: 100,
  right_hip_y: 300,
  right_knee: 200,
  left_hip_x: 100,
  left_hip_z: 100,
  left_hip_y: 300,
  left_knee: 200,
  right_shoulder1: 25,
  right_shoulder2: 25,
  right_elbow: 25,
  left_shoulder1: 25,
  left_shoulder2: 25,
  left_elbow: 25,
};

function describe(name: string, posture: Posture): RobotDescription {
  const waist = { armature: 0.02, damping: 5 };
  const { upperWaist } = posture;
  return {
    name,
    angle: "degree",
    option: { integrator: "RK4", iterations: 50, solver: "PGS", timestep: 0.003 },
    jointDefaults: { armature: 1, damping: 1, limited: true },
    geomDefaults: { conaffinity: 1, condim: 1, contype: 1, margin: 0.001, rgba: [0.8, 0.6, 0.4, 1] },
    geoms: [
      {
        name: "floor",
        type: "plane",
        size: [20, 20, 0.125],
        condim: 3,
        friction: [1, 0.1, 0.1],
        rgba: [0.8, 0.9, 0.8, 1],
      },
    ],
    bodies: [
      {
        name: "torso",
        pos: [0, 0, posture.torsoHeight],
        joints: [{ name: "root", type: "free", armature: 0, damping: 0, stiffness: 0, limited: false }],
        geoms: [
          capsule([0, -0.07, 0], [0, 0.07, 0], 0.07),
          sphere(posture.head, 0.09),
          capsule([upperWaist[0], -0.06, upperWaist[1]], [upperWaist[0], 0.06, upperWaist[1]], 0.06),
        ],
        bodies: [
          {
            name: "lwaist",
            pos: posture.lowerWaist,
            quat: waistTurn,
            geoms: [capsule([0, -0.06, 0], [0, 0.06, 0], 0.06)],
            joints: [
              hinge("abdomen_z", [0, 0, 1], { ...waist, pos: [0, 0, 0.065], range: [-45, 45], stiffness: 20 }),
              hinge("abdomen_y", [0, 1, 0], { ...waist, pos: [0, 0, 0.065], range: [-75, 30], stiffness: 10 }),
            ],
            bodies: [
              {
                name: "pelvis",
                pos: posture.pelvis,
                quat: waistTurn,
                joints: [
                  hinge("abdomen_x", [1, 0, 0], { ...waist, pos: [0, 0, 0.1], range: [-35, 35], stiffness: 10 }),
                ],
                geoms: [capsule([-0.02, -0.07, 0], [-0.02, 0.07, 0], 0.09)],
                bodies: [leg(-1, posture), leg(1, posture)],
              },
            ],
          },
          arm(-1),
          arm(1),
        ],
      },
    ],
    tendons: ["left", "right"].map((side) => ({
      kind: "fixed",
      name: `${side}_hipknee`,
      joints: [
        { joint: `${side}_hip_y`, coef: -1 },
        { joint: `${side}_knee`, coef: 1 },
      ],
    })),
    motors: Object.entries(gears).map(([joint, gear]) => ({ joint, gear })),
    controlLimit: 0.4,
  };
}

/** The bodies that a joint's node shows. */
function shownBodies(joint: string): readonly string[] {
  if (joint === "abdomen_x") return ["pelvis", "right_thigh", "left_thigh"];
  if (joint.startsWith("abdomen")) return ["torso", "lwaist", "pelvis"];
  const side = joint.split("_")[0];
  if (joint.includes("hip")) return [`${side}_thigh`, `${side}_shin`];
  if (joint.includes("knee")) return [`${side}_shin`, `${side}_foot`];
  if (joint.includes("shoulder")) return ["torso", `${side}_upper_arm`, `${side}_lower_arm`];
  return [`${side}_lower_arm`];
}

/** Gymnasium-Robotics has these two joints' angles and velocities the wrong way round. */
const swapped: Readonly<Record<string, string>> = { abdomen_y: "abdomen_z", abdomen_z: "abdomen_y" };

function edges(nodes: Readonly<Record<string, GraphNode>>): GraphNode[][] {
  const abdomen = ["abdomen_x", "abdomen_y", "abdomen_z"];
  const hips = (side: string) => ["x", "y", "z"].map((axis) => `${side}_hip_${axis}`);
  const shoulders = (side: string) => [`${side}_shoulder1`, `${side}_shoulder2`];
  const sides = ["left", "right"];
  return [
    abdomen,
    ...sides.map(hips),
    ...sides.map((side) => [`${side}_elbow`, ...shoulders(side)]),
    ...sides.map((side) => [`${side}_knee`, ...hips(side)]),
    ...sides.map((side) => [...shoulders(side), ...abdomen]),
    ...sides.map((side) => [...abdomen, ...hips(side)]),
  ].map((names) => names.map((name) => nodes[name]));
}

const upperBody = [
  ...["abdomen_x", "abdomen_y", "abdomen_z"],
  ...["right_shoulder1", "right_shoulder2", "right_elbow"],
  ...["left_shoulder1", "left_shoulder2", "left_elbow"],
];
const lowerBody = ["right", "left"].flatMap((side) => [
  ...["x", "y", "z"].map((axis) => `${side}_hip_${axis}`),
  `${side}_knee`,
]);

const partitions: Readonly<Record<string, Partition>> = {
  "9|8": [upperBody, lowerBody],
  // Not in Gymnasium-Robotics: each joint an agent, in its order of all joints.
  "17x1": [...upperBody.slice(0, 3), ...lowerBody, ...upperBody.slice(3)].map((joint) => [joint]),
};

const impact = ({ cfrc_ext }: Physics): number => Math.min(5e-7 * sumOfSquares(cfrc_ext), 10);

type HumanoidTask = Pick<Robot, "progress" | "reward" | "healthy">;

function humanoidFamily(name: string, summary: string, description: RobotDescription, task: HumanoidTask) {
  return tableFamily(name, summary, partitions, (agents, { ownJoints }): Robot => {
    const index = indexRobot(description);
    const bodies = index.bodies.length;
    const nodes = Object.fromEntries(
      Object.keys(gears).map((joint) => {
        const { position, velocity } = jointNode(index, ownJoints ? joint : (swapped[joint] ?? joint));
        const bodies = bodyNumbers(index, shownBodies(joint));
        return [joint, { ...jointNode(index, joint, { bodies }), position, velocity }];
      }),
    );
    return {
      description,
      index,
      frameSkip: 5,
      episodeLimit: 1000,
      resetNoise: { scale: 1e-2, velocity: { kind: "uniform", factor: 1 } },
      contactForces: true,
      ...task,
      state: [
        ...range("qpos", 2, index.positions),
        ...range("qvel", 0, index.velocities),
        ...range("cinert", 10, 10 * bodies),
        ...range("cvel", 6, 6 * bodies),
        ...range("qfrc_actuator", 6, index.velocities),
        ...range("cfrc_ext", 6, 6 * bodies),
      ],
      graph: {
        edges: edges(nodes),
        globals: [
          {
            label: "root",
            motor: null,
            position: null,
            velocity: null,
            shows: { qpos: range("qpos", 2, 7), qvel: range("qvel", 0, 6) },
          },
        ],
      },
      agents: agents(nodes),
      localCategories: [["qpos", "qvel", "cinert", "cvel", "qfrc_actuator", "cfrc_ext"], ["qpos"]],
    };
  });
}

const upright = (qpos: Float64Array): boolean => qpos[2] > 1 && qpos[2] < 2;

export const humanoid = humanoidFamily(
  "Humanoid",
  "A human body of 17 joints; run along x without falling.",
  describe("humanoid", {
    torsoHeight: 1.4,
    head: [0, 0, 0.19],
    upperWaist: [-0.01, -0.12],
    lowerWaist: [-0.01, 0, -0.26],
    pelvis: [0, 0, -0.165],
    hipHeight: -0.04,
    along: (distance, side) => [0, side, -distance],
    foot: [0, 0, -0.45],
    leftHipY: [-110, 20],
  }),
  {
    /** x of the centre of mass, as MuJoCo last computed it. */
    progress({ xipos, bodyMass }) {
      let moment = 0;
      let mass = 0;
      for (let body = 0; body < bodyMass.length; body++) {
        moment += bodyMass[body] * xipos[3 * body];
        mass += bodyMass[body];
      }
      return moment / mass;
    },
    reward: (physics, velocity, effort) =>
      1.25 * velocity + (upright(physics.qpos) ? 5 : 0) - (0.1 * effort + impact(physics)),
    healthy: ({ qpos }) => upright(qpos),
  },
);

/** s */
const standupTimestep = 0.003;

export const humanoidStandup = humanoidFamily(
  "HumanoidStandup",
  "A human body of 17 joints that lies on its back; stand up.",
  describe("humanoid-standup", {
    torsoHeight: 0.105,
    head: [-0.15, 0, 0],
    upperWaist: [0.11, 0],
    lowerWaist: [0.21, 0, 0],
    pelvis: [0.165, 0, 0],
    hipHeight: 0,
    along: (distance, side) => [distance, side, 0],
    foot: [0.35, 0, -0.1],
    leftHipY: [-120, 20],
  }),
  {
    progress: () => 0,
    reward: (physics, _velocity, effort) => physics.qpos[2] / standupTimestep - 0.1 * effort - impact(physics) + 1,
  },
);
