/**
 * Reductions over axes, positions of extreme elements, and running sums and products.
 *
 * Axes are counted from the end where they are negative; left out, a reduction is over all of them.
 *
 * @module
 */
import type { Axes, NDArray, Operand } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import type { CumulativeOptions, ReduceOptions, VarianceOptions } from "../core/method_options.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add, div, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { isNaN, sqrt } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import * as arg_extremes from "../primitives/reduce/arg_extremes.ts";
import { cumsum as cumsumOf } from "../primitives/reduce/cumsum.ts";
import * as extremes from "../primitives/reduce/extremes.ts";
import { reduceAnd, reduceOr } from "../primitives/reduce/logical.ts";
import { reduceProd } from "../primitives/reduce/product.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { pad, slice } from "../primitives/slicing/slice.ts";
import { sort } from "../primitives/sort/sort.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import { asBool, asFloat, asOperand, expectAxes, expectAxis } from "./operands.ts";
import { reduceOptions } from "./options.ts";

const varianceOptions: OptionTable<VarianceOptions> = { ...reduceOptions, ddof: "number" };

const cumulativeOptions: OptionTable<CumulativeOptions> = { reverse: "boolean" };

// ---------------------------------------------------------------- what they share

type Reducer = (x: NDArray, axes: readonly number[]) => NDArray;

/** Puts reduced axes back with length 1 where asked to. */
function keep(
  out: NDArray,
  shape: readonly number[],
  axes: readonly number[],
  keepDims: boolean | undefined,
): NDArray {
  return keepDims ? reshape(out, shape.map((n, i) => axes.includes(i) ? 1 : n)) : out;
}

function reduce(
  op: string,
  f: Reducer,
  x: NDArray,
  axis: Axes | undefined,
  options: ReduceOptions | undefined,
): NDArray {
  const axes = expectAxes(op, axis, x.ndim);
  return keep(f(x, axes), x.shape, axes, options?.keepDims);
}

function countOf(x: NDArray, axes: readonly number[]): number {
  return sizeOf(axes.map((a) => x.shape[a]!));
}

// ---------------------------------------------------------------- sums

/**
 * Sum over `axis`, as `jax.numpy.sum`. Bools are counted as int32; integers wrap.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(np.sum(x).item(), np.sum(x, 0).toArray()); // 10 [ 4, 6 ]
 * console.log(np.sum(x, -1, { keepDims: true }).shape); // [ 2, 1 ]
 * ```
 */
export function sum(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("sum(x, axis, options)", arguments, reduceOptions);
  const a = asOperand("sum", x);
  return reduce("sum", reduceSum, a.dtype === "bool" ? convert(a, "int32") : a, axis, options);
}

function meanOf(x: NDArray, axes: readonly number[]): NDArray {
  const total = reduceSum(x, axes);
  return div(total, scalarLike(countOf(x, axes), total));
}

/**
 * Mean over `axis`, as `jax.numpy.mean`; integers and bools give float32. NaN over no elements.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.mean(np.array([[1, 2], [3, 4]]), 0).toArray()); // [ 2, 3 ]
 * ```
 */
export function mean(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("mean(x, axis, options)", arguments, reduceOptions);
  return reduce("mean", meanOf, asFloat("mean", x), axis, options);
}

/**
 * Product over `axis`, as `jax.numpy.prod`; bools count as int32, integers wrap.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function prod(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("prod(x, axis, options)", arguments, reduceOptions);
  const a = asOperand("prod", x);
  return reduce("prod", reduceProd, a.dtype === "bool" ? convert(a, "int32") : a, axis, options);
}

/**
 * Variance over `axis`, the mean squared distance from the mean, as `jax.numpy.var`. The divisor is the
 * number of elements less `ddof`. Exported as `var` too.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.var(np.array([1, 3]), null, { ddof: 1 }).item()); // 2
 * ```
 */
export function variance(x: Operand, axis?: Axes, options: VarianceOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("variance(x, axis, options)", arguments, varianceOptions);
  return reduce(
    "variance",
    (a, axes) => varianceOf(a, axes, options.ddof ?? 0),
    asFloat("variance", x),
    axis,
    options,
  );
}

