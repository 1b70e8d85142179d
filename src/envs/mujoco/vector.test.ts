import { afterEach, expect, test } from "vitest";
import { Random } from "../../random.ts";
import type { VectorEnv, VectorMoment } from "../env.ts";
import { createMoment, partOfMoment, rowsOf } from "../moment.ts";
import { makeEnv, makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";
import { allocateCopies, createCopies } from "./copies.ts";
import { findRobot } from "./find.ts";
import { type MujocoOptions, optionsSchema } from "./options.ts";
import { createTask } from "./task.ts";

const opened: VectorEnv[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((env) => env.close()));
});

async function open(id: string, numEnvs: number, workers = 0, options: Partial<MujocoOptions> = {}) {
  const env = await makeVectorEnv(id, { numEnvs, workers, options });
  opened.push(env);
  const moment = createMoment(env.team, numEnvs);
  const actions = env.team.actionSpaces.map((space) => new Float32Array(numEnvs * vectorSize(space)));
  return { env, moment, actions };
}

type Opened = Awaited<ReturnType<typeof open>>;

const seen = ({ observations, states, rewards, terminations, truncations }: VectorMoment) =>
  structuredClone({ observations, states, rewards, terminations, truncations });

/** Steps of random actions; what was seen after each. */
async function wander({ env, moment, actions }: Opened, steps: number, random: Random) {
  const history: ReturnType<typeof seen>[] = [];
  for (let step = 0; step < steps; step++) {
    for (const own of actions) random.fillNormal(own);
    await env.step(actions, moment);
    history.push(seen(moment));
  }
  return history;
}

test("the result does not depend on the number of workers, across episodes' ends", async () => {
  const histories = [];
  for (const workers of [0, 1, 3]) {
    const one = await open("Hopper-3x1", 5, workers);
    await one.env.reset(3, one.moment);
    histories.push([seen(one.moment), ...(await wander(one, 60, new Random(1)))]);
  }
  const ends = histories[0].filter(({ terminations }) => terminations.some((ended) => ended === 1));
  expect(ends.length).toBeGreaterThan(3);
  expect(histories[1]).toEqual(histories[0]);
  expect(histories[2]).toEqual(histories[0]);
});

test("parts that are stepped in turns, each while the other is, do what a step of all does", async () => {
  const whole = await open("Hopper-3x1", 16);
  await whole.env.reset(3, whole.moment);
  const expected = await wander(whole, 40, new Random(1));
  expect(expected.some(({ terminations }) => terminations.some((ended) => ended === 1))).toBe(true);
  for (const workers of [1, 2]) {
    const { env, moment, actions } = await open("Hopper-3x1", 16, workers);
    const parts = env.parts!;
    const own = parts.map((_, p) => partOfMoment(moment, p, parts.length));
    await env.reset(3, moment);
    const random = new Random(1);
    const history: ReturnType<typeof seen>[] = [];
    for (let step = 0; step <= expected.length; step++) {
      if (step < expected.length) for (const array of actions) random.fillNormal(array);
      for (const [p, part] of parts.entries()) {
        if (step > 0) await part.finish(own[p]);
        // The other part's step goes on meanwhile.
        if (step < expected.length) part.begin(actions.map((array) => rowsOf(array, p, parts.length)));
      }
      if (step > 0) history.push(seen(moment));
    }
    expect(history).toEqual(expected);
  }
});

test("a snapshot, written as JSON, goes on exactly, in another environment and with other workers", async () => {
  // Ants measure their way by where MuJoCo last computed the trunk to be, which positions alone do not give back.
  const first = await open("Ant-4x2", 3, 0, { episodeLimit: 7 });
  await first.env.reset(5, first.moment);
  await wander(first, 10, new Random(2));
  const snapshot = JSON.stringify(await first.env.snapshot());
  const before = seen(first.moment);
  const expected = await wander(first, 12, new Random(3));

  const second = await open("Ant-4x2", 3, 2, { episodeLimit: 7 });
  await second.env.reset(99, second.moment);
  await second.env.restore(JSON.parse(snapshot), second.moment);
  expect(second.moment.observations).toEqual(before.observations);
  expect(second.moment.states).toEqual(before.states);
  expect(await wander(second, 12, new Random(3))).toEqual(expected);
});

test("a snapshot of another environment is refused", async () => {
  const two = await open("Swimmer-2x1", 2);
  const three = await open("Swimmer-2x1", 3);
  await two.env.reset(0, two.moment);
  const snapshot = await two.env.snapshot();
  expect(() => three.env.restore(snapshot, three.moment)).toThrow(/MuJoCo snapshot: \d+ bytes where \d+ belong/);
});

