/**
 * Integrals that have no closed form: of exponentials, sines and logarithms.
 *
 * Modified Bessel functions of the orders 0 and 1, scaled by `e^-|x|`.
 *
 * Terms of entropies and divergences.
 *
 * @module
 */
import { bind1, type NDArray } from "../../core/mod.ts";
import * as scalar from "../../scalar/bessel.ts";
import * as entropies from "../../scalar/entropy.ts";
import { expi as scalarExpi } from "../../scalar/exponential_integral.ts";
import { fresnelCosine as scalarC, fresnelSine as scalarS } from "../../scalar/fresnel.ts";
import {
  cosineIntegral as scalarCi,
  dawsn as scalarDawsn,
  sineIntegral as scalarSi,
  spence as scalarSpence,
} from "../../scalar/trigonometric_integrals.ts";
import { scalarLike, zerosLike } from "../constants/constants.ts";
import { abs, add, div, mul, neg, rem, sign, sub } from "./arithmetic.ts";
import { and, eq, gt, lt } from "./compare.ts";
import { cos, exp, log, sin } from "./elementary.ts";
import { formula1, formula2 } from "./formulas.ts";
import { select } from "./select.ts";

/** `f(x) / g(x)`, or its limit at the one point where both are 0; derivatives there are those of the limit. */
function ratioOr(
  limit: number,
  at: number,
  x: NDArray,
  ratio: (x: NDArray) => NDArray,
): NDArray {
  const isThere = eq(x, scalarLike(at, x));
  return select(isThere, scalarLike(limit, x), ratio(select(isThere, scalarLike(at + 1, x), x)));
}

/** `pi x^2 / 2`, without whole turns. */
function turn(x: NDArray): NDArray {
  return mul(scalarLike(Math.PI / 2, x), rem(mul(x, x), scalarLike(4, x)));
}

// ---------------------------------------------------------------- of exponentials

const expiP = /* @__PURE__ */ formula1({
  name: "expi",
  formula: scalarExpi,
  jvp: (t, x) => mul(t, div(exp(x), x)),
  domain: {
    // Where it is not 0.
    range: [0.5, 3],
    special: [
      ...[0, -0, 1e-30, -1e-8, 0.3725, -0.9, -1.1, -1.9, -2.1, -4.9, -5.1, -15, -17, 2.9, 3.1],
      ...[5.9, 6.1, 11, 13, 23, 25, 59, 61, 88.5, -80, Infinity, -Infinity, NaN],
    ],
  },
});

/** The integral of `e^t / t` from minus infinity to `x`, a principal value, elementwise. */
export function expi(x: NDArray): NDArray {
  return bind1(expiP, [x], null);
}

const dawsnP = /* @__PURE__ */ formula1({
  name: "dawsn",
  formula: scalarDawsn,
  jvp: (t, x, y) => mul(t, sub(scalarLike(1, x), mul(mul(scalarLike(2, x), x), y))),
  domain: {
    special: [
      ...[0, -0, 1e-30, -1e-8, 0.924, 1.4, -1.6, 3.2, 3.3, -6.2, 6.3, 100, -1e30],
      ...[Infinity, -Infinity, NaN],
    ],
  },
});

/** `e^(-x^2)` times the integral of `e^(t^2)` from 0 to `x`, elementwise. */
export function dawsn(x: NDArray): NDArray {
  return bind1(dawsnP, [x], null);
}

// ---------------------------------------------------------------- of sines and cosines

const OSCILLATING = [
  0,
  -0,
  1e-30,
  -1e-8,
  0.6165,
  3.9,
  -4.1,
  7.9,
  8.1,
  -20,
  100,
  1e4,
  Infinity,
  -Infinity,
  NaN,
];

const sineIntegralP = /* @__PURE__ */ formula1({
  name: "sine_integral",
  formula: scalarSi,
  jvp: (t, x) => mul(t, ratioOr(1, 0, x, (a) => div(sin(a), a))),
  domain: { special: OSCILLATING },
});

/** The integral of `sin(t) / t` from 0 to `x`, elementwise. */
export function sineIntegral(x: NDArray): NDArray {
  return bind1(sineIntegralP, [x], null);
}

const cosineIntegralP = /* @__PURE__ */ formula1({
  name: "cosine_integral",
  formula: scalarCi,
  jvp: (t, x) => mul(t, div(cos(x), x)),
  domain: {
    range: [1, 3],
    special: OSCILLATING,
  },
});

/** Euler's constant plus `log|x|` plus the integral of `(cos(t) - 1) / t` from 0 to `x`, elementwise. */
export function cosineIntegral(x: NDArray): NDArray {
  return bind1(cosineIntegralP, [x], null);
}

const WAVES = [
  0,
  -0,
  1e-10,
  -1e-4,
  1.5,
  -1.7,
  2.3,
  2.5,
  -7.25,
  100,
  1e20,
  Infinity,
  -Infinity,
  NaN,
];

const fresnelSineP = /* @__PURE__ */ formula1({
  name: "fresnel_sine",
  formula: scalarS,
  jvp: (t, x) => mul(t, sin(turn(x))),
  domain: { special: WAVES },
});

