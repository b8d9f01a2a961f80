/**
 * Equinox as the lifting engine sees it: state is explicit, but may be threaded through library code
 * that knows nothing of it.
 *
 * @module
 */
import {
  type ContextStack,
  contextStack,
  type LiftedTransforms,
  liftTransforms,
} from "../../mod.ts";

/**
 * The protocol: for `registerStatefulLibrary`, and for dictionaries of one's own by `liftTransforms`. A
 * context is open inside `threadState`; its entries are the values of the state, by the path of each
 * `StateIndex` in the model.
 */
export const protocol: ContextStack = contextStack("Equinox", {
  dictionary: "eqx.transforms",
  opener: "eqx.threadState",
});

/**
 * The transforms to pass to library code inside `threadState`, which carry the state through whatever
 * it does. Outside of that they are the pure ones, which suffice wherever state is passed as a value.
 */
export const transforms: LiftedTransforms = liftTransforms(protocol);
