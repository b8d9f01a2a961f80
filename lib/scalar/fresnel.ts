/**
 * Fresnel's integrals, by minimax polynomials of our own.
 *
 * Far from 0 they are put together by the auxiliary functions f and g, which do not oscillate (M.
 * Abramowitz and I. Stegun, Handbook of Mathematical Functions, 7.3).
 *
 * @module
 */
import { type Arithmetic, type Piece, piece } from "./arithmetic.ts";

/** S(x) / x^3 in x^4, to x = 1.6. */
const S_NEAR: Piece = {
  middle: 3.2768,
  scale: 0.30517578125,
  above: [
    -1.9833268953937932e-06,
    0.00012380804868402016,
    -0.0029437146833594047,
    0.031761461824438536,
    -0.1429188804109413,
    0.2889393626408461,
  ],
  below: [
    6.394980617556315e-08,
    5.263905380458337e-06,
    0.00023044881951695526,
    0.006497026914452502,
    0.11496104035465769,
    1.0,
  ],
};

/** C(x) / x in x^4, to x = 1.6. */
const C_NEAR: Piece = {
  middle: 3.2768,
  scale: 0.30517578125,
  above: [
    6.197078301622036e-07,
    -4.713992535334416e-05,
    0.0014185170090830646,
    -0.020189813027958664,
    0.13263508951939676,
    -0.3040653415398995,
    0.4434581121445708,
  ],
  below: [
    3.2996321331671976e-08,
    3.192531734717551e-06,
    0.00016146534055440386,
    0.00518394115767713,
    0.10321100247844377,
    1.0,
  ],
};

/** pi x f(x) in 1 / x^4, from 1.6 to 2.4. */
const F_NEAR: Piece = {
  middle: 0.09136435426311729,
  scale: 16.33358769230769,
  above: [
    3.96444640480096e-11,
    -7.62856464310655e-11,
    -7.995792560273722e-11,
    1.4895717681362818e-10,
    2.9144710668046517e-10,
    -5.746175363308703e-10,
    3.348424258118781e-10,
    -7.586598823206564e-10,
    2.4682669555982397e-09,
    -5.460306218308987e-09,
    1.1944135871694465e-08,
    -2.7970536249548616e-08,
    6.773301925301651e-08,
    -1.6967266441307043e-07,
    4.443117740068675e-07,
    -1.2290762860852064e-06,
    3.6437178099172825e-06,
    -1.1829481016254671e-05,
    4.3523537527122805e-05,
    -0.000192600406354378,
    0.001153697454831087,
    -0.0125677041293306,
    0.9776440660799022,
  ],
  below: null,
};

/** The same from 2.4. */
const F_FAR: Piece = {
  middle: 0.015070408950617283,
  scale: 66.3552,
  above: [
    -1.913863750315118e-11,
    2.935438271353193e-11,
    5.953831315498666e-11,
    -8.900526338839217e-11,
    -1.1547194009011464e-10,
    1.7781639326235144e-10,
    5.60786609508035e-11,
    -6.475199563586832e-11,
    -2.236160550946589e-10,
    4.3980314837086343e-10,
    -7.704445819489108e-10,
    1.833323679198224e-09,
    -4.694080140567262e-09,
    1.2764882490712819e-08,
    -3.820425739171936e-08,
    1.2905754810235418e-07,
    -5.096529763268753e-07,
    2.4851595219172274e-06,
    -1.6378332227853817e-05,
    0.0001722266054789305,
    -0.00417355545823278,
    0.9956346567311994,
  ],
  below: null,
};

/** pi^2 x^3 g(x) in 1 / x^4, from 1.6 to 2.4. */
const G_NEAR: Piece = {
  middle: 0.09136435426311729,
  scale: 16.33358769230769,
  above: [
    2.7255364883757004e-10,
    -5.080893972970369e-10,
    -7.504194044189845e-10,
    1.3759942397933008e-09,
    2.1504422940238597e-09,
    -4.045022250203948e-09,
    2.1618876238576943e-10,
    -7.729994319185301e-10,
    9.846866633262258e-09,
    -2.0221823096341733e-08,
    3.705703033992701e-08,
    -8.015746100179218e-08,
    1.7929599243021327e-07,
    -4.0405593584225436e-07,
    9.347864277264579e-07,
    -2.2345603376526022e-06,
    5.548082885589544e-06,
    -1.4425637700743116e-05,
    3.973633399966042e-05,
    -0.0001179179453086687,
    0.0003868356354217372,
    -0.0014645971250630454,
    0.006934248277969598,
    -0.04906514795513103,
    0.902624539892514,
  ],
  below: null,
};

