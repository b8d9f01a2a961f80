/**
 * Random numbers of various distributions, made from the bits of a key as JAX makes them: same key,
 * same stream. Uniform numbers, integers, bools and permutations are JAX's bit for bit; what is made by
 * logarithms or the inverse error function agrees to their rounding (normal numbers in float32 to two
 * units in the last place).
 *
 * @module
 */
import { NDArray, type Operand } from "../core/array.ts";
import { broadcastShapes, formatAval, sizeOf } from "../core/aval.ts";
import { scalarArray } from "../core/concrete.ts";
import { type DType, isInteger, limits } from "../core/dtype.ts";
import { describeValue, DTypeError, formatShape, ShapeError } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { iota } from "../primitives/constants/iota.ts";
import { add, maximum, minimum, mul, neg, rem, sub } from "../primitives/elementwise/arithmetic.ts";
import { gt, le, lt, shiftRightLogical } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { log, log1p } from "../primitives/elementwise/elementary.ts";
import { erfInv } from "../primitives/elementwise/erf.ts";
import { mulAdd } from "../primitives/elementwise/mul_add.ts";
import { select } from "../primitives/elementwise/select.ts";
import { argmax } from "../primitives/reduce/arg_extremes.ts";
import { expandDims, reshape } from "../primitives/shape/reshape.ts";
import { sort } from "../primitives/sort/sort.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { bits32, expectKey, words } from "./hashes.ts";
import { takeInRange } from "./indices.ts";
import { split } from "./keys.ts";
import { asFloat, dtypeOption, expectAxis, expectShape } from "./operands.ts";
import { expectFloat, expectInteger } from "../core/checks.ts";
import { dtypeOptions } from "./options.ts";
import { largestFraction, truncated } from "./truncated.ts";

/** Options of {@linkcode uniform}. */
export interface UniformOptions extends DTypeOptions {
  /** The lower bound; 0 where left out. */
  readonly minval?: Operand | undefined;
  /** The upper bound, which does not occur; 1 where left out. */
  readonly maxval?: Operand | undefined;
}

const uniformOptions: OptionTable<UniformOptions> = {
  minval: "operand",
  maxval: "operand",
  ...dtypeOptions,
};

/** Options of {@linkcode categorical}. */
export interface CategoricalOptions {
  /** The axis of `logits` that runs over categories; the last one where left out. */
  readonly axis?: number | undefined;
  /** The shape of the result, which ends in that of `logits` without its axis. */
  readonly shape?: ShapeLike | undefined;
}

const categoricalOptions: OptionTable<CategoricalOptions> = { axis: "number", shape: "shape" };

// ---------------------------------------------------------------- uniform

/** Numbers from [0, 1): as many bits as the mantissa has, as a fraction. */
function fractions(
  op: string,
  key: NDArray,
  shape: readonly number[],
  dtype: DType,
): NDArray {
  if (dtype === "float32") {
    const bits = bits32(op, key, shape);
    const top = convert(shiftRightLogical(bits, scalarArray(9, "uint32")), "float32");
    return mul(top, scalarArray(2 ** -23, "float32"));
  }
  // The first 52 of 64 bits.
  const [high, low] = words(op, key, sizeOf(shape));
  const rest = convert(shiftRightLogical(low, scalarArray(12, "uint32")), "float64");
  const whole = add(mul(convert(high, "float64"), scalarArray(2 ** 20, "float64")), rest);
  return reshape(mul(whole, scalarArray(2 ** -52, "float64")), shape);
}

/** Numbers from [low, high), computed as JAX does it. */
function between(
  op: string,
  key: NDArray,
  shape: readonly number[],
  low: NDArray,
  high: NDArray,
): NDArray {
  const u = fractions(op, key, shape, low.dtype);
  return maximum(low, mulAdd(u, sub(high, low), low));
}

/** A bound as an array of the dtype drawn. */
function bound(op: string, what: string, value: Operand, dtype: DType): NDArray {
  return typeof value === "number"
    ? scalarArray(value, dtype)
    : convert(asFloat(op, value, what), dtype);
}

