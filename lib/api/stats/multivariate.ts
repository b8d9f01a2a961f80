/**
 * Distributions of vectors, as in `jax.scipy.stats`.
 *
 * @module
 */
import {
  checkCall,
  DTypeError,
  formatAval,
  formatShape,
  isInteger,
  type NDArray,
  type Operand,
  ShapeError,
} from "../../core/mod.ts";
import {
  abs,
  add,
  and,
  convert,
  div,
  eq,
  gt,
  lgamma,
  lt,
  mul,
  reduceSum,
  reshape,
  select,
  sub,
} from "../../primitives/mod.ts";
import * as u from "../../primitives/elementwise/elementary.ts";
import { cholesky } from "../decompositions.ts";
import { concatenate } from "../joining.ts";
import { diagonal } from "../indexing.ts";
import { asOperand } from "../operands.ts";
import { all } from "../reductions.ts";
import { solveTriangular } from "../systems.ts";
import { xlogy } from "../special.ts";
import { floatsOf, inFloats } from "../operands.ts";
import { number } from "./distribution.ts";

const LOG_2_PI = Math.log(2 * Math.PI);

/** The sum over the last axis. */
function sumLast(x: NDArray): NDArray {
  return reduceSum(x, [x.ndim - 1]);
}

// ---------------------------------------------------------------- Dirichlet

function dirichletDensity(op: string, x: Operand, alpha: Operand): NDArray {
  const [given, shapes] = inFloats(op, [x, alpha], ["x", "alpha"]) as [NDArray, NDArray];
  const k = shapes.shape[0];
  if (shapes.ndim !== 1 || k === undefined) {
    throw new ShapeError(`${op}: alpha must be a vector, but is ${formatAval(shapes.aval)}`);
  }
  const [rows, ...others] = given.shape;
  if (rows !== k && rows !== k - 1) {
    throw new ShapeError(
      `${op}: x has the shape ${formatShape(given.shape)}, and must have as many rows as alpha ` +
        `elements, ${k}, or one less: its first axis is that of the proportions`,
    );
  }
  const one = number(1, given);
  const last = (): NDArray => reshape(sub(one, reduceSum(given, [0])), [1, ...others]);
  const point = rows === k ? given : concatenate([given, last()], 0);
  const powers = reshape(sub(shapes, one), [k, ...others.map(() => 1)]);
  const size = sub(reduceSum(lgamma(shapes), [0]), lgamma(reduceSum(shapes, [0])));
  const value = sub(reduceSum(xlogy(powers, point), [0]), size);
  const distance = abs(sub(reduceSum(point, [0]), one));
  const isSimplex = and(
    all(gt(point, number(0, point)), 0),
    lt(distance, number(1e-6, distance)),
  );
  return select(isSimplex, value, number(-Infinity, value));
}

/** The functions of {@linkcode dirichlet}. */
export interface Dirichlet {
  /** The logarithm of the density. */
  readonly logpdf: (x: Operand, alpha: Operand) => NDArray;
  /** The density. */
  readonly pdf: (x: Operand, alpha: Operand) => NDArray;
}

/**
 * The distribution of Dirichlet, as `jax.scipy.stats.dirichlet`: of proportions, along the first axis of
 * `x`, the last of which may be left out. The density is 0 where they are not positive or do not sum to 1.
 *
 * @throws {ShapeError} where `alpha` is no vector, or `x` has not as many rows, or one less.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { dirichlet } from "@injax/injax/stats";
 *
 * console.log(dirichlet.pdf(np.array([0.25, 0.75]), np.array([1, 1])).item()); // 1
 * ```
 */
export const dirichlet: Dirichlet = {
  logpdf(x: Operand, alpha: Operand): NDArray {
    if (arguments.length > 2) checkCall("dirichlet.logpdf(x, alpha)", arguments);
    return dirichletDensity("dirichlet.logpdf", x, alpha);
  },
  pdf(x: Operand, alpha: Operand): NDArray {
    if (arguments.length > 2) checkCall("dirichlet.pdf(x, alpha)", arguments);
    return u.exp(dirichletDensity("dirichlet.pdf", x, alpha));
  },
};

// ---------------------------------------------------------------- multinomial

function multinomialMass(op: string, x: Operand, n: Operand, p: Operand): NDArray {
  const [counts, trials] = ["x", "n"].map((name, i) => {
    const value = [x, n][i];
    if (typeof value === "number" && Number.isInteger(value)) {
      return convert(asOperand(op, value, name), "int32");
    }
    const array = asOperand(op, value, name);
    if (isInteger(array.dtype)) return array;
    throw new DTypeError(
      `${op}: ${name} must be whole numbers, but is ${formatAval(array.aval)}. Convert it with ` +
        'astype("int32")',
    );
  }) as [NDArray, NDArray];
  const given = asOperand(op, p, "p");
  if (counts.ndim === 0 || given.ndim === 0) {
    throw new ShapeError(
      `${op}: x and p are of the shapes ${formatShape(counts.shape)} and ${
        formatShape(given.shape)
      }, and must have an axis at least: the last one is that of the outcomes`,
    );
  }
  const [probabilities] = floatsOf(op, [given], ["p"]) as [NDArray];
  const [k, m] = [counts, trials].map((y) => convert(y, probabilities.dtype)) as [NDArray, NDArray];
  floatsOf(op, [k, probabilities], ["x", "p"]);
  const one = number(1, k);
  const terms = sub(xlogy(k, probabilities), lgamma(add(k, one)));
  const value = add(lgamma(add(m, one)), sumLast(terms));
  return select(eq(sumLast(k), m), value, number(-Infinity, value));
}

