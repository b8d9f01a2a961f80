/**
 * Inverse trigonometric functions: asin, acos, atan and atan2. Those of `f32` are computed as
 * `f64`.
 *
 * Methods and coefficients are those of FreeBSD's msun (e_asin.c, e_acos.c, s_atan.c, e_atan2.c).
 *
 * @module
 */
import { inDouble, polynomial, withSign } from "./algebra.ts";
import type { Expr, Exprs } from "./expr.ts";

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
  [7 / 16, 0.5, 4.63647609000806093515e-01, 2.26987774529616870924e-17],
  [11 / 16, 1, 7.85398163397448278999e-01, 3.06161699786838301793e-17],
  [19 / 16, 1.5, 9.82793723247329054082e-01, 1.39033110312309984516e-17],
] as const;

/** Beyond, atan(x) = pi/2 + atan(-1 / x). */
const FAR = 39 / 16;

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
