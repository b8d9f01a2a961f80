/**
 * Exponential families of distributions, by their log-normalisers: densities, entropies, divergences, Fisher
 * information, maximum likelihood, and samples.
 *
 * A family is an object. Its natural and its expectation parameters are arrays under the names of its statistics:
 * of each statistic its coefficient, or its mean. Batch axes come first. What is a derivative of the log-normaliser
 * is taken by the dictionary of transforms that is given, so that a family whose log-normaliser is a network works
 * inside any module system.
 *
 * - Families: `normal`, `diagonalNormal`, `multivariateNormal`, `bernoulli`, `categorical`, `poisson`,
 *   `exponential`, `gamma`, `beta`, `dirichlet`, `vonMisesFisher`; an `ExponentialFamily` of your own
 * - Parameters: `natural`, `parameters`, `toExpectation`, `toNatural`, `maximumLikelihood`
 * - Of distributions: `logDensity`, `entropy`, `crossEntropy`, `klDivergence`, `fisherInformation`, `sample`
 *
 * The names and the mathematics are those of M. J. Wainwright, M. I. Jordan, "Graphical Models, Exponential
 * Families, and Variational Inference", 2008, section 3.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fisherInformation, maximumLikelihood, normal, parameters } from "@injax/injax/expfam";
 *
 * const eta = maximumLikelihood(normal, np.array([1, 2, 3, 6]));
 * const { mean, variance } = parameters(normal, eta);
 * console.log(mean.item().toFixed(3), variance.item().toFixed(3)); // 3.000 3.500
 * console.log(fisherInformation(normal, eta).x.x.item().toFixed(3)); // 3.500
 * ```
 *
 * @module
 */
// Families use methods of arrays, and may be called before anything else is loaded.
import "../api/methods.ts";

export type { NDArray } from "../core/array.ts";
export type { Transforms } from "../transforms/types.ts";
export type { ExponentialFamily, Given, Parameters, Search } from "./family.ts";
export {
  crossEntropy,
  entropy,
  fisherInformation,
  type Information,
  klDivergence,
  logDensity,
  sample,
} from "./measures.ts";
export {
  type InverseOptions,
  type LikelihoodOptions,
  maximumLikelihood,
  natural,
  parameters,
  toExpectation,
  toNatural,
} from "./parameters.ts";
export type { MeasureOptions } from "./shared.ts";
export {
  bernoulli,
  categorical,
  type Chance,
  type Chances,
  type Indicators,
  type Observed,
} from "./discrete.ts";
export {
  diagonalNormal,
  type MeanAndCovariance,
  type MeanAndVariance,
  type Moments,
  multivariateNormal,
  normal,
  type VectorMoments,
} from "./gaussian.ts";
export {
  type AlphaAndBeta,
  beta,
  type Concentrations,
  dirichlet,
  exponential,
  gamma,
  type Logs,
  type LogShares,
  poisson,
  type Rate,
  type ShapeAndRate,
  type SizeAndLog,
} from "./positive.ts";
export { type MeanDirection, vonMisesFisher } from "./directional.ts";
