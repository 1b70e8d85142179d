/**
 * @file One PPO step of a recurrent actor, compiled, beside PyTorch's: 80 observations → hidden → hidden → GRU → 11
 * choices, some of them masked, as on StarCraft's 2s3z; sequences of ten steps within which episodes end, clipped
 * surrogate, gradient clipping, Adam; one thread each.
 *
 * `npx tsx bench/recurrent-step.ts [--repeats 8] [--rounds 5]`. PyTorch goes step by step through GRUCell, as it must where
 * episodes end (`whole` 0), or through its GRU for whole sequences, which then can't (`whole` 1); ours does the former.
 */

import { compileActorStep } from "../src/algorithms/actor-step.ts";
import { ppoObjective } from "../src/algorithms/mappo.ts";
import { createNetwork } from "../src/algorithms/network.ts";
import type { TeamSpec } from "../src/envs/env.ts";
import { box, discrete } from "../src/envs/spaces.ts";
import { teamActors } from "../src/policy/actor.ts";
import { policySettingsSchema } from "../src/policy/settings.ts";
import { Random } from "../src/random.ts";
import { besidePeer } from "./peer.ts";

const [OBSERVATIONS, CHOICES, LENGTH, WIDTH] = [80, 11, 10, 25];

const team: TeamSpec = {
  agents: ["unit"],
  observationSpaces: [box(OBSERVATIONS)],
  actionSpaces: [discrete(CHOICES)],
  stateSpace: box(1),
  hasActionMasks: true,
  hasInactiveAgents: false,
  hasWins: false,
};

/** A step on random samples, to be taken again and again. */
async function ourStep(batch: number, hidden: number): Promise<() => Promise<void>> {
  const random = new Random(0);
  const policy = policySettingsSchema.parse({ hidden, recurrent: true });
  const [model] = teamActors(team, [[]], policy).models;
  const settings = {
    learningRate: 5e-4,
    entropyCoef: 0.01,
    peerCoef: 0,
    microBatch: 2500,
    threads: 1,
    maxGradientNorm: 10,
    adamEpsilon: 1e-5,
  };
  const sequences = { blocks: batch / LENGTH / WIDTH, length: LENGTH, width: WIDTH };
  const program = await compileActorStep(model, ppoObjective(0.2), settings, sequences);
  const network = createNetwork("actor", model.layout, random);
  const normal = (size: number) => {
    const array = new Float32Array(size);
    random.fillNormal(array);
    return array;
  };
  const chances = (size: number, probability: number) =>
    Float32Array.from({ length: size }, () => (random.uniform() < probability ? 1 : 0));
  const actions = new Float32Array(batch * CHOICES);
  const actionMask = chances(batch * CHOICES, 0.7);
  for (let row = 0; row < batch; row++) {
    const place = row * CHOICES + random.integer(CHOICES);
    actions[place] = 1;
    actionMask[place] = 1;
  }
  const rows = {
    observations: normal(batch * OBSERVATIONS),
    actions,
    actionMask,
    episodeStarts: chances(batch, 0.02),
    oldLogProbs: new Float32Array(batch).fill(-2),
    advantages: normal(batch),
    weights: new Float32Array(batch).fill(1),
  };
  await program.load({ rows, sequences: { hidden: normal((batch / LENGTH) * hidden) }, fixed: {} });
  const metrics = new Float32Array(program.metricCount);
  return () => program.step([network], 0, metrics);
}

await besidePeer("recurrent_step.py", ({ batch, hidden }) => ourStep(batch, hidden), [
  { batch: 10_000, hidden: 64, whole: 0 },
  { batch: 10_000, hidden: 64, whole: 1 },
  { batch: 50_000, hidden: 64, whole: 0 },
  { batch: 50_000, hidden: 64, whole: 1 },
  { batch: 10_000, hidden: 128, whole: 0 },
  { batch: 10_000, hidden: 128, whole: 1 },
]);
