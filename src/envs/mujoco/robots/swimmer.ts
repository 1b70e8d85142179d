/**
 * @file Swimmer: a chain of rods in a viscous plane, of three rods or of many.
 * Numbers of Gymnasium's Swimmer-v5 and Gymnasium-Robotics' ManySegmentSwimmer.
 */

import { type Body, indexRobot, type RobotDescription } from "../description.ts";
import { range } from "../features.ts";
import { chain, jointNode, type Robot, type RobotFamily, tableFamily } from "../robot.ts";
import { segmentsOf } from "../segments.ts";

/** A hinge between two rods. */
interface Link {
  readonly joint: string;
  /** Which way it turns about z, 1 or −1. */
  readonly turn: number;
}

const rod = (from: number, to: number) =>
  ({ type: "capsule", fromto: [from, 0, 0, to, 0, 0], size: [0.1], density: 1000 }) as const;

/** A rod of 1 m behind each link. */
function rods([link, ...rest]: readonly Link[], x: number): Body[] {
  if (!link) return [];
  return [
    {
      name: `rod_${link.joint}`,
      pos: [x, 0, 0],
      joints: [{ name: link.joint, type: "hinge", axis: [0, 0, link.turn], limited: true, range: [-100, 100] }],
      geoms: [rod(0, -1)],
      bodies: rods(rest, -1),
    },
  ];
}

const describe = (name: string, heading: string, links: readonly Link[]): RobotDescription => ({
  name,
  angle: "degree",
  option: { density: 4000, integrator: "RK4", timestep: 0.01, viscosity: 0.1 },
  jointDefaults: { armature: 0.1 },
  geomDefaults: { conaffinity: 0, condim: 1, contype: 0, rgba: [0.8, 0.6, 0.4, 1] },
  geoms: [
    { name: "floor", type: "plane", pos: [0, 0, -0.1], size: [40, 40, 0.1], condim: 3, rgba: [0.8, 0.9, 0.8, 1] },
  ],
  bodies: [
    {
      name: "torso",
      joints: [
        { name: "slider1", type: "slide", axis: [1, 0, 0] },
        { name: "slider2", type: "slide", axis: [0, 1, 0] },
        { name: heading, type: "hinge", axis: [0, 0, 1] },
      ],
      geoms: [rod(1.5, 0.5)],
      bodies: rods(links, 0.5),
    },
  ],
  motors: links.map(({ joint }) => ({ joint, gear: 150 })),
  controlLimit: 1,
});

const common = {
  frameSkip: 4,
  episodeLimit: 1000,
  resetNoise: { scale: 0.1, velocity: { kind: "uniform", factor: 1 } },
  contactForces: false,
  progress: ({ qpos }) => qpos[0],
  reward: (_physics, velocity, effort) => velocity - 1e-4 * effort,
  localCategories: [["qpos", "qvel"], ["qpos"]],
} as const satisfies Partial<Robot>;

/** The whole situation but x and y. */
const state = (positions: number, velocities: number): Robot["state"] => [
  ...range("qpos", 2, positions),
  ...range("qvel", 0, velocities),
];

const description = describe("swimmer", "free_body_rot", [
  { joint: "motor1_rot", turn: 1 },
  { joint: "motor2_rot", turn: 1 },
]);

export const swimmer = tableFamily(
  "Swimmer",
  "Three rods in a viscous fluid; swim to the right.",
  { "2x1": [["rot2"], ["rot3"]] },
  (agents): Robot => {
    const index = indexRobot(description);
    // Beside its own velocity, each joint shows one of the trunk's, x or y.
    const own = (joint: string, label: string, trunk: number) => {
      const node = jointNode(index, joint, { label });
      const qvel = [trunk, node.velocity!].map((i) => ({ field: "qvel", index: i }) as const);
      return { ...node, shows: { qvel } };
    };
    const nodes = { rot2: own("motor1_rot", "rot2", 0), rot3: own("motor2_rot", "rot3", 1) };
    return {
      ...common,
      description,
      index,
      state: state(index.positions, index.velocities),
      graph: { edges: [[nodes.rot2, nodes.rot3]], globals: [jointNode(index, "free_body_rot")] },
      agents: agents(nodes),
    };
  },
);

export const manySegmentSwimmer: RobotFamily = {
  name: "ManySegmentSwimmer",
  description: "Many rods in a viscous fluid, N agents that move K joints each; swim to the right.",
  factorisations: { form: "NxK", examples: ["10x2", "5x4", "6x1", "1x2"] },
  build(factorisation) {
    const { agents, perAgent, total } = segmentsOf("ManySegmentSwimmer", factorisation, "joints", 2);
    // Joints turn alternately left and right about the chain; the last turns left whatever its place.
    const turn = (i: number): number => (i === 0 || i === total - 1 || i % 2 === 1 ? 1 : -1);
    const links = Array.from({ length: total }, (_, i) => ({ joint: `rot${i}`, turn: turn(i) }));
    const many = describe("many-segment-swimmer", "rot", links);
    const index = indexRobot(many);
    const nodes = links.map(({ joint }) => jointNode(index, joint));
    return {
      ...common,
      description: many,
      index,
      state: state(index.positions, index.velocities),
      graph: { edges: chain(...nodes), globals: [] },
      agents: Array.from({ length: agents }, (_, i) => nodes.slice(i * perAgent, (i + 1) * perAgent)),
    };
  },
};
