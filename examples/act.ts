/**
 * @file A trained policy, loaded from its ONNX file, plays an episode.
 *
 * Train one first (`npx bpta train climbing --out runs/team`), then
 * `npx tsx examples/act.ts runs/team/policy.onnx climbing`.
 */

import { createMoment, loadPolicy, makeVectorEnv, vectorSize } from "bpta";

const [file, id] = process.argv.slice(2);
if (file === undefined || id === undefined) throw new Error("usage: act.ts POLICY.onnx ENV");

// Policies and environments come in batches, of one here: every array has one row per environment.
const policy = await loadPolicy(file, 1);
const env = await makeVectorEnv(id, { numEnvs: 1 });
const { agents, actionSpaces } = env.team;
const moment = createMoment(env.team, 1);
const arrays = (sizes: readonly number[]) => sizes.map((size) => new Float32Array(size));
// An action is the most probable one plus noise: without noise, the team does the best it knows.
const noise = arrays(actionSpaces.map(vectorSize));
const actions = arrays(actionSpaces.map(vectorSize));
const logProbs = arrays(agents.map(() => 1));
let [hidden, nextHidden] = [arrays(policy.hiddenSizes), arrays(policy.hiddenSizes)];
const episodeStarts = Float32Array.of(1);

await env.reset(0, moment);
for (let step = 0, ended = false, total = 0; !ended; step++) {
  const { observations, actionMasks } = moment;
  await policy.act(
    { observations, actionMasks, noise, hidden, episodeStarts },
    { actions, logProbs, hidden: nextHidden },
  );
  [hidden, nextHidden] = [nextHidden, hidden];
  episodeStarts[0] = 0;
  await env.step(actions, moment);
  total += moment.rewards[0];
  ended = moment.terminations[0] === 1 || moment.truncations[0] === 1;
  const done = agents.map((agent, i) => {
    const space = actionSpaces[i];
    if (space.kind === "box") return `${agent} [${Array.from(actions[i], (x) => x.toFixed(2)).join(", ")}]`;
    const choice = actions[i].indexOf(1);
    return `${agent} ${space.labels?.[choice] ?? choice}`;
  });
  console.log(`step ${step}: ${done.join(" · ")} → reward ${moment.rewards[0].toFixed(2)}, ${total.toFixed(2)} so far`);
}
await policy.release();
await env.close();
