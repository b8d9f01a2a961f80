/**
 * Estimates of densities by kernels, as in `jax.scipy.stats`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  registerPytreeNode,
  ShapeError,
} from "../../core/mod.ts";
import {
  add,
  div,
  exp,
  full,
  log,
  mul,
  neg,
  pow,
  reduceSum,
  reshape,
  sqrt,
  sub,
} from "../../primitives/mod.ts";
import { ndtr } from "../../primitives/elementwise/normal.ts";
import { cholesky } from "../decompositions.ts";
import { diagonal, take } from "../indexing.ts";
import { asOperand, expectArray } from "../operands.ts";
import { matmul } from "../products.ts";
import { choice, normal, split } from "../random.ts";
import type { ShapeLike } from "../arguments.ts";
import { transpose } from "../shaping.ts";
import { logsumexp } from "../softmax.ts";
import { atleast2d } from "../stacking.ts";
import { cov } from "../statistics.ts";
import { inv, solveTriangular } from "../systems.ts";
import { inFloats } from "../operands.ts";
import { number } from "./distribution.ts";

/** How wide the kernels are: a rule, a factor of the deviation of the data, or a function that gives one. */
export type Bandwidth = "scott" | "silverman" | Operand | ((kde: GaussianKde) => Operand);

/** Options of {@linkcode gaussianKde}. */
export interface GaussianKdeOptions {
  /** How wide the kernels are; by the rule of Scott where left out. */
  readonly bwMethod?: Bandwidth | undefined;
  /** What each element counts, `[n]`; all the same where left out. */
  readonly weights?: NDArray | null | undefined;
}

const kdeOptions: OptionTable<GaussianKdeOptions> = { bwMethod: "object", weights: "object" };

/** The arrays of an estimate. */
interface Parts {
  readonly dataset: NDArray;
  readonly weights: NDArray;
  readonly neff: NDArray;
  readonly covariance: NDArray;
  readonly invCov: NDArray;
}

/** `sum(x^2)` over the rows. */
function squares(x: NDArray): NDArray {
  return reduceSum(mul(x, x), [0]);
}

/** A density estimated by normal kernels around data. It is a tree of its arrays. */
export class GaussianKde {
  /** The data, `[d, n]`. */
  readonly dataset: NDArray;
  /** What each element counts, `[n]`, with the sum 1. */
  readonly weights: NDArray;
  /** To how many elements of one weight they amount. */
  readonly neff: NDArray;
  /** The covariance of the kernels, `[d, d]`. */
  readonly covariance: NDArray;
  /** Its inverse. */
  readonly invCov: NDArray;

  /** An estimate from its parts: {@linkcode gaussianKde} makes one of data. */
  constructor(parts: Parts) {
    this.dataset = parts.dataset;
    this.weights = parts.weights;
    this.neff = parts.neff;
    this.covariance = parts.covariance;
    this.invCov = parts.invCov;
  }

  /** The number of dimensions. */
  get d(): number {
    return this.dataset.shape[0]!;
  }

  /** The number of elements. */
  get n(): number {
    return this.dataset.shape[1]!;
  }

  /** The density at `points`, `[d, m]` or, of one dimension, `[m]`; as `pdf`. */
  evaluate(points: Operand): NDArray {
    if (arguments.length > 1) checkCall("evaluate(points)", arguments);
    return this.#density("evaluate", points, false);
  }

  /** The density at `x`, `[d, m]` or, of one dimension, `[m]`. */
  pdf(x: Operand): NDArray {
    if (arguments.length > 1) checkCall("pdf(x)", arguments);
    return this.#density("pdf", x, false);
  }

  /** The logarithm of the density at `x`. */
  logpdf(x: Operand): NDArray {
    if (arguments.length > 1) checkCall("logpdf(x)", arguments);
    return this.#density("logpdf", x, true);
  }

  /** The integral of the density times that of a normal distribution. */
  integrateGaussian(mean: Operand, covariance: Operand): NDArray {
    const op = "integrateGaussian";
    if (arguments.length > 2) checkCall(`${op}(mean, covariance)`, arguments);
    const { d } = this;
    const [center, spread] = inFloats(op, [mean, covariance, this.dataset], [
      "mean",
      "covariance",
      "",
    ]) as [
      NDArray,
      NDArray,
    ];
    if (center.size !== d || spread.size !== d * d) {
      throw new ShapeError(
        `${op}: mean has the shape ${formatShape(center.shape)} and covariance ${
          formatShape(spread.shape)
        }; the data have ${d} dimensions`,
      );
    }
    return this.#convolved(reshape(center, [d, 1]), reshape(spread, [d, d]), null);
  }

