/** @file `bpta list`: the environments and the algorithms that there are. */

import { Argument, Command } from "commander";

export const listCommand = (): Command =>
  new Command("list")
    .description("list the environments or the algorithms")
    .addArgument(new Argument("<what>", "which").choices(["envs", "algos"]))
    .option("--json", "print a JSON array")
    .action(async (what: "envs" | "algos", { json }: { readonly json?: boolean }) => {
      const { listAlgorithms, listEnvironments } = await import("../experiment/catalogue.ts");
      const entries = what === "envs" ? await listEnvironments() : await listAlgorithms();
      if (json) {
        console.log(JSON.stringify(entries, null, 2));
        return;
      }
      const { default: colors } = await import("picocolors");
      const width = Math.max(...entries.map(({ name }) => name.length));
      for (const { name, description } of entries) {
        console.log(`${colors.bold(name.padEnd(width))}  ${description}`);
      }
    });
