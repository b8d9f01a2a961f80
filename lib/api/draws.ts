/**
 * What distributions are made of: fractions, numbers between bounds, normal, exponential and Gumbel
 * numbers from a key, and the parameters, shape and dtype of what is drawn. The functions that users call
 * are in the files that `random.ts` lists.
 *
 * Random words from keys: what `keys.ts` makes keys of and `draws.ts` numbers.
 *
 * Normal numbers between bounds, made from fractions: as JAX makes them where its error function can
 * tell them apart, and far out by Newton's method on the logarithm of the tail. The function that users
 * call is in `distributions.ts`.
 *
 * @module
 */
import {
  broadcastShapes,
  defaultFloat,
  describeValue,
  type DType,
  expectFloat,
  formatAval,
  formatShape,
  NDArray,
  type Operand,
  scalarArray,
  ShapeError,
  sizeOf,
  smallestNormal,
} from "../core/mod.ts";
import {
  add,
  convert,
  div,
  erf,
  erfcx,
  erfInv,
  expm1,
  full,
  ge,
  iota,
  le,
  log,
  log1p,
  lt,
  maximum,
  minimum,
  mul,
  mulAdd,
  neg,
  or,
  reshape,
  select,
  shiftRightLogical,
  slice,
  sqrt,
  sub,
  xor,
} from "../primitives/mod.ts";
import { threefry2x32 } from "../primitives/random/threefry.ts";
import type { DrawMode, ShapeLike } from "./arguments.ts";
import { takeConstant } from "./indices.ts";
import { asFloat, expectRoom, expectShape } from "./operands.ts";

const WORD = 0x1_0000_0000;

/**
 * Checks that a value is a key.
 *
 * @throws {TypeError} saying what it is instead.
 */
export function expectKey(op: string, key: unknown): asserts key is NDArray {
  if (!(key instanceof NDArray)) {
    throw new TypeError(
      `${op}: the key is ${describeValue(key)}, not a key. Make one with random.key(seed)`,
    );
  }
  if (key.dtype !== "uint32" || key.ndim !== 1 || key.shape[0] !== 2) {
    const several = key.dtype === "uint32" && key.ndim > 1 && key.shape.at(-1) === 2;
    throw new TypeError(
      `${op}: the key is ${formatAval(key.aval)}, not uint32[2]. ${
        several
          ? "Take one of these keys with keys.at(i), or map over them with vmap"
          : "Make a key with random.key(seed), and further ones with random.split"
      }`,
    );
  }
}

/**
 * A key in two halves: scalars, or arrays of one shape for a key in each lane.
 */
export type Halves = readonly [NDArray, NDArray];

/**
 * The halves of a key that a user gave, as scalars.
 *
 * @throws {TypeError} where it is no key.
 */
export function halves(op: string, key: NDArray): Halves {
  expectKey(op, key);
  return [reshape(slice(key, [0], [1]), []), reshape(slice(key, [1], [2]), [])];
}

/** The first `num` keys of a key, which are those of `split` whatever number that is asked for. */
export function subkeys([k0, k1]: Halves, num: number): Halves[] {
  const zero = scalarArray(0, "uint32");
  return Array.from(
    { length: num },
    (_, i) => threefry2x32(k0, k1, zero, scalarArray(i, "uint32")),
  );
}

/** Both words of the hashes of 0, 1, ..., n - 1 under a key: 64 random bits for each. */
export function words(op: string, [k0, k1]: Halves, n: number): [NDArray, NDArray] {
  if (n > WORD) {
    throw new RangeError(`${op}: ${n} numbers are more than one key gives here, 2^32`);
  }
  expectRoom(op, [n], "uint32");
  return threefry2x32(k0, k1, scalarArray(0, "uint32"), iota([n], 0, "uint32"));
}

/** 32 random bits for each element of a shape. */
export function bits32(op: string, key: Halves, shape: readonly number[]): NDArray {
  expectRoom(op, shape, "uint32");
  const [high, low] = words(op, key, sizeOf(shape));
  return reshape(xor(high, low), shape);
}

/** The largest float below 1. */
export function largestFraction(dtype: DType): number {
  return dtype === "float32" ? 1 - 2 ** -24 : 1 - 2 ** -53;
}

/**
 * Where a tail of the normal distribution begins: from here on, the error function has too few values
 * left below 1 for its inverse to tell draws apart, 2^15 or so.
 */
function tailStart(dtype: DType): number {
  return dtype === "float32" ? 3 : 7;
}

