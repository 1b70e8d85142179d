/** @file Tests of the figures: what stands in them, not how it looks. */

import { describe, expect, it } from "vitest";
import { learningCurves } from "./figures.ts";
import type { RunGroup } from "./runs.ts";

/** Runs that climb to `tops`, one each, over 1,000,000 steps. */
const groupOf = (label: string, tops: readonly number[], metric = "episodeReturn"): RunGroup => ({
  label,
  runs: tops.map((top, seed) => ({
    path: `${label}-${seed}`,
    config: { env: { id: "climbing" }, algorithm: { name: label }, seed },
    seed,
    metrics: Array.from({ length: 11 }, (_, i) => ({
      update: i,
      step: 100_000 * i,
      wallSeconds: i,
      stepsPerSecond: 1,
      collectSeconds: 1,
      updateSeconds: 1,
      episodes: 1,
      [metric]: (top * i) / 10,
    })),
    result: undefined,
  })),
});

const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

/** The paths of the marks with this name, one per group: their drawn path and their attributes. */
const paths = (svg: string, name: string): string[] =>
  [...svg.matchAll(new RegExp(`<g class="mark-\\w+ role-mark ${name}"[^>]*>(.*?)</g>`, "g"))].flatMap(([, inside]) => [
    ...(inside.match(/<path [^>]*>/g) ?? []),
  ]);

/** The points of a path, [x, y] in pixels from the upper left corner of the area inside the axes. */
const points = (path: string): number[][] =>
  (/ d="M([^"Z]*)/.exec(path)?.[1] ?? "").split("L").map((pair) => pair.split(",").map(Number));

const bppo = groupOf("BPPO", [3000, 4000, 5000]);
const mappo = groupOf("MAPPO", [1000, 2000, 3000]);