/** Refuses parameters that do not broadcast to the shape of the result. */
function checkFits(op: string, shape: readonly number[], ...params: readonly NDArray[]): void {
  for (const { shape: own } of params) {
    if (own.length === 0) continue;
    const all = broadcastShapes(op, own, shape);
    if (all.length !== shape.length || all.some((n, k) => n !== shape[k])) {
      throw new ShapeError(
        `${op}: a parameter of shape ${formatShape(own)} does not broadcast to the shape ${
          formatShape(shape)
        } of the result`,
      );
    }
  }
}

/**
 * Numbers distributed evenly over [minval, maxval), as `jax.random.uniform`; float32 where no dtype is
 * given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * const x = random.uniform(random.key(0), [3], { minval: -1, maxval: 1 });
 * console.log(x.shape, x.dtype); // [ 3 ] float32
 * ```
 */
export function uniform(
  key: NDArray,
  shape: ShapeLike = [],
  options: UniformOptions = {},
): NDArray {
  if (arguments.length > 2) checkCall("uniform(key, shape, options)", arguments, uniformOptions);
  const op = "uniform";
  const to = expectShape(op, shape);
  const dtype = expectFloat(op, options.dtype);
  const { minval = 0, maxval = 1 } = options;
  if (minval === 0 && maxval === 1) return fractions(op, key, to, dtype);
  const low = bound(op, "minval", minval, dtype);
  const high = bound(op, "maxval", maxval, dtype);
  checkFits(op, to, low, high);
  return between(op, key, to, low, high);
}

// ---------------------------------------------------------------- normal

/**
 * Normally distributed numbers of mean 0 and variance 1, as `jax.random.normal`; float32 where no dtype
 * is given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.normal(random.key(0), [2, 3]).shape); // [ 2, 3 ]
 * ```
 */
export function normal(
  key: NDArray,
  shape: ShapeLike = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) checkCall("normal(key, shape, options)", arguments, dtypeOptions);
  const to = expectShape("normal", shape);
  const dtype = expectFloat("normal", options.dtype);
  // Evenly from (-1, 1); twice a fraction is exact.
  const low = scalarArray(-largestFraction(dtype), dtype);
  const u = add(mul(fractions("normal", key, to, dtype), scalarArray(2, dtype)), low);
  return mul(scalarArray(Math.SQRT2, dtype), erfInv(u));
}

/** The next float of a dtype above or below a number. */
function neighbour(x: number, dtype: DType, up: boolean): number {
  const value = dtype === "float32" ? Math.fround(x) : x;
  if (!Number.isFinite(value)) return value;
  const tiny = dtype === "float32" ? 2 ** -149 : Number.MIN_VALUE;
  if (value === 0) return up ? tiny : -tiny;
  const view = new DataView(new ArrayBuffer(8));
  // Floats of one sign are ordered as their bits are.
  const step = (value > 0) === up ? 1 : -1;
  if (dtype === "float32") {
    view.setFloat32(0, value);
    view.setInt32(0, view.getInt32(0) + step);
    return view.getFloat32(0);
  }
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(step));
  return view.getFloat64(0);
}

/**
 * Normally distributed numbers of mean 0 and variance 1 among those between `lower` and `upper`, as
 * `jax.random.truncated_normal`. The shape is that of the bounds where it is left out. Far out, where
 * JAX draws little else than the bounds (from 3 on in float32, 7 in float64), draws are of the tail.
 *
 * @throws {ShapeError} where the bounds do not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.truncatedNormal(random.key(0), -1, 1, [1000]).max().item() <= 1); // true
 * ```
 */
export function truncatedNormal(
  key: NDArray,
  lower: Operand,
  upper: Operand,
  shape?: ShapeLike,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    checkCall("truncatedNormal(key, lower, upper, shape, options)", arguments, dtypeOptions);
  }
  const op = "truncatedNormal";
  const dtype = expectFloat(op, options.dtype);
  const low = bound(op, "lower", lower, dtype);
  const high = bound(op, "upper", upper, dtype);
  const to = shape === undefined
    ? broadcastShapes(op, low.shape, high.shape)
    : expectShape(op, shape);
  checkFits(op, to, low, high);
  const u = fractions(op, key, to, dtype);
  const x = truncated(u, low, high, lower, upper);
  // Rounding must not lead out of the range. Of bounds that are arrays, the bounds may occur.
  const least = typeof lower === "number" ? scalarArray(neighbour(lower, dtype, true), dtype) : low;
  const most = typeof upper === "number"
    ? scalarArray(neighbour(upper, dtype, false), dtype)
    : high;
  return minimum(maximum(x, least), most);
}

