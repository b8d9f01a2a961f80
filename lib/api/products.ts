/**
 * Products of vectors and matrices. Sums over products named by letters are in `einsum.ts`, systems of
 * equations in `linalg.ts`.
 *
 * Floats are added up in double precision, integers wrap; bools are counted as int32.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { broadcastShapes } from "../core/aval.ts";
import { AxisError, describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type { DiagonalOptions } from "../core/method_options.ts";
import { checkCall } from "../core/signature.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { mul } from "../primitives/elementwise/arithmetic.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import { diagonal } from "./indexing.ts";
import { boolToInt, expectArray, expectAxis, expectRoom, promote } from "./operands.ts";
import { diagonalOptions } from "./options.ts";

const NAMES: readonly [string, string] = ["x", "y"];
const NONE: readonly [number[], number[]] = [[], []];

/** Two arrays of one dtype; numbers are refused. */
function arrays(op: string, x: NDArray, y: NDArray): [NDArray, NDArray] {
  expectArray(op, x, "x");
  expectArray(op, y, "y");
  return promote(op, x, y, boolToInt, NAMES);
}

/** The error for lengths that must be equal and are not. */
function misaligned(op: string, x: NDArray, i: number, y: NDArray, j: number): ShapeError {
  return new ShapeError(
    `${op}: shapes ${formatShape(x.shape)} and ${
      formatShape(y.shape)
    } do not fit: axis ${i} of the first has length ${x.shape[i]}, axis ${j} of the second ${
      y.shape[j]
    }. They are summed over together, so they must be equal`,
  );
}

/** Sums over one axis of each. */
function contracted(op: string, x: NDArray, i: number, y: NDArray, j: number): NDArray {
  if (x.shape[i] !== y.shape[j]) throw misaligned(op, x, i, y, j);
  return dotGeneral(x, y, { contract: [[i], [j]], batch: NONE });
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
export function matmul(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("matmul(x, y)", arguments);
  const [a, b] = arrays("matmul", x, y);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `matmul: shapes ${formatShape(a.shape)} and ${
        formatShape(b.shape)
      }: a scalar has no matrix product. Use np.mul`,
    );
  }
  const i = a.ndim - 1;
  const j = Math.max(0, b.ndim - 2);
  if (b.ndim <= 2) return contracted("matmul", a, i, b, j);
  if (a.ndim <= 2) {
    // The rows of the left operand come first: they belong behind the leading axes.
    const out = contracted("matmul", a, i, b, j);
    return a.ndim === 1 ? out : moveAxis(out, 0, out.ndim - 2);
  }
  if (a.shape[i] !== b.shape[j]) throw misaligned("matmul", a, i, b, j);
  const lead = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = lead.map((_, k) => k);
  const k = lead.length;
  return dotGeneral(
    broadcastTo(a, [...lead, ...a.shape.slice(-2)]),
    broadcastTo(b, [...lead, ...b.shape.slice(-2)]),
    { contract: [[k + 1], [k]], batch: [batch, batch] },
  );
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
export function dot(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("dot(x, y)", arguments);
  const [a, b] = promote("dot", x, y, boolToInt, NAMES);
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  return contracted("dot", a, a.ndim - 1, b, Math.max(0, b.ndim - 2));
}

/**
 * Inner product of the flat arrays, as `jax.numpy.vdot`.
 *
 * @throws {ShapeError} where the numbers of elements differ.
 */
export function vdot(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("vdot(x, y)", arguments);
  const [a, b] = arrays("vdot", x, y);
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
export function inner(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("inner(x, y)", arguments);
  const [a, b] = arrays("inner", x, y);
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
): NDArray {
  if (arguments.length > 3) checkCall("tensordot(x, y, axes)", arguments);
  const op = "tensordot";
  const [a, b] = arrays(op, x, y);
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
export function trace(x: NDArray, options: DiagonalOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("trace(x, options)", arguments, diagonalOptions);
  const diagonals = diagonal(expectArray("trace", x), options);
  const numbers = diagonals.dtype === "bool" ? convert(diagonals, "int32") : diagonals;
  return reduceSum(numbers, [numbers.ndim - 1]);
}
