/**
 * Integrals that have no closed form: of exponentials, sines and logarithms.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { bind1 } from "../../core/trace.ts";
import { dawsn as scalarDawsn } from "../../scalar/dawson.ts";
import { spence as scalarSpence } from "../../scalar/dilogarithm.ts";
import { expi as scalarExpi } from "../../scalar/exponential_integral.ts";
import { fresnelCosine as scalarC, fresnelSine as scalarS } from "../../scalar/fresnel.ts";
import {
  cosineIntegral as scalarCi,
  sineIntegral as scalarSi,
} from "../../scalar/trigonometric_integrals.ts";
import { scalarLike } from "../constants/full.ts";
import { div, mul, rem, sub } from "./arithmetic.ts";
import { eq } from "./compare.ts";
import { cos, exp, log, sin } from "./elementary.ts";
import { formula1 } from "./formulas.ts";
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
