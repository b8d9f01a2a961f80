/**
 * What follows for every exponential family from its log-normaliser: densities, information, divergences.
 *
 * @module
 */
import { checkCall, type NDArray } from "../core/mod.ts";
import { expectShape } from "../api/operands.ts";
import type { ShapeLike } from "../api/arguments.ts";
import type { ExponentialFamily, Given, Parameters } from "./family.ts";
import {
  dictionary,
  lanes,
  meansOf,
  type MeasureOptions,
  measureOptions,
  names,
  naturalOf,
  observations,
  product,
} from "./shared.ts";

/** A matrix of derivatives, by the names of two statistics. */
export type Information<S extends Parameters> = {
  readonly [K in keyof S]: { readonly [L in keyof S]: NDArray };
};

/**
 * The logarithm of the density (or of the probability) of observations.
 *
 * @param x Observations: their axes before an observation's own broadcast with the batch.
 * @throws {ShapeError} where that does not go.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { bernoulli, logDensity, natural } from "@injax/injax/expfam";
 *
 * const eta = natural(bernoulli, { probability: 0.25 });
 * console.log(np.exp(logDensity(bernoulli, eta, np.array([0, 1]))).toArray()); // [ 0.75, 0.25 ]
 * ```
 */
export function logDensity<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  natural: Given<S>,
  x: NDArray,
): NDArray {
  const op = "logDensity";
  if (arguments.length > 3) checkCall("logDensity(family, natural, x)", arguments);
  const eta = naturalOf(op, family, natural).natural;
  const seen = observations(op, family, x);
  if (family.logDensity !== undefined) return family.logDensity(eta, seen);
  const density = product(family, eta, family.statistics(seen)).sub(family.logNormaliser(eta));
  return family.carrier === undefined ? density : density.add(family.carrier(seen));
}

/**
 * The Fisher information of the natural parameters: the derivative of the expectation parameters by the natural
 * ones, `jacfwd` of `grad` of the log-normaliser, by the given transforms. It is the covariance of the statistics.
 *
 * @returns By the names of two statistics, arrays of the batch's axes, then the axes of the first, then those of
 * the second.
 *
 * @example
 * ```ts
 * import { fisherInformation, natural, poisson } from "@injax/injax/expfam";
 *
 * const information = fisherInformation(poisson, natural(poisson, { rate: 4 }));
 * console.log(information.x.x.item().toFixed(4)); // 4.0000
 * ```
 */
export function fisherInformation<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  natural: Given<S>,
  options: MeasureOptions = {},
): Information<S> {
  const op = "fisherInformation";
  if (arguments.length > 2) {
    checkCall("fisherInformation(family, natural, options)", arguments, measureOptions);
  }
  const { natural: eta, batch } = naturalOf(op, family, natural);
  const transforms = dictionary(op, options);
  const { jacfwd, grad } = transforms;
  const information = jacfwd(grad(family.logNormaliser as never) as never);
  return lanes(information as never, eta, batch, transforms) as Information<S>;
}

/** The mean of the carrier's logarithm, or `null` where it is 0. */
function meanCarrier<S extends Parameters, P extends Parameters>(
  op: string,
  family: ExponentialFamily<S, P>,
  natural: S,
): NDArray | null {
  if (family.carrier === undefined) return null;
  if (family.meanCarrier !== undefined) return family.meanCarrier(natural);
  throw new TypeError(
    `${op}: the family ${family.name} has a carrier, of which the mean must be known. Give it meanCarrier`,
  );
}

/**
 * The cross entropy of `q` beside `p`, in nats: the mean of `-logDensity(q, x)` where x is distributed as `p`.
 *
 * @example
 * ```ts
 * import { crossEntropy, exponential, natural } from "@injax/injax/expfam";
 *
 * const p = natural(exponential, { rate: 1 });
 * console.log(crossEntropy(exponential, p, natural(exponential, { rate: 2 })).item().toFixed(4)); // 1.3069
 * ```
 */
