/**
 * The logarithm of the gamma function and its derivatives: lgamma, digamma, polygamma; the function itself, and Hurwitz's
 * zeta function, of which polygamma is a part.
 *
 * The incomplete gamma functions and all their derivatives, by both operands.
 *
 * Quotients of gamma functions: the beta function's logarithm, binomial coefficients, rising
 * factorials; and the incomplete beta function with all its derivatives.
 *
 * @module
 */
import { bind1, type NDArray, type Primitive } from "../../core/mod.ts";
import type { Formula } from "../../scalar/arithmetic.ts";
import * as betas from "../../scalar/beta.ts";
import { derivativeOfOrder } from "../../scalar/dual.ts";
import * as scalar from "../../scalar/gamma.ts";
import {
  gamma as gammaFunction,
  gammasgn as signOfGamma,
  zeta as zetaFunction,
} from "../../scalar/gamma.ts";
import * as incomplete from "../../scalar/incomplete_gamma.ts";
import { scalarLike } from "../constants/constants.ts";
import { add, mul, neg, sub } from "./arithmetic.ts";
import type { Sample } from "../../core/sample.ts";
import { bindFamily, familySamples, formula1, formulaFamily } from "./formulas.ts";

// Around where the approximations meet, poles, and where results leave the range of floats.
const SPECIAL = [
  ...[0, -0, 1e-30, -1e-8, 0.2, 0.75, 1, 1.25, 1.4616321449683622, 1.75, 2, 2.5, 2.8, 6.5, 7.8, 8],
  ...[
    33.3,
    40.25,
    1e10,
    3e38,
    -40.25,
    -300.5,
    -0.5,
    -0.25,
    -0.3,
    -1,
    -1.5,
    -2.457,
    -9.75,
    -100.5,
    Infinity,
    -Infinity,
    NaN,
  ],
];

const lgammaP = /* @__PURE__ */ formula1({
  name: "lgamma",
  formula: scalar.lgamma,
  jvp: (t, x) => mul(t, digamma(x)),
  domain: { range: [0.2, 9], special: SPECIAL },
});

/** The logarithm of the size of the gamma function, elementwise. */
export function lgamma(x: NDArray): NDArray {
  return bind1(lgammaP, [x], null);
}

const digammaP = /* @__PURE__ */ formula1({
  name: "digamma",
  formula: scalar.digamma,
  jvp: (t, x) => mul(t, polygamma(1, x)),
  domain: { range: [0.2, 9], special: SPECIAL },
});

/** The derivative of `lgamma`, elementwise. */
export function digamma(x: NDArray): NDArray {
  return bind1(digammaP, [x], null);
}

// ---------------------------------------------------------------- polygamma

/** Of `polygamma`. */
export interface PolygammaParams {
  /** The order of the derivative, 1 or more. */
  readonly n: number;
}

const polygammaP = /* @__PURE__ */ formulaFamily<PolygammaParams>({
  name: "polygamma",
  key: ({ n }) => String(n),
  formula: ({ n }) => scalar.polygamma(n),
  slopes: [({ n }, [x]) => polygamma(n + 1, x!)],
  samples: () => [1, 2].flatMap((n) => familySamples({ n }, [[0.2, 9]], SPECIAL.map((x) => [x]))),
});

/** The `n`th derivative of `digamma`, elementwise; itself for `n` = 0. */
export function polygamma(n: number, x: NDArray): NDArray {
  return n === 0 ? digamma(x) : bind1(polygammaP, [x], { n });
}

// ---------------------------------------------------------------- the function itself

const gammaP = /* @__PURE__ */ formula1({
  name: "gamma",
  formula: gammaFunction,
  jvp: (t, x, y) => mul(t, mul(y, digamma(x))),
  domain: { range: [0.2, 9], special: SPECIAL },
});

/** The gamma function, elementwise. */
export function gamma(x: NDArray): NDArray {
  return bind1(gammaP, [x], null);
}

const gammasgnP = /* @__PURE__ */ formula1({
  name: "gammasgn",
  formula: signOfGamma,
  jvp: null,
  domain: { special: SPECIAL },
});

/** The sign of the gamma function, elementwise. */
export function gammasgn(x: NDArray): NDArray {
  return bind1(gammasgnP, [x], null);
}

// ---------------------------------------------------------------- zeta

/** Of `zeta`. */
export interface ZetaParams {
  /** How often it is differentiated by `s`. */
  readonly order: number;
}

