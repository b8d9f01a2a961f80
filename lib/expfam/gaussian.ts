/**
 * Normal distributions: of numbers, of vectors with a diagonal covariance, and with a full one.
 *
 * @module
 */
import type { NDArray } from "../core/mod.ts";
import * as linalg from "../api/linalg.ts";
import * as np from "../api/numpy.ts";
import * as random from "../api/random.ts";
import type { ExponentialFamily } from "./family.ts";

const logTwoPi = Math.log(2 * Math.PI);

/** The mean of a normal distribution, and minus twice the coefficient of its squares. */
const precisionOf = (xSquared: NDArray): NDArray => xSquared.mul(-2);

/** The log-normaliser of each coordinate. */
function normalLogNormaliser(x: NDArray, xSquared: NDArray): NDArray {
  const precision = precisionOf(xSquared);
  return np.square(x).div(precision).sub(np.log(precision)).add(logTwoPi).mul(0.5);
}

/** The log density of each coordinate. */
function normalLogDensity(x: NDArray, xSquared: NDArray, value: NDArray): NDArray {
  const precision = precisionOf(xSquared);
  const distance = np.square(value.sub(x.div(precision))).mul(precision);
  return distance.sub(np.log(precision)).add(logTwoPi).mul(-0.5);
}

/** The statistics of normal distributions: observations and their squares. */
export type Moments = {
  /** The first moment. */
  readonly x: NDArray;
  /** The second moment. */
  readonly xSquared: NDArray;
};

/** What normal distributions are usually given by. */
export type MeanAndVariance = {
  /** The mean. */
  readonly mean: NDArray;
  /** The variance, positive. */
  readonly variance: NDArray;
};

const ofCoordinates = {
  natural: ({ mean, variance }: MeanAndVariance): Moments => ({
    x: mean.div(variance),
    xSquared: np.reciprocal(variance).mul(-0.5),
  }),
  parameters: ({ x, xSquared }: Moments): MeanAndVariance => {
    const variance = np.reciprocal(precisionOf(xSquared));
    return { mean: x.mul(variance), variance };
  },
  statistics: (x: NDArray): Moments => ({ x, xSquared: np.square(x) }),
  fromExpectation: ({ x, xSquared }: Moments): Moments =>
    ofCoordinates.natural({ mean: x, variance: xSquared.sub(np.square(x)) }),
};

/**
 * The normal distribution of numbers, by its `mean` and `variance`. Natural parameters: `x` is mean over variance,
 * `xSquared` minus half of the precision, which must be negative.
 *
 * @example
 * ```ts
 * import { entropy, natural, normal } from "@injax/injax/expfam";
 *
 * console.log(entropy(normal, natural(normal, { mean: 5, variance: 1 })).item().toFixed(4)); // 1.4189
 * ```
 */
export const normal: ExponentialFamily<Moments, MeanAndVariance> = {
  name: "normal",
  ranks: { x: 0, xSquared: 0 },
  rank: 0,
  usual: { mean: 0, variance: 0 },
  ...ofCoordinates,
  logNormaliser: ({ x, xSquared }) => normalLogNormaliser(x, xSquared),
  logDensity: ({ x, xSquared }, value) => normalLogDensity(x, xSquared, value),
  sample: (key, natural, shape) => {
    const { mean, variance } = ofCoordinates.parameters(natural);
    return random.normal(key, shape, { dtype: mean.dtype as "float32" })
      .mul(variance.sqrt()).add(mean);
  },
};

/**
 * The normal distribution of vectors [k] whose coordinates are independent, by `mean` and `variance`, both of
 * shape [..., k]. Natural parameters as those of {@linkcode normal}, for each coordinate.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { diagonalNormal, logDensity, natural } from "@injax/injax/expfam";
 *
 * const eta = natural(diagonalNormal, { mean: np.zeros([2]), variance: np.ones([2]) });
 * console.log(logDensity(diagonalNormal, eta, np.zeros([2])).item().toFixed(4)); // -1.8379
 * ```
 */
export const diagonalNormal: ExponentialFamily<Moments, MeanAndVariance> = {
  ...normal,
  name: "diagonalNormal",
  ranks: { x: 1, xSquared: 1 },
  rank: 1,
  usual: { mean: 1, variance: 1 },
  logNormaliser: ({ x, xSquared }) => normalLogNormaliser(x, xSquared).sum(-1),
  logDensity: ({ x, xSquared }, value) => normalLogDensity(x, xSquared, value).sum(-1),
  sample: (key, natural, shape) =>
    normal.sample!(key, natural, [...shape, natural.x.shape[natural.x.ndim - 1]!]),
};

