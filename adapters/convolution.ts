/**
 * What the convolution and pooling layers of all module systems have in common: numbers for each axis,
 * padding by name and by function, convolutions of arrays whose channels come last, with any number of batch
 * axes, and pooling. How layers make and keep their parameters is theirs.
 *
 * @module
 */
import { describeValue, formatShape } from "../lib/extend.ts";
import { convGeneralDilated, convTranspose, reduceWindow } from "../lib/api/lax.ts";
import { type NDArray, numpy as np, ShapeError } from "../mod.ts";

/** One number for all axes that windows run along, or one for each. */
export type EachAxis = number | readonly number[];

/** Pairs [in front, behind], one for each axis that windows run along. */
export type Pairs = readonly (readonly [low: number, high: number])[];

/** Numbers or pairs that are put around an array: one for all axes, or one for each. */
export type PaddingNumbers = number | readonly (number | readonly [low: number, high: number])[];

const written = (x: unknown): string =>
  Array.isArray(x) && x.every((n) => typeof n === "number") ? formatShape(x) : describeValue(x);

/** More axes than arrays are ever convolved along. */
const MOST = 16;

/**
 * Checks the number of axes that windows run along.
 *
 * @throws {ShapeError} where it is not an integer from 1 to 16.
 */
export function checkAxes(op: string, count: unknown): void {
  if (Number.isInteger(count) && (count as number) >= 1 && (count as number) <= MOST) return;
  throw new ShapeError(
    `${op}: numSpatialDims must be an integer from 1 to ${MOST}, not ${
      typeof count === "number" ? count : describeValue(count)
    }`,
  );
}

/**
 * A number for each of `count` axes.
 *
 * @throws {ShapeError} where there are not so many, or one is not an integer of at least `least`.
 */
export function eachAxis(
  op: string,
  what: string,
  given: EachAxis | null | undefined,
  count: number,
  least = 1,
): readonly number[] {
  const list: unknown = typeof given === "number" || given === null || given === undefined
    ? new Array<unknown>(count).fill(given ?? 1)
    : given;
  const fits = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= least;
  if (Array.isArray(list) && list.length === count && list.every(fits)) return list;
  throw new ShapeError(
    `${op}: ${what} must be an integer of at least ${least}, or a list of ${count} such, not ${
      written(given)
    }`,
  );
}

/**
 * The lengths of a kernel, whose count is that of the axes that windows run along.
 *
 * @throws {ShapeError} where there is none, or one is not a positive integer.
 */
export function kernelLengths(op: string, what: string, given: EachAxis): readonly number[] {
  const list = typeof given === "number" ? [given] : given;
  const fits = Array.isArray(list) && list.length > 0 &&
    list.every((n: unknown) => Number.isInteger(n) && (n as number) >= 1);
  if (fits) return list;
  throw new ShapeError(
    `${op}: ${what} must be a positive integer, or a list of such, one for each axis that windows run ` +
      `along, not ${written(given)}`,
  );
}

const isPair = (x: unknown): x is readonly [number, number] =>
  Array.isArray(x) && x.length === 2 && x.every((n) => Number.isInteger(n));

/**
 * A name as it is, in capitals; of numbers a pair for each axis.
 *
 * @throws {TypeError} where it is neither.
 */
export function namedOrPairs<Name extends string>(
  op: string,
  padding: Name | PaddingNumbers,
  count: number,
  names: readonly Name[],
): Name | Pairs {
  if (typeof padding === "string") {
    const name = padding.toUpperCase() as Name;
    if (names.includes(name)) return name;
  } else if (Number.isInteger(padding)) {
    return new Array(count).fill([padding, padding]);
  } else if (Array.isArray(padding) && padding.length === count) {
    const pairs = padding.map((p: unknown) => Number.isInteger(p) ? [p, p] : p);
    if (pairs.every(isPair)) return pairs;
  }
  throw new TypeError(
    `${op}: the padding must be ${
      names.map((n) => JSON.stringify(n)).join(", ")
    }, an integer, or a ` +
      `list of ${count} integers or pairs [in front, behind], not ${
        typeof padding === "string" ? JSON.stringify(padding) : describeValue(padding)
      }`,
  );
}

/** How long a kernel is with its gaps. */
export const extent = (length: number, dilation: number): number => (length - 1) * dilation + 1;

