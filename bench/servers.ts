/** @file Which Python processes there are to measure. */

import { readFileSync } from "node:fs";

/** The processes of bpta_env that this one has started; on Linux. */
export const servers = (): number[] =>
  readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")
    .split(" ")
    .filter((pid) => pid !== "" && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("bpta_env"))
    .map(Number);
