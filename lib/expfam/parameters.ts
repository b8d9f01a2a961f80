/**
 * The parameters of exponential families: usual, natural and expectation parameters, from each other and from
 * observations.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  ConcreteArray,
  ConvergenceError,
  formatShape,
  type NDArray,
  type OptionTable,
  ShapeError,
} from "../core/mod.ts";
import { check } from "../api/effects.ts";
import { asFloat } from "../api/operands.ts";
import { withValues } from "../primitives/mod.ts";
import { rootFind } from "../solvers/root_find.ts";
import { checkTolerance } from "../solvers/options.ts";
import { type Solution, statusCode } from "../solvers/solution.ts";
import { batched, type ExponentialFamily, type Given, type Parameters } from "./family.ts";
import {
  checkFamily,
  dictionary,
  lanes,
  meansOf,
  type MeasureOptions,
  measureOptions,
  names,
  naturalOf,
  observations,
} from "./shared.ts";

/** Options of {@linkcode toNatural}. */
export interface InverseOptions extends MeasureOptions {
  /** Largest relative change of the unknowns by the last step of the search, as in `rootFind`. */
  readonly rtol?: number | undefined;
  /** Largest number of evaluations (default 200). */
  readonly maxSteps?: number | undefined;
}

/** Options of {@linkcode maximumLikelihood}. */
export interface LikelihoodOptions extends InverseOptions {
  /** The weight of each observation, of shape [n]; all alike where left out. */
  readonly weights?: NDArray | undefined;
}

const inverseOptions: OptionTable<InverseOptions> = {
  rtol: "tolerance",
  maxSteps: "count",
  ...measureOptions,
};

const likelihoodOptions: OptionTable<LikelihoodOptions> = { weights: "operand", ...inverseOptions };

/**
 * Natural parameters of a family from those that textbooks give it.
 *
 * @param parameters By name: numbers, or arrays of a batch; see each family.
 * @throws {TreeError} where names are missing or unknown.
 * @throws {ShapeError} where shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { natural, normal } from "@injax/injax/expfam";
 *
 * const eta = natural(normal, { mean: 1, variance: 0.5 });
 * console.log(eta.x.item(), eta.xSquared.item()); // 2 -1
 * ```
 */
export function natural<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  parameters: Given<P>,
): S {
  const op = "natural";
  if (arguments.length > 2) checkCall("natural(family, parameters)", arguments);
  checkFamily(op, family);
  return family.natural(batched<P>(op, "parameters", family.usual, parameters).arrays);
}

/**
 * The parameters that textbooks give a family, from natural ones: what {@linkcode natural} takes.
 *
 * @throws {TreeError} where names are missing or unknown.
 *
 * @example
 * ```ts
 * import { parameters, poisson } from "@injax/injax/expfam";
 *
 * console.log(parameters(poisson, { x: 0 }).rate.item()); // 1
 * ```
 */
export function parameters<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  natural: Given<S>,
): P {
  const op = "parameters";
  if (arguments.length > 2) checkCall("parameters(family, natural)", arguments);
  const eta = naturalOf(op, family, natural).natural;
  return family.parameters(eta);
}

/**
 * Expectation parameters from natural ones: the mean of each statistic, which is the gradient of the
 * log-normaliser, taken by the given transforms.
 *
 * @example
 * ```ts
 * import { natural, normal, toExpectation } from "@injax/injax/expfam";
 *
 * const mean = toExpectation(normal, natural(normal, { mean: 3, variance: 4 }));
 * console.log(mean.x.item(), mean.xSquared.item()); // 3 13
 * ```
 */
export function toExpectation<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  natural: Given<S>,
  options: MeasureOptions = {},
): S {
  const op = "toExpectation";
  if (arguments.length > 2) {
    checkCall("toExpectation(family, natural, options)", arguments, measureOptions);
  }
  return meansOf(family, naturalOf(op, family, natural).natural, dictionary(op, options));
}

/**
 * Natural parameters from expectation parameters: by formula where there is one, else by `rootFind` with the
 * given transforms, for each distribution of a batch. Differentiable either way.
 *
 * @throws {ConvergenceError} where the search finds none, as for means that no distribution of the family has.
 * @throws {CheckError} the same of a batch, and when a compiled or mapped function runs.
 *
 * @example
 * ```ts
 * import { gamma, natural, toExpectation, toNatural } from "@injax/injax/expfam";
 *
 * const eta = natural(gamma, { shape: 3, rate: 2 });
 * const back = toNatural(gamma, toExpectation(gamma, eta));
 * console.log(back.x.item().toFixed(3), back.logX.item().toFixed(3)); // -2.000 2.000
 * ```
 */
export function toNatural<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  expectation: Given<S>,
  options: InverseOptions = {},
): S {
  const op = "toNatural";
  if (arguments.length > 2) {
    checkCall("toNatural(family, expectation, options)", arguments, inverseOptions);
  }
  checkFamily(op, family);
  const { arrays, batch } = batched<S>(op, "expectation", family.ranks, expectation);
  return inverse(op, family, arrays, batch, options);
}

