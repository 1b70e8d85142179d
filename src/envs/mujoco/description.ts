/**
 * @file A robot's body as plain typed data, and the MuJoCo model (MJCF) made from it.
 *
 * Names and meanings of the attributes are MJCF's own: https://mujoco.readthedocs.io/en/stable/XMLreference.html.
 * Lengths are in metres, masses in kilograms; hinge ranges are in the description's `angle` unit.
 */

export type Vector3 = readonly [number, number, number];

/** How a joint behaves; what is left out comes from the description's defaults. */
export interface JointDynamics {
  readonly armature?: number;
  readonly damping?: number;
  readonly stiffness?: number;
  readonly limited?: boolean;
  readonly margin?: number;
  readonly solimplimit?: readonly number[];
  readonly solreflimit?: readonly number[];
}

export interface Joint extends JointDynamics {
  readonly name: string;
  readonly type: "hinge" | "slide" | "free";
  readonly axis?: Vector3;
  readonly pos?: Vector3;
  readonly range?: readonly [number, number];
  readonly ref?: number;
}

/** How a geom touches others and looks; what is left out comes from the description's defaults. */
export interface GeomProperties {
  readonly friction?: number | Vector3;
  readonly condim?: number;
  readonly contype?: number;
  readonly conaffinity?: number;
  readonly density?: number;
  readonly margin?: number;
  readonly solimp?: readonly number[];
  readonly solref?: readonly number[];
  readonly rgba?: readonly number[];
}

export interface Geom extends GeomProperties {
  readonly name?: string;
  readonly type: "capsule" | "sphere" | "plane" | "cylinder";
  readonly size: readonly number[];
  readonly pos?: Vector3;
  readonly fromto?: readonly number[];
  readonly axisangle?: readonly number[];
  readonly quat?: readonly number[];
}

export interface Body {
  readonly name: string;
  readonly pos?: Vector3;
  readonly quat?: readonly number[];
  readonly joints?: readonly Joint[];
  readonly geoms?: readonly Geom[];
  /** Names of points at the body's origin, where tendons are tied. */
  readonly sites?: readonly string[];
  readonly bodies?: readonly Body[];
}

/** A torque motor on one joint, controlled within ±`RobotDescription.controlLimit`. */
export interface Motor {
  readonly joint: string;
  readonly gear: number;
}

export interface FixedTendon {
  readonly kind: "fixed";
  readonly name: string;
  readonly joints: readonly { readonly joint: string; readonly coef: number }[];
}

export interface SpatialTendon {
  readonly kind: "spatial";
  readonly name: string;
  readonly sites: readonly string[];
  readonly range: readonly [number, number];
  readonly stiffness: number;
  readonly width: number;
  readonly rgba: readonly number[];
}

export interface RobotDescription {
  readonly name: string;
  readonly angle: "degree" | "radian";
  /** Solver and integrator options. */
  readonly option: {
    readonly timestep: number;
    readonly integrator?: "Euler" | "RK4";
    readonly solver?: "PGS" | "Newton";
    readonly iterations?: number;
    readonly density?: number;
    readonly viscosity?: number;
  };
  /** The whole model's mass in kg, where it is not just the sum of the geoms'. */
  readonly totalMass?: number;
  readonly jointDefaults?: JointDynamics;
  readonly geomDefaults?: GeomProperties;
  readonly geoms: readonly Geom[];
  readonly bodies: readonly Body[];
  readonly motors: readonly Motor[];
  readonly controlLimit: number;
  readonly tendons?: readonly (FixedTendon | SpatialTendon)[];
}

type Attribute = string | number | boolean | readonly number[] | undefined;

/** One XML element; attributes that are undefined are left out. */
function element(
  tag: string,
  attributes: Readonly<Record<string, Attribute>>,
  children: readonly string[] = [],
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${Array.isArray(value) ? value.join(" ") : String(value)}"`)
    .join("");
  return children.length > 0 ? `<${tag}${written}>${children.join("")}</${tag}>` : `<${tag}${written}/>`;
}

const attributes = (record: object | undefined): Record<string, Attribute> =>
  ({ ...record }) as Record<string, Attribute>;

function bodyElement(body: Body): string {
  return element("body", { name: body.name, pos: body.pos, quat: body.quat }, [
    ...(body.sites ?? []).map((name) => element("site", { name, size: 0.1 })),
    ...(body.joints ?? []).map((joint) => element("joint", attributes(joint))),
    ...(body.geoms ?? []).map((geom) => element("geom", attributes(geom))),
    ...(body.bodies ?? []).map(bodyElement),
  ]);
}

function tendonElement(tendon: FixedTendon | SpatialTendon): string {
  const { name } = tendon;
  if (tendon.kind === "fixed") {
    return element(
      "fixed",
      { name },
      tendon.joints.map((joint) => element("joint", attributes(joint))),
    );
  }
  const { range, stiffness, width, rgba } = tendon;
  return element(
    "spatial",
    { name, limited: true, range, stiffness, width, rgba },
    tendon.sites.map((site) => element("site", { site })),
  );
}

/** The MuJoCo model of a description, as MJCF text. */
export function toMjcf(robot: RobotDescription): string {
  const { controlLimit } = robot;
  return element("mujoco", { model: robot.name }, [
    element("compiler", { angle: robot.angle, inertiafromgeom: true, settotalmass: robot.totalMass }),
    // Robots are one island and few geoms: looking for more costs a tenth of the time and changes no number.
    element("option", attributes(robot.option), [element("flag", { island: "disable", midphase: "disable" })]),
    element("default", {}, [
      element("joint", attributes(robot.jointDefaults)),
      element("geom", attributes(robot.geomDefaults)),
      element("motor", { ctrllimited: true, ctrlrange: [-controlLimit, controlLimit] }),
    ]),
    element("worldbody", {}, [
      ...robot.geoms.map((geom) => element("geom", attributes(geom))),
      ...robot.bodies.map(bodyElement),
    ]),
    ...(robot.tendons ? [element("tendon", {}, robot.tendons.map(tendonElement))] : []),
    element(
      "actuator",
      {},
      robot.motors.map(({ joint, gear }) => element("motor", { name: joint, joint, gear })),
    ),
  ]);
}

/** Where MuJoCo puts a joint's numbers. */
export interface JointAddress {
  readonly type: Joint["type"];
  /** Its first index in `qpos`. */
  readonly position: number;
  /** Its first index in `qvel` and in everything else that has one number per degree of freedom. */
  readonly velocity: number;
}

/** Where MuJoCo puts a robot's numbers. */
export interface RobotIndex {
  readonly positions: number;
  readonly velocities: number;
  readonly joints: ReadonlyMap<string, JointAddress>;
  /** By body number; 0 is the world. */
  readonly bodies: readonly string[];
  /** By joint name. */
  readonly motors: ReadonlyMap<string, number>;
}

/** Numbers joints and bodies as MuJoCo does: depth first, in the order of the description. */
export function indexRobot(robot: RobotDescription): RobotIndex {
  const joints = new Map<string, JointAddress>();
  const bodies = ["world"];
  let positions = 0;
  let velocities = 0;
  const visit = (body: Body): void => {
    bodies.push(body.name);
    for (const { name, type } of body.joints ?? []) {
      joints.set(name, { type, position: positions, velocity: velocities });
      positions += type === "free" ? 7 : 1;
      velocities += type === "free" ? 6 : 1;
    }
    body.bodies?.forEach(visit);
  };
  robot.bodies.forEach(visit);
  return { positions, velocities, joints, bodies, motors: new Map(robot.motors.map(({ joint }, i) => [joint, i])) };
}
