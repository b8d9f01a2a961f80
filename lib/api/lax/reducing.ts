/**
 * Reductions over axes, and what runs along one, as in `jax.lax`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  type DType,
  DTypeError,
  expectDType,
  formatShape,
  isFloat,
  isInteger,
  limits,
  type NDArray,
  type Operand,
  readOptions,
  sameShape,
  ShapeError,
} from "../../core/mod.ts";
import type { CumulativeOptions, Named } from "../../core/method_options.ts";
import {
  broadcastTo,
  concatenate,
  convert,
  full,
  logaddexp,
  otherAxes,
  pad,
  reduceAnd as andOver,
  reduceOr as orOver,
  reduceProd as productOver,
  reduceSum as sumOver,
  reshape,
  scalarLike,
  slice,
  transpose,
} from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/arithmetic.ts";
import * as c from "../../primitives/elementwise/compare.ts";
import * as extremes from "../../primitives/reduce/extremes.ts";
import * as x from "../../primitives/reduce/extremes.ts";
import {
  asDType,
  asFloat,
  asOperand,
  expectArray,
  expectAxes,
  expectAxis,
  isNamed,
} from "../operands.ts";
import { cumulativeOptions } from "../options.ts";
import { runningProduct as productsOf, runningSum as sumsOf } from "../reducing.ts";

/** The array and the axes of a reduction, which are given as a list. */
function over(op: string, operand: Operand, axes: readonly number[]): [NDArray, number[]] {
  const a = asOperand(op, operand);
  if (!Array.isArray(axes)) {
    throw new TypeError(
      `${op}: axes are ${describeValue(axes)}, and must be a list of axes, as in [0, 1]`,
    );
  }
  return [a, expectAxes(op, axes, a.ndim)];
}

function numbers(op: string, a: NDArray): NDArray {
  if (a.dtype !== "bool") return a;
  throw new DTypeError(`${op}: x is bool, and must be of numbers. Convert it with astype("int32")`);
}

/** The sum over some axes, as `jax.lax.reduce_sum`. */
export function reduceSum(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceSum(operand, axes)", arguments);
  const [a, along] = over("reduceSum", operand, axes);
  return sumOver(numbers("reduceSum", a), along);
}

/** The product over some axes, as `jax.lax.reduce_prod`. */
export function reduceProd(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceProd(operand, axes)", arguments);
  const [a, along] = over("reduceProd", operand, axes);
  return productOver(numbers("reduceProd", a), along);
}

/** The largest element over some axes, as `jax.lax.reduce_max`; the least number of the type of nothing. */
export function reduceMax(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceMax(operand, axes)", arguments);
  return x.reduceMax(...over("reduceMax", operand, axes));
}

/** The smallest element over some axes, as `jax.lax.reduce_min`; the greatest number of the type of nothing. */
export function reduceMin(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceMin(operand, axes)", arguments);
  return x.reduceMin(...over("reduceMin", operand, axes));
}

/** Whether all are true over some axes, as `jax.lax.reduce_and`; of integers, the bits that all have. */
export function reduceAnd(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceAnd(operand, axes)", arguments);
  const [a, along] = over("reduceAnd", operand, axes);
  return a.dtype === "bool" ? andOver(a, along) : ofBits("reduceAnd", a, along, c.and, -1);
}

/** Whether any is true over some axes, as `jax.lax.reduce_or`; of integers, the bits that any has. */
export function reduceOr(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceOr(operand, axes)", arguments);
  const [a, along] = over("reduceOr", operand, axes);
  return a.dtype === "bool" ? orOver(a, along) : ofBits("reduceOr", a, along, c.or, 0);
}

/** Whether an odd number is true over some axes, as `jax.lax.reduce_xor`; of integers, for each bit. */
export function reduceXor(operand: Operand, axes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("reduceXor(operand, axes)", arguments);
  const [a, along] = over("reduceXor", operand, axes);
  return ofBits("reduceXor", a, along, c.xor, 0);
}

function ofBits(
  op: string,
  a: NDArray,
  axes: readonly number[],
  f: (x: NDArray, y: NDArray) => NDArray,
  none: number,
): NDArray {
  if (isFloat(a.dtype)) {
    throw new DTypeError(`${op}: x is ${a.dtype}, and must be bool or of integers`);
  }
  const init = scalarLike(none === -1 && a.dtype === "uint32" ? 2 ** 32 - 1 : none, a);
  return folded([a], [init], axes, ([u], [v]) => [f(u!, v!)])[0]!;
}

/** A function of two elements, or of two lists of them where several arrays are reduced. */
export type ReduceComputation<T> = (a: T, b: T) => T;

