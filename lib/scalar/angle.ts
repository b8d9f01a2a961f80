/**
 * Angles reduced to a quarter of a turn: x = q pi/2 + r with |r| <= pi/4, where r has more digits
 * than a float holds, near multiples of pi/2 too.
 *
 * Moderate angles by Cody and Waite's method, all others by that of M. Payne and R. Hanek (Radian
 * reduction for trigonometric functions, SIGNUM Newsletter 18, 1983), with pieces of 24 bits.
 *
 * @module
 */
import { lastBits, type Pair, twoProduct, twoSum } from "./exponential.ts";
import { Apart, type Expr, type Exprs } from "./expr.ts";

/** A reduced angle. */
export interface Angle extends Pair {
  /** Quarters of turns as `i32`, of which the last two bits count. */
  readonly quarter: Expr;
}

/** 2 / pi in hexadecimal: 1,200 bits after the point. */
const TWO_OVER_PI = "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561" +
  "b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d6398353" +
  "39f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7" +
  "ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b";

/** Pieces of zeros in front, for angles below 2^52. */
const LEADING = 4;
const pieces: number[] = [
  ...new Array<number>(LEADING).fill(0),
  ...Array.from({ length: 50 }, (_, i) => parseInt(TWO_OVER_PI.slice(6 * i, 6 * i + 6), 16)),
];

const PIECE = 2 ** 24;

/** How many pieces of the quotient x / (pi/2) after the point are computed: 144 bits. */
const DIGITS = 6;

/** Any finite `f64` from 1/2 in size, reduced. Not finite: NaN. */
function reduceFar(e: Exprs, x: Expr): Angle {
  const a = e.abs(x);
  // a = 2^(24 j) X with X from 2^52 to 2^76, of three pieces, of which the first is of 28 bits.
  const field = e.shr(e.high(a), 20);
  // (exponent + 20) / 24, which is j + 3.
  const group = e.min(e.max(e.shr(e.mul(e.sub(field, 1003), 2731), 16), 0), 43);
  const shift = e.mul(e.sub(group, 3), 24 << 20);
  const scaledDown = e.fromWords(e.sub(e.high(a), shift), e.low(a));
  const x0 = e.floor(e.mul(scaledDown, 2 ** -48));
  const rest = e.sub(scaledDown, e.mul(x0, 2 ** 48));
  const x1 = e.floor(e.mul(rest, 2 ** -24));
  const x2 = e.sub(rest, e.mul(x1, 2 ** 24));
  // Sums of products of equal weight are exact. Those of greater weight are whole turns.
  const sums: Expr[] = [];
  for (let m = 0; m <= DIGITS; m++) {
    const at = (offset: number): Expr => e.table(pieces, "f64", e.add(group, offset));
    // Piece m + j + 1 - i of 2 / pi, where j = group - 3.
    const base = m - 2 + LEADING;
    const sum = e.add(e.mul(x0, at(base)), e.mul(x1, at(base - 1)));
    sums.push(e.add(sum, e.mul(x2, at(base - 2))));
  }
  // Carries make digits of 24 bits of them.
  for (let m = DIGITS; m > 0; m--) {
    const carry = e.floor(e.mul(sums[m]!, 1 / PIECE));
    sums[m] = e.sub(sums[m]!, e.mul(carry, PIECE));
    sums[m - 1] = e.add(sums[m - 1]!, carry);
  }
  const turns = e.floor(e.mul(sums[0]!, 0.25));
  const whole = e.sub(sums[0]!, e.mul(turns, 4));
  const up = e.ge(sums[1]!, PIECE / 2);
  const first = e.sub(sums[1]!, e.select(up, e.constant(PIECE, "f64"), 0));
  const quarter = e.convert(e.add(whole, e.select(up, e.constant(1, "f64"), 0)), "i32");
  // The fraction: pairs of digits are exact.
  const pair = (m: number, a: Expr, b: Expr): Expr =>
    e.add(e.mul(a, 2 ** (-24 * m)), e.mul(b, 2 ** (-24 * (m + 1))));
  const sum = twoSum(e, pair(1, first, sums[2]!), pair(3, sums[3]!, sums[4]!));
  const low = e.add(sum.low, pair(5, sums[5]!, sums[6]!));
  const fraction = e.add(sum.high, low);
  const missing = e.add(e.sub(sum.high, fraction), low);
  // Times pi/2.
  const product = twoProduct(e, fraction, e.constant(1.5707963267948966, "f64"));
  const more = e.add(
    product.low,
    e.add(e.mul(fraction, 6.123233995736766e-17), e.mul(missing, 1.5707963267948966)),
  );
  const high = e.add(product.high, more);
  const lost = e.add(e.sub(product.high, high), more);
  const negative = e.lt(x, 0);
  const finite = e.lt(a, Infinity);
  return {
    quarter: e.select(negative, e.sub(0, quarter), quarter),
    high: e.select(finite, e.select(negative, e.neg(high), high), NaN),
    low: e.select(negative, e.neg(lost), lost),
  };
}

