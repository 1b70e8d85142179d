/** @file Checks that an environment keeps to the interface, for people who write one. */

import { Random } from "../random.ts";
import type { Action, ParallelEnv, StepResult } from "./env.ts";
import { svgSize } from "./pictures.ts";
import { type BoxSpace, vectorSize } from "./spaces.ts";

export interface CheckOptions {
  /** Steps of random actions, over as many episodes as they make. */
  readonly steps?: number;
  readonly seed?: number;
}

/** Everything that can be seen from outside after a reset or a step. */
interface Sight {
  readonly observations: Readonly<Record<string, readonly number[]>>;
  readonly state: readonly number[];
  readonly active: readonly string[];
  readonly result?: Pick<StepResult, "rewards" | "terminations" | "truncations">;
}

function assert(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new TypeError(message());
}

const show = (value: unknown): string => JSON.stringify(value) ?? String(value);

function checkNumbers(what: string, values: ArrayLike<number> | undefined, { size, low, high }: BoxSpace): number[] {
  assert(values && typeof values.length === "number", () => `${what} is ${show(values)}, must be an array of ${size}`);
  assert(values.length === size, () => `${what} has ${values.length} elements, its space has ${size}`);
  return Array.from({ length: size }, (_, k) => {
    const value = values[k];
    assert(Number.isFinite(value), () => `${what}[${k}] is ${value}, must be a finite number`);
    // What is computed in double precision may round to just outside float32 bounds.
    const slack = 1e-5 * Math.max(1, Math.abs(value));
    assert(
      value >= low[k] - slack && value <= high[k] + slack,
      () => `${what}[${k}] is ${value}, its space has ${low[k]} to ${high[k]}`,
    );
    return value;
  });
}

function checkTeam(env: ParallelEnv): void {
  const { agents } = env;
  assert(Array.isArray(agents) && agents.length > 0, () => `agents is ${show(agents)}, must be a list of names`);
  assert(new Set(agents).size === agents.length, () => `agents is ${show(agents)}, names must differ`);
  for (const agent of agents) {
    const observations = env.observationSpace(agent);
    assert(observations?.kind === "box", () => `observationSpace("${agent}") is ${show(observations)}, must be a box`);
    assert(observations.size > 0, () => `observationSpace("${agent}") has size 0, must be at least 1`);
    const actions = env.actionSpace(agent);
    assert(
      actions?.kind === "box" || actions?.kind === "discrete",
      () => `actionSpace("${agent}") is ${show(actions)}, must be a box or discrete`,
    );
    assert(vectorSize(actions) > 0, () => `actionSpace("${agent}") has size 0, must be at least 1`);
  }
  assert(env.stateSpace?.kind === "box", () => `stateSpace is ${show(env.stateSpace)}, must be a box`);
  assert(env.stateSpace.size > 0, () => "stateSpace has size 0, must be at least 1");
}

const activeAgents = (env: ParallelEnv): readonly string[] => env.activeAgents ?? env.agents;

function checkMask(env: ParallelEnv, agent: string): ArrayLike<number> | undefined {
  const space = env.actionSpace(agent);
  const mask = env.actionMask?.(agent);
  if (mask === undefined) return undefined;
  const what = `actionMask("${agent}")`;
  assert(space.kind === "discrete", () => `${what} is given, but its actions are continuous`);
  assert(mask.length === space.n, () => `${what} has ${mask.length} elements, its space has ${space.n}`);
  const values = Array.from(mask);
  assert(
    values.every((value) => value === 0 || value === 1),
    () => `${what} is ${show(values)}, must be of 0 and 1`,
  );
  assert(values.includes(1), () => `${what} allows nothing, must allow at least one choice`);
  return mask;
}

function randomAction(env: ParallelEnv, agent: string, random: Random): Action {
  const space = env.actionSpace(agent);
  if (space.kind === "discrete") {
    const mask = checkMask(env, agent);
    const allowed = Array.from({ length: space.n }, (_, k) => k).filter((k) => !mask || mask[k] === 1);
    return allowed[random.integer(allowed.length)];
  }
  return Float32Array.from({ length: space.size }, (_, k) =>
    Math.min(Math.max(random.normal(), space.low[k]), space.high[k]),
  );
}

