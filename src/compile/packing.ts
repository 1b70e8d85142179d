/** @file Runs a function whose small arrays go over in packs, as if they went one by one. */

import type { NamedPack } from "./lower/emit.ts";
import { allocate, type Data, type Executable, type NamedData } from "./runtimes/runtime.ts";
import { type ArraySpec, float32 } from "./trace.ts";

/** What goes in, and what comes out, in packs. */
export interface Packs {
  readonly inputs: readonly NamedPack[];
  readonly outputs: readonly NamedPack[];
}

export const noPacks: Packs = { inputs: [], outputs: [] };

type Specs = ReadonlyMap<string, ArraySpec>;

/** The arrays that go over: those in no pack, and the packs. */
export function withPacks(specs: Specs, packs: readonly NamedPack[]): Specs {
  const packed = new Set(packs.flatMap(({ members }) => members));
  const others = [...specs].filter(([name]) => !packed.has(name));
  return new Map([...others, ...packs.map(({ name, shape }) => [name, float32(...shape)] as const)]);
}

/**
 * @param executable takes and gives the arrays of `withPacks`
 * @param takes what goes in, one by one
 * @param gives what comes out, one by one
 */
export function packing(executable: Executable, packs: Packs, takes: Specs, gives: Specs): Executable {
  if (packs.inputs.length + packs.outputs.length === 0) return executable;
  const [inputs, outputs] = [memoryOf(packs.inputs, takes), memoryOf(packs.outputs, gives)];
  const others = [...withPacks(takes, packs.inputs).keys()].filter((name) => !(name in inputs.whole));
  const otherResults = [...withPacks(gives, packs.outputs).keys()].filter((name) => !(name in outputs.whole));
  const fed: Record<string, Data> = { ...inputs.whole };
  // The packs' memory is that of the run whose turn it is.
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(feeds, into) {
      const turn = last.then(() => runNow(feeds, into));
      last = turn.catch(() => {});
      return turn;
    },
    release: () => executable.release(),
  };

  async function runNow(feeds: NamedData, into: NamedData): Promise<Record<string, Data>> {
    for (const name of others) fed[name] = feeds[name];
    for (const { name, part } of inputs.parts) part.set(feeds[name]);
    const target: Record<string, Data> = { ...outputs.whole };
    for (const name of otherResults) if (into[name]) target[name] = into[name];
    const results = await executable.run(fed, target);
    for (const { name } of packs.outputs) delete results[name];
    for (const { name, part } of outputs.parts) {
      results[name] = into[name] ?? allocate(gives.get(name)!);
      results[name].set(part);
    }
    return results;
  }
}

/** Memory for packs, whole by their names, and each member's part of it. */
function memoryOf(packs: readonly NamedPack[], specs: Specs) {
  const whole: Record<string, Float32Array> = {};
  const parts: { readonly name: string; readonly part: Float32Array }[] = [];
  for (const { name, shape, members } of packs) {
    const memory = new Float32Array(shape.reduce((product, length) => product * length, 1));
    whole[name] = memory;
    let end = 0;
    for (const member of members) {
      const start = end;
      end += specs.get(member)!.size;
      parts.push({ name: member, part: memory.subarray(start, end) });
    }
  }
  return { whole, parts };
}