/**
 * pi/2 in parts. The first is of 12 bits for `f32` and of 33 for `f64`, the second ends where angles
 * from 1/2 do, the third is as long as the first, and the last has all its bits. Products of all but
 * the last with multiples up to those of moderate angles are exact, and so are the first two
 * differences. The remainder is the nearest float to the true one, or its neighbour: tried at the
 * floats nearest to each multiple.
 */
const PARTS = {
  f32: [1.57080078125, -4.470348358154297e-06, 1.5890691429376602e-08, 2.5633440682570896e-12],
  f64: [
    1.5707963267341256,
    6.077105485502443e-11,
    -4.9789962502207207e-17,
    -2.940788670387328e-27,
  ],
} as const;

/** Up to where parts suffice: multiples of 12 and of 20 bits. */
const MODERATE = { f32: 6400, f64: 1600000 } as const;

interface Reduced {
  /** The angle, if it is moderate, is `most - least`. */
  readonly most: Expr;
  readonly least: Expr;
  /** The last bits of the multiple of pi/2. */
  readonly int: Expr;
  /** Where the angle is not moderate. */
  readonly far: Expr;
}

/** An angle reduced by parts. */
function reduceByParts(e: Exprs, x: Expr): Reduced {
  const ty = x.ty as "f32" | "f64";
  const { float: n, last: int } = lastBits(e, e.mul(x, 2 / Math.PI));
  const [p0, p1, p2, p3] = PARTS[ty].map((p) => e.mul(n, p)) as [Expr, Expr, Expr, Expr];
  const exact = e.sub(e.sub(x, p0), p1);
  const most = e.sub(exact, p2);
  // What the last difference has lost is put right.
  const least = e.sub(p3, e.sub(e.sub(exact, most), p2));
  return { most, least, int, far: e.gt(e.abs(x), MODERATE[ty]) };
}

/** Any finite angle: its quarter, the rest of it, and what that lacks. */
const farAngle = new Apart((e, x) => {
  const { quarter, high, low } = reduceFar(e, e.convert(x, "f64"));
  const rounded = e.convert(high, x.ty);
  const rest = e.add(e.sub(high, e.convert(rounded, "f64")), low);
  return [quarter, rounded, e.convert(rest, x.ty)];
});

/** Reduces an angle to the digits of a float. */
export function reduceAngle(e: Exprs, x: Expr): Omit<Angle, "low"> {
  const { most, least, int, far } = reduceByParts(e, x);
  const [quarter, high] = e.rare(far, farAngle, [x], [int, e.sub(most, least)]) as [Expr, Expr];
  return { quarter, high };
}

/** Reduces an angle to more digits than a float has. */
export function reduceAngleToPair(e: Exprs, x: Expr): Angle {
  const { most, least, int, far } = reduceByParts(e, x);
  const r = e.sub(most, least);
  const usual = [int, r, e.sub(e.sub(most, r), least)];
  const [quarter, high, low] = e.rare(far, farAngle, [x], usual) as [Expr, Expr, Expr];
  return { quarter, high, low };
}
