/**
 * What reductions share: axes as users name them, elements that do not count, where to begin.
 *
 * @module
 */
import {
  type Axes,
  broadcastShapes,
  type DType,
  DTypeError,
  expectDType,
  formatAval,
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
import type {
  AxisOr,
  CumulativeOptions,
  ExtremeOptions,
  MaskedOptions,
  MeanOptions,
  ReduceOptions,
  SumOptions,
  VarianceOptions,
} from "../core/method_options.ts";
import {
  cumulativeOptions,
  type LogsumexpOptions,
  reduceOptions,
  type SoftmaxOptions,
} from "./options.ts";
import {
  broadcastTo,
  convert,
  cumsum,
  div,
  mul,
  pad,
  reduceSum,
  reshape,
  scalarLike,
  select,
} from "../primitives/mod.ts";
import {
  asBool,
  asDType,
  asFloat,
  asOperand,
  boolToInt,
  expectAxes,
  expectAxis,
  isNamed,
} from "./operands.ts";

/** Of reductions that may leave elements out. */
export const maskedOptions: OptionTable<MaskedOptions<Operand>> = /* @__PURE__ */ tableOf(
  reduceOptions,
  { where: "operand" },
);

/** Of `max` and `min`. */
export const extremeOptions: OptionTable<ExtremeOptions<Operand>> = /* @__PURE__ */ tableOf(
  maskedOptions,
  { initial: "operand" },
);

/** Of `logsumexp`. */
export const logsumexpOptions: OptionTable<LogsumexpOptions> = /* @__PURE__ */ tableOf(
  maskedOptions,
  { b: "operand", returnSign: "boolean" },
);

/** Of `softmax` and `logSoftmax`. */
export const softmaxOptions: OptionTable<SoftmaxOptions> = { where: "operand" };

/** Of `mean`. */
export const meanOptions: OptionTable<MeanOptions<Operand>> = /* @__PURE__ */ tableOf(
  maskedOptions,
  { dtype: "dtype" },
);

/** Of `sum` and `prod`. */
export const sumOptions: OptionTable<SumOptions<Operand>> = /* @__PURE__ */ tableOf(meanOptions, {
  initial: "operand",
});

/** Of `var` and `std`. */
export const varianceOptions: OptionTable<VarianceOptions<Operand>> = /* @__PURE__ */ tableOf(
  meanOptions,
  { ddof: "number", correction: "number", mean: "operand" },
);

/** What reduces over ascending axes. */
export type Reducer = (x: NDArray, axes: readonly number[]) => NDArray;

/** Puts reduced axes back with length 1 where asked to. */
export function keep(
  out: NDArray,
  shape: readonly number[],
  axes: readonly number[],
  keepDims: boolean | undefined,
): NDArray {
  return keepDims ? reshape(out, shape.map((n, i) => axes.includes(i) ? 1 : n)) : out;
}

/** Reduces over the axes that a user names, by a function of them all. */
export function reduce(
  op: string,
  f: Reducer,
  x: NDArray,
  axis: Axes | undefined,
  options: ReduceOptions | undefined,
): NDArray {
  const axes = expectAxes(op, axis, x.ndim);
  return keep(f(x, axes), x.shape, axes, options?.keepDims);
}

/** How many elements are reduced to one. */
export function countOf(x: NDArray, axes: readonly number[]): number {
  return sizeOf(axes.map((a) => x.shape[a]!));
}

/** Which elements of `x` count, of its shape; `null` where all do. */
export function maskOf(op: string, x: NDArray, where: Operand | null | undefined): NDArray | null {
  if (where == null || where === true) return null;
  const mask = asOperand(op, where, "where");
  if (mask.dtype !== "bool") {
    throw new DTypeError(
      `${op}: where is ${formatAval(mask.aval)}, and must be bool: compare, as in x.greater(0)`,
    );
  }
  const shape = mask.ndim > x.ndim
    ? null
    : broadcastShapes(`${op} with where`, x.shape, mask.shape);
  if (shape === null || !sameShape(shape, x.shape)) {
    throw new ShapeError(
      `${op}: where has shape ${formatShape(mask.shape)}, which does not broadcast to ${
        formatShape(x.shape)
      }, the shape of x`,
    );
  }
  return broadcastTo(mask, x.shape);
}

/** `x` with a number in the place of elements that do not count. */
export function masked(
  op: string,
  x: NDArray,
  where: Operand | null | undefined,
  rest: number,
): NDArray {
  const mask = maskOf(op, x, where);
  return mask === null ? x : select(mask, x, broadcastTo(scalarLike(rest, x), x.shape));
}

/** The array that is added or multiplied up: bools are numbers, and a dtype may be asked for. */
export function summand(op: string, x: Operand, dtype: DType | null | undefined): NDArray {
  const a = asOperand(op, x);
  return convert(a, expectDType(op, dtype, boolToInt(a.dtype)));
}

/** A sum or product of truth values, true where the one of numbers is not 0. */
export function ofTruth(
  op: string,
  f: (x: NDArray, axis: Axes | undefined, options: SumOptions<Operand>) => NDArray,
  x: Operand,
  axis: Axes | undefined,
  options: SumOptions<Operand>,
): NDArray {
  const counted = (y: Operand, what: string): NDArray => convert(asBool(op, y, what), "int32");
  const { initial } = options;
  const first = initial == null ? initial : counted(initial, "initial");
  const numbers = { ...options, dtype: "int32" as const, initial: first };
  return convert(f(counted(x, "x"), axis, numbers), "bool");
}

/** What a reduction begins with, in the dtype of its result. */
export function initialOf(op: string, initial: Operand, out: NDArray): NDArray {
  const first = asDType(op, initial, out.dtype, "initial");
  if (first.ndim > 0) {
    throw new ShapeError(
      `${op}: initial has shape ${formatShape(first.shape)}, but must be a scalar`,
    );
  }
  return first;
}

/** An operand as floats, after it was converted to the dtype that was asked for. */
export function floatOf(op: string, x: Operand, dtype: DType | null | undefined): NDArray {
  const a = asOperand(op, x);
  return asFloat(op, convert(a, expectDType(op, dtype, a.dtype)));
}

/** The mean over axes. */
export function meanOf(x: NDArray, axes: readonly number[]): NDArray {
  const total = reduceSum(x, axes);
  return div(total, scalarLike(countOf(x, axes), total));
}

/** The array and the axis along which something runs: the flat array where no axis is given, or for a scalar. */
function running(op: string, x: Operand, axis: number | null | undefined): [NDArray, number] {
  const given = asOperand(op, x);
  const a = given.dtype === "bool" ? convert(given, "int32") : given;
  if (axis === undefined || axis === null || a.ndim === 0) {
    return [reshape(a, [a.size]), expectAxis(op, axis ?? 0, 1)];
  }
  return [a, expectAxis(op, axis, a.ndim)];
}

/** Running sums, in the dtype of the array. */
export function runningSum(
  x: Operand,
  axis?: AxisOr<CumulativeOptions>,
  options?: CumulativeOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumsum(x, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return runningSum(x, axis.axis, axis);
  const [a, along] = running("cumsum", x, axis);
  return cumsum(a, along, options?.reverse ?? false);
}

/** Running products, in the dtype of the array. */
export function runningProduct(
  x: Operand,
  axis?: AxisOr<CumulativeOptions>,
  options?: CumulativeOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("cumprod(x, axis, options)", arguments, cumulativeOptions, 1);
  }
  if (isNamed(axis)) return runningProduct(x, axis.axis, axis);
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
