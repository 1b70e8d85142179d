/**
 * @file Copies of a module's environment, spread over threads: each makes its own and steps them, over shared memory.
 * What seldom happens (resets, snapshots, pictures) goes over as messages.
 */

import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { startWorker } from "../../worker.ts";
import type { EpisodeInfo, ParallelEnv, VectorEnv, VectorMoment } from "../env.ts";
import { createMoment, writeMoment } from "../moment.ts";
import { createSvgRecorder } from "../pictures.ts";
import { vectorSize } from "../spaces.ts";
import { threadsOf } from "../threads.ts";
import { makeCopies, vectorize } from "../vectorize.ts";

/** Places in the memory through which threads wake each other. */
export const signal = {
  /** Counts orders; threads sleep on it. */
  order: 0,
  /** What is ordered, one of `command`. */
  command: 1,
  /** Threads that are not done; whoever ordered sleeps on it. */
  left: 2,
} as const;

/** `ask`: what each thread has a message of; nothing, where it has none. */
export const command = { step: 0, ask: 1, close: 2 } as const;

/** What is asked of a thread by message. */
export type Request =
  | { readonly kind: "reset"; readonly seed: number }
  | { readonly kind: "snapshot" }
  | { readonly kind: "restore"; readonly snapshot: readonly unknown[] }
  /** How one of its copies looks: see `Recorder.capture`. */
  | { readonly kind: "picture"; readonly copy: number; readonly final: boolean }
  | { readonly kind: "watch" }
  | { readonly kind: "infos" };

/** Comes back from each request, and from a step that failed. */
export type Reply = { readonly value: unknown } | { readonly error: Error };

/** What a thread is started with; all arrays lie over `SharedArrayBuffer`s. */
export interface ThreadStart {
  /** The module's path. */
  readonly path: string;
  readonly options: unknown;
  /** The number of its first copy among all. */
  readonly first: number;
  readonly signals: Int32Array;
  readonly port: MessagePort;
  /** Of its copies. */
  readonly moment: VectorMoment;
  readonly actions: readonly Float32Array[];
}

/**
 * N copies of a module's environment in several threads. What they do does not depend on how many.
 * @param make makes a copy here
 * @param threads at least 2, this one among them
 */
