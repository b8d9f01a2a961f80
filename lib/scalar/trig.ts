/**
 * Sine, cosine and tangent, of all angles.
 *
 * Polynomials on [-pi/4, pi/4] are those of FreeBSD's msun (k_sin.c, k_cos.c) for `f64`, and of
 * Cephes (S. Moshier, sinf.c) for `f32`.
 *
 * @module
 */
import { type Angle, reduceAngle, reduceAngleToPair } from "./angle.ts";
import { type Pair, polynomial } from "./algebra.ts";
import type { Expr, Exprs } from "./expr.ts";

// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 in r^2, highest coefficient first.
const SIN = {
  f32: [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1],
  f64: [
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
    -1.66666666666666324348e-01,
  ],
} as const;
const COS = {
  f32: [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2],
  f64: [
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
  ],
} as const;

/** The sine of a reduced angle; `low` is not yet added. */
function sinNear(e: Exprs, { high: r, low }: Angle): Pair {
  const z = e.mul(r, r);
  const series = e.mul(e.mul(z, r), polynomial(e, z, SIN[r.ty as "f32" | "f64"]));
  // The derivative of the sine at r, to first order, is 1 - r^2 / 2.
  return { high: r, low: e.add(series, e.sub(low, e.mul(e.mul(z, 0.5), low))) };
}

/** The cosine of a reduced angle; `low` is not yet added. */
function cosNear(e: Exprs, { high: r, low }: Angle): Pair {
  const z = e.mul(r, r);
  const half = e.mul(z, 0.5);
  const high = e.sub(1, half);
  const series = e.mul(e.mul(z, z), polynomial(e, z, COS[r.ty as "f32" | "f64"]));
  const lost = e.sub(e.sub(1, high), half);
  return { high, low: e.add(lost, e.sub(series, e.mul(r, low))) };
}

function odd(e: Exprs, quarter: Expr): Expr {
  return e.eq(e.and(quarter, 1), 1);
}

function total(e: Exprs, { high, low }: Pair): Expr {
  return e.add(high, low);
}

/** Turns the sign for the two quarters behind half a turn; `ahead` is 1 for the next quarter. */
function signed(e: Exprs, quarter: Expr, ahead: 0 | 1, y: Expr): Expr {
  if (y.ty === "f32") {
    // The shift is shared by sine and cosine.
    const moved = e.shl(quarter, 30);
    const bits = ahead === 1 ? e.add(moved, 1 << 30) : moved;
    return e.fromBits(e.xor(e.bits(y), e.and(bits, -0x80000000)));
  }
  const back = e.and(ahead === 1 ? e.add(quarter, 1) : quarter, 2);
  // 1 or -1: a product is less work than a choice by a mask of another width.
  return e.mul(y, e.sub(1, e.convert(back, "f64")));
}

/** Sine and cosine of the reduced angle, each to one rounding or so. */
function near(e: Exprs, r: Expr): { sine: Expr; cosine: Expr } {
  const ty = r.ty as "f32" | "f64";
  const z = e.mul(r, r), z2 = e.mul(z, z);
  const sine = e.add(r, e.mul(e.mul(z, r), inPairs(e, z, z2, SIN[ty])));
  const cosine = e.add(e.sub(1, e.mul(z, 0.5)), e.mul(z2, inPairs(e, z, z2, COS[ty])));
  return { sine, cosine };
}

/** A polynomial in z, of pairs of coefficients: half as long a wait as one after another. */
function inPairs(e: Exprs, z: Expr, z2: Expr, coefficients: readonly number[]): Expr {
  const c = [...coefficients];
  let y: Expr | null = c.length % 2 === 1 ? e.constant(c.shift()!, z.ty) : null;
  for (let i = 0; i < c.length; i += 2) {
    const pair = e.add(e.mul(z, c[i]!), c[i + 1]!);
    y = y === null ? pair : e.add(e.mul(y, z2), pair);
  }
  return y!;
}

/** The sine. */
export function sin(e: Exprs, x: Expr): Expr {
  const { quarter, high } = reduceAngle(e, x);
  const { sine, cosine } = near(e, high);
  // -0 + 0 is 0.
  const y = e.select(odd(e, quarter), cosine, e.select(e.eq(x, 0), x, sine));
  return signed(e, quarter, 0, y);
}

/** The cosine. */
export function cos(e: Exprs, x: Expr): Expr {
  const { quarter, high } = reduceAngle(e, x);
  const { sine, cosine } = near(e, high);
  return signed(e, quarter, 1, e.select(odd(e, quarter), sine, cosine));
}

/** The tangent: the quotient of sine and cosine with the error of its rounding put right. */
export function tan(e: Exprs, x: Expr): Expr {
  const angle = reduceAngleToPair(e, x);
  const s = sinNear(e, angle), c = cosNear(e, angle);
  const swap = odd(e, angle.quarter);
  const choose = (a: Expr, b: Expr): Expr => e.select(swap, a, b);
  const above: Pair = { high: choose(e.neg(c.high), s.high), low: choose(e.neg(c.low), s.low) };
  const below: Pair = { high: choose(s.high, c.high), low: choose(s.low, c.low) };
  const a = total(e, above), b = total(e, below);
  const lostA = e.add(e.sub(above.high, a), above.low);
  const lostB = e.add(e.sub(below.high, b), below.low);
  const q = e.div(a, b);
  const y = e.add(q, e.div(e.sub(lostA, e.mul(q, lostB)), b));
  return e.select(e.eq(x, 0), x, y);
}
