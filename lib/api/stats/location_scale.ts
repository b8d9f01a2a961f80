/**
 * Continuous distributions that have no parameters but a place and a size, as in `jax.scipy.stats`.
 *
 * @module
 */
import { add, div, gt, le, logaddexp, mul, neg, select, sub } from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/arithmetic.ts";
import * as u from "../../primitives/elementwise/elementary.ts";
import * as n from "../../primitives/elementwise/normal.ts";
import type { NDArray } from "../../core/mod.ts";
import {
  density,
  distribution,
  expOf,
  type Laws,
  log1mexp,
  logOf,
  number,
  type Placed,
  positive,
  quantile,
  type Rule,
  standard,
  unit,
  within,
  withPositiveScale,
} from "./distribution.ts";

const PLACED = ["loc", "scale"];

/** `f` of the negative. */
function mirrored(f: Rule): Rule {
  return (x) => f(neg(x));
}

// ---------------------------------------------------------------- normal

const normalDensity: Rule = (x, loc, scale) => {
  const y = div(sub(x, loc!), scale!);
  const size = add(u.log(p.abs(scale!)), number(0.5 * Math.log(2 * Math.PI), y));
  return neg(add(mul(mul(y, y), number(0.5, y)), size));
};

/**
 * The normal distribution, as `jax.scipy.stats.norm`. Tails keep their digits: `logsf` is no `log(1 - cdf)`.
 *
 * @example
 * ```ts
 * import { norm } from "@injax/injax/stats";
 *
 * console.log(norm.cdf(1, 1, 2).item()); // 0.5
 * console.log(norm.logsf(100).item()); // -5005.5244140625
 * ```
 */
export const norm: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf" | "ppf" | "isf",
  Placed
> = /* @__PURE__ */ distribution("norm", PLACED, {
  logpdf: normalDensity,
  pdf: expOf(normalDensity),
  logcdf: standard(n.logNdtr),
  cdf: standard(n.ndtr),
  logsf: standard(mirrored(n.logNdtr)),
  sf: standard(mirrored(n.ndtr)),
  ppf: quantile(n.ndtri, false),
  // Not the quantile of 1 - q, which would lose the digits of a small q.
  isf: quantile((q) => neg(n.ndtri(q)), false),
});

// ---------------------------------------------------------------- Cauchy

const cauchyDensity = density((y) => neg(add(u.log1p(mul(y, y)), number(Math.log(Math.PI), y))));

/** The arc tangent as an angle from the left, so that the tail keeps its digits. */
const cauchyBelow: Rule = (y) => mul(u.atan2(number(1, y), neg(y)), number(1 / Math.PI, y));

/** `-cot(pi q)`. */
const cauchyQuantile: Rule = (q) => {
  const half = number(Math.PI / 2, q);
  return u.tan(sub(mul(number(Math.PI, q), q), half));
};

/**
 * The distribution of Cauchy, as `jax.scipy.stats.cauchy`.
 *
 * @example
 * ```ts
 * import { cauchy } from "@injax/injax/stats";
 *
 * console.log(cauchy.cdf(0).item(), cauchy.sf(1e20).item()); // 0.5 3.183098635596846e-21
 * ```
 */
export const cauchy: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf" | "ppf" | "isf",
  Placed
> = /* @__PURE__ */ distribution("cauchy", PLACED, {
  logpdf: cauchyDensity,
  pdf: expOf(cauchyDensity),
  logcdf: standard(logOf(cauchyBelow)),
  cdf: standard(cauchyBelow),
  logsf: standard(mirrored(logOf(cauchyBelow))),
  sf: standard(mirrored(cauchyBelow)),
  ppf: quantile(cauchyQuantile, false),
  isf: quantile((q) => neg(cauchyQuantile(q)), false),
});

// ---------------------------------------------------------------- exponential

const exponentialDensity = density(neg, positive);
const exponentialLogAbove = within(positive, neg, 0);

/**
 * The exponential distribution, as `jax.scipy.stats.expon`.
 *
 * @example
 * ```ts
 * import { expon } from "@injax/injax/stats";
 *
 * console.log(expon.logpdf(3, 1, 2).item(), expon.pdf(-1).item()); // -1.6931471824645996 0
 * ```
 */
export const expon: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf" | "ppf",
  Placed
> = /* @__PURE__ */ distribution("expon", PLACED, {
  logpdf: exponentialDensity,
  pdf: expOf(exponentialDensity),
  logcdf: standard(within(positive, log1mexp, -Infinity)),
  cdf: standard(within(positive, (y) => neg(u.expm1(neg(y))), 0)),
  logsf: standard(exponentialLogAbove),
  sf: standard(expOf(exponentialLogAbove)),
  ppf: quantile((q) => neg(u.log1p(neg(q)))),
});

// ---------------------------------------------------------------- Gumbel

const gumbelDensity: Rule = (z) => neg(add(z, u.exp(neg(z))));
const gumbelLogBelow: Rule = (z) => neg(u.exp(neg(z)));
const gumbelLogAbove: Rule = (z) => {
  // Far off it is -z, where e^-z underflows.
  const isFar = gt(z, number(40, z));
  return select(isFar, neg(z), log1mexp(u.exp(neg(select(isFar, number(0, z), z)))));
};
const gumbelAbove: Rule = (z) => neg(u.expm1(neg(u.exp(neg(z)))));

