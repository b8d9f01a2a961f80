/**
 * What is said where a family or its parameters are wrong.
 *
 * @module
 */
import {
  CheckError,
  ConvergenceError,
  jit,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  TreeError,
} from "../../mod.ts";
import * as expfam from "../../lib/expfam/mod.ts";
import { assert, assertThrows } from "../support/assert.ts";

function says(f: () => unknown, kind: new (...args: never[]) => Error, ...words: string[]): void {
  const { message } = assertThrows(f, kind as never) as Error;
  for (const word of words) assert(message.includes(word), `${message} has no ${word}`);
}

Deno.test("names that are missing or unknown are listed beside those that there are", () => {
  const given = { mean: 0, sigma: 1 } as never;
  says(
    () => expfam.natural(expfam.normal, given),
    TreeError,
    ...["natural: parameters must be { mean, variance }", "variance is missing", "no sigma"],
  );
  says(
    () => expfam.entropy(expfam.normal, np.zeros([2]) as never),
    TreeError,
    "entropy: natural must be { x, xSquared }",
  );
});

Deno.test("shapes are shown where they do not go together", () => {
  says(
    () => expfam.natural(expfam.multivariateNormal, { mean: np.zeros([2]), covariance: 1 }),
    ShapeError,
    ...["covariance has 2 axes of its own", "[]"],
  );
  const eta = { x: np.zeros([2]), xSquared: np.zeros([3]) };
  says(() => expfam.entropy(expfam.normal, eta), ShapeError, "[2]", "[3]");
  says(() => expfam.maximumLikelihood(expfam.normal, np.array(1)), ShapeError, "first axis");
  says(
    () => expfam.maximumLikelihood(expfam.normal, np.ones([3]), { weights: np.ones([2]) }),
    ShapeError,
    ...["weights must have shape [3]", "[2]"],
  );
});

Deno.test("means that no distribution has are no parameters", () => {
  // The mean's logarithm is never below the logarithm's mean.
  const none = "no distribution of the family gamma was found whose means are x = 1, logX = 0.5";
  const gamma = (logX: NDArray): NDArray => expfam.toNatural(expfam.gamma, { x: 1, logX }).x;
  says(() => gamma(np.array(0.5)), ConvergenceError, `toNatural: ${none}`);
  says(() => jit(gamma)(np.array(0.5)).item(), CheckError, `toNatural: ${none}`);
  says(() => gamma(np.array([-1, 0.5])), CheckError, none, "in lane 1 of 2");
  const alike = np.array([2, 2, 2]);
  says(
    () => expfam.maximumLikelihood(expfam.gamma, alike),
    ConvergenceError,
    ...["maximumLikelihood: no distribution of the family gamma", "all alike"],
  );
  const outside = { x: np.array([0.9, 0.9]) };
  const vectors = "no distribution of the family vonMisesFisher(2)";
  says(() => expfam.toNatural(expfam.vonMisesFisher(2), outside), ConvergenceError, vectors);
});

Deno.test("families that lack something say what", () => {
  const bare = {
    ...expfam.normal,
    name: "bare",
    ...{ fromExpectation: undefined, sample: undefined },
  } as unknown as typeof expfam.normal;
  const eta = expfam.natural(expfam.normal, { mean: 0, variance: 1 });
  says(() => expfam.toNatural(bare, eta), TypeError, "bare has neither fromExpectation nor search");
  says(() => expfam.sample(random.key(0), bare, eta), TypeError, "cannot be sampled");
  says(() => expfam.entropy({} as never, eta), TypeError, "must be an exponential family");
  says(() => expfam.categorical(1), RangeError, "at least 2");
  says(() => expfam.vonMisesFisher(4 as never), RangeError, "2 or 3");
  const carried = { ...expfam.poisson, meanCarrier: undefined } as unknown as typeof expfam.poisson;
  says(() => expfam.entropy(carried, { x: 0 }), TypeError, "Give it meanCarrier");
});
