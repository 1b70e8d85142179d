/**
 * @file Checkpoints: everything that decides how a run goes on, in one file that proves it is whole.
 *
 * Layout: `BPTACKPT` · SHA-256 of all that follows (32 bytes) · length of the header (uint32, little-endian) · header
 * (JSON) · padding to 8 bytes · the arrays one after the other, each padded to 8 bytes. Typed arrays anywhere in the
 * content go to the end as they are; the numbers that JSON can't hold (−0, NaN, ±∞) are marked, so that what comes
 * back is what went in, bit for bit.
 */

import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { readOptional } from "../evaluation/records.ts";
import { writeFileAtomically } from "./files.ts";

const MAGIC = Buffer.from("BPTACKPT");
const HASH_BYTES = 32;
const BODY_START = MAGIC.length + HASH_BYTES;
const ALIGNMENT = 8;
const FORMAT = 1;

const arrayKinds = { Float32Array, Float64Array, Int32Array, Uint32Array, Uint8Array } as const;
type ArrayKind = keyof typeof arrayKinds;
type TypedArray = InstanceType<(typeof arrayKinds)[ArrayKind]>;

interface Header {
  readonly format: number;
  readonly content: unknown;
  readonly arrays: readonly { readonly kind: ArrayKind; readonly length: number }[];
}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** The bytes of a checkpoint with this content: JSON-able data with typed arrays in it. */
export function encodeCheckpoint(content: unknown): readonly Uint8Array[] {
  const arrays: TypedArray[] = [];
  const replace = (_key: string, value: unknown): unknown => {
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
      return { $number: Object.is(value, -0) ? "-0" : String(value) };
    }
    if (typeof value === "bigint") return { $bigint: String(value) };
    if (!ArrayBuffer.isView(value)) return value;
    if (!((value.constructor as { name: string }).name in arrayKinds)) {
      throw new TypeError(`a checkpoint can't hold a ${(value.constructor as { name: string }).name}`);
    }
    return { $array: arrays.push(value as TypedArray) - 1 };
  };
  const contentJson = JSON.stringify(content, replace);
  const arraysJson = JSON.stringify(arrays.map((array) => ({ kind: array.constructor.name, length: array.length })));
  const json = Buffer.from(`{"format":${FORMAT},"content":${contentJson},"arrays":${arraysJson}}`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const chunks: Uint8Array[] = [
    length,
    json,
    Buffer.alloc(padded(BODY_START + 4 + json.length) - BODY_START - 4 - json.length),
  ];
  for (const array of arrays) {
    chunks.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    chunks.push(Buffer.alloc(padded(array.byteLength) - array.byteLength));
  }
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return [MAGIC, hash.digest(), ...chunks];
}

/**
 * What `encodeCheckpoint` was given.
 * @throws Error that says in what way the bytes are not a whole checkpoint
 */
export function decodeCheckpoint(bytes: Uint8Array): unknown {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < BODY_START + 4 || !file.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error("not a checkpoint, or cut off in its first bytes");
  }
  const hash = createHash("sha256").update(file.subarray(BODY_START)).digest();
  if (!hash.equals(file.subarray(MAGIC.length, BODY_START))) throw new Error("its checksum does not match");
  const jsonStart = BODY_START + 4;
  const jsonEnd = jsonStart + file.readUInt32LE(BODY_START);
  const header = JSON.parse(file.toString("utf8", jsonStart, jsonEnd)) as Header;
  if (header.format !== FORMAT) throw new Error(`its format is ${header.format}; this version reads ${FORMAT}`);
  let offset = padded(jsonEnd);
  const arrays = header.arrays.map(({ kind, length }) => {
    const array = new arrayKinds[kind](length);
    new Uint8Array(array.buffer).set(file.subarray(offset, offset + array.byteLength));
    offset += padded(array.byteLength);
    return array;
  });
  const revive = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(revive);
    const entries = Object.entries(value);
    if (entries.length === 1) {
      const [key, inner] = entries[0];
      if (key === "$number") return Number(inner);
      if (key === "$bigint") return BigInt(inner as string);
      if (key === "$array") return arrays[inner as number];
    }
    return Object.fromEntries(entries.map(([key, inner]) => [key, revive(inner)]));
  };
  return revive(header.content);
}

const NAME = /^step-(\d{12})\.ckpt$/;

/** The path of the checkpoint of a step. */
export const checkpointPath = (directory: string, step: number): string =>
  join(directory, `step-${String(step).padStart(12, "0")}.ckpt`);

/** Writes a checkpoint. */
export const writeCheckpoint = (path: string, content: unknown): Promise<void> =>
  writeFileAtomically(path, encodeCheckpoint(content));

/** Reads a checkpoint; undefined if there is none. */
export async function readCheckpoint(path: string): Promise<unknown> {
  const bytes = await readOptional(path);
  return bytes && decodeCheckpoint(bytes);
}

/** Writes the checkpoint of this step and lets go of all but the last `keep`. Returns its path. */
export async function saveCheckpoint(directory: string, step: number, content: unknown, keep: number): Promise<string> {
  const path = checkpointPath(directory, step);
  await writeCheckpoint(path, content);
  const stale = (await checkpointsIn(directory)).slice(keep);
  for (const old of stale) await rm(old, { force: true });
  return path;
}

/** The paths of the checkpoints in `directory`, the newest first. */
export async function checkpointsIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .reverse()
    .map((name) => join(directory, name));
}

/**
 * The content of the newest checkpoint that is whole and that `accept` takes.
 * @param accept throws to say why a checkpoint can't be used
 * @param onDamaged is told of each newer one that can't be used, and why
 * @returns undefined where there is none
 */
export async function loadNewestCheckpoint<T>(
  directory: string,
  accept: (content: unknown) => T,
  onDamaged: (path: string, reason: string) => void,
): Promise<{ readonly path: string; readonly content: T } | undefined> {
  for (const path of await checkpointsIn(directory)) {
    try {
      return { path, content: accept(decodeCheckpoint(await readFile(path))) };
    } catch (error) {
      onDamaged(path, (error as Error).message);
    }
  }
  return undefined;
}
