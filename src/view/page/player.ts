/** @file What pages of all kinds have alike: they play recorded episodes, which can be paused, scrubbed and turned. */

import { fromBase64, type Recording } from "../../envs/recording.ts";
import type { Outcome } from "../../evaluation/episodes.ts";
import type { PageApi, Still } from "../api.ts";
import type { EpisodeData, PageData } from "../data.ts";
import { day, night, type Theme } from "./colors.ts";
import { drawOverlay, type OverlayState } from "./overlay.ts";
import type { EpisodeNotes, View } from "./view.ts";

/** Makes what draws a recording of one kind. */
export type CreateView<Kind extends Recording["kind"]> = (
  recording: Recording & { readonly kind: Kind },
  notes: EpisodeNotes,
) => View;

const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const data = JSON.parse(element("data").textContent!) as PageData;
const withDigits = (digits: number) =>
  new Intl.NumberFormat("en", {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
    signDisplay: "negative",
  });
const [whole, number, fine] = [0, 1, 2].map(withDigits);

/** An episode that can be drawn. */
interface Scene {
  readonly recording: Recording;
  readonly view: View;
  overlay(frame: number, progress?: number): OverlayState;
}

const bytesOf = (base64: string | undefined): Uint8Array | undefined =>
  base64 === undefined ? undefined : new Uint8Array(fromBase64(base64));

const endings: Readonly<Record<Outcome, string>> = { won: "Victory", lost: "Defeat", "cut off": "Time is up" };

function openScene(episode: EpisodeData, index: number, createView: CreateView<Recording["kind"]>): Scene {
  const { recording, rewards, stepsBefore, returnBefore, outcome } = episode;
  const { frames, secondsPerFrame } = recording;
  const n = data.agents.length;
  const returns = new Float64Array(frames).fill(returnBefore);
  new Float32Array(fromBase64(rewards)).forEach((reward, i) => {
    returns[i + 1] = returns[i] + reward;
  });
  const largest = returns.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const returnFormat = largest < 10 ? fine : largest < 1000 ? number : whole;
  const active = bytesOf(episode.activity);
  const [choices, probabilities] = [bytesOf(episode.choices), bytesOf(episode.probabilities)];
  /** The step that agents take from a frame on; at the end, the one that they took last; below 0: there is none. */
  const stepAt = (frame: number): number => Math.min(Math.floor(frame), frames - 2);
  const view = createView(recording, {
    agents: data.agents,
    action(agent, frame) {
      const step = stepAt(frame);
      if (!choices || step < 0) return undefined;
      const at = step * n + agent;
      const label = data.choiceLabels?.[agent]?.[choices[at]] ?? `choice ${choices[at]}`;
      return probabilities ? `${label} · ${Math.round((100 * probabilities[at]) / 255)} %` : label;
    },
  });
  const acts = data.drawn ? "drawn actions" : "greedy";
  const subtitle = [
    data.algorithm.toUpperCase(),
    `seed ${data.seed}`,
    `${whole.format(data.steps)} steps`,
    acts,
    ...(data.episodes.length > 1 ? [`episode ${index + 1} of ${data.episodes.length}`] : []),
  ].join("  ·  ");
  return {
    recording,
    view,
    overlay(frame, progress) {
      const step = Math.min(Math.floor(frame), frames - 1);
      const acting = stepAt(frame);
      const total = returns[step];
      return {
        title: data.env,
        subtitle,
        numbers: [
          { value: returnFormat.format(total), name: "return" },
          ...(view.tally ? [view.tally(frame)] : []),
          { value: `${number.format((stepsBefore + frame) * secondsPerFrame)} s`, name: "time" },
          { value: whole.format(stepsBefore + step), name: "step" },
        ],
        legend: data.agents.map((name, i) => ({
          name: name.replace(/_/g, " "),
          detail: view.detail(i, frame),
          color: view.colors[i],
        })),
        levels:
          view.levels?.(frame) ??
          (active && acting >= 0
            ? Float32Array.from(active.subarray(acting * n, (acting + 1) * n), (x) => x / 255)
            : undefined),
        banner: outcome && frame >= frames - 1 ? endings[outcome] : undefined,
        ...(progress !== undefined && { progress }),
      };
    },
  };
}

/** Frames that a page key goes. */
const LEAP = 10;

/** Seconds for which the end of an episode is shown. */
const PAUSE = 1;

const darkness = matchMedia("(prefers-color-scheme: dark)");
const stage = element("stage");
const overlay = element<HTMLCanvasElement>("overlay");
const [playButton, scrub, clock] = [element("play"), element<HTMLInputElement>("scrub"), element("clock")];
const [speed, chooser] = [element<HTMLSelectElement>("speed"), element<HTMLSelectElement>("episode")];

let makeView: CreateView<Recording["kind"]>;
let scene: Scene;
let frame = 0;
let playing = false;
let taken = false;
let theme: Theme = day;
/** When the frame before was shown, ms; undefined: playing has just begun. */
let before: number | undefined;
let asked = false;

/** The frame to be seen: while playing, `frame` runs on past the end for a while. */
const current = (): number => Math.min(frame, scene.recording.frames - 1);