/** The same from 2.4. */
const G_FAR: Piece = {
  middle: 0.015070408950617283,
  scale: 66.3552,
  above: [
    -2.9780298050775224e-10,
    4.211369980708587e-10,
    1.3344165480951316e-09,
    -1.8698996093906293e-09,
    -2.922359781104019e-09,
    4.100465360581381e-09,
    3.507975764778207e-09,
    -4.863630938957133e-09,
    -3.2718085974477806e-09,
    4.7024484481253006e-09,
    4.3960045306488274e-10,
    -3.253122222017889e-11,
    -4.834934513886227e-09,
    9.503274258656921e-09,
    -1.8432291748962112e-08,
    4.143494359294606e-08,
    -9.896217489911842e-08,
    2.5222161072409107e-07,
    -6.99682997316698e-07,
    2.1567224575474116e-06,
    -7.605309380027813e-06,
    3.205465225655101e-05,
    -0.00017315576754663522,
    0.0013534994625753935,
    -0.01948996444732078,
    0.9789404348982683,
  ],
  below: null,
};

/** Where the auxiliary functions begin. */
const FRESNEL_FROM = 1.6;
/** From here on, nothing is left of the oscillation. */
const FLAT = 1e17;

/** `1/2 - S` and `1/2 - C` at a positive number. */
function remainders<V>(m: Arithmetic<V>, a: V): { readonly sine: V; readonly cosine: V } {
  const square = m.mul(a, a);
  const r = m.div(1, square);
  const u = m.mul(r, r);
  const isNear = m.less(a, 2.4);
  const first = m.div(
    m.mul(m.where(isNear, piece(m, u, F_NEAR), piece(m, u, F_FAR)), 1 / Math.PI),
    a,
  );
  const second = m.div(
    m.mul(m.where(isNear, piece(m, u, G_NEAR), piece(m, u, G_FAR)), 1 / Math.PI ** 2),
    m.mul(square, a),
  );
  // The square of a whole number is 0 or 1 modulo 4: what is left of x^2 is small, and known well.
  const whole = m.floor(m.where(m.less(a, FLAT), a, 0));
  const half = m.mul(whole, 0.5);
  const isOdd = m.less(m.floor(half), half);
  const rest = m.mul(m.sub(a, whole), m.add(a, whole));
  const angle = m.mul(m.sub(rest, m.mul(m.floor(m.mul(rest, 0.25)), 4)), Math.PI / 2);
  const [s, c] = [m.sin(angle), m.cos(angle)];
  // A quarter of a turn more where the whole number is odd.
  const sin = m.where(isOdd, c, s), cos = m.where(isOdd, m.neg(s), c);
  return {
    sine: m.add(m.mul(first, cos), m.mul(second, sin)),
    cosine: m.sub(m.mul(second, cos), m.mul(first, sin)),
  };
}

function fresnel<V>(m: Arithmetic<V>, x: V, near: V, rest: (a: V) => V): V {
  const a = m.abs(x);
  const far = m.where(m.less(a, FLAT), m.sub(0.5, rest(a)), 0.5);
  const signed = m.where(m.less(x, 0), m.neg(far), far);
  return m.where(m.less(FRESNEL_FROM, a), signed, near);
}

/** The integral of `sin(pi t^2 / 2)` from 0 to `x`. */
export function fresnelSine<V>(m: Arithmetic<V>, x: V): V {
  const square = m.mul(x, x);
  const near = m.mul(m.mul(square, x), piece(m, m.mul(square, square), S_NEAR));
  return fresnel(m, x, near, (a) => remainders(m, a).sine);
}

/** The integral of `cos(pi t^2 / 2)` from 0 to `x`. */
export function fresnelCosine<V>(m: Arithmetic<V>, x: V): V {
  const square = m.mul(x, x);
  const near = m.mul(x, piece(m, m.mul(square, square), C_NEAR));
  return fresnel(m, x, near, (a) => remainders(m, a).cosine);
}
