/**
 * Rotations in three dimensions, as `jax.scipy.spatial.transform`, kept as quaternions.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { Rotation } from "@injax/injax/spatial";
 *
 * // A quarter turn about z, and then one about x.
 * const turn = Rotation.fromEuler("zx", np.array([90, 90]), { degrees: true });
 * console.log(turn.apply(np.array([1, 0, 0])).round().toArray()); // [ 0, 0, 1 ]
 * ```
 *
 * @module
 */
import "./methods.ts";

export type { DType } from "../core/dtype.ts";
export type { NDArray, Operand } from "../core/array.ts";
export type { Named } from "../core/method_options.ts";
export type { AngleOptions } from "./spatial/quaternions.ts";
export * from "./spatial/rotation.ts";
export * from "./spatial/slerp.ts";
