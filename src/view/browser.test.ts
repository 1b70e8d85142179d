/** @file Tests of the page and its films in a real browser, where there is one. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from "mediabunny";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { fromBase64 } from "../envs/recording.ts";
import { BROWSER_VARIABLE, filmPage, findBrowser, launchBrowser } from "./browser.ts";
import type { FilmSettings, PageData } from "./data.ts";
import { renderPage } from "./page.ts";
import { gifFrames, pngSize } from "./testing/images.ts";
import { footballData, pageData } from "./testing/page-data.ts";

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

/** Pages seen from above, on a 2-D canvas. */
inBrowser("the page of", { timeout: 180_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser(executable!);
  }, 180_000);
  afterAll(() => browser?.close());

  /** Opens a page; its errors and requests are in the lists. */
  async function open(data: PageData) {
    const page = await browser.newPage({ reducedMotion: "reduce", viewport: { width: 960, height: 640 } });
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("request", (request) => request.url().startsWith("file:") || errors.push(request.url()));
    // What is written on canvases can be read.
    await page.addInitScript(() => {
      const seen = window as unknown as { written: string[] };
      seen.written = [];
      const write = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (...line) {
        seen.written.push(line[0]);
        write.apply(this, line);
      };
    });
    const file = join(root, `${data.env}.html`);
    await writeFile(file, await renderPage(data));
    await page.goto(pathToFileURL(file).href);
    return {
      page,
      errors,
      /**
       * The picture at a frame: all that is written, how many pixels are near each colour, a sum of all, and how many of
       * the leftmost quarter are not of its background.
       */
      look: (frame: number, colors: readonly (readonly number[])[]) =>
        page.evaluate(
          ([at, wanted]) =>
            new Promise<{ written: string[]; near: number[]; sum: number; left: number }>((resolve) => {
              const seen = window as unknown as { written: string[] };
              window.bpta.seek(at);
              seen.written = [];
              requestAnimationFrame(() => {
                // Read from a copy: browsers draw otherwise on what has been read.
                const shown = document.querySelector<HTMLCanvasElement>("#stage canvas")!;
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [shown.width, shown.height];
                const copy = canvas.getContext("2d", { willReadFrequently: true })!;
                copy.drawImage(shown, 0, 0);
                const { data: pixels } = copy.getImageData(0, 0, canvas.width, canvas.height);
                const near = wanted.map(() => 0);
                let [sum, left] = [0, 0];
                for (let i = 0; i < pixels.length; i += 4) {
                  const differs = [0, 1, 2].some((c) => Math.abs(pixels[i + c] - pixels[c]) > 16);
                  if (differs && (i / 4) % canvas.width < canvas.width / 4) left++;
                  sum += (pixels[i] + 2 * pixels[i + 1] + 3 * pixels[i + 2]) * (1 + ((i / 4) % canvas.width));
                  wanted.forEach((color, w) => {
                    if (color.every((x, c) => Math.abs(pixels[i + c] - x) < 24)) near[w]++;
                  });
                }
                resolve({ written: seen.written, near, sum, left });
              });
            }),
          [frame, colors] as const,
        ),
    };
  }

  const [blue, vermilion] = [
    [0, 0x72, 0xb2],
    [0xd5, 0x5e, 0],
  ];

  test.each([
    ["2s3z", {}],
    ["smacv2-terran-5v5", { conicFov: true }],
    ["smacv2_5_units", { actionType: "continuous", observationType: "conic" }],
  ])("%s %j shows both teams, who lives, what they choose, and how it ends", async (id, options) => {
    const data = await pageData(id, 400, options);
    const [{ recording, outcome }] = data.episodes;
    if (recording.kind !== "battle") throw new Error(recording.kind);
    const { page, errors, look } = await open(data);
    const health = new Float32Array(fromBase64(recording.health));
    const units = recording.types.length;
    const alive = (frame: number): string => {
      const living = [...health.subarray(frame * units, (frame + 1) * units)].map((points) => points > 0);
      const count = (own: readonly boolean[]): number => own.filter(Boolean).length;
      return `${count(living.slice(0, recording.allies))} : ${count(living.slice(recording.allies))}`;
    };
    const last = recording.frames - 1;
    const first = await look(0, [blue, vermilion]);
    expect(Math.min(...first.near)).toBeGreaterThan(60);
    expect(first.written).toContain("5 : 5");
    const type = recording.unitTypes[recording.types[0]].name;
    expect(first.written.some((text) => text.startsWith(`${type} · `))).toBe(true);
    const middle = await look(Math.floor(last / 2), [blue, vermilion]);
    expect(middle.sum).not.toBe(first.sum);
    expect(middle.written).toContain(alive(Math.floor(last / 2)));
    const end = await look(last, [blue, vermilion]);
    expect(end.written).toContain(alive(last));
    expect(end.written).toContain(outcome === "won" ? "Victory" : "Defeat");
    expect(middle.written).not.toContain("Defeat");
    expect(await look(0, [blue, vermilion])).toEqual(first);
    await page.click("#play");
    await page.waitForFunction(() => window.bpta.playing && window.bpta.frame > 1);
    await page.keyboard.press("Space");
    expect(await page.evaluate(() => window.bpta.playing)).toBe(false);
    expect(errors).toEqual([]);
    await page.close();
  });

  test("a battle tells of the unit under the mouse, is zoomed by the wheel, and put back", async () => {
    const { page, errors, look } = await open(await pageData("3m", 6));
    const before = await look(0, []);
    expect(before.written.some((text) => text.startsWith("health"))).toBe(false);
    // Nothing runs into the legend.
    expect(before.written).toContain("ally 0");
    expect(before.left).toBe(0);
    // Where a unit is: the middle of a blue patch of the picture.
    const [x, y] = await page.evaluate(() => {
      const shown = document.querySelector<HTMLCanvasElement>("#stage canvas")!;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [shown.width, shown.height];
      const copy = canvas.getContext("2d", { willReadFrequently: true })!;
      copy.drawImage(shown, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4)
        if (data[i] === 0 && data[i + 1] === 0x72 && data[i + 2] === 0xb2)
          return [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width) + 4];
      return [0, 0];
    });
    // A browser that has much to do can miss a mouse that moves but once.
    const pointTo = (toX: number, toY: number, shape: string) =>
      expect
        .poll(
          async () => {
            await page.mouse.move(toX, toY + 1);
            await page.mouse.move(toX, toY);
            return page.evaluate(() => document.querySelector<HTMLElement>("#stage canvas")!.style.cursor);
          },
          { timeout: 30_000 },
        )
        .toBe(shape);
    await pointTo(x, y, "pointer");
    const over = await look(0, []);
    expect(over.written).toContain("health 45 / 45");
    expect(over.written.some((text) => /^ally \d · marine$/.test(text))).toBe(true);
    await page.mouse.wheel(0, -400);
    await expect.poll(async () => (await look(0, [])).sum).not.toBe(over.sum);
    await pointTo(2, 400, "");
    await page.click("#reset");
    expect((await look(0, [])).sum).toBe(before.sum);
    expect(errors).toEqual([]);
    await page.close();
  });

  test("football shows players, their agents' choices and goals, and does not run back to the kick-off", async () => {
    const data = footballData();
    const { page, errors, look } = await open(data);
    const first = await look(0, [blue, vermilion, [255, 255, 255]]);
    expect(Math.min(...first.near)).toBeGreaterThan(60);
    expect(first.written).toEqual(expect.arrayContaining(["0 : 0", "1 CM · idle · 80 %", "2 CF · idle · 80 %"]));
    expect((await look(5, [])).written).toContain("2 CF · shot · 80 %");
    const [flying, sentOff] = [await look(7, [vermilion]), await look(8, [vermilion])];
    expect(flying.sum).not.toBe(sentOff.sum);
    expect(sentOff.near[0]).toBeLessThan(0.7 * flying.near[0]);
    const [before, between] = [await look(11, [blue]), await look(11.8, [blue])];
    expect(between.near).toEqual(before.near);
    const end = await look(12, []);
    expect(end.written).toEqual(expect.arrayContaining(["1 : 0", "kick-off", "Victory"]));
    expect(errors).toEqual([]);
    await page.close();
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
