/**
 * Elementary functions: exponentials and logarithms, roots, trigonometric and hyperbolic functions
 * and their inverses, and tests for values that are not finite. All are for floats only; values off
 * a function's domain give NaN.
 *
 * What they compute is stated in `lib/scalar`. Lowerings use ONNX's operator where ONNX Runtime has an
 * accurate kernel, else a composition that is accurate to a few units in the last place.
 *
 * @module
 */
import { bind1, type DType, type NDArray } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import * as scalar from "../../scalar/functions.ts";
import { scalarLike } from "../constants/constants.ts";
import { Formula } from "../graph/nodes.ts";
import { atanIn, expm1In, hasAccurateKernel, log1pIn } from "./accurate.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { binary, floats, unary } from "./factory.ts";

type Lower = (g: Lowering, x: Value, dtype: DType) => Value;

/** The operator itself. */
function node(op: string): Lower {
  return (g, x) => g.node(op, [x]);
}

/** A formula. */
function formula(build: (f: Formula, x: Value) => Value): Lower {
  return (g, x, dtype) => build(new Formula(g, dtype), x);
}

/** The operator where its kernel is accurate, else a formula. */
function nodeOr(op: string, build: (f: Formula, x: Value) => Value): Lower {
  return (g, x, dtype) =>
    hasAccurateKernel(g, dtype) ? g.node(op, [x]) : build(new Formula(g, dtype), x);
}

function plus(x: NDArray, c: number): NDArray {
  return add(x, scalarLike(c, x));
}

/** `c - x`. */
function minus(c: number, x: NDArray): NDArray {
  return sub(scalarLike(c, x), x);
}

/** `1 - x^2` as a product, which keeps its precision near |x| = 1. */
function oneMinusSquare(x: NDArray): NDArray {
  return mul(minus(1, x), plus(x, 1));
}

// ---------------------------------------------------------------- exponentials and logarithms

const special = [0, -0, 1e-30, -1e-30, 1e-8, -1e-8, 1e-4, 50, -80, Infinity, -Infinity, NaN];
const specialAnd = (...more: readonly number[]): number[] => [...special, ...more];
const positive = [0, 1e-30, 1e-4, 1, 1.0000001, 1e10, 1e30, Infinity, -Infinity, NaN, -1];

const expP = /* @__PURE__ */ unary({
  name: "exp",
  expr: /* @__PURE__ */ floats(scalar.exp),
  jvp: (t, _, y) => mul(t, y),
  lower: /* @__PURE__ */ node("Exp"),
  domain: { special },
});

/** `e^x`, elementwise. */
export function exp(x: NDArray): NDArray {
  return bind1(expP, [x], null);
}

const logP = /* @__PURE__ */ unary({
  name: "log",
  expr: /* @__PURE__ */ floats(scalar.log),
  jvp: (t, x) => div(t, x),
  lower: /* @__PURE__ */ node("Log"),
  domain: { range: [0.1, 3], special: positive },
});

/** The natural logarithm, elementwise. */
export function log(x: NDArray): NDArray {
  return bind1(logP, [x], null);
}

const expm1P = /* @__PURE__ */ unary({
  name: "expm1",
  expr: /* @__PURE__ */ floats(scalar.expm1),
  jvp: (t, _, y) => mul(t, plus(y, 1)),
  lower: /* @__PURE__ */ formula(expm1In),
  domain: { special: /* @__PURE__ */ specialAnd(0.49, -0.51, 1e-3) },
});

/** `e^x - 1`, accurate near 0, elementwise. */
export function expm1(x: NDArray): NDArray {
  return bind1(expm1P, [x], null);
}

const log1pP = /* @__PURE__ */ unary({
  name: "log1p",
  expr: /* @__PURE__ */ floats(scalar.log1p),
  jvp: (t, x) => div(t, plus(x, 1)),
  lower: /* @__PURE__ */ formula(log1pIn),
  domain: {
    range: [-0.7, 2],
    special: [0, -0, 1e-30, -1e-30, 1e-8, -1e-8, 1e-4, 50, -1, -2, 1e10, 1e-3, Infinity, NaN],
  },
});

/** `log(1 + x)`, accurate near 0, elementwise. */
export function log1p(x: NDArray): NDArray {
  return bind1(log1pP, [x], null);
}

