/**
 * Families of counts, waiting times and other positive numbers, and of shares.
 *
 * @module
 */
import type { NDArray } from "../core/mod.ts";
import * as np from "../api/numpy.ts";
import * as random from "../api/random.ts";
import * as special from "../api/special.ts";
import type { Observed } from "./discrete.ts";
import type { ExponentialFamily } from "./family.ts";

/** What is given by a rate. */
export type Rate = {
  /** The rate, positive: of Poisson, the mean; of exponential, its inverse. */
  readonly rate: NDArray;
};

/**
 * The Poisson distribution of counts, by its `rate`, which is its mean. The natural parameter `x` is the
 * logarithm of the rate.
 *
 * @example
 * ```ts
 * import { logDensity, natural, poisson } from "@injax/injax/expfam";
 * import { numpy as np } from "@injax/injax";
 *
 * const eta = natural(poisson, { rate: 2 });
 * console.log(np.exp(logDensity(poisson, eta, np.array(0))).item().toFixed(4)); // 0.1353
 * ```
 */
export const poisson: ExponentialFamily<Observed, Rate> = {
  name: "poisson",
  ranks: { x: 0 },
  rank: 0,
  usual: { rate: 0 },
  natural: ({ rate }) => ({ x: np.log(rate) }),
  parameters: ({ x }) => ({ rate: np.exp(x) }),
  logNormaliser: ({ x }) => np.exp(x),
  statistics: (x) => ({ x }),
  carrier: (x) => special.gammaln(x.add(1)).neg(),
  meanCarrier: ({ x }) => meanLogFactorial(np.exp(x)).neg(),
  fromExpectation: ({ x }) => ({ x: np.log(x) }),
  sample: (key, { x }, shape) => random.poisson(key, np.exp(x), shape),
};

/** The rate from which on the series in its inverse is as good as the sum. */
const manyCounts = 100;

/** Terms of the sum below that: 12 standard deviations beyond the largest mean. */
const terms = 240;

/**
 * Coefficients of the entropy less `log(2 pi e rate) / 2` in powers of 1 / rate (R. J. Evans, J. Boersma, "The
 * entropy of a Poisson distribution", SIAM Review 30, 1988, and two more, derived in the same way).
 */
const entropySeries = [-1 / 12, -1 / 24, -19 / 360, -9 / 80, -863 / 2520, -1375 / 1008];

/** The mean of log(x!) where x has a Poisson distribution. */
function meanLogFactorial(rate: NDArray): NDArray {
  const few = np.minimum(rate, manyCounts);
  const counts = np.arange(terms, { dtype: rate.dtype });
  const logFactorials = special.gammaln(counts.add(1));
  const one = np.expandDims(few, -1);
  const chances = np.exp(special.xlogy(counts, one).sub(one).sub(logFactorials));
  const sum = chances.mul(logFactorials).sum(-1);
  const many = np.maximum(rate, manyCounts);
  const inverse = np.reciprocal(many);
  const series = entropySeries.reduceRight(
    (total, c) => total.add(c).mul(inverse),
    np.zerosLike(rate),
  );
  // The entropy is rate - rate log(rate) + the mean of log(x!).
  const entropy = np.log(many.mul(2 * Math.PI * Math.E)).mul(0.5).add(series);
  const wide = entropy.sub(many).add(many.mul(np.log(many)));
  return np.where(np.less(rate, manyCounts), sum, wide);
}

/**
 * The exponential distribution of waiting times, by its `rate`. The natural parameter `x` is minus the rate.
 *
 * @example
 * ```ts
 * import { exponential, natural, toExpectation } from "@injax/injax/expfam";
 *
 * console.log(toExpectation(exponential, natural(exponential, { rate: 4 })).x.item()); // 0.25
 * ```
 */
