/**
 * Products of vectors and matrices. Sums over products named by letters are in `einsum.ts`, systems of
 * equations in `linalg.ts`.
 *
 * Floats are added up in double precision, integers wrap; bools are counted as int32.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { AxisError, describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type { DiagonalOptions } from "../core/method_options.ts";
import { checkCall, type OptionTable, tableOf } from "../core/signature.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { mul } from "../primitives/elementwise/arithmetic.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import type { DTypeOptions, ProductOptions } from "./arguments.ts";
import {
  arrays,
  contracted,
  dot as dotOf,
  matmul as matmulOf,
  misaligned,
  NAMES,
  NONE,
} from "./contractions.ts";
import { diagonal } from "./indexing.ts";
import {
  boolToInt,
  expectArray,
  expectAxis,
  expectPreferred,
  expectRoom,
  promote,
} from "./operands.ts";
import { diagonalOptions, dtypeOptions, productOptions } from "./options.ts";
import { sum } from "./reductions.ts";

/** Two operands in the dtype that is asked for; as they are where none is. */
function preferred<T extends Operand>(
  op: string,
  x: T,
  y: T,
  { preferredElementType }: ProductOptions,
): [T | NDArray, T | NDArray] {
  if (preferredElementType === undefined) return [x, y];
  const [a, b] = promote(op, x, y, boolToInt, NAMES);
  const dtype = expectPreferred(op, preferredElementType, a.dtype);
  return [convert(a, dtype), convert(b, dtype)];
}

/** Two arrays of one dtype, that which is asked for; numbers are refused. */
function operands(op: string, x: NDArray, y: NDArray, options: ProductOptions): [NDArray, NDArray] {
  const [a, b] = arrays(op, x, y);
  const dtype = expectPreferred(op, options.preferredElementType, a.dtype);
  return [convert(a, dtype), convert(b, dtype)];
}

/**
 * Matrix product, as `jax.numpy.matmul`: of `[..., n, k]` and `[..., k, m]`, leading axes broadcasting. A
 * vector counts as a row on the left and a column on the right, and the added axis is removed.
 *
 * @throws {ShapeError} where the inner lengths differ, leading axes do not broadcast, or an operand
 * is a scalar.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 2], [3, 4]]);
 * console.log(np.matmul(a, np.array([1, 1])).toArray()); // [ 3, 7 ]
 * ```
 */
export function matmul(x: NDArray, y: NDArray, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("matmul(x, y, options)", arguments, productOptions);
  return matmulOf(...preferred("matmul", x, y, options));
}

/**
 * Product as `jax.numpy.dot`: of scalars and arrays elementwise, of vectors the inner product, otherwise
 * the sum over the last axis of `x` and the last but one of `y`.
 *
 * @throws {ShapeError} where the lengths of these axes differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.dot(np.array([1, 2]), np.array([3, 4])).item()); // 11
 * ```
 */
export function dot(x: Operand, y: Operand, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("dot(x, y, options)", arguments, productOptions);
  return dotOf(...preferred("dot", x, y, options));
}

/**
 * Inner product of the flat arrays, as `jax.numpy.vdot`.
 *
 * @throws {ShapeError} where the numbers of elements differ.
 */
export function vdot(x: NDArray, y: NDArray, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("vdot(x, y, options)", arguments, productOptions);
  const [a, b] = operands("vdot", x, y, options);
  if (a.size !== b.size) {
    throw new ShapeError(
      `vdot: arrays of shapes ${formatShape(a.shape)} and ${
        formatShape(b.shape)
      } have ${a.size} and ${b.size} elements, which must be equal`,
    );
  }
  return contracted("vdot", reshape(a, [a.size]), 0, reshape(b, [b.size]), 0);
}

/**
 * Sums over the last axes of both, as `jax.numpy.inner`.
 *
 * @throws {ShapeError} where their lengths differ.
 */
export function inner(x: NDArray, y: NDArray, options: ProductOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("inner(x, y, options)", arguments, productOptions);
  const [a, b] = operands("inner", x, y, options);
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  return contracted("inner", a, a.ndim - 1, b, b.ndim - 1);
}

/**
 * Products of all pairs of elements of the flat arrays, a matrix, as `jax.numpy.outer`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.outer(np.array([1, 2]), np.array([3, 4])).toArray()); // [ [ 3, 4 ], [ 6, 8 ] ]
 * ```
 */
export function outer(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("outer(x, y)", arguments);
  const [a, b] = arrays("outer", x, y);
  expectRoom("outer", [a.size, b.size], a.dtype);
  return mul(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));
}

/**
 * Sums of products over pairs of axes, as `jax.numpy.tensordot`.
 *
 * @param axes How many of the last axes of `x` and the first of `y`, or lists of those to pair.
 * @throws {ShapeError} where paired axes differ in length.
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.tensordot(np.ones([2, 3]), np.ones([3, 4]), 1).shape); // [ 2, 4 ]
 * ```
 */
export function tensordot(
  x: NDArray,
  y: NDArray,
  axes: number | readonly [number | readonly number[], number | readonly number[]] = 2,
  options: ProductOptions = {},
): NDArray {
  if (arguments.length > 3) checkCall("tensordot(x, y, axes, options)", arguments, productOptions);
  const op = "tensordot";
  const [a, b] = operands(op, x, y, options);
  let pairs: [number[], number[]];
  if (typeof axes === "number") {
    if (!Number.isInteger(axes) || axes < 0 || axes > Math.min(a.ndim, b.ndim)) {
      throw new AxisError(
        `${op}: ${axes} axes cannot be paired of arrays of shapes ${formatShape(a.shape)} and ${
          formatShape(b.shape)
        }`,
      );
    }
    const count = Array.from({ length: axes }, (_, i) => i);
    pairs = [count.map((i) => a.ndim - axes + i), count];
  } else {
    if (!Array.isArray(axes) || axes.length !== 2) {
      throw new TypeError(
        `${op}: axes are a number or two lists, [axes of x, axes of y], not ${
          Array.isArray(axes) ? formatShape(axes) : describeValue(axes)
        }`,
      );
    }
    const list = (side: number | readonly number[], rank: number): number[] =>
      (typeof side === "number" ? [side] : side).map((k) => expectAxis(op, k, rank));
    pairs = [list(axes[0]!, a.ndim), list(axes[1]!, b.ndim)];
    if (pairs[0].length !== pairs[1].length) {
      throw new AxisError(
        `${op}: ${pairs[0].length} axes of x cannot be paired with ${pairs[1].length} of y`,
      );
    }
  }
  pairs[0].forEach((i, k) => {
    const j = pairs[1][k]!;
    if (a.shape[i] !== b.shape[j]) throw misaligned(op, a, i, b, j);
  });
  return dotGeneral(a, b, { contract: pairs, batch: NONE });
}

/** Options of {@linkcode trace}. */
export interface TraceOptions extends DiagonalOptions, DTypeOptions {}

const traceOptions: OptionTable<TraceOptions> = /* @__PURE__ */ tableOf(
  diagonalOptions,
  dtypeOptions,
);

/**
 * Sums of diagonals, as `jax.numpy.trace`: the axes are chosen as in `diagonal`.
 *
 * @throws {ShapeError} where `x` has less than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.trace(np.array([[1, 2], [3, 4]])).item()); // 5
 * ```
 */
export function trace(x: NDArray, options: TraceOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("trace(x, options)", arguments, traceOptions);
  const { dtype, ...where } = options;
  const diagonals = diagonal(expectArray("trace", x), where);
  return sum(diagonals, -1, { dtype });
}
