/** @file Pages' data for tests: robots and battles under made-up actions, and a made-up game of football. */

import { createMoment } from "../../envs/moment.ts";
import { type PitchRecording, toBase64 } from "../../envs/recording.ts";
import { makeVectorEnv } from "../../envs/registry.ts";
import type { Outcome } from "../../evaluation/episodes.ts";
import type { PageData } from "../data.ts";

/** `steps` steps of one episode, or all of it. */
export async function pageData(id: string, steps: number, options: object = {}): Promise<PageData> {
  const env = await makeVectorEnv(id, { numEnvs: 1, options });
  const recorder = (await env.recorder!())!;
  const moment = createMoment(env.team, 1);
  await env.reset(3, moment);
  const frames = [recorder.capture(0, false)];
  const rewards: number[] = [];
  const choices: number[] = [];
  let outcome: Outcome | undefined;
  for (let t = 0; t < steps && outcome === undefined; t++) {
    const actions = env.team.actionSpaces.map((space, i) => {
      if (space.kind === "box")
        return Float32Array.from({ length: space.size }, (_, k) => Math.sin(0.7 * t + 2 * i + k));
      // Whoever is in range is attacked (the last choices); else it goes east, where it may, or does what it can.
      const allowed = [...moment.actionMasks[i].keys()].filter((k) => moment.actionMasks[i][k] === 1);
      const east = space.labels?.indexOf("move east") ?? 0;
      const last = allowed.at(-1)!;
      const choice = space.labels?.[last].startsWith("attack") || !allowed.includes(east) ? last : east;
      choices.push(choice);
      return Float32Array.from({ length: space.n }, (_, k) => (k === choice ? 1 : 0));
    });
    await env.step(actions, moment);
    rewards.push(moment.rewards[0]);
    const ended = moment.terminations[0] + moment.truncations[0] > 0;
    if (ended && env.team.hasWins) outcome = moment.wins[0] === 1 ? "won" : "lost";
    frames.push(recorder.capture(0, ended));
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
    ...(choices.length > 0 && {
      choiceLabels: env.team.actionSpaces.map((space) => [...(space.labels ?? [])]),
    }),
    episodes: [
      {
        ...{ recording, stepsBefore: 0, returnBefore: 0, rewards: toBase64(Float32Array.from(rewards)) },
        ...(choices.length > 0 && { choices: toBase64(Uint8Array.from(choices)) }),
        ...(outcome && { outcome }),
      },
    ],
  };
}

/**
 * Football, 3 against 2, of which two are agents': ours run east, the ball goes with the second and then flies into the
 * goal, whereupon everybody stands where they stood at first.
 */
export function footballData(): PageData {
  const frames = 13;
  const last = frames - 1;
  const at = (f: number): number => (f === last ? 0 : f);
  const column = (values: (f: number) => readonly number[]): number[] =>
    Array.from({ length: frames }, (_, f) => values(f)).flat();
  const recording: PitchRecording = {
    kind: "pitch",
    frames,
    secondsPerFrame: 0.1,
    pitch: { halfLength: 54.4, halfWidth: 35.1, goalHalfWidth: 3.7 },
    roles: [
      ["GK", "CM", "CF"],
      ["GK", "CB"],
    ],
    controlled: toBase64(Int8Array.from(column((f) => (f < 6 ? [1, 2] : [2, 1])))),
    ball: toBase64(
      Int16Array.from(
        column((f) => (f < 6 || f === last ? [4000 + 50 * at(f), 300, 11] : [4300 + 250 * (f - 6), 300, 150])),
      ),
    ),
    players: toBase64(
      Int16Array.from(
        column((f) => {
          const [x, y] = f < 8 ? [4200, 900] : [-32_768, -32_768];
          return [-5000, 0, 3000 + 60 * at(f), -1500, 3950 + 50 * at(f), 300, 5300, 0, x, y];
        }),
      ),
    ),
    owner: toBase64(Int8Array.from(column((f) => (f < 6 ? [0, 2] : [-1, -1])))),
    score: toBase64(Uint8Array.from(column((f) => [f === last ? 1 : 0, 0]))),
    mode: toBase64(Uint8Array.from(column((f) => [f === last ? 1 : 0]))),
  };
  const steps = frames - 1;
  return {
    ...{ env: "football", algorithm: "bppo", seed: 3, steps: 1000, drawn: false, agents: ["player_0", "player_1"] },
    choiceLabels: [
      ["idle", "shot"],
      ["idle", "shot"],
    ],
    episodes: [
      {
        ...{ recording, stepsBefore: 0, returnBefore: 0, outcome: "won" },
        rewards: toBase64(Float32Array.from({ length: steps }, (_, t) => (t === steps - 1 ? 1 : 0))),
        choices: toBase64(Uint8Array.from({ length: 2 * steps }, (_, i) => (i === 11 ? 1 : 0))),
        probabilities: toBase64(new Uint8Array(2 * steps).fill(204)),
      },
    ],
  };
}
