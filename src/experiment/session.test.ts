import { expect, test } from "vitest";
import { algorithms } from "../algorithms/registry.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { resolveConfig } from "./config.ts";
import { evaluateModel } from "./evaluator.ts";
import { openSession, type Session } from "./session.ts";

const settings = {
  env: { id: "permutation", options: { steps: 7 } },
  policy: { hidden: 4, recurrent: true, chunkLength: 5 },
  critic: { hidden: 4 },
  rollout: { environments: 2, length: 10 },
  evaluation: { episodes: 2 },
};

const iterate = async ({ collector, learner }: Session, step: number) =>
  learner.update(await collector.collect(learner.policy), { step, totalSteps: 100 });

test.each([...algorithms.keys()])(
  "%s goes on from a checkpoint exactly, its file acts alike, and evaluation does not disturb it",
  async (name) => {
    const config = await resolveConfig({ ...settings, algorithm: { name, epochs: 1, minibatches: 2 } });
    const session = await openSession(config);
    await iterate(session, 0);
    const saved = decodeCheckpoint(Buffer.concat(encodeCheckpoint(await session.snapshot())));
    expect(await evaluateModel(session.exportPolicy(), config)).toEqual(await session.evaluate());
    const metrics = await iterate(session, 20);

    const restored = await openSession(config);
    await restored.restore(saved);
    expect(await iterate(restored, 20)).toEqual(metrics);
    expect(await restored.snapshot()).toEqual(await session.snapshot());
    await Promise.all([session.close(), restored.close()]);
  },
);

test("a checkpoint of another configuration is refused", async () => {
  const config = await resolveConfig({ ...settings, algorithm: { name: "ippo" } });
  const session = await openSession(config);
  const { learner, collector } = await session.snapshot();
  const [name] = Object.keys(learner);
  const other = { learner: { ...learner, [name]: learner[name].subarray(1) }, collector };
  await expect(session.restore(other)).rejects.toThrow(`does not fit the run's configuration: ${name} `);
  await session.close();
});
