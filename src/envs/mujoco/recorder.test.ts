import { expect, test } from "vitest";
import { Random } from "../../random.ts";
import type { VectorEnv } from "../env.ts";
import { createMoment } from "../moment.ts";
import { type BodiesRecording, unpackPoses } from "../recording.ts";
import { makeVectorEnv } from "../registry.ts";
import { vectorSize } from "../spaces.ts";
import { allocateCopies } from "./copies.ts";
import { toMjcf } from "./description.ts";
import { findRobot } from "./find.ts";
import { optionsSchema } from "./options.ts";
import { engine } from "./physics.ts";
import { createRecorder } from "./recorder.ts";
import { createTask, rowSize } from "./task.ts";

/** One of each robot. */
const ids = [
  ...["HalfCheetah-6x1", "Ant-4x2", "Hopper-3x1", "Walker2d-2x3", "Humanoid-17x1", "HumanoidStandup-9|8"],
  ...[
    "Reacher-2x1",
    "Pusher-3p",
    "Swimmer-2x1",
    "ManySegmentSwimmer-10x2",
    "ManySegmentAnt-2x3",
    "CoupledHalfCheetah-1p1",
  ],
];

const numEnvs = 2;

/** Where a copy is: the numbers that MuJoCo starts a step from. */
async function rowOf(env: VectorEnv, e: number): Promise<Float64Array> {
  const { memory } = (await env.snapshot()) as { memory: { rows: string } };
  const rows = new Float64Array(new Uint8Array(Buffer.from(memory.rows, "base64")).buffer);
  return rows.slice((e * rows.length) / numEnvs, ((e + 1) * rows.length) / numEnvs);
}

const rotated = ([w, x, y, z]: ArrayLike<number> & Iterable<number>, [a, b, c]: readonly number[]): number[] => {
  const [u, v, t] = [2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)];
  return [a + w * u + y * t - z * v, b + w * v + z * u - x * t, c + w * t + x * v - y * u];
};

/** [G, 3]: the middles of all solids at a frame. */
function middles({ solids, poses }: BodiesRecording, frame: number): number[][] {
  const { positions, quaternions } = unpackPoses(poses);
  return solids.map(({ body, position }) => {
    if (body < 0) return [...position];
    const at = frame * poses.bodies + body;
    return rotated(quaternions.subarray(4 * at, 4 * at + 4), position).map((x, axis) => x + positions[3 * at + axis]);
  });
}

test.each(ids)("%s: solids are where MuJoCo, stepped beside it, has its geoms, across an episode's end", async (id) => {
  const options = { episodeLimit: 3 };
  const env = await makeVectorEnv(id, { numEnvs, workers: 1, options });
  const recorder = (await env.recorder!())!;
  const mujoco = await engine();
  const { description, frameSkip, index } = findRobot(id, { ownJoints: false });
  const model = mujoco.MjModel.from_xml_string(toMjcf(description));
  const data = new mujoco.MjData(model);
  const task = createTask(findRobot(id, { ownJoints: false }), optionsSchema.parse(options));
  try {
    const moment = createMoment(env.team, numEnvs);
    const random = new Random(4);
    await env.reset(1, moment);
    const e = 1;
    const frames = [recorder.capture(e, false)];
    const expected: number[][][] = [];
    const look = (): void => {
      mujoco.mj_kinematics(model, data);
      const places = data.geom_xpos as Float64Array;
      expected.push(Array.from({ length: model.ngeom }, (_, g) => Array.from(places.slice(3 * g, 3 * g + 3))));
    };
    const row = await rowOf(env, e);
    (data.qpos as Float64Array).set(row.subarray(0, index.positions));
    (data.qvel as Float64Array).set(row.subarray(index.positions, index.positions + index.velocities));
    (data.qacc_warmstart as Float64Array).set(row.subarray(index.positions + index.velocities, row.length - 1));
    look();
    for (let step = 1; step <= 3; step++) {
      const actions = env.team.actionSpaces.map((space) => {
        const own = new Float32Array(numEnvs * vectorSize(space));
        random.fillUniform(own);
        return own.map((x) => 0.8 * (x - 0.5));
      });
      actions.forEach((own, i) => {
        const size = task.motors[i].length;
        task.motors[i].forEach((motor, k) => {
          (data.ctrl as Float64Array)[motor] = own[e * size + k];
        });
      });
      await env.step(actions, moment);
      for (let frame = 0; frame < frameSkip; frame++) mujoco.mj_step(model, data);
      look();
      expect(moment.truncations[e]).toBe(step === 3 ? 1 : 0);
      frames.push(recorder.capture(e, step === 3));
    }
    const recording = recorder.record(frames) as BodiesRecording;
    expect(recording.solids).toHaveLength(model.ngeom);
    expect(recording.frames).toBe(4);
    const tolerance = recording.poses.unit + 1e-4;
    expected.forEach((places, frame) => {
      middles(recording, frame).forEach((place, g) => {
        place.forEach((x, axis) => {
          expect(Math.abs(x - places[g][axis]), `frame ${frame}, geom ${g}, axis ${axis}`).toBeLessThan(tolerance);
        });
      });
    });
    // By now the next episode has begun, elsewhere.
    const next = recorder.record([recorder.capture(e, false)]) as BodiesRecording;
    expect(middles(next, 0)).not.toEqual(middles(recording, 3));
  } finally {
    recorder.close();
    data.delete();
    model.delete();
    await env.close();
  }
});

