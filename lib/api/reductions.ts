/**
 * Reductions over axes, positions of extreme elements, and running sums and products.
 *
 * Axes are counted from the end where they are negative; left out, a reduction is over all of them.
 *
 * @module
 */
import {
  type Axes,
  AxisError,
  expectDType,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import type {
  AxesOr,
  AxisOr,
  ExtremeOptions,
  MaskedOptions,
  MeanOptions,
  ReduceOptions,
  SumOptions,
} from "../core/method_options.ts";
import {
  add,
  broadcastTo,
  concatenate,
  convert,
  div,
  maximum,
  minimum,
  mul,
  reduceAnd,
  reduceMax,
  reduceMin,
  reduceOr,
  reduceProd,
  reduceSum,
  reshape,
  scalarLike,
  select,
  withoutAxes,
  zerosLike,
} from "../primitives/mod.ts";
import * as arg_extremes from "../primitives/reduce/extremes.ts";
import type { DTypeOptions, RunningOptions } from "./arguments.ts";
import { asBool, asOperand, expectArray, expectAxis, isNamed } from "./operands.ts";
import { dtypeOptions, reduceOptions, runningOptions } from "./options.ts";
import {
  countOf,
  extremeOptions,
  floatOf,
  initialOf,
  keep,
  masked,
  maskedOptions,
  maskOf,
  meanOf,
  meanOptions,
  ofTruth,
  reduce,
  type Reducer,
  runningProduct,
  runningSum,
  summand,
  sumOptions,
} from "./reducing.ts";

// ---------------------------------------------------------------- sums

/**
 * Sum over `axis`, as `jax.numpy.sum`. Bools count as int32, integers wrap; as bool, whether any is not 0.
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
 * console.log(np.sum(x, 0, { where: x.greater(1), initial: 10 }).toArray()); // [ 13, 16 ]
 * ```
 */
export function sum(
  x: Operand,
  axis?: AxesOr<SumOptions<Operand>>,
  options?: SumOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("sum(x, axis, options)", arguments, sumOptions, 1);
  }
  if (isNamed(axis)) return sum(x, axis.axis, axis);
  if (options?.dtype === "bool") return ofTruth("sum", sum, x, axis, options);
  const a = masked("sum", summand("sum", x, options?.dtype), options?.where, 0);
  const out = reduce("sum", reduceSum, a, axis, options);
  return options?.initial == null ? out : add(out, initialOf("sum", options.initial, out));
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
export function mean(
  x: Operand,
  axis?: AxesOr<MeanOptions<Operand>>,
  options?: MeanOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("mean(x, axis, options)", arguments, meanOptions, 1);
  }
  if (isNamed(axis)) return mean(x, axis.axis, axis);
  const a = floatOf("mean", x, options?.dtype);
  const mask = maskOf("mean", a, options?.where);
  const f: Reducer = mask === null ? meanOf : (y, axes) => {
    const total = reduceSum(select(mask, y, zerosLike(y)), axes);
    return div(total, reduceSum(convert(mask, y.dtype), axes));
  };
  return convert(
    reduce("mean", f, a, axis, options),
    expectDType("mean", options?.dtype, a.dtype),
  );
}

/**
 * Product over `axis`, as `jax.numpy.prod`; bools count as int32, integers wrap; as bool, whether none is 0.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function prod(
  x: Operand,
  axis?: AxesOr<SumOptions<Operand>>,
  options?: SumOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("prod(x, axis, options)", arguments, sumOptions, 1);
  }
  if (isNamed(axis)) return prod(x, axis.axis, axis);
  if (options?.dtype === "bool") return ofTruth("prod", prod, x, axis, options);
  const a = masked("prod", summand("prod", x, options?.dtype), options?.where, 1);
  const out = reduce("prod", reduceProd, a, axis, options);
  return options?.initial == null ? out : mul(out, initialOf("prod", options.initial, out));
}

// ---------------------------------------------------------------- extremes

/** Refuses to look for an extreme element where there is none. */
function expectElements(op: string, x: NDArray, axes: readonly number[]): void {
  if (countOf(x, axes) > 0) return;
  throw new ShapeError(
    `${op}: x has shape ${formatShape(x.shape)} and so no elements along ${
      axes.length === 1 ? `axis ${axes[0]}` : `axes ${formatShape(axes)}`
    }, of which one could be returned`,
  );
}

