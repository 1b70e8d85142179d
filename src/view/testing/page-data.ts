/** @file A page's data for tests: a robot under made-up actions. */

import { createMoment } from "../../envs/moment.ts";
import { toBase64 } from "../../envs/recording.ts";
import { makeVectorEnv } from "../../envs/registry.ts";
import { vectorSize } from "../../envs/spaces.ts";
import type { PageData } from "../data.ts";

/** `steps` steps of one episode. */
export async function pageData(id: string, steps: number): Promise<PageData> {
  const env = await makeVectorEnv(id, { numEnvs: 1 });
  const recorder = (await env.recorder!())!;
  const moment = createMoment(env.team, 1);
  await env.reset(3, moment);
  const frames = [recorder.capture(0, false)];
  const rewards = new Float32Array(steps);
  for (let t = 0; t < steps; t++) {
    const actions = env.team.actionSpaces.map((space, i) =>
      Float32Array.from({ length: vectorSize(space) }, (_, k) => Math.sin(0.7 * t + 2 * i + k)),
    );
    await env.step(actions, moment);
    rewards[t] = moment.rewards[0];
    frames.push(recorder.capture(0, false));
  }
  const recording = recorder.record(frames);
  recorder.close();
  await env.close();
  return {
    env: id,
    algorithm: "bppo",
    seed: 3,
    steps: 1000,
    drawn: false,
    agents: env.team.agents,
    episodes: [{ recording, stepsBefore: 0, returnBefore: 0, rewards: toBase64(rewards) }],
  };
}
