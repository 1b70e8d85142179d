/**
 * @file ManySegmentAnt: a centipede, each segment with two legs of two joints.
 * Numbers of Gymnasium-Robotics' ManySegmentAnt, a task like Gymnasium's Ant-v5.
 */

import { type Body, indexRobot, type RobotDescription } from "../description.ts";
import { range } from "../features.ts";
import type { GraphNode, HyperEdge } from "../graph.ts";
import type { RobotFamily } from "../robot.ts";
import { segmentsOf } from "../segments.ts";
import { antGear, antLeg, antRoot, antState, antTask, antTrunk, antWorld, contactLimit } from "./ant.ts";

/** The first segment's legs point forward, all others' back; those start beside the trunk. */
const legShapes = (segment: number) =>
  segment === 0
    ? ([
        { direction: [1, 1], stub: [1, 1], ankleAxis: [-1, 1, 0], ankleRange: [30, 70] },
        { direction: [1, -1], stub: [1, -1], ankleAxis: [1, 1, 0], ankleRange: [30, 70] },
      ] as const)
    : ([
        { direction: [-1, 1], stub: [0, 1], ankleAxis: [1, 1, 0], ankleRange: [-70, -30] },
        { direction: [-1, -1], stub: [0, -1], ankleAxis: [-1, 1, 0], ankleRange: [-70, -30] },
      ] as const);

/** Segment `segment` and, hung on it, all behind. */
function segmentBody(segment: number, total: number): Body {
  return {
    name: `torso_${segment}`,
    pos: segment === 0 ? [0, 0, 0.75] : [-1, 0, 0],
    ...(segment === 0
      ? { joints: [antRoot] }
      : { geoms: [{ type: "capsule", fromto: [1, 0, 0, 0, 0, 0], size: [0.1], density: 100 }] }),
    bodies: [
      ...legShapes(segment).map((shape, side) => {
        const suffix = `${side + 1}_${segment}`;
        const names = [`stub${suffix}`, `upper${suffix}`, `lower${suffix}`] as const;
        return antLeg({ bodies: names, hip: `hip${suffix}`, ankle: `ankle${suffix}` }, shape);
      }),
      ...(segment + 1 < total ? [segmentBody(segment + 1, total)] : []),
    ],
  };
}

const jointsPerSegment = 4;
const bodiesPerSegment = 7;

/** By joint of a segment: its name, the motor it is given, its bodies (all by number within the segment). */
const segmentJoints = [
  // Gymnasium-Robotics gives each leg the other leg's motors; both are the same agent's.
  { name: "hip1", motor: 2, bodies: [0, 1] },
  { name: "ankle1", motor: 3, bodies: [1, 2, 3] },
  { name: "hip2", motor: 0, bodies: [0, 4] },
  { name: "ankle2", motor: 1, bodies: [4, 5, 6] },
] as const;

export const manySegmentAnt: RobotFamily = {
  name: "ManySegmentAnt",
  description: "A centipede, N agents that move K segments of two legs each; run along x without turning over.",
  factorisations: { form: "NxK", examples: ["2x3", "3x2", "6x1"] },
  build(factorisation, { ownJoints }) {
    const { agents, perAgent, total } = segmentsOf("ManySegmentAnt", factorisation, "segments", 1);
    const description: RobotDescription = {
      ...antWorld,
      name: "many-segment-ant",
      bodies: [segmentBody(0, total)],
      motors: Array.from({ length: total }, (_, segment) =>
        segmentJoints.map(({ name }) => ({ joint: `${name}_${segment}`, gear: antGear })),
      ).flat(),
    };
    const index = indexRobot(description);

    /**
     * Where a node takes its number from. Gymnasium-Robotics counts segments the wrong way round, from the wrong end:
     * all but the last segment's show other segments', or the trunk's, numbers.
     */
    const address = (segment: number, joint: number, count: number): number => {
      const fromEnd = jointsPerSegment * (ownJoints ? segment - total : total - segment - 2);
      return ((((ownJoints || segment < total - 1 ? fromEnd : -jointsPerSegment) + joint) % count) + count) % count;
    };
    const segments = Array.from({ length: total }, (_, segment) =>
      segmentJoints.map(
        ({ name, motor, bodies }, joint): GraphNode => ({
          label: `${name}_${segment}`,
          motor: jointsPerSegment * segment + (ownJoints ? joint : motor),
          position: address(segment, joint, index.positions),
          velocity: address(segment, joint, index.velocities),
          bodies: bodies.map((body) => 1 + bodiesPerSegment * segment + body),
          bodyLimit: contactLimit,
        }),
      ),
    );
    const edges = segments.flatMap(([hip1, ankle1, hip2, ankle2], segment): HyperEdge[] => {
      const legs: HyperEdge[] = [
        [ankle1, hip1],
        [ankle2, hip2],
        [hip1, hip2],
      ];
      if (segment === 0) return legs;
      const [before1, , before2] = segments[segment - 1];
      // Gymnasium-Robotics ties segments to *copies* of the hips in front: what is in front is seen, and even by who
      // moves it, but nothing behind, and nothing beyond.
      const front = ownJoints ? [before1, before2] : [{ ...before1 }, { ...before2 }];
      return [...legs, [...front, hip1, hip2]];
    });
    return {
      ...antTask,
      description,
      index,
      state: antState(index.positions, index.velocities, index.bodies.length),
      graph: {
        edges,
        globals: [
          {
            label: "free",
            motor: null,
            position: 0,
            velocity: 0,
            shows: { ...antTrunk, cfrc_ext: range("cfrc_ext", 0, 6, { kind: "clip", limit: contactLimit }) },
          },
        ],
      },
      agents: Array.from({ length: agents }, (_, i) => segments.slice(i * perAgent, (i + 1) * perAgent).flat()),
    };
  },
};