/** The integral of `sin(pi t^2 / 2)` from 0 to `x`, elementwise. */
export function fresnelSine(x: NDArray): NDArray {
  return bind1(fresnelSineP, [x], null);
}

const fresnelCosineP = /* @__PURE__ */ formula1({
  name: "fresnel_cosine",
  formula: scalarC,
  jvp: (t, x) => mul(t, cos(turn(x))),
  domain: { special: WAVES },
});

/** The integral of `cos(pi t^2 / 2)` from 0 to `x`, elementwise. */
export function fresnelCosine(x: NDArray): NDArray {
  return bind1(fresnelCosineP, [x], null);
}

// ---------------------------------------------------------------- of logarithms

const spenceP = /* @__PURE__ */ formula1({
  name: "spence",
  formula: scalarSpence,
  jvp: (t, x) => mul(t, ratioOr(-1, 1, x, (a) => div(log(a), sub(scalarLike(1, a), a)))),
  domain: {
    range: [0.1, 3],
    special: [0, -0, 1e-30, 0.4999, 0.5001, 1, 1.49, 1.51, 2, 10, 1e10, Infinity, -1, NaN],
  },
});

/** The integral of `log(t) / (1 - t)` from 1 to `x`, elementwise: the dilogarithm of `1 - x`. */
export function spence(x: NDArray): NDArray {
  return bind1(spenceP, [x], null);
}

const SPECIAL = [0, -0, 1e-30, -1e-8, 7.9, 8.1, -20, 1e3, -1e10, 1e30, Infinity, -Infinity, NaN];

const i0eP = /* @__PURE__ */ formula1({
  name: "i0e",
  formula: scalar.i0e,
  jvp: (t, x, y) => mul(t, sub(i1e(x), mul(sign(x), y))),
  domain: { special: SPECIAL },
});

const i0P = /* @__PURE__ */ formula1({
  name: "i0",
  formula: scalar.i0,
  // The slope of a product with `e^|x|` would be the difference of two numbers that are equal near 0.
  jvp: (t, x) => mul(t, mul(exp(abs(x)), i1e(x))),
  domain: { special: SPECIAL },
});

/** `I0(x)`, elementwise. */
export function i0(x: NDArray): NDArray {
  return bind1(i0P, [x], null);
}

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

function number(value: number, x: NDArray): NDArray {
  return scalarLike(value, x);
}

const entrP = /* @__PURE__ */ formula1({
  name: "entr",
  formula: entropies.entr,
  jvp(t, x) {
    const slope = neg(add(log(x), number(1, x)));
    return select(lt(x, number(0, x)), zerosLike(x), mul(t, slope));
  },
  domain: { range: [0.1, 3], special: [0, -0, 1, -1, 1e-30, 1e30, Infinity, -Infinity, NaN] },
});

/** `-x log(x)`, 0 at 0, and minus infinity below, elementwise. */
export function entr(x: NDArray): NDArray {
  return bind1(entrP, [x], null);
}

const PAIRS = {
  range: [0.1, 1.3],
  range2: [1.5, 3],
  special: [0, 0, 1, 1, -1, 0, 1, 1.001, 3, 1e-30, NaN, 0, Infinity],
  special2: [0, 2, 0, -1, 1, -1, 1, 1, 1, 1e30, 1, NaN, 1],
} as const;

/** What both have in common: the slopes where both operands are positive, and those elsewhere, as in JAX. */
function divergence(
  tp: NDArray | null,
  tq: NDArray | null,
  p: NDArray,
  q: NDArray,
  slopes: (p: NDArray, q: NDArray) => readonly [NDArray, NDArray],
  elsewhere: number,
): NDArray {
  const positive = and(gt(p, number(0, p)), gt(q, number(0, q)));
  const safe = (x: NDArray): NDArray => select(positive, x, number(1, x));
  const [dp, dq] = slopes(safe(p), safe(q));
  const x = tp && mul(tp, select(positive, dp, number(0 - elsewhere, p)));
  const y = tq && mul(tq, select(positive, dq, number(elsewhere, q)));
  return x === null ? y! : y === null ? x : add(x, y);
}

const relEntrP = /* @__PURE__ */ formula2({
  name: "rel_entr",
  formula: entropies.relEntr,
  jvp: (tp, tq, p, q) =>
    divergence(tp, tq, p, q, (p, q) => {
      const ratio = div(p, q);
      return [add(log(ratio), number(1, p)), neg(ratio)];
    }, 0),
  domain: PAIRS,
});

/** `p log(p / q)`, 0 where `p` is 0, and infinity where one is negative, elementwise. */
export function relEntr(p: NDArray, q: NDArray): NDArray {
  return bind1(relEntrP, [p, q], null);
}

const klDivP = /* @__PURE__ */ formula2({
  name: "kl_div",
  formula: entropies.klDiv,
  jvp: (tp, tq, p, q) =>
    divergence(tp, tq, p, q, (p, q) => {
      const ratio = div(p, q);
      return [log(ratio), sub(number(1, q), ratio)];
    }, 1),
  domain: PAIRS,
});

/** `p log(p / q) - p + q`, `q` where `p` is 0, and infinity where one is negative, elementwise. */
export function klDiv(p: NDArray, q: NDArray): NDArray {
  return bind1(klDivP, [p, q], null);
}
