/** @file Recordings of battles, beside what the environment itself says of them. */

import { expect, test } from "vitest";
import { Random } from "../../random.ts";
import type { VectorEnv, VectorMoment } from "../env.ts";
import { createMoment } from "../moment.ts";
import { type BattleRecording, fromBase64, PLACES_PER_UNIT } from "../recording.ts";
import { makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";
import { smax } from "./index.ts";

const floats = (text: string): Float32Array => new Float32Array(fromBase64(text));

/** Attacks who is in range most of the time, else does anything that is allowed. */
function choose({ team, numEnvs }: VectorEnv, moment: VectorMoment, random: Random): Float32Array[] {
  return team.actionSpaces.map((space, i) => {
    const own = new Float32Array(numEnvs * vectorSize(space));
    if (space.kind === "box") {
      random.fillUniform(own);
      return own;
    }
    for (let e = 0; e < numEnvs; e++) {
      const mask = moment.actionMasks[i].subarray(e * space.n, (e + 1) * space.n);
      const allowed = [...mask.keys()].filter((k) => mask[k] === 1);
      const last = allowed[allowed.length - 1];
      const pick = random.integer(4) > 0 && /attack|heal/.test(space.labels![last]) ? last : undefined;
      own[e * space.n + (pick ?? allowed[random.integer(allowed.length)])] = 1;
    }
    return own;
  });
}

/** Plays copy 1 of two to the end of its first episode. */
async function play(id: string, options: object, seed = 3) {
  const env = await makeVectorEnv(id, { numEnvs: 2, options });
  const recorder = (await env.recorder!())!;
  const moment = createMoment(env.team, 2);
  const random = new Random(seed);
  await env.reset(seed, moment);
  const frames = [recorder.capture(1, false)];
  const states = [moment.states.slice(moment.states.length / 2)];
  const active = [[...moment.active.subarray(env.team.agents.length)]];
  for (let ended = false; !ended; ) {
    await env.step(choose(env, moment, random), moment);
    ended = moment.terminations[1] + moment.truncations[1] > 0;
    frames.push(recorder.capture(1, ended));
    states.push((ended ? moment.finalStates : moment.states).slice(moment.states.length / 2));
    active.push([...moment.active.subarray(env.team.agents.length)]);
  }
  const recording = recorder.record(frames) as BattleRecording;
  recorder.close();
  await env.close();
  return { recording, states, active, won: moment.wins[1] === 1, terminated: moment.terminations[1] === 1 };
}

const variants = smax.flatMap(({ id, optionsSchema }): [string, object][] =>
  optionsSchema.safeParse({ conicFov: true }).success
    ? [[id, { conicFov: true, episodeLimit: 40 }]]
    : [
        [id, { episodeLimit: 30 }],
        [id, { episodeLimit: 30, actionType: "continuous" }],
      ],
);

test.each(variants)(
  "%s %j: who lives is who is active, to the last frame, which is the old episode's",
  async (id, options) => {
    const { recording, active, won, terminated } = await play(id, options);
    const { frames, types, allies, unitTypes, mapSize } = recording;
    const units = types.length;
    const [health, shield] = [floats(recording.health), floats(recording.shield)];
    const targets = new Int8Array(fromBase64(recording.targets));
    const acted = new Uint8Array(fromBase64(recording.acted));
    expect(active).toHaveLength(frames);
    for (let f = 0; f < frames; f++)
      for (let k = 0; k < units; k++) {
        const [at, type] = [f * units + k, unitTypes[types[k]]];
        expect(health[at]).toBeLessThanOrEqual(type.health);
        expect(shield[at]).toBeLessThanOrEqual(type.shield);
        if (k < allies && f < frames - 1) expect(active[f][k]).toBe(health[at] > 0 ? 1 : 0);
        // Targets are the other team's, but a healer's.
        const target = targets[at];
        if (target >= 0) expect(target < allies !== k < allies).toBe(!type.heals);
        if (acted[at] === 1) {
          expect(target).toBeGreaterThanOrEqual(0);
          expect(health[at - units]).toBeGreaterThan(0);
        }
      }
    // The last step of a battle that was decided leaves one team without fighters.
    const fighters = (from: number, to: number): number =>
      types.slice(from, to).filter((type, k) => !unitTypes[type].heals && health[(frames - 1) * units + from + k] > 0)
        .length;
    if (terminated) {
      expect(Math.min(fighters(0, allies), fighters(allies, units))).toBe(0);
      expect(won).toBe(fighters(0, allies) > 0);
    }
    const places = new Int16Array(fromBase64(recording.places));
    expect(places).toHaveLength(2 * frames * units);
    for (const place of places) expect(Math.abs(place / PLACES_PER_UNIT - mapSize / 2)).toBeLessThan(1.5 * mapSize);
  },
);

test("places and health are those of the state that a critic sees, to half a part of a unit", async () => {
  // SMAX's state by unit: health / full health, x, y, seconds, type one-hot.
  const { recording, states } = await play("2s3z", {});
  const { types, unitTypes } = recording;
  const units = types.length;
  const health = floats(recording.health);
  const places = new Int16Array(fromBase64(recording.places));
  let seen = 0;
  states.forEach((state, f) => {
    for (let k = 0; k < units; k++) {
      const at = f * units + k;
      if (health[at] === 0) continue;
      seen++;
      const row = state.subarray(k * (state.length / units - 2), (k + 1) * (state.length / units - 2));
      expect(health[at] / unitTypes[types[k]].health).toBeCloseTo(row[0], 5);
      expect(Math.abs(places[2 * at] / PLACES_PER_UNIT - row[1])).toBeLessThanOrEqual(0.5 / PLACES_PER_UNIT + 1e-5);
      expect(Math.abs(places[2 * at + 1] / PLACES_PER_UNIT - row[2])).toBeLessThanOrEqual(0.5 / PLACES_PER_UNIT + 1e-5);
    }
  });
  expect(seen).toBeGreaterThan(50);
});

test("in SMAX without walls that kill, whoever loses health was attacked in that step, by as many as it takes", async () => {
  for (let seed = 1; seed < 6; seed++) {
    const { recording } = await play("smacv2_5_units", { wallsCauseDeath: false }, seed);
    const units = recording.types.length;
    const health = floats(recording.health);
    const targets = new Int8Array(fromBase64(recording.targets));
    const acted = new Uint8Array(fromBase64(recording.acted));
    let hurt = 0;
    for (let f = 1; f < recording.frames; f++)
      for (let k = 0; k < units; k++) {
        const attackers = Array.from({ length: units }, (_, j) => f * units + j).filter(
          (at) => acted[at] === 1 && targets[at] === k,
        );
        const lost = health[(f - 1) * units + k] - health[f * units + k];
        if (lost > 0) hurt++;
        expect(lost > 0, `seed ${seed}, frame ${f}, unit ${k}`).toBe(attackers.length > 0);
      }
    expect(hurt).toBeGreaterThan(5);
  }
});

test("cones are where allies look, and only where there are any", async () => {
  const { recording } = await play("smacv2-zerg-5v5", { conicFov: true });
  expect(recording.cones!.angle).toBeCloseTo(Math.PI / 6);
  const directions = floats(recording.cones!.directions);
  expect(directions).toHaveLength(5 * recording.frames);
  // All look east when a battle begins, and elsewhere later.
  expect([...directions.subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
  expect(new Set(directions).size).toBeGreaterThan(3);
  expect((await play("smacv2-zerg-5v5", {})).recording.cones).toBeUndefined();
});
