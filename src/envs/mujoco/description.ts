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
    readonly gravity?: Vector3;
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

/** A pair of geoms that can touch; attributes as MJCF has them. */
interface ContactPair {
  readonly geom1: string;
  readonly geom2: string;
  readonly condim?: number;
  /** Two tangential, one torsional, two rolling. */
  readonly friction?: readonly number[];
  readonly solref?: readonly number[];
  readonly solimp?: readonly number[];
  readonly margin?: number;
}

/** MuJoCo's own, of a geom. */
const DEFAULT_FRICTION: Vector3 = [1, 0.005, 0.0001];

const frictionOf = ({ friction = DEFAULT_FRICTION }: GeomProperties): Vector3 =>
  typeof friction === "number" ? [friction, DEFAULT_FRICTION[1], DEFAULT_FRICTION[2]] : friction;

/** Masks by which two geoms can touch, where they are left to decide: see MuJoCo's "Collision detection". */
const masks = ({ contype = 1, conaffinity = 1 }: GeomProperties) => ({ contype, conaffinity });

const canTouch = (a: GeomProperties, b: GeomProperties): boolean => {
  const [one, other] = [masks(a), masks(b)];
  return (one.contype & other.conaffinity) !== 0 || (other.contype & one.conaffinity) !== 0;
};

/** What MuJoCo makes of two geoms that touch, which take their solver parameters from the same defaults. */
function contactOf(floor: Geom, geom: Geom): ContactPair {
  const [a, b] = [frictionOf(floor), frictionOf(geom)];
  const [slide, spin, roll] = a.map((value, i) => Math.max(value, b[i]));
  return {
    geom1: floor.name!,
    geom2: geom.name!,
    condim: Math.max(floor.condim ?? 3, geom.condim ?? 3),
    friction: [slide, slide, spin, roll, roll],
    ...(geom.solref && { solref: geom.solref }),
    ...(geom.solimp && { solimp: geom.solimp }),
    // Margins add up, as of MuJoCo 3.
    ...((floor.margin || geom.margin) && { margin: (floor.margin ?? 0) + (geom.margin ?? 0) }),
  };
}

/**
 * The same robot with its contacts written out, where nothing touches but robot and floor: a handful of pairs, for which
 * MuJoCo then need not search. That saves a tenth of the time and changes no number. Undefined where limbs touch each
 * other, or nothing does.
 */
function withWrittenContacts(
  robot: RobotDescription,
): { readonly robot: RobotDescription; readonly pairs: readonly ContactPair[] } | undefined {
  const { geomDefaults = {} } = robot;
  const whole = (geom: Geom): Geom => ({ ...geomDefaults, ...geom });
  let count = 0;
  const plain: Geom[] = [];
  const limbs: Geom[] = [];
  const silent = (geom: Geom): Geom => ({ ...geom, name: geom.name ?? `geom${count++}`, contype: 0, conaffinity: 0 });
  const silentBody = (body: Body): Body => {
    const geoms = body.geoms?.map(silent) ?? [];
    plain.push(...(body.geoms ?? []));
    geoms.forEach((geom, i) => {
      limbs.push({ ...whole(body.geoms![i]), name: geom.name! });
    });
    return { ...body, geoms, bodies: body.bodies?.map(silentBody) ?? [] };
  };
  const geoms = robot.geoms.map(silent);
  const floors = robot.geoms.map((geom, i) => ({ ...whole(geom), name: geoms[i].name! }));
  const bodies = robot.bodies.map(silentBody);
  const pairs = floors.flatMap((floor) =>
    limbs.filter((limb) => canTouch(floor, limb)).map((limb) => contactOf(floor, limb)),
  );
  const limbsTouch = limbs.some((a, i) => limbs.slice(i + 1).some((b) => canTouch(a, b)));
  // Solver parameters of two geoms are averaged: only where all have the defaults' is that known without a formula.
  const ownSolver = [...robot.geoms, ...plain].some(({ solref, solimp }) => solref ?? solimp);
  if (pairs.length === 0 || limbsTouch || ownSolver) return undefined;
  return { robot: { ...robot, geoms, bodies }, pairs };
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

/**
 * The MuJoCo model of a description, as MJCF text.
 * @param writeContacts whether pairs that can touch are written out where they are few; false: MuJoCo finds them
 */
export function toMjcf(description: RobotDescription, writeContacts = true): string {
  const written = writeContacts ? withWrittenContacts(description) : undefined;
  const robot = written?.robot ?? description;
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
    ...(written
      ? [
          element(
            "contact",
            {},
            written.pairs.map((pair) => element("pair", attributes(pair))),
          ),
        ]
      : []),
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
