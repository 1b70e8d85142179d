/** @file Gives Node 20 the `navigator` that the tracing library looks for when it loads. */

if (!("navigator" in globalThis)) {
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true, writable: true });
}

export {};
