/**
 * Distributions of counts, as in `jax.scipy.stats`.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  div,
  eq,
  floor,
  ge,
  gt,
  iota,
  le,
  lgamma,
  lt,
  mul,
  ne,
  neg,
  or,
  reduceSum,
  round,
  select,
  sub,
} from "../../primitives/mod.ts";
import * as u from "../../primitives/elementwise/elementary.ts";
import { betaln, gammaincc, xlog1py, xlogy } from "../special.ts";
import { distribution, expOf, type Laws, number, type Rule } from "./distribution.ts";

function plus(x: NDArray, c: number): NDArray {
  return add(x, number(c, x));
}

/** `c - x`. */
function minus(c: number, x: NDArray): NDArray {
  return sub(number(c, x), x);
}

/** `f` of the count less `loc`, the last parameter, where `isInside` holds; elsewhere minus infinity. */
function mass(
  f: Rule,
  isInside: (y: NDArray, ...parameters: NDArray[]) => NDArray,
  inner = 1,
): Rule {
  return (k, ...parameters) => {
    const y = sub(k, parameters.at(-1)!);
    const shapes = parameters.slice(0, -1);
    const inside = isInside(y, ...shapes);
    const value = f(select(inside, y, number(inner, y)), ...shapes);
    return select(inside, value, number(-Infinity, value));
  };
}

/** Whether `y >= 0`, also where it is NaN. */
function notNegative(y: NDArray): NDArray {
  return or(ge(y, number(0, y)), u.isNaN(y));
}

// ---------------------------------------------------------------- Bernoulli

const bernoulliMass = mass(
  (y, p) => add(xlogy(y, p!), xlog1py(minus(1, y), neg(p!))),
  (y) => and(notNegative(y), or(le(y, number(1, y)), u.isNaN(y))),
);

/** NaN where an operand is, or `p` is no probability. */
function checked(p: NDArray, x: NDArray, value: NDArray): NDArray {
  const isProbability = and(ge(p, number(0, p)), le(p, number(1, p)));
  return select(and(isProbability, eq(x, x)), value, number(NaN, value));
}

/**
 * The distribution of Bernoulli: 1 with the probability `p`, else 0, as `jax.scipy.stats.bernoulli`.
 *
 * @example
 * ```ts
 * import { bernoulli } from "@injax/injax/stats";
 *
 * console.log(bernoulli.pmf(1, 0.25).item(), bernoulli.cdf(0, 0.25).item()); // 0.25 0.75
 * ```
 */
export const bernoulli:
  & Laws<"logpmf" | "pmf", [p: Operand, loc?: Operand]>
  & Laws<"cdf" | "ppf", [p: Operand]> = /* @__PURE__ */ Object.assign(
    distribution<"logpmf" | "pmf", [p: Operand, loc?: Operand]>("bernoulli", ["p", "loc"], {
      logpmf: bernoulliMass,
      pmf: expOf(bernoulliMass),
    }),
    distribution<"cdf" | "ppf", [p: Operand]>("bernoulli", ["p"], {
      cdf(k, p) {
        const below = select(lt(k, number(0, k)), number(0, k), minus(1, p!));
        return checked(p!, k, select(ge(k, number(1, k)), number(1, k), below));
      },
      ppf(q, p) {
        const value = select(le(q, minus(1, p!)), number(0, q), number(1, q));
        const isProbability = and(ge(q, number(0, q)), le(q, number(1, q)));
        return checked(p!, q, select(isProbability, value, number(NaN, q)));
      },
    }),
  );

// ---------------------------------------------------------------- binomial

/** `log(n! / (k! (n - k)!))`. */
function logChoose(n: NDArray, k: NDArray): NDArray {
  const rest = plus(sub(n, k), 1);
  return sub(lgamma(plus(n, 1)), add(lgamma(plus(k, 1)), lgamma(rest)));
}

