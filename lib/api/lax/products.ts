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
  isPlain,
  type NDArray,
  type OptionTable,
  readOptions,
  sameShape,
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
  transpose,
} from "../../primitives/mod.ts";
import type { ProductOptions } from "../arguments.ts";
import { productOptions } from "../options.ts";
import { expectDims } from "./windows_at.ts";
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

/** Pairs of axes that a product sums over, and has in common, checked. */
function expectProduct(
  op: string,
  x: NDArray,
  y: NDArray,
  dimensionNumbers: unknown,
): { readonly contract: AxisPairs; readonly batch: AxisPairs } {
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
  return { contract, batch };
}

function multiplied(op: string, x: NDArray, y: NDArray, dimensionNumbers: unknown): NDArray {
  return product(x, y, expectProduct(op, x, y, dimensionNumbers));
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
  return grouped(op, x, y, sizes, {
    dotDimensionNumbers: [[[1], [1]], [[], []]],
    lhsRaggedDimensions: [0],
    rhsGroupDimensions: [0],
  });
}

/** Which axes of a product are cut in groups. */
export interface RaggedDotDimensionNumbers {
  /** Axes that are summed over, and axes in common, as in {@linkcode dotGeneral}. */
  readonly dotDimensionNumbers: DotDimensionNumbers;
  /** The one axis of `lhs` whose elements belong to groups. */
  readonly lhsRaggedDimensions: readonly number[];
  /** The axis of `rhs` that has a part for each group: one where the ragged axis stays, else none. */
  readonly rhsGroupDimensions?: readonly number[];
}

/**
 * Products of groups, as `lax.ragged_dot_general`: the first `groupSizes[0]` elements along the ragged axis of
 * `lhs` are the first group, the next `groupSizes[1]` the second, and so on. Where the ragged axis stays, each
 * group is multiplied by its part of `rhs`, and what is in no group gives 0. Where it is summed over, each group
 * has a sum of its own, along a new first axis. Where it is in common, it is {@linkcode dotGeneral}.
 *
 * @param groupSizes [groups], integers; or [..., groups] with the axes of `lhs` in common and those of its kind
 * before the ragged one.
 * @throws {ShapeError} where lengths differ.
 * @throws {AxisError} where an axis is out of range or used twice, or there is not one ragged axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([[1], [2], [3]]);
 * const sums = lax.raggedDotGeneral(x, x, np.array([1, 2], { dtype: "int32" }), {
 *   dotDimensionNumbers: [[[0], [0]], [[], []]],
 *   lhsRaggedDimensions: [0],
 * });
 * console.log(sums.ravel().toArray()); // [ 1, 13 ]
 * ```
 */
export function raggedDotGeneral(
  lhs: NDArray,
  rhs: NDArray,
  groupSizes: NDArray,
  raggedDotDimensionNumbers: RaggedDotDimensionNumbers,
  options: DotGeneralOptions = {},
): NDArray {
  const op = "raggedDotGeneral";
  const call = `${op}(lhs, rhs, groupSizes, raggedDotDimensionNumbers, options)`;
  if (arguments.length > 4) options = readOptions(call, arguments, productOptions);
  const numbers = raggedDotDimensionNumbers;
  if (!isPlain(numbers)) {
    throw new TypeError(
      `${op}: raggedDotDimensionNumbers is ${describeValue(numbers)}, and must be ` +
        "{ dotDimensionNumbers, lhsRaggedDimensions, rhsGroupDimensions }",
    );
  }
  const [x, y] = operands(op, lhs, rhs, options.preferredElementType);
  return grouped(op, x, y, asIndex(op, groupSizes, "groupSizes"), numbers);
}