/** The functions of {@linkcode multinomial}. */
export interface Multinomial {
  /** The logarithm of the probability. */
  readonly logpmf: (x: Operand, n: Operand, p: Operand) => NDArray;
  /** The probability. */
  readonly pmf: (x: Operand, n: Operand, p: Operand) => NDArray;
}

/**
 * The multinomial distribution of `n` trials with the probabilities `p`, as
 * `jax.scipy.stats.multinomial`: outcomes are along the last axes of `x` and `p`. The probability is 0
 * where the counts do not sum to `n`.
 *
 * @throws {DTypeError} where `x` or `n` is not of whole numbers.
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { multinomial } from "@injax/injax/stats";
 *
 * const x = np.array([1, 1], { dtype: "int32" });
 * console.log(multinomial.pmf(x, 2, np.array([0.5, 0.5])).item()); // 0.5
 * ```
 */
export const multinomial: Multinomial = {
  logpmf(x: Operand, n: Operand, p: Operand): NDArray {
    if (arguments.length > 3) checkCall("multinomial.logpmf(x, n, p)", arguments);
    return multinomialMass("multinomial.logpmf", x, n, p);
  },
  pmf(x: Operand, n: Operand, p: Operand): NDArray {
    if (arguments.length > 3) checkCall("multinomial.pmf(x, n, p)", arguments);
    return u.exp(multinomialMass("multinomial.pmf", x, n, p));
  },
};

// ---------------------------------------------------------------- normal

function normalDensity(op: string, x: Operand, mean: Operand, cov: Operand): NDArray {
  const names = ["x", "mean", "cov"];
  const [y, center, spread] = inFloats(op, [x, mean, cov], names) as [NDArray, NDArray, NDArray];
  const difference = floatsOf(op, [y, center], names).reduce((a, b) => sub(a, b));
  const half = number(-0.5, difference);
  if (center.ndim === 0) {
    const square = div(mul(difference, difference), spread);
    return mul(half, add(square, add(number(LOG_2_PI, spread), u.log(spread))));
  }
  const n = center.shape.at(-1)!;
  if (spread.ndim === 0) {
    const squares = div(sumLast(mul(difference, difference)), spread);
    const size = mul(number(n, spread), add(number(LOG_2_PI, spread), u.log(spread)));
    return mul(half, add(squares, size));
  }
  const [rows, columns] = spread.shape.slice(-2);
  if (spread.ndim < 2 || rows !== n || columns !== n) {
    throw new ShapeError(
      `${op}: mean has the shape ${formatShape(center.shape)} and cov ${
        formatShape(spread.shape)
      }: ` +
        `cov must be a number, or matrices of ${n} x ${n}`,
    );
  }
  const factor = cholesky(spread);
  const root = solveTriangular(factor, reshape(difference, [...difference.shape, 1]), {
    lower: true,
  });
  const squares = reduceSum(mul(root, root), [root.ndim - 2, root.ndim - 1]);
  const size = sumLast(u.log(diagonal(factor, { axis1: -2, axis2: -1 })));
  return sub(mul(half, add(squares, number(n * LOG_2_PI, squares))), size);
}

/** The functions of {@linkcode multivariateNormal}. */
export interface MultivariateNormal {
  /** The logarithm of the density. */
  readonly logpdf: (x: Operand, mean: Operand, cov: Operand) => NDArray;
  /** The density. */
  readonly pdf: (x: Operand, mean: Operand, cov: Operand) => NDArray;
}

/**
 * The normal distribution of vectors, as `jax.scipy.stats.multivariate_normal`: vectors are along the last
 * axes of `x` and `mean`; `cov` is the variance of all elements or matrices in the last two axes, of which
 * the lower triangle is read. Where they have no decomposition of Cholesky, the result is NaN.
 *
 * @throws {ShapeError} where the shapes do not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { multivariateNormal } from "@injax/injax/stats";
 *
 * const density = multivariateNormal.pdf(np.zeros([2]), np.zeros([2]), np.eye(2));
 * console.log(density.item()); // 0.1591549515724182
 * ```
 */
export const multivariateNormal: MultivariateNormal = {
  logpdf(x: Operand, mean: Operand, cov: Operand): NDArray {
    if (arguments.length > 3) checkCall("multivariateNormal.logpdf(x, mean, cov)", arguments);
    return normalDensity("multivariateNormal.logpdf", x, mean, cov);
  },
  pdf(x: Operand, mean: Operand, cov: Operand): NDArray {
    if (arguments.length > 3) checkCall("multivariateNormal.pdf(x, mean, cov)", arguments);
    return u.exp(normalDensity("multivariateNormal.pdf", x, mean, cov));
  },
};
