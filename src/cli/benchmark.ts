/** @file `bpta benchmark`: compares algorithms on tasks, over seeds. */

import { Command } from "commander";
import { collected, quoted } from "./options.ts";
import { runSuite, type SuiteFlags, withSuiteOptions } from "./suite.ts";

interface BenchmarkFlags extends SuiteFlags {
  readonly reportOnly?: boolean;
  readonly only: readonly string[];
}

export const benchmarkCommand = (): Command =>
  withSuiteOptions(
    new Command("benchmark")
      .description("make all runs of a suite (tasks × algorithms × seeds), several at a time, and report on them")
      .argument("<suite>", "suite file, YAML or JSON (docs/benchmarks.md)")
      .option("--report-only", "make no runs; report on those that are finished")
      .option(
        "--only <run>",
        "make these runs alone: TASK/ALGORITHM/seed-N, * for any of them, or the first parts of it (can be repeated)",
        collected,
        [],
      ),
  ).action(async (suite: string, flags: BenchmarkFlags) => {
    const { benchmark } = await import("../benchmark/benchmark.ts");
    const again = ["npx bpta benchmark", quoted(suite), ...flags.only.map((run) => `--only ${quoted(run)}`)].join(" ");
    await runSuite(flags, again, async (options) => {
      const { reportOnly, only } = flags;
      const { report, failures } = await benchmark(suite, { ...options, reportOnly, only });
      const whole = !reportOnly && only.length === 0;
      const missing = whole || failures.length === 0 ? report.missing : failures;
      if (missing.length === 0) return;
      const [{ task, algorithm, seed, reason }] = missing;
      const others = missing.length > 1 ? ` (and ${missing.length - 1} more)` : "";
      const message = `${missing.length} of ${report.runs.expected} runs missing: ${task}/${algorithm}/seed-${seed}: ${reason}${others}`;
      if (whole || failures.length > 0) throw new Error(message);
      console.error(`note: ${message}`);
    });
  });
