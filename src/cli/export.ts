/** @file `bpta export`: a run's policy as one ONNX file. */

import { Command } from "commander";
import { fileName } from "./options.ts";

export const exportCommand = (): Command =>
  new Command("export")
    .description("write a run's policy to an ONNX file; of a run that has not ended, that of its last checkpoint")
    .argument("<run>", "run directory")
    .requiredOption("--out <file.onnx>", "where to", fileName(".onnx"))
    .action(async (run: string, { out }: { readonly out: string }) => {
      const { exportRun } = await import("../experiment/evaluate.ts");
      await exportRun(run, out);
      console.log(`wrote ${out}`);
    });
