/**
 * The error function and its inverse, which JavaScript lacks and ONNX has in part: approximations
 * that serve both the CPU implementation and the graph.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { Value } from "../../core/lowering.ts";
import { bind1 } from "../../core/trace.ts";
import { scalarLike } from "../constants/full.ts";
import { Formula } from "../graph/formula.ts";
import { hasAccurateKernel } from "./accurate.ts";
import { mul, neg, sub } from "./arithmetic.ts";
import { exp } from "./elementary.ts";
import { floats, unary } from "./factory.ts";
import type { Scalar1 } from "./loops.ts";

/** Evaluates a polynomial, highest coefficient first. */
function polynomial(x: number, coefficients: readonly number[]): number {
  let y = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) y = y * x + coefficients[i]!;
  return y;
}

// ---------------------------------------------------------------- erf

// W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), as in
// SPECFUN's CALERF. Highest coefficients first; `near` in x^2 for erf(x) / x, `far` in |x| for
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

/** `erf(x)` for small `x`. */
function erfNear(x: number): number {
  return x * polynomial(x * x, NEAR_P) / polynomial(x * x, NEAR_Q);
}

/** `erfc(x) e^(x^2)` for positive `x` that are not small. */
function scaledTail(x: number): number {
  if (x <= ERF_TAIL) return polynomial(x, FAR_P) / polynomial(x, FAR_Q);
  const w = 1 / (x * x);
  return (1 / Math.sqrt(Math.PI) - w * polynomial(w, TAIL_P) / polynomial(w, TAIL_Q)) / x;
}

/** `e^(sign x^2)`; the error of rounding x^2 would multiply with it. */
function expSquare(x: number, sign: 1 | -1): number {
  if (!(x < 32)) return Math.exp(sign * x * x);
  const whole = Math.floor(x * 16) / 16;
  return Math.exp(sign * whole * whole) * Math.exp(sign * (x - whole) * (x + whole));
}

function erfOf(x: number): number {
  const a = Math.min(Math.abs(x), ERF_ONE);
  if (a <= ERF_NEAR) return erfNear(x);
  const erf = 1 - Math.exp(-a * a) * polynomial(a, FAR_P) / polynomial(a, FAR_Q);
  return x < 0 ? -erf : erf;
}

function erfcOf(x: number): number {
  const a = Math.abs(x);
  if (a <= ERF_NEAR) return 1 - erfNear(x);
  const tail = expSquare(a, -1) * scaledTail(a);
  return x < 0 ? 2 - tail : tail;
}

function erfcxOf(x: number): number {
  const a = Math.abs(x);
  if (a <= ERF_NEAR) return Math.exp(x * x) * (1 - erfNear(x));
  return x < 0 ? 2 * expSquare(a, 1) - scaledTail(a) : scaledTail(a);
}

/** `erf(x)` for small `x`, in the graph. */
function erfNearIn(f: Formula, x: Value): Value {
  const square = f.mul(x, x);
  return f.mul(x, f.div(f.polynomial(square, NEAR_P), f.polynomial(square, NEAR_Q)));
}

/** `scaledTail` in the graph. */
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

