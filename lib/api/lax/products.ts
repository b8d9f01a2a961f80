/**
 * Products of arrays by the numbers of their axes, as in `jax.lax`.
 *
 * @module
 */
import {
  AxisError,
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../../core/mod.ts";
import {
  and,
  type AxisPairs,
  broadcastTo,
  convert,
  cumsum,
  dotGeneral as product,
  ge,
  iota,
  lt,
  reshape,
  scalarLike,
  select,
  sub,
} from "../../primitives/mod.ts";
import type { ProductOptions } from "../arguments.ts";
import { productOptions } from "../options.ts";
import { asIndex, expectArray, expectAxis, expectPreferred, promote } from "../operands.ts";

/** Axes of both operands that are summed over together, and axes that they have in common. */
export type DotDimensionNumbers = readonly [
  contracting: readonly [lhs: readonly number[], rhs: readonly number[]],
  batch: readonly [lhs: readonly number[], rhs: readonly number[]],
];

/** Options of {@linkcode dotGeneral}. */
export type DotGeneralOptions = ProductOptions;

/** Options of {@linkcode dot}. */
export interface DotOptions extends DotGeneralOptions {
  /** Which axes are summed over and which are in common. */
  readonly dimensionNumbers?: DotDimensionNumbers | undefined;
}

const dotOptions: OptionTable<DotOptions> = /* @__PURE__ */ tableOf(productOptions, {
  dimensionNumbers: "names",
});

/** The operands in the dtype that is asked for. */
function operands(op: string, lhs: NDArray, rhs: NDArray, preferred: unknown): [NDArray, NDArray] {
  expectArray(op, lhs, "lhs");
  expectArray(op, rhs, "rhs");
  const [x, y] = promote(op, lhs, rhs, undefined, ["lhs", "rhs"]);
  const dtype = expectPreferred(op, preferred, x.dtype);
  return [convert(x, dtype), convert(y, dtype)];
}

/** Pairs of lists of axes, checked. */
function expectPairs(op: string, what: string, pairs: unknown, x: NDArray, y: NDArray): AxisPairs {
  const isList = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((a) => typeof a === "number");
  if (!Array.isArray(pairs) || pairs.length !== 2 || !pairs.every(isList)) {
    throw new TypeError(
      `${op}: the ${what} axes must be two lists, [axes of lhs, axes of rhs], not ${
        describeValue(pairs)
      }. Write dimensionNumbers as [[[1], [0]], [[], []]]`,
    );
  }
  const [xs, ys] = [
    (pairs[0] as number[]).map((a) => expectAxis(op, a, x.ndim)),
    (pairs[1] as number[]).map((a) => expectAxis(op, a, y.ndim)),
  ];
  if (xs.length !== ys.length) {
    throw new AxisError(
      `${op}: the ${what} axes ${formatShape(xs)} of lhs and ${
        formatShape(ys)
      } of rhs do not pair up`,
    );
  }
  xs.forEach((a, i) => {
    const b = ys[i]!;
    if (x.shape[a] === y.shape[b]) return;
    throw new ShapeError(
      `${op}: the ${what} axes ${a} of lhs, of shape ${
        formatShape(x.shape)
      }, and ${b} of rhs, of shape ${formatShape(y.shape)}, have different lengths`,
    );
  });
  return [xs, ys];
}

function multiplied(op: string, x: NDArray, y: NDArray, dimensionNumbers: unknown): NDArray {
  if (!Array.isArray(dimensionNumbers) || dimensionNumbers.length !== 2) {
    throw new TypeError(
      `${op}: dimensionNumbers must be [[axes of lhs, axes of rhs], [batch axes of lhs, batch axes of ` +
        `rhs]], where the first are summed over, not ${describeValue(dimensionNumbers)}`,
    );
  }
  const contract = expectPairs(op, "summed", dimensionNumbers[0], x, y);
  const batch = expectPairs(op, "batch", dimensionNumbers[1], x, y);
  [x, y].forEach((array, i) => {
    const used = [...contract[i]!, ...batch[i]!];
    if (new Set(used).size === used.length) return;
    throw new AxisError(
      `${op}: an axis of ${i === 0 ? "lhs" : "rhs"}, of shape ${
        formatShape(array.shape)
      }, is used twice: summed are ${formatShape(contract[i]!)}, batch ${formatShape(batch[i]!)}`,
    );
  });
  return product(x, y, { contract, batch });
}

/**
 * Sums of products over any axes, as `lax.dot_general`. The result has the batch axes, then the others of `lhs`,
 * then those of `rhs`.
 *
 * @param dimensionNumbers [[axes of lhs, axes of rhs that they are summed with], [batch axes of lhs, of rhs]].
 * @throws {ShapeError} where paired axes differ in length.
 * @throws {AxisError} where an axis is out of range or used twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.ones([5, 2, 3]);
 * const y = np.ones([3, 5, 4]);
 * console.log(lax.dotGeneral(x, y, [[[2], [0]], [[0], [1]]]).shape); // [ 5, 2, 4 ]
 * ```
 */
export function dotGeneral(
  lhs: NDArray,
  rhs: NDArray,
  dimensionNumbers: DotDimensionNumbers,
  options: DotGeneralOptions = {},
): NDArray {
  const op = "dotGeneral";
  if (arguments.length > 3) {
    options = readOptions(`${op}(lhs, rhs, dimensionNumbers, options)`, arguments, productOptions);
  }
  const [x, y] = operands(op, lhs, rhs, options.preferredElementType);
  return multiplied(op, x, y, dimensionNumbers);
}

/**
 * The product of vectors and matrices, as `lax.dot`: sums over the last axis of `lhs` and the first of `rhs`, or
 * over those of `dimensionNumbers`.
 *
 * @throws {ShapeError} where an operand has no axes, or more than two without `dimensionNumbers`, or the lengths
 * differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.dot(np.array([1, 2]), np.array([3, 4])).item()); // 11
 * ```
 */
export function dot(lhs: NDArray, rhs: NDArray, options: DotOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("dot(lhs, rhs, options)", arguments, dotOptions);
  const [x, y] = operands("dot", lhs, rhs, options.preferredElementType);
  if (options.dimensionNumbers !== undefined) {
    return multiplied("dot", x, y, options.dimensionNumbers);
  }
  if ([x, y].some(({ ndim }) => ndim === 0 || ndim > 2)) {
    throw new ShapeError(
      `dot: without dimensionNumbers there are products of vectors and matrices, not of shapes ${
        formatShape(x.shape)
      } and ${formatShape(y.shape)}. Use np.matmul, np.dot or dimensionNumbers`,
    );
  }
  return multiplied("dot", x, y, [[[x.ndim - 1], [0]], [[], []]]);
}

/**
 * Products of the matrices on the last two axes, all others in common, as `lax.batch_matmul`.
 *
 * @throws {ShapeError} where the operands have less than two axes or not the same number, or lengths differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.batchMatmul(np.ones([5, 2, 3]), np.ones([5, 3, 4])).shape); // [ 5, 2, 4 ]
 * ```
 */
export function batchMatmul(lhs: NDArray, rhs: NDArray): NDArray {
  const op = "batchMatmul";
  if (arguments.length > 2) checkCall(`${op}(lhs, rhs)`, arguments);
  const [x, y] = operands(op, lhs, rhs, undefined);
  const n = x.ndim;
  if (n < 2 || n !== y.ndim) {
    throw new ShapeError(
      `${op}: the operands must have the same number of axes, at least two, but have shapes ${
        formatShape(x.shape)
      } and ${formatShape(y.shape)}. np.matmul broadcasts`,
    );
  }
  const batch = Array.from({ length: n - 2 }, (_, i) => i);
  return multiplied(op, x, y, [[[n - 1], [n - 2]], [batch, batch]]);
}

/**
 * Rows of `lhs` times the matrix of their group, as `lax.ragged_dot`: the first `groupSizes[0]` rows belong to
 * `rhs[0]`, the next `groupSizes[1]` to `rhs[1]` and so on. Rows of no group give 0.
 *
 * @param lhs [rows, depth].
 * @param rhs [groups, depth, columns].
 * @param groupSizes [groups], integers.
 * @throws {ShapeError} where the shapes are others.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const rows = np.array([[1], [2], [3]]);
 * const groups = np.array([[[1]], [[10]]]);
 * console.log(lax.raggedDot(rows, groups, np.array([1, 2], { dtype: "int32" })).ravel().toArray()); // [ 1, 20, 30 ]
 * ```
 */
export function raggedDot(
  lhs: NDArray,
  rhs: NDArray,
  groupSizes: NDArray,
  options: DotGeneralOptions = {},
): NDArray {
  const op = "raggedDot";
  if (arguments.length > 3) {
    options = readOptions(`${op}(lhs, rhs, groupSizes, options)`, arguments, productOptions);
  }
  const [x, y] = operands(op, lhs, rhs, options.preferredElementType);
  const sizes = asIndex(op, groupSizes, "groupSizes");
  const [groups, depth] = y.shape as [number, number, number];
  if (
    x.ndim !== 2 || y.ndim !== 3 || sizes.ndim !== 1 || sizes.shape[0] !== groups ||
    x.shape[1] !== depth
  ) {
    throw new ShapeError(
      `${op}: lhs must be [rows, depth], rhs [groups, depth, columns] and groupSizes [groups], but they have ` +
        `shapes ${[x, y, sizes].map((a) => formatShape(a.shape)).join(", ")}`,
    );
  }
  const rows = x.shape[0]!;
  const ends = cumsum(sizes, 0);
  const row = iota([groups, rows], 1, "int32");
  const spread = (v: NDArray): NDArray => broadcastTo(reshape(v, [groups, 1]), [groups, rows]);
  const mine = and(ge(row, spread(sub(ends, sizes))), lt(row, spread(ends)));
  const shape = [groups, rows, depth];
  const parts = select(
    broadcastTo(reshape(mine, [groups, rows, 1]), shape),
    broadcastTo(reshape(x, [1, rows, depth]), shape),
    scalarLike(0, x),
  );
  return product(parts, y, { contract: [[0, 2], [0, 1]], batch: [[], []] });
}