function grouped(
  op: string,
  x: NDArray,
  y: NDArray,
  sizes: NDArray,
  numbers: RaggedDotDimensionNumbers,
): NDArray {
  const { contract, batch } = expectProduct(op, x, y, numbers.dotDimensionNumbers);
  const [ragged, ...others] = expectDims(
    op,
    numbers.lhsRaggedDimensions,
    "lhsRaggedDimensions",
    x.ndim,
    true,
  );
  if (ragged === undefined || others.length > 0) {
    throw new AxisError(
      `${op}: lhsRaggedDimensions must name one axis, and names ${
        ragged === undefined ? "none" : "more"
      }`,
    );
  }
  const kept = x.shape.map((_, i) => i).filter((i) =>
    !contract[0].includes(i) && !batch[0].includes(i)
  );
  const before = (axes: readonly number[], axis: number): readonly number[] =>
    axes.slice(0, axes.indexOf(axis));
  const shared = batch[0].includes(ragged);
  const summed = contract[0].includes(ragged);
  const prefix = shared
    ? before(batch[0], ragged)
    : [...batch[0], ...before(summed ? contract[0] : kept, ragged)];
  const groups = sizes.shape.at(-1);
  const outer = prefix.map((a) => x.shape[a]!);
  if (groups === undefined || (sizes.ndim > 1 && !sameShape(sizes.shape, [...outer, groups]))) {
    throw new ShapeError(
      `${op}: groupSizes must have shape [groups]${
        prefix.length > 0 ? ` or [${[...outer, "groups"]}]` : ""
      }, but has ${formatShape(sizes.shape)}`,
    );
  }
  const ends = broadcastTo(cumsum(sizes, sizes.ndim - 1), [...outer, groups]);
  const starts = sub(ends, broadcastTo(sizes, ends.shape));
  const part = (array: NDArray, axis: number, outside: readonly number[]): NDArray =>
    partOfGroups(array, axis, outside, starts, ends);
  const next = (axes: readonly number[]): number[] => axes.map((a) => a + 1);
  const rhsGroups = expectDims(op, numbers.rhsGroupDimensions, "rhsGroupDimensions", y.ndim, true);
  const wanted = shared || summed ? 0 : 1;
  if (rhsGroups.length !== wanted) {
    throw new AxisError(
      `${op}: rhsGroupDimensions names ${rhsGroups.length} axes, and must name ${
        wanted === 0 ? "none where the ragged axis is summed over or in common" : "one"
      }`,
    );
  }
  if (shared) return product(x, y, { contract, batch });
  if (summed) {
    const along = contract[1][contract[0].indexOf(ragged)]!;
    const outside = [...batch[1], ...before(contract[1], along)];
    return product(part(x, ragged, prefix), part(y, along, outside), {
      contract: [next(contract[0]), next(contract[1])],
      batch: [[0, ...next(batch[0])], [0, ...next(batch[1])]],
    });
  }
  const [of] = rhsGroups as [number];
  if (y.shape[of] !== groups || contract[1].includes(of) || batch[1].includes(of)) {
    throw new ShapeError(
      `${op}: rhs of shape ${
        formatShape(y.shape)
      } must have ${groups} groups along axis ${of}, which is neither summed over nor in common`,
    );
  }
  return product(part(x, ragged, prefix), y, {
    contract: [[...next(contract[0]), 0], [...contract[1], of]],
    batch: [next(batch[0]), batch[1]],
  });
}

/** `x` once for each group, [groups, ...], 0 where an element along `axis` is of another one. */
function partOfGroups(
  x: NDArray,
  axis: number,
  prefix: readonly number[],
  starts: NDArray,
  ends: NDArray,
): NDArray {
  const length = x.shape[axis]!;
  const shape = [...ends.shape, length];
  const at = iota(shape, ends.ndim, "int32");
  const spread = (v: NDArray): NDArray => broadcastTo(reshape(v, [...v.shape, 1]), shape);
  const mine = and(ge(at, spread(starts)), lt(at, spread(ends)));
  const groups = ends.shape.at(-1)!;
  const named = x.shape.map((_, i) => i).filter((i) => i === axis || prefix.includes(i));
  const places = named.map((i) => i === axis ? prefix.length + 1 : prefix.indexOf(i));
  const full = [groups, ...x.shape];
  const mask = reshape(
    transpose(mine, [prefix.length, ...places]),
    [groups, ...x.shape.map((n, i) => named.includes(i) ? n : 1)],
  );
  return select(
    broadcastTo(mask, full),
    broadcastTo(reshape(x, [1, ...x.shape]), full),
    scalarLike(0, x),
  );
}
