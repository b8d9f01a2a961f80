/**
 * Modified Bessel functions of the orders 0 and 1, scaled by `e^-|x|`: by their series where `x` is
 * small, and by minimax polynomials of our own.
 *
 * @module
 */
import { type Arithmetic, type Piece, piece, polynomialOf } from "./arithmetic.ts";

/** I0(x) in x^2 / 4, to x = 8. */
const NEAR_0 = [
  3.6454386812677436e-27,
  4.940670282542572e-25,
  1.35095827969477e-22,
  2.5698743857514957e-20,
  4.3600362269175774e-18,
  6.275862820937522e-16,
  7.594079950279469e-14,
  7.594056846699174e-12,
  6.151187413177668e-10,
  3.936759885673581e-08,
  1.9290123457790406e-06,
  6.944444444424399e-05,
  0.0017361111111113758,
  0.027777777777777565,
  0.2500000000000001,
  1.0,
  1.0,
];

/** 2 I1(x) / x in x^2 / 4, to x = 8. */
const NEAR_1 = [
  2.0903513298308396e-28,
  3.1590697545594773e-26,
  8.963806609001204e-24,
  1.837156865691237e-21,
  3.3535043207335216e-19,
  5.22994881944532e-17,
  6.903701192957936e-15,
  7.594057567711265e-13,
  6.834652632309533e-11,
  4.920949859540306e-09,
  2.755731922452985e-07,
  1.1574074074063174e-05,
  0.0003472222222222366,
  0.006944444444444433,
  0.08333333333333334,
  0.5,
  1.0,
];

/** sqrt(x) e^-x I0(x) in 1 / x, from x = 8. */
const FAR_0: Piece = {
  middle: 0.0625,
  scale: 16.0,
  above: [
    -2.4421972688131832e-11,
    9.114760157514253e-11,
    1.7698085539456536e-10,
    -6.494591114401118e-10,
    -6.327909921997027e-10,
    2.163681278413876e-09,
    1.6084886155781772e-09,
    -4.5305710768621196e-09,
    -3.5862834111582305e-09,
    6.522264862032271e-09,
    7.600254486433509e-09,
    -5.0175940345046716e-09,
    -1.3427511481900905e-08,
    -6.856484545962442e-09,
    7.559364098665437e-09,
    2.156780676115673e-08,
    3.932512321137824e-08,
    8.872014585661555e-08,
    2.9735992084667734e-07,
    1.4838476780922646e-06,
    1.114303378845176e-05,
    0.00013621607438951463,
    0.0033605519836678913,
    0.4021765094450081,
  ],
  below: null,
};

/** sqrt(x) e^-x I1(x) in 1 / x, from x = 8. */
const FAR_1: Piece = {
  middle: 0.0625,
  scale: 16.0,
  above: [
    2.2421768596847442e-11,
    -9.491890392992048e-11,
    -1.6283264322621244e-10,
    6.7727478454462e-10,
    5.870664618471487e-10,
    -2.2624401109204446e-09,
    -1.5218214060680734e-09,
    4.763780078020254e-09,
    3.501765193290176e-09,
    -6.9444186339873875e-09,
    -7.687251308765992e-09,
    5.5720183980930355e-09,
    1.4051746928735543e-08,
    6.84757829926934e-09,
    -8.432168972932417e-09,
    -2.3394122958362557e-08,
    -4.3128498031006734e-08,
    -1.0001075046243961e-07,
    -3.4838563464253135e-07,
    -1.8349102493990178e-06,
    -1.5038547198221758e-05,
    -0.00021923576383137776,
    -0.009749577193235765,
    0.38939845902587233,
  ],
  below: null,
};

/** Where the series end. */
const EDGE = 8;

/** What both orders have in common: of `|x|`, without the factor that makes the first order odd. */
function scaled<V>(
  m: Arithmetic<V>,
  a: V,
  near: readonly number[],
  far: Piece,
): { near: V; far: V } {
  const square = m.mul(m.mul(a, a), 0.25);
  const small = m.mul(m.exp(m.neg(a)), polynomialOf(m, square, near));
  return { near: small, far: m.div(piece(m, m.div(1, a), far), m.sqrt(a)) };
}

/** `I0(x)`. */
export function i0<V>(m: Arithmetic<V>, x: V): V {
  return m.mul(m.exp(m.abs(x)), i0e(m, x));
}

/** `I0(x) e^-|x|`. */
export function i0e<V>(m: Arithmetic<V>, x: V): V {
  const a = m.abs(x);
  const { near, far } = scaled(m, a, NEAR_0, FAR_0);
  return m.where(m.less(EDGE, a), far, near);
}

/** `I1(x) e^-|x|`. */
export function i1e<V>(m: Arithmetic<V>, x: V): V {
  const a = m.abs(x);
  const { near, far } = scaled(m, a, NEAR_1, FAR_1);
  const size = m.where(m.less(EDGE, a), far, m.mul(m.mul(x, 0.5), near));
  return m.mul(size, m.where(m.less(x, -EDGE), -1, 1));
}
