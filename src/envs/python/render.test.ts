/** @file Tests of pages, films and pictures of what Python environments draw of themselves. */

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { render } from "../../experiment/render.ts";
import { train } from "../../experiment/train.ts";
import { findBrowser } from "../../view/browser.ts";
import type { PageData } from "../../view/data.ts";
import { gifFrames, pngSize } from "../../view/testing/images.ts";

const python = process.env.BPTA_PYTHON || "python3";
const hasNumpy = spawnSync(python, ["-c", "import numpy"]).status === 0;

describe.runIf(hasNumpy)("what a Python environment draws", () => {
  let root = "";
  const at = (name: string): string => join(root, name);
  const play = (id: string, out: string): Promise<unknown> =>
    train(
      {
        env: { id },
        policy: { hidden: 4 },
        critic: { hidden: 4 },
        rollout: { environments: 2, length: 4 },
        evaluation: { episodes: 2 },
        steps: 8,
      },
      { out: at(out) },
    );
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "bpta-python-render-"));
    vi.stubEnv("PYTHONPATH", fileURLToPath(new URL("../../../python/tests", import.meta.url)));
    await play("py:fakes:Painted", "painted");
  }, 60_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true });
  });

  /** Where the square begins, by the PNG's lines, each the difference from the one above. */
  function squareOf(base64: string): number {
    const png = Buffer.from(base64, "base64");
    expect(pngSize(png)).toEqual({ width: 60, height: 40 });
    const lines = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
    const sums = new Uint8Array(180);
    for (let y = 0; y <= 20; y++) for (let k = 0; k < 180; k++) sums[k] += lines[y * 181 + 1 + k];
    return [...Array(60).keys()].findIndex((x) => sums[3 * x] === 200 && sums[3 * x + 1] === 30);
  }

  test("is on the page from the first frame to the last, which the next episode has not painted over", async () => {
    await render(at("painted"), at("page.html"), { episodes: 2 });
    const html = await readFile(at("page.html"), "utf8");
    const page = JSON.parse(/<script id="data"[^>]*>(.*?)<\/script>/s.exec(html)![1]) as PageData;
    expect(page.episodes).toHaveLength(2);
    for (const { recording } of page.episodes) {
      if (recording.kind !== "pictures") throw new Error(recording.kind);
      expect(recording).toMatchObject({ frames: 5, secondsPerFrame: 0.2, width: 60, height: 40 });
      expect(recording.pictures.map(squareOf)).toEqual([0, 10, 20, 30, 40]);
    }
    expect(html.length).toBeLessThan(40_000);
  });

  test.skipIf(!findBrowser())("is in films and pictures", async () => {
    const { frames } = await render(at("painted"), at("film.gif"), { width: 120, height: 80, fps: 10 });
    expect(frames).toBe(9);
    expect(gifFrames(await readFile(at("film.gif"))).hundredths).toHaveLength(9);
    await render(at("painted"), at("still.png"), { from: 4, width: 320, height: 240 });
    expect(pngSize(await readFile(at("still.png")))).toEqual({ width: 320, height: 240 });
  });

  test("is missed in one line where there is nothing", async () => {
    await play("py:fakes:Unseen", "unseen");
    await expect(render(at("unseen"), at("unseen.html"))).rejects.toThrow(
      /^environment py:fakes:Unseen has no pictures: it can't be made with render_mode="rgb_array", so it can't be rendered$/,
    );
  });
});
