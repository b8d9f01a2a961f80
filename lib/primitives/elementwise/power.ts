/**
 * Powers: pow.
 *
 * Sums of exponentials: logaddexp.
 *
 * @module
 */
import { bind1, ConcreteArray, type DType, isInteger, type NDArray } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { POWER_BITS } from "../../scalar/constants.ts";
import { pow as powFloat, powInteger } from "../../scalar/elementary.ts";
import * as scalar from "../../scalar/functions.ts";
import { scalarLike } from "../constants/constants.ts";
import { Formula } from "../graph/nodes.ts";
import { log1pIn } from "./accurate.ts";
import { abs, add, mul, sub } from "./arithmetic.ts";
import { and, eq, ge, not } from "./compare.ts";
import { log, logistic } from "./elementary.ts";
import { binary, floats } from "./factory.ts";
import { select } from "./select.ts";

/** Whether a bit of an int32 value is 0. */
function isClear(g: Lowering, x: Value, bit: number): Value {
  if (!g.lacks("BitwiseAnd", "int32")) {
    const f = new Formula(g, "int32");
    return f.equal(f.op("BitwiseAnd", x, 1 << bit), 0);
  }
  const f = new Formula(g, "uint32");
  const bits = g.cast(x, "int32", "uint32");
  return f.equal(f.sub(f.div(bits, 2 ** bit), f.mul(f.div(bits, 2 ** (bit + 1)), 2)), 0);
}

/** Powers of integers in the graph, where Pow would go through double precision and saturate. */
function powIn(g: Lowering, x: Value, y: Value, dtype: DType): Value {
  // Products modulo 2^32 have the same bits in int32, which has more kernels than uint32.
  const f = new Formula(g, "int32");
  const exponent = g.cast(y, dtype, "int32");
  let base = g.cast(x, dtype, "int32");
  const isZero = g.node("And", [f.equal(base, 0), g.node("Not", [f.equal(exponent, 0)])]);
  let result = f.where(isZero, 0, 1);
  for (let bit = 0; bit < POWER_BITS; bit++) {
    const skip = isClear(g, exponent, bit);
    result = f.where(skip, result, f.mul(result, base));
    base = f.mul(base, base);
  }
  return g.cast(result, "int32", dtype);
}

/** The smallest number with all its digits, whose reciprocal is finite. */
function smallest(dtype: DType): number {
  return dtype === "float32" ? 2 ** -126 : 2 ** -1022;
}

/**
 * x^(y-1) as a factor of y x^(y-1), which is 0 for y = 0: finite there, also where x^-1 is not. Where
 * x^-1 is finite it stays, since it is the slope in y of the product; a constant y has no use for that.
 */
function lowerPower(x: NDArray, y: NDArray, zero: NDArray, one: NDArray): NDArray {
  const isZero = eq(y, zero);
  const exponent = sub(y, one);
  if (y instanceof ConcreteArray) return pow(x, select(isZero, zero, exponent));
  const infinite = and(isZero, not(ge(abs(x), scalarLike(smallest(x.dtype), x))));
  return pow(select(infinite, zero, x), select(infinite, one, exponent));
}

const powP = /* @__PURE__ */ binary({
  name: "pow",
  expr: { ...floats(powFloat), int32: powInteger, uint32: powInteger },
  jvp(tx, ty, x, y, z) {
    const zero = scalarLike(0, z);
    const one = scalarLike(1, z);
    let t: NDArray | null = null;
    if (tx !== null) {
      t = mul(tx, mul(y, lowerPower(x, y, zero, one)));
    }
    if (ty !== null) {
      const slope = mul(log(select(eq(x, zero), one, x)), z);
      t = t === null ? mul(ty, slope) : add(t, mul(ty, slope));
    }
    return t!;
  },
  lower: (g, x, y, dtype) => isInteger(dtype) ? powIn(g, x, y, dtype) : g.node("Pow", [x, y]),
  domain: {
    range: [0.3, 2],
    range2: [-2, 2],
    special: [0, 0, 0, -0, -2, -2, -8, 1, 1, -1, -1, Infinity, 2, -Infinity, NaN, NaN, 0.5, 2],
    special2: [
      0,
      2,
      -1,
      3,
      3,
      0.5,
      -1,
      NaN,
      Infinity,
      Infinity,
      -Infinity,
      -1,
      -Infinity,
      3,
      0,
      1,
      Infinity,
      NaN,
    ],
  },
});

/**
 * `x` to the power `y`, elementwise, as `jnp.power`. Floats follow IEEE 754. Integers wrap, and of an
 * integer exponent the last six bits count: results that fit are right, those of negative powers
 * of other bases than 1 and -1 have no meaning.
 */
export function pow(x: NDArray, y: NDArray): NDArray {
  return bind1(powP, [x, y], null);
}

const logaddexpP = /* @__PURE__ */ binary({
  name: "logaddexp",
  expr: /* @__PURE__ */ floats(scalar.logaddexp),
  // Of orders beyond too, the slopes are those of a function that is smooth where x = y.
  jvp(tx, ty, x, y) {
    const dx = tx && mul(tx, logistic(sub(x, y)));
    const dy = ty && mul(ty, logistic(sub(y, x)));
    return dx === null ? dy! : dy === null ? dx : add(dx, dy);
  },
  lower(g, x, y, dtype) {
    const f = new Formula(g, dtype);
    const apart = f.sub(x, y);
    const sum = f.add(f.op("Max", x, y), log1pIn(f, f.op("Exp", f.op("Neg", f.op("Abs", apart)))));
    return f.choose(f.equal(apart, apart), sum, f.add(x, y));
  },
  domain: {
    // Where it is not 0, as a difference of terms that are not.
    range: [0, 3],
    special: [0, 1000, -1000, Infinity, Infinity, -Infinity, -Infinity, NaN, NaN, 0.5, 3e38],
    special2: [0, -1000, -1000, Infinity, -Infinity, -Infinity, 2, 1, Infinity, -40, 3e38],
  },
});

/** `log(e^x + e^y)` without overflow, elementwise. */
export function logaddexp(x: NDArray, y: NDArray): NDArray {
  return bind1(logaddexpP, [x, y], null);
}
