/**
 * Conditions that raise out of a function, compiled or not.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { formatAval } from "../core/aval.ts";
import { describeValue, DTypeError } from "../core/errors.ts";
import { doEffect } from "../primitives/effects/effect.ts";
import { placesIn } from "../primitives/effects/run.ts";
import { toArray } from "../transforms/trees.ts";

/**
 * Raises a `CheckError` where a condition does not hold when the function runs: eagerly, in a jitted
 * function, in a step of a loop, in the branch that is taken, in a lane of `vmap`. A check stays where it
 * is, whether or not anything comes of what is around it. Under derivatives it is of the values, and is
 * made once, in the forward pass.
 *
 * Eager code and the interpreter raise at once, `"onnx"` and `"webgpu"` after the run: the call
 * throws, or, where its results are in flight, they reject. A loop by `whileLoop` ends at the first check
 * that fails. A file of `exportOnnx` has a further output `check`, which is 0 where all is well.
 *
 * @param condition A bool; of an array, all elements must be true.
 * @param message What is wrong, with `{}` for each of `values`.
 * @param values Arrays or trees of them, or anything else, as text.
 * @throws {CheckError} where the condition does not hold. `lane` says in which lane, `values` the values.
 * @throws {DTypeError} where the condition is not bool.
 * @throws {TypeError} where the message is no string, or has not as many `{}` as there are values.
 *
 * @example
 * ```ts
 * import { check, CheckError, jit, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const root = (x: NDArray) => {
 *   check(x.greaterEqual(0), "x must not be negative, but is {}", x);
 *   return np.sqrt(x);
 * };
 * console.log(jit(root, { backend: "interpreter" })(np.array(9)).item()); // 3
 * try {
 *   vmap(root)(np.array([4, -1, 1]));
 * } catch (error) {
 *   console.log((error as CheckError).message);
 *   // x must not be negative, but is -1 (in lane 1 of 3)
 * }
 * ```
 */
export function check(condition: NDArray | boolean, message: string, ...values: unknown[]): void {
  const ok = toArray(condition);
  if (ok === null) {
    throw new TypeError(
      `check: condition is ${describeValue(condition)}, and must be a bool array or a boolean`,
    );
  }
  if (ok.dtype !== "bool") {
    throw new DTypeError(
      `check: condition is ${formatAval(ok.aval)}, and must be bool: compare, as in x.greater(0)`,
    );
  }
  checkText("check", "message", message, values);
  doEffect("check", message, values, { condition: ok });
}

/** Refuses a text that is none, or has not one `{}` for each value. */
export function checkText(
  op: string,
  name: string,
  text: unknown,
  values: readonly unknown[],
): void {
  if (typeof text !== "string") {
    throw new TypeError(
      `${op}: ${name} is ${
        describeValue(text)
      }, and must be a string with {} for each value, as in ` +
        `${op}(${op === "check" ? "ok, " : ""}"x is {}", x)`,
    );
  }
  const places = placesIn(text);
  if (places !== values.length) {
    throw new TypeError(
      `${op}: ${name} ${JSON.stringify(text)} has ${places} {} for ${values.length} value${
        values.length === 1 ? "" : "s"
      }; write one for each`,
    );
  }
}
