import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InputError } from "../errors.ts";
import type { SettingsTree } from "../trees.ts";
import { inTurn } from "./benchmark.ts";
import { withSuiteReference } from "./reference.ts";
import { readSuite, resolveSuite, stateOfRun } from "./suite.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "bpta-suite-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("a suite", () => {
  test("is tasks × algorithms × seeds, each run with its whole configuration", async () => {
    const suite = await resolveSuite({
      tasks: ["climbing", { name: "hard", env: { id: "penalty", options: { k: -200 } }, steps: 500 }],
      algorithms: [
        "mappo",
        { name: "bppo-half", algorithm: { name: "bppo", peerCoef: 0.5 }, config: { policy: { hidden: 8 } } },
      ],
      seeds: [3, 5],
      steps: 1000,
      config: { rollout: { length: 10 } },
    });
    expect(suite.runs.map(({ path }) => path)).toEqual([
      "climbing/mappo/seed-3",
      "climbing/mappo/seed-5",
      "climbing/bppo-half/seed-3",
      "climbing/bppo-half/seed-5",
      "hard/mappo/seed-3",
      "hard/mappo/seed-5",
      "hard/bppo-half/seed-3",
      "hard/bppo-half/seed-5",
    ]);
    expect(suite.runs[7].config).toMatchObject({
      env: { id: "penalty", options: { k: -200 } },
      algorithm: { name: "bppo", peerCoef: 0.5, epochs: 15 },
      policy: { hidden: 8 },
      rollout: { length: 10, environments: 50 },
      steps: 500,
      seed: 5,
    });
    expect(suite.runs[0].config).toMatchObject({ steps: 1000, policy: { hidden: 64 } });
  });

  test("is made seed by seed, what was begun before all", async () => {
    const { runs } = await resolveSuite({ tasks: ["climbing", "penalty"], algorithms: ["bppo", "mappo"], seeds: 2 });
    const states = runs.map(({ path }) =>
      path === "climbing/bppo/seed-0" ? "finished" : path === "penalty/mappo/seed-1" ? "started" : "new",
    );
    expect(inTurn(runs, states).map(({ path }) => path)).toEqual([
      "penalty/mappo/seed-1",
      "climbing/mappo/seed-0",
      "penalty/bppo/seed-0",
      "penalty/mappo/seed-0",
      "climbing/bppo/seed-1",
      "climbing/mappo/seed-1",
      "penalty/bppo/seed-1",
    ]);
  });

  test("lays its own settings under those of tasks, and those under those of algorithms", async () => {
    const { runs } = await resolveSuite({
      tasks: [{ env: "climbing", config: { rollout: { length: 20, environments: 2 } } }],
      algorithms: ["bppo", { name: "long", algorithm: "bppo", config: { rollout: { length: 30 } } }],
      seeds: 1,
      config: { rollout: { length: 10, environments: 1 }, policy: { hidden: 4 } },
    });
    expect(
      runs.map(({ config }) => [config.rollout.length, config.rollout.environments, config.policy.hidden]),
    ).toEqual([
      [20, 2, 4],
      [30, 2, 4],
    ]);
  });

  test("tells each algorithm those of the shared settings that it has", async () => {
    const { runs } = await resolveSuite({
      tasks: ["climbing"],
      algorithms: ["bppo", "mappo"],
      seeds: 1,
      config: { algorithm: { epochs: 3, peerCoef: 0.5 } },
    });
    expect(runs[0].config.algorithm).toMatchObject({ name: "bppo", epochs: 3, peerCoef: 0.5 });
    expect(runs[1].config.algorithm).toMatchObject({ name: "mappo", epochs: 3 });
    expect(runs[1].config.algorithm).not.toHaveProperty("peerCoef");
  });

  test("gives each run one thread, whatever the preset says, unless it says otherwise itself", async () => {
    const suite = { tasks: ["HalfCheetah-6x1"], algorithms: ["bppo"], seeds: 1 };
    const threadsOf = async (config: SettingsTree) => {
      const [{ config: resolved }] = (await resolveSuite({ ...suite, config })).runs;
      return [resolved.rollout.workers, resolved.algorithm.threads];
    };
    expect(await threadsOf({})).toEqual([1, 1]);
    expect(await threadsOf({ preset: "running-normalization" })).toEqual([1, 1]);
    expect(await threadsOf({ rollout: { workers: 3 }, algorithm: { threads: 2 } })).toEqual([3, 2]);
  });

  test("takes an environment's further preset by name", async () => {
    const { runs } = await resolveSuite({
      tasks: [{ env: "HalfCheetah-6x1", config: { preset: "running-normalization" } }, "climbing"],
      algorithms: ["bppo"],
      seeds: 1,
    });
    expect(runs.map(({ config }) => config.rollout.normalizeObservations)).toEqual([true, false]);
  });

  test("is read from a file, whose name it takes and which paths of modules are relative to", async () => {
    const path = join(root, "two-games.yaml");
    await mkdir(join(root, "algorithms"));
    const own =
      "export default { name: 'own', title: 'Own', paper: '', description: '', settings: bppo.settings, create() {} };";
    const library = JSON.stringify(new URL("../algorithms/bppo.ts", import.meta.url));
    await writeFile(join(root, "algorithms", "own.ts"), `import { bppo } from ${library};\n${own}\n`);
    await writeFile(
      path,
      "tasks: [climbing, ./games/crossing.ts]\nalgorithms: [bppo, ./algorithms/own.ts, { name: half, algorithm: { name: ./algorithms/own.ts, peerCoef: 0.5 } }]\nseeds: 2\n",
    );
    const suite = await readSuite(path);
    expect(suite.name).toBe("two-games");
    expect(suite.runs.map((run) => run.path)).toContain("crossing/bppo/seed-1");
    expect(suite.runs[6].config.env.id).toBe(join(root, "games", "crossing.ts"));
    const module = join(root, "algorithms", "own.ts");
    const of = (path: string) => suite.runs.find((run) => run.path === path)!.config.algorithm;
    expect(of("climbing/own/seed-0")).toMatchObject({ name: module, peerCoef: 1 });
    expect(of("crossing/half/seed-1")).toMatchObject({ name: module, peerCoef: 0.5 });
    await expect(readSuite(join(root, "none.yaml"))).rejects.toThrow(/^suite .*none\.yaml: there is no such file$/);
  });

  test("is a run's configuration, too, with an algorithm of one's own", async () => {
    const path = join(root, "own-run.yaml");
    await writeFile(path, "env: { id: climbing }\nalgorithm: { name: ./algorithms/own.ts, peerCoef: 0.5 }\nseed: 4\n");
    const { runs } = await readSuite(path);
    expect(runs.map(({ path }) => path)).toEqual(["climbing/own/seed-4"]);
    expect(runs[0].config.algorithm).toMatchObject({ name: join(root, "algorithms", "own.ts"), peerCoef: 0.5 });
  });

  const good = { tasks: ["climbing"], algorithms: ["bppo"] };
  test.each<[SettingsTree, RegExp]>([
    [{ taks: ["climbing"], algorithms: ["bppo"] }, /^taks is not a setting; did you mean tasks\?/],
    [{ ...good, seeds: 0 }, /^seeds is 0; it must be a whole number ≥ 1, or a list/],
    [{ ...good, seeds: [1, 1] }, /^seeds: 1 is there twice; give each a name of its own$/],
    [{ ...good, tasks: [] }, /^tasks is \[\]; it must be a list of at least 1/],
    [
      { ...good, tasks: ["climing"] },
      /^task climing, algorithm bppo: unknown environment climing; did you mean climbing\?$/,
    ],
    [{ ...good, tasks: [{ env: "climbing", step: 3 }] }, /^tasks\.0\.step is not a setting; did you mean steps\?/],
    [
      { ...good, tasks: [{ env: "climbing", score: { min: 1, max: 1 } }] },
      /^tasks\.0\.score: min must be less than max$/,
    ],
    [
      { ...good, tasks: [{ env: "climbing", config: { seed: 1 } }] },
      /^tasks\.climbing\.config\.seed can't be set there; set the suite's seeds$/,
    ],
    [{ ...good, algorithms: ["bpo"] }, /^algorithms\.bpo: unknown algorithm bpo; did you mean bppo\?/],
    [{ ...good, algorithms: ["bppo", { name: "BPPO", algorithm: "bppo" }] }, /^algorithms: BPPO is there twice/],
    [{ ...good, algorithms: [{ name: "a b", algorithm: "bppo" }] }, /^algorithms\.0\.name: must be letters, digits/],
    [
      { ...good, algorithms: [{ name: "x", algorithm: { name: "bppo", peerCoeff: 1 } }] },
      /^task climbing, algorithm x: algorithm\.peerCoeff is not a setting; did you mean peerCoef\?/,
    ],
    [
      { ...good, config: { algorithm: { epoch: 1 } } },
      /^task climbing: algorithm\.epoch is not a setting of any algorithm of the suite; did you mean epochs\?/,
    ],
    [
      { ...good, config: { rollout: { lenght: 1 } } },
      /^task climbing, algorithm bppo: rollout\.lenght is not a setting; did you mean length\?/,
    ],
    [
      { ...good, config: { preset: "full-state" } },
      /^task climbing, algorithm bppo: preset is full-state, but climbing has no presets to choose from$/,
    ],
    [{ ...good, report: { reference: "mapo" } }, /^report\.reference: unknown algorithm mapo/],
    [
      { ...good, tasks: [{ env: "climbing", published: [{ name: "them", algorithm: "mapo", points: [[1, 2]] }] }] },
      /^task climbing, published: unknown algorithm mapo/,
    ],
    [
      { ...good, report: { score: "evalReturn" } },
      /^report\.score: of evaluations there are evaluationReturn, evaluationWinRate/,
    ],
    [{ ...good, search: { space: { "algorithm.clip": { uniform: [1, 0] } } } }, /^search\.space\.algorithm\.clip/],
  ])("%j is refused in one line", async (settings: SettingsTree, message: RegExp) => {
    await expect(resolveSuite(settings)).rejects.toThrow(InputError);
    await expect(resolveSuite(settings)).rejects.toThrow(message);
    await expect(resolveSuite(settings)).rejects.not.toThrow("\n");
  });
});

