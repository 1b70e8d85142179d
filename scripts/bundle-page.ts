/** @file A step of the build: leaves the page's scripts, bundled, beside what reads them. */

import { writeFile } from "node:fs/promises";
import { builtName, bundleScript, scripts } from "../src/view/script.ts";

for (const name of scripts) {
  await writeFile(new URL(`../dist/view/${builtName(name)}`, import.meta.url), await bundleScript(name));
}
