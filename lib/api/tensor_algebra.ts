/**
 * Norms of vectors and matrices in the last axes, products of several matrices, and systems of equations
 * between tensors, as `jax.numpy.linalg` has them.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
  sizeOf,
  tableOf,
} from "../core/mod.ts";
import type { Named, ReduceOptions } from "../core/method_options.ts";
import { otherAxes, reshape, transpose } from "../primitives/mod.ts";
import { diagonal as diagonalOf } from "./indexing.ts";
import { trace as traceOf } from "./vector_products.ts";
import { matrices } from "./matrices.ts";
import { norm, type NormOrder } from "./norms.ts";
import { asFloat, expectArray, expectAxes, expectAxis, isNamed } from "./operands.ts";
import type { DTypeOptions } from "./arguments.ts";
import { dtypeOptions, reduceOptions } from "./options.ts";
import { matmul } from "./products.ts";
import { inv, solve } from "./systems.ts";

// ---------------------------------------------------------------- norms

/** Options of {@linkcode vectorNorm}. */
export interface VectorNormOptions extends ReduceOptions {
  /** The order p; 2 where left out. Infinity and -Infinity for the largest and the smallest size. */
  readonly ord?: number | undefined;
  /** The axes whose elements are a vector; all where left out. */
  readonly axis?: number | readonly number[] | null | undefined;
}

const vectorNormOptions: OptionTable<VectorNormOptions> = /* @__PURE__ */ tableOf(reduceOptions, {
  ord: "order",
  axis: "axes",
});

/**
 * Norms of vectors, as `jax.numpy.linalg.vector_norm`: of all elements of some axes together.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {TypeError} where `ord` is no number.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.vectorNorm(np.array([[1, 2], [2, 4]])).item()); // 5
 * console.log(linalg.vectorNorm(np.array([[3, -4], [1, 1]]), { axis: 1, ord: 1 }).toArray()); // [ 7, 2 ]
 * ```
 */
export function vectorNorm(x: Operand, options: VectorNormOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("vectorNorm(x, options)", arguments, vectorNormOptions);
  }
  const a = asFloat("vectorNorm", x);
  const { ord = 2, axis, keepDims = false } = options;
  if (typeof ord !== "number") {
    throw new TypeError(`vectorNorm: ord is ${describeValue(ord)}, but must be a number`);
  }
  const axes = expectAxes("vectorNorm", axis, a.ndim);
  const rest = otherAxes(a.ndim, axes);
  const lengths = rest.map((k) => a.shape[k]!);
  const together = transpose(a, [...rest, ...axes]);
  const size = sizeOf(axes.map((k) => a.shape[k]!));
  const out = norm(reshape(together, [...lengths, size]), { ord, axis: -1 });
  return keepDims ? reshape(out, a.shape.map((n, k) => axes.includes(k) ? 1 : n)) : out;
}

/** Options of {@linkcode matrixNorm}. */
export interface MatrixNormOptions extends ReduceOptions {
  /** Which norm, as for `norm`; `"fro"` where left out. */
  readonly ord?: NormOrder | undefined;
}

const matrixNormOptions: OptionTable<MatrixNormOptions> = /* @__PURE__ */ tableOf(reduceOptions, {
  ord: "order",
});

/**
 * Norms of matrices `[..., m, n]`, as `jax.numpy.linalg.matrix_norm`.
 *
 * @throws {ShapeError} where x is no matrix.
 * @throws {TypeError} where there is no such norm.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.matrixNorm(np.array([[1, 2], [2, 4]])).item()); // 5
 * console.log(linalg.matrixNorm(np.array([[1, -2], [2, 4]]), { ord: 1 }).item()); // 6
 * ```
 */
export function matrixNorm(x: NDArray, options: MatrixNormOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("matrixNorm(x, options)", arguments, matrixNormOptions);
  }
  const { ord = "fro", keepDims } = options;
  return norm(matrices("matrixNorm", x, "x"), { ord, axis: [-2, -1], keepDims });
}

// ---------------------------------------------------------------- of the last two axes

/** Option of functions of diagonals. */
export interface OffsetOptions {
  /** Which diagonal: 0 for the main one, above 0 for those above it. */
  readonly offset?: number | undefined;
}