function varianceOf(x: NDArray, axes: readonly number[], ddof: number): NDArray {
  const centered = sub(x, keep(meanOf(x, axes), x.shape, axes, true));
  const total = reduceSum(mul(centered, centered), axes);
  const count = countOf(x, axes);
  const divisor = count - ddof;
  // One element has no distance from its mean, and 0 / 0 is NaN as well. So the divisor of one element
  // is computed as that of any other number, which a file that leaves the number open asks for.
  const defined = divisor > 0 || (count === 1 && divisor === 0);
  return div(total, scalarLike(defined ? divisor : NaN, total));
}

/**
 * Standard deviation over `axis`, the root of the variance, as `jax.numpy.std`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.std(np.array([2, 4])).item()); // 1
 * ```
 */
export function std(x: Operand, axis?: Axes, options: VarianceOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("std(x, axis, options)", arguments, varianceOptions);
  return reduce(
    "std",
    (a, axes) => sqrt(varianceOf(a, axes, options.ddof ?? 0)),
    asFloat("std", x),
    axis,
    options,
  );
}

// ---------------------------------------------------------------- extremes

/** Refuses to look for an extreme element where there is none. */
function nonEmpty(op: string, f: Reducer): Reducer {
  return (x, axes) => {
    if (countOf(x, axes) === 0) {
      throw new ShapeError(
        `${op}: x has shape ${formatShape(x.shape)} and so no elements along ${
          axes.length === 1 ? `axis ${axes[0]}` : `axes ${formatShape(axes)}`
        }, of which one could be returned`,
      );
    }
    return f(x, axes);
  };
}

const reduceMax = /* @__PURE__ */ nonEmpty("max", extremes.reduceMax);
const reduceMin = /* @__PURE__ */ nonEmpty("min", extremes.reduceMin);

/**
 * Largest element over `axis`, NaN where there is one, as `jax.numpy.max`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.max(np.array([[1, 5], [3, 4]]), 1, { keepDims: true }).toArray()); // [ [ 5 ], [ 4 ] ]
 * ```
 */
export function max(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("max(x, axis, options)", arguments, reduceOptions);
  return reduce("max", reduceMax, asOperand("max", x), axis, options);
}

/**
 * Smallest element over `axis`, NaN where there is one, as `jax.numpy.min`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 */
export function min(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("min(x, axis, options)", arguments, reduceOptions);
  return reduce("min", reduceMin, asOperand("min", x), axis, options);
}

/**
 * Whether any element over `axis` is not 0, as bool, as `jax.numpy.any`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.any(np.array([[true, false], [false, false]]), 1).toArray()); // [ true, false ]
 * ```
 */
export function any(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("any(x, axis, options)", arguments, reduceOptions);
  return reduce("any", reduceOr, asBool("any", x), axis, options);
}

/**
 * Whether all elements over `axis` are not 0, as bool, as `jax.numpy.all`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function all(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("all(x, axis, options)", arguments, reduceOptions);
  return reduce("all", reduceAnd, asBool("all", x), axis, options);
}

function position(
  op: string,
  f: (x: NDArray, axis: number) => NDArray,
  x: Operand,
  axis: number | null | undefined,
  options: ReduceOptions | undefined,
): NDArray {
  const a = asOperand(op, x);
  const none = (where: string): ShapeError =>
    new ShapeError(`${op}: x has shape ${formatShape(a.shape)} and so no elements${where}`);
  if (axis === undefined || axis === null) {
    if (a.size === 0) throw none("");
    const at = f(reshape(a, [a.size]), 0);
    return keep(at, a.shape, a.shape.map((_, i) => i), options?.keepDims);
  }
  const along = expectAxis(op, axis, a.ndim);
  if (a.shape[along] === 0) throw none(` along axis ${along}`);
  return keep(f(a, along), a.shape, [along], options?.keepDims);
}

/**
 * Index (int32) of the first largest element along `axis`, of the flat array where it is left out, as
 * `jax.numpy.argmax`; of the first NaN where there is one.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.argmax(np.array([1, 5, 3])).item()); // 1
 * ```
 */
export function argmax(x: Operand, axis?: number | null, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("argmax(x, axis, options)", arguments, reduceOptions);
  return position("argmax", arg_extremes.argmax, x, axis, options);
}