/** `expSquare` in the graph. */
function expSquareIn(f: Formula, x: Value, sign: 1 | -1): Value {
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

function erfcIn(f: Formula, x: Value): Value {
  const a = f.op("Abs", x);
  const tail = f.mul(expSquareIn(f, a, -1), scaledTailIn(f, a));
  const far = f.choose(f.less(x, 0), f.sub(2, tail), tail);
  return f.choose(f.less(ERF_NEAR, a), far, f.sub(1, erfNearIn(f, x)));
}

function erfcxIn(f: Formula, x: Value): Value {
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

const erfP = unary({
  name: "erf",
  kernels: floats(erfOf),
  jvp: (t, x) => mul(t, mul(slopeAt0(x), exp(neg(mul(x, x))))),
  lower: (g, x, dtype) =>
    hasAccurateKernel(g, dtype) ? g.node("Erf", [x]) : erfIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** The error function, elementwise. */
export function erf(x: NDArray): NDArray {
  return bind1(erfP, [x], null);
}

const erfcP = unary({
  name: "erfc",
  kernels: floats(erfcOf),
  jvp: (t, x) => neg(mul(t, mul(slopeAt0(x), exp(neg(mul(x, x)))))),
  lower: (g, x, dtype) => erfcIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** `1 - erf(x)`, to full relative precision in the tail too, elementwise. */
export function erfc(x: NDArray): NDArray {
  return bind1(erfcP, [x], null);
}

const erfcxP = unary({
  name: "erfcx",
  kernels: floats(erfcxOf),
  jvp: (t, x, y) => mul(t, sub(mul(mul(scalarLike(2, x), x), y), slopeAt0(x))),
  lower: (g, x, dtype) => erfcxIn(new Formula(g, dtype), x),
  domain: { special: SPECIAL },
});

/** `erfc(x) e^(x^2)`, which does not underflow, elementwise. */
export function erfcx(x: NDArray): NDArray {
  return bind1(erfcxP, [x], null);
}

// ---------------------------------------------------------------- erfInv

/** A piece of the inverse: a polynomial in `w - shift`, or in `sqrt(w) - shift` after the first. */
interface Piece {
  /** It holds for w below this. */
  readonly below: number;
  /** Subtracted from w or its root. */
  readonly shift: number;
  /** Highest first. */
  readonly coefficients: readonly number[];
}

// M. Giles, Approximating the erfinv function, GPU Computing Gems (2012), as in XLA: erfInv(x) / x as
// polynomials in w = -log(1 - x^2), of single and of double precision.
const SINGLE: readonly Piece[] = [
  {
    below: 5,
    shift: 2.5,
    coefficients: [
      2.81022636e-08,
      3.43273939e-07,
      -3.5233877e-06,
      -4.39150654e-06,
      0.00021858087,
      -0.00125372503,
      -0.00417768164,
      0.246640727,
      1.50140941,
    ],
  },
  {
    below: Infinity,
    shift: 3,
    coefficients: [
      -0.000200214257,
      0.000100950558,
      0.00134934322,
      -0.00367342844,
      0.00573950773,
      -0.0076224613,
      0.00943887047,
      1.00167406,
      2.83297682,
    ],
  },
];
const DOUBLE: readonly Piece[] = [
  {
    below: 6.25,
    shift: 3.125,
    coefficients: [
      -3.6444120640178196996e-21,
      -1.685059138182016589e-19,
      1.2858480715256400167e-18,
      1.115787767802518096e-17,
      -1.333171662854620906e-16,
      2.0972767875968561637e-17,
      6.6376381343583238325e-15,
      -4.0545662729752068639e-14,
      -8.1519341976054721522e-14,
      2.6335093153082322977e-12,
      -1.2975133253453532498e-11,
      -5.4154120542946279317e-11,
      1.051212273321532285e-09,
      -4.1126339803469836976e-09,
      -2.9070369957882005086e-08,
      4.2347877827932403518e-07,
      -1.3654692000834678645e-06,
      -1.3882523362786468719e-05,
      0.0001867342080340571352,
      -0.00074070253416626697512,
      -0.0060336708714301490533,
      0.24015818242558961693,
      1.6536545626831027356,
    ],
  },
  {
    below: 16,
    shift: 3.25,
    coefficients: [
      2.2137376921775787049e-09,
      9.0756561938885390979e-08,
      -2.7517406297064545428e-07,
      1.8239629214389227755e-08,
      1.5027403968909827627e-06,
      -4.013867526981545969e-06,
      2.9234449089955446044e-06,
      1.2475304481671778723e-05,
      -4.7318229009055733981e-05,
      6.8284851459573175448e-05,
      2.4031110387097893999e-05,
      -0.0003550375203628474796,
      0.00095328937973738049703,
      -0.0016882755560235047313,
      0.0024914420961078508066,
      -0.0037512085075692412107,
      0.005370914553590063617,
      1.0052589676941592334,
      3.0838856104922207635,
    ],
  },
  {
    below: Infinity,
    shift: 5,
    coefficients: [
      -2.7109920616438573243e-11,
      -2.5556418169965252055e-10,
      1.5076572693500548083e-09,
      -3.7894654401267369937e-09,
      7.6157012080783393804e-09,
      -1.4960026627149240478e-08,
      2.9147953450901080826e-08,
      -6.7711997758452339498e-08,
      2.2900482228026654717e-07,
      -9.9298272942317002539e-07,
      4.5260625972231537039e-06,
      -1.9681778105531670567e-05,
      7.5995277030017761139e-05,
      -0.00021503011930044477347,
      -0.00013871931833623122026,
      1.0103004648645343977,
      4.8499064014085844221,
    ],
  },
];

/** `oneMinusSquare` is 1 - x^2. */
function erfInvOf(pieces: readonly Piece[], oneMinusSquare: Scalar1): Scalar1 {
  return (x) => {
    if (x === 1 || x === -1) return x * Infinity;
    const w = -Math.log(oneMinusSquare(x));
    if (w !== w) return NaN;
    const i = pieces.findIndex((piece) => w < piece.below);
    const { shift, coefficients } = pieces[i]!;
    return x * polynomial((i === 0 ? w : Math.sqrt(w)) - shift, coefficients);
  };
}

function erfInvIn(f: Formula, x: Value): Value {
  const pieces = f.dtype === "float32" ? SINGLE : DOUBLE;
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

const erfInvP = unary({
  name: "erf_inv",
  kernels: {
    // With x^2 rounded as in XLA, so that normal random numbers agree with JAX's far out too.
    float32: erfInvOf(SINGLE, (x) => 1 - Math.fround(x * x)),
    float64: erfInvOf(DOUBLE, (x) => (1 - x) * (1 + x)),
  },
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
