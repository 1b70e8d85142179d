/** @file Numbers that can be observed: where they stand in MuJoCo's memory, what is done to them, what they mean. */

import { InputError } from "../../errors.ts";
import type { RobotIndex } from "./description.ts";

/** Arrays of `mjData` that observations are taken from, by MuJoCo's names. */
export const fields = [
  "qpos",
  "qvel",
  "qfrc_actuator",
  "cinert",
  "cvel",
  "cfrc_ext",
  "xpos",
  "ten_J",
  "ten_length",
  "ten_velocity",
] as const;
export type Field = (typeof fields)[number];

/** One observed number: an element of a field, as it is or changed. */
export interface Feature {
  readonly field: Field;
  readonly index: number;
  /** `minus`: the same field's element `other` is taken away. `clip`: into ±`limit`. */
  readonly change?:
    | { readonly kind: "sin" | "cos" }
    | { readonly kind: "minus"; readonly other: number }
    | { readonly kind: "clip"; readonly limit: number };
}

/** Elements `start` to `end` − 1 of a field. */
export const range = (field: Field, start: number, end: number, change?: Feature["change"]): readonly Feature[] =>
  Array.from({ length: end - start }, (_, i) => ({ field, index: start + i, ...(change && { change }) }));

/** Numbers per body of the fields that have a row of them for each. */
export const bodyRow = { cinert: 10, cvel: 6, cfrc_ext: 6 } as const;
export type BodyField = keyof typeof bodyRow;
export const isBodyField = (field: string): field is BodyField => field in bodyRow;

const axes = ["x", "y", "z"] as const;

/** By element of a body's row (spatial vectors are rotation first: MuJoCo's com-based coordinates). */
const bodyLabels: Readonly<Record<BodyField, readonly string[]>> = {
  cinert: [
    ...["xx", "yy", "zz", "xy", "xz", "yz"].map((axis) => `inertia ${axis} (kg m²)`),
    ...axes.map((axis) => `mass × offset ${axis} (kg m)`),
    "mass (kg)",
  ],
  cvel: [...axes.map((axis) => `angular velocity ${axis} (rad/s)`), ...axes.map((axis) => `velocity ${axis} (m/s)`)],
  cfrc_ext: [...axes.map((axis) => `contact torque ${axis} (N m)`), ...axes.map((axis) => `contact force ${axis} (N)`)],
};

function plainLabel(field: Field, index: number, robot: RobotIndex): string {
  if (isBodyField(field)) {
    const row = bodyRow[field];
    return `${robot.bodies[Math.floor(index / row)]} ${bodyLabels[field][index % row]}`;
  }
  if (field === "xpos") return `${robot.bodies[Math.floor(index / 3)]} ${axes[index % 3]} (m)`;
  if (field === "ten_J") return `tendon Jacobian, entry ${index}`;
  if (field === "ten_length") return "tendon length (m)";
  if (field === "ten_velocity") return "tendon velocity (m/s)";
  for (const [name, { type, position, velocity }] of robot.joints) {
    const offset = index - (field === "qpos" ? position : velocity);
    if (offset < 0 || offset >= (type === "free" ? (field === "qpos" ? 7 : 6) : 1)) continue;
    if (field === "qfrc_actuator") return `${name} motor ${type === "slide" ? "force (N)" : "torque (N m)"}`;
    if (type === "free") {
      if (offset < 3)
        return `${name} ${field === "qpos" ? "position" : "velocity"} ${axes[offset]} ${field === "qpos" ? "(m)" : "(m/s)"}`;
      if (field === "qvel") return `${name} angular velocity ${axes[offset - 3]} (rad/s)`;
      return `${name} orientation ${["w", "x", "y", "z"][offset - 3]} (quaternion)`;
    }
    if (field === "qpos") return `${name} ${type === "slide" ? "position (m)" : "angle (rad)"}`;
    return `${name} ${type === "slide" ? "velocity (m/s)" : "angular velocity (rad/s)"}`;
  }
  throw new InputError(`${field} has no element ${index}`);
}

/** What a feature means, with its unit. */
export function featureLabel({ field, index, change }: Feature, robot: RobotIndex): string {
  const label = plainLabel(field, index, robot);
  if (!change) return label;
  if (change.kind === "clip") return `${label}, clipped to ±${change.limit}`;
  if (change.kind === "minus") return `${label} minus ${plainLabel(field, change.other, robot)}`;
  return `${change.kind} of ${label.replace(" (rad)", "")}`;
}
