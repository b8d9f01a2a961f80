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
export { compose } from "./compose.ts";
export { initSafe } from "./init_safe.ts";
export { type LiftOptions, liftTransforms } from "./lift.ts";
export {
  type Entries,
  type Phase,
  type RngState,
  type StateBundle,
  type StateProtocol,
  type Streams,
  traceIdentity,
} from "./protocol.ts";
