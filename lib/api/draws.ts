/**
 * What distributions are made of: fractions, numbers between bounds, normal, exponential and Gumbel
 * numbers from a key, and the parameters, shape and dtype of what is drawn. The functions that users call
 * are in the files that `random.ts` lists.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { broadcastShapes, sizeOf } from "../core/aval.ts";
import { expectFloat } from "../core/checks.ts";
import { scalarArray } from "../core/concrete.ts";
import { defaultFloat, type DType, smallestNormal } from "../core/dtype.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import { full } from "../primitives/constants/full.ts";
import { add, maximum, mul, neg, sub } from "../primitives/elementwise/arithmetic.ts";
import { ge, lt, shiftRightLogical, xor } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { log, log1p } from "../primitives/elementwise/elementary.ts";
import { erfInv } from "../primitives/elementwise/erf.ts";
import { mulAdd } from "../primitives/elementwise/mul_add.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import type { DrawMode, ShapeLike } from "./arguments.ts";
import { type Halves, halves, words } from "./hashes.ts";
import { takeConstant } from "./indices.ts";
import { asFloat, expectRoom, expectShape } from "./operands.ts";
import { largestFraction } from "./truncated.ts";

// ---------------------------------------------------------------- from words

/** Numbers from [0, 1) from two words each: as many bits as the mantissa has, as a fraction. */
export function fractionsOf([high, low]: readonly [NDArray, NDArray], dtype: DType): NDArray {
  if (dtype === "float32") {
    const top = shiftRightLogical(xor(high, low), scalarArray(9, "uint32"));
    return mul(convert(top, "float32"), scalarArray(2 ** -23, "float32"));
  }
  // The first 52 of 64 bits.
  const rest = convert(shiftRightLogical(low, scalarArray(12, "uint32")), "float64");
  const whole = add(mul(convert(high, "float64"), scalarArray(2 ** 20, "float64")), rest);
  return mul(whole, scalarArray(2 ** -52, "float64"));
}

/** Normal numbers from fractions. */
export function normalOf(u: NDArray): NDArray {
  return mul(scalarArray(Math.SQRT2, u.dtype), erfInv(centred(u)));
}

/** Fractions spread evenly over (-1, 1): twice a fraction is exact. */
export function centred(u: NDArray): NDArray {
  return add(mul(u, scalarArray(2, u.dtype)), scalarArray(-largestFraction(u.dtype), u.dtype));
}

/** Exponential numbers from fractions. */
export function exponentialOf(u: NDArray): NDArray {
  return neg(log1p(neg(u)));
}

// ---------------------------------------------------------------- from a key

/** Numbers from [0, 1). */
export function fractions(
  op: string,
  key: Halves,
  shape: readonly number[],
  dtype: DType,
): NDArray {
  // Before there are words, which have no shape that users know.
  expectRoom(op, shape, dtype);
  return reshape(fractionsOf(words(op, key, sizeOf(shape)), dtype), shape);
}

/** Numbers from [low, high), computed as JAX does it. */
export function between(
  op: string,
  key: Halves,
  shape: readonly number[],
  low: NDArray,
  high: NDArray,
): NDArray {
  const u = fractions(op, key, shape, low.dtype);
  return maximum(low, mulAdd(u, sub(high, low), low));
}

/** Normal numbers of mean 0 and variance 1. */
export function normals(
  op: string,
  key: Halves,
  shape: readonly number[],
  dtype: DType,
): NDArray {
  return normalOf(fractions(op, key, shape, dtype));
}

/** 1 and -1 in a dtype, drawn with as many bits as it has. */
export function signs(
  op: string,
  key: Halves,
  shape: readonly number[],
  dtype: DType,
): NDArray {
  const bits = dtype === "float64" ? "float64" : "float32";
  const positive = lt(fractions(op, key, shape, bits), scalarArray(0.5, bits));
  return select(positive, full(shape, 1, dtype), full(shape, -1, dtype));
}

/**
 * Gives the mode that options ask for.
 *
 * @throws {TypeError} where it is neither `"low"` nor `"high"`.
 */
export function expectMode(op: string, mode: unknown): DrawMode {
  if (mode === undefined) return "low";
  if (mode === "low" || mode === "high") return mode;
  throw new TypeError(`${op}: mode must be "low" or "high", not ${JSON.stringify(mode)}`);
}

/** Gumbel numbers. */
export function gumbels(
  op: string,
  key: Halves,
  shape: readonly number[],
  dtype: DType,
  mode: DrawMode = "low",
): NDArray {
  const tiny = scalarArray(smallestNormal(dtype), dtype);
  if (mode === "low") {
    // From [tiny, 1), as wide as 1 to rounding.
    return neg(log(neg(log(add(fractions(op, key, shape, dtype), tiny)))));
  }
  const both = fractions(op, key, [2, ...shape], dtype);
  const [high, low] = [0, 1].map((i) => reshape(takeConstant(both, [i], 0), shape));
  const fine = scalarArray(dtype === "float32" ? 2 ** -23 : 2 ** -52, dtype);
  const u = select(
    ge(high!, scalarArray(0.5, dtype)),
    high!,
    add(add(high!, mul(fine, low!)), tiny),
  );
  return neg(log(exponentialOf(u)));
}

// ---------------------------------------------------------------- parameters

/** A parameter as an array of the dtype drawn. */
export function parameter(op: string, what: string, value: Operand, dtype: DType): NDArray {
  return typeof value === "number"
    ? scalarArray(value, dtype)
    : convert(asFloat(op, value, what), dtype);
}

/** Refuses parameters that do not broadcast to the shape of the result. */
export function checkFits(
  op: string,
  shape: readonly number[],
  ...params: readonly NDArray[]
): void {
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

/** What is drawn. */
export interface Drawing<Names extends string> {
  /** The key. */
  readonly key: Halves;
  /** The shape. */
  readonly to: readonly number[];
  /** The dtype. */
  readonly dtype: DType;
  /** The parameters in that dtype, by name. */
  readonly p: Readonly<Record<Names, NDArray>>;
}

/**
 * What is drawn with some parameters: in the dtype asked for, or else that of the parameters, and in the
 * shape asked for, or else that to which they broadcast.
 *
 * @throws {ShapeError} where the parameters do not broadcast to the shape.
 */
export function drawing<Names extends string>(
  op: string,
  key: NDArray,
  params: Readonly<Record<Names, Operand>>,
  shape: ShapeLike | undefined,
  asked: DType | undefined,
): Drawing<Names> {
  const both = halves(op, key);
  const names = Object.keys(params) as Names[];
  const given = names.map((name) =>
    typeof params[name] === "number" ? params[name] as number : asFloat(op, params[name], name)
  );
  const wide = given.some((x) => typeof x !== "number" && x.dtype === "float64");
  const dtype = expectFloat(op, asked, wide ? "float64" : defaultFloat);
  const arrays = given.map((x, i) => parameter(op, names[i]!, x, dtype));
  const to = shape === undefined
    ? broadcastShapes(op, ...arrays.map((x) => x.shape))
    : expectShape(op, shape);
  checkFits(op, to, ...arrays);
  const p = Object.fromEntries(names.map((name, i) => [name, arrays[i]!])) as Record<
    Names,
    NDArray
  >;
  return { key: both, to, dtype, p };
}