describe("learning curves", () => {
  it("have a line and a band per group, in its colour, and say what is what", async () => {
    const svg = await learningCurves([bppo, mappo], { title: "Two methods" });
    for (const name of ["mean", "interval"]) {
      const drawn = paths(svg, name);
      expect(drawn).toHaveLength(2);
      expect(drawn[0]).toContain("#0072b2");
      expect(drawn[1]).toContain("#d55e00");
    }
    for (const text of ["Two methods", "mean and 95 % interval over 3 seeds", "BPPO", "MAPPO"])
      expect(texts(svg)).toContain(text);
    for (const text of ["Environment steps", "Episode return", "0", "200k", "1M", "4k"])
      expect(texts(svg)).toContain(text);
  });

  it("draw the mean and the t interval to scale", async () => {
    const svg = await learningCurves([bppo], { yRange: [0, 10_000], width: 500, height: 100 });
    const line = points(paths(svg, "mean")[0]);
    expect(line[0]).toEqual([0, 100]);
    expect(line.at(-1)).toEqual([500, 60]);
    // The interval's half width at the end: 4.302653 (t, 2 degrees of freedom) × 1000 / √3 = 2484.1, so 24.84 pixels.
    const edges = points(paths(svg, "interval")[0]).filter(([x]) => x === 500);
    const ends = edges.map(([, y]) => y).sort((a, b) => a - b);
    expect(ends[0]).toBeCloseTo(60 - 24.841, 2);
    expect(ends.at(-1)).toBeCloseTo(60 + 24.841, 2);
  });

  it("are a function of their input, to the last character", async () => {
    const [first, second] = [await learningCurves([bppo, mappo]), await learningCurves([bppo, mappo])];
    expect(second === first).toBe(true);
  });

  it("show the interval of a single point, and room around what is always the same", async () => {
    const short = (group: RunGroup): RunGroup => ({
      ...group,
      runs: group.runs.map((run) => ({ ...run, metrics: run.metrics.slice(-1) })),
    });
    const svg = await learningCurves([short(bppo), short(groupOf("IPPO", [2000]))], {
      yRange: [0, 10_000],
      height: 100,
    });
    const [of3, of1] = [...svg.matchAll(/<g class="mark-rule role-mark singleInterval"[^>]*>(.*?)<\/g>/g)]
      .flatMap(([, inside]) => [...inside.matchAll(/y2="([^"]*)"/g)])
      .map(([, y]) => Math.abs(Number(y)));
    expect(of3).toBeCloseTo(2 * 24.841, 2);
    expect(of1).toBe(0);
    for (const value of [0, 5]) {
      const flat = {
        ...bppo,
        runs: bppo.runs.map((run) => ({ ...run, metrics: run.metrics.map((m) => ({ ...m, episodeReturn: value })) })),
      };
      const ticks = texts(await learningCurves([flat])).filter((text) => /^[−-]?[\d.]+$/.test(text));
      expect(ticks.length).toBeGreaterThan(3);
    }
  });

  it("have no band around a single run, and tell group sizes apart", async () => {
    const svg = await learningCurves([groupOf("IPPO", [2000]), mappo]);
    const bands = paths(svg, "interval").map((path) => points(path).filter(([x]) => Number.isFinite(x)).length);
    expect(bands[0]).toBeLessThanOrEqual(1);
    expect(bands[1]).toBeGreaterThan(100);
    expect(texts(svg)).toEqual(expect.arrayContaining(["IPPO (1 seed)", "MAPPO (3 seeds)"]));
    expect(texts(svg)).toContain("mean and 95 % interval over 1 to 3 seeds");
  });

  it("set published results beside the curves, within the axes", async () => {
    const references = [
      { name: "BPPO, paper", group: "BPPO", points: [{ step: 500_000, value: 9_000 }] },
      { name: "HAPPO, paper", points: [{ step: 2_000_000, value: 1_200 }] },
    ];
    const svg = await learningCurves([bppo], { references });
    const marks = paths(svg, "reference");
    expect(marks).toHaveLength(2);
    expect(marks[0]).toContain("#0072b2");
    expect(marks[1]).not.toContain("#0072b2");
    for (const mark of marks) {
      const [, x, y] = /translate\(([\d.]+),([\d.]+)\)/.exec(mark) ?? [];
      expect(Number(x)).toBeLessThanOrEqual(560);
      expect(Number(y)).toBeLessThanOrEqual(320);
    }
    expect(texts(svg)).toEqual(expect.arrayContaining(["BPPO, paper", "HAPPO, paper", "2M"]));
  });

  it("show rates from 0 to 1 and unknown metrics by their name", async () => {
    const rates = await learningCurves([groupOf("BPPO", [0.5, 0.6], "winRate")], { metric: "winRate" });
    expect(texts(rates)).toEqual(expect.arrayContaining(["Win rate", "0.0", "1.0"]));
    const entropy = await learningCurves([groupOf("BPPO", [0, 0], "entropy")], { metric: "entropy" });
    expect(texts(entropy)).toContain("entropy");
  });

  it("keep words of labels from being read as markup", async () => {
    const svg = await learningCurves([groupOf("a < b & c", [1, 2])]);
    expect(svg).toContain("a &lt; b &amp; c");
  });

  it("tell more groups apart than there are colours, and name the smoothing", async () => {
    const groups = Array.from({ length: 8 }, (_, i) => groupOf(`group ${i}`, [i]));
    const svg = await learningCurves(groups, { smoothing: 250_000 });
    const styles = paths(svg, "mean").map(
      (path) => `${/stroke="[^"]*"/.exec(path)}${/stroke-dasharray="[^"]*"/.exec(path)}`,
    );
    expect(new Set(styles).size).toBe(8);
    expect(texts(svg)).toContain("single runs, smoothed over 250k steps");
  });

  it("are refused when there is nothing to draw", async () => {
    await expect(learningCurves([])).rejects.toThrow("there are no runs");
    await expect(learningCurves([bppo], { metric: "episodeReturns" })).rejects.toThrow("did you mean episodeReturn?");
  });
});