test("a time limit truncates: how it ended is kept, the next episode is another", async () => {
  const one = await open("HalfCheetah-2x3", 2, 0, { episodeLimit: 4 });
  const endless = await open("HalfCheetah-2x3", 2);
  for (const { env, moment } of [one, endless]) await env.reset(8, moment);
  const first = seen(one.moment);
  await wander(one, 4, new Random(4));
  await wander(endless, 4, new Random(4));
  expect([...one.moment.truncations]).toEqual([1, 1]);
  expect([...one.moment.terminations]).toEqual([0, 0]);
  expect(one.moment.finalObservations).toEqual(endless.moment.observations);
  expect(one.moment.finalStates).toEqual(endless.moment.states);
  expect(one.moment.rewards).toEqual(endless.moment.rewards);
  expect(one.moment.observations).not.toEqual(first.observations);
});

test("copies differ by their noise; the same seed gives the same, another seed others", async () => {
  const { env, moment } = await open("HalfCheetah-6x1", 2);
  const states = async (seed: number) => {
    await env.reset(seed, moment);
    return [...moment.states];
  };
  const one = await states(1);
  expect(one.slice(0, 23)).not.toEqual(one.slice(23));
  expect(await states(2)).not.toEqual(one);
  expect(await states(1)).toEqual(one);
});

test("physics that diverges ends the episode where it was sound, is counted, and starts anew", async () => {
  const options = optionsSchema.parse({ standardise: false });
  const task = createTask(findRobot("HalfCheetah-6x1", options), options);
  const memory = allocateCopies(task, 2, (bytes) => new ArrayBuffer(bytes));
  const moment = createMoment(task.team, 2);
  const copies = await createCopies(task, memory);
  const actions = task.motors.map(() => new Float32Array(2));
  for (const e of [0, 1]) copies.begin(e, moment);
  const sound = moment.observations[0][0];
  memory.rows[9] = 1e11;
  for (const e of [0, 1]) copies.step(e, actions, moment);
  expect([...memory.divergences]).toEqual([1, 0]);
  expect([...moment.truncations]).toEqual([1, 0]);
  expect([...moment.terminations]).toEqual([0, 0]);
  expect(moment.rewards[0]).toBe(0);
  expect(moment.finalObservations[0][0]).toBe(sound);
  expect(moment.observations[0][0]).not.toBe(sound);

  actions[3][1] = Number.NaN;
  copies.step(1, actions, moment);
  expect([...memory.divergences]).toEqual([1, 1]);
  actions[3][1] = 0;
  for (const e of [0, 1]) copies.step(e, actions, moment);
  expect([...memory.divergences]).toEqual([1, 1]);
  expect(moment.states.every(Number.isFinite)).toBe(true);
  copies.release();
});

test("an observation is the agent's own joint and its number, standardised over its features", async () => {
  const plain = await open("HalfCheetah-6x1", 1, 0, { standardise: false });
  const paper = await open("HalfCheetah-6x1", 1);
  for (const { env, moment } of [plain, paper]) await env.reset(0, moment);
  for (let agent = 0; agent < 6; agent++) {
    const own = [...plain.moment.observations[agent]];
    expect(own.slice(2)).toEqual([0, 1, 2, 3, 4, 5].map((i) => (i === agent ? 1 : 0)));
    const mean = own.reduce((sum, value) => sum + value) / 8;
    const deviation = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 8);
    own.forEach((value, i) => {
      expect(paper.moment.observations[agent][i]).toBeCloseTo((value - mean) / deviation, 5);
    });
  }
});

test("obsk null is the full state; the critic's can be had plain", async () => {
  const { env, moment } = await open("Walker2d-6x1", 1, 0, {
    obsk: null,
    agentId: false,
    standardise: false,
    state: { agentId: false, standardise: false },
  });
  await env.reset(0, moment);
  expect(moment.states).toHaveLength(17);
  for (const own of moment.observations) expect(own).toEqual(moment.states);
});

test("actions beyond the motors' range move as the range's end does, and cost more, unless told otherwise", async () => {
  const reward = async (options: Partial<MujocoOptions>, action: number) => {
    const { env, moment, actions } = await open("HalfCheetah-6x1", 1, 0, { ...options, resetNoise: 0 });
    await env.reset(0, moment);
    for (const own of actions) own.fill(action);
    await env.step(actions, moment);
    return moment.rewards[0];
  };
  expect(await reward({ clipActions: true }, 3)).toBe(await reward({}, 1));
  expect((await reward({}, 1)) - (await reward({}, 3))).toBeCloseTo(0.1 * 6 * (9 - 1), 5);
});

test("Reacher's goal is drawn from a disc of 0.2 m, and stands where the model has it without noise", async () => {
  const goals = async (resetNoise: number | null) => {
    const { env, moment } = await open("Reacher-2x1", 200, 0, {
      resetNoise,
      state: { agentId: false, standardise: false },
    });
    await env.reset(0, moment);
    return Array.from({ length: 200 }, (_, e) => [moment.states[e * 10 + 4], moment.states[e * 10 + 5]]);
  };
  const radii = (await goals(null)).map(([x, y]) => Math.hypot(x, y));
  expect(Math.max(...radii)).toBeLessThan(0.2);
  // Half the disc's area lies beyond 0.2/√2.
  expect(radii.filter((radius) => radius > 0.2 * Math.SQRT1_2).length).toBeGreaterThan(70);
  for (const [x, y] of await goals(0)) expect([x, y]).toEqual([Math.fround(0.1), Math.fround(-0.1)]);
});

