/**
 * The gamma, chi-squared and beta distributions, as in `jax.scipy.stats`.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/mod.ts";
import { add, and, gt, lgamma, mul, neg, select, sub } from "../../primitives/mod.ts";
import { betainc, betaln, gammainc, gammaincc, xlog1py, xlogy } from "../special.ts";
import {
  density,
  distribution,
  expOf,
  type Laws,
  logOf,
  number,
  type Placed,
  positive,
  type Rule,
  standard,
  unit,
  within,
} from "./distribution.ts";

/** The functions of the gamma and chi-squared distributions. */
type GammaRules = Record<"logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf", Rule>;

// ---------------------------------------------------------------- gamma, chi-squared

const gammaBelow: Rule = within(positive, (y, a) => gammainc(a!, y), 0);
const gammaAbove: Rule = within(positive, (y, a) => gammaincc(a!, y), 1);
const gammaKernel: Rule = (y, a) => sub(sub(xlogy(sub(a!, number(1, a!)), y), y), lgamma(a!));

/** The laws of a gamma distribution whose standard form is `of` the one of scale 1, `size` denser. */
function gammaLaws(of: (f: Rule) => Rule, size: number): GammaRules {
  const logpdf = density(of((y, a) => sub(gammaKernel(y, a!), number(size, y))), positive);
  const [below, above] = [standard(of(gammaBelow)), standard(of(gammaAbove))];
  return {
    ...{ logpdf, pdf: expOf(logpdf) },
    ...{ logcdf: logOf(below), cdf: below },
    ...{ logsf: logOf(above), sf: above },
  };
}

/**
 * The gamma distribution of shape `a`, as `jax.scipy.stats.gamma`.
 *
 * @example
 * ```ts
 * import { gamma } from "@injax/injax/stats";
 *
 * console.log(gamma.pdf(1, 1).item(), gamma.pdf(-1, 3).item()); // 0.3678794503211975 0
 * ```
 */
export const gamma: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf",
  [a: Operand, ...Placed]
> = /* @__PURE__ */ distribution("gamma", ["a", "loc", "scale"], gammaLaws((f) => f, 0));

/**
 * The chi-squared distribution with `df` degrees of freedom, as `jax.scipy.stats.chi2`.
 *
 * @example
 * ```ts
 * import { chi2 } from "@injax/injax/stats";
 *
 * console.log(chi2.pdf(0, 2).item()); // 0.5
 * ```
 */
export const chi2: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf",
  [df: Operand, ...Placed]
> = /* @__PURE__ */ distribution(
  "chi2",
  ["df", "loc", "scale"],
  gammaLaws((f) => (y, df) => f(halved(y), halved(df!)), Math.LN2),
);

function halved(x: NDArray): NDArray {
  return mul(number(0.5, x), x);
}

// ---------------------------------------------------------------- beta

/** `f` where the shapes are positive, else NaN. */
function shaped(f: Rule): Rule {
  return (x, a, b, loc, scale) => {
    const value = f(x, a!, b!, loc!, scale!);
    const isKnown = [a!, b!, scale!].map((s) => gt(s, number(0, s))).reduce(and);
    return select(isKnown, value, number(NaN, value));
  };
}

const betaDensity = shaped(density((y, a, b) => {
  const one = number(1, y);
  const powers = add(xlogy(sub(a!, one), y), xlog1py(sub(b!, one), neg(y)));
  return sub(powers, betaln(a!, b!));
}, unit));
const betaBelow = standard(within(unit, (y, a, b) => betainc(a!, b!, y), 0, 1));
const betaAbove = standard(
  within(unit, (y, a, b) => betainc(b!, a!, sub(number(1, y), y)), 1, 0),
);
/**
 * The beta distribution of shapes `a` and `b`, as `jax.scipy.stats.beta`; its density is NaN where one of
 * them or the scale is not positive.
 *
 * @example
 * ```ts
 * import { beta } from "@injax/injax/stats";
 *
 * console.log(beta.pdf(0.5, 2, 2).item().toFixed(4), beta.sf(0.5, 2, 1).item()); // 1.5000 0.75
 * ```
 */
export const beta: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf",
  [a: Operand, b: Operand, ...Placed]
> = /* @__PURE__ */ distribution("beta", ["a", "b", "loc", "scale"], {
  logpdf: betaDensity,
  pdf: expOf(betaDensity),
  logcdf: logOf(betaBelow),
  cdf: betaBelow,
  logsf: logOf(betaAbove),
  sf: betaAbove,
});
