/**
 * @file One PPO step of a team of transformers (MAT), compiled, beside PyTorch's: one block of encoder and decoder each,
 * 64 wide, on a minibatch as its authors have it for HalfCheetah-6x1 (100 samples of six agents), and a larger one.
 *
 * `npx tsx bench/transformer-step.ts [--repeats 3] [--rounds 5]`. Where `python3` (or $PYTHON) has PyTorch, the two take
 * turns, so that both see the same machine; without it, ours stands alone.
 */

import { compileTransformerStep, matSettings } from "../src/algorithms/mat.ts";
import { createNetwork } from "../src/algorithms/network.ts";
import type { TeamSpec } from "../src/envs/env.ts";
import { box } from "../src/envs/spaces.ts";
import { policySettingsSchema } from "../src/policy/settings.ts";
import { transformer } from "../src/policy/transformer.ts";
import { Random } from "../src/random.ts";
import { besidePeer } from "./peer.ts";

const OBSERVATIONS = 8;

type Case = Record<"batch" | "agents" | "threads", number>;

/** A step on random samples, to be taken again and again. */
async function ourStep({ batch, agents, threads }: Case): Promise<() => Promise<void>> {
  const random = new Random(0);
  const each = Array.from({ length: agents }, (_, agent) => agent);
  const team: TeamSpec = {
    agents: each.map((agent) => `agent ${agent}`),
    observationSpaces: each.map(() => box(OBSERVATIONS)),
    actionSpaces: each.map(() => box(1, -1, 1)),
    stateSpace: box(OBSERVATIONS),
    hasActionMasks: false,
    hasInactiveAgents: false,
    hasWins: false,
  };
  const settings = matSettings.parse({ learningRate: 5e-5, maxGradientNorm: 0.5, entropyCoef: 0.001, threads });
  const model = transformer(team, policySettingsSchema.parse({}), { ...settings, decentralized: false }, each);
  const program = await compileTransformerStep(model, settings, { blocks: batch, length: 1, width: 1 });
  const network = createNetwork("transformer", model.layout, random);
  const normal = (size: number) => {
    const array = new Float32Array(size);
    random.fillNormal(array);
    return array;
  };
  const fields = (name: string, make: () => Float32Array) =>
    Object.fromEntries(each.map((agent) => [`${name}.${agent}`, make()]));
  const rows = {
    ...fields("observations", () => normal(batch * OBSERVATIONS)),
    ...fields("actions", () => normal(batch)),
    oldLogProbs: new Float32Array(batch * agents).fill(-1),
    advantages: normal(batch * agents),
    weights: new Float32Array(batch * agents).fill(1),
    oldValues: normal(batch * agents),
    targets: normal(batch * agents),
    activeAgents: new Float32Array(batch).fill(agents),
  };
  const metrics = new Float32Array(program.metricCount);
  return async () => {
    await program.load({ rows, sequences: {}, fixed: {} });
    await program.step([network], 0, metrics);
  };
}

await besidePeer("transformer_step.py", ourStep, [
  { batch: 100, agents: 6, threads: 1 },
  { batch: 100, agents: 6, threads: 2 },
  { batch: 400, agents: 6, threads: 1 },
  { batch: 400, agents: 6, threads: 2 },
]);
