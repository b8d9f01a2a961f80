/**
 * Stateful dictionaries of transforms: the protocol that a module system implements, the engine that
 * lifts all transforms for it, and ways to supply a dictionary without passing it.
 *
 * @module
 */
export {
  ambient,
  currentTransforms,
  overrideTransforms,
  registerStatefulLibrary,
  type StatefulLibrary,
  withTransforms,
} from "./ambient.ts";
export { compose } from "./lift.ts";
export type { ContextOptions, EntrySource } from "./streams.ts";
export { Context, type StateProtocol } from "./context.ts";
export { initSafe } from "./init_safe.ts";
export { type LiftOptions, liftTransforms } from "./lift.ts";
export type { Names, Settings } from "./names.ts";
export {
  type ContextStack,
  contextStack,
  type Objects,
  type SystemOptions,
  traceIdentity,
} from "./protocol.ts";
export type { KeyStream, Stream, StreamRules } from "./streams.ts";
