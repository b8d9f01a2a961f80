/**
 * Owen's T function, by Gauss-Legendre quadrature.
 *
 * T(h, a) is the integral of `e^(-h^2 (1 + t^2) / 2) / (1 + t^2)` from 0 to `a`, over 2 pi (D. B. Owen,
 * Tables for computing bivariate normal probabilities, Ann. Math. Statist. 27, 1956).
 *
 * @module
 */
import type { Arithmetic } from "./arithmetic.ts";

// Nodes and weights of order 42 for even functions: squares of the positive nodes, and weights over 2 pi.
const SQUARES = [
  0.0013652244010363957,
  0.012242322045974101,
  0.03375921408665078,
  0.06544647122079038,
  0.1066127795359121,
  0.15636002276450464,
  0.2136028763068298,
  0.2770924855456223,
  0.34544371187293316,
  0.417165352017224,
  0.49069267139845796,
  0.5644215417695899,
  0.6367434384357133,
  0.7060805336662784,
  0.7709201210132925,
  0.8298476203974036,
  0.8815774465561458,
  0.9249810768157459,
  0.9591117481005927,
  0.9832255187534148,
  0.9968017991995018,
];
const WEIGHTS = [
  0.011755857995747902,
  0.011691651584670964,
  0.011563589436202417,
  0.011372370982520929,
  0.011119040594388334,
  0.010804981877416004,
  0.010431910115719837,
  0.010001862904344606,
  0.009517189021825788,
  0.008980535604057682,
  0.008394833690310332,
  0.007763282222007059,
  0.007089330585406644,
  0.006376659802618026,
  0.005629162497750473,
  0.00485092181902957,
  0.004046189676606081,
  0.003219365430132855,
  0.0023749806774449444,
  0.0015177365994365598,
  0.0006534899742583267,
];

/** In units of 1 / h, where nothing is left of the integrand. */
const WIDTH = 8.6;
/** Where nothing is left of the function. */
const FAR = 60;

/** `e^(-x^2 / 2)` for `x` from 0 to 60, of parts of x that have few digits: rounding errors would multiply. */
function gaussian<V>(m: Arithmetic<V>, x: V): V {
  const whole = m.div(m.floor(m.mul(x, 16)), 16);
  const rest = m.mul(m.sub(x, whole), m.add(x, whole));
  return m.mul(m.exp(m.mul(m.mul(whole, whole), -0.5)), m.exp(m.mul(rest, -0.5)));
}

/** T(h, a) for `h >= 0` and `0 <= a <= 1`. */
function quadrature<V>(m: Arithmetic<V>, h: V, a: V): V {
  const isWide = m.less(m.mul(h, a), WIDTH);
  const [end, exponent] = [
    m.where(isWide, a, m.div(WIDTH, h)),
    m.where(isWide, m.mul(h, a), WIDTH),
  ];
  const square = m.mul(end, end), half = m.mul(m.mul(exponent, exponent), -0.5);
  let sum: V | null = null;
  SQUARES.forEach((node, i) => {
    const power = m.exp(m.mul(half, node));
    const term = m.mul(m.div(power, m.add(m.mul(square, node), 1)), WEIGHTS[i]!);
    sum = sum === null ? term : m.add(sum, term);
  });
  return m.mul(m.mul(gaussian(m, h), end), sum!);
}

/**
 * T(h, a), given the normal distribution function: beyond `a = 1` it is
 * `(Q(h) + Q(a h)) / 2 - Q(h) Q(a h) - T(a h, 1 / a)`, where Q(x) is that of `-x`.
 */
export function owensT<V>(m: Arithmetic<V>, h: V, a: V, ndtr: (x: V) => V): V {
  // Beyond, nothing is left. Where h is 0, the product with an infinite slope may be any number.
  const bounded = (x: V): V => m.where(m.less(x, FAR), x, FAR);
  const [x, slope] = [bounded(m.abs(h)), m.abs(a)];
  const isSteep = m.less(1, slope);
  const product = bounded(m.mul(x, slope));
  const inside = quadrature(
    m,
    m.where(isSteep, product, x),
    m.where(isSteep, m.div(1, slope), slope),
  );
  const [q, r] = [ndtr(m.neg(x)), ndtr(m.neg(product))];
  const outside = m.sub(m.sub(m.mul(m.add(q, r), 0.5), m.mul(q, r)), inside);
  const size = m.where(isSteep, outside, inside);
  const known = m.where(m.and(m.equal(h, h), m.equal(a, a)), size, NaN);
  // Last, as a choice may lose the sign of a zero.
  return m.mul(known, m.where(m.less(a, 0), -1, 1));
}