const offsetOptions: OptionTable<OffsetOptions> = { offset: "number" };

/**
 * The diagonals of matrices `[..., m, n]`, as `jax.numpy.linalg.diagonal`; `numpy.diagonal` takes the first
 * two axes.
 *
 * @throws {ShapeError} where x is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.diagonal(np.array([[[1, 2], [3, 4]]])).toArray()); // [ [ 1, 4 ] ]
 * ```
 */
export function diagonal(x: NDArray, options: OffsetOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("diagonal(x, options)", arguments, offsetOptions);
  const a = ofMatrices("diagonal", x);
  return diagonalOf(a, { offset: options.offset, axis1: a.ndim - 2, axis2: a.ndim - 1 });
}

/**
 * The sums of diagonals of matrices `[..., m, n]`, as `jax.numpy.linalg.trace`; `numpy.trace` takes the first
 * two axes.
 *
 * @throws {ShapeError} where x is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.trace(np.array([[[1, 2], [3, 4]]])).toArray()); // [ 5 ]
 * ```
 */
export function trace(x: NDArray, options: OffsetOptions & DTypeOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("trace(x, options)", arguments, { ...offsetOptions, ...dtypeOptions });
  }
  const { offset, dtype } = options;
  const a = ofMatrices("trace", x);
  return traceOf(a, { offset, dtype, axis1: a.ndim - 2, axis2: a.ndim - 1 });
}

function ofMatrices(op: string, x: NDArray): NDArray {
  const a = expectArray(op, x);
  if (a.ndim >= 2) return a;
  throw new ShapeError(`${op}: x must have the shape [..., m, n], but has ${formatShape(a.shape)}`);
}

// ---------------------------------------------------------------- products

/**
 * The product of several matrices in the order of fewest multiplications, as `jax.numpy.linalg.multi_dot`.
 * The first may be a vector, which is a row, and the last one, which is a column.
 *
 * @throws {ShapeError} where there are fewer than two, or shapes do not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const [a, b] = [np.array([[1, 2], [3, 4]]), np.array([1, 1])];
 * console.log(linalg.multiDot([b, a, b]).item()); // 10
 * ```
 */
export function multiDot(arrays: readonly NDArray[]): NDArray {
  if (arguments.length > 1) checkCall("multiDot(arrays)", arguments);
  if (!Array.isArray(arrays) || arrays.length < 2) {
    throw new TypeError(
      `multiDot: takes a list of two arrays or more, as in multiDot([a, b, c]), not ${
        Array.isArray(arrays) ? `${arrays.length}` : describeValue(arrays)
      }`,
    );
  }
  const last = arrays.length - 1;
  const list = arrays.map((x, k) => {
    const a = expectArray("multiDot", x, `array ${k}`);
    const isVector = a.ndim === 1 && (k === 0 || k === last);
    if (a.ndim !== 2 && !isVector) {
      throw new ShapeError(
        `multiDot: array ${k} has shape ${formatShape(a.shape)}, but must be a matrix` +
          (k === 0 || k === last ? " or a vector" : ""),
      );
    }
    return a.ndim === 2 ? a : reshape(a, k === 0 ? [1, a.size] : [a.size, 1]);
  });
  for (let k = 0; k < last; k++) {
    if (list[k]!.shape[1] !== list[k + 1]!.shape[0]) {
      throw new ShapeError(
        `multiDot: array ${k} of shape ${formatShape(arrays[k]!.shape)} and array ${
          k + 1
        } of shape ${formatShape(arrays[k + 1]!.shape)} do not fit`,
      );
    }
  }
  const out = productOf(list, bestCuts([...list.map((a) => a.shape[0]!), list[last]!.shape[1]!]));
  const shape = [
    ...arrays[0]!.ndim === 2 ? [out.shape[0]!] : [],
    ...arrays[last]!.ndim === 2 ? [out.shape[1]!] : [],
  ];
  return reshape(out, shape);
}

/**
 * Where to cut products of matrices i to j in two, for matrices of `sizes[k]` rows and `sizes[k + 1]`
 * columns: the best cut of a product is the one whose two halves are best.
 */
