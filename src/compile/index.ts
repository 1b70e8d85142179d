/** @file The compiler: a traced function in, a program out. */

export {
  type CompileOptions,
  compile,
  compileStaged,
  exportModel,
  loadProgram,
  type Program,
  type StagedProgram,
} from "./program.ts";
export type { Data, NamedData } from "./runtimes/runtime.ts";
export { ArraySpec, bool, float32, int32, type Traced, type TracedTree } from "./trace.ts";
export { mapTree, namedLeaves, type Tree } from "./tree.ts";
