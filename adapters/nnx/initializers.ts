/**
 * Initialisers of parameters: those of `jax.nn.initializers`, which Flax has under its own name, with
 * `zerosInit` and `onesInit`.
 *
 * @module
 */
import type { DType, NDArray } from "../../mod.ts";

export * from "../flax/initializers.ts";

/** Makes an array of a shape and dtype from a key. */
export type Initializer = (key: NDArray, shape: readonly number[], dtype: DType) => NDArray;
