/**
 * The error function, its complements and its inverse, of which ONNX has a part: approximations for
 * the graph.
 *
 * @module
 */
import { bind1, type NDArray } from "../../core/mod.ts";
import type { Value } from "../../core/lowering.ts";
import { INVERSE_DOUBLE, INVERSE_SINGLE } from "../../scalar/constants.ts";
import * as scalar from "../../scalar/functions.ts";
import { scalarLike } from "../constants/constants.ts";
import { Formula } from "../graph/nodes.ts";
import { hasAccurateKernel } from "./accurate.ts";
import { mul, neg, sub } from "./arithmetic.ts";
import { exp } from "./elementary.ts";
import { floats, unary } from "./factory.ts";

// ---------------------------------------------------------------- erf

// W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), as
// in SPECFUN's CALERF. Highest coefficients first; `near` in x^2 for erf(x) / x, `far` in |x| for
// erfc(|x|) e^(x^2), which serves to 6, where erf is 1 in double precision.
const ERF_NEAR = 0.46875;
const ERF_ONE = 6;
const NEAR_P = [
  1.85777706184603153e-1,
  3.16112374387056560,
  1.13864154151050156e2,
  3.77485237685302021e2,
  3.20937758913846947e3,
];
const NEAR_Q = [
  1,
  2.36012909523441209e1,
  2.44024637934444173e2,
  1.28261652607737228e3,
  2.84423683343917062e3,
];
const FAR_P = [
  2.15311535474403846e-8,
  5.64188496988670089e-1,
  8.88314979438837594,
  6.61191906371416295e1,
  2.98635138197400131e2,
  8.81952221241769090e2,
  1.71204761263407058e3,
  2.05107837782607147e3,
  1.23033935479799725e3,
];
const FAR_Q = [
  1,
  1.57449261107098347e1,
  1.17693950891312499e2,
  5.37181101862009858e2,
  1.62138957456669019e3,
  3.29079923573345963e3,
  4.36261909014324716e3,
  3.43936767414372164e3,
  1.23033935480374942e3,
];

// `tail` in 1 / x^2, for x erfc(x) e^(x^2) = 1 / sqrt(pi) - tail / x^2 beyond `ERF_TAIL`.
const ERF_TAIL = 4;
const TAIL_P = [
  1.63153871373020978e-2,
  3.05326634961232344e-1,
  3.60344899949804439e-1,
  1.25781726111229246e-1,
  1.60837851487422766e-2,
  6.58749161529837803e-4,
];
const TAIL_Q = [
  1,
  2.56852019228982242,
  1.87295284992346725,
  5.27905102951428412e-1,
  6.05183413124413191e-2,
  2.33520497626869185e-3,
];

/** `erf(x)` for small `x`, in the graph. */
function erfNearIn(f: Formula, x: Value): Value {
  const square = f.mul(x, x);
  return f.mul(x, f.div(f.polynomial(square, NEAR_P), f.polynomial(square, NEAR_Q)));
}

/** `erfc(x) e^(x^2)` for positive `x` that are not small. */
function scaledTailIn(f: Formula, x: Value): Value {
  // Bounded, as polynomials would overflow.
  const a = f.op("Min", x, ERF_TAIL);
  const far = f.div(f.polynomial(a, FAR_P), f.polynomial(a, FAR_Q));
  const r = f.op("Reciprocal", f.op("Max", x, ERF_TAIL));
  const w = f.mul(r, r);
  const part = f.mul(w, f.div(f.polynomial(w, TAIL_P), f.polynomial(w, TAIL_Q)));
  const tail = f.mul(r, f.sub(1 / Math.sqrt(Math.PI), part));
  return f.choose(f.less(ERF_TAIL, x), tail, far);
}

/** `e^(sign x^2)`; the error of rounding x^2 would multiply with it. */
export function expSquareIn(f: Formula, x: Value, sign: 1 | -1): Value {
  // Beyond this, all is 0 or infinite, and the differences of infinities would be NaN.
  const a = f.op("Min", x, 32);
  const whole = f.div(f.op("Floor", f.mul(a, 16)), 16);
  const rest = f.mul(f.sub(a, whole), f.add(a, whole));
  const power = (v: Value): Value => f.op("Exp", sign === 1 ? v : f.op("Neg", v));
  return f.mul(power(f.mul(whole, whole)), power(rest));
}

function erfIn(f: Formula, x: Value): Value {
  const a = f.op("Min", f.op("Abs", x), ERF_ONE);
  const square = f.mul(a, a);
  const near = f.mul(x, f.div(f.polynomial(square, NEAR_P), f.polynomial(square, NEAR_Q)));
  const tail = f.mul(
    f.op("Exp", f.op("Neg", square)),
    f.div(f.polynomial(a, FAR_P), f.polynomial(a, FAR_Q)),
  );
  // 1 - tail with the sign of x.
  const far = f.choose(f.less(x, 0), f.sub(tail, 1), f.sub(1, tail));
  return f.choose(f.less(ERF_NEAR, a), far, near);
}

