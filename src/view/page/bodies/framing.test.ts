import { expect, test } from "vitest";
import { type BodiesRecording, packPoses, type Solid, unpackPoses } from "../../../envs/recording.ts";
import { type Framing, frameOf } from "./framing.ts";

const ball = (body: number, y: number): Solid => ({
  shape: "sphere",
  size: [0.1],
  position: [0, y, 0],
  quaternion: [1, 0, 0, 0],
  rgba: [1, 1, 1, 1],
  body,
  agents: [],
});

/** One body, whose place is a function of time in s, with these solids on it; 20 frames per second, for 4 s. */
function framingOf(place: (seconds: number) => readonly number[], solids: readonly Solid[]): Framing {
  const frames = 81;
  const positions = Float64Array.from(Array.from({ length: frames }, (_, f) => place(f / 20)).flat());
  const quaternions = Float64Array.from({ length: 4 * frames }, (_, i) => (i % 4 === 0 ? 1 : 0));
  const poses = packPoses({ positions, quaternions }, 1);
  const recording: BodiesRecording = {
    kind: "bodies",
    frames,
    secondsPerFrame: 0.05,
    joints: [],
    solids,
    lines: [],
    poses,
  };
  return frameOf(recording, unpackPoses(poses));
}

test("the camera follows what runs, without its shaking", () => {
  const { path } = framingOf((t) => [3 * t + 0.05 * Math.sin(40 * t), 0, 1], [ball(0, 0)]);
  for (let f = 20; f <= 60; f++) expect(path[2 * f]).toBeCloseTo((3 * f) / 20, 1);
  // By frame, it gets on evenly: 0.15 m ± 5 mm.
  for (let f = 20; f < 60; f++) expect(Math.abs(path[2 * f + 2] - path[2 * f] - 0.15)).toBeLessThan(0.005);
});

test("what stays about one place is looked at from one place", () => {
  const { path, reach } = framingOf((t) => [Math.sin(t) / 20, 0, 1], [ball(0, -1), ball(0, 1)]);
  expect(new Set(path.filter((_, i) => i % 2 === 0)).size).toBe(1);
  expect(reach[1]).toBeCloseTo(1.1);
});

test("what is thin is seen from its side, what is flat from above", () => {
  const side = framingOf(
    (t) => [3 * t, 0, t % 1],
    [{ ...ball(0, 0), shape: "capsule", size: [0.05, 0.5], quaternion: [Math.SQRT1_2, 0, Math.SQRT1_2, 0] }],
  );
  const above = framingOf((t) => [3 * t, 0, 0], [ball(0, -1), ball(0, 1)]);
  expect(side.elevation).toBeLessThan(above.elevation / 2);
  expect(above.azimuth).toBeCloseTo(-Math.PI / 2);
});