test("Pusher's arm pushes the object as far as in the reference", async () => {
  // Gymnasium-Robotics' mamujoco_v1 (as in scripts/mujoco-golden.py): 12 steps down to the table, 38 across it.
  const { env, moment } = await open("Pusher-3p", 1, 0, {
    resetNoise: 0,
    state: { agentId: false, standardise: false },
  });
  await env.reset(0, moment);
  const rewards: number[] = [];
  for (let t = 0; t < 50; t++) {
    const joint = t < 12 ? [0.2, 0.6, -1.5, -1.5, 1.9, 1.3, 1.3] : [1.7, 1.8, -0.4, 1.0, 0.6, 0.2, 0.7];
    await env.step(
      [joint.slice(0, 3), joint.slice(3, 4), joint.slice(4)].map((own) => Float32Array.from(own)),
      moment,
    );
    rewards.push(moment.rewards[0]);
  }
  const object = moment.states.slice(17, 20);
  [0.4733287307, -0.02853195903, -0.275].forEach((x, i) => {
    expect(object[i]).toBeCloseTo(x, 6);
  });
  [-0.9498780118, -0.9761565607, -1.230685844].forEach((reward, i) => {
    expect(rewards[[19, 34, 49][i]]).toBeCloseTo(reward, 6);
  });
});

test("Pusher's object is put before the arm, away from the goal; the arm's velocities alone are noisy", async () => {
  const { env, moment } = await open("Pusher-3p", 100, 0, { state: { agentId: false, standardise: false } });
  await env.reset(0, moment);
  const size = env.team.stateSpace.size;
  for (let e = 0; e < 100; e++) {
    const state = moment.states.subarray(e * size, (e + 1) * size);
    expect(Math.max(...state.subarray(0, 7).map(Math.abs))).toBe(0);
    const speed = Math.max(...state.subarray(7, 14).map(Math.abs));
    expect(speed).toBeGreaterThan(0.0001);
    expect(speed).toBeLessThan(0.005);
    // It slides along y, then x, from (0.45, −0.05).
    const [x, y] = [state[17] - 0.45, state[18] + 0.05];
    expect(Math.hypot(x, y)).toBeGreaterThan(0.17 - 1e-6);
    expect(Math.abs(x)).toBeLessThan(0.2);
    expect(y).toBeLessThan(1e-6);
    expect(y).toBeGreaterThan(-0.3);
    expect([...state.subarray(20)]).toEqual([0.45, -0.05, -0.323].map(Math.fround));
  }
});

test("agents of a long chain see their own joints when told to", async () => {
  const labels = async (id: string, ownJoints: boolean) => {
    const env = await makeEnv(id, { ownJoints, agentId: false, standardise: false });
    return env.agents.map((agent) => env.observationSpace(agent).labels?.[0]);
  };
  expect(await labels("ManySegmentAnt-3x1", true)).toEqual([0, 1, 2].map((segment) => `ankle1_${segment} angle (rad)`));
  expect(await labels("ManySegmentAnt-3x1", false)).not.toEqual(await labels("ManySegmentAnt-3x1", true));
  expect(await labels("CoupledHalfCheetah-1p1", true)).toEqual(["bfoot0 angle (rad)", "bfoot1 angle (rad)"]);
  expect(await labels("CoupledHalfCheetah-1p1", false)).toEqual(["bfoot1 angle (rad)", "bfoot1 angle (rad)"]);
});

test("a mistake is one line that says what there is", async () => {
  await expect(makeEnv("ManySegmentSwimmer-0x3")).rejects.toThrow(
    'ManySegmentSwimmer has no factorisation "0x3" (it is ManySegmentSwimmer-NxK: N agents with K joints each, N·K from 2 to 100, such as ManySegmentSwimmer-5x2)',
  );
  await expect(makeEnv("ManySegmentAnt-40x40")).rejects.toThrow(/N·K from 1 to 100/);
  await expect(makeEnv("HalfCheetah-7x1")).rejects.toThrow(
    "unknown environment HalfCheetah-7x1 (there are: HalfCheetah-2x3, HalfCheetah-3x2, HalfCheetah-6x1)",
  );
  await expect(makeEnv("HalfCheeta-6x1")).rejects.toThrow("did you mean HalfCheetah-6x1?");
  await expect(makeEnv("HalfCheetah-6x1", { obsk: -1 })).rejects.toThrow(/options\.obsk/);
  await expect(makeEnv("HalfCheetah-6x1", { localCategories: [["cinert"]], agentId: false })).rejects.toThrow(
    "options.localCategories: agent_0 of half-cheetah would observe nothing",
  );
});
