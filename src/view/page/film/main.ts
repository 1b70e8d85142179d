/** @file Films and pictures of the page, encoded in the browser that shows it. Nothing in them depends on the clock. */

import { applyPalette, GIFEncoder, quantize } from "gifenc";
import {
  BufferTarget,
  CanvasSource,
  getFirstEncodableVideoCodec,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
} from "mediabunny";
import type { Still } from "../../api.ts";
import type { Film, FilmSettings } from "../../data.ts";

/** The last of the colours stands for «as in the frame before». */
const COLORS = 255;
const UNCHANGED = 255;

async function toBase64(bytes: Uint8Array | Blob): Promise<string> {
  const reader = new FileReader();
  await new Promise((resolve, reject) => {
    reader.onload = resolve;
    reader.onerror = reject;
    reader.readAsDataURL(bytes instanceof Blob ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer>]));
  });
  const url = reader.result as string;
  return url.slice(url.indexOf(",") + 1);
}

/** A picture of the film. */
interface Shot {
  readonly episode: number;
  readonly frame: number;
}

/** All pictures: each episode from its first frame to its last, in the time that it took. */
function shotsOf(framesPerSecond: number): Shot[] {
  const { bpta } = window;
  return Array.from({ length: bpta.episodes }).flatMap((_, episode) => {
    bpta.choose(episode);
    const { frames, secondsPerFrame } = bpta;
    const step = 1 / (framesPerSecond * secondsPerFrame);
    // A hundred-millionth of a frame is not worth another picture.
    const count = Math.floor((frames - 1) / step + 1e-8) + 1;
    return Array.from({ length: count }, (_, i) => ({ episode, frame: Math.min(i * step, frames - 1) }));
  });
}

/** Calls `take` when each picture has been drawn. */
async function shoot(
  still: Still,
  shots: readonly Shot[],
  take: (index: number) => Promise<void> | void,
): Promise<void> {
  let shown: number | undefined;
  for (const [i, { episode, frame }] of shots.entries()) {
    if (episode !== shown) window.bpta.choose(episode);
    shown = episode;
    await still.load(frame);
    still.draw(frame);
    await take(i);
    await window.bptaProgress?.(i + 1, shots.length);
  }
}

async function png(still: Still, { frame }: FilmSettings): Promise<Film> {
  await still.load(frame);
  still.draw(frame);
  const blob = await new Promise<Blob | null>((resolve) => still.canvas.toBlob(resolve, "image/png"));
  return { bytes: await toBase64(blob!), frames: 1 };
}

async function gif(
  still: Still,
  shots: readonly Shot[],
  { width, height, framesPerSecond }: FilmSettings,
): Promise<Film> {
  const context = still.canvas.getContext("2d")!;
  const pixels = (): Uint8ClampedArray => context.getImageData(0, 0, width, height).data;
  // One palette for all frames, from a few of them side by side: colours that stay the same do not flicker.
  const samples = [0, 0.3, 0.6, 1].map((part) => shots[Math.round(part * (shots.length - 1))]);
  const sampled = new Uint8ClampedArray(samples.length * 4 * width * height);
  await shoot(still, samples, (i) => sampled.set(pixels(), i * 4 * width * height));
  const palette = quantize(sampled, COLORS);
  while (palette.length <= UNCHANGED) palette.push([0, 0, 0]);
  const colors = palette.slice(0, COLORS);

  const encoder = GIFEncoder();
  // Times are in hundredths of a second: frames end where they are nearest to their time.
  const hundredths = (frame: number): number => Math.round((100 * frame) / framesPerSecond);
  let before: Uint8Array | undefined;
  await shoot(still, shots, (i) => {
    const indices = applyPalette(pixels(), colors);
    const changed =
      before === undefined ? indices : indices.map((index, p) => (index === before![p] ? UNCHANGED : index));
    encoder.writeFrame(changed, width, height, {
      ...(i === 0 && { palette }),
      delay: 10 * (hundredths(i + 1) - hundredths(i)),
      ...(i > 0 && { transparent: true, transparentIndex: UNCHANGED }),
      dispose: 1,
    });
    before = indices;
  });
  encoder.finish();
  return { bytes: await toBase64(encoder.bytesView()), frames: shots.length };
}

async function mp4(
  still: Still,
  shots: readonly Shot[],
  { width, height, framesPerSecond }: FilmSettings,
): Promise<Film> {
  // H.264 plays everywhere; the others are there where it is not.
  const codec = await getFirstEncodableVideoCodec(["avc", "vp9", "av1"], { width, height });
  if (!codec) throw new Error("this browser encodes neither H.264 nor VP9 nor AV1");
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat(), target });
  const source = new CanvasSource(still.canvas, { codec, bitrate: QUALITY_HIGH, keyFrameInterval: 2 });
  output.addVideoTrack(source, { frameRate: framesPerSecond });
  await output.start();
  await shoot(still, shots, (i) => source.add(i / framesPerSecond, 1 / framesPerSecond));
  await output.finalize();
  return { bytes: await toBase64(new Uint8Array(target.buffer!)), frames: shots.length, codec };
}

/** Films all episodes of the page, or takes one picture. */
async function film(settings: FilmSettings): Promise<Film> {
  const still = window.bpta.still(settings);
  if (settings.kind === "png") return png(still, settings);
  const shots = shotsOf(settings.framesPerSecond);
  return settings.kind === "gif" ? gif(still, shots, settings) : mp4(still, shots, settings);
}

window.bptaFilm = film;
