import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { box, discrete } from "../envs/spaces.ts";
import { createRolloutBuffer, type RolloutBuffer } from "../rollout/buffer.ts";
import { learnerOptions, teamOf } from "./fixture.ts";
import { algorithms } from "./registry.ts";

/** One update, as scripts/algorithms-golden.py has it. */
interface Case {
  readonly algorithm: string;
  readonly kind: "choices" | "numbers";
  readonly recurrent: boolean;
  readonly oldLogProbs: readonly (readonly number[])[];
  readonly oldGraphLogProbs?: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
  /** By network: sixteen parts of the gradient, times a wave, and squared. */
  readonly gradients: Readonly<Record<string, { readonly dots: number[]; readonly squares: number[] }>>;
}

const cases: readonly Case[] = JSON.parse(readFileSync(new URL("golden/updates.json", import.meta.url), "utf8"));

/**
 * Of a gradient's length. Ours are float32, and where agents are updated in turn, those after the first follow from a
 * step of Adam, which is nearly as long where a gradient is next to nothing as anywhere else. Probabilities of numbers
 * far from what is likely multiply it.
 */
const TOLERANCE = { choices: 3e-5, numbers: 3e-4 };

const [agents, length, numEnvs] = [3, 3, 4];
const rows = length * numEnvs;

const wave = (size: number, phase: number, scale = 1): Float32Array =>
  Float32Array.from({ length: size }, (_, k) => scale * Math.sin(1.9 * k + phase));

/** The rollout that the script describes. */
function fill(buffer: RolloutBuffer, { kind, oldLogProbs, oldGraphLogProbs }: Case): void {
  for (let i = 0; i < agents; i++) {
    buffer.observations[i].set(wave((length + 1) * numEnvs * 3, 1 + i));
    buffer.noise[i].set(wave(buffer.noise[i].length, 20 + i));
    buffer.logProbs[i].set(oldLogProbs[i]);
    if (kind === "numbers") buffer.actions[i].set(wave(rows * 2, 30 + i, 0.6));
    else {
      buffer.actionMasks[i].fill(1);
      for (let row = 0; row < rows; row++) {
        buffer.actions[i][row * 3 + ((row + i) % 3)] = 1;
        if (row % 2 === 0) buffer.actionMasks[i][row * 3 + ((row + i + 1) % 3)] = 0;
      }
    }
    for (let row = 0; row < rows; row++) buffer.active[row * agents + i] = (row + 2 * i) % 7 === 3 ? 0 : 1;
    buffer.hidden[i].set(wave(buffer.hidden[i].length, 70 + i, 0.5));
  }
  buffer.states.set(wave((length + 1) * numEnvs * 4, 10));
  buffer.rewards.set(wave(rows, 40));
  buffer.terminations[5] = 1;
  buffer.truncations[6] = 1;
  buffer.episodeStarts[9] = 1;
  buffer.episodeStarts[10] = 1;
  const observations = Array.from({ length: agents }, (_, i) => wave(3, 50 + i));
  buffer.finals.push({ time: 1, env: 2, observations, state: wave(4, 60) });
  if (!buffer.graph) return;
  const kept = [
    [0, 0, 0, 1, 0, 0, 1, 1, 0],
    [0, 1, 1, 0, 0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0, 0, 0, 1, 0],
  ];
  const drawn = [kept[0], kept[1], [0, 0, 1, 1, 0, 0, 0, 1, 0]];
  for (let row = 0; row < rows; row++) {
    buffer.graph.predecessors.set(kept[row % 3], row * 9);
    buffer.graph.edges.set(drawn[row % 3], row * 9);
  }
  buffer.graph.logProb.set(oldGraphLogProbs!);
}

/** Phases of the waves that parameters are, by network, and what critics remember. */
const phases: Readonly<Record<string, number>> = {
  actor: 80,
  critic: 100,
  transformer: 110,
  graph: 120,
  "criticHidden.team": 75,
  ...Object.fromEntries(
    [0, 1, 2].flatMap((i) => [
      [`actors.agent_${i}`, 80 + i],
      [`critics.agent_${i}`, 100 + i],
      [`criticHidden.agent_${i}`, 75 + i],
    ]),
  ),
};

