/** @file `bpta eval`: how good a run's policy is, from its ONNX file. */

import { Command } from "commander";
import type { WhichPolicy } from "../experiment/evaluate.ts";
import { titleOfId } from "../ids.ts";
import { policyOption, whichPolicy, wholeNumber } from "./options.ts";

interface EvalFlags {
  readonly episodes?: number;
  readonly seed?: number;
  readonly policy?: WhichPolicy;
  readonly sample?: boolean;
  readonly json?: boolean;
}

export const evalCommand = (): Command =>
  new Command("eval")
    .description("evaluate a run's policy, from its ONNX file (of an unfinished run: its newest checkpoint)")
    .argument("<run>", "run directory")
    .option("--episodes <number>", "episodes (default: as the run's own evaluation)", wholeNumber(1))
    .option("--seed <number>", "other episodes, that follow from this seed (default: the run's)", wholeNumber(0))
    .option(...policyOption, whichPolicy)
    .option("--sample", "draw actions as in training, rather than the greedy ones")
    .option("--json", "print a JSON object")
    .action(async (run: string, { sample, json, ...which }: EvalFlags) => {
      const { evaluateRun } = await import("../experiment/evaluate.ts");
      const found = await evaluateRun(run, { ...which, drawn: sample });
      if (json) {
        console.log(JSON.stringify(found));
        return;
      }
      const { describeEvaluation } = await import("./progress.ts");
      const { env, algorithm, seed, steps, evaluation } = found;
      const title = `${titleOfId(env)} · ${titleOfId(algorithm)} · seed ${seed} · ${steps.toLocaleString("en")} steps`;
      console.log(`${title}: ${describeEvaluation(evaluation, sample)}`);
    });
