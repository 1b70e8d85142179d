/** @file What can draw a recording. */

import type { Theme } from "./colors.ts";

/** What is known of an episode beside its recording. */
export interface EpisodeNotes {
  readonly agents: readonly string[];
  /** What an agent does from frame `frame` on (at the end: did last), for people; undefined where it is no choice. */
  action(agent: number, frame: number): string | undefined;
}

/** Draws the frames of one recording on a canvas of its own. */
export interface View {
  readonly canvas: HTMLCanvasElement;
  /** By agent. */
  readonly colors: readonly string[];
  /** What more there is to say of an agent than its name, at a frame; may be empty. */
  detail(agent: number, frame: number): string;
  /** By agent, 0 to 1: what the bars of a frame show; absent: how much of its range each action takes. */
  levels?(frame: number): ArrayLike<number>;
  /** A number of its own to show beside the return. */
  tally?(frame: number): { readonly value: string; readonly name: string };
  /** In CSS pixels, and device pixels for each of them. */
  resize(width: number, height: number, pixelRatio: number): void;
  setTheme(theme: Theme): void;
  /** Is done when what `draw` needs for a frame is there; absent: it always is. Till then, it draws what it has. */
  load?(frame: number): Promise<void>;
  /** Draws frame `frame`; between two whole numbers, what lies between the two. */
  draw(frame: number): void;
  /** Lets the mouse move what is seen; `onChange` is called when there is something new to draw. */
  attach(onChange: () => void): void;
  /** Looks from where it looked at first. */
  resetCamera(): void;
  dispose(): void;
}
