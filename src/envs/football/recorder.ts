/** @file Recordings of football: where everybody and the ball are at each step. */

import { type PitchRecording, type Recorder, toBase64 } from "../recording.ts";

/** Of Google Research Football: a step is a tenth of a second; x in [−1, 1], y in [−0.42, 0.42], goals at ±0.044. */
const SECONDS_PER_STEP = 0.1;
const PITCH = { halfLength: 54.4, halfWidth: 35.1, goalHalfWidth: 3.7 };
const SENT_OFF = [-32_768, -32_768] as const;

/** What python/bpta_env/adapters/football.py tells of a moment; lengths in cm. */
interface Scene {
  readonly roles: readonly [readonly string[], readonly string[]];
  readonly players: readonly [readonly (readonly number[] | null)[], readonly (readonly number[] | null)[]];
  readonly ball: readonly number[];
  readonly owner: readonly number[];
  readonly controlled: readonly number[];
  readonly score: readonly number[];
  readonly mode: number;
}

/** Watches games, which `scene` tells of: of copy e now, or, `final`, of how its last episode ended. */
export function createPitchRecorder(scene: (e: number, final: boolean) => unknown): Recorder<Scene> {
  return {
    secondsPerFrame: SECONDS_PER_STEP,
    capture: (e, final) => scene(e, final) as Scene,
    record(frames): PitchRecording {
      const numbers = (part: (frame: Scene) => readonly number[]): number[] => frames.flatMap((frame) => part(frame));
      return {
        kind: "pitch",
        frames: frames.length,
        secondsPerFrame: SECONDS_PER_STEP,
        pitch: PITCH,
        roles: frames[0].roles,
        controlled: toBase64(Int8Array.from(numbers(({ controlled }) => controlled))),
        ball: toBase64(Int16Array.from(numbers(({ ball }) => ball))),
        players: toBase64(
          Int16Array.from(numbers(({ players }) => players.flat().flatMap((place) => place ?? SENT_OFF))),
        ),
        owner: toBase64(Int8Array.from(numbers(({ owner }) => owner))),
        score: toBase64(Uint8Array.from(numbers(({ score }) => score))),
        mode: toBase64(Uint8Array.from(numbers(({ mode }) => [mode]))),
      };
    },
    close() {},
  };
}
