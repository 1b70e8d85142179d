/** @file `bpta csv`: what runs have recorded, as a table. */

import { Command } from "commander";
import { fileName } from "./options.ts";

export const csvCommand = (): Command =>
  new Command("csv")
    .description("write the metrics of runs as CSV, one row per update")
    .argument("<run...>", "run directories")
    .option("--out <file.csv>", "where to (default: standard output)", fileName(".csv"))
    .action(async (runs: readonly string[], { out }: { readonly out?: string }) => {
      const [{ readRuns }, { metricsCsv }] = await Promise.all([
        import("../evaluation/runs.ts"),
        import("../evaluation/csv.ts"),
      ]);
      const csv = metricsCsv(await readRuns(runs));
      if (out === undefined) {
        process.stdout.write(csv);
        return;
      }
      const { writeFileAtomically } = await import("../experiment/files.ts");
      await writeFileAtomically(out, csv);
      console.log(`wrote ${out}`);
    });
