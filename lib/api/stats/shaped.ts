/**
 * Continuous distributions with a shape, as in `jax.scipy.stats`: Student's, Pareto's, the generalised and
 * the truncated normal one, and those on a circle.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/mod.ts";
import {
  abs,
  add,
  and,
  div,
  ge,
  gt,
  le,
  lgamma,
  lt,
  mul,
  neg,
  or,
  pow,
  select,
  sign,
  sub,
} from "../../primitives/mod.ts";
import * as bessel from "../../primitives/elementwise/integrals.ts";
import * as u from "../../primitives/elementwise/elementary.ts";
import * as n from "../../primitives/elementwise/normal.ts";
import { betaln, gammainc } from "../special.ts";
import {
  density,
  distribution,
  expOf,
  type Laws,
  log1mexp,
  number,
  outside,
  type Placed,
  quantile,
  type Rule,
  standard,
  within,
} from "./distribution.ts";

/** `c x` for a number. */
function times(c: number, x: NDArray): NDArray {
  return mul(number(c, x), x);
}

function plus(x: NDArray, c: number): NDArray {
  return add(x, number(c, x));
}

// ---------------------------------------------------------------- Student's t

const studentDensity = density((y, df) => {
  const half = times(0.5, df!);
  // The logarithm of sqrt(df) B(1/2, df / 2), as a difference of gamma functions would lose digits.
  const size = add(times(0.5, u.log(df!)), betaln(number(0.5, half), half));
  const kernel = mul(plus(half, 0.5), u.log1p(div(mul(y, y), df!)));
  return neg(add(size, kernel));
});

/**
 * Student's distribution with `df` degrees of freedom, as `jax.scipy.stats.t`.
 *
 * @example
 * ```ts
 * import { t } from "@injax/injax/stats";
 *
 * console.log(t.pdf(0, 1).item().toFixed(6)); // 0.318310
 * ```
 */
export const t: Laws<"logpdf" | "pdf", [df: Operand, ...Placed]> = /* @__PURE__ */ distribution(
  "t",
  ["df", "loc", "scale"],
  {
    logpdf: studentDensity,
    pdf: expOf(studentDensity),
  },
);

// ---------------------------------------------------------------- Pareto

/** From 1 on. */
const beyond = { low: 1, high: Infinity };

const paretoDensity = density((y, b) => sub(u.log(b!), mul(plus(b!, 1), u.log(y))), beyond);
const paretoLogAbove = within(beyond, (y, b) => neg(mul(b!, u.log(y))), 0);

/**
 * The distribution of Pareto with the exponent `b`, as `jax.scipy.stats.pareto`.
 *
 * @example
 * ```ts
 * import { pareto } from "@injax/injax/stats";
 *
 * console.log(pareto.sf(2, 3).item(), pareto.pdf(0.5, 3).item()); // 0.125 0
 * ```
 */
export const pareto: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf" | "ppf",
  [b: Operand, ...Placed]
> = /* @__PURE__ */ distribution("pareto", ["b", "loc", "scale"], {
  logpdf: paretoDensity,
  pdf: expOf(paretoDensity),
  logcdf: standard(within(beyond, (y, b) => log1mexp(mul(b!, u.log(y))), -Infinity)),
  cdf: standard(within(beyond, (y, b) => neg(u.expm1(neg(mul(b!, u.log(y))))), 0)),
  logsf: standard(paretoLogAbove),
  sf: standard(expOf(paretoLogAbove)),
  ppf: quantile((q, b) => u.exp(neg(div(u.log1p(neg(q)), b!)))),
});

// ---------------------------------------------------------------- the generalised normal distribution

const generalisedDensity: Rule = (x, beta) =>
  sub(
    sub(u.log(times(0.5, beta!)), lgamma(div(number(1, beta!), beta!))),
    pow(abs(x), beta!),
  );

/**
 * The generalised normal distribution with the exponent `beta`, as `jax.scipy.stats.gennorm`.
 *
 * @example
 * ```ts
 * import { gennorm } from "@injax/injax/stats";
 *
 * console.log(gennorm.pdf(0, 1).item()); // 0.5
 * ```
 */
export const gennorm: Laws<"logpdf" | "pdf" | "cdf", [beta: Operand]> =
  /* @__PURE__ */ distribution("gennorm", ["beta"], {
    logpdf: generalisedDensity,
    pdf: expOf(generalisedDensity),
    cdf(x, beta) {
      const inside = gammainc(div(number(1, beta!), beta!), pow(abs(x), beta!));
      return times(0.5, plus(mul(sign(x), inside), 1));
    },
  });

// ---------------------------------------------------------------- the truncated normal distribution

/** The logarithm of the probability between `a` and `b`. */
function logMass(a: NDArray, b: NDArray): NDArray {
  const zero = number(0, a);
  const isRight = gt(a, zero);
  const isCentral = and(lt(a, zero), gt(b, zero));
  // On one side of 0, that of differences in the left tail; each part sees only its own numbers.
  const low = select(isCentral, number(-2, a), select(isRight, neg(b), a));
  const high = select(isCentral, number(-1, a), select(isRight, neg(a), b));
  const [most, least] = [n.logNdtr(high), n.logNdtr(low)];
  const tail = add(most, log1mexp(sub(most, least)));
  const [left, right] = [select(isCentral, a, number(-1, a)), select(isCentral, b, number(1, b))];
  const central = u.log1p(neg(add(n.ndtr(left), n.ndtr(neg(right)))));
  return select(isCentral, central, tail);
}

