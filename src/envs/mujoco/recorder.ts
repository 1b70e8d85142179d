/** @file Recordings of robots: what MuJoCo's compiled model looks like, and where its bodies are at each step. */

import type { MjModel } from "@mujoco/mujoco";
import { type BodiesRecording, type Line, packPoses, type Recorder, type Shape, type Solid } from "../recording.ts";
import type { CopiesMemory } from "./copies.ts";
import { type SpatialTendon, toMjcf } from "./description.ts";
import { engine } from "./physics.ts";
import { rowSize, type Task } from "./task.ts";

/** MuJoCo's numbers of geom types (mjtGeom). */
const shapes: Readonly<Record<number, Shape>> = {
  0: "plane",
  2: "sphere",
  3: "capsule",
  4: "ellipsoid",
  5: "cylinder",
  6: "box",
};

/** By body: the agents whose motors turn the joints that it hangs on; a body without joints is part of its parent. */
function agentsOfBodies(model: MjModel, { motors }: Task): number[][] {
  const agents: number[][] = [];
  for (let body = 0; body < model.nbody; body++) {
    const joints = model.body_jntnum[body] as number;
    agents.push(body > 0 && joints === 0 ? agents[model.body_parentid[body] as number] : []);
  }
  motors.forEach((own, agent) => {
    for (const motor of own) {
      const joint = model.actuator_trnid[2 * motor] as number;
      const owners = agents[model.jnt_bodyid[joint] as number];
      if (!owners.includes(agent)) owners.push(agent);
    }
  });
  return agents;
}

function solidsOf(model: MjModel, task: Task): Solid[] {
  const agents = agentsOfBodies(model, task);
  const row = (array: Float64Array | Float32Array, i: number, width: number): number[] =>
    Array.from(array.subarray(i * width, (i + 1) * width));
  return Array.from({ length: model.ngeom }, (_, i) => {
    const body = model.geom_bodyid[i] as number;
    return {
      shape: shapes[model.geom_type[i] as number],
      size: row(model.geom_size, i, 3),
      position: row(model.geom_pos, i, 3),
      quaternion: row(model.geom_quat, i, 4),
      rgba: row(model.geom_rgba, i, 4),
      body: body - 1,
      agents: agents[body],
    };
  });
}

/** Tendons that can be seen; their ends lie at bodies' origins. */
function linesOf(model: MjModel, { robot: { description } }: Task): Line[] {
  const visible = (description.tendons ?? []).filter((tendon): tendon is SpatialTendon => tendon.kind === "spatial");
  let site = 0;
  return visible.map(({ width, rgba, sites }) => {
    const bodies: [number, number] = [model.site_bodyid[site] - 1, model.site_bodyid[site + 1] - 1];
    site += sites.length;
    return { bodies, width, rgba };
  });
}

/** A frame: positions [B, 3] and quaternions [B, 4] of all bodies but the world. */
interface Frame {
  readonly positions: Float64Array;
  readonly quaternions: Float64Array;
}

/**
 * Watches copies of a task whose rows are in `memory`. Poses are those that the row's positions give, at the step's
 * end; where physics diverged, those of the last sound moment.
 */
export async function createRecorder(task: Task, memory: CopiesMemory): Promise<Recorder<Frame>> {
  const mujoco = await engine();
  const { robot } = task;
  const model = mujoco.MjModel.from_xml_string(toMjcf(robot.description));
  const data = new mujoco.MjData(model);
  const size = rowSize(task);
  const bodies = model.nbody - 1;
  const latest = new Map<number, Frame>();
  const secondsPerFrame = robot.frameSkip * robot.description.option.timestep;

  return {
    secondsPerFrame,
    capture(e, final) {
      const rows = final ? memory.finalRows : memory.rows;
      const row = rows.subarray(e * size, e * size + robot.index.positions);
      const before = latest.get(e);
      if (final && before && !row.every(Number.isFinite)) return before;
      (data.qpos as Float64Array).set(row);
      mujoco.mj_kinematics(model, data);
      const frame = {
        positions: (data.xpos as Float64Array).slice(3),
        quaternions: (data.xquat as Float64Array).slice(4),
      };
      latest.set(e, frame);
      return frame;
    },
    record(frames): BodiesRecording {
      const joined = (width: number, part: (frame: Frame) => Float64Array): Float64Array => {
        const all = new Float64Array(frames.length * bodies * width);
        frames.forEach((frame, f) => {
          all.set(part(frame), f * bodies * width);
        });
        return all;
      };
      return {
        kind: "bodies",
        frames: frames.length,
        secondsPerFrame,
        joints: task.motors.map((own) => Array.from(own, (motor) => robot.description.motors[motor].joint)),
        solids: solidsOf(model, task),
        lines: linesOf(model, task),
        poses: packPoses(
          { positions: joined(3, ({ positions }) => positions), quaternions: joined(4, (frame) => frame.quaternions) },
          bodies,
        ),
      };
    },
    close() {
      data.delete();
      model.delete();
    },
  };
}
