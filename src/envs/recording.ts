/**
 * @file What an environment shows of an episode: a recording, as JSON-able data, of a kind that a viewer knows.
 *
 * A family that wants to be seen gives its `VectorEnv` a `recorder`. If none of the kinds below fits it, it adds one to
 * the union and a view of that kind to `src/view/page`.
 */

/** One episode's looks, of one of the kinds. All have their first frame at the episode's start, then one per step. */
export type Recording = BodiesRecording;

/** Watches the copies of an environment. `Frame` is its own affair. */
export interface Recorder<Frame = unknown> {
  /** How long a step takes. */
  readonly secondsPerFrame: number;
  /** How copy `e` looks now; `final`: how the episode looked that its last step ended (by now, the next has begun). */
  capture(e: number, final: boolean): Frame;
  /** One episode, from its frames in order; there is at least one. */
  record(frames: readonly Frame[]): Recording;
  close(): void;
}

export type Shape = "plane" | "sphere" | "capsule" | "ellipsoid" | "cylinder" | "box";

/** Something solid, fixed to a body or to the world. Lengths in m; z is up. */
export interface Solid {
  readonly shape: Shape;
  /** Half sizes, as MuJoCo has them: radius; radius and half length along z (of a capsule, without its caps); x, y, z. */
  readonly size: readonly number[];
  /** In the body's frame. */
  readonly position: readonly number[];
  /** w, x, y, z; in the body's frame. */
  readonly quaternion: readonly number[];
  /** 0 to 1. */
  readonly rgba: readonly number[];
  /** By number; −1: the world. */
  readonly body: number;
  /** Indices of the agents that move the joints which it hangs on; none: it is nobody's. */
  readonly agents: readonly number[];
}

/** An elastic line between the origins of two bodies. */
export interface Line {
  readonly bodies: readonly [number, number];
  /** m */
  readonly width: number;
  readonly rgba: readonly number[];
}

/** Rigid bodies in space: physics. */
export interface BodiesRecording {
  readonly kind: "bodies";
  /** F */
  readonly frames: number;
  readonly secondsPerFrame: number;
  /** By agent, the names of the joints that it moves. */
  readonly joints: readonly (readonly string[])[];
  readonly solids: readonly Solid[];
  readonly lines: readonly Line[];
  readonly poses: PackedPoses;
}

/** Where bodies are and how they are turned. */
export interface Poses {
  /** [F, B, 3], m */
  readonly positions: Float64Array;
  /** [F, B, 4]: w, x, y, z, of length 1 */
  readonly quaternions: Float64Array;
}

/** `Poses` in 14 bytes for a body and 12 for a frame; base64, little-endian. */
export interface PackedPoses {
  /** B */
  readonly bodies: number;
  /** Float32 [F, 3], m: the first body's position. */
  readonly origins: string;
  /** m: one unit of `offsets`. */
  readonly unit: number;
  /** Int16 [F, B, 3]: positions from the frame's origin. */
  readonly offsets: string;
  /** Int16 [F, B, 4], 32767 is 1. */
  readonly quaternions: string;
}

const FULL = 32_767;

/** Positions are off by at most half a unit (the reach of the bodies over 65,534) and the origin's rounding. */
export function packPoses({ positions, quaternions }: Poses, bodies: number): PackedPoses {
  const frames = positions.length / (3 * bodies);
  const origins = new Float32Array(3 * frames);
  const relative = new Float64Array(positions.length);
  let reach = 0;
  for (let i = 0; i < positions.length; i++) {
    const frame = Math.floor(i / (3 * bodies));
    const axis = i % 3;
    origins[3 * frame + axis] = positions[3 * bodies * frame + axis];
    relative[i] = positions[i] - origins[3 * frame + axis];
    reach = Math.max(reach, Math.abs(relative[i]));
  }
  const unit = reach / FULL || 1;
  return {
    bodies,
    origins: toBase64(origins),
    unit,
    offsets: toBase64(Int16Array.from(relative, (x) => Math.round(x / unit))),
    quaternions: toBase64(Int16Array.from(quaternions, (x) => Math.round(x * FULL))),
  };
}

export function unpackPoses({ bodies, origins, unit, offsets, quaternions }: PackedPoses): Poses {
  const from = new Float32Array(fromBase64(origins));
  const positions = Float64Array.from(
    new Int16Array(fromBase64(offsets)),
    (x, i) => from[3 * Math.floor(i / (3 * bodies)) + (i % 3)] + x * unit,
  );
  const turned = Float64Array.from(new Int16Array(fromBase64(quaternions)));
  for (let i = 0; i < turned.length; i += 4) {
    const length = Math.hypot(turned[i], turned[i + 1], turned[i + 2], turned[i + 3]);
    for (let k = i; k < i + 4; k++) turned[k] /= length;
  }
  return { positions, quaternions: turned };
}

/** An array's bytes in base64. All machines that Node and browsers run on are little-endian. */
export const toBase64 = (array: Float32Array | Int16Array | Uint8Array): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

/** In Node and browsers alike. */
export const fromBase64 = (text: string): ArrayBuffer =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
