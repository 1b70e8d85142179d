/**
 * @file MuJoCo (DeepMind's own WebAssembly build) at work on one robot: many copies take turns in one `mjData`.
 *
 * What decides a copy's future is a row of numbers: positions, velocities, the solver's warm start, and the progress
 * measured last (for some robots it comes from body positions, which MuJoCo leaves at the last substep's inner
 * evaluation and which the row's positions would not give back). A row is loaded, stepped and stored: memory stays
 * small and warm however many copies there are, and a snapshot is a copy of rows.
 */

import type { MainModule, MjData, MjModel } from "@mujoco/mujoco";
import type { Random } from "../../random.ts";
import { toMjcf } from "./description.ts";
import { type Feature, type Field, fields } from "./features.ts";
import type { Physics, Robot } from "./robot.ts";

/** Features as flat arrays, for the inner loop. */
export interface FeaturePlan {
  readonly fields: Uint8Array;
  readonly indices: Int32Array;
  /** 0: as it is, 1: sine, 2: cosine, 3: minus element `arguments[i]`, 4: clipped to ± `arguments[i]`. */
  readonly changes: Uint8Array;
  readonly arguments: Float64Array;
}

const changeCodes = { sin: 1, cos: 2, minus: 3, clip: 4 } as const;

export function planFeatures(features: readonly Feature[]): FeaturePlan {
  return {
    fields: Uint8Array.from(features, ({ field }) => fields.indexOf(field)),
    indices: Int32Array.from(features, ({ index }) => index),
    changes: Uint8Array.from(features, ({ change }) => (change ? changeCodes[change.kind] : 0)),
    arguments: Float64Array.from(features, ({ change }) =>
      change?.kind === "minus" ? change.other : change?.kind === "clip" ? change.limit : 0,
    ),
  };
}

/** How a step went. */
export interface StepOutcome {
  reward: number;
  terminated: boolean;
  /** Numbers broke down (not finite, or positions or velocities beyond 10¹⁰); the row means nothing any more. */
  diverged: boolean;
}

export interface Simulator {
  /** Numbers in a copy's row. */
  readonly rowSize: number;
  /** Starts an episode in row `row` of `rows`; a noise scale of 0 gives the exact initial state. */
  reset(rows: Float64Array, row: number, random: Random, noiseScale: number): void;
  /** One environment step of row `row`, with the motors' controls `control`; the outcome is the simulator's own. */
  step(rows: Float64Array, row: number, control: Float64Array): Readonly<StepOutcome>;
  /** Reads features of the copy that was reset or stepped last. */
  read(plan: FeaturePlan, into: Float32Array, offset: number): void;
  /** Gives back MuJoCo's memory. */
  release(): void;
}

/**
 * Has Node's compiler inline calls within WebAssembly, as it does by default from version 24 on (V8 13): the engine is
 * built of very small functions, and steps a fifth faster. The numbers are the same.
 */
function inlineWebAssembly(): void {
  const node = globalThis.process;
  const flags = Number.parseInt(node?.versions?.v8 ?? "", 10) < 13 ? ["--experimental-wasm-inlining"] : [];
  flags.push("--wasm-inlining-max-size=400", "--wasm-inlining-budget=10000");
  const { setFlagsFromString } = node?.getBuiltinModule?.("node:v8") ?? {};
  for (const flag of flags) setFlagsFromString?.(flag);
}

/** What the engine's loader says where many threads load it on few cores, and which means nothing to anybody. */
const WAITING = /^(still waiting on run dependencies:|dependency: .*|\(end of list\))$/;

let loading: Promise<MainModule> | undefined;
/** The engine, loaded once per thread. */
export function engine(): Promise<MainModule> {
  if (!loading) {
    inlineWebAssembly();
    loading = import("@mujoco/mujoco").then(({ default: loadMujoco }) =>
      loadMujoco({ printErr: (line: string) => WAITING.test(line) || console.error(line) }),
    );
  }
  return loading;
}

/** MuJoCo's own bound on healthy numbers (mjMAXVAL). */
const maximumValue = 1e10;

const allHealthy = (values: Float64Array): boolean => {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]) <= maximumValue)) return false;
  return true;
};

interface Views extends Physics {
  readonly qacc_warmstart: Float64Array;
  readonly ctrl: Float64Array;
  /** In the order of `fields`. */
  readonly byField: readonly Float64Array[];
}

function viewsOf(model: MjModel, data: MjData): Views {
  const view = (name: Field | "xipos" | "qacc_warmstart" | "ctrl"): Float64Array => data[name] as Float64Array;
  return {
    qpos: view("qpos"),
    qvel: view("qvel"),
    xpos: view("xpos"),
    xipos: view("xipos"),
    cfrc_ext: view("cfrc_ext"),
    bodyMass: model.body_mass as Float64Array,
    qacc_warmstart: view("qacc_warmstart"),
    ctrl: view("ctrl"),
    byField: fields.map((field) => view(field)),
  };
}