function inverse<S extends Parameters, P extends Parameters>(
  op: string,
  family: ExponentialFamily<S, P>,
  expectation: S,
  batch: readonly number[],
  options: InverseOptions,
): S {
  const transforms = dictionary(op, options);
  const { rtol, maxSteps = 200 } = options;
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  checkCount(op, "maxSteps", maxSteps);
  if (family.fromExpectation !== undefined) return family.fromExpectation(expectation);
  const { search } = family;
  if (search === undefined) {
    throw new TypeError(
      `${op}: the family ${family.name} has neither fromExpectation nor search. Give it one of them`,
    );
  }
  const one = (wanted: S): S => {
    const residual = (unknowns: Parameters): Parameters => {
      if (search.residual !== undefined) return search.residual(unknowns, wanted, transforms);
      const found = meansOf(family, search.natural(unknowns, wanted), transforms);
      // One equation for each unknown, in their order.
      const differences = names(family).map((name) => found[name]!.sub(wanted[name]!));
      return Object.fromEntries(Object.keys(unknowns).map((name, k) => [name, differences[k]!]));
    };
    const solve = { transforms, rtol, maxSteps };
    const solution = rootFind(residual as never, search.start(wanted) as never, solve);
    checkFound(op, family, wanted, solution);
    return search.natural(solution.value as unknown as Parameters, wanted);
  };
  return lanes(one, expectation, batch, transforms);
}

/**
 * Raises where a search has found no distribution: at once where that is known, else when the program runs.
 *
 * @throws {ConvergenceError} with the means and how the search ended.
 * @throws {CheckError} the same inside transforms.
 */
function checkFound<S extends Parameters, P extends Parameters>(
  op: string,
  family: ExponentialFamily<S, P>,
  wanted: S,
  solution: Pick<Solution<unknown>, "status" | "steps" | "converged" | "statusName">,
): void {
  const { status, steps } = solution;
  const given = names(family).map((name) => `${name} = {}`).join(", ");
  const message =
    `${op}: no distribution of the family ${family.name} was found whose means are ${given}: the ` +
    "search ended with status {} after {} evaluations. Has any distribution of the family these means? " +
    "Those of observations that are all alike, or at the edge of what is possible, have none";
  const means = names(family).map((name) => wanted[name]!);
  const known = status instanceof ConcreteArray && status.peek() !== null;
  if (!known) {
    check(status.equal(statusCode("converged")), message, ...means, status, steps);
  } else if (!solution.converged) {
    const { statusName } = solution;
    throw new ConvergenceError(withValues(message, [...means, statusName, steps]), statusName);
  }
}

/**
 * The natural parameters under which observations are most likely: those whose expectation parameters are the
 * means of the statistics.
 *
 * @param x Observations along the first axis; further axes before an observation's own are a batch.
 * @throws {ShapeError} where there are no observations, or `weights` are not one for each.
 * @throws {ConvergenceError} where they are searched and there are none, as for observations that are all equal;
 * where a formula gives them they are infinite or NaN then.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { maximumLikelihood, normal, parameters } from "@injax/injax/expfam";
 *
 * const eta = maximumLikelihood(normal, np.array([1, 2, 3, 6]));
 * console.log(parameters(normal, eta).mean.item().toFixed(3)); // 3.000
 * ```
 */
export function maximumLikelihood<S extends Parameters, P extends Parameters>(
  family: ExponentialFamily<S, P>,
  x: NDArray,
  options: LikelihoodOptions = {},
): S {
  const op = "maximumLikelihood";
  if (arguments.length > 2) {
    checkCall("maximumLikelihood(family, x, options)", arguments, likelihoodOptions);
  }
  checkFamily(op, family);
  const seen = observations(op, family, x);
  const n = seen.ndim > family.rank ? seen.shape[0]! : 0;
  if (n === 0) {
    throw new ShapeError(
      `${op}: x must have observations of ${family.name} along its first axis, but has shape ${
        formatShape(seen.shape)
      }`,
    );
  }
  const statistics = family.statistics(seen);
  const { weights } = options;
  const average = weights === undefined
    ? (s: NDArray) => s.mean(0)
    : weighting(op, asFloat(op, weights, "weights"), n);
  const means = Object.fromEntries(names(family).map((k) => [k, average(statistics[k]!)])) as S;
  const batch = seen.shape.slice(1, seen.ndim - family.rank);
  return inverse(op, family, means, batch, options);
}

/** The weighted mean along the first axis. */
function weighting(op: string, weights: NDArray, n: number): (s: NDArray) => NDArray {
  if (weights.ndim !== 1 || weights.shape[0] !== n) {
    throw new ShapeError(
      `${op}: weights must have shape ${formatShape([n])}, one for each observation, not ${
        formatShape(weights.shape)
      }`,
    );
  }
  const shares = weights.div(weights.sum());
  return (s) => s.mul(shares.reshape([n, ...s.shape.slice(1).map(() => 1)])).sum(0);
}
