/** @file An installed browser, without a window, that films a page. */

import { accessSync, constants, rmSync, statSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import "./api.ts";
import type { Film, FilmSettings } from "./data.ts";
import { pageScript } from "./script.ts";

/** The environment variable that names the browser to use. */
export const BROWSER_VARIABLE = "BPTA_BROWSER";

const commands = ["google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "microsoft-edge", "chrome"];

const macApps = ["Google Chrome", "Chromium", "Microsoft Edge"];
const windowsFolders = ["Google\\Chrome\\Application\\chrome.exe", "Microsoft\\Edge\\Application\\msedge.exe"];

/** Where Chrome, Chromium and Edge are put, best first. */
function usualPaths(): string[] {
  const { env } = process;
  switch (process.platform) {
    case "darwin":
      return macApps.map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
    case "win32":
      return windowsFolders.flatMap((path) =>
        [env.PROGRAMFILES, env["PROGRAMFILES(X86)"], env.LOCALAPPDATA].flatMap((root) =>
          root ? [join(root, path)] : [],
        ),
      );
    default:
      return commands.flatMap((command) =>
        (env.PATH ?? "").split(delimiter).flatMap((directory) => (directory ? [join(directory, command)] : [])),
      );
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of an installed browser that can film: what BPTA_BROWSER says, or else Chrome, Chromium or Edge where they
 * usually are; undefined where there is none.
 * @throws RangeError if BPTA_BROWSER is not a program
 */
export function findBrowser(): string | undefined {
  const chosen = process.env[BROWSER_VARIABLE];
  if (!chosen) return usualPaths().find(isExecutable);
  if (!isExecutable(chosen))
    throw new RangeError(`${BROWSER_VARIABLE} is ${chosen}, must be the path of Chrome, Chromium or Edge`);
  return chosen;
}

/** Starts a browser that draws in software, the same everywhere, and talks to nobody. */
export async function launchBrowser(executablePath: string): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return chromium.launch({
    executablePath,
    timeout: 120_000,
    args: [
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      // It shows our own page alone; containers and root have no sandbox to offer.
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--force-color-profile=srgb",
      "--hide-scrollbars",
    ],
  });
}

/**
 * Films a page.
 * @param html as `renderPage` makes it
 * @param executablePath the browser's
 * @throws Error if the browser can't be started, draw, or encode
 */
export async function filmPage(
  html: string,
  executablePath: string,
  settings: FilmSettings,
  onProgress?: (taken: number, of: number) => void,
): Promise<Film> {
  // Encoders are offered to pages of a secure origin only, which a file is.
  const directory = await mkdtemp(join(tmpdir(), "bpta-film-"));
  const sweep = (): void => rmSync(directory, { recursive: true, force: true });
  // A signal ends the process without coming back here.
  process.once("exit", sweep);
  let browser: Browser | undefined;
  try {
    const file = join(directory, "page.html");
    await writeFile(file, html);
    browser = await launchBrowser(executablePath).catch((error: Error) => {
      throw new Error(`${executablePath} can't be started: ${error.message.split("\n")[0]}`, { cause: error });
    });
    const page = await browser.newPage({ reducedMotion: "reduce", viewport: { width: 640, height: 360 } });
    // A busy machine may take its time.
    page.setDefaultTimeout(0);
    await page.goto(pathToFileURL(file).href);
    const failure = await page.evaluate(() => (window.bpta ? null : document.getElementById("reason")?.textContent));
    if (failure !== null) throw new Error(`${executablePath} can't show the page: ${failure ?? "it has failed"}`);
    if (onProgress) await page.exposeFunction("bptaProgress", onProgress);
    await page.addScriptTag({ content: await pageScript("film") });
    return await page
      .evaluate((how) => window.bptaFilm(how), settings)
      .catch((error: Error) => {
        // What the page says, without where in it.
        throw new Error(error.message.split("\n")[0].replace(/^page\.evaluate: (\w*Error: )?/, ""));
      });
  } finally {
    await browser?.close();
    process.off("exit", sweep);
    sweep();
  }
}
