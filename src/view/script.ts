/** @file The scripts of the page, bundled and minified: from the built package and from TypeScript sources alike. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Recording } from "../envs/recording.ts";

/** What plays a page's episodes, by the kind of their recordings, and what films them. */
export const scripts = ["bodies", "battle", "pitch", "pictures", "film"] as const satisfies readonly (
  | Recording["kind"]
  | "film"
)[];
export type ScriptName = (typeof scripts)[number];

/** Where the build leaves a script, beside this file. */
export const builtName = (name: ScriptName): string => `${name}.min.js`;

/** Of what a script is bundled from, notices that its own comments do not carry. */
const notices: Partial<Record<ScriptName, string>> = {
  film: "/*! gifenc: MIT License, Copyright (c) 2017 Matt DesLauriers */",
};

/** The text of a script: what the build left, or, from sources, bundled now. */
export const pageScript = (name: ScriptName): Promise<string> =>
  import.meta.url.endsWith(".ts") ? bundleScript(name) : readFile(new URL(builtName(name), import.meta.url), "utf8");

/** Bundles a script from its sources, with esbuild, which is there in a checkout only. */
export async function bundleScript(name: ScriptName): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`page/${name}/main.ts`, import.meta.url))],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "eof",
    footer: { js: notices[name] ?? "" },
    charset: "utf8",
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0].text;
}