export async function createSimulator(robot: Robot): Promise<Simulator> {
  const mujoco = await engine();
  const model = mujoco.MjModel.from_xml_string(toMjcf(robot.description));
  const data = new mujoco.MjData(model);
  const { frameSkip, contactForces, resetNoise } = robot;
  const { positions, velocities } = robot.index;
  const rowSize = positions + 2 * velocities + 1;
  const stepSeconds = frameSkip * robot.description.option.timestep;
  const outcome: StepOutcome = { reward: 0, terminated: false, diverged: false };

  let views = viewsOf(model, data);
  /** When the engine's memory grows, views of the old memory are cut off (their length is 0) and are made again. */
  const currentViews = (): Views => {
    if (views.qpos.length === 0) views = viewsOf(model, data);
    return views;
  };

  function store({ qpos, qvel, qacc_warmstart }: Views, progress: number, rows: Float64Array, row: number): void {
    let at = row * rowSize;
    for (let i = 0; i < positions; i++) rows[at++] = qpos[i];
    for (let i = 0; i < velocities; i++) rows[at++] = qvel[i];
    for (let i = 0; i < velocities; i++) rows[at++] = qacc_warmstart[i];
    rows[at] = progress;
  }

  function reset(rows: Float64Array, row: number, random: Random, noiseScale: number): void {
    mujoco.mj_resetData(model, data);
    const { qpos, qvel } = currentViews();
    if (noiseScale > 0) {
      const { positionFactor = 1, velocity } = resetNoise;
      const scale = noiseScale * positionFactor;
      if (scale > 0) for (let i = 0; i < positions; i++) qpos[i] += scale * (2 * random.uniform() - 1);
      for (let i = 0; i < velocities; i++) {
        const noise = velocity.kind === "normal" ? random.normal() : 2 * random.uniform() - 1;
        qvel[i] = noiseScale * velocity.factor * noise;
      }
      resetNoise.arrange?.(random, qpos, qvel);
    }
    mujoco.mj_forward(model, data);
    const after = currentViews();
    store(after, robot.progress(after), rows, row);
  }

  function step(rows: Float64Array, row: number, control: Float64Array): Readonly<StepOutcome> {
    const { qpos, qvel, qacc_warmstart, ctrl } = currentViews();
    let at = row * rowSize;
    for (let i = 0; i < positions; i++) qpos[i] = rows[at++];
    for (let i = 0; i < velocities; i++) qvel[i] = rows[at++];
    for (let i = 0; i < velocities; i++) qacc_warmstart[i] = rows[at++];
    const progressBefore = rows[at];
    for (let i = 0; i < ctrl.length; i++) ctrl[i] = control[i];
    // MuJoCo starts anew, with the clock at 0, when its numbers break down: a clock that is set to 1 s tells.
    data.time = 1;
    for (let frame = 0; frame < frameSkip; frame++) mujoco.mj_step(model, data);
    if (contactForces) mujoco.mj_rnePostConstraint(model, data);
    const after = currentViews();
    let effort = 0;
    for (let i = 0; i < control.length; i++) effort += control[i] * control[i];
    const progress = robot.progress(after);
    const reward = robot.reward(after, (progress - progressBefore) / stepSeconds, effort);
    const startedAnew = data.time < 1;
    outcome.diverged = startedAnew || !Number.isFinite(reward) || !allHealthy(after.qpos) || !allHealthy(after.qvel);
    outcome.reward = outcome.diverged ? 0 : reward;
    outcome.terminated = !outcome.diverged && robot.healthy !== undefined && !robot.healthy(after);
    store(after, progress, rows, row);
    return outcome;
  }

  function read(plan: FeaturePlan, into: Float32Array, offset: number): void {
    const { byField } = currentViews();
    for (let i = 0; i < plan.fields.length; i++) {
      const field = byField[plan.fields[i]];
      const value = field[plan.indices[i]];
      const argument = plan.arguments[i];
      switch (plan.changes[i]) {
        case 0:
          into[offset + i] = value;
          break;
        case 1:
          into[offset + i] = Math.sin(value);
          break;
        case 2:
          into[offset + i] = Math.cos(value);
          break;
        case 3:
          into[offset + i] = value - field[argument];
          break;
        default:
          into[offset + i] = Math.min(Math.max(value, -argument), argument);
      }
    }
  }

  return {
    rowSize,
    reset,
    step,
    read,
    release() {
      data.delete();
      model.delete();
    },
  };
}