/**
 * Index (int32) of the first smallest element along `axis`, of the flat array where it is left out, as
 * `jax.numpy.argmin`; of the first NaN where there is one.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function argmin(x: Operand, axis?: number | null, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("argmin(x, axis, options)", arguments, reduceOptions);
  return position("argmin", arg_extremes.argmin, x, axis, options);
}

/**
 * Median over `axis`, the mean of the two middle elements where their number is even, as
 * `jax.numpy.median`; NaN where there is one.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.median(np.array([3, 1, 2, 10])).item()); // 2.5
 * ```
 */
export function median(x: Operand, axis?: number | null, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("median(x, axis, options)", arguments, reduceOptions);
  const a = asFloat("median", x);
  const flat = axis === undefined || axis === null;
  const lanes = flat ? reshape(a, [a.size]) : a;
  const along = flat ? 0 : expectAxis("median", axis, a.ndim);
  const n = lanes.shape[along]!;
  if (n === 0) {
    throw new ShapeError(`median: x has shape ${formatShape(a.shape)} and so no elements`);
  }
  const [sorted] = sort(lanes, along);
  const at = (i: number): NDArray =>
    slice(
      sorted,
      sorted.shape.map((_, k) => k === along ? i : 0),
      sorted.shape.map((m, k) => k === along ? i + 1 : m),
    );
  const low = at((n - 1) >> 1);
  const middle = n % 2 === 1 ? low : mul(add(low, at(n >> 1)), scalarLike(0.5, low));
  const last = at(n - 1);
  // NaN comes from no one element, so none has a share in it.
  const out = select(isNaN(last), stopGradient(last), middle);
  const shape = flat ? a.shape.map(() => 1) : out.shape;
  return reshape(out, options?.keepDims ? shape : flat ? [] : shape.toSpliced(along, 1));
}

// ---------------------------------------------------------------- running

/** The array and the axis along which something runs: the flat array where no axis is given. */
function running(op: string, x: Operand, axis: number | null | undefined): [NDArray, number] {
  const given = asOperand(op, x);
  const a = given.dtype === "bool" ? convert(given, "int32") : given;
  if (axis === undefined || axis === null) return [reshape(a, [a.size]), 0];
  return [a, expectAxis(op, axis, a.ndim)];
}

/**
 * Running sums along `axis`, of the flat array where it is left out, as `jax.numpy.cumsum`. Bools count
 * as int32; integers wrap.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cumsum(np.array([1, 2, 3])).toArray()); // [ 1, 3, 6 ]
 * ```
 */
export function cumsum(x: Operand, axis?: number | null, options?: CumulativeOptions): NDArray {
  if (arguments.length > 2) checkCall("cumsum(x, axis, options)", arguments, cumulativeOptions);
  const [a, along] = running("cumsum", x, axis);
  return cumsumOf(a, along, options?.reverse ?? false);
}

/**
 * Running products along `axis`, of the flat array where it is left out, as `jax.numpy.cumprod`.
 *
 * @throws {AxisError} where the axis is out of range.
 */
export function cumprod(x: Operand, axis?: number | null, options?: CumulativeOptions): NDArray {
  if (arguments.length > 2) checkCall("cumprod(x, axis, options)", arguments, cumulativeOptions);
  const [a, along] = running("cumprod", x, axis);
  const n = a.shape[along]!;
  const one = scalarLike(1, a);
  const only = (k: number): number[] => a.shape.map((_, i) => i === along ? k : 0);
  // Products of twice as many elements in each round, missing ones being 1.
  let out = a;
  for (let reach = 1; reach < n; reach *= 2) {
    const shifted = options?.reverse
      ? pad(out, one, only(-reach), only(reach))
      : pad(out, one, only(reach), only(-reach));
    out = mul(out, shifted);
  }
  return out;
}

/**
 * Number of elements over `axis` that are not 0, as int32, as `jax.numpy.count_nonzero`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.countNonzero(np.array([0, 1, 2])).item()); // 2
 * ```
 */
export function countNonzero(x: Operand, axis?: Axes, options?: ReduceOptions): NDArray {
  if (arguments.length > 2) checkCall("countNonzero(x, axis, options)", arguments, reduceOptions);
  return reduce(
    "countNonzero",
    reduceSum,
    convert(asBool("countNonzero", x), "int32"),
    axis,
    options,
  );
}

/** Variance over `axis`: {@linkcode variance} under NumPy's name, as `np.var`. */
const named: typeof variance = variance;
// No declaration may be called by that name.
export { named as var };
