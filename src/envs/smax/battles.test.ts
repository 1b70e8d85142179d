/** @file Battles through both forms of the interface, and SMACv2's rules by what they promise. */

import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { Random } from "../../random.ts";
import { checkParallelEnv } from "../check.ts";
import type { VectorEnv, VectorMoment } from "../env.ts";
import { createMoment } from "../moment.ts";
import { makeEnv, makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";
import { vectorize } from "../vectorize.ts";
import { type Bodies, createBodies, pushApart } from "./battles.ts";
import { smax } from "./index.ts";
import { MAP_SIZE, order, type Smacv2Memory } from "./smacv2/arena.ts";
import { smacv2OptionsSchema } from "./smacv2/options.ts";
import { createSmacv2Battles } from "./smacv2/rules.ts";
import { type Race, races } from "./smacv2/units.ts";

const variants = smax.flatMap(({ id, optionsSchema }): [string, object][] =>
  optionsSchema.safeParse({ conicFov: true }).success
    ? [
        [id, {}],
        [id, { conicFov: true, reward: { onlyPositive: false } }],
      ]
    : [
        [id, {}],
        [id, { observationType: "conic", actionType: "continuous" }],
      ],
);

test.each(variants)("%s keeps to the interface %o", async (id, options) => {
  checkParallelEnv(await makeEnv(id, options), { steps: 60 });
});

/** Random actions that are allowed. */
function chooseAtRandom(
  { team, numEnvs }: VectorEnv,
  moment: VectorMoment,
  random: Random,
  into: Float32Array[],
): void {
  team.actionSpaces.forEach((space, i) => {
    into[i].fill(0);
    if (space.kind === "box") random.fillUniform(into[i]);
    else
      for (let e = 0; e < numEnvs; e++) {
        const mask = moment.actionMasks[i].subarray(e * space.n, (e + 1) * space.n);
        const allowed = [...mask.keys()].filter((choice) => mask[choice] === 1);
        into[i][e * space.n + allowed[random.integer(allowed.length)]] = 1;
      }
  });
}

const actionsOf = ({ team, numEnvs }: VectorEnv): Float32Array[] =>
  team.actionSpaces.map((space) => new Float32Array(numEnvs * vectorSize(space)));

/** Arrays as they lie in memory: far quicker to compare than number by number. */
const bytesOf = (arrays: object): Buffer =>
  Buffer.concat(
    Object.values(arrays)
      .flat()
      .map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  );

test.each([
  ["3m", {}],
  ["smacv2_5_units", { observationType: "conic", actionType: "continuous" }],
  ["smacv2-terran-5v5", {}],
  ["smacv2-zerg-10v11", { conicFov: true }],
] as const)("%s is the same in both forms, and goes on exactly from a snapshot", async (id, options) => {
  const numEnvs = 3;
  const copies = await Promise.all(Array.from({ length: numEnvs }, () => makeEnv(id, options)));
  const envs = [await makeVectorEnv(id, { numEnvs, options }), vectorize(copies)];
  const moments = envs.map(({ team }) => createMoment(team, numEnvs));
  const actions = actionsOf(envs[0]);
  const random = new Random(4);
  for (const [k, env] of envs.entries()) await env.reset(9, moments[k]);
  let saved: unknown;
  let ended = 0;
  for (let t = 0; t < 120; t++) {
    if (t === 60) saved = JSON.parse(JSON.stringify(await envs[0].snapshot()));
    chooseAtRandom(envs[0], moments[0], random, actions);
    for (const [k, env] of envs.entries()) await env.step(actions, moments[k]);
    // `vectorize` asks nobody who is not active what it may do.
    const [one, other] = moments.map(({ actionMasks: _, ...moment }) => moment);
    expect(bytesOf(one).equals(bytesOf(other)), `after step ${t + 1}`).toBe(true);
    for (let e = 0; e < numEnvs; e++) ended += one.terminations[e] + one.truncations[e];
  }
  expect(ended).toBeGreaterThan(0);

  const again = await makeVectorEnv(id, { numEnvs, options });
  const moment = createMoment(again.team, numEnvs);
  await again.restore(saved, moment);
  const later = new Random(5);
  const both = [envs[0], again];
  await envs[0].restore(saved, moments[0]);
  expect(moment.observations).toEqual(moments[0].observations);
  for (let t = 0; t < 60; t++) {
    chooseAtRandom(again, moment, later, actions);
    for (const [k, env] of both.entries()) await env.step(actions, k === 0 ? moments[0] : moment);
    expect(moment.states).toEqual(moments[0].states);
    expect(moment.rewards).toEqual(moments[0].rewards);
  }
});

test("a win is told, and counted: an enemy that can't shoot loses to allies that do", async () => {
  const env = await makeVectorEnv("3m", { numEnvs: 8, options: { enemyShoots: false } });
  const moment = createMoment(env.team, 8);
  const actions = actionsOf(env);
  await env.reset(1, moment);
  let [wins, ends, paid] = [0, 0, 0];
  for (let t = 0; t < 100; t++) {
    // Shoot if anybody is in range, else go east, where the enemies are.
    actions.forEach((own, i) => {
      own.fill(0);
      for (let e = 0; e < 8; e++) {
        const mask = moment.actionMasks[i].subarray(e * 8, (e + 1) * 8);
        const target = mask.indexOf(1, 5);
        own[e * 8 + (moment.active[e * 3 + i] === 0 ? 4 : target >= 0 ? target : 1)] = 1;
      }
    });
    await env.step(actions, moment);
    for (let e = 0; e < 8; e++) {
      paid += moment.rewards[e];
      if (moment.terminations[e] + moment.truncations[e] === 0) continue;
      ends++;
      wins += moment.wins[e];
    }
  }
  expect(ends).toBeGreaterThan(8);
  expect(wins).toBe(ends);
  // All damage there is, and the bonus.
  expect(paid / ends).toBeGreaterThan(1.9);
});

test("an action that does not exist is refused in one line", async () => {
  const env = await makeEnv("3m");
  env.reset({ seed: 0 });
  const all = (action: number | number[]) => ({ ally_0: action, ally_1: 4, ally_2: 4 });
  expect(() => env.step(all(8))).toThrow("3m: action of ally_0 is 8, must be a choice from 0 to 7");
  expect(() => env.step(all([1, 0]))).toThrow("3m: action of ally_0 is 2 numbers, must be a choice from 0 to 7");
  await expect(makeEnv("3m", { enemyTargets: "weakest" })).rejects.toThrow("environment 3m: options.enemyTargets");
});

describe("bodies that overlap", () => {
  const crowd = fc.array(
    fc.record({
      x: fc.double({ min: 0, max: 3, noNaN: true }),
      y: fc.double({ min: 0, max: 3, noNaN: true }),
      radius: fc.double({ min: 0.2, max: 1, noNaN: true }),
    }),
    { minLength: 2, maxLength: 8 },
  );
  const bodiesOf = (all: readonly { x: number; y: number; radius: number }[]): Bodies => {
    const column = (value: (body: (typeof all)[number]) => number) => Float32Array.from(all, value);
    const bodies = createBodies({ x: column((b) => b.x), y: column((b) => b.y), radius: column((b) => b.radius) });
    bodies.members.set(all.map((_, i) => i));
    return bodies;
  };

  it("are parted without moving their middle, and two of them in one go", () => {
    fc.assert(
      fc.property(crowd, (all) => {
        const bodies = bodiesOf(all);
        pushApart(bodies, all.length);
        const middle = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);
        expect(middle(bodies.x)).toBeCloseTo(middle(all.map(({ x }) => x)), 3);
        expect(middle(bodies.y)).toBeCloseTo(middle(all.map(({ y }) => y)), 3);
        if (all.length > 2) return;
        const before = Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y);
        const after = Math.hypot(bodies.x[0] - bodies.x[1], bodies.y[0] - bodies.y[1]);
        const reach = all[0].radius + all[1].radius;
        if (before >= reach) expect(after).toBeCloseTo(before, 4);
        else if (before > 0.05) expect(after).toBeCloseTo(reach, 3);
      }),
      { seed: 2 },
    );
  });
});