/** A name as the script has it: an algorithm's, with what it has otherwise than by default. */
const variant = /(-(learned|simultaneous|full|shared|recurrent-critic))+$/;

const optionsOf = (name: string) => ({
  policy: {
    ...(name.startsWith("happo") && { order: [2, 0, 1] }),
    ...(name.includes("learned") && { dependencies: "learned" as const }),
    graph: { heads: 2 },
    share: name.includes("shared"),
  },
  critic: { recurrent: name.endsWith("recurrent-critic"), ...(name.startsWith("ippo-shared") && { share: true }) },
  settings: {
    ...(name.startsWith("mat") && { heads: 2, clip: 0.2 }),
    ...(/^(bppo|ar-mappo)/.test(name) && {
      schedule: name.includes("simultaneous") ? "simultaneous" : "sequential",
    }),
    ...(name.includes("full") && { chain: "full" }),
  },
});

test.each(
  cases.map((golden) => [golden.algorithm, golden.recurrent ? "memory" : "no memory", golden.kind, golden] as const),
)(
  "%s, with %s, of %s: losses and gradients of one update are those of the same mathematics in PyTorch",
  async (name, _, kind, golden) => {
    const space = kind === "choices" ? discrete(3) : box(2);
    const shape = { actionSpaces: [space, space, space], hasInactiveAgents: true, hasActionMasks: kind === "choices" };
    const team = teamOf(shape);
    const { policy, critic, settings } = optionsOf(name);
    const options = learnerOptions(team, {
      numEnvs,
      length,
      policy: { hidden: 6, layers: 1, recurrent: golden.recurrent, chunkLength: 3, ...policy },
      critic: { hidden: 6, layers: 1, ...critic },
      settings: {
        epochs: 1,
        entropyCoef: 0.02,
        gamma: 0.9,
        gaeLambda: 0.8,
        learningRate: 1e-2,
        ...(!name.startsWith("mat") && { criticLearningRate: 1e-2 }),
        maxGradientNorm: 1e6,
        ...settings,
      },
    });
    const learner = await algorithms.get(name.replace(variant, ""))!.create(options);
    for (const [array, values] of learner.state) {
      const phase = phases[array.replace(".theta", "")];
      const lively = array.startsWith("actor") && name.includes("simultaneous");
      if (array.endsWith(".theta")) values.set(wave(values.length, phase, lively ? 0.7 : 0.4));
      if (array.startsWith("criticHidden.")) values.set(wave(values.length, phase, 0.5));
    }
    const { hiddenSizes, drawsGraph = false } = learner.policy;
    const buffer = createRolloutBuffer(team, { length, numEnvs, hiddenSizes, drawsGraph });
    fill(buffer, golden);
    const metrics = await learner.update(buffer, { step: 0, totalSteps: 1 });
    for (const [metric, value] of Object.entries(golden.metrics)) {
      expect(Math.abs(metrics[metric] - value), `${metric}: ${metrics[metric]}, ${value}`).toBeLessThan(2e-5);
    }
    for (const [network, { dots, squares }] of Object.entries(golden.gradients)) {
      // Adam's first moment after its first step is a tenth of the gradient (after others, of what is left of all).
      const gradient = (learner.state.get(`${network}.firstMoment`) as Float32Array).map((x) => 10 * x);
      const weights = wave(gradient.length, 3);
      const length = Math.sqrt(squares.reduce((sum, x) => sum + x, 0));
      dots.forEach((dot, part) => {
        const bound = (k: number) => Math.floor((k * gradient.length) / 16);
        let [own, square] = [0, 0];
        for (let k = bound(part); k < bound(part + 1); k++) {
          own += gradient[k] * weights[k];
          square += gradient[k] * gradient[k];
        }
        const what = `${network}, part ${part}`;
        expect(Math.abs(own - dot) / length, `${what}: ${own}, ${dot}`).toBeLessThan(TOLERANCE[kind]);
        expect(Math.abs(Math.sqrt(square) - Math.sqrt(squares[part])) / length, what).toBeLessThan(TOLERANCE[kind]);
      });
    }
    await learner.release();
  },
);
