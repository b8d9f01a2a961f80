/**
 * The logarithm of the gamma function and its derivatives: lgamma, digamma, polygamma; the function itself, and Hurwitz's
 * zeta function, of which polygamma is a part.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import * as scalar from "../../scalar/gamma.ts";
import { gamma as gammaFunction, gammasgn as signOfGamma } from "../../scalar/gamma_function.ts";
import { zeta as zetaFunction } from "../../scalar/zeta.ts";
import { derivativeOfOrder } from "../../scalar/dual.ts";
import { scalarLike } from "../constants/full.ts";
import { add, mul, neg } from "./arithmetic.ts";
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