// ---------------------------------------------------------------- other continuous ones

/** The smallest positive float of full precision. */
function smallestNormal(dtype: DType): number {
  return dtype === "float32" ? 2 ** -126 : 2 ** -1022;
}

function gumbelOf(op: string, key: NDArray, shape: readonly number[], dtype: DType): NDArray {
  // From [tiny, 1), as wide as 1 to rounding.
  const u = add(fractions(op, key, shape, dtype), scalarArray(smallestNormal(dtype), dtype));
  return neg(log(neg(log(u))));
}

/**
 * Numbers of the standard Gumbel distribution, `-log(-log(u))`, as `jax.random.gumbel`; float32 where no
 * dtype is given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.gumbel(random.key(0), [3]).shape); // [ 3 ]
 * ```
 */
export function gumbel(
  key: NDArray,
  shape: ShapeLike = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) checkCall("gumbel(key, shape, options)", arguments, dtypeOptions);
  return gumbelOf(
    "gumbel",
    key,
    expectShape("gumbel", shape),
    expectFloat("gumbel", options.dtype),
  );
}

/**
 * Exponentially distributed numbers of mean 1, as `jax.random.exponential`; float32 where no dtype is
 * given.
 *
 * @throws {TypeError} where `key` is not a key, or the dtype not a float type.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.exponential(random.key(0), [1000]).mean().item().toFixed(1)); // 1.0
 * ```
 */
export function exponential(
  key: NDArray,
  shape: ShapeLike = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) checkCall("exponential(key, shape, options)", arguments, dtypeOptions);
  const dtype = expectFloat("exponential", options.dtype);
  return neg(log1p(neg(fractions("exponential", key, expectShape("exponential", shape), dtype))));
}

// ---------------------------------------------------------------- discrete ones

/**
 * Bools that are true with probability `p`, as `jax.random.bernoulli`. The shape is that of `p` where it
 * is left out.
 *
 * @throws {ShapeError} where `p` does not broadcast to the shape.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.bernoulli(random.key(0), 0.25, [1000]).mean().item().toFixed(1)); // 0.2
 * ```
 */
export function bernoulli(key: NDArray, p: Operand = 0.5, shape?: ShapeLike): NDArray {
  if (arguments.length > 3) checkCall("bernoulli(key, p, shape)", arguments);
  const op = "bernoulli";
  const chance = asFloat(op, p, "p");
  const to = shape === undefined ? chance.shape : expectShape(op, shape);
  checkFits(op, to, chance);
  return lt(fractions(op, key, to, chance.dtype), chance);
}

/**
 * Integers distributed evenly over [minval, maxval), as `jax.random.randint`; int32 where no dtype is
 * given.
 *
 * @param minval The smallest integer; it may be computed.
 * @param maxval One more than the largest integer; it may be computed.
 * @throws {RangeError} where constant bounds leave no integer, or do not fit the dtype.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.randint(random.key(0), [10], 0, 6).shape); // [ 10 ]
 * ```
 */
export function randint(
  key: NDArray,
  shape: ShapeLike,
  minval: Operand,
  maxval: Operand,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    checkCall("randint(key, shape, minval, maxval, options)", arguments, dtypeOptions);
  }
  const op = "randint";
  expectKey(op, key);
  const to = expectShape(op, shape);
  const dtype = dtypeOption(op, options, "int32");
  if (!isInteger(dtype)) {
    throw new DTypeError(`${op}: the dtype must be int32 or uint32, not ${dtype}`);
  }
  const [least, most] = limits(dtype);
  if (typeof minval === "number" && typeof maxval === "number" && minval >= maxval) {
    throw new RangeError(
      `${op}: there is no integer from ${minval} up to and without ${maxval}. ` +
        "maxval must be larger than minval",
    );
  }
  const asBound = (value: Operand, what: string, top: number): NDArray => {
    if (typeof value === "number") {
      return scalarArray(expectInteger(op, value, what, least, top), dtype);
    }
    if (!(value instanceof NDArray) || !isInteger(value.dtype)) {
      throw new DTypeError(
        `${op}: ${what} must be an integer, not ${
          value instanceof NDArray ? formatAval(value.aval) : describeValue(value)
        }`,
      );
    }
    return convert(value, dtype);
  };
  // A range up to the largest integer itself has an end that the dtype does not hold.
  const toEnd = maxval === most + 1;
  const low = asBound(minval, "minval", most);
  const high = toEnd ? scalarArray(most, dtype) : asBound(maxval, "maxval", most);
  checkFits(op, to, low, high);

  const one = scalarArray(1, "uint32");
  let span = convert(sub(high, low), "uint32");
  span = select(le(high, low), one, span);
  if (toEnd) span = select(gt(high, low), add(span, one), span);
  const keys = split(key);
  const draw = (i: number): NDArray =>
    bits32(op, takeInRange(keys, scalarArray(i, "int32"), 0), to);
  // 64 bits modulo the span, as 2^32 = (2^16)^2 modulo the span.
  const root = rem(scalarArray(65536, "uint32"), span);
  const multiplier = rem(mul(root, root), span);
  const offset = rem(
    add(mul(rem(draw(0), span), multiplier), rem(draw(1), span)),
    span,
  );
  return add(low, convert(offset, dtype));
}