describe("a run's directory", () => {
  test("is new, started or finished; of another configuration it is refused in one line", async () => {
    const suite = { tasks: ["climbing"], algorithms: ["bppo"], seeds: 1 };
    const [{ config }] = (await resolveSuite(suite)).runs;
    const path = join(root, "run");
    expect(await stateOfRun(path, config)).toBe("new");
    await mkdir(path);
    await writeFile(join(path, "config.json"), JSON.stringify({ ...config, startedAt: "", versions: {} }));
    expect(await stateOfRun(path, config)).toBe("started");
    await writeFile(join(path, "result.json"), "{}");
    expect(await stateOfRun(path, config)).toBe("finished");
    const threads = { algorithm: { threads: 2 }, rollout: { workers: 2 } };
    const [faster] = (await resolveSuite({ ...suite, config: threads })).runs;
    expect(await stateOfRun(path, faster.config)).toBe("finished");
    const [other] = (await resolveSuite({ ...suite, config: { algorithm: { epochs: 4 }, policy: { hidden: 8 } } }))
      .runs;
    await expect(stateOfRun(path, other.config)).rejects.toThrow(
      new InputError(
        `${path} was made with algorithm.epochs 15, now it is 4 (and 1 more: policy.hidden); give another --out, or delete the runs that no longer hold`,
      ),
    );
  });
});

const project = new URL("../../", import.meta.url);

test("the tables of docs/benchmarks.md are what scripts/reference.ts writes", async () => {
  const written = await readFile(new URL("docs/benchmarks.md", project), "utf8");
  expect(withSuiteReference(written)).toBe(written);
});

test("the suites of benchmarks/ are suites", async () => {
  const files = (await readdir(new URL("benchmarks/", project))).filter((name) => name.endsWith(".yaml"));
  expect(files).toContain("matrix.yaml");
  for (const file of files) {
    const { runs } = await readSuite(fileURLToPath(new URL(`benchmarks/${file}`, project)));
    expect(runs.length).toBeGreaterThan(0);
  }
});
