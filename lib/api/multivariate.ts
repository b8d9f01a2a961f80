/**
 * Random vectors and matrices: of normal numbers that vary together, and orthogonal ones. From the bits of
 * a key as JAX makes them, to the rounding of the decompositions.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  broadcastShapes,
  describeValue,
  expectFloat,
  expectInteger,
  formatShape,
  type NDArray,
  type OptionTable,
  promoteDTypes,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import { cholesky } from "../linalg/cholesky.ts";
import { eigh } from "../linalg/eigh.ts";
import { diagonalOf, matmul, scaledColumns, symmetricOf, transposed } from "../linalg/matrices.ts";
import { qr } from "../linalg/qr.ts";
import { svd } from "../linalg/svd.ts";
import { add, broadcastTo, convert, reshape, sign, sqrt } from "../primitives/mod.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { checkFits, halves, normals } from "./draws.ts";
import { asFloat, expectShape, isNamed } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** How a covariance is taken apart. */
export type CovarianceMethod = "cholesky" | "eigh" | "svd";

/** Options of {@linkcode multivariateNormal}. */
export interface MultivariateNormalOptions extends DTypeOptions {
  /**
   * How the covariance is taken apart: `"cholesky"` (where left out), which it must be positive definite
   * for, `"eigh"` or `"svd"`.
   */
  readonly method?: CovarianceMethod | undefined;
}

const multivariateNormalOptions: OptionTable<MultivariateNormalOptions> = /* @__PURE__ */ tableOf(
  dtypeOptions,
  { method: "string" },
);

/** F with F F^T = A. */
const factors: Readonly<Record<CovarianceMethod, (a: NDArray) => NDArray>> = {
  cholesky: (a) => cholesky(a, true),
  eigh(a) {
    const { w, v } = eigh(symmetricOf(a));
    return scaledColumns(v, sqrt(w));
  },
  svd(a) {
    const { u, s } = svd(a, false);
    return scaledColumns(u, sqrt(s));
  },
};

/**
 * Normal vectors with a mean and a covariance, along the last axis, as `jax.random.multivariate_normal`.
 *
 * @param mean `[..., n]`
 * @param cov `[..., n, n]`, symmetric
 * @param shape The shape in front of the axis of n; that of the parameters where it is left out.
 * @throws {ShapeError} where the parameters do not fit each other or the shape.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const cov = np.array([[2, 1], [1, 2]]);
 * const x = random.multivariateNormal(random.key(0), np.array([5, 0]), cov, [4000]);
 * console.log(x.shape, x.mean(0).sub(np.array([5, 0])).abs().max().item() < 0.1); // [ 4000, 2 ] true
 * ```
 */
export function multivariateNormal(
  key: NDArray,
  mean: NDArray,
  cov: NDArray,
  shape?: ShapeLike | null | Named<MultivariateNormalOptions, { shape: ShapeLike | null }>,
  options: MultivariateNormalOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "multivariateNormal(key, mean, cov, shape, options)",
      arguments,
      multivariateNormalOptions,
      3,
    );
  }
  if (isNamed(shape)) return multivariateNormal(key, mean, cov, shape.shape, shape);
  const op = "multivariateNormal";
  const from = halves(op, key);
  const [m, c] = [asFloat(op, mean, "mean"), asFloat(op, cov, "cov")];
  const method = options.method ?? "cholesky";
  if (!Object.hasOwn(factors, method)) {
    throw new TypeError(
      `${op}: method must be ${
        Object.keys(factors).map((name) => JSON.stringify(name)).join(", ")
      }, not ${describeValue(method)}`,
    );
  }
  if (m.ndim < 1) {
    throw new ShapeError(`${op}: mean is a scalar, but must have an axis of elements`);
  }
  const n = m.shape.at(-1)!;
  if (c.ndim < 2 || c.shape.at(-1) !== n || c.shape.at(-2) !== n) {
    throw new ShapeError(
      `${op}: with mean of shape ${
        formatShape(m.shape)
      }, cov must have shape [..., ${n}, ${n}], but has ${formatShape(c.shape)}`,
    );
  }
  const dtype = expectFloat(op, options.dtype, promoteDTypes(m.dtype, c.dtype));
  const front = broadcastShapes(op, m.shape.slice(0, -1), c.shape.slice(0, -2));
  const to = (shape ?? null) === null ? front : expectShape(op, shape);
  checkFits(op, [...to, n], m);
  checkFits(op, [...to, n, n], c);
  const factor = broadcastTo(factors[method](convert(c, dtype)), [...to, n, n]);
  const z = reshape(normals(op, from, [...to, n], dtype), [...to, n, 1]);
  return add(convert(m, dtype), reshape(matmul(factor, z), [...to, n]));
}

/** Options of {@linkcode orthogonal}. */
export interface OrthogonalOptions extends DTypeOptions {
  /** The number of columns; that of rows where left out. */
  readonly m?: number | undefined;
}

const orthogonalOptions: OptionTable<OrthogonalOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  m: "number",
});

/**
 * Orthogonal matrices of `n` rows, evenly distributed over all, as `jax.random.orthogonal`. With another
 * number of columns, `m`, the columns are orthonormal, or the rows where these are fewer.
 *
 * @param shape The shape in front of the two axes.
 * @throws {RangeError} where `n` or `m` is not an integer from 0.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const q = random.orthogonal(random.key(0), 3);
 * console.log(np.matmul(q.transpose(), q).sub(np.eye(3)).abs().max().item() < 1e-6); // true
 * ```
 */
export function orthogonal(
  key: NDArray,
  n: number,
  shape: ShapeLike | Named<OrthogonalOptions, { shape: ShapeLike }> = [],
  options: OrthogonalOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("orthogonal(key, n, shape, options)", arguments, orthogonalOptions, 2);
  }
  if (isNamed(shape)) return orthogonal(key, n, shape.shape, shape);
  const op = "orthogonal";
  const from = halves(op, key);
  const to = expectShape(op, shape);
  const dtype = expectFloat(op, options.dtype);
  const m = options.m ?? n;
  expectInteger(op, n, "n", 0, 2 ** 31 - 1);
  expectInteger(op, m, "m", 0, 2 ** 31 - 1);
  const z = normals(op, from, [...to, Math.max(n, m), Math.min(n, m)], dtype);
  const { q, r } = qr(z, { fullMatrices: false, pivoting: false });
  // With a positive diagonal of R it is the only such Q.
  const x = scaledColumns(q, sign(diagonalOf(r)));
  return n < m ? transposed(x) : x;
}