/**
 * Runs a function on an array with one batch axis in front of `inner` others, of one with any number of
 * batch axes.
 *
 * @throws {ShapeError} where the array has fewer axes than `inner`.
 */
export function withOneBatch(
  op: string,
  x: NDArray,
  inner: number,
  axes: string,
  f: (x: NDArray) => NDArray,
): NDArray {
  const front = x.ndim - inner;
  if (front < 0) {
    throw new ShapeError(
      `${op}: the input must have axes [..., ${axes}], but has shape ${formatShape(x.shape)}`,
    );
  }
  if (front === 1) return f(x);
  const batch = x.shape.slice(0, front);
  const size = batch.reduce((a, b) => a * b, 1);
  const out = f(np.reshape(x, [size, ...x.shape.slice(front)]));
  return np.reshape(out, [...batch, ...out.shape.slice(1)]);
}

/** The axes of arrays whose channels come last, and of kernels [..., inputs, outputs]. */
export function channelsLast(
  rank: number,
): { lhsSpec: number[]; rhsSpec: number[]; outSpec: number[] } {
  const space = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  const array = [0, rank - 1, ...space];
  return {
    lhsSpec: array,
    rhsSpec: [rank - 1, rank - 2, ...space.map((a) => a - 1)],
    outSpec: array,
  };
}

/**
 * How many inputs a unit has, of a group of channels.
 *
 * @throws {ShapeError} where the channels do not fall into so many groups.
 */
export function inputsOf(op: string, what: string, channels: number, groups: number): number {
  if (Number.isInteger(groups) && groups >= 1 && channels % groups === 0) return channels / groups;
  throw new ShapeError(
    `${op}: ${channels} channels of the input do not make ${groups} groups. Choose a ${what} that divides ` +
      "the channels",
  );
}

/**
 * Refuses a mask that is not of the shape of the weights.
 *
 * @throws {ShapeError} where it is not.
 */
export function checkMask(
  op: string,
  mask: NDArray | undefined,
  shape: readonly number[],
): void {
  if (mask === undefined || formatShape(mask.shape) === formatShape(shape)) return;
  throw new ShapeError(
    `${op}: the mask must have the shape of the weights, ${formatShape(shape)}, but has shape ${
      formatShape(mask.shape)
    }`,
  );
}

// ---------------------------------------------------------------- as in Flax

/** Names of padding in Flax. */
export type FlaxPaddingName = "SAME" | "VALID" | "CIRCULAR" | "REFLECT" | "CAUSAL";

/**
 * Padding as in Flax: `"SAME"`, `"VALID"`, `"CIRCULAR"` (round), `"REFLECT"` (mirrored) or `"CAUSAL"` (all of
 * it in front, along one axis); or an integer, or for each axis an integer or a pair [in front, behind].
 */
export type FlaxPadding = FlaxPaddingName | PaddingNumbers;

/** What a convolution of Flax's goes by. */
export interface FlaxWindows {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly inputDilation: readonly number[];
  readonly kernelDilation: readonly number[];
  readonly padding: FlaxPadding;
}

/** An array with what is put around it already, as far as `lax` does not, and the rest of the padding. */
export function paddedAsFlax(
  op: string,
  x: NDArray,
  { kernelSize, kernelDilation, inputDilation, padding }: FlaxWindows,
): [x: NDArray, padding: "SAME" | "VALID" | Pairs] {
  const count = kernelSize.length;
  const names: FlaxPaddingName[] = ["SAME", "VALID", "CIRCULAR", "REFLECT", "CAUSAL"];
  const given = namedOrPairs(op, padding, count, names);
  if (typeof given === "string" && inputDilation.some((d) => d !== 1)) {
    throw new TypeError(
      `${op}: with inputDilation the padding must be an integer or pairs, not ${
        JSON.stringify(given)
      }`,
    );
  }
  const along = (pairs: [number, number][]): [number, number][] => [[0, 0], ...pairs, [0, 0]];
  if (given === "CIRCULAR" || given === "REFLECT") {
    const lengths = kernelSize.map((k, i) => extent(k, kernelDilation[i]!));
    const pairs = lengths.map((k): [number, number] => [(k - 1) >> 1, k >> 1]);
    const mode = given === "CIRCULAR" ? "wrap" : "reflect";
    return [np.pad(x, along(pairs), { mode }), "VALID"];
  }
  if (given === "CAUSAL") {
    if (count !== 1) {
      throw new ShapeError(
        `${op}: "CAUSAL" padding is for kernels of one axis, not ${formatShape(kernelSize)}`,
      );
    }
    return [np.pad(x, along([[kernelDilation[0]! * (kernelSize[0]! - 1), 0]])), "VALID"];
  }
  return [x, given];
}

