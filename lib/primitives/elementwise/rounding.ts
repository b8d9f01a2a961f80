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
import { floats, unary } from "./factory.ts";

function rounding(
  name: string,
  f: (x: number) => number,
  lower: (g: Lowering, x: Value, dtype: DType) => Value,
): Primitive<null> {
  return unary({
    name,
    kernels: floats(f),
    jvp: null,
    lower,
    domain: {
      range: [1.1, 1.4],
      special: [0, -0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 8388609, 1e10, Infinity, NaN],
    },
  });
}

const floorP = rounding("floor", Math.floor, (g, x) => g.node("Floor", [x]));
const ceilP = rounding("ceil", Math.ceil, (g, x) => g.node("Ceil", [x]));
const roundP = rounding("round", roundHalfEven, (g, x) => g.node("Round", [x]));
// The condition holds for no -0, and numbers between -1 and 0 become one.
const truncP = rounding("trunc", Math.trunc, (g, x, dtype) => {
  const positive = g.node("Greater", [x, g.scalar(0, dtype)]);
  return g.node("Where", [positive, g.node("Floor", [x]), g.node("Ceil", [x])]);
});

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  // Also leaves infinities and NaN, whose rest is NaN, to the last line.
  if (rest < 0.5) return below === 0 ? x * 0 : below;
  if (rest > 0.5) return below === -1 ? -0 : below + 1;
  if (rest === 0.5) return below % 2 === 0 ? below : below === -1 ? -0 : below + 1;
  return x;
}

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
