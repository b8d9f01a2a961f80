/**
 * Sine, cosine and tangent, of all angles.
 *
 * Polynomials on [-pi/4, pi/4] are those of FreeBSD's msun (k_sin.c, k_cos.c) for `f64`, and of
 * Cephes (S. Moshier, sinf.c) for `f32`.
 *
 * Inverse trigonometric functions: asin, acos, atan and atan2. Those of `f32` are computed as
 * `f64`.
 *
 * Methods and coefficients are those of FreeBSD's msun (e_asin.c, e_acos.c, s_atan.c, e_atan2.c).
 *
 * @module
 */
import { inDouble, type Pair, polynomial, withSign } from "./exponential.ts";
import { type Angle, reduceAngle, reduceAngleToPair } from "./angle.ts";
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

const PI = Math.PI;
/** What rounding pi lost. */
const PI_LOW = 1.2246467991473531772e-16;

// (asin(x) - x) / x as a quotient in x^2, without the factor x^2 above; highest coefficient first.
const ASIN_P = [
  3.47933107596021167570e-05,
  7.91534994289814532176e-04,
  -4.00555345006794114027e-02,
  2.01212532134862925881e-01,
  -3.25565818622400915405e-01,
  1.66666666666666657415e-01,
];
const ASIN_Q = [
  7.70381505559019352791e-02,
  -6.88283971605453293030e-01,
  2.02094576023350569471e+00,
  -2.40339491173441421878e+00,
  1,
];

/** `asin(sqrt(z)) / sqrt(z) - 1` up to 1/4. */
function asinSeries(e: Exprs, z: Expr): Expr {
  return e.div(e.mul(z, polynomial(e, z, ASIN_P)), polynomial(e, z, ASIN_Q));
}

/** The half complement (1 - a) / 2 with its root, which is `root + lost`. */
function complement(
  e: Exprs,
  a: Expr,
): { readonly z: Expr; readonly root: Expr; readonly lost: Expr } {
  const z = e.mul(e.sub(1, a), 0.5);
  const root = e.sqrt(z);
  // Of a root with half the digits the square is exact.
  const scaled = e.mul(root, 134217729);
  const upper = e.sub(scaled, e.sub(scaled, root));
  const below = e.max(e.add(root, upper), 2 ** -1000);
  return { z, root: upper, lost: e.div(e.sub(z, e.mul(upper, upper)), below) };
}

/** The arc sine. */
export const asin: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x);
  const small = e.lt(a, 0.5);
  const { z, root, lost } = complement(e, a);
  const series = asinSeries(e, e.select(small, e.mul(a, a), z));
  // pi/2 - 2 asin(root), as pi/4 - (2 root series - (low - 2 lost) - (pi/4 - 2 root)).
  const fine = e.sub(
    e.mul(e.mul(e.add(root, lost), 2), series),
    e.sub(PI_LOW / 2, e.mul(lost, 2)),
  );
  const coarse = e.sub(PI / 4, e.mul(root, 2));
  const large = e.sub(PI / 4, e.sub(fine, coarse));
  const y = e.select(small, e.add(a, e.mul(a, series)), large);
  return withSign(e, e.select(e.le(a, 1), y, NaN), x);
});

/** The arc cosine. */
export const acos: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x);
  const small = e.lt(a, 0.5);
  const { z, root, lost } = complement(e, a);
  const series = asinSeries(e, e.select(small, e.mul(a, a), z));
  const middle = e.sub(PI / 2, e.sub(x, e.sub(PI_LOW / 2, e.mul(x, series))));
  // 2 asin(root), and pi less that on the other side.
  const more = e.add(lost, e.mul(e.add(root, lost), series));
  const right = e.mul(e.add(root, more), 2);
  const left = e.sub(PI, e.mul(e.add(root, e.sub(more, PI_LOW / 2)), 2));
  const y = e.select(small, middle, e.select(e.lt(x, 0), left, right));
  return e.select(e.le(a, 1), y, NaN);
});

// (t - atan(t)) / t in t^2, without the factor t^2; highest coefficient first.
const ATAN = [
  1.62858201153657823623e-02,
  -3.65315727442169155270e-02,
  4.97687799461593236017e-02,
  -5.83357013379057348645e-02,
  6.66107313738753120669e-02,
  -7.69187620504482999495e-02,
  9.09088713343650656196e-02,
  -1.11111104054623557880e-01,
  1.42857142725034663711e-01,
  -1.99999999998764832476e-01,
  3.33333333333329318027e-01,
];

/**
 * Tangents c near which atan(x) = atan(c) + atan((x - c) / (1 + c x)), from where, atan(c) and its
 * error.
 */
const CENTRES = [
  [0.4375, 0.5, 4.63647609000806093515e-01, 2.26987774529616870924e-17],
  [0.6875, 1, 7.85398163397448278999e-01, 3.06161699786838301793e-17],
  [1.1875, 1.5, 9.82793723247329054082e-01, 1.39033110312309984516e-17],
] as const;

/** Beyond, atan(x) = pi/2 + atan(-1 / x). */
const FAR = 2.4375;

/** The arc tangent of a positive `f64`. */
function atanPositive(e: Exprs, a: Expr): Expr {
  const zero = e.constant(0, "f64");
  let above = a, below = e.constant(1, "f64"), high = zero, low = zero;
  for (const [from, c, value, error] of CENTRES) {
    const beyond = e.ge(a, from);
    above = e.select(beyond, e.sub(a, c), above);
    below = e.select(beyond, e.add(e.mul(a, c), 1), below);
    high = e.select(beyond, value, high);
    low = e.select(beyond, error, low);
  }
  const far = e.ge(a, FAR);
  above = e.select(far, -1, above);
  below = e.select(far, a, below);
  high = e.select(far, PI / 2, high);
  low = e.select(far, PI_LOW / 2, low);
  const t = e.div(above, below);
  const z = e.mul(t, t);
  const series = e.mul(t, e.mul(z, polynomial(e, z, ATAN)));
  return e.sub(high, e.sub(e.sub(series, low), t));
}

/** The arc tangent. */
export const atan: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) =>
  withSign(e, atanPositive(e, e.abs(x)), x)
);

/** The angle in [-pi, pi] of the point with coordinates `x` and `y`. */
export function atan2(e: Exprs, y: Expr, x: Expr): Expr {
  if (x.ty === "f32") {
    return e.convert(atan2(e, e.convert(y, "f64"), e.convert(x, "f64")), "f32");
  }
  const ax = e.abs(x), ay = e.abs(y);
  // 0 / 0 counts as 0, and inf / inf as 1.
  const even = e.and(e.eq(ax, ay), e.or(e.eq(ax, 0), e.eq(ax, Infinity)));
  const ratio = e.div(ay, ax);
  const angle = atanPositive(e, e.select(even, e.atMost(ay, 1), ratio));
  // The sign of zeros too.
  const negative = (v: Expr): Expr => e.lt(e.high(v), 0);
  const turned = e.sub(PI, e.sub(angle, PI_LOW));
  const upper = e.select(negative(x), turned, angle);
  return e.select(negative(y), e.neg(upper), upper);
}