export function crossEntropy<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  p: Given<S>,
  q: Given<S>,
  options: MeasureOptions = {},
): NDArray {
  const op = "crossEntropy";
  if (arguments.length > 3) {
    checkCall("crossEntropy(family, p, q, options)", arguments, measureOptions);
  }
  const from = naturalOf(op, family, p).natural;
  const to = naturalOf(op, family, q).natural;
  const means = meansOf(family, from, dictionary(op, options));
  const entropy = family.logNormaliser(to).sub(product(family, to, means));
  const carrier = meanCarrier(op, family, from);
  return carrier === null ? entropy : entropy.sub(carrier);
}

/**
 * The entropy, in nats: of a density, the differential one.
 *
 * @example
 * ```ts
 * import { bernoulli, entropy, natural } from "@injax/injax/expfam";
 *
 * console.log(entropy(bernoulli, natural(bernoulli, { probability: 0.5 })).item().toFixed(4)); // 0.6931
 * ```
 */
export function entropy<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  natural: Given<S>,
  options: MeasureOptions = {},
): NDArray {
  const op = "entropy";
  if (arguments.length > 2) {
    checkCall("entropy(family, natural, options)", arguments, measureOptions);
  }
  const eta = naturalOf(op, family, natural).natural;
  const means = meansOf(family, eta, dictionary(op, options));
  const value = family.logNormaliser(eta).sub(product(family, eta, means));
  const carrier = meanCarrier(op, family, eta);
  return carrier === null ? value : value.sub(carrier);
}

/**
 * The Kullback-Leibler divergence of `q` from `p`, in nats: the mean of `logDensity(p, x) - logDensity(q, x)`
 * where x is distributed as `p`; never negative but by rounding.
 *
 * @example
 * ```ts
 * import { klDivergence, natural, normal } from "@injax/injax/expfam";
 *
 * const p = natural(normal, { mean: 0, variance: 1 });
 * console.log(klDivergence(normal, p, natural(normal, { mean: 1, variance: 1 })).item()); // 0.5
 * ```
 */
export function klDivergence<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  p: Given<S>,
  q: Given<S>,
  options: MeasureOptions = {},
): NDArray {
  const op = "klDivergence";
  if (arguments.length > 3) {
    checkCall("klDivergence(family, p, q, options)", arguments, measureOptions);
  }
  const from = naturalOf(op, family, p).natural;
  const to = naturalOf(op, family, q).natural;
  const means = meansOf(family, from, dictionary(op, options));
  const change = Object.fromEntries(names(family).map((k) => [k, to[k]!.sub(from[k]!)])) as S;
  return family.logNormaliser(to).sub(family.logNormaliser(from))
    .sub(product(family, change, means));
}

/**
 * Observations drawn from each distribution of a batch.
 *
 * @param shape The axes of draws, which come before those of the batch and of an observation.
 * @throws {TypeError} where the family has no `sample`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import { categorical, natural, sample } from "@injax/injax/expfam";
 *
 * const dice = categorical(6);
 * const eta = natural(dice, { probabilities: np.array([1, 1, 1, 1, 1, 5]) });
 * console.log(sample(random.key(0), dice, eta, [3]).shape); // [ 3 ]
 * ```
 */
export function sample<S extends Parameters, P extends Parameters>(
  key: NDArray,
  family: ExponentialFamily<S, P>,
  natural: Given<S>,
  shape: ShapeLike = [],
): NDArray {
  const op = "sample";
  if (arguments.length > 4) checkCall("sample(key, family, natural, shape)", arguments);
  const { natural: eta, batch } = naturalOf(op, family, natural);
  if (family.sample === undefined) {
    throw new TypeError(`${op}: the family ${family.name} cannot be sampled: it has no sample`);
  }
  return family.sample(key, eta, [...expectShape(op, shape), ...batch]);
}
