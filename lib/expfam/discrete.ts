/**
 * Families of counts and categories.
 *
 * @module
 */
import { checkCall, checkCount, type NDArray } from "../core/mod.ts";
import * as nn from "../api/nn.ts";
import * as np from "../api/numpy.ts";
import * as random from "../api/random.ts";
import type { ExponentialFamily } from "./family.ts";

/** The one statistic of families of numbers: the observation itself. */
export type Observed = {
  /** The observation. */
  readonly x: NDArray;
};

/** What the Bernoulli distribution is usually given by. */
export type Chance = {
  /** The probability of 1. */
  readonly probability: NDArray;
};

const logit = (p: NDArray): NDArray => np.log(p).sub(np.log1p(p.neg()));

/**
 * The Bernoulli distribution of 0 and 1, by the `probability` of 1. The natural parameter `x` is its log-odds.
 *
 * @example
 * ```ts
 * import { bernoulli, parameters } from "@injax/injax/expfam";
 *
 * console.log(parameters(bernoulli, { x: 0 }).probability.item()); // 0.5
 * ```
 */
export const bernoulli: ExponentialFamily<Observed, Chance> = {
  name: "bernoulli",
  ranks: { x: 0 },
  rank: 0,
  usual: { probability: 0 },
  natural: ({ probability }) => ({ x: logit(probability) }),
  parameters: ({ x }) => ({ probability: nn.sigmoid(x) }),
  logNormaliser: ({ x }) => np.logaddexp(x, np.zerosLike(x)),
  statistics: (x) => ({ x }),
  fromExpectation: ({ x }) => ({ x: logit(x) }),
  sample: (key, { x }, shape) => random.bernoulli(key, nn.sigmoid(x), shape),
};

/** The statistics of a categorical distribution of k classes. */
export type Indicators = {
  /** Whether the class is the first, the second, ... but for the last: [k - 1]. */
  readonly oneHot: NDArray;
};

/** What a categorical distribution is usually given by. */
export type Chances = {
  /** The probability of each class, [k], or numbers in the same proportions. */
  readonly probabilities: NDArray;
};

/**
 * The categorical distribution of the numbers 0 to k - 1, by their `probabilities` [..., k]. The natural
 * parameters `oneHot` [..., k - 1] are log-odds against the last class.
 *
 * @param classes k, at least 2.
 * @throws {RangeError} where it is no whole number of at least 2.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { categorical, natural, toExpectation } from "@injax/injax/expfam";
 *
 * const coin = categorical(2);
 * const eta = natural(coin, { probabilities: np.array([0.25, 0.75]) });
 * console.log(toExpectation(coin, eta).oneHot.toArray()); // [ 0.25 ]
 * ```
 */
export function categorical(classes: number): ExponentialFamily<Indicators, Chances> {
  if (arguments.length > 1) checkCall("categorical(classes)", arguments);
  checkCount("categorical", "classes", classes);
  if (classes < 2) throw new RangeError(`categorical: classes must be at least 2, not ${classes}`);
  const all = (odds: NDArray): NDArray => {
    const last = np.zeros([...odds.shape.slice(0, -1), 1], { dtype: odds.dtype });
    return np.concatenate([odds, last], -1);
  };
  return {
    name: `categorical(${classes})`,
    ranks: { oneHot: 1 },
    rank: 0,
    usual: { probabilities: 1 },
    natural: ({ probabilities }) => {
      const [odds, last] = np.split(np.log(probabilities), [classes - 1], -1);
      return { oneHot: odds!.sub(last!) };
    },
    parameters: ({ oneHot }) => ({ probabilities: nn.softmax(all(oneHot), -1) }),
    logNormaliser: ({ oneHot }) => nn.logsumexp(all(oneHot), -1),
    statistics: (x) => ({ oneHot: nn.oneHot(x.astype("int32"), classes - 1) }),
    fromExpectation: ({ oneHot }) => ({
      oneHot: np.log(oneHot).sub(np.log1p(oneHot.sum(-1, { keepDims: true }).neg())),
    }),
    sample: (key, { oneHot }, shape) => random.categorical(key, all(oneHot), { shape }),
  };
}
