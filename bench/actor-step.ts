/**
 * @file One PPO step of an actor, compiled, beside PyTorch's: 26 observations → hidden → hidden → 1 Gaussian action,
 * LayerNorm on the input and after each ReLU, clipped surrogate, gradient clipping, Adam; one thread each.
 *
 * `npx tsx bench/actor-step.ts [--repeats 60] [--rounds 5]`. Where `python3` (or $PYTHON) has PyTorch, the two take
 * turns, so that both see the same machine; without it, ours stands alone.
 */

import { parseArgs } from "node:util";
import { compileActorStep } from "../src/algorithms/actor-step.ts";
import { ppoObjective } from "../src/algorithms/mappo.ts";
import { createNetwork } from "../src/algorithms/network.ts";
import { median } from "../src/evaluation/statistics.ts";
import { boundedStd, diagonalGaussian } from "../src/nn/distributions.ts";
import { constant } from "../src/nn/initializers.ts";
import { linearParameters, mlp, mlpParameters, normThenLinear } from "../src/nn/layers.ts";
import { Parameter } from "../src/nn/parameters.ts";
import { defineActor } from "../src/policy/actor.ts";
import { Random } from "../src/random.ts";
import { startPeer } from "./peer.ts";

const OBSERVATIONS = 26;

/** The plain network of the comparison: no other agents to look at. */
function plainActor(hidden: number) {
  return defineActor(
    {
      observationSize: OBSERVATIONS,
      actionSize: 1,
      discrete: false,
      hasActionMask: false,
      hiddenSize: 0,
      conditioned: false,
      identified: false,
      teamSize: 1,
      jointActionSize: 1,
    },
    {
      trunk: mlpParameters(OBSERVATIONS, { hidden, layers: 2, activation: "relu", featureNormalization: true }),
      head: linearParameters(hidden, 1, 0.01),
      rho: new Parameter([1], constant(1)),
    },
    (tree, { observations }) => {
      const features = mlp(tree.trunk, "relu", observations);
      return {
        distribution: diagonalGaussian(
          normThenLinear(features.norm, tree.head, features.x),
          boundedStd(tree.rho, 1, 0.5),
        ),
      };
    },
  );
}

/** A step on random samples, to be taken again and again. */
async function ourStep(batch: number, hidden: number): Promise<() => Promise<void>> {
  const random = new Random(0);
  const model = plainActor(hidden);
  const settings = {
    learningRate: 5e-4,
    entropyCoef: 0.01,
    peerCoef: 0,
    microBatch: 2000,
    threads: 1,
    maxGradientNorm: 10,
    adamEpsilon: 1e-5,
  };
  const program = await compileActorStep(model, ppoObjective(0.2), settings, { blocks: batch, length: 1, width: 1 });
  const network = createNetwork("actor", model.layout, random);
  const normal = (size: number) => {
    const array = new Float32Array(size);
    random.fillNormal(array);
    return array;
  };
  const rows = {
    observations: normal(batch * OBSERVATIONS),
    actions: normal(batch),
    oldLogProbs: new Float32Array(batch).fill(-1),
    advantages: normal(batch),
    weights: new Float32Array(batch).fill(1),
  };
  await program.load({ rows, sequences: {}, fixed: {} });
  const metrics = new Float32Array(program.metricCount);
  return () => program.step([network], 0, metrics);
}

const { values } = parseArgs({ options: { repeats: { type: "string" }, rounds: { type: "string" } } });
const [repeats, rounds] = [Number(values.repeats ?? 40), Number(values.rounds ?? 7)];
const torch = await startPeer("actor_step.py");
console.log(torch ? `beside ${torch.title}, one thread each` : "no PyTorch found (set $PYTHON): ours alone");
console.log("batch  hidden   ours ms  PyTorch ms   ratio (median of paired rounds, least to most)");
for (const [batch, hidden] of [
  [4000, 64],
  [1000, 64],
  [4000, 128],
  [1000, 128],
]) {
  const step = await ourStep(batch, hidden);
  // Rounds of about equal length, so that none is over before the processor has settled.
  const steps = repeats * (4000 / batch);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const seconds: number[] = [];
    for (let i = 0; i < steps; i++) {
      const start = performance.now();
      await step();
      seconds.push((performance.now() - start) / 1000);
    }
    const peer = (await torch?.ask({ batch, hidden, repeats: steps })) as number[] | undefined;
    if (round < 0) continue; // warm-up
    ours.push(median(seconds) * 1e3);
    if (peer) theirs.push(median(peer) * 1e3);
  }
  const ratios = theirs.map((milliseconds, i) => milliseconds / ours[i]).sort((a, b) => a - b);
  const cells = [String(batch).padStart(5), String(hidden).padStart(7), median(ours).toFixed(2).padStart(9)];
  if (torch) {
    const range = `${median(ratios).toFixed(2)}× (${ratios[0].toFixed(2)} to ${ratios[ratios.length - 1].toFixed(2)})`;
    cells.push(median(theirs).toFixed(2).padStart(11), ` ${range}`);
  }
  console.log(cells.join(" "));
}
torch?.stop();