export const exponential: ExponentialFamily<Observed, Rate> = {
  name: "exponential",
  ranks: { x: 0 },
  rank: 0,
  usual: { rate: 0 },
  natural: ({ rate }) => ({ x: rate.neg() }),
  parameters: ({ x }) => ({ rate: x.neg() }),
  logNormaliser: ({ x }) => np.log(x.neg()).neg(),
  statistics: (x) => ({ x }),
  carrier: (x) => np.where(np.greaterEqual(x, 0), 0, -Infinity).astype(x.dtype),
  meanCarrier: ({ x }) => np.zerosLike(x),
  fromExpectation: ({ x }) => ({ x: np.reciprocal(x).neg() }),
  sample: (key, { x }, shape) =>
    random.exponential(key, shape, { dtype: x.dtype as "float32" }).div(x.neg()),
};

/** The statistics of the gamma distribution. */
export type SizeAndLog = {
  /** The observation. */
  readonly x: NDArray;
  /** Its logarithm. */
  readonly logX: NDArray;
};

/** What the gamma distribution is usually given by. */
export type ShapeAndRate = {
  /** The shape, positive. */
  readonly shape: NDArray;
  /** The rate, positive: the inverse of the scale. */
  readonly rate: NDArray;
};

/**
 * The gamma distribution, by `shape` and `rate`. Natural parameters: `x` is minus the rate, `logX` the shape less 1.
 *
 * @example
 * ```ts
 * import { gamma, natural, toExpectation } from "@injax/injax/expfam";
 *
 * const mean = toExpectation(gamma, natural(gamma, { shape: 3, rate: 2 }));
 * console.log(mean.x.item()); // 1.5
 * ```
 */
export const gamma: ExponentialFamily<SizeAndLog, ShapeAndRate> = {
  name: "gamma",
  ranks: { x: 0, logX: 0 },
  rank: 0,
  usual: { shape: 0, rate: 0 },
  natural: ({ shape, rate }) => ({ x: rate.neg(), logX: shape.sub(1) }),
  parameters: ({ x, logX }) => ({ shape: logX.add(1), rate: x.neg() }),
  logNormaliser: ({ x, logX }) => {
    const shape = logX.add(1);
    return special.gammaln(shape).sub(shape.mul(np.log(x.neg())));
  },
  statistics: (x) => ({ x, logX: np.log(x) }),
  search: {
    // The excess of the mean's logarithm over the logarithm's mean says the shape alone.
    // T. P. Minka, "Estimating a Gamma distribution", 2002, has the start.
    start: (e) => {
      const excess = excessOf(e);
      const root = np.sqrt(np.square(excess.sub(3)).add(excess.mul(24)));
      return { logShape: np.log(excess.neg().add(3).add(root).div(excess.mul(12))) };
    },
    residual: ({ logShape }, e) => {
      const shape = np.exp(logShape!);
      return { logShape: special.digamma(shape).sub(logShape!).add(excessOf(e as SizeAndLog)) };
    },
    natural: ({ logShape }, { x }) => {
      const shape = np.exp(logShape!);
      return { x: shape.div(x).neg(), logX: shape.sub(1) };
    },
  },
  sample: (key, { x, logX }, shape) => random.gamma(key, logX.add(1), shape).div(x.neg()),
};

const excessOf = ({ x, logX }: SizeAndLog): NDArray => np.log(x).sub(logX);

/** The statistics of the beta distribution. */
export type LogShares = {
  /** The observation's logarithm. */
  readonly logX: NDArray;
  /** The logarithm of the rest to 1. */
  readonly logRest: NDArray;
};

/** What the beta distribution is usually given by. */
export type AlphaAndBeta = {
  /** The first shape, positive. */
  readonly alpha: NDArray;
  /** The second shape, positive. */
  readonly beta: NDArray;
};

