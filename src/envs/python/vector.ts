/** @file Copies of a Python environment in one process or several, as a `VectorEnv`. */

import { availableParallelism } from "node:os";
import { InputError } from "../../errors.ts";
import type { TeamSpec, VectorEnv, VectorEnvPart, VectorMoment } from "../env.ts";
import type { Numbers } from "../infos.ts";
import { createPngRecorder } from "../pictures.ts";
import type { Recorder } from "../recording.ts";
import { box, discrete, type Space } from "../spaces.ts";
import { environmentSeed } from "../vectorize.ts";
import { address, answer, messageOf, request } from "./message.ts";
import {
  type CopyGroup,
  type Opened,
  ProcessGoneError,
  type PythonProcess,
  type ServedCopies,
  startProcess,
  type WireSpace,
} from "./process.ts";
import {
  type ActionMessage,
  actionBytes,
  createActionMessage,
  createMomentMessage,
  type MomentMessage,
} from "./wire.ts";

/** Steps of all copies within which replaced processes are counted for `maxRestarts`. */
const RESTART_WINDOW = 1_000;

/** Copies that are worth stepping in two parts, so that one steps while actions are drawn for the other. */
const WORTH_PARTING = 8;

/**
 * Bytes of actions that may be under way to a process while it writes an answer: fewer than a pipe holds anywhere, so
 * that the two never wait for each other to read.
 */
const ACTIONS_UNDER_WAY = 1 << 14;

export interface PythonVectorSettings extends Omit<ServedCopies, "groups" | "draws" | "awake" | "python"> {
  /** The Python to run; null: BPTA_PYTHON, or else python3. */
  readonly python: string | null;
  /** N */
  readonly numEnvs: number;
  readonly processes: number;
  /** Processes that may be replaced within 1,000 steps before the run stops. */
  readonly maxRestarts: number;
}

/** A `VectorEnv` whose copies can be seen. */
export interface PythonVectorEnv extends VectorEnv {
  /** How copy e looks now, or, `final`, how its last episode ended, if it was asked for before: a PNG. */
  picture(e: number, final: boolean): Uint8Array;
  /** What an adapter's `scene` tells of copy e: how it looks now, or, `final`, how its last episode ended. */
  scene(e: number, final: boolean): unknown;
}

function spaceOf(space: WireSpace & { readonly kind: "box" }): ReturnType<typeof box>;
function spaceOf(space: WireSpace): Space;
function spaceOf(space: WireSpace): Space {
  if (space.kind === "discrete") return discrete(space.n);
  const bounds = (side: readonly (number | null)[], infinite: number) => side.map((value) => value ?? infinite);
  return box(space.size, bounds(space.low, Number.NEGATIVE_INFINITY), bounds(space.high, Number.POSITIVE_INFINITY));
}

const teamOf = (opened: Opened): TeamSpec => ({
  agents: opened.agents,
  observationSpaces: opened.observationSpaces.map((space) => spaceOf(space)),
  actionSpaces: opened.actionSpaces.map((space) => spaceOf(space)),
  stateSpace: spaceOf(opened.stateSpace),
  hasActionMasks: opened.hasActionMasks,
  hasInactiveAgents: opened.hasInactiveAgents,
  hasWins: opened.hasWins,
});

/** One process's copies of one part. */
interface Group extends CopyGroup {
  readonly server: Server;
  /** In the process. */
  readonly number: number;
  readonly actions: ActionMessage;
  readonly moment: MomentMessage;
  /** `lost`: its episodes ended with a process that is gone, which the next step has to tell. */
  state: "idle" | "asked" | "lost";
}

/** A process, and how often it came after one that is gone. */
interface Server {
  served: ServedCopies;
  process: PythonProcess;
  readonly groups: Group[];
  restarts: number;
}

/**
 * The copies that each process has of each part, in order. Those of a part are spread over all processes: over as many
 * as it has copies, where there are more, and the next part from the other end.
 */
function shareCopies(numEnvs: number, processes: number, parts: number): readonly (readonly CopyGroup[])[] {
  const count = Math.max(1, Math.min(processes, numEnvs));
  const partSize = numEnvs / parts;
  return Array.from({ length: count }, (_, p) =>
    Array.from({ length: parts }, (_, part) => {
      const place = part % 2 === 0 ? p : count - 1 - p;
      const [first, end] = [place, place + 1].map((q) => Math.floor((q * partSize) / count));
      return { first: part * partSize + first, copies: end - first };
    }).filter(({ copies }) => copies > 0),
  ).filter((groups) => groups.length > 0);
}

