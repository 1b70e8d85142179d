import fc from "fast-check";
import { expect, test } from "vitest";
import { type GraphNode, nodesByDistance, observe } from "./graph.ts";

const node = (i: number): GraphNode => ({ label: `joint${i}`, motor: i, position: i, velocity: i });

const graph = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    edges: fc.array(fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 4 }), { maxLength: 15 }),
    own: fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 3 }),
    k: fc.nat(5),
  }),
);

test("rings are the joints by number of edges from the agent's own, in the order of labels", () => {
  fc.assert(
    fc.property(graph, ({ count, edges, own, k }) => {
      const nodes = Array.from({ length: count }, (_, i) => node(i));
      // Distances by relaxation, to compare with.
      const distance = nodes.map((_, i) => (own.includes(i) ? 0 : Number.POSITIVE_INFINITY));
      for (let round = 0; round < count; round++)
        for (const edge of edges)
          for (const a of edge) for (const b of edge) distance[b] = Math.min(distance[b], distance[a] + 1);
      const rings = nodesByDistance(
        own.map((i) => nodes[i]),
        edges.map((edge) => edge.map((i) => nodes[i])),
        k,
      );
      const expected = Array.from({ length: k + 1 }, (_, ring) =>
        nodes
          .filter((_, i) => distance[i] === ring)
          .map(({ label }) => label)
          .sort(),
      );
      expect(rings.map((ring) => ring.map(({ label }) => label))).toEqual(expected);
    }),
  );
});

test("a body that several joints share is shown once, at the joint that comes first", () => {
  const hip = { ...node(0), bodies: [1, 2] };
  const ankle = { ...node(1), bodies: [2, 3], bodyLimit: 1 };
  const features = observe([[hip], [ankle]], [["qpos", "cvel"], ["cvel"]], [hip], ["cvel"]);
  expect(features.slice(0, 1)).toEqual([{ field: "qpos", index: 0 }]);
  // Six numbers of each body: 1 and 2 of the hip, 3 of the ankle, and again 1 and 2 of what everybody sees.
  expect(features.slice(1).map(({ index }) => Math.floor(index / 6))).toEqual(
    [1, 2, 3, 1, 2].flatMap((body) => new Array(6).fill(body)),
  );
  expect(features[13].change).toEqual({ kind: "clip", limit: 1 });
  expect(features[1].change).toBeUndefined();
});