/**
 * The beta distribution of shares, by `alpha` and `beta`. Natural parameters: `logX` is alpha less 1, `logRest`
 * beta less 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { beta, logDensity, natural } from "@injax/injax/expfam";
 *
 * const eta = natural(beta, { alpha: 2, beta: 2 });
 * console.log(np.exp(logDensity(beta, eta, np.array(0.5))).item().toFixed(3)); // 1.500
 * ```
 */
export const beta: ExponentialFamily<LogShares, AlphaAndBeta> = {
  name: "beta",
  ranks: { logX: 0, logRest: 0 },
  rank: 0,
  usual: { alpha: 0, beta: 0 },
  natural: ({ alpha, beta }) => ({ logX: alpha.sub(1), logRest: beta.sub(1) }),
  parameters: ({ logX, logRest }) => ({ alpha: logX.add(1), beta: logRest.add(1) }),
  logNormaliser: ({ logX, logRest }) => special.betaln(logX.add(1), logRest.add(1)),
  statistics: (x) => ({ logX: np.log(x), logRest: np.log1p(x.neg()) }),
  search: {
    start: ({ logX, logRest }) => {
      const shapes = startOfShapes(np.stack([logX, logRest], -1));
      return {
        logX: shapes.slice([0], [1]).reshape([]),
        logRest: shapes.slice([1], [2]).reshape([]),
      };
    },
    natural: ({ logX, logRest }) => ({ logX: np.expm1(logX!), logRest: np.expm1(logRest!) }),
  },
  sample: (key, { logX, logRest }, shape) => random.beta(key, logX.add(1), logRest.add(1), shape),
};

/**
 * Logarithms of shapes whose distribution has about these means of logarithms: three steps of the fixed point
 * that T. P. Minka, "Estimating a Dirichlet distribution", 2000, gives, with digamma inverted roughly.
 */
function startOfShapes(meanLogs: NDArray): NDArray {
  let total = np.array(meanLogs.shape[0]!, { dtype: meanLogs.dtype as "float32" });
  let shapes = np.onesLike(meanLogs);
  for (let k = 0; k < 3; k++) {
    const y = meanLogs.add(special.digamma(total));
    shapes = np.where(
      np.greaterEqual(y, -2.22),
      np.exp(y).add(0.5),
      np.reciprocal(y.add(0.5772156649).neg()),
    );
    total = shapes.sum();
  }
  return np.log(shapes);
}

/** The statistics of the Dirichlet distribution. */
export type Logs = {
  /** The logarithm of each share, [k]. */
  readonly logX: NDArray;
};

/** What the Dirichlet distribution is usually given by. */
export type Concentrations = {
  /** The shape of each share, [k], positive. */
  readonly alpha: NDArray;
};

/**
 * The Dirichlet distribution of k shares that sum to 1, by `alpha` [..., k]. Natural parameters: `logX` is alpha
 * less 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { dirichlet, natural, toExpectation } from "@injax/injax/expfam";
 *
 * const mean = toExpectation(dirichlet, natural(dirichlet, { alpha: np.array([1, 1]) }));
 * console.log(mean.logX.toArray()); // [ -1, -1 ]
 * ```
 */
export const dirichlet: ExponentialFamily<Logs, Concentrations> = {
  name: "dirichlet",
  ranks: { logX: 1 },
  rank: 1,
  usual: { alpha: 1 },
  natural: ({ alpha }) => ({ logX: alpha.sub(1) }),
  parameters: ({ logX }) => ({ alpha: logX.add(1) }),
  logNormaliser: ({ logX }) => {
    const alpha = logX.add(1);
    return special.gammaln(alpha).sum(-1).sub(special.gammaln(alpha.sum(-1)));
  },
  statistics: (x) => ({ logX: np.log(x) }),
  search: {
    start: ({ logX }) => ({ logX: startOfShapes(logX) }),
    natural: ({ logX }) => ({ logX: np.expm1(logX!) }),
  },
  sample: (key, { logX }, shape) => random.dirichlet(key, logX.add(1), shape),
};
