/** @file Tests of the page and its films in a real browser, where there is one. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from "mediabunny";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_VARIABLE, filmPage, findBrowser, launchBrowser } from "./browser.ts";
import type { FilmSettings } from "./data.ts";
import { renderPage } from "./page.ts";
import { gifFrames, pngSize } from "./testing/images.ts";
import { pageData } from "./testing/page-data.ts";

const executable = findBrowser();
if (!executable)
  console.warn(`skipped: tests in a browser (no Chrome, Chromium or Edge; ${BROWSER_VARIABLE} can name one)`);
const inBrowser = describe.skipIf(!executable);

const STEPS = 20;
/** HalfCheetah's, 20 of them in a second. */
const SECONDS = STEPS / 20;

let root: string;
let html: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-page-"));
  html = await renderPage(await pageData("HalfCheetah-2x3", STEPS));
});
afterAll(() => rm(root, { recursive: true }));

inBrowser("the page", { timeout: 180_000 }, () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  const errors: string[] = [];
  beforeAll(async () => {
    browser = await launchBrowser(executable!);
    page = await browser.newPage({ reducedMotion: "reduce", viewport: { width: 480, height: 320 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    const file = join(root, "page.html");
    await writeFile(file, html);
    await page.goto(pathToFileURL(file).href);
  }, 180_000);
  afterAll(() => browser?.close());
  afterEach(() => expect(errors).toEqual([]));

  /** The picture without what is written over it, when all that was asked for is drawn. */
  const picture = (): Promise<number[]> =>
    page.evaluate(
      () =>
        new Promise<number[]>((resolve) => {
          window.bpta.seek(window.bpta.frame);
          requestAnimationFrame(() => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [96, 64];
            const context = canvas.getContext("2d")!;
            context.drawImage(document.querySelector<HTMLCanvasElement>("#stage canvas")!, 0, 0, 96, 64);
            resolve([...context.getImageData(0, 0, 96, 64).data]);
          });
        }),
    );

  /** Pixels near a colour. */
  const near = (pixels: readonly number[], color: readonly number[]): number => {
    let count = 0;
    for (let i = 0; i < pixels.length; i += 4) if (color.every((x, c) => Math.abs(pixels[i + c] - x) < 50)) count++;
    return count;
  };

  test("shows the robot, in its agents' colours, and asks the network for nothing", async () => {
    const pixels = await picture();
    expect(near(pixels, [0, 0x72, 0xb2])).toBeGreaterThan(10);
    expect(near(pixels, [0xe6, 0x9f, 0])).toBeGreaterThan(10);
    expect(new Set(pixels).size).toBeGreaterThan(50);
    expect(requests).toEqual([expect.stringMatching(/^file:.*page\.html$/)]);
  });

  test("stands still until it is played, and when it is paused", async () => {
    const first = await picture();
    expect(await picture()).toEqual(first);
    await page.click("#play");
    await page.waitForFunction(() => window.bpta.playing && window.bpta.frame > 2);
    await page.keyboard.press("Space");
    expect(await page.evaluate(() => window.bpta.playing)).toBe(false);
    const paused = await picture();
    expect(paused).not.toEqual(first);
    expect(await picture()).toEqual(paused);
  });

  test("goes where it is scrubbed to", async () => {
    const before = await picture();
    const { x, y, width, height } = (await page.locator("#scrub").boundingBox())!;
    await page.mouse.click(x + 0.75 * width, y + height / 2);
    const frame = await page.evaluate(() => window.bpta.frame);
    expect(frame / STEPS).toBeGreaterThan(0.65);
    expect(frame / STEPS).toBeLessThan(0.85);
    expect(await picture()).not.toEqual(before);
    await page.keyboard.press("Home");
    expect(await page.evaluate(() => window.bpta.frame)).toBe(0);
    expect(await page.locator("#clock").textContent()).toBeTruthy();
  });

  test("is turned by the mouse, and turned back", async () => {
    await page.evaluate(() => window.bpta.seek(5));
    const before = await picture();
    await page.mouse.move(240, 160);
    await page.mouse.down();
    await page.mouse.move(330, 140, { steps: 4 });
    await page.mouse.up();
    expect(await picture()).not.toEqual(before);
    await page.click("#reset");
    expect(await picture()).toEqual(before);
  });
});

inBrowser("films", { timeout: 180_000 }, () => {
  const film = async (settings: Partial<FilmSettings>) => {
    const all: FilmSettings = {
      kind: "png",
      width: 160,
      height: 90,
      framesPerSecond: 10,
      dark: false,
      frame: 0,
      ...settings,
    };
    const { bytes, ...made } = await filmPage(html, executable!, all);
    return { ...made, bytes: Buffer.from(bytes, "base64") };
  };

  test("a png has the size that was asked for, and is the same each time", async () => {
    const [first, again, later, dark] = await Promise.all([
      film({ frame: 3 }),
      film({ frame: 3 }),
      film({ frame: 15 }),
      film({ frame: 3, dark: true }),
    ]);
    expect(pngSize(first.bytes)).toEqual({ width: 160, height: 90 });
    expect(again.bytes).toEqual(first.bytes);
    expect(later.bytes).not.toEqual(first.bytes);
    expect(dark.bytes).not.toEqual(first.bytes);
  });

  test("a gif has a picture for each moment, and takes as long as the episode", async () => {
    // 30 a second: in hundredths, delays must alternate between 3 and 4.
    const { bytes, frames } = await film({ kind: "gif", framesPerSecond: 30 });
    const gif = gifFrames(bytes);
    expect(gif).toMatchObject({ width: 160, height: 90 });
    expect(frames).toBe(SECONDS * 30 + 1);
    expect(gif.hundredths).toHaveLength(frames);
    expect(gif.hundredths.reduce((sum, x) => sum + x, 0)).toBe(Math.round((100 * frames) / 30));
  });

  test("an mp4 holds as many pictures, in a codec that players know", async () => {
    const { bytes, frames, codec } = await film({ kind: "mp4", framesPerSecond: 25 });
    expect(frames).toBe(SECONDS * 25 + 1);
    using input = new Input({ formats: ALL_FORMATS, source: new BufferSource(new Uint8Array(bytes)) });
    expect(await input.getMimeType()).toMatch(/^video\/mp4/);
    const track = (await input.getPrimaryVideoTrack())!;
    expect(await track.getCodec()).toBe(codec);
    expect(["avc", "vp9", "av1"]).toContain(codec);
    expect(await track.computeDuration()).toBeCloseTo(frames / 25);
    let packets = 0;
    for await (const packet of new EncodedPacketSink(track).packets()) if (packet.byteLength > 0) packets++;
    expect(packets).toBe(frames);
  });

  test("a browser that is none is named", async () => {
    const settings: FilmSettings = { kind: "png", width: 64, height: 64, framesPerSecond: 1, dark: false, frame: 0 };
    await expect(filmPage(html, process.execPath, settings)).rejects.toThrow(`${process.execPath} can't be started`);
  });
});
