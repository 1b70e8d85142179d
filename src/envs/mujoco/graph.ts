/**
 * @file A robot as a graph of joints, and what an agent sees of it: its own joints, and those within `obsk` edges.
 *
 * The rules (what a node shows, in which order) are those of Multi-Agent MuJoCo (Peng et al. 2021, FACMAC) as
 * Gymnasium-Robotics' `mamujoco_v1` has them.
 */

import { bodyRow, type Feature, isBodyField } from "./features.ts";

/** A kind of number that nodes can show. */
export const categories = [
  "qpos",
  "qvel",
  "qfrc_actuator",
  "cinert",
  "cvel",
  "cfrc_ext",
  "fingertip_dist",
  "ten_J",
  "ten_length",
  "ten_velocity",
] as const;
export type Category = (typeof categories)[number];

/** A joint, or a part of the robot that nobody moves. Nodes are told apart by identity, not by label. */
export interface GraphNode {
  readonly label: string;
  /** The motor that moves it, by number; null where none does. */
  readonly motor: number | null;
  /** Its index in `qpos`; null: shows no position. */
  readonly position: number | null;
  /** Its index in `qvel` and `qfrc_actuator`; null: shows none. */
  readonly velocity: number | null;
  /** Bodies whose inertia, velocity and contact forces it shows. */
  readonly bodies?: readonly number[];
  /** What bodies show is clipped to ± this. */
  readonly bodyLimit?: number;
  /** What it shows of a category instead of the above. */
  readonly shows?: Partial<Readonly<Record<Category, readonly Feature[]>>>;
}

/** Nodes that are all neighbours of one another. */
export type HyperEdge = readonly GraphNode[];

export interface RobotGraph {
  readonly edges: readonly HyperEdge[];
  /** Parts that every agent sees. */
  readonly globals: readonly GraphNode[];
}

/**
 * The nodes at distance 0, 1, …, k from an agent's own, each list in the order of labels.
 */
export function nodesByDistance(own: readonly GraphNode[], edges: readonly HyperEdge[], k: number): GraphNode[][] {
  const byLabel = (a: GraphNode, b: GraphNode): number => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);
  const seen = new Set(own);
  const rings = [[...own].sort(byLabel)];
  for (let distance = 1; distance <= k; distance++) {
    const ring = new Set<GraphNode>();
    for (const node of rings[distance - 1])
      for (const edge of edges) if (edge.includes(node)) for (const next of edge) if (!seen.has(next)) ring.add(next);
    for (const node of ring) seen.add(node);
    rings.push([...ring].sort(byLabel));
  }
  return rings;
}

/** What a node shows of a category; of bodies in `shown`, which it extends, nothing. */
function nodeFeatures(node: GraphNode, category: Category, shown: Set<string>): readonly Feature[] {
  const special = node.shows?.[category];
  if (special) return special;
  if (category === "qpos") return node.position === null ? [] : [{ field: "qpos", index: node.position }];
  if (category === "qvel" || category === "qfrc_actuator")
    return node.velocity === null ? [] : [{ field: category, index: node.velocity }];
  if (!isBodyField(category)) return [];
  const features: Feature[] = [];
  for (const body of node.bodies ?? []) {
    const key = `${category} ${body}`;
    if (shown.has(key)) continue;
    shown.add(key);
    for (let i = 0; i < bodyRow[category]; i++) {
      features.push({
        field: category,
        index: body * bodyRow[category] + i,
        ...(node.bodyLimit !== undefined && { change: { kind: "clip", limit: node.bodyLimit } }),
      });
    }
  }
  return features;
}

/**
 * What an agent observes: its rings' nodes, near to far, each by its ring's categories; then, category by category, the
 * parts that everybody sees. A body that several nodes share is shown once.
 * @param localCategories by distance; there is one list for each ring
 */
export function observe(
  rings: readonly (readonly GraphNode[])[],
  localCategories: readonly (readonly Category[])[],
  globals: readonly GraphNode[],
  globalCategories: readonly Category[],
): Feature[] {
  const shownLocally = new Set<string>();
  const shownGlobally = new Set<string>();
  return [
    ...rings.flatMap((ring, distance) =>
      ring.flatMap((node) =>
        localCategories[distance].flatMap((category) => nodeFeatures(node, category, shownLocally)),
      ),
    ),
    ...globalCategories.flatMap((category) => globals.flatMap((node) => nodeFeatures(node, category, shownGlobally))),
  ];
}
