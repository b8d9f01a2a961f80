/**
 * Rounding: floor, ceil, trunc and round.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { DType } from "../../core/dtype.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import type { Scalar1 } from "../../scalar/expr.ts";
import { floats, unary } from "./factory.ts";

function rounding(
  name: string,
  expr: Scalar1,
  lower: (g: Lowering, x: Value, dtype: DType) => Value,
): Primitive<null> {
  return unary({
    name,
    expr: floats(expr),
    jvp: null,
    lower,
    domain: {
      range: [1.1, 1.4],
      special: [0, -0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 8388609, 1e10, Infinity, NaN],
    },
  });
}

const floorP = /* @__PURE__ */ rounding(
  "floor",
  (e, x) => e.floor(x),
  (g, x) => g.node("Floor", [x]),
);
const ceilP = /* @__PURE__ */ rounding("ceil", (e, x) => e.ceil(x), (g, x) => g.node("Ceil", [x]));
const roundP = /* @__PURE__ */ rounding(
  "round",
  (e, x) => e.nearest(x),
  (g, x) => g.node("Round", [x]),
);
// The condition holds for no -0, and numbers between -1 and 0 become one.
const truncP = /* @__PURE__ */ rounding("trunc", (e, x) => e.trunc(x), (g, x, dtype) => {
  const positive = g.node("Greater", [x, g.scalar(0, dtype)]);
  return g.node("Where", [positive, g.node("Floor", [x]), g.node("Ceil", [x])]);
});

/** The largest integer that is not above `x`, elementwise. Floats only. */
export function floor(x: NDArray): NDArray {
  return bind1(floorP, [x], null);
}
/** The smallest integer that is not below `x`, elementwise. Floats only. */
export function ceil(x: NDArray): NDArray {
  return bind1(ceilP, [x], null);
}
/** `x` without its fractional part, elementwise. Floats only. */
export function trunc(x: NDArray): NDArray {
  return bind1(truncP, [x], null);
}
/** The nearest integer, the even one where two are equally near, elementwise. Floats only. */
export function round(x: NDArray): NDArray {
  return bind1(roundP, [x], null);
}
