/**
 * @file An environment of your own: two couriers on a street must meet, and it does not matter where.
 *
 * Train on it from the command line (`npx bpta train ./examples/custom-env.ts --set env.options.places=9`), or run this
 * file (`npx tsx examples/custom-env.ts`); then watch them: `npx bpta render runs/custom-env-bppo-seed0 --out couriers.html`.
 *
 * A courier observes two numbers. Of so few, the LayerNorm on what goes into a policy leaves little (a notice says so), so
 * it is switched off below.
 */

import { fileURLToPath } from "node:url";
import { box, checkParallelEnv, discrete, type ParallelEnv, Random, train } from "bpta";

/** Steps after which the couriers give up for the day: a truncation, since the street goes on existing. */
const TIME_LIMIT = 20;

/**
 * The street has `places` places in a row, and each courier starts at one of them. A step goes left, stays or goes
 * right; what leads off the street is not allowed. When they stand next to each other, one has to wait: if both walk,
 * they pass each other. Every step costs both 1/20, and the episode is won when they stand at one place.
 */
export default function couriers({ places = 7 } = {}): ParallelEnv {
  const agents = ["red", "blue"];
  // What is going on, as plain data: that makes snapshots easy.
  let state = { positions: [0, 0], time: 0, random: new Random(0).state };

  const positionOf = (agent: string): number => state.positions[agents.indexOf(agent)];
  const observe = (agent: string): number[] => {
    const other = agent === "red" ? "blue" : "red";
    return [positionOf(agent) / (places - 1), (positionOf(other) - positionOf(agent)) / (places - 1)];
  };
  const byAgent = <T>(value: (agent: string) => T): Record<string, T> =>
    Object.fromEntries(agents.map((agent) => [agent, value(agent)]));

  return {
    agents,
    hasWins: true,
    observationSpace: () => box(2, [0, -1], [1, 1], ["own place", "way to the other"]),
    actionSpace: () => discrete(3, ["left", "stay", "right"]),
    stateSpace: box(3, 0, 1, ["place of red", "place of blue", "time"]),
    actionMask: (agent) => [positionOf(agent) > 0 ? 1 : 0, 1, positionOf(agent) < places - 1 ? 1 : 0],
    reset({ seed } = {}) {
      const random = seed === undefined ? Random.fromState(state.random) : new Random(seed);
      const red = random.integer(places);
      const blue = (red + 1 + random.integer(places - 1)) % places;
      state = { positions: [red, blue], time: 0, random: random.state };
      return { observations: byAgent(observe), infos: {} };
    },
    step(actions) {
      state.positions = agents.map((agent) => positionOf(agent) + (actions[agent] as number) - 1);
      state.time += 1;
      const met = state.positions[0] === state.positions[1];
      return {
        observations: byAgent(observe),
        rewards: byAgent(() => (met ? 1 : 0) - 1 / TIME_LIMIT),
        terminations: byAgent(() => met),
        truncations: byAgent(() => !met && state.time === TIME_LIMIT),
        // What is told at an episode's end becomes a metric: `info.minutes`.
        infos: byAgent(() => ({ won: met, minutes: state.time })),
      };
    },
    state: () => [...state.positions.map((position) => position / (places - 1)), state.time / TIME_LIMIT],
    snapshot: () => structuredClone(state),
    restore(snapshot) {
      state = structuredClone(snapshot as typeof state);
    },
    // For `bpta render`: the street from above, both couriers on it.
    render: () => `<svg viewBox="0 0 ${40 * places} 60">
      <rect width="${40 * places}" height="60" fill="#dde3ea"/>
      ${Array.from({ length: places }, (_, k) => `<rect x="${40 * k + 2}" y="20" width="36" height="38" fill="#fff"/>`).join("")}
      ${agents.map((agent, i) => `<circle cx="${40 * positionOf(agent) + 14 + 12 * i}" cy="39" r="10" fill="${agent}"/>`).join("")}
      <text x="4" y="14" font-size="12">minute ${state.time}</text>
    </svg>`,
    stepsPerSecond: 2,
  };
}

const thisFile = fileURLToPath(import.meta.url);
if (process.argv[1] === thisFile) {
  checkParallelEnv(couriers());
  // Not awaited: training imports this very file, which must have been read to its end by then.
  train({
    env: { id: thisFile },
    policy: { featureNormalization: false },
    rollout: { environments: 32, length: 50 },
    steps: 64_000,
  }).then(({ path, evaluation }) => {
    console.log(`the couriers meet in ${100 * (evaluation.winRate ?? 0)} % of their episodes; the run is in ${path}`);
  });
}
