import fc from "fast-check";
import { expect, test } from "vitest";
import { packPoses, unpackPoses } from "./recording.ts";

const coordinate = fc.double({ min: -500, max: 500, noNaN: true });
const poses = fc
  .record({ frames: fc.integer({ min: 1, max: 5 }), bodies: fc.integer({ min: 1, max: 4 }) })
  .chain(({ frames, bodies }) => {
    const n = frames * bodies;
    return fc.record({
      bodies: fc.constant(bodies),
      positions: fc.array(coordinate, { minLength: 3 * n, maxLength: 3 * n }),
      turns: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4 * n, maxLength: 4 * n }),
    });
  });

test("packed poses come back within half a unit, and turned as they were within a ten-thousandth", () => {
  fc.assert(
    fc.property(poses, ({ bodies, positions, turns }) => {
      const quaternions = Float64Array.from(turns);
      for (let i = 0; i < turns.length; i += 4) {
        const length = Math.hypot(...turns.slice(i, i + 4));
        if (length < 0.1) quaternions.set([1, 0, 0, 0], i);
        else for (let k = i; k < i + 4; k++) quaternions[k] /= length;
      }
      const packed = JSON.parse(
        JSON.stringify(packPoses({ positions: Float64Array.from(positions), quaternions }, bodies)),
      );
      const unpacked = unpackPoses(packed);
      // The rounding of origins of up to 500 m is of up to 2⁻¹⁵ m.
      unpacked.positions.forEach((x, i) => {
        expect(Math.abs(x - positions[i])).toBeLessThanOrEqual(packed.unit / 2 + 2 ** -15);
      });
      unpacked.quaternions.forEach((x, i) => {
        expect(Math.abs(x - quaternions[i])).toBeLessThan(1e-4);
      });
    }),
  );
});

test("bodies that are all in one place stay there", () => {
  const { positions } = unpackPoses(
    packPoses(
      { positions: Float64Array.of(1, 2, 3, 1, 2, 3), quaternions: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0) },
      2,
    ),
  );
  expect([...positions]).toEqual([1, 2, 3, 1, 2, 3]);
});
