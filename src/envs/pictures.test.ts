/** @file Tests of recordings of what environments draw of themselves. */

import { expect, it } from "vitest";
import { createSvgRecorder, svgSize } from "./pictures.ts";
import type { PicturesRecording } from "./recording.ts";

it.each([
  ['<svg viewBox="0 0 400 100"></svg>', 400, 100],
  ['<svg width="20px" height="10" viewBox="0 0 400 100"></svg>', 20, 10],
  ['<svg width="800" viewBox="0 0 400 100"></svg>', 800, 200],
  ['<svg height="50" viewBox="0 0 400 100"></svg>', 200, 50],
  ['<svg width="2.54cm" height="72pt" viewBox="0 0 400 100"></svg>', 96, 96],
  ['<!-- an <svg> of the street -->\n<svg data-x="a>b" viewBox="0 0 400 100"></svg>', 400, 100],
  ['<?xml version="1.0"?><svg width="100%" height=\'100%\' viewBox="0,0,400,100"></svg>', 400, 100],
])("%s is %i × %i", (svg, width, height) => {
  expect(svgSize(svg)).toEqual({ width, height });
});

it("records pictures that say themselves what they are and how large", () => {
  const svg = '<!-- an <svg> --><svg width="100%" id="a>b" viewBox="0 0 40 10"><rect width="50%"/></svg>';
  const recording = createSvgRecorder(() => svg, 4).record([svg]);
  expect(recording).toMatchObject({ width: 40, height: 10, frames: 1, secondsPerFrame: 0.25 });
  expect(Buffer.from((recording as PicturesRecording).pictures[0], "base64").toString()).toBe(
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="10" id="a>b" viewBox="0 0 40 10"><rect width="50%"/></svg>',
  );
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d steps a second", (pace) => {
  expect(() => createSvgRecorder(() => "", pace)).toThrow(`stepsPerSecond is ${pace}, must be a number above 0`);
});