const logisticP = /* @__PURE__ */ unary({
  name: "logistic",
  expr: /* @__PURE__ */ floats(scalar.logistic),
  jvp: (t, _, y) => mul(t, mul(y, minus(1, y))),
  // Sigmoid's kernels lose all digits but three in the tail, and e^-x would overflow there. Beyond the
  // bound the result is 1.
  lower: /* @__PURE__ */ formula((f, x) => {
    const e = f.op("Exp", f.op("Min", x, 40));
    return f.div(e, f.add(e, 1));
  }),
  domain: { special },
});

/** `1 / (1 + e^-x)`, elementwise. */
export function logistic(x: NDArray): NDArray {
  return bind1(logisticP, [x], null);
}

// ---------------------------------------------------------------- roots

const sqrtP = /* @__PURE__ */ unary({
  name: "sqrt",
  expr: /* @__PURE__ */ floats((e, x) => e.sqrt(x)),
  jvp: (t, _, y) => mul(t, div(scalarLike(0.5, y), y)),
  lower: /* @__PURE__ */ node("Sqrt"),
  domain: { range: [0.1, 3], special: positive },
});

/** The square root, elementwise; its derivative at 0 is infinite. */
export function sqrt(x: NDArray): NDArray {
  return bind1(sqrtP, [x], null);
}

const rsqrtP = /* @__PURE__ */ unary({
  name: "rsqrt",
  expr: /* @__PURE__ */ floats((e, x) => e.div(1, e.sqrt(x))),
  jvp: (t, x, y) => mul(t, mul(scalarLike(-0.5, y), div(y, x))),
  lower: /* @__PURE__ */ formula((f, x) => f.op("Reciprocal", f.op("Sqrt", x))),
  domain: { range: [0.1, 3], special: positive },
});

/** `1 / sqrt(x)`, elementwise. */
export function rsqrt(x: NDArray): NDArray {
  return bind1(rsqrtP, [x], null);
}

// ---------------------------------------------------------------- trigonometry

const angles = [0, -0, 1e-30, 1e-8, -1e-4, 3.7, -20, 100, Infinity, NaN];
const unit = [0, -0, 1e-30, -1e-8, 1e-4, 0.5, -0.5, 0.999999, 1, -1, 1.5, NaN];

const sinP = /* @__PURE__ */ unary({
  name: "sin",
  expr: /* @__PURE__ */ floats(scalar.sin),
  jvp: (t, x) => mul(t, cos(x)),
  lower: /* @__PURE__ */ node("Sin"),
  domain: { special: angles },
});

/** The sine, elementwise. */
export function sin(x: NDArray): NDArray {
  return bind1(sinP, [x], null);
}

const cosP = /* @__PURE__ */ unary({
  name: "cos",
  expr: /* @__PURE__ */ floats(scalar.cos),
  jvp: (t, x) => neg(mul(t, sin(x))),
  lower: /* @__PURE__ */ node("Cos"),
  domain: { special: angles },
});

/** The cosine, elementwise. */
export function cos(x: NDArray): NDArray {
  return bind1(cosP, [x], null);
}

const tanP = /* @__PURE__ */ unary({
  name: "tan",
  expr: /* @__PURE__ */ floats(scalar.tan),
  jvp: (t, _, y) => mul(t, plus(mul(y, y), 1)),
  lower: /* @__PURE__ */ nodeOr("Tan", (f, x) => f.div(f.op("Sin", x), f.op("Cos", x))),
  domain: { range: [-1, 1], special: angles },
});

/** The tangent, elementwise. */
export function tan(x: NDArray): NDArray {
  return bind1(tanP, [x], null);
}

const asinP = /* @__PURE__ */ unary({
  name: "asin",
  expr: /* @__PURE__ */ floats(scalar.asin),
  jvp: (t, x) => mul(t, rsqrt(oneMinusSquare(x))),
  lower: /* @__PURE__ */ nodeOr("Asin", (f, x) => {
    const cosine = f.op("Sqrt", f.mul(f.sub(1, x), f.add(1, x)));
    return atanIn(f, f.div(x, cosine));
  }),
  domain: { range: [-0.9, 0.9], special: unit },
});

/** The arc sine, elementwise. */
export function asin(x: NDArray): NDArray {
  return bind1(asinP, [x], null);
}

const acosP = /* @__PURE__ */ unary({
  name: "acos",
  expr: /* @__PURE__ */ floats(scalar.acos),
  jvp: (t, x) => neg(mul(t, rsqrt(oneMinusSquare(x)))),
  // tan(acos(x) / 2)^2 = (1 - x) / (1 + x)
  lower: /* @__PURE__ */ nodeOr("Acos", (f, x) => {
    const half = f.op("Sqrt", f.div(f.sub(1, x), f.add(1, x)));
    return f.mul(atanIn(f, half), 2);
  }),
  domain: { range: [-0.9, 0.9], special: unit },
});

