/** @file Recordings of battles: where units stand, how they fare, and whom they attack at each step. */

import { type BattleRecording, PLACES_PER_UNIT, type Recorder, toBase64 } from "../recording.ts";
import type { BattleLooks } from "./battles.ts";

/** A battle's units at a moment. */
interface Frame {
  readonly types: Uint8Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly health: Float32Array;
  readonly shield: Float32Array;
  readonly cooldown: Float32Array;
  readonly target: Int8Array;
  readonly engaged: Uint8Array;
  /** By ally. */
  readonly facing: Uint8Array;
}

export interface BattleRecorder extends Recorder<Frame> {
  /** To be called when battle e has ended, before its next episode begins. */
  keep(e: number): void;
}

/** Watches battles. */
export function createBattleRecorder(looks: BattleLooks): BattleRecorder {
  const { allies, units, unitTypes, secondsPerStep, cones } = looks;
  /** By battle: how its last episode ended. */
  const ends = new Map<number, Frame>();

  function see(e: number): Frame {
    const first = e * units;
    const own = <A extends Float32Array | Uint8Array>(array: A): A => array.slice(first, first + units) as A;
    return {
      types: own(looks.type),
      x: own(looks.x),
      y: own(looks.y),
      health: own(looks.health).map((points) => Math.max(points, 0)),
      shield: looks.shield ? own(looks.shield) : new Float32Array(units),
      cooldown: own(looks.cooldown),
      target: Int8Array.from({ length: units }, (_, k) => looks.target(first, k)),
      engaged: Uint8Array.from({ length: units }, (_, k) => (looks.engaged(first + k) ? 1 : 0)),
      facing: cones ? cones.facing.slice(first, first + allies) : new Uint8Array(0),
    };
  }

  /** Who attacked or healed in the step between two frames. A healer that is after somebody in range heals them. */
  function actedIn(before: Frame, after: Frame, k: number): boolean {
    const { heals, range, burst } = unitTypes[after.types[k]];
    if (before.health[k] <= 0) return false;
    if (!heals) {
      // What bursts is done with cooldowns: it has died, in reach of its target.
      if (burst > 0) return after.health[k] <= 0 && after.target[k] >= 0 && after.engaged[k] === 1;
      return looks.attacked(before.cooldown[k], after.cooldown[k]);
    }
    const patient = after.target[k];
    if (after.engaged[k] === 0 || patient < 0) return false;
    const distance = Math.hypot(after.x[patient] - after.x[k], after.y[patient] - after.y[k]);
    const reach = range + unitTypes[after.types[k]].radius + unitTypes[after.types[patient]].radius;
    const hurt = before.health[patient] < unitTypes[after.types[patient]].health;
    return hurt && before.health[patient] > 0 && distance <= reach;
  }

  return {
    secondsPerFrame: secondsPerStep,
    keep(e) {
      ends.set(e, see(e));
    },
    capture: (e, final) => (final ? ends.get(e)! : see(e)),
    record(frames): BattleRecording {
      const numbers = (part: (frame: Frame) => Float32Array): string =>
        toBase64(Float32Array.from(frames.flatMap((frame) => Array.from(part(frame)))));
      const acted = frames.map((frame, f) =>
        Uint8Array.from({ length: units }, (_, k) => (f > 0 && actedIn(frames[f - 1], frame, k) ? 1 : 0)),
      );
      const places = frames.flatMap(({ x, y }) =>
        Array.from(x).flatMap((at, k) => [Math.round(at * PLACES_PER_UNIT), Math.round(y[k] * PLACES_PER_UNIT)]),
      );
      // Who has killed its target is after nobody any more, but was.
      const targets = frames.flatMap(({ target, engaged, types }, f) =>
        Array.from(target, (other, k) => {
          const aims = f > 0 && frames[f - 1].health[k] > 0 && (engaged[k] === 1 || acted[f][k] === 1);
          return aims && other >= 0 && other < types.length ? other : -1;
        }),
      );
      return {
        kind: "battle",
        frames: frames.length,
        secondsPerFrame: secondsPerStep,
        mapSize: looks.mapSize,
        deadlyWalls: looks.deadlyWalls,
        allies,
        unitTypes,
        types: Array.from(frames[0].types),
        places: toBase64(Int16Array.from(places)),
        health: numbers(({ health }) => health),
        shield: numbers(({ shield }) => shield),
        cooldown: numbers(({ cooldown }) => cooldown.map((seconds) => Math.max(seconds, 0))),
        targets: toBase64(Int8Array.from(targets)),
        acted: toBase64(Uint8Array.from(acted.flatMap((own) => Array.from(own)))),
        ...(cones && {
          cones: {
            angle: cones.angle,
            directions: numbers(({ facing }) =>
              Float32Array.from(facing, (direction) => (2 * Math.PI * direction) / cones.directions),
            ),
          },
        }),
      };
    },
    close() {
      ends.clear();
    },
  };
}
