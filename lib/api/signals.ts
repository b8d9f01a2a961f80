/**
 * Convolution and correlation of vectors, and windows.
 *
 * @module
 */
import {
  describeValue,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  convert,
  cos,
  div,
  ge,
  iota,
  lt,
  mul,
  pad,
  reduceSum,
  reshape,
  rev,
  scalarLike,
  select,
  slice,
  sqrt,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import type { DTypeOptions, ProductOptions } from "./arguments.ts";
import { abs } from "./arithmetic.ts";
import { i0 } from "./elementary.ts";
import { takeInRange } from "./indices.ts";
import {
  asOperand,
  boolToInt,
  dtypeOption,
  expectPreferred,
  expectRoom,
  floatOr32,
  isNamed,
  promote,
} from "./operands.ts";
import { dtypeOptions, productOptions } from "./options.ts";

/** The elements from `start` to `stop` along an axis. */
function part(x: NDArray, axis: number, start: number, stop: number): NDArray {
  return slice(x, x.shape.map((_, i) => i === axis ? start : 0), x.shape.with(axis, stop));
}

// ---------------------------------------------------------------- convolution

/** How much of a convolution is given. */
export type ConvolveMode = "full" | "same" | "valid";

/** Options of {@linkcode convolve} and {@linkcode correlate}. */
export interface ConvolveOptions extends ProductOptions {
  /**
   * `"full"`: wherever both overlap; `"same"`: as long as the longer one, from the middle; `"valid"`: where
   * they overlap completely. `"full"` for `convolve` and `"valid"` for `correlate` where left out.
   */
  readonly mode?: ConvolveMode | undefined;
}

/** Convolution of vectors [n] and [m], the second not longer than the first, wherever both overlap. */
function convolved(x: NDArray, y: NDArray): NDArray {
  const [n, m] = [x.size, y.size];
  // Rows of shifted copies of the shorter one: column k of [m, n + m - 1] has what meets y_k.
  const padded = pad(x, scalarLike(0, x), [m - 1], [m - 1]);
  const length = n + m - 1;
  const places = sub(
    add(iota([m, length], 1, "int32"), scalarLike(m - 1, iota([1], 0, "int32"))),
    iota([m, length], 0, "int32"),
  );
  const shifted = takeInRange(padded, places, 0);
  const products = mul(shifted, broadcastTo(reshape(y, [m, 1]), shifted.shape));
  // What is beside x has no share, be the other factor infinite or no number.
  const [first, behind] = [scalarLike(m - 1, places), scalarLike(m - 1 + n, places)];
  const inside = and(ge(places, first), lt(places, behind));
  return reduceSum(select(inside, products, zerosLike(products)), [0]);
}

function overlap(
  op: string,
  x: NDArray,
  y: NDArray,
  mode: ConvolveMode,
  turned: boolean,
  options: ProductOptions,
): NDArray {
  const [given, other] = promote(op, asOperand(op, x), asOperand(op, y, "y"));
  const asked = options.preferredElementType ?? null;
  const dtype = asked === null ? floatOr32(given.dtype) : expectPreferred(op, asked, given.dtype);
  // Bools are counted: whether any product is true is whether they are more than 0.
  const counted = boolToInt(dtype);
  const [a, b] = [convert(given, counted), convert(other, counted)];
  for (const [name, v] of [["x", a], ["y", b]] as const) {
    if (v.ndim !== 1 || v.size === 0) {
      throw new ShapeError(
        `${op}: ${name} has shape ${formatShape(v.shape)}, but must be a vector that is not empty`,
      );
    }
  }
  const second = turned ? rev(b, [0]) : b;
  const swapped = a.size < b.size;
  const out = convert(swapped ? convolved(second, a) : convolved(a, second), dtype);
  const [long, short] = swapped ? [b.size, a.size] : [a.size, b.size];
  if (mode === "full") return out;
  if (mode === "same") {
    // The middle, as NumPy has it: of two, the earlier one for convolutions.
    const start = turned && swapped
      ? short - 1 - Math.floor((short - 1) / 2)
      : Math.floor((short - 1) / 2);
    return part(out, 0, start, start + long);
  }
  if (mode === "valid") return part(out, 0, short - 1, long);
  throw new TypeError(`${op}: mode must be "full", "same" or "valid", not ${describeValue(mode)}`);
}

/**
 * Convolution of two vectors, as `jax.numpy.convolve`: the sums of `x[i] y[k - i]`. The mode may
 * stand before the options, as in NumPy: `np.convolve(x, y, "same")`. Integers and bools give
 * float32, where `preferredElementType` does not ask for them.
 *
 * @throws {ShapeError} where one is not a vector, or is empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.convolve(np.array([1, 2, 3]), np.array([0, 1])).toArray()); // [ 0, 1, 2, 3 ]
 * ```
 */
export function convolve(
  x: NDArray,
  y: NDArray,
  mode?: ConvolveMode | ConvolveOptions | null,
  options: ProductOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("convolve(x, y, mode, options)", arguments, productOptions, 2);
  }
  if (isNamed(mode)) return convolve(x, y, mode.mode, options);
  return overlap("convolve", x, y, mode ?? "full", false, options);
}