/** The arc cosine, elementwise. */
export function acos(x: NDArray): NDArray {
  return bind1(acosP, [x], null);
}

const atanP = /* @__PURE__ */ unary({
  name: "atan",
  expr: /* @__PURE__ */ floats(scalar.atan),
  jvp: (t, x) => div(t, plus(mul(x, x), 1)),
  lower: /* @__PURE__ */ formula(atanIn),
  domain: { special: /* @__PURE__ */ specialAnd(0.5, 1, -1, 2.5, -1e10) },
});

/** The arc tangent, elementwise. */
export function atan(x: NDArray): NDArray {
  return bind1(atanP, [x], null);
}

const atan2P = /* @__PURE__ */ binary({
  name: "atan2",
  expr: /* @__PURE__ */ floats(scalar.atan2),
  jvp(ty, tx, y, x) {
    const square = add(mul(x, x), mul(y, y));
    const dy = ty && mul(ty, div(x, square));
    const dx = tx && mul(tx, div(y, square));
    return dy === null ? neg(dx!) : dx === null ? dy : sub(dy, dx);
  },
  lower(g, y, x, dtype) {
    const f = new Formula(g, dtype);
    const [ay, ax] = [f.op("Abs", y), f.op("Abs", x)];
    const least = f.op("Min", ay, ax);
    const most = f.op("Max", ay, ax);
    // The angle in the first octant, where 0 / 0 counts as 0 and inf / inf as 1.
    const ratio = f.div(least, f.choose(f.equal(most, 0), 1, most));
    let angle = atanIn(f, f.choose(f.equal(least, Infinity), 1, ratio));
    angle = f.choose(f.less(ax, ay), f.sub(Math.PI / 2, angle), angle);
    // The reciprocal of -0 is negative, and that of -Infinity is not.
    const negative = (v: Value): Value => f.less(f.op("Min", v, f.op("Reciprocal", v)), 0);
    angle = f.choose(negative(x), f.sub(Math.PI, angle), angle);
    return f.mul(angle, f.choose(negative(y), -1, 1));
  },
  domain: {
    range2: [0.3, 2],
    special: [0, -0, 0, -0, 1, -1, 1, -1, 1e-30, Infinity, Infinity, -Infinity, 1, NaN, 2, 0, 3],
    special2: [1, 1, -1, -1, 0, -0, -2, -2, -1, Infinity, -Infinity, 1, Infinity, 1, NaN, -0, -0.1],
  },
});

/** The angle in [-pi, pi] of the point with coordinates `x` and `y`, elementwise. */
export function atan2(y: NDArray, x: NDArray): NDArray {
  return bind1(atan2P, [y, x], null);
}

// ---------------------------------------------------------------- hyperbolic functions

const sinhP = /* @__PURE__ */ unary({
  name: "sinh",
  expr: /* @__PURE__ */ floats(scalar.sinh),
  jvp: (t, x) => mul(t, cosh(x)),
  // With e = expm1(|x|): (e + e / (e + 1)) / 2, whose terms do not cancel; e^x / 2 where e overflows.
  lower: /* @__PURE__ */ nodeOr("Sinh", (f, x) => {
    const a = f.op("Abs", x);
    const e = expm1In(f, a);
    const near = f.mul(f.add(e, f.div(e, f.add(e, 1))), 0.5);
    const root = f.op("Exp", f.mul(a, 0.5));
    return f.odd(x, f.choose(f.less(a, 40), near, f.mul(f.mul(root, 0.5), root)));
  }),
  domain: { special: /* @__PURE__ */ specialAnd(89, -700) },
});

/** The hyperbolic sine, elementwise. */
export function sinh(x: NDArray): NDArray {
  return bind1(sinhP, [x], null);
}

const coshP = /* @__PURE__ */ unary({
  name: "cosh",
  expr: /* @__PURE__ */ floats(scalar.cosh),
  jvp: (t, x) => mul(t, sinh(x)),
  // Through e^(|x|/2), which does not overflow before the result does.
  lower: /* @__PURE__ */ nodeOr("Cosh", (f, x) => {
    const root = f.op("Exp", f.mul(f.op("Abs", x), 0.5));
    return f.add(f.mul(f.mul(root, 0.5), root), f.div(f.div(0.5, root), root));
  }),
  domain: { special: /* @__PURE__ */ specialAnd(89, -700) },
});