describe("SMACv2's rules", () => {
  /** A battle whose units are put where a test wants them: type, x, y; allies first. */
  function battleOf(race: Race, allies: readonly Placed[], enemies: readonly Placed[]) {
    const task = { race, allies: allies.length, enemies: enemies.length };
    const battles = createSmacv2Battles(task, smacv2OptionsSchema.parse({}), 1);
    const memory = battles.memory as Smacv2Memory;
    battles.draws[0] = new Random(3);
    battles.begin(0);
    [...allies, ...enemies].forEach(([name, x, y], i) => {
      const type = races[race].findIndex((own) => own.name === name);
      memory.type[i] = type;
      memory.health[i] = races[race][type].health;
      memory.shield[i] = races[race][type].shield;
      memory.energy[i] = races[race][type].weapon ? 0 : 50;
      memory.x[i] = x;
      memory.y[i] = y;
    });
    const moment = createMoment(battles.team, 1);
    const actions = battles.team.actionSpaces.map((space) => new Float32Array(vectorSize(space)));
    return {
      memory,
      moment,
      act(...choices: readonly number[]): void {
        actions.forEach((own, i) => {
          own.fill(0)[choices[i]] = 1;
        });
        battles.advance(0, actions, moment);
      },
      mask(agent: number): number[] {
        battles.permit(0, moment);
        return [...moment.actionMasks[agent]];
      },
    };
  }
  type Placed = readonly [type: string, x: number, y: number];

  it("draw teams by SMACv2's chances, enemies like allies, never of healers or banelings alone", () => {
    for (const race of ["terran", "protoss", "zerg"] as const) {
      const battles = createSmacv2Battles({ race, allies: 5, enemies: 6 }, smacv2OptionsSchema.parse({}), 1);
      const { type, x, y } = battles.memory as Smacv2Memory;
      battles.draws[0] = new Random(8);
      const counts = [0, 0, 0];
      let mirrored = 0;
      for (let episode = 0; episode < 600; episode++) {
        battles.begin(0);
        const [allies, enemies] = [[...type.subarray(0, 5)], [...type.subarray(5, 10)]];
        expect(allies.toSorted()).toEqual(enemies.toSorted());
        expect([...allies].some((kind) => races[race][kind].alone)).toBe(true);
        for (const kind of allies) counts[kind]++;
        expect([...x, ...y].every((place) => place >= 0 && place <= MAP_SIZE)).toBe(true);
        if (x.subarray(0, 5).every((place) => place < MAP_SIZE / 2)) mirrored++;
      }
      counts.forEach((count, kind) => {
        expect(count / 3000).toBeCloseTo(races[race][kind].chance, 1);
      });
      expect(mirrored / 600).toBeGreaterThan(0.4);
      expect(mirrored / 600).toBeLessThan(0.6);
    }
  });

  it("let medivacs heal those who are hurt, and not attack", () => {
    const marine: Placed = ["marine", 10, 10];
    const battle = battleOf(
      "terran",
      [["medivac", 12, 10], marine],
      [
        ["marauder", 30, 30],
        ["marauder", 30, 28],
      ],
    );
    battle.memory.health[1] = 20;
    expect(battle.mask(0).slice(6)).toEqual([0, 1]);
    battle.act(7, 1);
    // Half a second of 9 points a second, for 1 of energy each 3.
    expect(battle.memory.health[1]).toBeCloseTo(24.5, 4);
    expect(battle.memory.energy[0]).toBeCloseTo(50 - 1.5 + 0.5 * 0.5625, 3);
    battle.memory.health[1] = 0;
    battle.act(1, 0);
    // Healers alone have lost.
    expect(battle.moment.terminations[0]).toBe(1);
    expect(battle.moment.wins[0]).toBe(0);
  });

  it("take shields before health, armour from health alone, and more from the attributes that weapons like", () => {
    const battle = battleOf("protoss", [["stalker", 10, 10]], [["stalker", 15, 10]]);
    battle.memory.cooldown[1] = 100;
    battle.memory.shield[1] = 10;
    battle.act(6);
    // 13, and 5 more against armour; 10 are absorbed, 1 of the rest is turned away.
    expect(battle.memory.shield[1]).toBe(0);
    expect(battle.memory.health[1]).toBe(80 - 7);
    // Of 17 points, on the scale on which 200 for the win, 10 for the kill and 160 for the unit make 20.
    expect(battle.moment.rewards[0]).toBeCloseTo((17 * 20) / 370, 4);
  });

  it("let a colossus burn all who stand across its line of fire", () => {
    const row: Placed[] = [-2.5, -1, 0, 1].map((offset) => ["zealot", 20, 10 + offset]);
    const battle = battleOf("protoss", [["colossus", 14, 10]], row);
    battle.act(6 + 2);
    const left = [...battle.memory.health.subarray(1), ...battle.memory.shield.subarray(1)];
    // Two hits of 10, and 5 more against the light; the first stands too far off.
    expect(left).toEqual([100, 100, 100, 100, 50, 20, 20, 20]);
  });

  it("let a baneling burst on whom it reaches, and when it is killed", () => {
    const battle = battleOf(
      "zerg",
      [["baneling", 10, 10]],
      [
        ["zergling", 11, 10],
        ["zergling", 11.5, 11],
        ["hydralisk", 16, 10],
      ],
    );
    battle.act(6);
    // 20, and 15 more against the light, is all that a zergling has.
    expect([...battle.memory.health]).toEqual([0, 0, 0, 90]);
    expect(battle.moment.terminations[0]).toBe(1);

    const killed = battleOf(
      "zerg",
      [
        ["hydralisk", 10, 10],
        ["hydralisk", 10, 11.5],
      ],
      [
        ["baneling", 14, 10],
        ["zergling", 15, 10],
      ],
    );
    killed.memory.health[2] = 1;
    killed.act(6, 1);
    expect(killed.memory.health[2]).toBe(0);
    expect(killed.memory.health[0]).toBeCloseTo(90, 0);
  });

  it("send units after a target that leaves, and bring them to a stop with the choice to", () => {
    const battle = battleOf(
      "terran",
      [["marine", 10, 10]],
      [
        ["medivac", 14, 10],
        ["marine", 31, 31],
      ],
    );
    battle.act(6);
    expect(battle.memory.health[1]).toBe(150 - 5);
    battle.memory.x[1] = 20;
    battle.act(1);
    expect(battle.memory.x[0]).toBe(10);
    battle.memory.order[0] = order.attack;
    battle.memory.target[0] = 1;
    // Turning is not a new order, but there is no choice for it without a cone: moving east goes 2.25 a second.
    battle.act(4);
    expect(battle.memory.x[0]).toBeCloseTo(10 + 0.5 * 2.25, 4);
  });

  it("show with a cone only what is within it", async () => {
    const env = await makeEnv("smacv2-terran-5v5", { conicFov: true });
    const space = env.observationSpace("ally_0");
    const visible = space.labels!.findIndex((label) => label.startsWith("ally_1: visible"));
    expect(visible).toBeGreaterThan(0);
    const seen: boolean[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { observations } = env.reset({ seed });
      const own = observations.ally_0;
      const [flag, dx, dy] = [own[visible], own[visible + 2], own[visible + 3]];
      seen.push(flag === 1);
      // All look east when a battle begins.
      if (flag === 1) expect(Math.abs(Math.atan2(dy, dx))).toBeLessThanOrEqual(Math.PI / 12 + 1e-6);
    }
    expect(seen).toContain(true);
    expect(seen).toContain(false);
  });
});
