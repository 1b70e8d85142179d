/**
 * @file Memory that a Python process and this one see: a file in Linux's memory, without a name. Steps go through it.
 *
 * Node can't map a file, but to read or write some bytes of one takes a microsecond, far less than to be woken by a pipe.
 */

import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { HEADER_BYTES, payloadBytes } from "./message.ts";

/** Linux's, for which Node has no name: a file that is in no directory, so that nothing is left of it in the end. */
const O_TMPFILE = constants.O_DIRECTORY | 0o20000000;

/** A line of the processor's cache: what follows a number begins in the next one. */
const LINE_BYTES = 64;

/** Where it is written whether Python sleeps; whether this side does; and whether both are to wait awake, a little. */
const [PYTHON_SLEEPS_AT, SLEEPS_AT, AWAKE_AT] = [0, LINE_BYTES, LINE_BYTES + 4];

/** Of a group: where the number of the step that is asked for, and the count of the moments that it showed, stand. */
export type GroupPlaces = readonly [actions: number, moments: number];

export interface SharedMemory {
  /** For the process. */
  readonly descriptor: number;
  /** Where the groups have their places. */
  place(places: readonly GroupPlaces[]): void;
  /**
   * Asks a group for its step.
   * @param actions of its copies
   * @returns whether Python sleeps, and must be woken
   */
  ask(group: number, actions: Uint8Array): boolean;
  /** Whether a group shows a moment that was not taken. */
  shows(group: number): boolean;
  /** Puts that moment, header first, into `into`, which it fills where all its episodes end, and else so much of it. */
  take(group: number, into: Uint8Array, shortest: number): void;
  /** Says whether this side sleeps, and so must be woken. */
  setSleeping(sleeps: boolean): void;
  /** Says whether Python is to wait for requests awake, a little. */
  setAwake(awake: boolean): void;
  close(): void;
}

/**
 * Undefined where there can be none: a writer writes a number after what it stands for, and the processor must show
 * others the two in that order, as x86 does; and the file must not be on a disk.
 */
export function openMemory(): SharedMemory | undefined {
  if (process.platform !== "linux" || process.arch !== "x64" || process.env.BPTA_SHARED_MEMORY === "0")
    return undefined;
  let descriptor: number;
  try {
    descriptor = openSync("/dev/shm", O_TMPFILE | constants.O_RDWR, 0o600);
  } catch {
    return undefined;
  }
  let places: readonly GroupPlaces[] = [];
  /** How many steps were asked for, and by group how many moments were taken; modulo 2³². */
  const asked = new Uint32Array(1);
  let taken = new Uint32Array(0);
  const number = new Uint32Array(1);
  const get = (at: number): number => {
    readSync(descriptor, number, 0, 4, at);
    return number[0];
  };
  const set = (at: number, value: boolean): void => {
    number[0] = value ? 1 : 0;
    writeSync(descriptor, number, 0, 4, at);
  };
  return {
    descriptor,
    place(at) {
      places = at;
      taken = new Uint32Array(at.length);
    },
    ask(group, actions) {
      const [at] = places[group];
      writeSync(descriptor, actions, 0, actions.length, at + LINE_BYTES);
      asked[0] += 1;
      writeSync(descriptor, asked, 0, 4, at);
      return get(PYTHON_SLEEPS_AT) === 1;
    },
    shows: (group) => get(places[group][1]) !== taken[group],
    take(group, into, shortest) {
      const from = places[group][1] + LINE_BYTES;
      readSync(descriptor, into, 0, shortest, from);
      const end = HEADER_BYTES + payloadBytes(into);
      if (end > shortest) readSync(descriptor, into, shortest, end - shortest, from + shortest);
      taken[group] += 1;
    },
    setSleeping: (sleeps) => set(SLEEPS_AT, sleeps),
    setAwake: (awake) => set(AWAKE_AT, awake),
    close: () => closeSync(descriptor),
  };
}