function extreme(
  op: "max" | "min",
  x: Operand,
  axis: Axes | undefined,
  options: ExtremeOptions<Operand> | undefined,
): NDArray {
  const a = asOperand(op, x);
  const { where, initial } = options ?? {};
  const [f, meet] = op === "max" ? [reduceMax, maximum] : [reduceMin, minimum];
  if (initial == null) {
    if (where !== undefined) {
      throw new TypeError(
        `${op}: with where there may be no elements. Give what to compare with then, as in ` +
          `${op}(x, axis, { where, initial: 0 })`,
      );
    }
    return reduce(
      op,
      (y, axes) => {
        expectElements(op, y, axes);
        return f(y, axes);
      },
      a,
      axis,
      options,
    );
  }
  const first = initialOf(op, initial, a);
  const mask = maskOf(op, a, where);
  const among = mask === null ? a : select(mask, a, broadcastTo(first, a.shape));
  return reduce(
    op,
    (y, axes) => {
      const shape = withoutAxes(y.shape, axes);
      const whole = broadcastTo(first, shape);
      return countOf(y, axes) === 0 ? whole : meet(f(y, axes), whole);
    },
    among,
    axis,
    options,
  );
}

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
export function max(
  x: Operand,
  axis?: AxesOr<ExtremeOptions<Operand>>,
  options?: ExtremeOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("max(x, axis, options)", arguments, extremeOptions, 1);
  }
  if (isNamed(axis)) return max(x, axis.axis, axis);
  return extreme("max", x, axis, options);
}

/**
 * Smallest element over `axis`, NaN where there is one, as `jax.numpy.min`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 */
export function min(
  x: Operand,
  axis?: AxesOr<ExtremeOptions<Operand>>,
  options?: ExtremeOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("min(x, axis, options)", arguments, extremeOptions, 1);
  }
  if (isNamed(axis)) return min(x, axis.axis, axis);
  return extreme("min", x, axis, options);
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
export function any(
  x: Operand,
  axis?: AxesOr<MaskedOptions<Operand>>,
  options?: MaskedOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("any(x, axis, options)", arguments, maskedOptions, 1);
  }
  if (isNamed(axis)) return any(x, axis.axis, axis);
  const a = masked("any", asBool("any", x), options?.where, 0);
  return reduce("any", reduceOr, a, axis, options);
}

/**
 * Whether all elements over `axis` are not 0, as bool, as `jax.numpy.all`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function all(
  x: Operand,
  axis?: AxesOr<MaskedOptions<Operand>>,
  options?: MaskedOptions<Operand>,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("all(x, axis, options)", arguments, maskedOptions, 1);
  }
  if (isNamed(axis)) return all(x, axis.axis, axis);
  const a = masked("all", asBool("all", x), options?.where, 1);
  return reduce("all", reduceAnd, a, axis, options);
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
export function argmax(
  x: Operand,
  axis?: AxisOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("argmax(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return argmax(x, axis.axis, axis);
  return position("argmax", arg_extremes.argmax, x, axis, options);
}

/**
 * Index (int32) of the first smallest element along `axis`, of the flat array where it is left out, as
 * `jax.numpy.argmin`; of the first NaN where there is one.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function argmin(
  x: Operand,
  axis?: AxisOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("argmin(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return argmin(x, axis.axis, axis);
  return position("argmin", arg_extremes.argmin, x, axis, options);
}

// ---------------------------------------------------------------- NumPy's other names

/** {@linkcode max} under another name of NumPy's. */
export const amax: typeof max = max;