function bestCuts(sizes: readonly number[]): (i: number, j: number) => number {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const cuts = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let span = 1; span < n; span++) {
    for (let i = 0; i + span < n; i++) {
      const j = i + span;
      cost[i]![j] = Infinity;
      for (let k = i; k < j; k++) {
        const all = cost[i]![k]! + cost[k + 1]![j]! + sizes[i]! * sizes[k + 1]! * sizes[j + 1]!;
        if (all < cost[i]![j]!) [cost[i]![j], cuts[i]![j]] = [all, k];
      }
    }
  }
  return (i, j) => cuts[i]![j]!;
}

function productOf(list: readonly NDArray[], cutOf: (i: number, j: number) => number): NDArray {
  const product = (i: number, j: number): NDArray => {
    if (i === j) return list[i]!;
    const k = cutOf(i, j);
    return matmul(product(i, k), product(k + 1, j));
  };
  return product(0, list.length - 1);
}

// ---------------------------------------------------------------- systems

/**
 * The inverse of a tensor as a linear map, as `jax.numpy.linalg.tensorinv`: from its axes behind the first
 * `ind` to these. `tensordot(tensorinv(a, ind), a, ind)` is the identity.
 *
 * @throws {ShapeError} where both groups of axes have not as many elements.
 * @throws {RangeError} where ind is below 1.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.eye(4).mul(2).reshape([4, 2, 2]);
 * console.log(linalg.tensorinv(a, 1).shape, linalg.tensorinv(a, 1).sum().item()); // [ 2, 2, 4 ] 2
 * ```
 */
export function tensorinv(a: NDArray, ind: number | Named<unknown, { ind: number }> = 2): NDArray {
  if (arguments.length > 2 || isNamed(ind)) checkCall("tensorinv(a, ind)", arguments, {}, 1);
  if (isNamed(ind)) return tensorinv(a, ind.ind);
  const x = asFloat("tensorinv", expectArray("tensorinv", a));
  expectInteger("tensorinv", ind, "ind", 1);
  const [first, second] = [x.shape.slice(0, ind), x.shape.slice(ind)];
  const n = sizeOf(first);
  if (n !== sizeOf(second)) {
    throw new ShapeError(
      `tensorinv: the first ${ind} axes ${formatShape(first)} and the others ${
        formatShape(second)
      } must have as many elements`,
    );
  }
  return reshape(inv(reshape(x, [n, n])), [...second, ...first]);
}

/**
 * The tensor x whose product with `a` is `b`, as `jax.numpy.linalg.tensorsolve`:
 * `tensordot(a, x, x.ndim)` is `b`.
 *
 * @param axes Axes of `a` to move to the end first.
 * @throws {ShapeError} where the first axes of `a` are not those of `b`, or the others have not as many
 * elements.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.eye(4).mul(2).reshape([4, 2, 2]);
 * console.log(linalg.tensorsolve(a, np.array([2, 4, 6, 8])).toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function tensorsolve(
  a: NDArray,
  b: NDArray,
  axes: readonly number[] | null | Named<unknown, { axes: readonly number[] | null }> = null,
): NDArray {
  const op = "tensorsolve";
  if (arguments.length > 3 || isNamed(axes)) checkCall("tensorsolve(a, b, axes)", arguments, {}, 2);
  if (isNamed(axes)) return tensorsolve(a, b, axes.axes);
  let x = asFloat(op, expectArray(op, a, "a"));
  const y = asFloat(op, expectArray(op, b, "b"));
  if (axes !== null) {
    if (!Array.isArray(axes)) {
      throw new TypeError(`${op}: axes is ${describeValue(axes)}, but must be a list of axes`);
    }
    const moved = axes.map((axis) => expectAxis(op, axis, x.ndim));
    x = transpose(x, [...otherAxes(x.ndim, moved), ...moved]);
  }
  const [first, second] = [x.shape.slice(0, y.ndim), x.shape.slice(y.ndim)];
  if (!sameShape(first, y.shape) || sizeOf(second) !== y.size) {
    throw new ShapeError(
      `${op}: a of shape ${formatShape(x.shape)} does not fit b of shape ${
        formatShape(y.shape)
      }: its first axes must be those of b, and the others have as many elements`,
    );
  }
  const flat = solve(reshape(x, [y.size, y.size]), reshape(y, [y.size]));
  return reshape(flat, second);
}
