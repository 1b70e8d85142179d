/** @file `bpta benchmark`: compares algorithms on tasks, over seeds. */

import { Command } from "commander";
import { runSuite, type SuiteFlags, withSuiteOptions } from "./suite.ts";

export const benchmarkCommand = (): Command =>
  withSuiteOptions(
    new Command("benchmark")
      .description("make all runs of a suite (tasks × algorithms × seeds), several at a time, and report on them")
      .argument("<suite>", "suite file, YAML or JSON (docs/benchmarks.md)")
      .option("--report-only", "make no runs; report on those that are finished"),
  ).action(async (suite: string, flags: SuiteFlags & { readonly reportOnly?: boolean }) => {
    const { benchmark } = await import("../benchmark/benchmark.ts");
    await runSuite(flags, `npx bpta benchmark ${suite}`, async (options) => {
      const { report } = await benchmark(suite, { ...options, reportOnly: flags.reportOnly });
      const count = report.missing.length;
      if (count === 0) return;
      const [{ task, algorithm, seed, reason }] = report.missing;
      const others = count > 1 ? ` (and ${count - 1} more)` : "";
      const message = `${count} of ${report.runs.expected} runs missing: ${task}/${algorithm}/seed-${seed}: ${reason}${others}`;
      if (!flags.reportOnly) throw new Error(message);
      console.error(`note: ${message}`);
    });
  });
