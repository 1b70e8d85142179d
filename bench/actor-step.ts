/**
 * @file One PPO step of an actor, compiled, beside PyTorch's: 26 observations → hidden → hidden → 1 Gaussian action,
 * LayerNorm on the input and after each ReLU, clipped surrogate, gradient clipping, Adam; one thread each.
 *
 * `npx tsx bench/actor-step.ts [--repeats 60] [--rounds 5]`. Where `python3` (or $PYTHON) has PyTorch, the two take
 * turns, so that both see the same machine; without it, ours stands alone.
 */

import { compileActorStep } from "../src/algorithms/actor-step.ts";
import { ppoObjective } from "../src/algorithms/mappo.ts";
import { createNetwork } from "../src/algorithms/network.ts";
import { boundedStd, diagonalGaussian } from "../src/nn/distributions.ts";
import { constant } from "../src/nn/initializers.ts";
import { linearParameters, mlp, mlpParameters, normThenLinear } from "../src/nn/layers.ts";
import { Parameter } from "../src/nn/parameters.ts";
import { defineActor } from "../src/policy/actor.ts";
import { Random } from "../src/random.ts";
import { besidePeer } from "./peer.ts";

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
    {
      perceive: ({ trunk }, { observations }) => mlp(trunk, "relu", observations),
      decide: ({ head, rho }, { x, norm }) => diagonalGaussian(normThenLinear(norm, head, x), boundedStd(rho, 1, 0.5)),
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

await besidePeer("actor_step.py", ({ batch, hidden }) => ourStep(batch, hidden), [
  { batch: 4000, hidden: 64 },
  { batch: 1000, hidden: 64 },
  { batch: 4000, hidden: 128 },
  { batch: 1000, hidden: 128 },
]);
