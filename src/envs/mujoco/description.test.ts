import loadMujoco from "@mujoco/mujoco";
import { expect, test } from "vitest";
import { Random } from "../../random.ts";
import { toMjcf } from "./description.ts";
import { findRobot } from "./find.ts";
import { referenceOptions } from "./options.ts";

test.each(["HalfCheetah-6x1", "Walker2d-3x2", "Ant-4x2", "ManySegmentAnt-2x3", "CoupledHalfCheetah-1p1"])(
  "written contacts are those that MuJoCo finds, to the last bit: %s",
  async (id) => {
    const { description } = findRobot(id, referenceOptions);
    const mujoco = await loadMujoco();
    const [found, written] = [false, true].map((writeContacts) => toMjcf(description, writeContacts));
    expect(found).not.toContain("<pair");
    expect(written).toContain("<pair");
    const runs = [found, written].map((xml) => {
      const model = mujoco.MjModel.from_xml_string(xml);
      return { model, data: new mujoco.MjData(model) };
    });
    const random = new Random(3);
    const control = new Float64Array(description.motors.length);
    let touching = 0;
    for (let step = 0; step < 400; step++) {
      for (let i = 0; i < control.length; i++) control[i] = description.controlLimit * (2 * random.uniform() - 1);
      for (const { model, data } of runs) {
        (data.ctrl as Float64Array).set(control);
        mujoco.mj_step(model, data);
      }
      const [a, b] = runs.map(({ data }) => ({ qpos: [...(data.qpos as Float64Array)], contacts: data.ncon }));
      expect(b).toEqual(a);
      touching += a.contacts;
    }
    expect(touching).toBeGreaterThan(100);
    for (const { model, data } of runs) {
      data.delete();
      model.delete();
    }
  },
);

test("robots whose limbs touch each other, and those that touch nothing, are left as they are", () => {
  for (const id of ["Humanoid-9|8", "Hopper-3x1", "Swimmer-2x1", "Reacher-2x1"])
    expect(toMjcf(findRobot(id, referenceOptions).description)).not.toContain("<pair");
});