const binomialMass = mass(
  (y, n, p) => {
    const powers = add(xlogy(y, p!), xlog1py(sub(n!, y), neg(p!)));
    const isCertain = or(
      and(eq(y, number(0, y)), eq(n!, number(0, y))),
      eq(powers, number(0, powers)),
    );
    return select(isCertain, number(0, powers), add(logChoose(n!, y), powers));
  },
  (y, n) => and(ge(y, number(0, y)), lt(y, plus(n!, 1))),
  0,
);

/**
 * The binomial distribution of `n` trials with the probability `p`, as `jax.scipy.stats.binom`.
 *
 * @example
 * ```ts
 * import { binom } from "@injax/injax/stats";
 *
 * console.log(binom.pmf(2, 4, 0.5).item().toFixed(4), binom.pmf(5, 4, 0.5).item()); // 0.3750 0
 * ```
 */
export const binom: Laws<"logpmf" | "pmf", [n: Operand, p: Operand, loc?: Operand]> =
  /* @__PURE__ */ distribution("binom", ["n", "p", "loc"], {
    logpmf: binomialMass,
    pmf: expOf(binomialMass),
  });

const betaBinomialMass: Rule = (k, n, a, b, loc) => {
  const y = sub(floor(k), loc!);
  const zero = number(0, y);
  const isOutside = or(or(lt(y, neg(loc!)), gt(y, n!)), le(add(y, a!), zero));
  const z = select(isOutside, zero, y);
  const rest = sub(n!, z);
  const ways = neg(add(u.log1p(n!), betaln(plus(rest, 1), plus(z, 1))));
  const odds = sub(betaln(add(z, a!), add(rest, b!)), betaln(a!, b!));
  const isCertain = and(eq(z, zero), eq(n!, zero));
  const sum = add(ways, odds);
  const value = select(isOutside, number(-Infinity, sum), select(isCertain, number(0, sum), sum));
  const isUnknown = or(or(lt(n!, zero), le(a!, zero)), le(b!, zero));
  return select(isUnknown, number(NaN, value), value);
};

/**
 * The binomial distribution whose probability has a beta distribution, as `jax.scipy.stats.betabinom`; NaN
 * where `n` is negative, or a shape is not positive.
 *
 * @example
 * ```ts
 * import { betabinom } from "@injax/injax/stats";
 *
 * console.log(betabinom.pmf(2, 4, 1, 1).item().toFixed(4)); // 0.2000
 * ```
 */
export const betabinom: Laws<
  "logpmf" | "pmf",
  [n: Operand, a: Operand, b: Operand, loc?: Operand]
> = /* @__PURE__ */ distribution("betabinom", ["n", "a", "b", "loc"], {
  logpmf: betaBinomialMass,
  pmf: expOf(betaBinomialMass),
});

const negativeBinomialMass = mass(
  (y, n, p) => {
    const ways = sub(sub(lgamma(add(y, n!)), lgamma(n!)), lgamma(plus(y, 1)));
    return add(ways, add(xlogy(n!, p!), xlogy(y, minus(1, p!))));
  },
  notNegative,
);

/**
 * The number of failures before the `n`th success, of probability `p`: the negative binomial distribution,
 * as `jax.scipy.stats.nbinom`.
 *
 * @example
 * ```ts
 * import { nbinom } from "@injax/injax/stats";
 *
 * console.log(nbinom.pmf(0, 2, 0.5).item().toFixed(4)); // 0.2500
 * ```
 */
export const nbinom: Laws<"logpmf" | "pmf", [n: Operand, p: Operand, loc?: Operand]> =
  /* @__PURE__ */ distribution("nbinom", ["n", "p", "loc"], {
    logpmf: negativeBinomialMass,
    pmf: expOf(negativeBinomialMass),
  });

const geometricMass = mass(
  (y, p) => add(xlog1py(plus(y, -1), neg(p!)), u.log(p!)),
  (y) => or(gt(y, number(0, y)), u.isNaN(y)),
);