/** A convolution of [batch, ..., inputs] with [..., inputs of a group, outputs], as in Flax. */
export function convolvedAsFlax(
  op: string,
  x: NDArray,
  kernel: NDArray,
  windows: FlaxWindows & { readonly featureGroupCount: number },
): NDArray {
  const [array, padding] = paddedAsFlax(op, x, windows);
  return convGeneralDilated(array, kernel, windows.strides, padding, {
    lhsDilation: windows.inputDilation,
    rhsDilation: windows.kernelDilation,
    dimensionNumbers: channelsLast(x.ndim),
    featureGroupCount: windows.featureGroupCount,
  });
}

/** A transposed convolution of [batch, ..., inputs], as in Flax, `"CIRCULAR"` padding included. */
export function transposedAsFlax(
  op: string,
  x: NDArray,
  kernel: NDArray,
  { kernelSize, strides, kernelDilation, padding, transposeKernel }:
    & Omit<FlaxWindows, "inputDilation" | "padding">
    & {
      readonly padding: Exclude<FlaxPadding, "REFLECT" | "CAUSAL">;
      readonly transposeKernel: boolean;
    },
): NDArray {
  const given = namedOrPairs(op, padding, kernelSize.length, ["SAME", "VALID", "CIRCULAR"]);
  const y = convTranspose(x, kernel, strides, given === "CIRCULAR" ? "VALID" : given, {
    rhsDilation: kernelDilation,
    transposeKernel,
    dimensionNumbers: channelsLast(x.ndim),
  });
  if (given !== "CIRCULAR") return y;
  // The result goes round with the input's period. It is brought to whole periods, of which the input's
  // start begins one, and these are added up.
  const periods = strides.map((s, i) => s * x.shape[i + 1]!);
  const pads = periods.map((period, i): [number, number] => {
    const twice = 2 * period;
    const missing = (((period - y.shape[i + 1]!) % twice) + twice) % twice;
    const [less, more] = [missing >> 1, (missing + 1) >> 1];
    return transposeKernel ? [less, more] : [more, less];
  });
  let out = np.pad(y, [[0, 0], ...pads, [0, 0]]);
  periods.forEach((period, i) => {
    const { shape } = out;
    const split = [...shape.slice(0, i + 1), shape[i + 1]! / period, period, ...shape.slice(i + 2)];
    out = np.reshape(out, split).sum(i + 1);
  });
  return out;
}

// ---------------------------------------------------------------- pooling

/** Windows of an array, a number for each of its axes. */
export interface PoolWindows {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly padding: "SAME" | "VALID" | Pairs;
}

/** The greatest or the least elements of windows. */
export function extremes(
  x: NDArray,
  kind: "max" | "min",
  { sizes, strides, padding }: PoolWindows,
): NDArray {
  return reduceWindow(x, kind === "max" ? -Infinity : Infinity, kind, sizes, strides, padding);
}

/** The means of windows: over all places of a window, or over those within the array. */
export function means(x: NDArray, windows: PoolWindows, countAround: boolean): NDArray {
  const { sizes, strides, padding } = windows;
  const sums = reduceWindow(x, 0, "add", sizes, strides, padding);
  if (countAround || padding === "VALID") return sums.div(sizes.reduce((a, b) => a * b, 1));
  // How many there are is the same along axes that windows do not run along.
  const idle = (i: number): boolean =>
    sizes[i] === 1 && strides[i] === 1 &&
    (typeof padding === "string" || padding[i]!.every((n) => n === 0));
  const ones = np.ones(x.shape.map((n, i) => idle(i) ? 1 : n), { dtype: sums.dtype as "float32" });
  return sums.div(reduceWindow(ones, 0, "add", sizes, strides, padding));
}
