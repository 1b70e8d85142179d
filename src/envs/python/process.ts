/**
 * @file One Python process that serves copies of an environment: requests and answers over pipes, and steps through
 * memory that both see, where there is such (python/README.md).
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../errors.ts";
import { type GroupPlaces, openMemory, type SharedMemory } from "./memory.ts";
import { answer, HEADER_BYTES, kindOf, messageOf, payloadBytes, request } from "./message.ts";
import { createPatience } from "./patience.ts";
import { watchProcess } from "./watch.ts";

/**
 * Seconds that a process may take at least to import what it needs and make its copies; and to close them in the end,
 * before it is killed: a game, or what writes a film, has things to put away.
 */
const [STARTING_SECONDS, CLOSING_SECONDS] = [60, 10];

/** Version of the protocol. */
const VERSION = 4;

/** Where the Python package lies: `python/` of the repository and of the npm package alike. */
const packageDirectory = fileURLToPath(new URL("../../../python", import.meta.url));

/** What a process is asked to serve. */
export interface ServedCopies {
  /** Of the environment, for errors. */
  readonly id: string;
  readonly python: string;
  readonly module: string;
  readonly variant: string | null;
  readonly args: Readonly<Record<string, unknown>>;
  /** Copies that are stepped together. */
  readonly groups: readonly CopyGroup[];
  /** Whether there should be pictures, if the environment can draw any. */
  readonly draws: boolean;
  /** Whether there is a core for each side, so that they may wait for each other awake, a little. */
  readonly awake: boolean;
  readonly timeLimitSeconds: number;
}

export interface CopyGroup {
  /** Number of the first copy among all. */
  readonly first: number;
  readonly copies: number;
}

/** A space, as it comes; a bound that is null is infinite. */
export type WireSpace =
  | { readonly kind: "discrete"; readonly n: number }
  | {
      readonly kind: "box";
      readonly size: number;
      readonly low: readonly (number | null)[];
      readonly high: readonly (number | null)[];
    };

/** The handshake's answer. */
export interface Opened {
  readonly version: number;
  /** By group, its places in the memory; null: steps go over the pipes. */
  readonly memory: readonly GroupPlaces[] | null;
  readonly agents: readonly string[];
  readonly observationSpaces: readonly (WireSpace & { readonly kind: "box" })[];
  readonly actionSpaces: readonly WireSpace[];
  readonly stateSpace: WireSpace & { readonly kind: "box" };
  readonly hasActionMasks: boolean;
  readonly hasInactiveAgents: boolean;
  readonly hasWins: boolean;
  readonly renders: boolean;
  readonly stepsPerSecond: number | null;
}

/** The process is gone: it crashed, was killed, or took longer than its time limit. */
export class ProcessGoneError extends Error {
  override readonly name = "ProcessGoneError";
}

/**
 * A process, and this thread's ends of its pipes. Reading waits in the system's own call, which costs less than going
 * through the event loop at every step; `watch.ts` sees to it that it never waits for ever.
 */
export interface PythonProcess {
  readonly opened: Opened;
  /** Sends a message. Its memory may be used again at once. */
  send(message: Uint8Array): void;
  /** Asks a group for its step, by a message that is addressed to it; as `send`. */
  step(group: number, message: Uint8Array): void;
  /**
   * Waits for the answer to the request that was sent first of those without one.
   * @returns its payload
   * @throws ProcessGoneError; Error with the Python exception and its traceback
   */
  receive(kind: number): Uint8Array;
  /**
   * Waits for a moment of a group, as `receive` does, and puts it, header first, into `into`.
   * @param shortest how long it is at least, header and all
   */
  receiveMoment(group: number, into: Uint8Array, shortest: number): void;
  /** Ends it at once where `now`, else when it has closed its copies: resolves when it has ended. */
  close(now?: boolean): Promise<void>;
}

interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** A pipe whose ends block, which Node can make in no other way: two ends of a file that is unlinked at once. */
function createPipe(path: string): Pipe {
  const made = spawnSync("mkfifo", ["-m", "600", path], { encoding: "utf8" });
  if (made.error || made.status !== 0)
    throw new InputError(
      `environments in Python need mkfifo, as Linux and macOS have it (${made.error?.message ?? made.stderr.trim()})`,
    );
  // With an end that is both, opening the others does not wait.
  const both = openSync(path, constants.O_RDWR);
  const pipe = { read: openSync(path, constants.O_RDONLY), write: openSync(path, constants.O_WRONLY) };
  closeSync(both);
  return pipe;
}

interface Started {
  readonly child: ChildProcess;
  readonly requests: number;
  readonly answers: number;
  readonly memory: SharedMemory | undefined;
}

function startPython(python: string, id: string, awake: boolean): Started {
  const memory = awake ? openMemory() : undefined;
  const directory = mkdtempSync(join(tmpdir(), "bpta-python-"));
  try {
    const requests = createPipe(join(directory, "requests"));
    const answers = createPipe(join(directory, "answers"));
    const { PYTHONPATH } = process.env;
    // The fourth descriptor is number 3.
    const child = spawn(python, ["-u", "-m", "bpta_env", ...(memory ? ["3"] : [])], {
      stdio: [requests.read, answers.write, "inherit", ...(memory ? [memory.descriptor] : [])],
      env: {
        ...process.env,
        PYTHONPATH: [packageDirectory, process.cwd(), ...(PYTHONPATH ? [PYTHONPATH] : [])].join(delimiter),
        // One process is one core: threads of linear algebra only get into each other's way.
        OMP_NUM_THREADS: process.env.OMP_NUM_THREADS ?? "1",
        PYGAME_HIDE_SUPPORT_PROMPT: "1",
      },
    });
    // Without a listener, a missing program would end ours.
    child.on("error", () => {});
    closeSync(requests.read);
    closeSync(answers.write);
    if (child.pid === undefined) {
      closeSync(requests.write);
      closeSync(answers.read);
      memory?.close();
      throw new InputError(
        `environment ${id}: there is no ${python} to run; install Python 3.9 or later, or set env.options.python or BPTA_PYTHON to its path`,
      );
    }
    // A forgotten environment does not keep the process alive.
    child.unref();
    return { child, requests: requests.write, answers: answers.read, memory };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Starts a process; `finish` waits until its copies are made. Several can be started before the first is waited for. */
export function startProcess(served: ServedCopies): { finish(): PythonProcess; cancel(): void } {
  const { id, python, timeLimitSeconds, awake, ...what } = served;
  const { child, requests, answers, memory } = startPython(python, id, awake);
  const watch = watchProcess(child.pid!, 1000 * timeLimitSeconds);
  const startingSeconds = Math.max(timeLimitSeconds, STARTING_SECONDS);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let open = true;
  /** Whether steps go through the memory. */
  let shares = false;
  const patience = createPatience((awake) => memory?.setAwake(awake));
  const wake = messageOf(request.wake, 0, new Uint8Array());

  const gone = (): ProcessGoneError => new ProcessGoneError(`the Python process ${child.pid} is gone`);
  const close = async (now = false): Promise<void> => {
    if (!open) return;
    open = false;
    watch.end();
    closeSync(requests);
    closeSync(answers);
    memory?.close();
    if (now) {
      child.kill("SIGKILL");
      return;
    }
    child.ref();
    const killer = setTimeout(() => child.kill("SIGKILL"), 1000 * CLOSING_SECONDS);
    await ended;
    clearTimeout(killer);
  };
  const write = (bytes: Uint8Array): void => {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(requests, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPIPE") throw gone();
      throw error;
    }
  };
  /** Reads until there are `to` bytes in all. */
  const read = (into: Uint8Array, from: number, to: number): number => {
    let got = from;
    while (got < to) {
      const count = readSync(answers, into, got, to - got, null);
      if (count === 0) throw gone();
      got += count;
      // An error is short, and the last that there is to read.
      if (got >= HEADER_BYTES && kindOf(into) === answer.error) break;
    }
    return got;
  };
  const send = (message: Uint8Array): void => {
    if (!open) throw gone();
    watch.during(() => write(message));
  };
  const step = (group: number, message: Uint8Array): void => {
    if (!open) throw gone();
    if (!memory || !shares) send(message);
    else if (memory.ask(group, message.subarray(HEADER_BYTES))) send(wake);
  };
  /**
   * Reads an answer, header first, into `into`, or into memory of its own if that is too small.
   * @param atLeast how long it is, header and all, unless it is an error
   */
  const readAnswer = (
    kind: number,
    into: Uint8Array = new Uint8Array(HEADER_BYTES),
    atLeast = HEADER_BYTES,
  ): Uint8Array => {
    const got = read(into, 0, atLeast);
    const end = HEADER_BYTES + payloadBytes(into);
    let whole = into;
    if (end > into.length) {
      whole = new Uint8Array(end);
      whole.set(into.subarray(0, got));
    }
    read(whole, got, end);
    const payload = whole.subarray(HEADER_BYTES, end);
    const came = kindOf(whole);
    // Steps in memory leave some behind that woke nobody.
    if (came === answer.wake && kind !== answer.wake) return readAnswer(kind, into, atLeast);
    if (came !== kind) throw errorOf(came, kind, payload);
    return payload;
  };
  const receive = (kind: number, milliseconds?: number): Uint8Array => {
    if (!open) throw gone();
    return watch.during(() => readAnswer(kind), milliseconds);
  };
  /** Waits, awake and then asleep, until a group shows a moment. */
  const awaitMoment = (group: number, memory: SharedMemory): void => {
    if (patience.wait(() => memory.shows(group))) return;
    memory.setSleeping(true);
    try {
      while (!memory.shows(group)) readAnswer(answer.wake);
    } finally {
      memory.setSleeping(false);
    }
  };
  const receiveMoment = (group: number, into: Uint8Array, shortest: number): void => {
    if (!open) throw gone();
    watch.during(() => {
      if (!memory || !shares) {
        readAnswer(answer.moment, into, shortest);
        return;
      }
      awaitMoment(group, memory);
      memory.take(group, into, shortest);
    });
  };
  const errorOf = (came: number, kind: number, payload: Uint8Array): Error => {
    if (came !== answer.error) return new Error(`environment ${id}: bpta_env answered with kind ${came}, not ${kind}`);
    const { message, traceback, copy } = JSON.parse(Buffer.from(payload).toString()) as {
      readonly message: string;
      readonly traceback: string | null;
      readonly copy: number | null;
    };
    if (traceback === null) return new InputError(`environment ${id}: ${message}`);
    return new Error(`environment ${id}${copy === null ? "" : `, copy ${copy}`}: ${message}\n${traceback}`);
  };
  try {
    send(messageOf(request.open, 0, Buffer.from(JSON.stringify({ version: VERSION, ...what }))));
  } catch (error) {
    void close(true);
    throw error;
  }
  return {
    cancel: () => void close(true),
    finish() {
      try {
        const answered = receive(answer.opened, 1000 * startingSeconds);
        const opened = JSON.parse(Buffer.from(answered).toString()) as Opened;
        if (opened.version !== VERSION)
          throw new InputError(`environment ${id}: bpta_env speaks version ${opened.version}, bpta ${VERSION}`);
        if (opened.memory) {
          memory?.place(opened.memory);
          shares = true;
        }
        return { opened, send, step, receive, receiveMoment, close };
      } catch (error) {
        void close(true);
        if (!(error instanceof ProcessGoneError)) throw error;
        throw new ProcessGoneError(
          `environment ${id}: ${python} ended, or took longer than ${startingSeconds} s, while it made the environment (env.options.timeLimitSeconds may be more)`,
        );
      }
    },
  };
}