/** `f` where the interval has a length, else NaN. */
function truncated(f: Rule): Rule {
  return (x, a, b, ...rest) => {
    const value = f(x, a!, b!, ...rest);
    return select(ge(a!, b!), number(NaN, value), value);
  };
}

const truncatedDensity: Rule = truncated((x, a, b, loc, scale) => {
  const y = div(sub(x, loc!), scale!);
  const isOutside = or(lt(y, a!), gt(y, b!));
  const size = plus(add(logMass(a!, b!), u.log(scale!)), 0.5 * Math.log(2 * Math.PI));
  return select(isOutside, number(-Infinity, y), neg(add(times(0.5, mul(y, y)), size)));
});

/** The logarithm of the probability below `y`. */
const truncatedLogBelow: Rule = truncated((y, a, b) => {
  const isBelow = le(y, a!), isAbove = ge(y, b!);
  const middle = times(0.5, add(a!, b!));
  // The middle of an interval without an end is not finite.
  const inner = select(u.isFinite(middle), middle, number(0, y));
  const inside = select(or(isBelow, isAbove), inner, y);
  const whole = logMass(a!, b!);
  const below = sub(logMass(a!, inside), whole), above = sub(logMass(inside, b!), whole);
  // Near 0, of what is above.
  const value = select(gt(below, number(-0.1, y)), log1mexp(neg(above)), below);
  return select(isAbove, number(0, y), select(isBelow, number(-Infinity, y), value));
});

const truncatedBelow: Rule = (x, a, b, loc, scale) =>
  truncatedLogBelow(div(sub(x, loc!), scale!), a!, b!);
const truncatedAbove: Rule = (x, a, b, loc, scale) =>
  truncatedLogBelow(div(sub(loc!, x), scale!), neg(b!), neg(a!));

/**
 * The normal distribution between `loc + a scale` and `loc + b scale`, as `jax.scipy.stats.truncnorm`; NaN
 * where there is nothing between them. It works far in a tail too.
 *
 * @example
 * ```ts
 * import { truncnorm } from "@injax/injax/stats";
 *
 * console.log(truncnorm.cdf(0, -1, 1).item(), truncnorm.pdf(2, -1, 1).item()); // 0.5 0
 * ```
 */
export const truncnorm: Laws<
  "logpdf" | "pdf" | "logcdf" | "cdf" | "logsf" | "sf",
  [a: Operand, b: Operand, ...Placed]
> = /* @__PURE__ */ distribution("truncnorm", ["a", "b", "loc", "scale"], {
  logpdf: truncatedDensity,
  pdf: expOf(truncatedDensity),
  logcdf: truncatedBelow,
  cdf: expOf(truncatedBelow),
  logsf: truncatedAbove,
  sf: expOf(truncatedAbove),
});

// ---------------------------------------------------------------- on a circle

const misesDensity: Rule = (x, kappa) => {
  const isKnown = gt(kappa!, number(0, kappa!));
  const size = u.log(times(2 * Math.PI, bessel.i0e(kappa!)));
  const value = sub(mul(kappa!, plus(u.cos(x), -1)), size);
  return select(isKnown, value, number(NaN, value));
};

/**
 * The distribution of von Mises with the concentration `kappa`, as `jax.scipy.stats.vonmises`; NaN where
 * that is not positive.
 *
 * @example
 * ```ts
 * import { vonmises } from "@injax/injax/stats";
 *
 * console.log(vonmises.logpdf(0, 1e6).item().toFixed(4)); // 5.9888
 * ```
 */
export const vonmises: Laws<"logpdf" | "pdf", [kappa: Operand]> = /* @__PURE__ */ distribution(
  "vonmises",
  ["kappa"],
  { logpdf: misesDensity, pdf: expOf(misesDensity) },
);

const wrappedDensity: Rule = (x, c) => {
  const isKnown = and(gt(c!, number(0, c!)), lt(c!, number(1, c!)));
  const inner = select(isKnown, c!, number(0.5, c!));
  // 1 - c^2, and 1 + c^2 - 2 c cos(x), as products and squares: near 1 they are small.
  const less = sub(number(1, inner), inner);
  const half = u.sin(times(0.5, x));
  const distance = add(mul(less, less), mul(times(4, inner), mul(half, half)));
  const value = sub(
    u.log(mul(less, plus(inner, 1))),
    plus(u.log(distance), Math.log(2 * Math.PI)),
  );
  const outer = select(outside(x, 0, 2 * Math.PI), number(-Infinity, value), value);
  return select(isKnown, outer, number(NaN, value));
};

/**
 * The wrapped distribution of Cauchy from 0 to 2 pi, as `jax.scipy.stats.wrapcauchy`; NaN where `c` is not
 * between 0 and 1.
 *
 * @example
 * ```ts
 * import { wrapcauchy } from "@injax/injax/stats";
 *
 * console.log(wrapcauchy.pdf(-1, 0.5).item()); // 0
 * ```
 */
export const wrapcauchy: Laws<"logpdf" | "pdf", [c: Operand]> = /* @__PURE__ */ distribution(
  "wrapcauchy",
  ["c"],
  { logpdf: wrappedDensity, pdf: expOf(wrappedDensity) },
);
