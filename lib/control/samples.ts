/**
 * Small programs for the samples of the control-flow primitives.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { shaped, type ShapedArray } from "../core/aval.ts";
import type { Jaxpr } from "../core/primitive.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { add, mul } from "../primitives/elementwise/arithmetic.ts";
import { sin } from "../primitives/elementwise/elementary.ts";

/** A float64 vector of length 3. */
export const vec3: ShapedArray = /* @__PURE__ */ shaped([3], "float64");

/** Records a program over the given input types. */
export function program(
  avals: readonly ShapedArray[],
  f: (...args: NDArray[]) => NDArray[],
): Jaxpr {
  return stageClosed("sample", (args) => f(...args), avals);
}

/** `(x, y) -> (sin(x) y, x + y)` on vectors of length 3. */
export function sampleJaxpr(): Jaxpr {
  return program([vec3, vec3], (x, y) => [mul(sin(x), y), add(x, y)]);
}
