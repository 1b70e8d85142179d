/** @file Gives Node 20 the `navigator` that the tracing library looks for when it loads, as later versions have it. */

if (!("navigator" in globalThis)) {
  Object.defineProperty(globalThis, "navigator", {
    value: { userAgent: `Node.js/${process.versions.node.split(".")[0]}` },
    configurable: true,
    writable: true,
  });
}

export {};