async function recordingOf(id: string): Promise<BodiesRecording> {
  const env = await makeVectorEnv(id, { numEnvs: 1 });
  const recorder = (await env.recorder!())!;
  await env.reset(0, createMoment(env.team, 1));
  const recording = recorder.record([recorder.capture(0, false)]) as BodiesRecording;
  recorder.close();
  await env.close();
  return recording;
}

test("limbs are their agents': those that move a joint between them and the trunk's side of them", async () => {
  const cheetah = await recordingOf("HalfCheetah-2x3");
  expect(cheetah.joints).toEqual([
    ["bthigh", "bshin", "bfoot"],
    ["fthigh", "fshin", "ffoot"],
  ]);
  // Floor, trunk and head; then the back leg, then the front leg.
  expect(cheetah.solids.map(({ agents }) => agents)).toEqual([[], [], [], [0], [0], [0], [1], [1], [1]]);
  // An ant's legs begin with a part that is fixed to the trunk.
  const ant = await recordingOf("Ant-4x2");
  const owned = ant.solids.filter(({ agents }) => agents.length > 0).map(({ agents }) => agents);
  expect(owned).toEqual([[0], [0], [1], [1], [2], [2], [3], [3]]);
  // A thigh hangs on three joints of three agents; a fingertip is a part of the last link.
  const humanoid = await recordingOf("Humanoid-17x1");
  expect(Math.max(...humanoid.solids.map(({ agents }) => agents.length))).toBe(3);
  const reacher = await recordingOf("Reacher-2x1");
  expect(reacher.solids.filter(({ shape, agents }) => shape === "sphere" && agents.length > 0)).toMatchObject([
    { agents: [1] },
  ]);
});

test("shapes, sizes and colours are the model's; the elastic line is seen", async () => {
  const { solids, lines, secondsPerFrame, poses } = await recordingOf("CoupledHalfCheetah-1p1");
  expect(secondsPerFrame).toBeCloseTo(0.05);
  expect(solids[0]).toMatchObject({ shape: "plane", body: -1 });
  const trunk = solids[1];
  expect(trunk.shape).toBe("capsule");
  expect(trunk.size[0]).toBeCloseTo(0.046);
  expect(trunk.size[1]).toBeCloseTo(0.5);
  [0.8, 0.6, 0.4, 1].forEach((x, i) => {
    expect(trunk.rgba[i]).toBeCloseTo(x);
  });
  expect(poses.bodies).toBe(14);
  expect(lines).toEqual([{ bodies: [0, 7], width: 0.05, rgba: [0.95, 0.3, 0.3, 1] }]);
});

test("an episode that ends because physics diverged is seen to end where it was sound", async () => {
  const task = createTask(findRobot("Hopper-3x1", { ownJoints: false }), optionsSchema.parse({}));
  const memory = allocateCopies(task, 1, (bytes) => new ArrayBuffer(bytes));
  const recorder = await createRecorder(task, memory);
  memory.rows.fill(0.1, 0, rowSize(task));
  const sound = recorder.capture(0, false);
  memory.finalRows.fill(Number.NaN);
  expect(recorder.capture(0, true)).toBe(sound);
  recorder.close();
});
