/** @file Where to look from, from how the bodies move over a whole recording. */

import type { BodiesRecording, Poses } from "../../envs/recording.ts";
import { reachOf } from "./shapes.ts";

export interface Framing {
  /** [F, 2]: what the camera follows, x and y in m: the middle of all bodies, without their shaking. */
  readonly path: Float64Array;
  /** m: how far bodies reach from the path, in x and y. */
  readonly reach: readonly [number, number];
  /** m: the lowest and highest that bodies get. */
  readonly heights: readonly [number, number];
  /** m: where the ground is. */
  readonly ground: number;
  /** Radians: where the camera stands at first; −π/2 has x go to the right. */
  readonly azimuth: number;
  readonly elevation: number;
}

/** Seconds over which the camera's path is smoothed. */
const SMOOTHING = 0.6;
const degrees = Math.PI / 180;

/** Rotates a vector by a unit quaternion w, x, y, z. */
function rotate([w, x, y, z]: ArrayLike<number> & Iterable<number>, [a, b, c]: readonly number[]): number[] {
  const [u, v, t] = [2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)];
  return [a + w * u + y * t - z * v, b + w * v + z * u - x * t, c + w * t + x * v - y * u];
}

/** Means over windows of 2·half + 1 frames, which are cut off at both ends by as much. */
function smooth(values: Float64Array, half: number): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i] + values[i];
  return values.map((_, i) => {
    const reach = Math.min(half, i, values.length - 1 - i);
    return (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1);
  });
}

export function frame({ frames, secondsPerFrame, solids, poses }: BodiesRecording, unpacked: Poses): Framing {
  const { bodies } = poses;
  const { positions, quaternions } = unpacked;
  // Solids that move: where each is at each frame.
  const moving = solids.filter(({ body, shape }) => body >= 0 && shape !== "plane");
  const middles = new Float64Array(frames * moving.length * 3);
  for (let f = 0; f < frames; f++) {
    moving.forEach(({ body, position }, s) => {
      const at = f * bodies + body;
      const offset = rotate(quaternions.subarray(4 * at, 4 * at + 4), position);
      for (let axis = 0; axis < 3; axis++)
        middles[(f * moving.length + s) * 3 + axis] = positions[3 * at + axis] + offset[axis];
    });
  }
  const mean = (axis: number): Float64Array =>
    Float64Array.from({ length: frames }, (_, f) => {
      let sum = 0;
      for (let s = 0; s < moving.length; s++) sum += middles[(f * moving.length + s) * 3 + axis];
      return sum / moving.length;
    });
  // Twice: the path and its speed are smooth.
  const half = Math.round(SMOOTHING / secondsPerFrame / 2);
  const followed = [0, 1].map((axis) => smooth(smooth(mean(axis), half), half));
  // What stays on one spot is looked at from one spot.
  const spread = followed.map((values) => Math.max(...values) - Math.min(...values));
  const path = new Float64Array(2 * frames);

  const measure = (): { reach: [number, number]; heights: [number, number] } => {
    const reach: [number, number] = [0, 0];
    const heights: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let f = 0; f < frames; f++) {
      moving.forEach((solid, s) => {
        const at = (f * moving.length + s) * 3;
        const radius = reachOf(solid);
        for (let axis = 0; axis < 2; axis++)
          reach[axis] = Math.max(reach[axis], Math.abs(middles[at + axis] - path[2 * f + axis]) + radius);
        heights[0] = Math.min(heights[0], middles[at + 2] - radius);
        heights[1] = Math.max(heights[1], middles[at + 2] + radius);
      });
    }
    return { reach, heights };
  };
  const fill = (still: boolean): void => {
    followed.forEach((values, axis) => {
      const middle = (Math.max(...values) + Math.min(...values)) / 2;
      for (let f = 0; f < frames; f++) path[2 * f + axis] = still ? middle : values[f];
    });
  };
  fill(false);
  const { reach: around } = measure();
  if (Math.hypot(...spread) < 0.6 * Math.hypot(...around)) fill(true);
  const { reach, heights } = measure();

  // What stands still counts for the picture where it is near, as walls around an arena are.
  for (const solid of solids) {
    if (solid.body >= 0 || solid.shape === "plane") continue;
    for (let axis = 0; axis < 2; axis++) {
      const distance = Math.abs(solid.position[axis] - path[axis]);
      if (distance < 4 * reach[axis]) reach[axis] = Math.max(reach[axis], distance);
    }
  }

  const flat = heights[1] - heights[0] < 0.5 * Math.max(...reach);
  const thin = reach[1] < 0.35 * reach[0];
  const floor = solids.find(({ shape }) => shape === "plane");
  return {
    path,
    reach,
    heights,
    ground: floor ? floor.position[2] : heights[0],
    azimuth: (flat ? -90 : thin ? -68 : -56) * degrees,
    elevation: (flat ? 52 : thin ? 11 : 20) * degrees,
  };
}