const zetaP: Primitive<ZetaParams> = /* @__PURE__ */ formulaFamily<ZetaParams>({
  name: "zeta",
  key: ({ order }) => String(order),
  formula: ({ order }) => derivativeOfOrder(zetaFunction, 0, order),
  slopes: [
    ({ order }, [s, q]) => bind1(zetaP, [s!, q!], { order: order + 1 }),
    // By s as often, -s zeta(s + 1, q) is -s D zeta(s + 1, q) and, of one order less, -order D zeta(s + 1, q).
    ({ order }, [s, q]) => {
      const next = add(s!, scalarLike(1, s!));
      const first = neg(mul(s!, bind1(zetaP, [next, q!], { order })));
      if (order === 0) return first;
      const second = bind1(zetaP, [next, q!], { order: order - 1 });
      return add(first, mul(scalarLike(-order, s!), second));
    },
  ],
  samples: () => [
    ...familySamples({ order: 0 }, [[1.5, 6], [0.3, 9]], [
      [2, 0],
      [2, -1.5],
      [3, -0.25],
      [2, -2],
      [2.5, -0.5],
      [1, 2],
      [0.5, 2],
      [2, Infinity],
      [2, NaN],
      [NaN, 2],
      [40, 3],
      [1.001, 5],
      [3, 1e10],
    ]),
    ...familySamples({ order: 1 }, [[1.5, 6], [0.3, 9]], [[2, 1], [3, 4.5]]),
  ],
});

/** Hurwitz's zeta function, elementwise. */
export function zeta(s: NDArray, q: NDArray): NDArray {
  return bindFamily(zetaP, [s, q], { order: 0 });
}

/** Of `incomplete_gamma`. */
export interface IncompleteGammaParams {
  /** The lower function, or how a sample moves with `a`. */
  readonly kind: "lower" | "upper" | "sample";
  /** How often it is differentiated by `a`, and by `x`. */
  readonly byA: number;
  readonly byX: number;
}

function formulaOf({ kind, byA, byX }: IncompleteGammaParams): Formula {
  if (kind === "sample") {
    return derivativeOfOrder(derivativeOfOrder(incomplete.sampleSlope, 1, byX), 0, byA);
  }
  if (byX > 0) {
    return derivativeOfOrder(derivativeOfOrder(incomplete.igammaDensity, 1, byX - 1), 0, byA);
  }
  return derivativeOfOrder(kind === "lower" ? incomplete.igamma : incomplete.igammac, 0, byA);
}

/** As `familySamples`: graphs of two thousand nodes are not made for scalars as well. */
const withoutScalars: typeof familySamples = (...args) =>
  familySamples(...args).filter(({ name }) => !name.includes("scalar"));

const incompleteGammaP: Primitive<IncompleteGammaParams> = /* @__PURE__ */ formulaFamily<
  IncompleteGammaParams
>({
  name: "incomplete_gamma",
  key: ({ kind, byA, byX }) => `${kind} ${byA} ${byX}`,
  formula: formulaOf,
  slopes: [
    (params, args) => bound(args, { ...params, byA: params.byA + 1 }),
    (params, args) => bound(args, { ...params, byX: params.byX + 1 }),
  ],
  samples: () => {
    const ranges = [[0.3, 20], [0.5, 20]] as const;
    const special = [
      [0, 1],
      [1, 0],
      [0, 0],
      [2, Infinity],
      [2, NaN],
      [NaN, 2],
      [-1, 2],
      [2, -1],
      [0.1, 1.5],
      [1, 1],
      [16, 16],
      [40, 38],
    ];
    const samples = (kind: "lower" | "upper"): Sample<IncompleteGammaParams>[] =>
      withoutScalars({ kind, byA: 0, byX: 0 }, ranges, special);
    // The upper function is the same sum and fraction, with another choice between them at the end.
    return [
      ...samples("lower"),
      ...samples("upper").filter(({ name }) => name.includes("special")),
    ];
  },
});

function bound(args: readonly NDArray[], params: IncompleteGammaParams): NDArray {
  // Derivatives of the upper function are those of the lower one, negated.
  if (params.kind === "upper" && params.byA + params.byX > 0) {
    return neg(bound(args, { ...params, kind: "lower" }));
  }
  return bindFamily(incompleteGammaP, args, params);
}

/** P(a, x), the lower function over Gamma(a), elementwise. */
export function igamma(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "lower", byA: 0, byX: 0 });
}

/** Q(a, x) = 1 - P(a, x), elementwise. */
export function igammac(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "upper", byA: 0, byX: 0 });
}

/** The derivative of `igamma` by `a`, elementwise. */
export function igammaGradA(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "lower", byA: 1, byX: 0 });
}

/** The derivative by `a` of samples `x` of the distribution, elementwise. */
export function randomGammaGrad(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "sample", byA: 0, byX: 0 });
}

/** `digamma(x) - digamma(y)`. */
function between(x: NDArray, y: NDArray): NDArray {
  return sub(digamma(x), digamma(y));
}

const betalnP = /* @__PURE__ */ formulaFamily({
  name: "betaln",
  key: () => "",
  formula: () => betas.betaln,
  slopes: [
    (_, [a, b]) => between(a!, add(a!, b!)),
    (_, [a, b]) => between(b!, add(a!, b!)),
  ],
  samples: () =>
    familySamples({}, [[0.2, 12], [0.2, 12]], [
      [0, 1],
      [8, 8],
      [9, 8],
      [7.9, 9],
      [100, 1e-3],
      [1e10, 1e10],
      [1e-10, 1e-10],
      [-0.5, 1.25],
      [-2.5, 20],
      [Infinity, 1],
      [1, Infinity],
      [NaN, 2],
      [3e30, 0.25],
    ]),
});

