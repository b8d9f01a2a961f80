/**
 * The normal distribution function, its logarithm and its inverse.
 *
 * Owen's T function.
 *
 * @module
 */
import { bind1, type NDArray } from "../../core/mod.ts";
import type { Value } from "../../core/lowering.ts";
import { ExprArithmetic } from "../../scalar/arithmetic.ts";
import type { Expr } from "../../scalar/expr.ts";
import * as scalar from "../../scalar/normal.ts";
import { ndtr as scalarNdtr, owensT as scalarOwensT } from "../../scalar/normal.ts";
import { scalarLike } from "../constants/constants.ts";
import { Formula } from "../graph/nodes.ts";
import { log1pIn } from "./accurate.ts";
import { add, div, mul } from "./arithmetic.ts";
import { gt } from "./compare.ts";
import { exp } from "./elementary.ts";
import { erf, erfcIn, erfcx, erfcxIn } from "./erf.ts";
import { binary, floats, unary } from "./factory.ts";
import { GraphArithmetic } from "./formula_graph.ts";
import { formula1 } from "./formulas.ts";
import { select } from "./select.ts";

/** `c x` for a number. */
function times(c: number, x: NDArray): NDArray {
  return mul(scalarLike(c, x), x);
}

/** The normal distribution function in the graph. */
export function ndtrIn(f: Formula, x: Value): Value {
  const z = f.mul(x, -Math.SQRT1_2);
  // e^(-x^2 / 2) of parts of x that have few digits: rounding errors of the square would multiply.
  const a = f.op("Min", f.op("Abs", x), 45);
  const whole = f.div(f.op("Floor", f.mul(a, 16)), 16);
  const rest = f.mul(f.mul(f.sub(a, whole), f.add(a, whole)), -0.5);
  const power = f.mul(f.op("Exp", f.mul(f.mul(whole, whole), -0.5)), f.op("Exp", rest));
  const tail = f.mul(power, f.mul(erfcxIn(f, z), 0.5));
  return f.choose(f.less(x, -1), tail, f.mul(erfcIn(f, z), 0.5));
}

// Around where the approximations meet, and where results leave the range of floats.
const SPECIAL = [
  0,
  -0,
  1e-30,
  -1e-8,
  -0.99,
  -1.01,
  1,
  5,
  9,
  -5,
  -14,
  -30,
  -38,
  -39,
  50,
  -1000,
  Infinity,
  -Infinity,
  NaN,
];

const ndtrP = /* @__PURE__ */ unary({
  name: "ndtr",
  expr: /* @__PURE__ */ floats(scalar.ndtr),
  jvp: (t, x) => mul(t, times(1 / Math.sqrt(2 * Math.PI), exp(mul(times(-0.5, x), x)))),
  lower: (g, x, dtype) => ndtrIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** The normal distribution function, elementwise. */
export function ndtr(x: NDArray): NDArray {
  return bind1(ndtrP, [x], null);
}

/** phi(x) / Phi(x), whose terms underflow for negative numbers. */
function hazard(x: NDArray): NDArray {
  // Where Phi rounds to 1, and squares of erfcx, which derivatives have, are finite still.
  const large = scalarLike(x.dtype === "float64" ? 25 : 9, x);
  const isLarge = gt(x, large);
  const inside = select(isLarge, large, x);
  const scaled = div(scalarLike(Math.sqrt(2 / Math.PI), x), erfcx(times(-Math.SQRT1_2, inside)));
  return select(isLarge, times(1 / Math.sqrt(2 * Math.PI), exp(mul(times(-0.5, x), x))), scaled);
}

const logNdtrP = /* @__PURE__ */ unary({
  name: "log_ndtr",
  expr: /* @__PURE__ */ floats(scalar.logNdtr),
  jvp: (t, x) => mul(t, hazard(x)),
  lower(g, x, dtype) {
    const f = new Formula(g, dtype);
    const scaled = erfcxIn(f, f.mul(x, -Math.SQRT1_2));
    const below = f.sub(f.op("Log", f.mul(scaled, 0.5)), f.mul(f.mul(x, x), 0.5));
    const above = log1pIn(f, f.op("Neg", ndtrIn(f, f.op("Neg", x))));
    return f.choose(f.less(x, -1), below, above);
  },
  domain: { special: SPECIAL },
});

/** The logarithm of the normal distribution function, elementwise. */
export function logNdtr(x: NDArray): NDArray {
  return bind1(logNdtrP, [x], null);
}

const ndtriP = /* @__PURE__ */ formula1({
  name: "ndtri",
  formula: scalar.ndtri,
  jvp: (t, _, y) => mul(t, times(Math.sqrt(2 * Math.PI), exp(mul(times(0.5, y), y)))),
  domain: {
    range: [0.05, 0.95],
    special: [0, -0, 0.19, 0.21, 0.5, 0.8, 0.81, 0.999, 1, 1e-7, 1e-8, 1e-30, 1.5, -1, NaN],
  },
});

/** The quantiles of the normal distribution, elementwise: infinite at 0 and 1, NaN beyond. */
export function ndtri(p: NDArray): NDArray {
  return bind1(ndtriP, [p], null);
}

const owensTP = /* @__PURE__ */ binary({
  name: "owens_t",
  expr: /* @__PURE__ */ floats((e, h, a) => {
    const [x, y] = [e.convert(h, "f64"), e.convert(a, "f64")];
    const ndtr = (z: Expr): Expr => scalarNdtr(e, z);
    return e.convert(scalarOwensT<Expr>(new ExprArithmetic(e, "f64"), x, y, ndtr), h.ty);
  }),
  // -phi(h) erf(a h / sqrt(2)) / 2 and e^(-h^2 (1 + a^2) / 2) / (2 pi (1 + a^2))
  jvp(th, ta, h, a) {
    const c = (value: number): NDArray => scalarLike(value, h);
    const below = add(mul(a, a), c(1));
    const power = (x: NDArray): NDArray => exp(mul(c(-0.5), x));
    const square = mul(h, h);
    const dh = th && mul(
      th,
      mul(
        mul(c(-0.5 / Math.sqrt(2 * Math.PI)), power(square)),
        erf(mul(mul(a, h), c(Math.SQRT1_2))),
      ),
    );
    const da = ta && mul(ta, div(mul(c(0.5 / Math.PI), power(mul(square, below))), below));
    return dh === null ? da! : da === null ? dh : add(dh, da);
  },
  lower: (g, h, a, dtype) =>
    scalarOwensT<Value>(
      new GraphArithmetic(g, dtype),
      h,
      a,
      (z) => ndtrIn(new Formula(g, dtype), z),
    ),
  domain: {
    range: [0.2, 2],
    special: [0, -0, 0, 1, -1, 2, 30, 0, Infinity, 3, 0, NaN, 1, 12, 0.5],
    special2: [1, -1, Infinity, 0, 2, 1, 0.5, -3, 1, -Infinity, 0, 1, NaN, 0.9, 1e10],
  },
});

/** Owen's T function of `h` and `a`, elementwise. */
export function owensT(h: NDArray, a: NDArray): NDArray {
  return bind1(owensTP, [h, a], null);
}