/** {@linkcode min} under another name of NumPy's. */
export const amin: typeof min = min;

/** Runs along an axis in the dtype that is asked for; in int32 for bool. */
function inDType(
  op: string,
  run: typeof runningSum,
  x: Operand,
  axis: number | null | undefined,
  { dtype, reverse }: RunningOptions,
): NDArray {
  const out = run(summand(op, x, dtype), axis, { reverse });
  return dtype == null ? out : convert(out, dtype);
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
export function cumsum(
  x: Operand,
  axis?: AxisOr<RunningOptions>,
  options: RunningOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumsum(x, axis, options)", arguments, runningOptions, 1);
  }
  if (isNamed(axis)) return cumsum(x, axis.axis, axis);
  return inDType("cumsum", runningSum, x, axis, options);
}

/**
 * Running products along `axis`, of the flat array where it is left out, as `jax.numpy.cumprod`.
 *
 * @throws {AxisError} where the axis is out of range.
 */
export function cumprod(
  x: Operand,
  axis?: AxisOr<RunningOptions>,
  options: RunningOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumprod(x, axis, options)", arguments, runningOptions, 1);
  }
  if (isNamed(axis)) return cumprod(x, axis.axis, axis);
  return inDType("cumprod", runningProduct, x, axis, options);
}

/** Options of {@linkcode cumulativeSum} and {@linkcode cumulativeProd}. */
export interface CumulativeArrayOptions extends DTypeOptions {
  /** Whether the result begins with that of no elements, and so is one longer. */
  readonly includeInitial?: boolean | undefined;
}

const cumulativeArrayOptions: OptionTable<CumulativeArrayOptions> = /* @__PURE__ */ tableOf(
  dtypeOptions,
  { includeInitial: "boolean" },
);

function withInitial(
  op: string,
  run: (x: NDArray, axis: number, options: DTypeOptions) => NDArray,
  first: number,
  x: NDArray,
  axis: number | null | undefined,
  options: CumulativeArrayOptions,
): NDArray {
  const a = expectArray(op, x);
  if ((axis === undefined || axis === null) && a.ndim !== 1) {
    throw new AxisError(
      `${op}: x has shape ${formatShape(a.shape)}, and so the axis has to be given`,
    );
  }
  const along = expectAxis(op, axis ?? 0, a.ndim);
  const out = run(a, along, { dtype: options.dtype });
  if (!options.includeInitial) return out;
  const initial = broadcastTo(scalarLike(first, out), out.shape.with(along, 1));
  return concatenate([initial, out], along);
}

/**
 * Running sums along `axis`, which may be left out for vectors alone, as `jax.numpy.cumulative_sum`.
 *
 * @throws {AxisError} where the axis is out of range, or left out for more than one.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cumulativeSum(np.array([1, 2]), 0, { includeInitial: true }).toArray()); // [ 0, 1, 3 ]
 * ```
 */
export function cumulativeSum(
  x: NDArray,
  axis?: AxisOr<CumulativeArrayOptions>,
  options: CumulativeArrayOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumulativeSum(x, axis, options)", arguments, cumulativeArrayOptions, 1);
  }
  if (isNamed(axis)) return cumulativeSum(x, axis.axis, axis);
  return withInitial("cumulativeSum", cumsum, 0, x, axis, options);
}

/**
 * Running products along `axis`, which may be left out for vectors alone, as
 * `jax.numpy.cumulative_prod`.
 *
 * @throws {AxisError} where the axis is out of range, or left out for more than one.
 */
export function cumulativeProd(
  x: NDArray,
  axis?: AxisOr<CumulativeArrayOptions>,
  options: CumulativeArrayOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumulativeProd(x, axis, options)", arguments, cumulativeArrayOptions, 1);
  }
  if (isNamed(axis)) return cumulativeProd(x, axis.axis, axis);
  return withInitial("cumulativeProd", cumprod, 1, x, axis, options);
}
