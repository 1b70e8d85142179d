/** @file `bpta export`: a run's policy as one ONNX file. */

import { Command } from "commander";
import type { WhichPolicy } from "../experiment/evaluate.ts";
import { fileName, policyOption, whichPolicy } from "./options.ts";

export const exportCommand = (): Command =>
  new Command("export")
    .description("write a run's policy to an ONNX file; of a run that has not ended, that of its last checkpoint")
    .argument("<run>", "run directory")
    .requiredOption("--out <file.onnx>", "where to", fileName(".onnx"))
    .option(...policyOption, whichPolicy)
    .action(async (run: string, { out, policy }: { readonly out: string; readonly policy?: WhichPolicy }) => {
      const { exportRun } = await import("../experiment/evaluate.ts");
      await exportRun(run, out, policy);
      console.log(`wrote ${out}`);
    });