  /** The integral of the density from `low` to `high`, of one dimension. */
  integrateBox1d(low: Operand, high: Operand): NDArray {
    const op = "integrateBox1d";
    if (arguments.length > 2) checkCall(`${op}(low, high)`, arguments);
    const [a, b] = inFloats(op, [low, high, this.dataset], ["low", "high", ""]) as [
      NDArray,
      NDArray,
    ];
    if (this.d !== 1 || a.ndim !== 0 || b.ndim !== 0) {
      throw new ShapeError(
        `${op}: the data have ${this.d} dimensions, and the limits the shapes ${
          formatShape(a.shape)
        } and ${formatShape(b.shape)}: it takes one dimension, and numbers`,
      );
    }
    const sigma = sqrt(reshape(this.covariance, [1]));
    const data = reshape(this.dataset, [this.n]);
    const below = (x: NDArray): NDArray => ndtr(div(sub(x, data), sigma));
    return reduceSum(mul(this.weights, sub(below(b), below(a))), [0]);
  }

  /** The integral of the product of two densities. */
  integrateKde(other: GaussianKde): NDArray {
    const op = "integrateKde";
    if (arguments.length > 1) checkCall(`${op}(other)`, arguments);
    if (!(other instanceof GaussianKde)) {
      throw new TypeError(`${op}: other is ${describeValue(other)}, and must be of gaussianKde`);
    }
    if (other.d !== this.d) {
      throw new ShapeError(`${op}: the data have ${this.d} dimensions, and the other's ${other.d}`);
    }
    return this.#convolved(other.dataset, other.covariance, other.weights);
  }

  /** Numbers drawn from the density, `[d, ...shape]`. */
  resample(key: NDArray, shape: ShapeLike = []): NDArray {
    if (arguments.length > 2) checkCall("resample(key, shape)", arguments);
    const keys = split(key);
    const lengths = typeof shape === "number" ? [shape] : shape;
    const { d, n } = this;
    const at = choice(keys.at(0), n, lengths, { p: this.weights });
    const drawn = normal(keys.at(1), [...lengths, d], { dtype: this.dataset.dtype });
    const moved = matmul(drawn, transpose(cholesky(this.covariance)));
    return add(take(this.dataset, at, 1), transpose(moved));
  }

  /** Points as `[d, m]`. */
  #points(op: string, points: Operand): NDArray {
    const [x] = inFloats(op, [points, this.dataset], ["the points", ""]) as [NDArray];
    const wide = atleast2d(x);
    const [rows, columns] = wide.shape;
    if (wide.ndim === 2 && rows === this.d) return wide;
    if (wide.ndim === 2 && rows === 1 && columns === this.d) return reshape(wide, [this.d, 1]);
    throw new ShapeError(
      `${op}: the points have the shape ${
        formatShape(x.shape)
      }, and must have ${this.d} rows: the ` +
        "first axis is that of the dimensions",
    );
  }

  #density(op: string, points: Operand, inLog: boolean): NDArray {
    const x = this.#points(op, points);
    const { d } = this;
    const whitening = cholesky(this.invCov);
    const turn = (y: NDArray): NDArray => matmul(transpose(whitening), y);
    const size = sub(
      reduceSum(log(diagonal(whitening)), [0]),
      number(0.5 * d * Math.log(2 * Math.PI), x),
    );
    const [data, at] = [turn(this.dataset), turn(x)];
    const apart = sub(reshape(at, [d, at.shape[1]!, 1]), reshape(data, [d, 1, this.n]));
    const exponents = sub(size, mul(number(0.5, x), squares(apart)));
    if (inLog) return logsumexp(add(exponents, log(this.weights)), 1);
    return reduceSum(mul(this.weights, exp(exponents)), [1]);
  }

  /** The sum over normal densities of the data around `centers`, `[d, m]`, where the kernels are wider. */
  #convolved(centers: NDArray, more: NDArray, weights: NDArray | null): NDArray {
    const { d, n } = this;
    const factor = cholesky(add(this.covariance, more));
    const m = centers.shape[1]!;
    const apart = sub(reshape(this.dataset, [d, n, 1]), reshape(centers, [d, 1, m]));
    const root = solveTriangular(factor, reshape(apart, [d, n * m]), { lower: true });
    const size = add(
      reduceSum(log(diagonal(factor)), [0]),
      number(0.5 * d * Math.log(2 * Math.PI), factor),
    );
    const half = number(0.5, root);
    const densities = reshape(exp(neg(add(mul(half, squares(root)), size))), [n, m]);
    const byData = mul(reshape(this.weights, [n, 1]), densities);
    return reduceSum(weights === null ? byData : mul(byData, reshape(weights, [1, m])), [0, 1]);
  }
}

