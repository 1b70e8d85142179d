/** @file Recordings of what environments draw of themselves. */

import type { PicturesRecording, Recorder } from "../recording.ts";

/** Steps in a second, where the environment does not say: as in most of PettingZoo's. */
const STEPS_PER_SECOND = 10;

/** Where a PNG's width and height stand; https://www.w3.org/TR/png/#11IHDR. */
const [WIDTH_AT, HEIGHT_AT] = [16, 20];

/** @param picture how a copy looks now, or how its last episode ended, as a PNG */
export function createPictureRecorder(
  picture: (e: number, final: boolean) => Uint8Array,
  stepsPerSecond: number | null,
): Recorder<Buffer> {
  const secondsPerFrame = 1 / (stepsPerSecond ?? STEPS_PER_SECOND);
  return {
    secondsPerFrame,
    capture: (e, final) => Buffer.from(picture(e, final)),
    record: (frames): PicturesRecording => ({
      kind: "pictures",
      frames: frames.length,
      secondsPerFrame,
      width: frames[0].readUInt32BE(WIDTH_AT),
      height: frames[0].readUInt32BE(HEIGHT_AT),
      pictures: frames.map((png) => png.toString("base64")),
    }),
    close() {},
  };
}