/**
 * The distribution of Gumbel whose long tail is on the right, that of maxima, as
 * `jax.scipy.stats.gumbel_r`; NaN where the scale is not positive.
 *
 * @example
 * ```ts
 * import { gumbelR } from "@injax/injax/stats";
 *
 * console.log(gumbelR.logcdf(0).item(), gumbelR.logsf(1000).item()); // -1 -1000
 * ```
 */
export const gumbelR: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf" | "ppf",
  Placed
> = /* @__PURE__ */ distribution("gumbelR", PLACED, {
  logpdf: withPositiveScale(density(gumbelDensity)),
  pdf: withPositiveScale(expOf(density(gumbelDensity))),
  logcdf: withPositiveScale(standard(gumbelLogBelow)),
  cdf: withPositiveScale(standard(expOf(gumbelLogBelow))),
  logsf: withPositiveScale(standard(gumbelLogAbove)),
  sf: withPositiveScale(standard(gumbelAbove)),
  ppf: withPositiveScale(quantile((q) => neg(u.log(neg(u.log(q)))))),
});

/**
 * The distribution of Gumbel whose long tail is on the left, that of minima, as
 * `jax.scipy.stats.gumbel_l`; NaN where the scale is not positive.
 *
 * @example
 * ```ts
 * import { gumbelL } from "@injax/injax/stats";
 *
 * console.log(gumbelL.logsf(0).item(), gumbelL.logcdf(-1000).item()); // -1 -1000
 * ```
 */
export const gumbelL: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf" | "ppf",
  Placed
> = /* @__PURE__ */ distribution("gumbelL", PLACED, {
  logpdf: withPositiveScale(density(mirrored(gumbelDensity))),
  pdf: withPositiveScale(expOf(density(mirrored(gumbelDensity)))),
  logcdf: withPositiveScale(standard(mirrored(gumbelLogAbove))),
  cdf: withPositiveScale(standard(mirrored(gumbelAbove))),
  logsf: withPositiveScale(standard(mirrored(gumbelLogBelow))),
  sf: withPositiveScale(standard(mirrored(expOf(gumbelLogBelow)))),
  ppf: withPositiveScale(quantile((q) => u.log(neg(u.log1p(neg(q)))))),
});

// ---------------------------------------------------------------- Laplace, logistic

const laplaceDensity = density((y) => neg(add(p.abs(y), number(Math.LN2, y))));

/**
 * The distribution of Laplace, as `jax.scipy.stats.laplace`.
 *
 * @example
 * ```ts
 * import { laplace } from "@injax/injax/stats";
 *
 * console.log(laplace.pdf(0).item(), laplace.cdf(0).item()); // 0.5 0.5
 * ```
 */
export const laplace: Laws<"logpdf" | "pdf" | "cdf", Placed> = /* @__PURE__ */ distribution(
  "laplace",
  PLACED,
  {
    logpdf: laplaceDensity,
    pdf: expOf(laplaceDensity),
    cdf: standard((y) => {
      const tail = mul(number(0.5, y), u.exp(neg(p.abs(y))));
      return select(le(y, number(0, y)), tail, sub(number(1, y), tail));
    }),
  },
);

const logisticDensity = density((y) => {
  const half = mul(y, number(0.5, y));
  return mul(number(-2, y), logaddexp(half, neg(half)));
});

function logit(q: NDArray): NDArray {
  return sub(u.log(q), u.log1p(neg(q)));
}

/**
 * The logistic distribution, as `jax.scipy.stats.logistic`.
 *
 * @example
 * ```ts
 * import { logistic } from "@injax/injax/stats";
 *
 * console.log(logistic.pdf(0).item(), logistic.ppf(0.5, 3).item()); // 0.25 3
 * ```
 */
export const logistic: Laws<"logpdf" | "pdf" | "cdf" | "sf" | "ppf" | "isf", Placed> =
  /* @__PURE__ */ distribution("logistic", PLACED, {
    logpdf: logisticDensity,
    pdf: expOf(logisticDensity),
    cdf: standard(u.logistic),
    sf: standard(mirrored(u.logistic)),
    ppf: quantile(logit, false),
    isf: quantile((q) => neg(logit(q)), false),
  });

// ---------------------------------------------------------------- uniform

const uniformDensity = density((y) => mul(number(0, y), y), unit);

/**
 * The uniform distribution from `loc` to `loc + scale`, as `jax.scipy.stats.uniform`.
 *
 * @example
 * ```ts
 * import { uniform } from "@injax/injax/stats";
 *
 * console.log(uniform.pdf(3, 2, 4).item(), uniform.cdf(3, 2, 4).item()); // 0.25 0.25
 * ```
 */
export const uniform: Laws<"logpdf" | "pdf" | "cdf" | "ppf", Placed> = /* @__PURE__ */ distribution(
  "uniform",
  PLACED,
  {
    logpdf: uniformDensity,
    pdf: expOf(uniformDensity),
    cdf: standard(within(unit, (y) => y, 0, 1)),
    ppf: quantile((q) => q),
  },
);