registerPytreeNode(
  GaussianKde,
  ({ dataset, weights, neff, covariance, invCov }) => [
    { dataset, weights, neff, covariance, invCov },
    null,
  ],
  // In transforms the parts may be anything that stands for arrays.
  (parts) => new GaussianKde(parts as unknown as Parts),
);

/** The factor of the deviation of the data. */
function factorOf(op: string, method: Bandwidth, kde: GaussianKde): NDArray {
  const { neff, d } = kde;
  const power = number(-1 / (d + 4), neff);
  if (method === "scott") return pow(neff, power);
  if (method === "silverman") return pow(mul(neff, number((d + 2) / 4, neff)), power);
  const given = typeof method === "function" ? method(kde) : method;
  if (typeof given === "string") {
    throw new TypeError(
      `${op}: bwMethod is ${
        describeValue(given)
      }, and must be "scott", "silverman", a number, or a ` +
        "function",
    );
  }
  const [factor] = inFloats(op, [given, neff], ["bwMethod", ""]) as [NDArray];
  if (factor.ndim !== 0) {
    throw new ShapeError(
      `${op}: bwMethod has the shape ${formatShape(factor.shape)}, and must be a number`,
    );
  }
  return factor;
}

/**
 * The density that data are estimated to come from, by a normal kernel around each, as
 * `jax.scipy.stats.gaussian_kde`.
 *
 * @param dataset `[d, n]`, or, of one dimension, `[n]`.
 * @throws {ShapeError} where there are less than two elements, or the weights do not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { gaussianKde } from "@injax/injax/stats";
 *
 * const kde = gaussianKde(np.array([-1, 0, 1]));
 * console.log(kde.integrateBox1d(-100, 100).item().toFixed(4)); // 1.0000
 * ```
 */
export function gaussianKde(dataset: NDArray, options: GaussianKdeOptions = {}): GaussianKde {
  const op = "gaussianKde";
  if (arguments.length > 1) options = readOptions(`${op}(dataset, options)`, arguments, kdeOptions);
  const { bwMethod = "scott", weights: given } = options;
  const values = [expectArray(op, dataset, "dataset"), ...given === undefined ? [] : [given]];
  const [raw, asked] = inFloats(op, values, ["dataset", "weights"]) as [NDArray, NDArray?];
  const data = atleast2d(raw);
  const n = data.shape[1]!;
  if (data.ndim !== 2 || data.size < 2) {
    throw new ShapeError(
      `${op}: dataset has the shape ${
        formatShape(raw.shape)
      }, and must be [d, n] or [n], with two ` +
        "elements at least",
    );
  }
  if (asked !== undefined && (asked.ndim !== 1 || asked.shape[0] !== n)) {
    throw new ShapeError(
      `${op}: weights have the shape ${formatShape(asked.shape)}, and must be a vector of ${n}`,
    );
  }
  const weights = asked === undefined
    ? full([n], 1 / n, data.dtype)
    : div(asked, reduceSum(asked, [0]));
  const neff = div(number(1, weights), reduceSum(mul(weights, weights), [0]));
  const spread = atleast2d(cov(data, null, { aweights: weights }));
  const inverse = inv(spread);
  const rough = new GaussianKde({
    dataset: data,
    weights,
    neff,
    covariance: spread,
    invCov: inverse,
  });
  const factor = asOperand(op, factorOf(op, bwMethod, rough));
  const square = mul(factor, factor);
  return new GaussianKde({
    dataset: data,
    weights,
    neff,
    covariance: mul(spread, square),
    invCov: div(inverse, square),
  });
}
