/** @file Pusher: an arm of seven joints, an object to push, and where it is to go. Numbers of Gymnasium's Pusher-v5. */

import type { Random } from "../../../random.ts";
import { type Body, type Geom, indexRobot, type Joint, type RobotDescription, type Vector3 } from "../description.ts";
import { type Feature, range } from "../features.ts";
import { bodyDistance, bodyNumbers, chain, jointNode, type Robot, tableFamily } from "../robot.ts";

/** The arm's joints, from the shoulder to the hand. */
const arm = [
  "r_shoulder_pan_joint",
  "r_shoulder_lift_joint",
  "r_upper_arm_roll_joint",
  "r_elbow_flex_joint",
  "r_forearm_roll_joint",
  "r_wrist_flex_joint",
  "r_wrist_roll_joint",
] as const;

const [shell, joint, tool] = [
  [0.75, 0.78, 0.82, 1],
  [0.35, 0.4, 0.47, 1],
  [0.9, 0.55, 0.2, 1],
];

const hinge = (name: (typeof arm)[number], axis: Vector3, limits: readonly [number, number], damping = 0.1): Joint => ({
  name,
  type: "hinge",
  axis,
  range: limits,
  damping,
});

const bar = (to: readonly number[], radius: number, from: readonly number[] = [0, 0, 0], rgba = shell): Geom => ({
  type: "capsule",
  fromto: [...from, ...to],
  size: [radius],
  rgba,
});

/** What the object can touch. */
const fork = (from: readonly number[], to: readonly number[]): Geom => ({
  ...bar(to, 0.02, from, tool),
  contype: 1,
  conaffinity: 1,
});

const ball = (x: number, y: number, z: number, radius: number, rgba: readonly number[]): Geom => ({
  type: "sphere",
  pos: [x, y, z],
  size: [radius],
  rgba,
});

const hand: Body = {
  name: "r_wrist_roll_link",
  joints: [hinge("r_wrist_roll_joint", [1, 0, 0], [-1.5, 1.5])],
  geoms: [fork([0, -0.1, 0], [0, 0.1, 0]), fork([0, -0.1, 0], [0.1, -0.1, 0]), fork([0, 0.1, 0], [0.1, 0.1, 0])],
  bodies: [{ name: "tips_arm", geoms: [ball(0.1, -0.1, 0, 0.01, tool), ball(0.1, 0.1, 0, 0.01, tool)] }],
};

const forearm: Body = {
  name: "r_forearm_roll_link",
  joints: [hinge("r_forearm_roll_joint", [1, 0, 0], [-1.5, 1.5])],
  geoms: [bar([0.1, 0, 0], 0.02, [-0.1, 0, 0], joint)],
  bodies: [
    {
      name: "r_forearm_link",
      geoms: [bar([0.291, 0, 0], 0.05)],
      bodies: [
        {
          name: "r_wrist_flex_link",
          pos: [0.321, 0, 0],
          joints: [hinge("r_wrist_flex_joint", [0, 1, 0], [-1.094, 0])],
          geoms: [bar([0, 0.02, 0], 0.01, [0, -0.02, 0], joint)],
          bodies: [hand],
        },
      ],
    },
  ],
};

