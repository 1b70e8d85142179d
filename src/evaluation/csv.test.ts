import { expect, test } from "vitest";
import { csvTable, metricsCsv } from "./csv.ts";
import type { RecordedRun } from "./runs.ts";

test("cells with commas, quotes and line ends are quoted, and absent ones are empty", () => {
  expect(
    csvTable(
      ["a", "b"],
      [
        ["x,y", 'say "hi"'],
        [undefined, "two\nlines"],
        [1.5, { from: 1 }],
      ],
    ),
  ).toBe('a,b\r\n"x,y","say ""hi"""\r\n,"two\nlines"\r\n1.5,"{""from"":1}"\r\n');
});

test("metrics of several runs stand under one another, each under its name", () => {
  const run = (seed: number, ...metrics: object[]): RecordedRun => ({
    path: `runs/${seed}`,
    config: { env: { id: "climbing" }, algorithm: { name: "bppo" }, seed },
    seed,
    metrics: metrics as unknown as RecordedRun["metrics"],
    result: undefined,
  });
  expect(metricsCsv([run(0, { step: 1, loss: 2 }, { step: 2 }), run(1, { step: 1, entropy: null })])).toBe(
    [
      "run,env,algorithm,seed,step,loss,entropy",
      "runs/0,climbing,bppo,0,1,2,",
      "runs/0,climbing,bppo,0,2,,",
      "runs/1,climbing,bppo,1,1,,",
      "",
    ].join("\r\n"),
  );
  expect(() => metricsCsv([run(0)])).toThrow("runs/0: no update is recorded yet");
});