export async function spread(
  path: string,
  make: () => Promise<ParallelEnv>,
  { numEnvs, threads, options }: { readonly numEnvs: number; readonly threads: number; readonly options: unknown },
): Promise<VectorEnv> {
  const firstOf = (thread: number): number => Math.floor((thread * numEnvs) / threads);
  const made = await makeCopies(firstOf(1), make);
  const here = vectorize(made);
  const { team } = here;
  const moment = createMoment(team, here.numEnvs);
  const allocate = (bytes: number) => new SharedArrayBuffer(bytes);
  const signals = new Int32Array(allocate(4 * 3));

  const others = Array.from({ length: threads - 1 }, (_, k) => {
    const [first, end] = [firstOf(k + 1), firstOf(k + 2)];
    const actions = team.actionSpaces.map((space) => new Float32Array(allocate(4 * (end - first) * vectorSize(space))));
    const { port1, port2 } = new MessageChannel();
    const own = { first, end, port: port1, actions, moment: createMoment(team, end - first, allocate) };
    const start: ThreadStart = { path, options, signals, ...own, port: port2 };
    return { ...own, worker: startWorker(import.meta.url, "./spread-worker", start, [port2]) };
  });
  const running = await threadsOf(
    others.map(({ worker }) => worker),
    "environment",
  );
  for (const { port } of others) port.unref();

  const order = (what: number): void => {
    Atomics.store(signals, signal.command, what);
    Atomics.store(signals, signal.left, others.length);
    Atomics.add(signals, signal.order, 1);
    Atomics.notify(signals, signal.order);
  };
  const replyOf = (port: MessagePort): Reply | undefined => receiveMessageOnPort(port)?.message;
  /** Has all threads do something, this one as well, and waits. What goes wrong anywhere is thrown when all are done. */
  function together<T>(what: number, mine: () => T, then: (mine: T, replies: unknown[]) => void): Promise<void> | void {
    running.check();
    order(what);
    let own: { readonly value: T } | { readonly error: unknown };
    try {
      own = { value: mine() };
    } catch (error) {
      own = { error };
    }
    const conclude = (): void => {
      const replies = others.map(({ port }) => replyOf(port));
      for (const reply of [own, ...replies]) if (reply && "error" in reply) throw reply.error;
      then(
        (own as { readonly value: T }).value,
        replies.map((reply) => (reply as { readonly value: unknown })?.value),
      );
    };
    const waited = running.finish(signals, signal.left);
    return waited ? waited.then(conclude) : conclude();
  }
  const ask = (requests: readonly Request[]): void => {
    others.forEach(({ port }, k) => {
      port.postMessage(requests[k]);
    });
  };
  const same = (request: Request): readonly Request[] => others.map(() => request);
  const gather = (into: VectorMoment): void => {
    writeMoment(moment, into);
    for (const { moment: theirs, first } of others) writeMoment(theirs, into, first);
  };
  /** Of a moment that no step led to, there are no results. */
  const forgetResults = (): void => {
    for (const { rewards, terminations, truncations } of [moment, ...others.map((other) => other.moment)])
      for (const results of [rewards, terminations, truncations]) results.fill(0);
  };
  const mine = (actions: readonly Float32Array[]) =>
    actions.map((taken) => taken.subarray(0, (taken.length / numEnvs) * here.numEnvs));
  const share = (actions: readonly Float32Array[]): void => {
    for (const { actions: theirs, first, end } of others) {
      for (let i = 0; i < theirs.length; i++) {
        const size = actions[i].length / numEnvs;
        theirs[i].set(actions[i].subarray(first * size, end * size));
      }
    }
  };

  return {
    numEnvs,
    team,
    reset(seed, into) {
      forgetResults();
      ask(same({ kind: "reset", seed }));
      return together(
        command.ask,
        () => here.reset(seed, moment),
        () => gather(into),
      );
    },
    step(actions, into) {
      share(actions);
      return together(
        command.step,
        () => here.step(mine(actions), moment),
        () => gather(into),
      );
    },
    async takeInfos() {
      const told: EpisodeInfo[] = [];
      ask(same({ kind: "infos" }));
      await together(
        command.ask,
        () => here.takeInfos!() as readonly EpisodeInfo[],
        (own, replies) => {
          told.push(...own);
          others.forEach(({ first }, k) => {
            const theirs = replies[k] as readonly EpisodeInfo[];
            told.push(...theirs.map(({ copy, numbers }) => ({ copy: first + copy, numbers })));
          });
        },
      );
      return told;
    },
    async snapshot() {
      let copies: unknown[] | undefined;
      ask(same({ kind: "snapshot" }));
      await together(
        command.ask,
        () => here.snapshot(),
        (own, replies) => {
          const parts = [own, ...replies] as (readonly unknown[] | undefined)[];
          copies = parts.every((part) => part !== undefined) ? parts.flat() : undefined;
        },
      );
      return copies;
    },
    restore(snapshot, into) {
      const copies = snapshot as readonly unknown[];
      forgetResults();
      ask(others.map(({ first, end }) => ({ kind: "restore", snapshot: copies.slice(first, end) })));
      return together(
        command.ask,
        () => here.restore(copies.slice(0, here.numEnvs), moment),
        () => gather(into),
      );
    },
    ...(here.recorder && {
      async recorder() {
        const own = await here.recorder!();
        ask(same({ kind: "watch" }));
        await together(
          command.ask,
          () => {},
          () => {},
        );
        const picture = (e: number, final: boolean): string => {
          const place = others.findIndex(({ first, end }) => e >= first && e < end);
          if (place < 0) return own.capture(e, final) as string;
          const { port, first } = others[place];
          port.postMessage({ kind: "picture", copy: e - first, final } satisfies Request);
          let drawn = "";
          const waited = together(
            command.ask,
            () => {},
            (_, replies) => {
              drawn = replies[place] as string;
            },
          );
          if (waited) throw new Error(`environment ${path}: render() took longer than a picture may`);
          return drawn;
        };
        return createSvgRecorder(picture, made[0].stepsPerSecond);
      },
    }),
    async close() {
      await running.close(() => order(command.close));
      for (const { port } of others) port.close();
      await here.close();
    },
  };
}
