/** @file Reacher: an arm of two links in a plane, and a goal for its tip. Numbers of Gymnasium's Reacher-v5. */

import type { Random } from "../../../random.ts";
import { type Geom, indexRobot, type RobotDescription } from "../description.ts";
import { type Feature, range } from "../features.ts";
import { bodyDistance, bodyNumbers, jointNode, type Robot, tableFamily } from "../robot.ts";

/** One side of the frame around the arena: looks only. */
const side = (fromX: number, fromY: number, toX: number, toY: number): Geom => ({
  type: "capsule",
  fromto: [fromX, fromY, 0.01, toX, toY, 0.01],
  size: [0.02],
  conaffinity: 0,
  rgba: [0.9, 0.4, 0.6, 1],
});

const link: Geom = { type: "capsule", fromto: [0, 0, 0, 0.1, 0, 0], size: [0.01], rgba: [0, 0.4, 0.6, 1] };

const goalSlide = {
  type: "slide",
  armature: 0,
  damping: 0,
  stiffness: 0,
  limited: true,
  range: [-0.27, 0.27],
} as const;

const description: RobotDescription = {
  name: "reacher",
  angle: "radian",
  option: { integrator: "RK4", timestep: 0.01 },
  jointDefaults: { armature: 1, damping: 1, limited: true },
  geomDefaults: { contype: 0, friction: [1, 0.1, 0.1], rgba: [0.7, 0.7, 0, 1] },
  geoms: [
    { name: "floor", type: "plane", size: [1, 1, 10], contype: 0, conaffinity: 0, rgba: [0.9, 0.9, 0.9, 1] },
    side(-0.3, -0.3, 0.3, -0.3),
    side(0.3, -0.3, 0.3, 0.3),
    side(-0.3, 0.3, 0.3, 0.3),
    side(-0.3, -0.3, -0.3, 0.3),
    {
      type: "cylinder",
      fromto: [0, 0, 0, 0, 0, 0.02],
      size: [0.011],
      contype: 0,
      conaffinity: 0,
      rgba: [0.9, 0.4, 0.6, 1],
    },
  ],
  bodies: [
    {
      name: "body0",
      pos: [0, 0, 0.01],
      joints: [{ name: "joint0", type: "hinge", axis: [0, 0, 1], limited: false }],
      geoms: [link],
      bodies: [
        {
          name: "body1",
          pos: [0.1, 0, 0],
          joints: [{ name: "joint1", type: "hinge", axis: [0, 0, 1], limited: true, range: [-3, 3] }],
          geoms: [link],
          bodies: [
            {
              name: "fingertip",
              pos: [0.11, 0, 0],
              geoms: [{ type: "sphere", size: [0.01], contype: 0, rgba: [0, 0.8, 0.6, 1] }],
            },
          ],
        },
      ],
    },
    {
      name: "target",
      pos: [0.1, -0.1, 0.01],
      joints: [
        { name: "target_x", axis: [1, 0, 0], ref: 0.1, ...goalSlide },
        { name: "target_y", axis: [0, 1, 0], ref: -0.1, ...goalSlide },
      ],
      geoms: [{ type: "sphere", size: [0.009], contype: 0, conaffinity: 0, rgba: [0.9, 0.2, 0.2, 1] }],
    },
  ],
  motors: ["joint0", "joint1"].map((joint) => ({ joint, gear: 200 })),
  controlLimit: 1,
};

const index = indexRobot(description);
const [fingertip, target] = bodyNumbers(index, ["fingertip", "target"]);

/** From the goal to the tip, in m. */
const toTip: readonly Feature[] = [0, 1, 2].map((axis) => ({
  field: "xpos",
  index: 3 * fingertip + axis,
  change: { kind: "minus", other: 3 * target + axis },
}));

const sine = (joint: number): Feature => ({ field: "qpos", index: joint, change: { kind: "sin" } });
const cosine = (joint: number): Feature => ({ field: "qpos", index: joint, change: { kind: "cos" } });

/** The goal lies anywhere on a disc of 0.2 m around the origin, and does not move. */
function arrange(random: Random, qpos: Float64Array, qvel: Float64Array): void {
  const radius = 0.2 * Math.sqrt(random.uniform());
  const angle = 2 * Math.PI * random.uniform();
  const { position, velocity } = index.joints.get("target_x")!;
  qpos[position] = radius * Math.cos(angle);
  qpos[position + 1] = radius * Math.sin(angle);
  qvel.fill(0, velocity);
}

export const reacher = tableFamily(
  "Reacher",
  "An arm of two links in a plane; bring its tip to the goal.",
  { "2x1": [["joint0"], ["joint1"]] },
  (agents): Robot => {
    const nodes = {
      joint0: jointNode(index, "joint0", {
        bodies: bodyNumbers(index, ["body0", "body1"]),
        shows: { qpos: [sine(0), cosine(0)] },
      }),
      joint1: jointNode(index, "joint1", {
        bodies: bodyNumbers(index, ["body1", "fingertip"]),
        shows: { qpos: [sine(1), cosine(1)], fingertip_dist: toTip },
      }),
    };
    return {
      description,
      index,
      frameSkip: 2,
      episodeLimit: 50,
      resetNoise: { scale: 0.1, velocity: { kind: "uniform", factor: 0.05 }, arrange },
      contactForces: false,
      progress: () => 0,
      reward: (physics, _velocity, effort) => -bodyDistance(physics, fingertip, target) - effort,
      state: [
        cosine(0),
        cosine(1),
        sine(0),
        sine(1),
        ...range("qpos", 2, 4),
        ...range("qvel", 0, 2),
        ...toTip.slice(0, 2),
      ],
      graph: {
        edges: [[nodes.joint0, nodes.joint1]],
        // The goal does not move.
        globals: ["target_x", "target_y"].map((joint) => jointNode(index, joint, { shows: { qvel: [] } })),
      },
      agents: agents(nodes),
      localCategories: [["qpos", "qvel", "fingertip_dist"], ["qpos"]],
    };
  },
);