/**
 * Elements combined over some axes by a function of two, as `jax.lax.reduce`: it has to be associative, with
 * `init` as what changes nothing, and is called with arrays of elements. Several arrays are reduced together,
 * as lists.
 *
 * @throws {ShapeError} where arrays have different shapes, or the function gives other types.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([[1, 5], [3, 2]]);
 * console.log(lax.reduce(x, -Infinity, lax.max, [1]).toArray()); // [ 5, 3 ]
 * ```
 */
export function reduce(
  operands: NDArray,
  init: Operand,
  computation: ReduceComputation<NDArray>,
  dimensions: readonly number[],
): NDArray;
/** Several arrays, combined together. */
export function reduce(
  operands: readonly NDArray[],
  init: readonly Operand[],
  computation: ReduceComputation<readonly NDArray[]>,
  dimensions: readonly number[],
): NDArray[];
export function reduce(
  operands: NDArray | readonly NDArray[],
  init: Operand | readonly Operand[],
  computation: ReduceComputation<NDArray> | ReduceComputation<readonly NDArray[]>,
  dimensions: readonly number[],
): NDArray | NDArray[] {
  if (arguments.length > 4) checkCall("reduce(operands, init, computation, dimensions)", arguments);
  const op = "reduce";
  const isList = Array.isArray(operands);
  const list = (isList ? operands : [operands]).map((a: NDArray, i: number) =>
    expectArray(op, a, isList ? `operand ${i}` : "the operand")
  );
  const starts: readonly Operand[] = isList ? init as readonly Operand[] : [init as Operand];
  if (!Array.isArray(starts) || starts.length !== list.length || list.length === 0) {
    throw new TypeError(`${op}: there must be one init for each operand, as in [x, y], [0, 0]`);
  }
  if (typeof computation !== "function") {
    throw new TypeError(
      `${op}: computation is ${describeValue(computation)}, and must be a function of two elements`,
    );
  }
  const { shape } = list[0]!;
  for (const a of list) {
    if (!sameShape(a.shape, shape)) {
      throw new ShapeError(
        `${op}: operands have shapes ${formatShape(shape)} and ${
          formatShape(a.shape)
        }, and must have one`,
      );
    }
  }
  const inits = starts.map((v, i) => {
    const value = asDType(op, v, list[i]!.dtype, "init");
    if (value.ndim === 0) return value;
    throw new ShapeError(`${op}: init has shape ${formatShape(value.shape)}, not that of a scalar`);
  });
  const [, axes] = over(op, list[0]!, dimensions);
  const f = computation as (a: unknown, b: unknown) => unknown;
  const out = folded(list, inits, axes, (u, v) => {
    const result = isList ? f(u, v) : [f(u[0], v[0])];
    if (!Array.isArray(result) || result.length !== list.length) {
      throw new TypeError(`${op}: computation must give one array for each of the ${list.length}`);
    }
    return result.map((y, i) => {
      const a = asDType(op, y, list[i]!.dtype, "what computation gives");
      if (sameShape(a.shape, u[i]!.shape)) return a;
      throw new ShapeError(
        `${op}: computation gave shape ${formatShape(a.shape)} for ${formatShape(u[i]!.shape)}`,
      );
    });
  });
  return isList ? out : out[0]!;
}

/** Elements combined in pairs until there is one, and that with what nothing gives. */
function folded(
  list: readonly NDArray[],
  init: readonly NDArray[],
  axes: readonly number[],
  f: (a: readonly NDArray[], b: readonly NDArray[]) => readonly NDArray[],
): NDArray[] {
  const { shape, ndim } = list[0]!;
  const kept = otherAxes(ndim, axes);
  const rest = kept.map((k) => shape[k]!);
  let n = axes.reduce((m, k) => m * shape[k]!, 1);
  let parts: readonly NDArray[] = list.map((a) =>
    reshape(transpose(a, [...axes, ...kept]), [n, ...rest])
  );
  const first = init.map((v) => broadcastTo(v, rest));
  if (n === 0) return first;
  const rows = (y: NDArray, from: number, to: number): NDArray =>
    slice(y, [from, ...rest.map(() => 0)], [to, ...rest]);
  while (n > 1) {
    const half = Math.floor(n / 2);
    const pairs = f(parts.map((y) => rows(y, 0, half)), parts.map((y) => rows(y, half, 2 * half)));
    // An odd one waits for the next round.
    parts = n % 2 === 0
      ? pairs
      : pairs.map((y, i) => concatenate([y, rows(parts[i]!, n - 1, n)], 0));
    n = Math.ceil(n / 2);
  }
  return [...f(first, parts.map((y) => reshape(y, rest)))];
}

