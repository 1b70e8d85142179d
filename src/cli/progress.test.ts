import { expect, test } from "vitest";
import type { UpdateMetrics } from "../evaluation/records.ts";
import type { RunConfig } from "../experiment/config.ts";
import type { TrainEvent } from "../experiment/train.ts";
import { formatDuration, formatNumber, liveLines, percent, plainLine, runViewer, sparkline } from "./progress.ts";

const start: TrainEvent = {
  kind: "start",
  path: "runs/climbing-bppo-seed0",
  config: { env: { id: "climbing", options: {} }, algorithm: { name: "bppo" }, seed: 0 } as unknown as RunConfig,
  step: 0,
  totalSteps: 1000,
};
const update = (metrics: Partial<UpdateMetrics> & { readonly step: number }): TrainEvent => ({
  kind: "update",
  metrics: {
    update: metrics.step / 100,
    wallSeconds: 1,
    stepsPerSecond: 500,
    collectSeconds: 0,
    updateSeconds: 0,
    episodes: 0,
    ...metrics,
  },
});

test("the recent return weighs episodes, the time left follows the steps made in this process", () => {
  let time = 0;
  const view = runViewer(() => time);
  view({ ...start, step: 500 });
  time = 2000;
  view(update({ step: 600, episodes: 1, episodeReturn: 10 }));
  time = 4000;
  const seen = view(update({ step: 700, episodes: 3, episodeReturn: 2, evaluationReturn: 7 }));
  expect(seen).toMatchObject({ step: 700, recentReturn: 4, bestEvaluation: 7, stepsPerSecond: 500, secondsLeft: 6 });
  const later = view(update({ step: 800, evaluationReturn: -7 }));
  expect(later).toMatchObject({ recentReturn: 4, bestEvaluation: 7, lastEvaluation: -7 });
  expect(view(update({ step: 900, evaluationReturn: 0 }))).toMatchObject({ bestEvaluation: 7, lastEvaluation: 0 });
});

test("before an episode has ended there is no return to show", () => {
  const view = runViewer(() => 0);
  view(start);
  expect(view(update({ step: 100 }))).not.toHaveProperty("recentReturn");
});

test("numbers and times read well", () => {
  expect([0, -0.00421, 12.345, 4321.9].map(formatNumber)).toEqual(["0.00", "-0.0042", "12.35", "4,322"]);
  expect([0, 7.4, 65, 3600, 8075].map(formatDuration)).toEqual([
    "0 s",
    "7 s",
    "1 min 05 s",
    "1 h 00 min",
    "2 h 14 min",
  ]);
});

test("of hundred parts, each is shown as what it is, and what is not all is not 100 %", () => {
  for (let k = 0; k <= 100; k++) expect(percent(k / 100)).toBe(`${k} %`);
  expect(percent(0.9999)).toBe("99 %");
});

test("a curve in a row of bars", () => {
  expect(sparkline([0, 7, 3.5], 10)).toBe("▁█▅");
  expect(sparkline([1, 3, 5, 7, 11, 13], 3)).toBe("▁▄█");
  expect(sparkline([2, 2], 10)).toBe("▁▁");
  expect(sparkline([], 10)).toBe("");
  const ramp = Array.from({ length: 1000 }, (_, i) => i);
  expect(sparkline(ramp, 8)).toBe("▁▂▃▄▅▆▇█");
});

test("what is shown fits a narrow terminal and says what matters", () => {
  let time = 0;
  const follow = runViewer(() => time);
  follow(start);
  time = 1000;
  const view = follow(update({ step: 250, episodes: 5, episodeReturn: 3, winRate: 0.4, evaluationReturn: 5 }))!;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  const lines = liveLines(view, 80).map((line) => line.replace(/\x1b\[\d+m/g, ""));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
  expect(lines.join("\n")).toMatch(/25 %.*250 of 1,000.*3\.00.*5\.00, best 5\.00.*40 %.*500 steps\/s.*3 s/s);
  expect(plainLine(view)).toBe(
    "step 250 of 1,000 (25 %) · return 3.00 · wins 40 % · evaluation 5.00 · 500 steps/s · 3 s left",
  );
});