/** The statistics of the multivariate normal distribution. */
export type VectorMoments = {
  /** The observation, [k]. */
  readonly x: NDArray;
  /** Its outer product with itself, [k, k]. */
  readonly outer: NDArray;
};

/** What the multivariate normal distribution is usually given by. */
export type MeanAndCovariance = {
  /** The mean, [k]. */
  readonly mean: NDArray;
  /** The covariance, [k, k], symmetric and positive definite. */
  readonly covariance: NDArray;
};

const column = (x: NDArray): NDArray => np.expandDims(x, -1);
const outerOf = (x: NDArray): NDArray => column(x).mul(np.expandDims(x, -2));

/** The lower triangular factor of the precision. */
const precisionFactor = (outer: NDArray): NDArray => linalg.cholesky(outer.mul(-2));

const inverseOf = (matrix: NDArray): NDArray => {
  const k = matrix.shape[matrix.ndim - 1]!;
  const identity = np.broadcastTo(np.eye(k, { dtype: matrix.dtype }), matrix.shape);
  return linalg.choSolve(linalg.choFactor(matrix), identity);
};

const logDiagonal = (factor: NDArray): NDArray =>
  np.log(np.diagonal(factor, { axis1: -2, axis2: -1 })).sum(-1);

/**
 * The normal distribution of vectors [k], by its `mean` [..., k] and `covariance` [..., k, k]. Natural parameters:
 * `x` is the precision times the mean, `outer` minus half of the precision.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { klDivergence, multivariateNormal, natural } from "@injax/injax/expfam";
 *
 * const p = natural(multivariateNormal, { mean: np.zeros([2]), covariance: np.eye(2) });
 * const q = natural(multivariateNormal, { mean: np.ones([2]), covariance: np.eye(2) });
 * console.log(klDivergence(multivariateNormal, p, q).item()); // 1
 * ```
 */
export const multivariateNormal: ExponentialFamily<VectorMoments, MeanAndCovariance> = {
  name: "multivariateNormal",
  ranks: { x: 1, outer: 2 },
  rank: 1,
  usual: { mean: 1, covariance: 2 },
  natural: ({ mean, covariance }) => {
    const precision = inverseOf(covariance);
    return { x: np.matmul(precision, column(mean)).squeeze(-1), outer: precision.mul(-0.5) };
  },
  parameters: ({ x, outer }) => {
    const covariance = inverseOf(outer.mul(-2));
    return { mean: np.matmul(covariance, column(x)).squeeze(-1), covariance };
  },
  logNormaliser: ({ x, outer }) => {
    const factor = precisionFactor(outer);
    const half = linalg.solveTriangular(factor, column(x), { lower: true }).squeeze(-1);
    const k = x.shape[x.ndim - 1]!;
    return np.square(half).sum(-1).add(k * logTwoPi).mul(0.5).sub(logDiagonal(factor));
  },
  logDensity: ({ x, outer }, value) => {
    const factor = precisionFactor(outer);
    const half = linalg.solveTriangular(factor, column(x), { lower: true });
    const mean = linalg.solveTriangular(factor, half, { lower: true, trans: 1 }).squeeze(-1);
    // The factor's transpose on the distance, as a row from the left.
    const distance = np.matmul(np.expandDims(value.sub(mean), -2), factor).squeeze(-2);
    const k = x.shape[x.ndim - 1]!;
    return logDiagonal(factor).sub(np.square(distance).sum(-1).add(k * logTwoPi).mul(0.5));
  },
  statistics: (x) => ({ x, outer: outerOf(x) }),
  fromExpectation: ({ x, outer }) =>
    multivariateNormal.natural({ mean: x, covariance: outer.sub(outerOf(x)) }),
  sample: (key, { x, outer }, shape) => {
    const factor = precisionFactor(outer);
    const half = linalg.solveTriangular(factor, column(x), { lower: true });
    const k = x.shape[x.ndim - 1]!;
    const noise = random.normal(key, [...shape, k, 1], { dtype: x.dtype as "float32" });
    const leading = [...shape, k, k];
    return linalg.solveTriangular(np.broadcastTo(factor, leading), noise.add(half), {
      lower: true,
      trans: 1,
    })
      .squeeze(-1);
  },
};
