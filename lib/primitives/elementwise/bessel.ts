/**
 * Modified Bessel functions of the orders 0 and 1, scaled by `e^-|x|`.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { bind1 } from "../../core/trace.ts";
import * as scalar from "../../scalar/bessel.ts";
import { scalarLike } from "../constants/full.ts";
import { div, mul, sign, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { formula1 } from "./formulas.ts";
import { select } from "./select.ts";

const SPECIAL = [0, -0, 1e-30, -1e-8, 7.9, 8.1, -20, 1e3, -1e10, 1e30, Infinity, -Infinity, NaN];

const i0eP = /* @__PURE__ */ formula1({
  name: "i0e",
  formula: scalar.i0e,
  jvp: (t, x, y) => mul(t, sub(i1e(x), mul(sign(x), y))),
  domain: { special: SPECIAL },
});

/** `I0(x) e^-|x|`, elementwise. */
export function i0e(x: NDArray): NDArray {
  return bind1(i0eP, [x], null);
}

const i1eP = /* @__PURE__ */ formula1({
  name: "i1e",
  formula: scalar.i1e,
  jvp(t, x, y) {
    // I1' = I0 - I1 / x, which is 1/2 at 0.
    const isZero = eq(x, scalarLike(0, x));
    const ratio = div(y, select(isZero, scalarLike(1, x), x));
    const slope = sub(i0e(x), select(isZero, scalarLike(0.5, x), ratio));
    return mul(t, sub(slope, mul(sign(x), y)));
  },
  domain: { special: SPECIAL },
});

/** `I1(x) e^-|x|`, elementwise. */
export function i1e(x: NDArray): NDArray {
  return bind1(i1eP, [x], null);
}
