/**
 * @file Runs a traced function in the tracing library itself: the reference that compiled programs are held to.
 * Needs nothing native, so it also works in a browser. It is not fast.
 */

import { jit, numpy as np } from "../jax.ts";
import { type TracedFunction, traceLeaves } from "../trace.ts";
import { allocate, type Data, type Executable } from "./runtime.ts";

/** Makes `traced` runnable on the tracing library's default device. */
export function jaxExecutable(traced: TracedFunction): Executable {
  const compiled = jit(traced.call);
  // Its first call traces: do that now, while arrays are borrowed; when it runs they are counted.
  traceLeaves(compiled, traced.inputs.values());
  return {
    async run(feeds, into) {
      const leaves = [...traced.inputs].map(([name, { shape, dtype }]) => {
        const data = feeds[name];
        return np.array(data instanceof Uint8Array ? Int32Array.from(data) : (data as Float32Array<ArrayBuffer>), {
          shape,
          dtype,
        });
      });
      const results = compiled(...leaves);
      const outputs: Record<string, Data> = {};
      let i = 0;
      for (const [name, spec] of traced.outputs) {
        const data = into[name] ?? allocate(spec);
        data.set(await results[i++].data());
        outputs[name] = data;
      }
      return outputs;
    },
    async release() {
      compiled.dispose();
    },
  };
}
