/**
 * The random numbers that others are made of, from the bits of a key as JAX makes them: same key, same
 * stream. Uniform numbers, integers and bools are JAX's bit for bit; what is made by logarithms or the
 * inverse error function agrees to their rounding (normal numbers in float32 to two units in the last
 * place).
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  broadcastShapes,
  describeValue,
  type DType,
  DTypeError,
  epsilon,
  expectFloat,
  expectInteger,
  formatAval,
  isInteger,
  limits,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  scalarArray,
  tableOf,
} from "../core/mod.ts";
import {
  add,
  convert,
  gt,
  le,
  lt,
  maximum,
  minimum,
  mul,
  rem,
  reshape,
  select,
  sub,
} from "../primitives/mod.ts";
import type { DTypeOptions, ModeOptions, ShapeLike } from "./arguments.ts";
import {
  between,
  bits32,
  checkFits,
  expectMode,
  exponentialOf,
  fractions,
  gumbels,
  halves,
  normals,
  parameter,
  signs,
  subkeys,
  truncated,
} from "./draws.ts";
import { takeConstant } from "./indices.ts";
import { asFloat, dtypeOption, expectShape, isNamed } from "./operands.ts";
import { dtypeOptions, modeOptions } from "./options.ts";

/** Options of {@linkcode uniform}. */
export interface UniformOptions extends DTypeOptions {
  /** The lower bound; 0 where left out. */
  readonly minval?: Operand | undefined;
  /** The upper bound, which does not occur; 1 where left out. */
  readonly maxval?: Operand | undefined;
}

const uniformOptions: OptionTable<UniformOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  minval: "operand",
  maxval: "operand",
});

/** Options of {@linkcode gumbel}. */
export interface GumbelOptions extends DTypeOptions, ModeOptions {}

const gumbelOptions: OptionTable<GumbelOptions> = /* @__PURE__ */ tableOf(
  dtypeOptions,
  modeOptions,
);

// ---------------------------------------------------------------- uniform

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
  shape: ShapeLike | Named<UniformOptions, { shape: ShapeLike }> = [],
  options: UniformOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("uniform(key, shape, options)", arguments, uniformOptions, 1);
  }
  if (isNamed(shape)) return uniform(key, shape.shape, shape);
  const op = "uniform";
  const to = expectShape(op, shape);
  const from = halves(op, key);
  const dtype = expectFloat(op, options.dtype);
  const { minval = 0, maxval = 1 } = options;
  if (minval === 0 && maxval === 1) return fractions(op, from, to, dtype);
  const low = parameter(op, "minval", minval, dtype);
  const high = parameter(op, "maxval", maxval, dtype);
  checkFits(op, to, low, high);
  return between(op, from, to, low, high);
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
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("normal(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return normal(key, shape.shape, shape);
  const to = expectShape("normal", shape);
  const dtype = expectFloat("normal", options.dtype);
  return normals("normal", halves("normal", key), to, dtype);
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
  shape?: ShapeLike | null | Named<DTypeOptions, { shape: ShapeLike | null }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "truncatedNormal(key, lower, upper, shape, options)",
      arguments,
      dtypeOptions,
      3,
    );
  }
  if (isNamed(shape)) return truncatedNormal(key, lower, upper, shape.shape, shape);
  const op = "truncatedNormal";
  const dtype = expectFloat(op, options.dtype);
  const low = parameter(op, "lower", lower, dtype);
  const high = parameter(op, "upper", upper, dtype);
  const to = (shape ?? null) === null
    ? broadcastShapes(op, low.shape, high.shape)
    : expectShape(op, shape);
  checkFits(op, to, low, high);
  const u = fractions(op, halves(op, key), to, dtype);
  const x = truncated(u, low, high, lower, upper);
  // Rounding must not lead out of the range. Of bounds that are arrays, the bounds may occur.
  const least = typeof lower === "number" ? scalarArray(neighbour(lower, dtype, true), dtype) : low;
  const most = typeof upper === "number"
    ? scalarArray(neighbour(upper, dtype, false), dtype)
    : high;
  return minimum(maximum(x, least), most);
}

// ---------------------------------------------------------------- other continuous ones

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
  shape: ShapeLike | Named<GumbelOptions, { shape: ShapeLike }> = [],
  options: GumbelOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("gumbel(key, shape, options)", arguments, gumbelOptions, 1);
  }
  if (isNamed(shape)) return gumbel(key, shape.shape, shape);
  const op = "gumbel";
  const mode = expectMode(op, options.mode);
  return gumbels(op, halves(op, key), expectShape(op, shape), expectFloat(op, options.dtype), mode);
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
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("exponential(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return exponential(key, shape.shape, shape);
  const op = "exponential";
  const dtype = expectFloat(op, options.dtype);
  return exponentialOf(fractions(op, halves(op, key), expectShape(op, shape), dtype));
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
export function bernoulli(
  key: NDArray,
  p: Operand | Named<ModeOptions, { p: Operand; shape: ShapeLike }> = 0.5,
  shape?: ShapeLike | null | Named<ModeOptions, { shape: ShapeLike | null }>,
  options: ModeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("bernoulli(key, p, shape, options)", arguments, modeOptions, 1);
  }
  if (isNamed(p)) return bernoulli(key, p.p, p.shape, p);
  if (isNamed(shape)) return bernoulli(key, p, shape.shape, shape);
  const op = "bernoulli";
  const from = halves(op, key);
  const chance = asFloat(op, p, "p");
  const to = (shape ?? null) === null ? chance.shape : expectShape(op, shape);
  checkFits(op, to, chance);
  const { dtype } = chance;
  if (expectMode(op, options.mode) === "low") return lt(fractions(op, from, to, dtype), chance);
  const both = fractions(op, from, [2, ...to], dtype);
  const [coarse, fine] = [0, 1].map((i) => reshape(takeConstant(both, [i], 0), to));
  return lt(mul(fine!, scalarArray(epsilon(dtype), dtype)), sub(chance, coarse!));
}

/**
 * 1 or -1, each with probability 1/2, as `jax.random.rademacher`; int32 where no dtype is given.
 *
 * @throws {TypeError} where `key` is not a key.
 * @throws {DTypeError} where the dtype has no -1.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.rademacher(random.key(0), [1000]).square().sum().item()); // 1000
 * ```
 */
export function rademacher(
  key: NDArray,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("rademacher(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return rademacher(key, shape.shape, shape);
  const op = "rademacher";
  const dtype = dtypeOption(op, options, "int32");
  if (dtype === "bool" || dtype === "uint32") {
    throw new DTypeError(`${op}: ${dtype} has no -1; the dtype must be int32 or a float type`);
  }
  return signs(op, halves(op, key), expectShape(op, shape), dtype);
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
    options = readOptions("randint(key, shape, minval, maxval, options)", arguments, dtypeOptions);
  }
  const op = "randint";
  const from = halves(op, key);
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
  const [first, second] = subkeys(from, 2);
  // 64 bits modulo the span, as 2^32 = (2^16)^2 modulo the span.
  const root = rem(scalarArray(65536, "uint32"), span);
  const multiplier = rem(mul(root, root), span);
  const offset = rem(
    add(mul(rem(bits32(op, first!, to), span), multiplier), rem(bits32(op, second!, to), span)),
    span,
  );
  return add(low, convert(offset, dtype));
}
