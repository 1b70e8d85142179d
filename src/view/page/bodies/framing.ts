/** @file Where to look from, from how the bodies move over a whole recording. */

import { Quaternion, Vector3 } from "three";
import type { BodiesRecording, Poses } from "../../../envs/recording.ts";
import { ballsOf } from "./shapes.ts";

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
/** The part of all that is seen which the picture is made for; a leap of a moment may leave it. */
const MOST = 0.98;
const degrees = Math.PI / 180;

/** Means over windows of 2·half + 1 frames, which are cut off at both ends by as much. */
function smooth(values: Float64Array, half: number): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i] + values[i];
  return values.map((_, i) => {
    const reach = Math.min(half, i, values.length - 1 - i);
    return (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1);
  });
}

export function frameOf({ frames, secondsPerFrame, solids, poses }: BodiesRecording, unpacked: Poses): Framing {
  const { bodies } = poses;
  const { positions, quaternions } = unpacked;
  const moving = solids.filter(({ body }) => body >= 0).flatMap(ballsOf);
  /** [F, balls, 3] */
  const middles = new Float64Array(frames * moving.length * 3);
  const [middle, turn] = [new Vector3(), new Quaternion()];
  for (let f = 0; f < frames; f++) {
    moving.forEach(({ body, middle: own }, s) => {
      const at = f * bodies + body;
      const [w, x, y, z] = quaternions.subarray(4 * at, 4 * at + 4);
      middle.copy(own).applyQuaternion(turn.set(x, y, z, w));
      for (let axis = 0; axis < 3; axis++)
        middles[(f * moving.length + s) * 3 + axis] = positions[3 * at + axis] + middle.getComponent(axis);
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

  /** What nearly all of `value(f, ball)` are below. */
  const most = (value: (f: number, s: number) => number): number =>
    Float64Array.from({ length: frames * moving.length }, (_, i) =>
      value(Math.floor(i / moving.length), i % moving.length),
    ).sort()[Math.floor(MOST * (frames * moving.length - 1))];
  const at = (f: number, s: number, axis: number): number => middles[(f * moving.length + s) * 3 + axis];
  const reachAlong = (axis: number): number =>
    most((f, s) => Math.abs(at(f, s, axis) - path[2 * f + axis]) + moving[s].radius);
  const fill = (still: boolean): void => {
    followed.forEach((values, axis) => {
      const middle = (Math.max(...values) + Math.min(...values)) / 2;
      for (let f = 0; f < frames; f++) path[2 * f + axis] = still ? middle : values[f];
    });
  };
  fill(false);
  if (Math.hypot(...spread) < 0.6 * Math.hypot(reachAlong(0), reachAlong(1))) fill(true);
  const reach: [number, number] = [reachAlong(0), reachAlong(1)];
  const heights = [
    -most((f, s) => moving[s].radius - at(f, s, 2)),
    most((f, s) => moving[s].radius + at(f, s, 2)),
  ] as const;

  // What stands still counts for the picture where it is near, as walls around an arena are.
  for (const { middle, radius } of solids.filter(({ body }) => body < 0).flatMap(ballsOf)) {
    for (let axis = 0; axis < 2; axis++) {
      const distance = Math.abs(middle.getComponent(axis) - path[axis]) + radius;
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
    elevation: (flat ? 52 : thin ? 11 : 14) * degrees,
  };
}