/** Starts processes beside each other, all or none. */
function startAll(all: readonly ServedCopies[]): PythonProcess[] {
  const starting: ReturnType<typeof startProcess>[] = [];
  try {
    for (const served of all) starting.push(startProcess(served));
    return starting.map(({ finish }) => finish());
  } catch (error) {
    for (const { cancel } of starting) cancel();
    throw error;
  }
}

/**
 * Starts the processes and makes the copies.
 * @throws InputError where Python, a package or an option is missing or wrong
 */
export function createPythonVectorEnv(settings: PythonVectorSettings): PythonVectorEnv {
  const { numEnvs, processes, maxRestarts, ...served } = settings;
  const shared = { ...served, python: settings.python ?? (process.env.BPTA_PYTHON || "python3") };
  const { id, timeLimitSeconds } = settings;

  const partCount = numEnvs >= WORTH_PARTING && numEnvs % 2 === 0 ? 2 : 1;
  const partSize = numEnvs / partCount;
  const shares = shareCopies(numEnvs, processes, partCount);
  // Not where they would take each other's cores.
  const awake = shares.length < availableParallelism();
  const serve = (groups: readonly CopyGroup[], draws: boolean): ServedCopies => ({ ...shared, groups, draws, awake });
  const started = startAll(shares.map((groups) => serve(groups, false)));
  const team = teamOf(started[0].opened);
  const servers = started.map((process, p): Server => {
    const server: Server = { served: serve(shares[p], false), process, groups: [], restarts: 0 };
    shares[p].forEach(({ first, copies }, number) => {
      const [actions, moment] = [createActionMessage(team, copies), createMomentMessage(team, copies)];
      address(actions.bytes, request.step, number);
      server.groups.push({ server, number, first, copies, actions, moment, state: "idle" });
    });
    return server;
  });
  const groups = servers.flatMap((server) => server.groups);
  const groupsOf = Array.from({ length: partCount }, (_, part) =>
    groups.filter(({ first }) => Math.floor(first / partSize) === part),
  );
  const closeAll = async (now: boolean): Promise<void> => {
    await Promise.all(servers.map(({ process }) => process.close(now)));
  };
  /** Does something, after which, if it fails, there is nothing left to go on with. */
  const orClose = <T>(what: () => T): T => {
    try {
      return what();
    } catch (error) {
      void closeAll(true);
      throw error;
    }
  };

  let seed = 0;
  let steps = 0;
  let restarts = 0;
  /** At which steps processes were replaced. */
  let replacedAt: number[] = [];

  const askForReset = ({ server, number, first, copies }: Group): void => {
    const seeds = Float64Array.from({ length: copies }, (_, e) => {
      const own = environmentSeed(seed, first + e);
      return server.restarts === 0 ? own : environmentSeed(own, server.restarts);
    });
    server.process.send(messageOf(request.reset, number, new Uint8Array(seeds.buffer)));
  };
  const receive = ({ server: { process }, number, moment: { bytes, shortest } }: Group): void =>
    process.receiveMoment(number, bytes, shortest);
  const read = ({ moment, first }: Group, into: VectorMoment, to: number, results: boolean): void => {
    const fault = moment.read(into, to, results);
    if (fault) throw new Error(`environment ${id}, copy ${first + fault.copy}: ${fault.what}`);
  };

  /** Starts a process in place of one that is gone; its copies begin. False: it is gone, too. */
  const startAgain = (server: Server): boolean => {
    try {
      server.process = startProcess(server.served).finish();
      for (const group of server.groups) {
        askForReset(group);
        receive(group);
      }
      return true;
    } catch (error) {
      if (!(error instanceof ProcessGoneError)) throw error;
      return false;
    }
  };
  /** A new process takes the place of one that is gone; its episodes end, truncated, where they were last seen. */
  const replace = (server: Server): void => {
    const last = server.groups.map(({ moment }) => moment.seen());
    do {
      restarts += 1;
      replacedAt = [...replacedAt.filter((step) => step > steps - RESTART_WINDOW), steps];
      void server.process.close(true);
      if (replacedAt.length > maxRestarts)
        throw new Error(
          `environment ${id}: its Python processes crashed, or took longer than ${timeLimitSeconds} s for a step (env.options.timeLimitSeconds), ${replacedAt.length} times within ${RESTART_WINDOW} steps; env.options.maxRestarts allows ${maxRestarts}. What they said last is on stderr`,
        );
      server.restarts += 1;
    } while (!startAgain(server));
    server.groups.forEach((group, g) => {
      group.moment.truncate(last[g]);
      group.state = "lost";
    });
  };

  /** Asks for a step; rows of `actions` are the group's from `from` on. */
  const begin = (group: Group, actions: readonly Float32Array[], from: number): void => {
    if (group.state === "lost") return;
    group.actions.write(actions, from);
    group.state = "asked";
    try {
      group.server.process.step(group.number, group.actions.bytes);
    } catch (error) {
      // That the process is gone is noticed when its answer is waited for.
      if (!(error instanceof ProcessGoneError)) throw error;
    }
  };
  const finish = (group: Group, moment: VectorMoment, to: number): void => {
    if (group.state === "asked") {
      try {
        receive(group);
      } catch (error) {
        if (!(error instanceof ProcessGoneError)) throw error;
        replace(group.server);
      }
    }
    group.state = "idle";
    read(group, moment, to, true);
  };

  const parts = groupsOf.map((own, part): VectorEnvPart => {
    const start = part * partSize;
    return {
      begin(actions) {
        if (part === 0) steps += 1;
        orClose(() => {
          for (const group of own) begin(group, actions, group.first - start);
        });
      },
      finish(moment) {
        orClose(() => {
          for (const group of own) finish(group, moment, group.first - start);
        });
      },
    };
  });
  const canPart = partCount > 1 && numEnvs * actionBytes(team) <= ACTIONS_UNDER_WAY;

  const ask = (kind: number, answerKind: number, e: number, final: boolean): Uint8Array =>
    orClose(() => {
      const { server, number, first } = groups.find(({ first, copies }) => first <= e && e < first + copies)!;
      try {
        const asked = Uint32Array.of(e - first, final ? 1 : 0);
        server.process.send(messageOf(kind, number, new Uint8Array(asked.buffer)));
        return server.process.receive(answerKind);
      } catch (error) {
        if (!(error instanceof ProcessGoneError)) throw error;
        throw new Error(
          `environment ${id}: its Python process crashed, or took longer than ${timeLimitSeconds} s (env.options.timeLimitSeconds), while it drew. What it said last is on stderr`,
          { cause: error },
        );
      }
    });
  const picture = (e: number, final: boolean): Uint8Array => ask(request.render, answer.frame, e, final);

  return {
    numEnvs,
    team,
    ...(canPart && { parts }),
    reset(from, moment) {
      seed = from;
      try {
        for (const group of groups) askForReset(group);
        for (const group of groups) {
          receive(group);
          group.state = "idle";
          read(group, moment, group.first, false);
        }
      } catch (error) {
        void closeAll(true);
        if (!(error instanceof ProcessGoneError)) throw error;
        throw new Error(`environment ${id}: ${error.message}, at a reset`, { cause: error });
      }
    },
    step(taken, moment) {
      steps += 1;
      orClose(() => {
        // Parts that may not be under way together are stepped one after the other.
        for (const together of canPart ? [groups] : groupsOf) {
          for (const group of together) begin(group, taken, group.first);
          for (const group of together) finish(group, moment, group.first);
        }
      });
    },
    picture,
    scene: (e, final) => JSON.parse(Buffer.from(ask(request.scene, answer.seen, e, final)).toString()),
    async recorder(): Promise<Recorder> {
      if (!servers[0].process.opened.renders) {
        // These were made to be stepped, not to be seen.
        await closeAll(false);
        const drawing = servers.map(({ served }): ServedCopies => ({ ...served, draws: true }));
        startAll(drawing).forEach((process, p) => {
          servers[p].process = process;
          servers[p].served = drawing[p];
        });
      }
      const { renders, stepsPerSecond } = servers[0].process.opened;
      if (!renders) {
        void closeAll(true);
        throw new InputError(
          `environment ${id} has no pictures: it can't be made with render_mode="rgb_array", so it can't be rendered`,
        );
      }
      return createPngRecorder(picture, stepsPerSecond);
    },
    counters: () => ({ restarts }),
    takeInfos: () =>
      orClose(() =>
        groups.flatMap(({ server: { process }, number, first }) => {
          try {
            process.send(messageOf(request.infos, number, new Uint8Array()));
            const told = JSON.parse(Buffer.from(process.receive(answer.told)).toString()) as [number, Numbers][];
            return told.map(([copy, numbers]) => ({ copy: first + copy, numbers }));
          } catch (error) {
            // That the process is gone is for the next step to notice, which replaces it.
            if (!(error instanceof ProcessGoneError)) throw error;
            return [];
          }
        }),
      ),
    // What Python holds can't be had: a resumed run begins new episodes.
    snapshot: () => undefined,
    restore() {
      throw new Error(`environment ${id} has no snapshots`);
    },
    close: () => closeAll(false),
  };
}
