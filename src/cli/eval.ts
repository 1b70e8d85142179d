/** @file `bpta eval`: how good a run's policy is, from its ONNX file. */

import { Command } from "commander";
import { wholeNumber } from "./options.ts";

export const evalCommand = (): Command =>
  new Command("eval")
    .description("evaluate a run's policy, from its ONNX file, in greedy episodes")
    .argument("<run>", "run directory")
    .option("--episodes <number>", "episodes (default: as the run's own evaluation)", wholeNumber(1))
    .option("--json", "print a JSON object")
    .action(async (run: string, { episodes, json }: { readonly episodes?: number; readonly json?: boolean }) => {
      const { evaluateRun } = await import("../experiment/evaluate.ts");
      const { env, algorithm, seed, evaluation } = await evaluateRun(run, { episodes });
      if (json) {
        console.log(JSON.stringify({ env, algorithm, seed, evaluation }));
        return;
      }
      const { describeEvaluation } = await import("./progress.ts");
      console.log(`${env} · ${algorithm} · seed ${seed}: ${describeEvaluation(evaluation)}`);
    });