/**
 * The number of trials until the first success, of probability `p`: the geometric distribution, as
 * `jax.scipy.stats.geom`.
 *
 * @example
 * ```ts
 * import { geom } from "@injax/injax/stats";
 *
 * console.log(geom.pmf(2, 0.5).item(), geom.pmf(0, 0.5).item()); // 0.25 0
 * ```
 */
export const geom: Laws<"logpmf" | "pmf", [p: Operand, loc?: Operand]> =
  /* @__PURE__ */ distribution("geom", ["p", "loc"], {
    logpmf: geometricMass,
    pmf: expOf(geometricMass),
  });

// ---------------------------------------------------------------- Poisson

const poissonKernel: Rule = (y, mu) => sub(sub(xlogy(y, mu!), lgamma(plus(y, 1))), mu!);
const poissonMass: Rule = (k, mu, loc) => {
  const isFraction = ne(round(k), k);
  const value = mass(poissonKernel, notNegative)(k, mu!, loc!);
  return select(isFraction, number(-Infinity, value), value);
};

/** The probability of at most so many. */
const poissonBelow: Rule = (k, mu, loc) => {
  const y = sub(k, loc!);
  const isBelow = lt(y, number(0, y));
  const value = gammaincc(plus(floor(select(isBelow, number(0, y), y)), 1), mu!);
  return select(isBelow, number(0, value), value);
};

/** Counts that the sum of an entropy has, from means below which it is taken: beyond, a series is. */
const COUNTS = [[10, 35], [100, 250]] as const;

/** The entropy of counts below `count`. */
function entropyOfSum(mu: NDArray, count: number): NDArray {
  const column = iota([count, ...mu.shape.map(() => 1)], 0, mu.dtype);
  // Of the logarithms, as the slope of p log(p) is infinite where p underflows.
  const logs = poissonKernel(column, mu);
  return neg(reduceSum(mul(u.exp(logs), logs), [0]));
}

/** The entropy, by its sum where the mean is not large, else by its series. */
const poissonEntropy: Rule = (mu, loc) => {
  // (log(2 pi e mu)) / 2 - 1 / (12 mu) - 1 / (24 mu^2) - 19 / (360 mu^3)
  const r = div(number(1, mu), mu);
  const rest = plus(mul(r, plus(mul(r, number(19 / 360, mu)), 1 / 24)), 1 / 12);
  const size = u.log(mul(number(2 * Math.PI * Math.E, mu), mu));
  let value = sub(mul(number(0.5, mu), size), mul(r, rest));
  for (const [bound, count] of COUNTS.toReversed()) {
    const isBelow = lt(mu, number(bound, mu));
    const inner = select(isBelow, mu, number(bound, mu));
    value = select(isBelow, entropyOfSum(inner, count), value);
  }
  value = select(eq(mu, number(0, mu)), number(0, value), value);
  return broadcastTo(value, add(mu, loc!).shape);
};

/**
 * The distribution of Poisson with the mean `mu`, as `jax.scipy.stats.poisson`.
 *
 * @example
 * ```ts
 * import { poisson } from "@injax/injax/stats";
 *
 * console.log(poisson.pmf(0, 1).item(), poisson.pmf(0.5, 1).item()); // 0.3678794503211975 0
 * ```
 */
export const poisson:
  & Laws<"logpmf" | "pmf" | "cdf", [mu: Operand, loc?: Operand]>
  & Laws<"entropy", [loc?: Operand]> = /* @__PURE__ */ Object.assign(
    distribution<"logpmf" | "pmf" | "cdf", [mu: Operand, loc?: Operand]>(
      "poisson",
      ["mu", "loc"],
      {
        logpmf: poissonMass,
        pmf: expOf(poissonMass),
        cdf: poissonBelow,
      },
    ),
    distribution<"entropy", [loc?: Operand]>("poisson", ["loc"], { entropy: poissonEntropy }),
  );
