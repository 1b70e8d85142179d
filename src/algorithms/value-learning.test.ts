import { expect, test } from "vitest";
import { box } from "../envs/spaces.ts";
import type { RolloutBuffer } from "../rollout/buffer.ts";
import { bppoSettings } from "./bppo.ts";
import { compileValueStep, criticModel } from "./critic.ts";
import { collectorFor, learnerOptions, randomEnv, teamOf } from "./fixture.ts";
import { createMetrics } from "./metrics.ts";
import { algorithms } from "./registry.ts";
import { createValueLearning } from "./value-learning.ts";

test.each([false, true])(
  "advantages are those of a critic that walks one environment at a time (memory: %s)",
  async (recurrent) => {
    const team = teamOf({ actionSpaces: [box(1), box(2)] });
    const [numEnvs, length, gamma] = [3, 6, 0.9];
    const settings = bppoSettings.parse({ gamma, gaeLambda: 0 });
    const options = { ...learnerOptions(team, { numEnvs, length, critic: { recurrent } }), settings };
    const values = await createValueLearning(options, "state");
    const actor = await algorithms.get("mappo")!.create({ ...options, settings: {} });
    const collector = await collectorFor(randomEnv(team, numEnvs, 2), actor, length);
    const theta = new Map(values.state).get("critic.theta") as Float32Array;
    // Before any target was seen, normalised values are values.
    const model = criticModel({ ...options.critic, recurrent, inputSize: 4 });
    const single = await compileValueStep(model, 1);
    const hidden = Array.from({ length: numEnvs }, (): Float32Array => new Float32Array(model.hiddenSize));
    const valueAt = async (state: Float32Array, memory: Float32Array, start: number) => {
      const feeds = {
        theta,
        "rows.inputs": state,
        ...(recurrent && { "rows.hidden": memory, "rows.episodeStarts": Float32Array.of(start) }),
      };
      const outputs = await single.run(feeds);
      return { value: outputs.values[0], memory: (outputs.hidden ?? memory) as Float32Array };
    };
    const stateAt = (buffer: RolloutBuffer, row: number) => buffer.states.slice(4 * row, 4 * row + 4);

    let truncated = 0;
    // Twice: the memory goes on from one rollout to the next.
    for (let rollout = 0; rollout < 2; rollout++) {
      const buffer = await collector.collect(actor.policy);
      await values.evaluate(buffer, createMetrics());
      const advantages = values.advantagesOf(1);
      for (let e = 0; e < numEnvs; e++) {
        for (let t = 0; t < length; t++) {
          const row = t * numEnvs + e;
          const now = await valueAt(stateAt(buffer, row), hidden[e], buffer.episodeStarts[row]);
          const final = buffer.finals.find(({ time, env }) => time === t && env === e);
          const nextStart = buffer.episodeStarts[row + numEnvs];
          const next = final
            ? await valueAt(final.state, now.memory, 0)
            : await valueAt(stateAt(buffer, row + numEnvs), now.memory, nextStart);
          const bootstrap = buffer.terminations[row] ? 0 : gamma * next.value;
          expect(advantages[row]).toBeCloseTo(buffer.rewards[row] + bootstrap - now.value, 4);
          truncated += final ? 1 : 0;
          hidden[e] = now.memory;
        }
      }
    }
    expect(truncated).toBeGreaterThan(0);
    await Promise.all([values, actor, single].map((owned) => owned.release()));
  },
);
