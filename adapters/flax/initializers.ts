/**
 * Initialisers of parameters: those of `jax.nn.initializers`, which flax has under its own name, and two that
 * give `zeros` and `ones`.
 *
 * @module
 */
import { checkCall } from "../../lib/extend.ts";
import type { DType, NDArray } from "../../mod.ts";
import { ones, zeros } from "../../lib/api/initializers.ts";

export * from "../../lib/api/initializers.ts";

/** Makes an array of a shape and a dtype (float32 where left out) from a key. */
export type Initializer = (key: NDArray, shape: readonly number[], dtype?: DType) => NDArray;

/** Gives `zeros`. */
export function zerosInit(): Initializer {
  if (arguments.length > 0) checkCall("initializers.zerosInit()", arguments);
  return zeros;
}

/** Gives `ones`. */
export function onesInit(): Initializer {
  if (arguments.length > 0) checkCall("initializers.onesInit()", arguments);
  return ones;
}