function draw(): void {
  const { clientWidth: width, clientHeight: height } = stage;
  const ratio = Math.min(devicePixelRatio, 2);
  const shown = current();
  scene.view.draw(shown);
  const context = overlay.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const over = scene.overlay(shown);
  drawOverlay(context, width, height, theme, over);
  const { frames, secondsPerFrame } = scene.recording;
  scrub.value = String(shown);
  scrub.style.setProperty("--done", `${(100 * shown) / Math.max(frames - 1, 1)}%`);
  clock.textContent = `${number.format(shown * secondsPerFrame)} / ${number.format((frames - 1) * secondsPerFrame)} s`;
  const [total] = over.numbers;
  scrub.setAttribute("aria-valuetext", `step ${Math.floor(shown)} of ${frames - 1}, ${total.name} ${total.value}`);
}

/** Has the picture drawn at the screen's next turn, once. */
function ask(): void {
  if (asked || taken) return;
  asked = true;
  requestAnimationFrame((now) => {
    asked = false;
    if (taken) return;
    if (playing) {
      const { frames, secondsPerFrame } = scene.recording;
      if (before !== undefined) frame += ((now - before) / 1000 / secondsPerFrame) * Number(speed.value);
      before = now;
      // At the end it waits a moment and begins anew.
      if (frame > frames - 1 + PAUSE / secondsPerFrame) frame = 0;
    }
    draw();
    if (playing) ask();
  });
}

function setPlaying(on: boolean): void {
  playing = on;
  before = undefined;
  playButton.classList.toggle("playing", on);
  playButton.setAttribute("aria-label", on ? "Pause" : "Play");
  frame = on && current() === scene.recording.frames - 1 ? 0 : current();
  ask();
}

function seek(to: number): void {
  frame = Math.min(Math.max(to, 0), scene.recording.frames - 1);
  ask();
}

function resize(): void {
  if (taken) return;
  const { clientWidth: width, clientHeight: height } = stage;
  const ratio = Math.min(devicePixelRatio, 2);
  scene.view.resize(width, height, ratio);
  [overlay.width, overlay.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  ask();
}

function choose(index: number): void {
  if (scene) {
    scene.view.canvas.remove();
    scene.view.dispose();
  }
  scene = openScene(data.episodes[index], index, makeView);
  scene.view.setTheme(theme);
  stage.prepend(scene.view.canvas);
  scene.view.attach(ask);
  scrub.max = String(scene.recording.frames - 1);
  chooser.value = String(index);
  frame = 0;
  resize();
}

function setTheme(dark: boolean): void {
  theme = dark ? night : day;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  scene?.view.setTheme(theme);
  if (scene) ask();
}

function still({ width, height, dark }: Parameters<PageApi["still"]>[0]): Still {
  taken = true;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  setTheme(dark);
  return {
    canvas,
    load: async (at) => scene.view.load?.(at),
    draw(at) {
      const { view, recording, overlay: over } = scene;
      // A size that is set, even to what it was, costs a new picture's memory.
      if (view.canvas.width !== width || view.canvas.height !== height) view.resize(width, height, 1);
      view.draw(at);
      context.drawImage(view.canvas, 0, 0);
      drawOverlay(context, width, height, theme, over(at, at / Math.max(recording.frames - 1, 1)));
    },
  };
}

/** Starts a page whose episodes are all of one kind. */
export function startPlayer<Kind extends Recording["kind"]>(kind: Kind, createView: CreateView<Kind>): void {
  makeView = (recording, notes) => {
    if (recording.kind !== kind) throw new Error(`a ${recording.kind} recording on a page for ${kind}`);
    return createView(recording as Recording & { readonly kind: Kind }, notes);
  };
  try {
    setTheme(darkness.matches);
    choose(0);
    darkness.addEventListener("change", ({ matches }) => setTheme(matches));
    new ResizeObserver(resize).observe(stage);
    if (data.episodes.length > 1) {
      chooser.hidden = false;
      data.episodes.forEach((_, i) => {
        chooser.add(new Option(`Episode ${i + 1}`, String(i)));
      });
      chooser.addEventListener("change", () => {
        choose(Number(chooser.value));
        setPlaying(playing);
      });
    }
    playButton.addEventListener("click", () => setPlaying(!playing));
    scrub.addEventListener("input", () => {
      before = undefined;
      seek(Number(scrub.value));
    });
    element("reset").addEventListener("click", () => {
      scene.view.resetCamera();
      ask();
    });
    addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLSelectElement || event.metaKey || event.ctrlKey || event.altKey) return;
      // A button that has the focus is pressed.
      if (event.key === " " && event.target instanceof HTMLButtonElement) return;
      const [back, on] = [() => seek(Math.ceil(current()) - 1), () => seek(Math.floor(current()) + 1)];
      const actions: Readonly<Record<string, () => void>> = {
        " ": () => setPlaying(!playing),
        ArrowLeft: back,
        ArrowDown: back,
        ArrowRight: on,
        ArrowUp: on,
        PageDown: () => seek(Math.ceil(current()) - LEAP),
        PageUp: () => seek(Math.floor(current()) + LEAP),
        Home: () => seek(0),
        End: () => seek(scene.recording.frames - 1),
      };
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
    window.bpta = {
      get frames() {
        return scene.recording.frames;
      },
      get secondsPerFrame() {
        return scene.recording.secondsPerFrame;
      },
      episodes: data.episodes.length,
      get frame() {
        return current();
      },
      get playing() {
        return playing;
      },
      play: () => setPlaying(true),
      pause: () => setPlaying(false),
      seek,
      choose,
      still,
    };
    // Whoever asked for less motion starts it themselves.
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) setPlaying(true);
  } catch (error) {
    element("failure").hidden = false;
    element("reason").textContent = (error as Error).message;
  }
}
