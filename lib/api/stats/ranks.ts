/**
 * Statistics of samples, as in `jax.scipy.stats`: the most frequent element, ranks, and the error of a mean.
 *
 * @module
 */
import type { AxisOr, Named } from "../../core/method_options.ts";
import {
  defaultFloat,
  describeValue,
  isFloat,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
} from "../../core/mod.ts";
import {
  add,
  convert,
  div,
  full,
  isNaN,
  mul,
  not,
  reshape,
  scalarLike,
  select,
  sqrt,
} from "../../primitives/mod.ts";
import { vmap } from "../../transforms/public.ts";
import { take } from "../indexing.ts";
import { applyAlongAxis } from "../mapping.ts";
import { nanstd } from "../nan_reductions.ts";
import { asFloat, asOperand, expectAxis, isNamed } from "../operands.ts";
import { any, argmax, max, sum } from "../reductions.ts";
import { uniqueAll } from "../sets.ts";
import { moveaxis } from "../shaping.ts";
import { argsort, searchsorted, sort } from "../sorting.ts";
import { std } from "../statistics.ts";

// ---------------------------------------------------------------- mode

/** Options of {@linkcode mode}. */
export interface ModeOptions {
  /** Whether the axis stays, with length 1. */
  readonly keepDims?: boolean | undefined;
}

const modeOptions: OptionTable<ModeOptions> = { keepDims: "boolean" };

/** What {@linkcode mode} gives. */
export interface ModeResult {
  /** The most frequent elements. */
  readonly mode: NDArray;
  /** How often they occur. */
  readonly count: NDArray;
}

/**
 * The most frequent element along `axis`, the first one where it is left out, and how often it occurs, as
 * `jax.scipy.stats.mode`: of several the smallest; `null`: of all elements. Where there is none, it is NaN.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { mode } from "@injax/injax/stats";
 *
 * const found = mode(np.array([3, 1, 3, 2, 1]));
 * console.log(found.mode.item(), found.count.item()); // 1 2
 * ```
 */
export function mode(
  x: Operand,
  axis: AxisOr<ModeOptions> = 0,
  options: ModeOptions = {},
): ModeResult {
  if (arguments.length > 2) {
    options = readOptions("mode(x, axis, options)", arguments, modeOptions, 1);
  }
  if (isNamed(axis)) return mode(x, axis.axis, axis);
  const given = asOperand("mode", x);
  const lined = given.ndim === 0 ? reshape(given, [1]) : given;
  const flat = axis === null ? reshape(lined, [lined.size]) : lined;
  const at = axis === null ? 0 : expectAxis("mode", axis, flat.ndim);
  const n = flat.shape[at]!;
  const others = flat.shape.toSpliced(at, 1);
  const shape = !(options.keepDims ?? false)
    ? others
    : axis === null
    ? given.shape.map(() => 1)
    : flat.shape.with(at, 1);
  if (n === 0) {
    return { mode: full(shape, NaN, defaultFloat), count: full(shape, 0, defaultFloat) };
  }
  const lanes = reshape(moveaxis(flat, at, -1), [others.reduce((a, b) => a * b, 1), n]);
  const ofLane = (lane: NDArray): NDArray[] => {
    const { values, counts } = uniqueAll(lane, { size: n });
    return [take(values, argmax(counts)), max(counts)];
  };
  const [values, counts] = vmap(ofLane)(lanes) as [NDArray, NDArray];
  return { mode: reshape(values, shape), count: reshape(counts, shape) };
}

// ---------------------------------------------------------------- ranks

/** What equal elements get: the mean, least or greatest of their ranks, the next number, or each its own. */
export type RankMethod = "average" | "min" | "max" | "dense" | "ordinal";

const METHODS: readonly RankMethod[] = ["average", "min", "max", "dense", "ordinal"];

/** Options of {@linkcode rankdata}. */
export interface RankOptions {
  /** The axis along which to rank; where left out, all elements are ranked, as a vector. */
  readonly axis?: number | null | undefined;
}

const rankOptions: OptionTable<RankOptions> = { axis: "number" };

