/** @file What the page offers to scripts: to those that film it, test it, or embed it. */

import type { Film, FilmSettings } from "./data.ts";

export interface PageApi {
  /** Of the episode that is shown: frames, and seconds between two. */
  readonly frames: number;
  readonly secondsPerFrame: number;
  readonly episodes: number;
  /** Where it is: a frame, perhaps between two. */
  readonly frame: number;
  readonly playing: boolean;
  play(): void;
  pause(): void;
  /** Shows frame `frame`, which may lie between two. */
  seek(frame: number): void;
  /** Shows another episode, from its beginning. */
  choose(episode: number): void;
  /** Takes the page over, to draw pictures of a fixed size one by one. */
  still(settings: { readonly width: number; readonly height: number; readonly dark: boolean }): Still;
}

export interface Still {
  /** What `draw` draws on. */
  readonly canvas: HTMLCanvasElement;
  /** Is done when the chosen episode's frame can be drawn. */
  load(frame: number): Promise<void>;
  /** Draws the chosen episode's frame with all that is written over it. */
  draw(frame: number): void;
}

/** Films all episodes of the page, or takes one picture; of the script `film`. */
type FilmPage = (settings: FilmSettings) => Promise<Film>;

declare global {
  interface Window {
    bpta: PageApi;
    bptaFilm: FilmPage;
    /** Is told of pictures taken, where somebody wants to know. */
    bptaProgress?: (taken: number, of: number) => Promise<void>;
  }
}