/**
 * Normal numbers between `low` and `high` from fractions `u`. The bounds as the user gave them tell
 * which way to take, where they are numbers.
 */
export function truncated(
  u: NDArray,
  low: NDArray,
  high: NDArray,
  lower: unknown,
  upper: unknown,
): NDArray {
  const from = tailStart(u.dtype);
  if (typeof lower === "number" && lower >= from) return tail(u, low, high);
  if (typeof upper === "number" && upper <= -from) return neg(tail(u, neg(high), neg(low)));
  if (typeof lower === "number" && typeof upper === "number") return middle(u, low, high);
  const start = scalarArray(from, u.dtype);
  const [above, below] = [ge(low, start), le(high, neg(start))];
  // Each with bounds for which it has finite derivatives, where it is the other that counts.
  const far = or(above, below);
  const [zero, one] = [scalarArray(0, u.dtype), scalarArray(1, u.dtype)];
  const inner = middle(u, select(far, zero, low), select(far, one, high));
  const near = select(far, select(above, low, neg(high)), start);
  const end = select(far, select(above, high, neg(low)), add(start, one));
  const outer = tail(u, near, end);
  return select(far, select(above, outer, neg(outer)), inner);
}

/** As JAX draws them, by the error function and its inverse. */
function middle(u: NDArray, low: NDArray, high: NDArray): NDArray {
  const root = scalarArray(Math.SQRT2, u.dtype);
  const [least, most] = [erf(div(low, root)), erf(div(high, root))];
  // Not -1 or 1, to which it may be rounded: their inverse is infinite.
  const end = scalarArray(largestFraction(u.dtype), u.dtype);
  const p = minimum(maximum(mulAdd(u, sub(most, least), least), maximum(least, neg(end))), end);
  return mul(root, erfInv(p));
}

/** Beyond this distance from its start, a tail has no weight in double precision. */
const TAIL_WIDTH = 16;
/** Steps of Newton's method, from a start that is off by 0.1 at most: errors are 1e-3, 5e-8, 2e-16. */
const NEWTON_STEPS = 3;

/**
 * Normal numbers from the tail between `a`, which is not small, and `b`. With Mills' ratio
 * R(x) = Q(x) / phi(x) of the normal distribution's complement and density, the d = x - a looked for
 * is where
 *
 *     log Q(a) - log Q(a + d) = d (a + d / 2) + log R(a) - log R(a + d) = e,
 *
 * the left side's slope is 1 / R(a + d), and e is exponentially distributed up to its value for b.
 */
function tail(u: NDArray, a: NDArray, b: NDArray): NDArray {
  const c = (value: number): NDArray => scalarArray(value, u.dtype);
  const mills = (x: NDArray): NDArray =>
    mul(c(Math.sqrt(Math.PI / 2)), erfcx(mul(x, c(Math.SQRT1_2))));
  const start = log(mills(a));
  const depth = (d: NDArray): NDArray =>
    add(mul(d, add(a, mul(d, c(0.5)))), sub(start, log(mills(add(a, d)))));
  const width = minimum(maximum(sub(b, a), c(0)), c(TAIL_WIDTH));
  const weight = neg(expm1(neg(depth(width))));
  const e = neg(log1p(neg(mul(u, weight))));
  // Of a^2 / 2 + e = x^2 / 2, which leaves out R.
  let d = div(mul(e, c(2)), add(a, sqrt(add(mul(a, a), mul(e, c(2))))));
  for (let step = 0; step < NEWTON_STEPS; step++) {
    d = sub(d, mul(sub(depth(d), e), mills(add(a, d))));
  }
  return add(a, d);
}

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
  shape: ShapeLike | null | undefined,
  asked: DType | null | undefined,
): Drawing<Names> {
  const both = halves(op, key);
  const names = Object.keys(params) as Names[];
  const given = names.map((name) =>
    typeof params[name] === "number" ? params[name] as number : asFloat(op, params[name], name)
  );
  const wide = given.some((x) => typeof x !== "number" && x.dtype === "float64");
  const dtype = expectFloat(op, asked, wide ? "float64" : defaultFloat);
  const arrays = given.map((x, i) => parameter(op, names[i]!, x, dtype));
  const to = (shape ?? null) === null
    ? broadcastShapes(op, ...arrays.map((x) => x.shape))
    : expectShape(op, shape);
  checkFits(op, to, ...arrays);
  const p = Object.fromEntries(names.map((name, i) => [name, arrays[i]!])) as Record<
    Names,
    NDArray
  >;
  return { key: both, to, dtype, p };
}