function look(
  env: ParallelEnv,
  when: string,
  observations: StepResult["observations"],
  agents: readonly string[],
): Sight {
  const active = activeAgents(env);
  for (const agent of active)
    assert(env.agents.includes(agent), () => `${when}: activeAgents holds ${show(agent)}, which is not in agents`);
  return {
    observations: Object.fromEntries(
      agents.map((agent) => [
        agent,
        checkNumbers(`${when}: observation of ${agent}`, observations[agent], env.observationSpace(agent)),
      ]),
    ),
    state: checkNumbers(`${when}: state()`, env.state(), env.stateSpace),
    active: [...active],
  };
}

const assertNow = (what: string, result: unknown): void =>
  assert(!(result instanceof Promise), () => `${what} returned a promise, must return its result at once`);

function reset(env: ParallelEnv, seed?: number): Sight {
  const result = env.reset(seed === undefined ? undefined : { seed });
  assertNow("reset()", result);
  assert(result?.observations, () => `reset() returned ${show(result)}, must return { observations, infos }`);
  assert(activeAgents(env).length > 0, () => "activeAgents is empty after reset(), must hold at least one agent");
  return look(env, "after reset()", result.observations, activeAgents(env));
}

/** One step of random actions; `ended` as `vectorize` sees it. */
function step(env: ParallelEnv, random: Random, done: Set<string>): Sight & { readonly ended: boolean } {
  const acting = activeAgents(env).filter((agent) => !done.has(agent));
  const result = env.step(Object.fromEntries(acting.map((agent) => [agent, randomAction(env, agent, random)])));
  assertNow("step()", result);
  for (const field of ["observations", "rewards", "terminations", "truncations", "infos"] as const)
    assert(
      result?.[field] && typeof result[field] === "object",
      () => `step() returned no ${field}, must be values by agent`,
    );
  for (const agent of acting) {
    const reward = result.rewards[agent];
    assert(Number.isFinite(reward), () => `after step(): reward of ${agent} is ${reward}, must be a finite number`);
    for (const field of ["terminations", "truncations"] as const) {
      const value = result[field][agent];
      assert(typeof value === "boolean", () => `after step(): ${field}.${agent} is ${show(value)}, must be a boolean`);
    }
    if (result.terminations[agent] || result.truncations[agent]) done.add(agent);
  }
  const { rewards, terminations, truncations } = result;
  const sight = look(env, "after step()", result.observations, acting);
  const ended = activeAgents(env).every((agent) => done.has(agent));
  const won = Object.values(result.infos).some((info) => info?.won === true);
  assert(env.hasWins || !won, () => "infos tell of a win (won: true), but hasWins is not true");
  return { ...sight, result: { rewards, terminations, truncations }, ended };
}

/** Random steps, over as many episodes as they make. */
function play(env: ParallelEnv, random: Random, steps: number, done: Set<string>): Sight[] {
  const sights: Sight[] = [];
  for (let t = 0; t < steps; t++) {
    const { ended, ...sight } = step(env, random, done);
    sights.push(sight);
    if (!ended) continue;
    done.clear();
    sights.push(reset(env));
  }
  return sights;
}

function assertSame(one: readonly Sight[], other: readonly Sight[], what: string): void {
  const at = one.findIndex((sight, t) => show(sight) !== show(other[t]));
  assert(at < 0, () => `${what}: differs at step ${at}: ${show(one[at])} against ${show(other[at])}`);
}

/**
 * Plays random actions in `env` and checks what it says against its spaces and the interface: names, shapes, ranges,
 * finite numbers, masks, that a seed decides everything, that `render` gives SVG, and that `snapshot` and `restore` are
 * exact.
 *
 * @throws TypeError, one line: what was wrong, where, and what would be right
 */
export function checkParallelEnv(env: ParallelEnv, { steps = 200, seed = 0 }: CheckOptions = {}): void {
  checkTeam(env);
  const random = new Random(seed);
  const episode = (): Sight[] => [reset(env, seed), ...play(env, new Random(seed), steps, new Set())];
  const first = episode();
  assertSame(first, episode(), `reset({ seed: ${seed} }), twice, and the same actions`);

  if (env.render) svgSize(env.render());
  assert(!env.snapshot === !env.restore, () => "snapshot and restore must both be there, or neither");
  if (!env.snapshot || !env.restore) return;
  const done = new Set<string>();
  reset(env, seed);
  play(env, random, Math.floor(steps / 2), done);
  const saved = show(env.snapshot());
  const [going, again] = [new Set(done), new Set(done)];
  const expected = play(env, new Random(seed + 1), steps, going);
  env.restore(JSON.parse(saved));
  assertSame(expected, play(env, new Random(seed + 1), steps, again), "restore(snapshot()), and the same actions");
}