/** The dtype of positions. */
function indexOf(op: string, dtype: DType): DType {
  const found = expectDType(op, dtype, "int32");
  if (isInteger(found)) return found;
  throw new DTypeError(`${op}: indexDtype is ${dtype}, and must be "int32" or "uint32"`);
}

/** The position of the first largest element along `axis`, as `jax.lax.argmax`. */
export function argmax(operand: Operand, axis: number, indexDtype: DType = "int32"): NDArray {
  if (arguments.length > 3) checkCall("argmax(operand, axis, indexDtype)", arguments);
  const a = asOperand("argmax", operand);
  const at = extremes.argmax(a, expectAxis("argmax", axis, a.ndim));
  return convert(at, indexOf("argmax", indexDtype));
}

/** The position of the first smallest element along `axis`, as `jax.lax.argmin`. */
export function argmin(operand: Operand, axis: number, indexDtype: DType = "int32"): NDArray {
  if (arguments.length > 3) checkCall("argmin(operand, axis, indexDtype)", arguments);
  const a = asOperand("argmin", operand);
  const at = extremes.argmin(a, expectAxis("argmin", axis, a.ndim));
  return convert(at, indexOf("argmin", indexDtype));
}

// ---------------------------------------------------------------- running along an axis

/** Running sums along `axis`, as `jax.lax.cumsum`. */
export function cumsum(
  operand: Operand,
  axis: number | Named<CumulativeOptions, { axis: number }> = 0,
  options: CumulativeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumsum(operand, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return cumsum(operand, axis.axis, axis);
  const a = asOperand("cumsum", operand);
  return sumsOf(a, expectAxis("cumsum", axis, a.ndim), options);
}

/** Running products along `axis`, as `jax.lax.cumprod`. */
export function cumprod(
  operand: Operand,
  axis: number | Named<CumulativeOptions, { axis: number }> = 0,
  options: CumulativeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumprod(operand, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return cumprod(operand, axis.axis, axis);
  const a = asOperand("cumprod", operand);
  return productsOf(a, expectAxis("cumprod", axis, a.ndim), options);
}

/** The largest so far along `axis`, as `jax.lax.cummax`; from the first NaN on it is NaN. */
export function cummax(
  operand: Operand,
  axis: number | Named<CumulativeOptions, { axis: number }> = 0,
  options: CumulativeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cummax(operand, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return cummax(operand, axis.axis, axis);
  const a = numbers("cummax", asOperand("cummax", operand));
  const least = isFloat(a.dtype) ? -Infinity : limits(a.dtype)[0];
  return soFar(a, expectAxis("cummax", axis, a.ndim), options, p.maximum, least);
}

/** The smallest so far along `axis`, as `jax.lax.cummin`; from the first NaN on it is NaN. */
export function cummin(
  operand: Operand,
  axis: number | Named<CumulativeOptions, { axis: number }> = 0,
  options: CumulativeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cummin(operand, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return cummin(operand, axis.axis, axis);
  const a = numbers("cummin", asOperand("cummin", operand));
  const most = isFloat(a.dtype) ? Infinity : limits(a.dtype)[1];
  return soFar(a, expectAxis("cummin", axis, a.ndim), options, p.minimum, most);
}

/**
 * The logarithm of the running sum of exponentials along `axis`, as `jax.lax.cumlogsumexp`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.cumlogsumexp(np.array([1000, 0])).toArray()); // [ 1000, 1000 ]
 * ```
 */
export function cumlogsumexp(
  operand: Operand,
  axis: number | Named<CumulativeOptions, { axis: number }> = 0,
  options: CumulativeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumlogsumexp(operand, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return cumlogsumexp(operand, axis.axis, axis);
  const a = asFloat("cumlogsumexp", operand);
  return soFar(a, expectAxis("cumlogsumexp", axis, a.ndim), options, logaddexp, -Infinity);
}

/** What `f` gives of all elements so far; `none` changes nothing. Twice as many in each round. */
function soFar(
  a: NDArray,
  axis: number,
  { reverse = false }: CumulativeOptions,
  f: (x: NDArray, y: NDArray) => NDArray,
  none: number,
): NDArray {
  const fill = full([], none, a.dtype);
  const only = (k: number): number[] => a.shape.map((_, i) => i === axis ? k : 0);
  let out = a;
  for (let reach = 1; reach < a.shape[axis]!; reach *= 2) {
    const by = reverse ? -reach : reach;
    out = f(pad(out, fill, only(by), only(-by)), out);
  }
  return out;
}