/**
 * Correlation of two vectors, as `jax.numpy.correlate`: the sums of `x[i + k] y[i]`. Integers
 * and bools give float32, where `preferredElementType` does not ask for them.
 *
 * @throws {ShapeError} where one is not a vector, or is empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.correlate(np.array([1, 2, 3]), np.array([1, 1])).toArray()); // [ 3, 5 ]
 * ```
 */
export function correlate(
  x: NDArray,
  y: NDArray,
  mode?: ConvolveMode | ConvolveOptions | null,
  options: ProductOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("correlate(x, y, mode, options)", arguments, productOptions, 2);
  }
  if (isNamed(mode)) return correlate(x, y, mode.mode, options);
  return overlap("correlate", x, y, mode ?? "valid", true, options);
}

// ---------------------------------------------------------------- windows

/** A window of cosines: the sum of `(-1)^k a_k cos(2 pi k i / (n - 1))`; 1 for one sample. */
function cosines(op: string, n: number, a: readonly number[], options: DTypeOptions): NDArray {
  expectInteger(op, n, "n", 0);
  const dtype = dtypeOption(op, options, "float32");
  if (n <= 1) return convert(broadcastTo(scalarLike(1, iota([1], 0, "int32")), [n]), dtype);
  expectRoom(op, [n], dtype);
  const i = iota([n], 0, dtype);
  const number = (value: number): NDArray => scalarLike(value, i);
  let out = broadcastTo(number(a[0]!), [n]);
  a.slice(1).forEach((factor, k) => {
    const angle = mul(i, number(2 * Math.PI * (k + 1) / (n - 1)));
    out = add(out, mul(cos(angle), number(k % 2 === 0 ? -factor : factor)));
  });
  return out;
}

/** Hann's window of `n` samples, as `jax.numpy.hanning`: (1 - cos) / 2. */
export function hanning(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("hanning(n, options)", arguments, dtypeOptions);
  return cosines("hanning", n, [0.5, 0.5], options);
}

/** Hamming's window of `n` samples, as `jax.numpy.hamming`: 0.54 - 0.46 cos. */
export function hamming(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("hamming(n, options)", arguments, dtypeOptions);
  return cosines("hamming", n, [0.54, 0.46], options);
}

/** Blackman's window of `n` samples, as `jax.numpy.blackman`. */
export function blackman(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("blackman(n, options)", arguments, dtypeOptions);
  return cosines("blackman", n, [0.42, 0.5, 0.08], options);
}

/** Bartlett's window of `n` samples, a triangle, as `jax.numpy.bartlett`. */
export function bartlett(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("bartlett(n, options)", arguments, dtypeOptions);
  expectInteger("bartlett", n, "n", 0);
  if (n <= 1) return cosines("bartlett", n, [1], options);
  expectRoom("bartlett", [n], "float32");
  const i = iota([n], 0, dtypeOption("bartlett", options, "float32"));
  const middle = scalarLike((n - 1) / 2, i);
  return sub(scalarLike(1, i), div(abs(sub(i, middle)), middle));
}

/**
 * Kaiser's window of `n` samples, as `jax.numpy.kaiser`: the modified Bessel function of order 0 of
 * `beta sqrt(1 - t^2)`, with t from -1 to 1, over that of `beta`.
 *
 * @param beta From 0, a rectangle, on; the larger, the narrower the window.
 * @throws {RangeError} where `n` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.kaiser(3, 0).toArray()); // [ 1, 1, 1 ]
 * ```
 */
export function kaiser(n: number, beta: Operand, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("kaiser(n, beta, options)", arguments, dtypeOptions);
  }
  expectInteger("kaiser", n, "n", 0);
  const dtype = dtypeOption("kaiser", options, "float32");
  const b = convert(asOperand("kaiser", beta, "beta"), dtype);
  if (n <= 1) return broadcastTo(scalarLike(1, b), [n]);
  expectRoom("kaiser", [n], dtype);
  const half = scalarLike((n - 1) / 2, b);
  const t = div(sub(iota([n], 0, dtype), half), half);
  const root = sqrt(sub(scalarLike(1, b), mul(t, t)));
  return div(i0(mul(b, root)), i0(b));
}
