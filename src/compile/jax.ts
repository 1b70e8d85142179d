/**
 * @file The language that traced functions are written in: `@jax-js/jax`, as it is.
 *
 * Import it from here (or from `bpta/jax`) rather than from the package, so that it also loads on Node 20.
 */

import "./navigator.ts";

export * from "@jax-js/jax";
