/**
 * Rotations between others.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  type Operand,
  ShapeError,
} from "../../core/mod.ts";
import { take } from "../indexing.ts";
import { asFloat, asOperand, expectArray } from "../operands.ts";
import { searchsorted } from "../sorting.ts";
import { Rotation } from "./rotation.ts";

/** A function that gives the rotations at times, a number or `[n]`. */
export type RotationFunction = (times: Operand) => Rotation;

/**
 * A function that turns evenly from each of some rotations to the next, as
 * `jax.scipy.spatial.transform.Slerp`.
 *
 * @param times When they are, `[n]`, ascending.
 * @param rotations At least two.
 * @throws {ShapeError} where there is not one time for each of at least two rotations.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { Rotation, slerp } from "@injax/injax/spatial";
 *
 * const ends = Rotation.fromEuler("z", np.array([0, 90]), { degrees: true });
 * const at = slerp(np.array([0, 1]), ends);
 * console.log(at(0.5).asRotvec({ degrees: true }).round().toArray()); // [ 0, 0, 45 ]
 * ```
 */
export function slerp(times: NDArray, rotations: Rotation): RotationFunction {
  const op = "slerp";
  if (arguments.length > 2) checkCall("slerp(times, rotations)", arguments);
  if (!(rotations instanceof Rotation)) {
    throw new TypeError(`${op}: rotations is ${describeValue(rotations)}, but must be rotations`);
  }
  const t = asFloat(op, expectArray(op, times, "times"), "times");
  const n = rotations.length;
  if (rotations.single || n < 2 || t.ndim !== 1 || t.shape[0] !== n) {
    throw new ShapeError(
      `${op}: there are ${n} rotations and times of shape ${
        formatShape(t.shape)
      }, but there must be ` +
        "one time for each of at least two rotations",
    );
  }
  const at = (places: NDArray): NDArray => take(rotations.quat, places, 0);
  return (given) => {
    const x = asOperand(op, given, "times");
    const i = searchsorted(t, x).sub(1).clip(0, n - 2);
    const [from, to] = [new Rotation(at(i)), new Rotation(at(i.add(1)))];
    const [start, end] = [take(t, i), take(t, i.add(1))];
    const share = x.sub(start).div(end.sub(start));
    const turn = from.inv().mul(to).asRotvec().mul(share.reshape([...share.shape, 1]));
    return from.mul(Rotation.fromRotvec(turn));
  };
}
