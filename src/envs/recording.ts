/**
 * @file What an environment shows of an episode: a recording, as JSON-able data, of a kind that a viewer knows.
 *
 * A family that wants to be seen gives its `VectorEnv` a `recorder`. If none of the kinds below fits it, it adds one to
 * the union and a folder of that name to `src/view/page`.
 */

/** One episode's looks, of one of the kinds. All have their first frame at the episode's start, then one per step. */
export type Recording = BodiesRecording | BattleRecording | PitchRecording | PicturesRecording;

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

/** What all units of a type have alike. Lengths are in units of the map, from centre to centre. */
export interface UnitLooks {
  readonly name: string;
  /** When it is full; a shield of 0: it has none. */
  readonly health: number;
  readonly shield: number;
  readonly radius: number;
  /** How far it may attack (or heal), and how far it sees. */
  readonly range: number;
  readonly sight: number;
  readonly flies: boolean;
  readonly heals: boolean;
  /** How far around it hits, dying of it; 0: it does not burst. */
  readonly burst: number;
}

/** Two teams of U units on a square map, y to the north. Units are the allies, who are the agents, then the enemies. */
export interface BattleRecording {
  readonly kind: "battle";
  /** F */
  readonly frames: number;
  readonly secondsPerFrame: number;
  /** Edge of the map. */
  readonly mapSize: number;
  /** Whether a unit that touches the edge dies. */
  readonly deadlyWalls: boolean;
  readonly allies: number;
  readonly unitTypes: readonly UnitLooks[];
  /** By unit: its type, by number. */
  readonly types: readonly number[];
  /** Int16 [F, U, 2] in base64: x, y; 512 are 1 unit of the map. */
  readonly places: string;
  /** Float32 [F, U] in base64: points; a health of 0: it is dead. */
  readonly health: string;
  readonly shield: string;
  /** Float32 [F, U] in base64: seconds until it can attack; 0: it can. */
  readonly cooldown: string;
  /** Int8 [F, U] in base64: the unit that it was after (to attack or heal it) in the step that led here; −1: none. */
  readonly targets: string;
  /** Uint8 [F, U] in base64: 1 where it attacked or healed in that step, rather than only going after its target. */
  readonly acted: string;
  /** Present where allies see and attack within a cone alone. */
  readonly cones?: {
    /** Full angle, radians. */
    readonly angle: number;
    /** Float32 [F, allies] in base64: the middle of each ally's cone, radians from the east counterclockwise. */
    readonly directions: string;
  };
}

/** Places are kept in parts of a unit of the map. */
export const PLACES_PER_UNIT = 512;

/**
 * Football seen from above: where everybody and the ball are. Lengths in m from the middle of the pitch; x towards the
 * opponents' goal, y to the left of who looks there (up on a screen), z up.
 */
export interface PitchRecording {
  readonly kind: "pitch";
  /** F */
  readonly frames: number;
  readonly secondsPerFrame: number;
  /**
   * m. Touchlines at ±halfWidth, goal lines at ±halfLength, goals between ±goalHalfWidth. Google Research Football's
   * x in [−1, 1] and y in [−0.42, 0.42] (south positive there) are ±54.4 and ±35.1; its goals are ±3.7.
   */
  readonly pitch: { readonly halfLength: number; readonly halfWidth: number; readonly goalHalfWidth: number };
  /** Of our team, which attacks towards +x, then of theirs: each player's role, by number; GK is the keeper. */
  readonly roles: readonly [readonly string[], readonly string[]];
  /** Int8 [F, agents] in base64: the number of our player that each agent moves; −1: none. */
  readonly controlled: string;
  /** Int16 [F, 3] in base64, cm. */
  readonly ball: string;
  /** Int16 [F, P, 2] in base64, cm: ours, then theirs; −32768, −32768: sent off. */
  readonly players: string;
  /** Int8 [F, 2] in base64: team (0 ours, 1 theirs, −1 nobody) and number of the player who has the ball. */
  readonly owner: string;
  /** Uint8 [F, 2] in base64: goals, ours and theirs. A frame with a new score shows the places after it. */
  readonly score: string;
  /** Uint8 [F] in base64: 0 play, 1 kick-off, 2 goal kick, 3 free kick, 4 corner, 5 throw-in, 6 penalty. */
  readonly mode: string;
}

/** What an environment draws of itself. */
export interface PicturesRecording {
  readonly kind: "pictures";
  /** F */
  readonly frames: number;
  readonly secondsPerFrame: number;
  /** Pixels of the first picture. */
  readonly width: number;
  readonly height: number;
  /** What the pictures are. */
  readonly mediaType: "image/png" | "image/svg+xml";
  /** By frame, in base64. */
  readonly pictures: readonly string[];
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
export const toBase64 = (array: Float32Array | Int16Array | Int8Array | Uint8Array): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

/** In Node and browsers alike. */
export const fromBase64 = (text: string): ArrayBuffer =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
