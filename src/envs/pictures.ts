/** @file Recordings of what environments draw of themselves. */

import type { PicturesRecording, Recorder } from "./recording.ts";

/** Steps in a second, where the environment does not say: as in most of PettingZoo's. */
const STEPS_PER_SECOND = 10;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a PNG's width and height stand; https://www.w3.org/TR/png/#11IHDR. */
const [WIDTH_AT, HEIGHT_AT] = [16, 20];
const pngSize = (png: Buffer): Size => ({ width: png.readUInt32BE(WIDTH_AT), height: png.readUInt32BE(HEIGHT_AT) });

/** The attributes of an SVG's root. */
function rootAttributes(svg: string): Map<string, string> {
  const [, attributes = ""] = /<svg\b([^>]*)>/.exec(svg) ?? [];
  return new Map(
    Array.from(attributes.matchAll(/([\w:-]+)\s*=\s*["']([^"']*)["']/g), ([, name, value]) => [name, value]),
  );
}

/**
 * Pixels of an SVG: its root's `width` and `height`, or else the size of its `viewBox`.
 * @throws TypeError in one line, if it has neither
 */
export function svgSize(svg: string): Size {
  const attributes = rootAttributes(String(svg));
  const [, , ...box] = (attributes.get("viewBox") ?? "").trim().split(/[\s,]+/);
  const [width, height] = ["width", "height"].map((name, k) => {
    const given = attributes.get(name);
    return Number.parseFloat((given?.trimEnd().endsWith("%") ? undefined : given) ?? box[k] ?? "");
  });
  if (!(width > 0 && height > 0))
    throw new TypeError(`render() returned ${JSON.stringify(svg)?.slice(0, 60)}, must be an SVG with a viewBox`);
  return { width, height };
}

/** An SVG that says what it is and how large: browsers draw no other on a canvas. */
function selfContained(svg: string, { width, height }: Size): string {
  const [root] = /<svg\b[^>]*>/.exec(svg)!;
  // A share of a page that is not there is no size.
  const sized = root.replace(/\s(?:width|height)\s*=\s*["'][^"']*%\s*["']/g, "");
  const attributes = rootAttributes(sized);
  const missing = Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height })
    .filter(([name]) => !attributes.has(name))
    .map(([name, value]) => ` ${name}="${value}"`);
  return sized.replace("<svg", `<svg${missing.join("")}`) + svg.slice(svg.indexOf(root) + root.length);
}

/** @throws TypeError in one line, of what is no pace */
function secondsPer(stepsPerSecond: number | null | undefined): number {
  const pace = stepsPerSecond ?? STEPS_PER_SECOND;
  if (!(pace > 0 && pace < Infinity)) throw new TypeError(`stepsPerSecond is ${pace}, must be a number above 0`);
  return 1 / pace;
}

/** @param picture how a copy looks now, or how its last episode ended, as a PNG */
export function createPngRecorder(
  picture: (e: number, final: boolean) => Uint8Array,
  stepsPerSecond: number | null,
): Recorder<Buffer> {
  const secondsPerFrame = secondsPer(stepsPerSecond);
  return {
    secondsPerFrame,
    capture: (e, final) => Buffer.from(picture(e, final)),
    record: (frames): PicturesRecording => ({
      kind: "pictures",
      mediaType: "image/png",
      frames: frames.length,
      secondsPerFrame,
      ...pngSize(frames[0]),
      pictures: frames.map((png) => png.toString("base64")),
    }),
    close() {},
  };
}

/** @param picture how a copy looks now, or how its last episode ended, as SVG */
export function createSvgRecorder(
  picture: (e: number, final: boolean) => string,
  stepsPerSecond: number | undefined,
): Recorder<string> {
  const secondsPerFrame = secondsPer(stepsPerSecond);
  return {
    secondsPerFrame,
    capture: picture,
    record(frames): PicturesRecording {
      const size = svgSize(frames[0]);
      const pictures = frames.map((svg) => Buffer.from(selfContained(svg, svgSize(svg))).toString("base64"));
      return {
        kind: "pictures",
        mediaType: "image/svg+xml",
        frames: frames.length,
        secondsPerFrame,
        ...size,
        pictures,
      };
    },
    close() {},
  };
}
