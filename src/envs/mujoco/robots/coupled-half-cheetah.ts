/** @file CoupledHalfCheetah: two half cheetahs on one elastic line. Numbers of Gymnasium-Robotics' mamujoco_v1. */

import { indexRobot, type RobotDescription } from "../description.ts";
import { type Feature, range } from "../features.ts";
import { chain, jointNode, type Robot, tableFamily } from "../robot.ts";
import { cheetahBody, cheetahJoints, cheetahMotors, cheetahNoise, cheetahWorld } from "./half-cheetah.ts";

const cheetah = (number: number, y: number) => ({ ...cheetahBody(`${number}`, y), sites: [`t${number}`] });

const description: RobotDescription = {
  ...cheetahWorld,
  name: "coupled-half-cheetah",
  bodies: [cheetah(0, -1), cheetah(1, 1)],
  tendons: [
    {
      kind: "spatial",
      name: "line",
      sites: ["t0", "t1"],
      range: [1.5, 3.5],
      stiffness: 0.1,
      width: 0.05,
      rgba: [0.95, 0.3, 0.3, 1],
    },
  ],
  motors: [...cheetahMotors("0"), ...cheetahMotors("1")],
};

/** Where the second cheetah's numbers begin. */
const second = 9;

/** The line's Jacobian by rootx0, rootz0, rootx1, rootz1: of the six joints that move it, rooty0 and rooty1 are left out. */
const jacobian: readonly Feature[] = [0, 1, 3, 4].map((index) => ({ field: "ten_J", index }));
const lineLength: readonly Feature[] = [{ field: "ten_length", index: 0 }];
const lineVelocity: readonly Feature[] = [{ field: "ten_velocity", index: 0 }];

const names = (cheetah: number): string[] => cheetahJoints.map((joint) => `${joint}${cheetah}`);

export const coupledHalfCheetah = tableFamily(
  "CoupledHalfCheetah",
  "Two half cheetahs on one elastic line; run to the right, both.",
  { "1p1": [names(0), names(1)] },
  (agents, { ownJoints }): Robot => {
    const index = indexRobot(description);
    const node = (joint: string) => ({
      ...jointNode(index, joint),
      ...(joint.startsWith("bthigh") && {
        shows: { ten_J: jacobian, ten_length: lineLength, ten_velocity: lineVelocity },
      }),
    });
    /** Gymnasium-Robotics takes the first cheetah's numbers from the second's joints. */
    const shownFrom = (joint: string) => jointNode(index, ownJoints ? joint : joint.replace(/0$/, "1"));
    const nodes = Object.fromEntries(
      [...names(0), ...names(1)].map((joint) => {
        const { position, velocity } = shownFrom(joint);
        return [joint, { ...node(joint), position, velocity }];
      }),
    );
    const edges = (cheetah: number) =>
      chain(...["bfoot", "bshin", "bthigh", "fthigh", "fshin", "ffoot"].map((joint) => nodes[`${joint}${cheetah}`]));
    return {
      description,
      index,
      frameSkip: 5,
      episodeLimit: 1000,
      resetNoise: cheetahNoise,
      contactForces: false,
      /** The mean of both. */
      progress: ({ qpos }) => (qpos[0] + qpos[second]) / 2,
      reward: (_physics, velocity, effort) => velocity - (0.1 * effort) / 2,
      state: [
        ...range("qpos", 1, second),
        ...range("qpos", second + 1, index.positions),
        ...range("qvel", 0, index.velocities),
        ...jacobian,
        ...lineLength,
        ...lineVelocity,
      ],
      graph: {
        edges: [...edges(0), ...edges(1)],
        globals: [0, 1].flatMap((cheetah) => [
          { ...jointNode(index, `rootx${cheetah}`), position: null },
          jointNode(index, `rooty${cheetah}`),
          jointNode(index, `rootz${cheetah}`),
        ]),
      },
      agents: agents(nodes),
      localCategories: [["qpos", "qvel", "ten_J", "ten_length", "ten_velocity"], ["qpos"]],
    };
  },
);
