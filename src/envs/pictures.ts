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

/** What may stand before an SVG's root, and its first tag; a quoted value may hold a bracket. */
const ROOT = /^(?:\s|\uFEFF|<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<![^>]*>)*(<svg\b(?:[^>"']|"[^"]*"|'[^']*')*>)/;
const ATTRIBUTE = /\s([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** The attributes of an SVG's root. */
function rootAttributes(svg: string): Map<string, string> {
  const [, root = ""] = ROOT.exec(svg) ?? [];
  return new Map(Array.from(root.matchAll(ATTRIBUTE), ([, name, a, b]) => [name, a ?? b]));
}

/** Pixels in a unit of length; https://www.w3.org/TR/css-values-3/#absolute-lengths. */
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  px: 1,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  pt: 96 / 72,
  pc: 16,
};

/** A length in pixels; undefined where it is none, or a share of something that is not there. */
function pixels(length: string | undefined): number | undefined {
  const [, number, unit] = /^\s*([+-]?[\d.]+(?:e[+-]?\d+)?)([a-z]*)\s*$/i.exec(length ?? "") ?? [];
  const size = Number(number) * UNITS[unit?.toLowerCase()];
  return size > 0 && size < Number.POSITIVE_INFINITY ? size : undefined;
}

/**
 * Pixels of an SVG: its root's `width` and `height`; where one is missing, in the proportion of the `viewBox`, and where
 * both are, the size of that.
 * @throws TypeError in one line, if it has neither
 */
export function svgSize(svg: string): Size {
  const attributes = rootAttributes(String(svg));
  const [, , ...box] = (attributes.get("viewBox") ?? "").trim().split(/[\s,]+/);
  const [boxWidth, boxHeight] = [pixels(box[0]), pixels(box[1])];
  const [width, height] = [pixels(attributes.get("width")), pixels(attributes.get("height"))];
  if (width && height) return { width, height };
  if (!(boxWidth && boxHeight))
    throw new TypeError(`render() returned ${JSON.stringify(svg)?.slice(0, 60)}, must be an SVG with a viewBox`);
  const scale = (width ?? boxWidth) / boxWidth;
  return height
    ? { width: (boxWidth * height) / boxHeight, height }
    : { width: boxWidth * scale, height: boxHeight * scale };
}

/** An SVG that says what it is and how large: browsers draw no other on a canvas. */
function selfContained(svg: string, { width, height }: Size): string {
  const [before, root] = ROOT.exec(svg)!;
  const unsized = root.replace(ATTRIBUTE, (attribute, name) =>
    name === "width" || name === "height" ? "" : attribute,
  );
  const xmlns = rootAttributes(svg).has("xmlns") ? "" : ' xmlns="http://www.w3.org/2000/svg"';
  const sized = unsized.replace("<svg", `<svg${xmlns} width="${width}" height="${height}"`);
  return sized + svg.slice(before.length);
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