const shoulder: Body = {
  name: "r_shoulder_pan_link",
  pos: [0, -0.6, 0],
  joints: [hinge("r_shoulder_pan_joint", [0, 0, 1], [-2.2854, 1.714602], 1)],
  geoms: [
    ball(-0.06, 0.05, 0.2, 0.05, [0.95, 0.95, 0.95, 1]),
    ball(0.06, 0.05, 0.2, 0.05, [0.95, 0.95, 0.95, 1]),
    ball(-0.06, 0.09, 0.2, 0.03, [0.1, 0.1, 0.1, 1]),
    ball(0.06, 0.09, 0.2, 0.03, [0.1, 0.1, 0.1, 1]),
    bar([0, 0, 0.2], 0.1, [0, 0, -0.4]),
  ],
  bodies: [
    {
      name: "r_shoulder_lift_link",
      pos: [0.1, 0, 0],
      joints: [hinge("r_shoulder_lift_joint", [0, 1, 0], [-0.5236, 1.3963], 1)],
      geoms: [bar([0, 0.1, 0], 0.1, [0, -0.1, 0])],
      bodies: [
        {
          name: "r_upper_arm_roll_link",
          joints: [hinge("r_upper_arm_roll_joint", [1, 0, 0], [-1.5, 1.7])],
          geoms: [bar([0.1, 0, 0], 0.02, [-0.1, 0, 0], joint)],
          bodies: [
            {
              name: "r_upper_arm_link",
              geoms: [bar([0.4, 0, 0], 0.06)],
              bodies: [
                {
                  name: "r_elbow_flex_link",
                  pos: [0.4, 0, 0],
                  joints: [hinge("r_elbow_flex_joint", [0, 1, 0], [-2.3213, 0])],
                  geoms: [bar([0, 0.02, 0], 0.06, [0, -0.02, 0], joint)],
                  bodies: [forearm],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
};

/** Something on the table, which slides along y and x, by joints that have a name of their own. */
const onTable = (name: string, slide: string, z: number, geom: Geom): Body => ({
  name,
  pos: [0.45, -0.05, z],
  joints: (["y", "x"] as const).map((along) => ({
    name: `${slide}${along}`,
    type: "slide",
    axis: along === "y" ? [0, 1, 0] : [1, 0, 0],
    range: [-10.3213, 10.3],
    damping: 0.5,
  })),
  geoms: [geom],
});

const description: RobotDescription = {
  name: "pusher",
  angle: "radian",
  option: { integrator: "Euler", timestep: 0.01, iterations: 20, gravity: [0, 0, 0] },
  jointDefaults: { armature: 0.04, damping: 1, limited: true },
  geomDefaults: { friction: [0.8, 0.1, 0.1], density: 300, margin: 0.002, condim: 1, contype: 0, conaffinity: 0 },
  geoms: [
    {
      ...{ name: "table", type: "plane", pos: [0, 0.5, -0.325], size: [1, 1, 0.1] },
      ...{ contype: 1, conaffinity: 1, rgba: [0.9, 0.9, 0.9, 1] },
    },
  ],
  bodies: [
    shoulder,
    onTable("object", "obj_slide", -0.275, {
      ...{ type: "cylinder", size: [0.05, 0.05], density: 0.01, contype: 1, conaffinity: 0 },
      rgba: [0.25, 0.5, 0.85, 1],
    }),
    onTable("goal", "goal_slide", -0.323, {
      ...{ type: "cylinder", size: [0.08, 0.001], density: 0.00001, contype: 0, conaffinity: 0 },
      rgba: [0.9, 0.2, 0.2, 1],
    }),
  ],
  motors: arm.map((joint) => ({ joint, gear: 1 })),
  controlLimit: 2,
};

const index = indexRobot(description);
const [tips, object, goal] = bodyNumbers(index, ["tips_arm", "object", "goal"]);

const place = (body: number): readonly Feature[] => range("xpos", 3 * body, 3 * body + 3);

/** The object lies somewhere before the arm, away from the goal; neither moves. */
function arrange(random: Random, qpos: Float64Array, qvel: Float64Array): void {
  const first = index.joints.get("obj_slidey")!.position;
  do {
    qpos[first] = -0.3 * random.uniform();
    qpos[first + 1] = 0.2 * (2 * random.uniform() - 1);
  } while (Math.hypot(qpos[first], qpos[first + 1]) <= 0.17);
  qvel.fill(0, qvel.length - 4);
}

export const pusher = tableFamily(
  "Pusher",
  "An arm of seven joints; push the object on the table to its goal.",
  { "3p": [arm.slice(0, 3), arm.slice(3, 4), arm.slice(4)] },
  (agents): Robot => {
    const nodes = Object.fromEntries(arm.map((joint) => [joint, jointNode(index, joint)]));
    return {
      description,
      index,
      frameSkip: 5,
      episodeLimit: 100,
      resetNoise: { scale: 0.005, positionFactor: 0, velocity: { kind: "uniform", factor: 1 }, arrange },
      contactForces: false,
      progress: () => 0,
      reward: (physics, _velocity, effort) =>
        -bodyDistance(physics, object, goal) - 0.5 * bodyDistance(physics, object, tips) - 0.1 * effort,
      state: [...range("qpos", 0, 7), ...range("qvel", 0, 7), ...place(tips), ...place(object), ...place(goal)],
      graph: {
        edges: chain(...arm.map((joint) => nodes[joint])),
        globals: Object.entries({ tips_arm: tips, object, goal }).map(([label, body]) => ({
          ...{ label, motor: null, position: null, velocity: null },
          shows: { qpos: place(body) },
        })),
      },
      agents: agents(nodes),
      localCategories: [["qpos", "qvel"], ["qpos"]],
    };
  },
);