/** The logarithm of the size of the beta function, elementwise. */
export function betaln(a: NDArray, b: NDArray): NDArray {
  return bindFamily(betalnP, [a, b], {});
}

const binomP = /* @__PURE__ */ formulaFamily({
  name: "binom",
  key: () => "",
  formula: () => betas.binom,
  slopes: [
    (_, [n, k]) => {
      const one = scalarLike(1, n!);
      return mul(binom(n!, k!), between(add(n!, one), add(sub(n!, k!), one)));
    },
    (_, [n, k]) => {
      const one = scalarLike(1, n!);
      return mul(binom(n!, k!), between(add(sub(n!, k!), one), add(k!, one)));
    },
  ],
  samples: () =>
    familySamples({}, [[4.2, 9], [0.2, 4]], [
      [5, 2],
      [10, 5],
      [0, 0],
      [20, 10],
      [5.5, 2.5],
      [-0.5, 0.25],
      [NaN, 1],
      [2, NaN],
    ]),
});

/** Binomial coefficients of real numbers, elementwise. */
export function binom(n: NDArray, k: NDArray): NDArray {
  return bindFamily(binomP, [n, k], {});
}

const pochP = /* @__PURE__ */ formulaFamily({
  name: "poch",
  key: () => "",
  formula: () => betas.poch,
  slopes: [
    (_, [z, n]) => mul(poch(z!, n!), between(add(z!, n!), z!)),
    (_, [z, n]) => mul(poch(z!, n!), digamma(add(z!, n!))),
  ],
  samples: () =>
    familySamples({}, [[0.3, 5], [0.3, 5]], [
      [1, 3],
      [2.5, 0],
      [-0.5, 2],
      [-1.5, 0.25],
      [20, 4],
      [NaN, 1],
      [3, NaN],
    ]),
});

/** Rising factorials `Gamma(z + n) / Gamma(z)`, elementwise. */
export function poch(z: NDArray, n: NDArray): NDArray {
  return bindFamily(pochP, [z, n], {});
}

/** Of `incomplete_beta`: how often it is differentiated by `a`, `b` and `x`. */
export interface IncompleteBetaParams {
  /** By `a`. */
  readonly byA: number;
  /** By `b`. */
  readonly byB: number;
  /** By `x`. */
  readonly byX: number;
}

function betaFormula({ byA, byB, byX }: IncompleteBetaParams): Formula {
  if (byX > 0) {
    const byNumber = derivativeOfOrder(betas.betaDensity, 2, byX - 1);
    return derivativeOfOrder(derivativeOfOrder(byNumber, 1, byB), 0, byA);
  }
  if (byA > 0) return derivativeOfOrder(derivativeOfOrder(betas.betaincByA, 1, byB), 0, byA - 1);
  return byB > 0 ? derivativeOfOrder(betas.betaincByB, 1, byB - 1) : betas.betainc;
}

const incompleteBetaP: Primitive<IncompleteBetaParams> = /* @__PURE__ */ formulaFamily<
  IncompleteBetaParams
>({
  name: "incomplete_beta",
  key: ({ byA, byB, byX }) => `${byA} ${byB} ${byX}`,
  formula: betaFormula,
  slopes: [
    (params, args) => bindFamily(incompleteBetaP, args, { ...params, byA: params.byA + 1 }),
    (params, args) => bindFamily(incompleteBetaP, args, { ...params, byB: params.byB + 1 }),
    (params, args) => bindFamily(incompleteBetaP, args, { ...params, byX: params.byX + 1 }),
  ],
  samples: () =>
    withoutScalars({ byA: 0, byB: 0, byX: 0 }, [[0.3, 6], [0.3, 6], [0.05, 0.95]], [
      [2, 3, 0],
      [2, 3, 1],
      [0, 1, 0.5],
      [1, 0, 0.5],
      [0, 0, 0.5],
      [Infinity, 2, 0.5],
      [2, Infinity, 0.5],
      [2, NaN, 0.5],
      [NaN, 2, 0.5],
      [2, 2, NaN],
      [-1, 2, 0.5],
      [2, 2, 1.5],
      [2, 2, -0.5],
      [1, 1, 0.25],
      [0.01, 30, 0.1],
      [120, 120, 0.5],
      [200, 1000, 0.2],
      [1000, 200, 0.8],
    ]),
});

/** I(x; a, b), the incomplete beta function over the complete one, elementwise. */
export function betainc(a: NDArray, b: NDArray, x: NDArray): NDArray {
  return bindFamily(incompleteBetaP, [a, b, x], { byA: 0, byB: 0, byX: 0 });
}
