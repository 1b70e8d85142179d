/** @file Episodes of a run's policy to look at: as a page, a film or a picture. */

import { extname } from "node:path";
import type { Numbers } from "../envs/infos.ts";
import { type Recorder, toBase64 } from "../envs/recording.ts";
import type { Space } from "../envs/spaces.ts";
import { argmax } from "../envs/vectorize.ts";
import { InputError } from "../errors.ts";
import type { EpisodeMoment, Outcome } from "../evaluation/episodes.ts";
import { titleOfId } from "../ids.ts";
import { loadPolicy } from "../policy/export.ts";
import { BROWSER_VARIABLE, filmPage, findBrowser } from "../view/browser.ts";
import type { EpisodeData, FilmSettings, PageData } from "../view/data.ts";
import { renderPage } from "../view/page.ts";
import type { RunConfig } from "./config.ts";
import { modelOf, type TrainedModel, type WhichPolicy } from "./evaluate.ts";
import { openEvaluator } from "./evaluator.ts";
import { requireWritable, writeFileAtomically } from "./files.ts";
import { readRun } from "./run.ts";
import { runStream } from "./streams.ts";

/** What is shown, and how. */
export interface RenderOptions {
  /** How many of the evaluation's episodes, from its first; default: 1. */
  readonly episodes?: number | undefined;
  /** What episodes follow from; default: the run's seed, which gives those of `bpta eval`. */
  readonly seed?: number | undefined;
  /** Default: the one that the run ended with. */
  readonly policy?: WhichPolicy | undefined;
  /** Draw actions as in training; default: they are greedy. */
  readonly drawn?: boolean | undefined;
  /** The step to begin with; default: 0; of a png: the one to show, by default the middle. */
  readonly from?: number | undefined;
  /** How many steps of each episode; default: all, of a gif 10 seconds. */
  readonly steps?: number | undefined;
  /** Frames per second of a film; default: 30, of a gif 20. */
  readonly fps?: number | undefined;
  /** Pixels of a film or picture; default: 1280 × 720, of a gif 480 × 270. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** A film or picture by night; a page follows the reader's settings. */
  readonly dark?: boolean | undefined;
  /** Is told how many of a film's frames there are. */
  readonly onProgress?: ((taken: number, of: number) => void) | undefined;
}

/** What came of it. */
export interface Rendered {
  /** By episode, its whole return: what `bpta eval` finds. */
  readonly returns: readonly number[];
  /** What was counted of what should not happen in all episodes of the evaluation (`divergences`). */
  readonly counters: Numbers;
  /** Of a film or picture: how many frames it has. */
  readonly frames?: number;
  /** Of an mp4: `avc` (H.264), or what the browser has in its place. */
  readonly codec?: string;
}

/** What a file can be, by its ending. */
export const renderEndings = [".html", ".mp4", ".gif", ".png"] as const;

const GIF_SECONDS = 10;

/**
 * Shows episodes of a run's policy, those that `evaluateRun` judges it by.
 *
 * @param path the run directory
 * @param out a file that ends in one of `renderEndings`; films and pictures need an installed Chrome, Chromium or Edge
 * @throws InputError if the run has no policy, its environment nothing to see, the machine no browser, or an option is
 *   out of range
 */
export async function render(path: string, out: string, options: RenderOptions = {}): Promise<Rendered> {
  const ending = renderEndings.find((known) => known === extname(out).toLowerCase());
  if (!ending) throw new InputError(`--out ${out}: it must end in ${renderEndings.join(" or ")}`);
  refuseOptions(options, ending);
  const film = ending === ".html" ? undefined : filmSettings(ending, options);
  const browser = film && requireBrowser();
  const { config } = await readRun(path);
  await requireWritable(out).catch((error: Error) => {
    throw new InputError(`--out ${out}: it can't be written: ${error.message}`, { cause: error });
  });
  const { data, ...played } = await playEpisodes(
    await modelOf(path, config, options.policy),
    config,
    options,
    film?.kind,
  );
  const html = await renderPage(data);
  if (!film || !browser) {
    await writeFileAtomically(out, html);
    return played;
  }
  const frame = options.from ?? Math.floor(data.episodes[0].recording.frames / 2);
  const { bytes, ...made } = await filmPage(html, browser, { ...film, frame }, options.onProgress);
  await writeFileAtomically(out, [Buffer.from(bytes, "base64")]);
  return { ...played, ...made };
}