/** The ranks of a vector. */
function ranks(x: NDArray, method: RankMethod): NDArray {
  const n = x.size;
  if (n === 0) return full([0], 0, defaultFloat);
  const one = (y: NDArray): NDArray => add(y, scalarLike(1, y));
  if (method === "ordinal") return one(argsort(argsort(x)));
  if (method === "dense") return one(uniqueAll(x, { size: n }).inverseIndices);
  const sorted = sort(x);
  const least = method === "max" ? null : one(searchsorted(sorted, x));
  const most = method === "min" ? null : searchsorted(sorted, x, { side: "right" });
  if (least === null) return most!;
  if (most === null) return least;
  const total = convert(add(least, most), defaultFloat);
  return mul(total, scalarLike(0.5, total));
}

/**
 * Ranks of elements, from 1 on, as `jax.scipy.stats.rankdata`; of a vector that has a NaN, all are NaN.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {TypeError} where there is no such method.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { rankdata } from "@injax/injax/stats";
 *
 * console.log(rankdata(np.array([0, 2, 3, 2])).toArray()); // [ 1, 2.5, 4, 2.5 ]
 * ```
 */
export function rankdata(
  x: Operand,
  method: RankMethod | Named<RankOptions, { method: RankMethod }> = "average",
  options: RankOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("rankdata(x, method, options)", arguments, rankOptions, 1);
  }
  if (isNamed(method)) return rankdata(x, method.method, method);
  if (!METHODS.includes(method)) {
    throw new TypeError(
      `rankdata: the method is ${describeValue(method)}, and must be one of ${METHODS.join(", ")}`,
    );
  }
  const a = asOperand("rankdata", x);
  const along = (lane: NDArray): NDArray => {
    const found = convert(ranks(lane, method), isFloat(a.dtype) ? a.dtype : defaultFloat);
    const nan = any(isNaN(asFloat("rankdata", lane)));
    return select(nan, scalarLike(NaN, found), found);
  };
  const axis = options.axis ?? null;
  if (axis === null) return along(reshape(a, [a.size]));
  return applyAlongAxis(along, expectAxis("rankdata", axis, a.ndim), a);
}

// ---------------------------------------------------------------- the error of a mean

/** Options of {@linkcode sem}. */
export interface SemOptions {
  /** By how much the divisor of the variance is less than the number of elements; 1 where left out. */
  readonly ddof?: number | undefined;
  /** What NaN does: the result is NaN (`"propagate"`, where left out), or it is passed over (`"omit"`). */
  readonly nanPolicy?: "propagate" | "omit" | undefined;
  /** Whether the axis stays, with length 1. */
  readonly keepDims?: boolean | undefined;
}

const semOptions: OptionTable<SemOptions> = {
  ddof: "number",
  nanPolicy: "string",
  keepDims: "boolean",
};

/**
 * The standard error of the mean along `axis`, the first one where it is left out, as
 * `jax.scipy.stats.sem`; `null`: of all elements.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { sem } from "@injax/injax/stats";
 *
 * console.log(sem(np.array([1, 2, 3, 4])).item().toFixed(4)); // 0.6455
 * ```
 */
export function sem(
  x: Operand,
  axis: AxisOr<SemOptions> = 0,
  options: SemOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("sem(x, axis, options)", arguments, semOptions, 1);
  }
  if (isNamed(axis)) return sem(x, axis.axis, axis);
  const { ddof = 1, nanPolicy = "propagate", keepDims = false } = options;
  if (nanPolicy !== "propagate" && nanPolicy !== "omit") {
    throw new TypeError(
      `sem: nanPolicy is ${describeValue(nanPolicy)}, and must be "propagate" or "omit"`,
    );
  }
  const a = asFloat("sem", x);
  const at = axis === null ? undefined : expectAxis("sem", axis, a.ndim);
  if (nanPolicy === "omit") {
    const count = convert(sum(convert(not(isNaN(a)), "int32"), at, { keepDims }), a.dtype);
    return div(nanstd(a, at, { ddof, keepDims }), sqrt(count));
  }
  const count = at === undefined ? a.size : a.shape[at]!;
  return div(std(a, at, { ddof, keepDims }), scalarLike(Math.sqrt(count), a));
}
