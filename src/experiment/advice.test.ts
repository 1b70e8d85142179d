import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { algorithms } from "../algorithms/registry.ts";
import { makeVectorEnv } from "../envs/registry.ts";
import { adviceFor, unusedSettings, watchRewards } from "./advice.ts";
import { resolveConfig } from "./config.ts";
import { evaluateModel } from "./evaluator.ts";
import { openSession } from "./session.ts";

const thermostats = fileURLToPath(new URL("./testing/thermostats.ts", import.meta.url));

const base = {
  env: { id: thermostats },
  policy: { hidden: 16, layers: 1 },
  critic: { hidden: 16, layers: 1 },
  rollout: { environments: 64, length: 4 },
  evaluation: { episodes: 64 },
};

/** What the advice asks for. */
const heeded = {
  policy: { ...base.policy, featureNormalization: false },
  critic: { ...base.critic, featureNormalization: false },
  rollout: { ...base.rollout, scaleActions: true },
};

test("one number to go by, and actions from 10 to 30: advice says what to set, and is quiet once it is", async () => {
  const env = await makeVectorEnv(thermostats, { numEnvs: 1 });
  expect(adviceFor(env.team, await resolveConfig(base))).toEqual([
    "hall observes one number; LayerNorm on what goes in leaves nothing of it: consider policy.featureNormalization=false",
    "the state is two numbers; LayerNorm on what goes in leaves of them which is larger, and not by how much: consider " +
      "critic.featureNormalization=false",
    "hall's actions go from 10 to 30, and policies start at 0 ± 0.37 whatever the bounds: consider rollout.scaleActions=true",
  ]);
  expect(adviceFor(env.team, await resolveConfig(base, heeded))).toEqual([]);
});

test.each(["climbing", "quadratic", "HalfCheetah-6x1", "Humanoid-9|8", "Reacher-2x1", "3m"])(
  "%s needs no advice",
  async (id) => {
    const env = await makeVectorEnv(id, { numEnvs: 1 });
    expect(adviceFor(env.team, await resolveConfig({ env: { id } }))).toEqual([]);
    await env.close();
  },
);

test("settings that an algorithm has no use for are told, if they are not what they would be by themselves", async () => {
  const mat = algorithms.get("mat")!;
  const given = { critic: { hidden: 7 }, policy: { layers: 5, hidden: 16 } };
  const config = await resolveConfig({ env: { id: "HalfCheetah-6x1" }, algorithm: { name: "mat" } }, given);
  expect(await unusedSettings(mat, config)).toEqual([
    "policy.layers is 5, but MAT has no use for it",
    "critic.hidden is 7, but MAT has no use for it",
  ]);
  const usual = await resolveConfig({ env: { id: "HalfCheetah-6x1" }, algorithm: { name: "mat" } });
  expect(await unusedSettings(mat, usual)).toEqual([]);
  const lines = adviceFor((await makeVectorEnv(thermostats, { numEnvs: 1 })).team, await resolveConfig(base), mat);
  expect(lines.join()).not.toContain("critic");
});

test.each([...algorithms.keys()])("%s learns from a single number once the advice is heeded", async (name) => {
  const learning = { learningRate: 0.01, epochs: 4, ...(name.startsWith("mat") && { minibatches: 1 }) };
  const config = await resolveConfig(base, heeded, { algorithm: { name, ...learning } });
  const session = await openSession(config);
  const before = (await session.evaluate()).meanReturn;
  for (let update = 0; update < 30; update++) {
    await session.learner.update(await session.collector.collect(session.learner.policy), { step: 0, totalSteps: 1 });
  }
  const after = await session.evaluate();
  // To heat always by 20 costs 2 · 1/12 in the mean.
  expect(before).toBeLessThan(-0.1);
  expect(after.meanReturn).toBeGreaterThan(-0.05);
  // The file does the scaling by itself.
  expect((await evaluateModel(session.exportPolicy(), config)).meanReturn).toBeCloseTo(after.meanReturn, 5);
  await session.close();
});

test("that nothing was paid for ten updates is told once, and not where something was", () => {
  const tell = (paidAt: number) => {
    const after = watchRewards();
    return Array.from({ length: 25 }, (_, k) => after(Float32Array.of(0, k === paidAt ? -1 : 0)) !== undefined);
  };
  expect(
    tell(-1)
      .map((told, k) => (told ? k + 1 : 0))
      .filter(Boolean),
  ).toEqual([10]);
  expect(tell(9)).not.toContain(true);
  expect(tell(10)).toContain(true);
});
