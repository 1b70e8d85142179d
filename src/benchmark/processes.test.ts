import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { resolveConfig } from "../experiment/config.ts";
import { runJobs } from "./processes.ts";

test("a run that is killed is gone on with, though a program that it started lives on", async () => {
  const root = await mkdtemp(join(tmpdir(), "bpta-processes-"));
  const module = join(root, "game.mjs");
  await writeFile(
    module,
    `import { spawn } from "node:child_process";
    import { existsSync, writeFileSync } from "node:fs";
    const box = { kind: "box", size: 1, low: [0], high: [1] };
    export default () => ({
      agents: ["a"], observationSpace: () => box, stateSpace: box, actionSpace: () => ({ kind: "discrete", n: 2 }),
      state: () => [0], steps: 0,
      reset() { return { observations: { a: [0] }, infos: {} }; },
      step() {
        if (++this.steps === 40 && !existsSync("${root}/pid")) {
          writeFileSync("${root}/pid", String(spawn("sleep", ["600"], { stdio: ["ignore", "ignore", "inherit"] }).pid));
          process.kill(process.pid, "SIGKILL");
        }
        return { observations: { a: [0] }, rewards: { a: 1 }, terminations: { a: this.steps % 5 === 0 }, truncations: { a: false }, infos: {} };
      },
    });`,
  );
  const config = await resolveConfig({
    ...{ env: { id: module }, algorithm: { name: "mappo", epochs: 1 }, steps: 64 },
    rollout: { environments: 1, length: 16, workers: 1 },
    evaluation: { interval: 0, episodes: 1 },
  });
  const notices: string[] = [];
  const [outcome] = await runJobs([{ name: "game", path: join(root, "run"), config }], {
    workers: 1,
    onEvent: (_, event) => event.kind === "notice" && notices.push(event.message),
  });
  expect(outcome).toMatchObject({ kind: "finished", result: { steps: 64 } });
  expect(notices).toContain("game: its process was killed (SIGKILL); it goes on in a new one");
  spawnSync("kill", ["-9", await readFile(join(root, "pid"), "utf8")]);
  await rm(root, { recursive: true });
}, 60_000);