/** `erfc(x)` in the graph. */
export function erfcIn(f: Formula, x: Value): Value {
  const a = f.op("Abs", x);
  const tail = f.mul(expSquareIn(f, a, -1), scaledTailIn(f, a));
  const far = f.choose(f.less(x, 0), f.sub(2, tail), tail);
  return f.choose(f.less(ERF_NEAR, a), far, f.sub(1, erfNearIn(f, x)));
}

/** `erfc(x) e^(x^2)` in the graph. */
export function erfcxIn(f: Formula, x: Value): Value {
  const a = f.op("Abs", x);
  const tail = scaledTailIn(f, a);
  const far = f.choose(f.less(x, 0), f.sub(f.mul(expSquareIn(f, a, 1), 2), tail), tail);
  const near = f.mul(f.op("Exp", f.mul(x, x)), f.sub(1, erfNearIn(f, x)));
  return f.choose(f.less(ERF_NEAR, a), far, near);
}

/** `2 / sqrt(pi)` as a scalar of the dtype of `x`. */
function slopeAt0(x: NDArray): NDArray {
  return scalarLike(2 / Math.sqrt(Math.PI), x);
}

// Around where the approximations meet, and where results leave the range of floats.
const SPECIAL = [
  ...[0, -0, 1e-30, -1e-8, 0.46, -0.48, 1, 3.9, -4.1, 5.9, 6.1, 8, 9.1, 26, -50],
  ...[Infinity, -Infinity, NaN],
];

const erfP = /* @__PURE__ */ unary({
  name: "erf",
  expr: /* @__PURE__ */ floats(scalar.erf),
  jvp: (t, x) => mul(t, mul(slopeAt0(x), exp(neg(mul(x, x))))),
  lower: (g, x, dtype) =>
    hasAccurateKernel(g, dtype) ? g.node("Erf", [x]) : erfIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** The error function, elementwise. */
export function erf(x: NDArray): NDArray {
  return bind1(erfP, [x], null);
}

const erfcP = /* @__PURE__ */ unary({
  name: "erfc",
  expr: /* @__PURE__ */ floats(scalar.erfc),
  jvp: (t, x) => neg(mul(t, mul(slopeAt0(x), exp(neg(mul(x, x)))))),
  lower: (g, x, dtype) => erfcIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** `1 - erf(x)`, to full relative precision in the tail too, elementwise. */
export function erfc(x: NDArray): NDArray {
  return bind1(erfcP, [x], null);
}

const erfcxP = /* @__PURE__ */ unary({
  name: "erfcx",
  expr: /* @__PURE__ */ floats(scalar.erfcx),
  jvp: (t, x, y) => mul(t, sub(mul(mul(scalarLike(2, x), x), y), slopeAt0(x))),
  lower: (g, x, dtype) => erfcxIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** `erfc(x) e^(x^2)`, which does not underflow, elementwise. */
export function erfcx(x: NDArray): NDArray {
  return bind1(erfcxP, [x], null);
}

// ---------------------------------------------------------------- erfInv

function erfInvIn(f: Formula, x: Value): Value {
  const pieces = f.dtype === "float32" ? INVERSE_SINGLE : INVERSE_DOUBLE;
  const rest = f.dtype === "float32" ? f.sub(1, f.mul(x, x)) : f.mul(f.sub(1, x), f.add(1, x));
  const w = f.op("Neg", f.op("Log", rest));
  const root = f.op("Sqrt", w);
  const values = pieces.map(({ shift, coefficients }, i) =>
    f.polynomial(f.sub(i === 0 ? w : root, shift), coefficients)
  );
  let value = values.at(-1)!;
  for (let i = pieces.length - 2; i >= 0; i--) {
    value = f.choose(f.less(w, pieces[i]!.below), values[i]!, value);
  }
  // At |x| = 1, w is infinite and the polynomial may be NaN.
  return f.mul(x, f.choose(f.equal(f.op("Abs", x), 1), Infinity, value));
}

const erfInvP = /* @__PURE__ */ unary({
  name: "erf_inv",
  expr: /* @__PURE__ */ floats(scalar.erfInv),
  jvp: (t, _, y) => mul(t, mul(scalarLike(Math.sqrt(Math.PI) / 2, y), exp(mul(y, y)))),
  lower: (g, x, dtype) => erfInvIn(new Formula(g, dtype), x),
  domain: {
    range: [-0.9, 0.9],
    special: [0, -0, 1e-30, -1e-8, 0.99, -0.9999, 0.999999, 1, -1, 1.5, -2, Infinity, NaN],
  },
});

/** The inverse of the error function, elementwise: infinite at -1 and 1, NaN beyond. */
export function erfInv(x: NDArray): NDArray {
  return bind1(erfInvP, [x], null);
}
