/** @file Executables that several programs run: a session and the memory that it works in are needed once. */

import type { Executable } from "./runtime.ts";

/** Executables by a key: made for the first who asks, freed by the last who releases. */
export class SharedExecutables<K> {
  readonly #entries = new Map<K, { readonly executable: Promise<Executable>; users: number }>();

  async get(key: K, make: () => Promise<Executable>): Promise<Executable> {
    const entry = this.#entries.get(key) ?? { executable: make(), users: 0 };
    this.#entries.set(key, entry);
    entry.users += 1;
    const executable = await entry.executable;
    return {
      run: (feeds, into) => executable.run(feeds, into),
      release: async () => {
        entry.users -= 1;
        if (entry.users > 0) return;
        this.#entries.delete(key);
        await executable.release();
      },
    };
  }
}