/**
 * Indices (int32) of categories, with probabilities proportional to `exp(logits)`, as
 * `jax.random.categorical`.
 *
 * @throws {ShapeError} where the shape asked for does not end in that of `logits` without its axis.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * console.log(random.categorical(random.key(0), np.array([-Infinity, 0])).item()); // 1
 * ```
 */
export function categorical(
  key: NDArray,
  logits: NDArray,
  options: CategoricalOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("categorical(key, logits, options)", arguments, categoricalOptions);
  }
  const op = "categorical";
  const scores = asFloat(op, logits, "logits");
  const axis = expectAxis(op, options.axis ?? -1, scores.ndim);
  const batch = scores.shape.toSpliced(axis, 1);
  const shape = options.shape === undefined ? batch : expectShape(op, options.shape);
  const extra = shape.length - batch.length;
  const tail = shape.slice(Math.max(0, extra));
  if (extra < 0 || batch.some((m, k) => m !== 1 && m !== tail[k])) {
    throw new ShapeError(
      `${op}: the shape ${formatShape(shape)} must end in ${formatShape(batch)}, that of logits ${
        formatShape(scores.shape)
      } without axis ${axis}`,
    );
  }
  const n = scores.shape[axis]!;
  const all = [...shape.slice(0, extra), ...tail.toSpliced(axis, 0, n)];
  const noise = gumbelOf(op, key, all, scores.dtype);
  const lead = Array.from({ length: extra }, (_, i) => i);
  return argmax(add(noise, expandDims(scores, lead)), axis + extra);
}

/** How often a range of `n` is shuffled, so that equal sort keys do not matter. */
function rounds(n: number): number {
  return Math.ceil(3 * Math.log(Math.max(1, n)) / Math.log(2 ** 32 - 1));
}

/**
 * The numbers below `x` in random order, or the rows of an array `x`, as `jax.random.permutation`.
 *
 * @throws {TypeError} where `x` is neither a non-negative integer nor an array with an axis.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.permutation(random.key(0), 5).shape); // [ 5 ]
 * ```
 */
export function permutation(key: NDArray, x: number | NDArray): NDArray {
  if (arguments.length > 2) checkCall("permutation(key, x)", arguments);
  const op = "permutation";
  expectKey(op, key);
  if (typeof x === "number") expectInteger(op, x, "the number of elements", 0);
  else if (!(x instanceof NDArray) || x.ndim === 0) {
    throw new TypeError(
      `${op}: the second argument must be a number or an array with at least one axis, not ${
        x instanceof NDArray ? `a scalar array` : describeValue(x)
      }`,
    );
  }
  const n = typeof x === "number" ? x : x.shape[0]!;
  let order = iota([n], 0, "int32");
  let current = key;
  for (let i = rounds(n); i > 0; i--) {
    const keys = split(current);
    const row = (k: number): NDArray => takeInRange(keys, scalarArray(k, "int32"), 0);
    const [, positions] = sort(bits32(op, row(1), [n]), 0);
    order = takeInRange(order, positions, 0);
    current = row(0);
  }
  return typeof x === "number" ? order : takeInRange(x, order, 0);
}