/** The hyperbolic cosine, elementwise. */
export function cosh(x: NDArray): NDArray {
  return bind1(coshP, [x], null);
}

const tanhP = /* @__PURE__ */ unary({
  name: "tanh",
  expr: /* @__PURE__ */ floats(scalar.tanh),
  // The factor is one that loops can compute for all steps at once.
  jvp: (t, _, y) => mul(t, oneMinusSquare(y)),
  lower: /* @__PURE__ */ node("Tanh"),
  domain: { special },
});

/** The hyperbolic tangent, elementwise. */
export function tanh(x: NDArray): NDArray {
  return bind1(tanhP, [x], null);
}

const asinhP = /* @__PURE__ */ unary({
  name: "asinh",
  expr: /* @__PURE__ */ floats(scalar.asinh),
  jvp: (t, x) => mul(t, rsqrt(plus(mul(x, x), 1))),
  lower: /* @__PURE__ */ nodeOr("Asinh", (f, x) => {
    const a = f.op("Abs", x);
    const root = f.op("Sqrt", f.add(f.mul(a, a), 1));
    const near = log1pIn(f, f.add(a, f.mul(a, f.div(a, f.add(root, 1)))));
    return f.odd(x, f.choose(f.less(a, 1e9), near, f.add(f.op("Log", a), Math.LN2)));
  }),
  domain: { special: /* @__PURE__ */ specialAnd(1e10, -1e20) },
});

/** The inverse hyperbolic sine, elementwise. */
export function asinh(x: NDArray): NDArray {
  return bind1(asinhP, [x], null);
}

const acoshP = /* @__PURE__ */ unary({
  name: "acosh",
  expr: /* @__PURE__ */ floats(scalar.acosh),
  jvp: (t, x) => mul(t, mul(rsqrt(plus(x, -1)), rsqrt(plus(x, 1)))),
  lower: /* @__PURE__ */ nodeOr("Acosh", (f, x) => {
    const t = f.sub(x, 1);
    const near = log1pIn(f, f.add(t, f.op("Sqrt", f.mul(t, f.add(x, 1)))));
    const value = f.choose(f.less(x, 1e9), near, f.add(f.op("Log", x), Math.LN2));
    return f.choose(f.less(x, 1), NaN, value);
  }),
  domain: { range: [1.1, 4], special: [1, 1.0001, 2, 1e10, 1e30, Infinity, 0.5, -3, -1e10, NaN] },
});

/** The inverse hyperbolic cosine, elementwise. */
export function acosh(x: NDArray): NDArray {
  return bind1(acoshP, [x], null);
}

const atanhP = /* @__PURE__ */ unary({
  name: "atanh",
  expr: /* @__PURE__ */ floats(scalar.atanh),
  jvp: (t, x) => div(t, oneMinusSquare(x)),
  lower: /* @__PURE__ */ nodeOr("Atanh", (f, x) => {
    const a = f.op("Abs", x);
    return f.odd(x, f.mul(log1pIn(f, f.div(f.mul(a, 2), f.sub(1, a))), 0.5));
  }),
  domain: { range: [-0.9, 0.9], special: unit },
});

/** The inverse hyperbolic tangent, elementwise. */
export function atanh(x: NDArray): NDArray {
  return bind1(atanhP, [x], null);
}

// ---------------------------------------------------------------- tests for values

const isFiniteP = /* @__PURE__ */ unary({
  name: "is_finite",
  expr: /* @__PURE__ */ floats((e, x) => e.lt(e.abs(x), Infinity)),
  result: "bool",
  jvp: null,
  // A comparison, as IsInf and IsNaN have no GPU kernels.
  lower: /* @__PURE__ */ formula((f, x) => f.less(f.op("Abs", x), Infinity)),
  domain: { special: [0, 3e38, Infinity, -Infinity, NaN] },
});

/** Whether `x` is neither infinite nor NaN, elementwise, as bool. */
export function isFinite(x: NDArray): NDArray {
  return bind1(isFiniteP, [x], null);
}

const isNaNP = /* @__PURE__ */ unary({
  name: "is_nan",
  expr: /* @__PURE__ */ floats((e, x) => e.ne(x, x)),
  result: "bool",
  jvp: null,
  lower: (g, x) => g.node("Not", [g.node("Equal", [x, x])]),
  domain: { special: [0, 3e38, Infinity, -Infinity, NaN] },
});

/** Whether `x` is NaN, elementwise, as bool. */
export function isNaN(x: NDArray): NDArray {
  return bind1(isNaNP, [x], null);
}
