/** @file What can draw a recording. */

import type { Theme } from "./colors.ts";

/** Draws the frames of one recording on a canvas of its own. */
export interface View {
  readonly canvas: HTMLCanvasElement;
  /** By agent: what more there is to say of it than its name; may be empty. */
  readonly details: readonly string[];
  /** In CSS pixels, and device pixels for each of them. */
  resize(width: number, height: number, pixelRatio: number): void;
  setTheme(theme: Theme): void;
  /** Draws frame `frame`; between two whole numbers, what lies between the two. */
  draw(frame: number): void;
  /** Lets the mouse turn what is seen; `onChange` is called when it should be drawn again. */
  attach(onChange: () => void): void;
  /** Looks from where it looked at first. */
  resetCamera(): void;
  dispose(): void;
}