/** The least that each number may be, and the files that it means something for; absent: all. */
const numbers: Readonly<Record<string, { readonly least: number; readonly endings?: readonly string[] }>> = {
  episodes: { least: 1, endings: [".html", ".mp4", ".gif"] },
  seed: { least: 0 },
  from: { least: 0 },
  steps: { least: 1, endings: [".html", ".mp4", ".gif"] },
  fps: { least: 1, endings: [".mp4", ".gif"] },
  width: { least: 1, endings: [".mp4", ".gif", ".png"] },
  height: { least: 1, endings: [".mp4", ".gif", ".png"] },
};

/** @throws InputError, one line, of an option that is out of range, or that this kind of file has no use for */
function refuseOptions(options: RenderOptions, ending: string): void {
  const refuse = (name: string, value: unknown, endings: readonly string[]): never => {
    throw new InputError(
      `--${name}${value === true ? "" : ` ${value}`} is for ${endings.join(", ")}, not for ${ending}`,
    );
  };
  for (const [name, { least, endings }] of Object.entries(numbers)) {
    const value = options[name as "episodes"];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < least)
      throw new InputError(`--${name} ${value}: it must be a whole number ≥ ${least}`);
    if (endings && !endings.includes(ending)) refuse(name, value, endings);
  }
  if (options.dark && ending === ".html") refuse("dark", true, [".mp4", ".gif", ".png"]);
}

function filmSettings(ending: ".mp4" | ".gif" | ".png", options: RenderOptions): Omit<FilmSettings, "frame"> {
  const kind = ending.slice(1) as FilmSettings["kind"];
  const [fps, width, height] = kind === "gif" ? [20, 480, 270] : [30, 1280, 720];
  const settings = {
    kind,
    framesPerSecond: options.fps ?? fps,
    width: options.width ?? width,
    height: options.height ?? height,
    dark: options.dark ?? false,
  };
  for (const side of ["width", "height"] as const) {
    if (kind === "mp4" && settings[side] % 2 !== 0)
      throw new InputError(`--${side} ${settings[side]}: the sides of an .mp4 must be even`);
  }
  // Viewers take what is shorter than two hundredths of a second for a mistake, and show it slowly.
  if (kind === "gif" && settings.framesPerSecond > 50)
    throw new InputError(`--fps ${settings.framesPerSecond}: a .gif can't have more than 50`);
  return settings;
}

function requireBrowser(): string {
  let found: string | undefined;
  try {
    found = findBrowser();
  } catch (error) {
    throw new InputError((error as Error).message, { cause: error });
  }
  if (found) return found;
  throw new InputError(
    `films and pictures need a browser, and there is no Chrome, Chromium or Edge where they usually are: install one (apt-get install chromium), set ${BROWSER_VARIABLE} to its path, or use --out FILE.html`,
  );
}

/** What is taken down of an episode. */
interface EpisodeNotes {
  /** F frames, the recorder's own. */
  readonly frames: unknown[];
  /** F − 1 */
  readonly rewards: number[];
  /** F − 1, by agent: 0 to 255. */
  readonly activity: Uint8Array[];
  readonly choices: Uint8Array[];
  readonly probabilities: Uint8Array[];
  outcome?: Outcome | undefined;
}

