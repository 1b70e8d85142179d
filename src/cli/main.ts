#!/usr/bin/env node
/** @file `bpta`: the command line. Commands are declared here; what they do is imported when they run. */

import { createRequire } from "node:module";
import { Command } from "commander";
import { oneLine } from "../errors.ts";
import { describeError } from "../modules.ts";
import { benchmarkCommand } from "./benchmark.ts";
import { csvCommand } from "./csv.ts";
import { evalCommand } from "./eval.ts";
import { exportCommand } from "./export.ts";
import { listCommand } from "./list.ts";
import { plotCommand } from "./plot.ts";
import { renderCommand } from "./render.ts";
import { resumeCommand } from "./resume.ts";
import { trainCommand } from "./train.ts";
import { tuneCommand } from "./tune.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

const commands = [
  trainCommand(),
  resumeCommand(),
  evalCommand(),
  renderCommand(),
  exportCommand(),
  plotCommand(),
  csvCommand(),
  benchmarkCommand(),
  tuneCommand(),
  listCommand(),
];

const program = new Command("bpta")
  .description("Train teams of agents by back-propagation through agents (BPTA), and their peers.")
  .version(version)
  .showSuggestionAfterError()
  .addHelpText(
    "after",
    "\nTo begin: bpta train climbing\nWith BPTA_DEBUG=1 in the environment, errors come with where in the code they are from.",
  );
for (const command of commands) program.addCommand(command);
for (const command of [program, ...commands]) {
  command.configureOutput({ outputError: (message, write) => write(`${oneLine(message)}\n`) });
}

// Whoever reads our output may stop reading (`bpta list envs | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(1);
});

/** A message on one line, and below it, as it is, what Python says of where an exception came from. */
function withTraceback(message: string): string {
  const [first, ...traceback] = message.split(/\n(?=Traceback \(most recent call last\):)/);
  return [oneLine(first), ...traceback].join("\n");
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(process.env.BPTA_DEBUG ? error : `error: ${withTraceback(describeError(error as Error))}`);
  process.exitCode = 1;
}