/** Plays the evaluation's episodes, and takes down the first `options.episodes`. */
async function playEpisodes(
  { onnx, steps }: TrainedModel,
  config: RunConfig,
  { episodes = 1, seed = config.seed, drawn = false, from = 0, steps: length }: RenderOptions,
  kind: FilmSettings["kind"] | undefined,
): Promise<Pick<Rendered, "returns" | "counters"> & { readonly data: PageData }> {
  const evaluator = await openEvaluator(
    { ...config, seed },
    { episodes: Math.max(episodes, config.evaluation.episodes) },
  );
  const { env } = evaluator;
  try {
    const recorder = await env.recorder?.();
    if (!recorder) throw new InputError(`${config.env.id} has nothing to show: it can't be rendered`);
    const policy = await loadPolicy(onnx, env.numEnvs);
    try {
      const { agents, actionSpaces } = env.team;
      const limits = actionSpaces.map(limitsOf);
      const measured = limits.every((limit) => limit !== undefined);
      const choiceLabels = labelsOf(actionSpaces);
      const notes = Array.from(
        { length: episodes },
        (): EpisodeNotes => ({ frames: [], rewards: [], activity: [], choices: [], probabilities: [] }),
      );
      const takeDown = (moment: EpisodeMoment): void => {
        const { episode, copy, step, reward, actions, logProbs, ended, over } = moment;
        if (episode >= episodes) return;
        const { frames, rewards, activity, choices, probabilities } = notes[episode];
        frames.push(recorder.capture(copy, over));
        if (step === 0) return;
        rewards.push(reward);
        if (measured) activity.push(Uint8Array.from(limits, (limit, i) => 255 * effort(actions[i], copy, limit!)));
        if (choiceLabels) {
          choices.push(Uint8Array.from(choiceLabels, ({ length }, i) => argmax(actions[i], copy * length, length)));
          probabilities.push(Uint8Array.from(logProbs, (own) => Math.round(255 * Math.exp(own[copy]))));
        }
        if (ended && env.team.hasWins) notes[episode].outcome = moment.outcome;
      };
      const random = drawn ? runStream(seed, "evaluation").split(1) : undefined;
      const { returns, counters = {} } = await evaluator.evaluate(policy, { random, onMoment: takeDown });
      const longest = kind === "gif" ? Math.ceil(GIF_SECONDS / recorder.secondsPerFrame) : undefined;
      // A picture is one of the whole episode's.
      const [start, count] = kind === "png" ? [0, undefined] : [from, length ?? longest];
      const shortest = Math.min(...notes.map(({ rewards }) => rewards.length));
      if (from > shortest) throw new InputError(`--from ${from}: an episode ends after ${shortest} steps`);
      return {
        returns: returns.slice(0, episodes),
        counters,
        data: {
          env: titleOfId(config.env.id),
          algorithm: titleOfId(config.algorithm.name),
          seed: config.seed,
          steps,
          drawn,
          agents,
          choiceLabels,
          episodes: notes.map((episode) => cutEpisode(recorder, episode, start, count)),
        },
      };
    } finally {
      recorder.close();
      await policy.release();
    }
  } finally {
    await evaluator.close();
  }
}

/** `length` steps of an episode from step `from` on, or as many as there are. */
function cutEpisode(
  recorder: Recorder,
  { frames, rewards, activity, choices, probabilities, outcome }: EpisodeNotes,
  from: number,
  length = rewards.length,
): EpisodeData {
  const end = Math.min(from + length, rewards.length);
  /** Nothing, where nothing was taken down. */
  const cut = (notes: readonly Uint8Array[]): string | undefined =>
    notes.length > 0 ? toBase64(Buffer.concat(notes.slice(from, end))) : undefined;
  return {
    recording: recorder.record(frames.slice(from, end + 1)),
    stepsBefore: from,
    returnBefore: rewards.slice(0, from).reduce((sum, reward) => sum + reward, 0),
    rewards: toBase64(Float32Array.from(rewards.slice(from, end))),
    activity: cut(activity),
    choices: cut(choices),
    probabilities: cut(probabilities),
    outcome: end === rewards.length ? outcome : undefined,
  };
}

/** By agent, what its choices mean; undefined where an agent's actions are no choices, or too many for a byte. */
function labelsOf(spaces: readonly Space[]): readonly (readonly string[])[] | undefined {
  const labels = spaces.flatMap((space) =>
    space.kind === "discrete" && space.n <= 256
      ? [space.labels ?? Array.from({ length: space.n }, (_, k) => `choice ${k}`)]
      : [],
  );
  return labels.length === spaces.length ? labels : undefined;
}

/** The largest action of each element; undefined for choices, and where there is no largest. */
function limitsOf(space: Space): Float32Array | undefined {
  if (space.kind === "discrete") return undefined;
  const limits = space.high.map((high, k) => Math.max(Math.abs(high), Math.abs(space.low[k])));
  return limits.every((limit) => limit > 0 && Number.isFinite(limit)) ? limits : undefined;
}

/** How much of its range an action of copy e takes: mean of |a| / limit over its elements, 0 to 1. */
function effort(actions: Float32Array, e: number, limits: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < limits.length; k++) sum += Math.min(Math.abs(actions[e * limits.length + k]) / limits[k], 1);
  return sum / limits.length;
}
