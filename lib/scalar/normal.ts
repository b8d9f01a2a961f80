/**
 * The normal distribution: its distribution function, the logarithm of that, and its quantiles.
 *
 * Owen's T function, by Gauss-Legendre quadrature.
 *
 * T(h, a) is the integral of `e^(-h^2 (1 + t^2) / 2) / (1 + t^2)` from 0 to `a`, over 2 pi (D. B. Owen,
 * Tables for computing bivariate normal probabilities, Ann. Math. Statist. 27, 1956).
 *
 * @module
 */
import { expOfPair, inDouble, twoProduct } from "./exponential.ts";
import { type Arithmetic, type Piece, piece } from "./arithmetic.ts";
import { log, log1p } from "./elementary.ts";
import { erfc, erfcx } from "./error.ts";
import type { Expr, Exprs } from "./expr.ts";

/** The normal distribution function, with all digits in the tail too. */
export const ndtr: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const z = e.mul(x, -Math.SQRT1_2);
  // The rounding error of z would multiply with 2 z^2: e^(-x^2 / 2) is computed of x itself.
  const bounded = e.atLeast(x, -40);
  const { high, low } = twoProduct(e, e.mul(bounded, -0.5), bounded);
  const tail = e.mul(expOfPair(e, { high, low }), e.mul(erfcx(e, z), 0.5));
  return e.select(e.lt(x, -1), tail, e.mul(erfc(e, z), 0.5));
});

/** Its logarithm. */
export const logNdtr: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const z = e.mul(x, -Math.SQRT1_2);
  const below = e.sub(log(e, e.mul(erfcx(e, z), 0.5)), e.mul(e.mul(x, x), 0.5));
  const above = log1p(e, e.neg(ndtr(e, e.neg(x))));
  return e.select(e.lt(x, -1), below, above);
});

/** The quantile of 1/2 + q divided by q, in q^2, to q = 0.3. */
const CENTRE: Piece = {
  middle: 0.045,
  scale: 22.22222222222222,
  above: [
    7.1140843961889835e-12,
    3.4848912292852265e-11,
    1.431485023420636e-10,
    7.107467896469687e-10,
    3.601290942720755e-09,
    1.81645172954445e-08,
    9.25459568055685e-08,
    4.778282087727234e-07,
    2.5073357300205904e-06,
    1.3435016523188512e-05,
    7.404250223802577e-05,
    0.000424632133334969,
    0.002587452884640263,
    0.017484795058408296,
    0.1467238196192381,
    2.638092834323769,
  ],
  below: null,
};

/** The same from 0.3 to 0.425. */
const SIDE: Piece = {
  middle: 0.1353125,
  scale: 22.06896551724138,
  above: [
    2.338488591260501e-10,
    6.215022251575944e-10,
    3.6950164384924567e-10,
    1.0038889427216918e-09,
    5.793699461429265e-09,
    1.5627319718817925e-08,
    3.82234571027436e-08,
    1.042578605633376e-07,
    2.8936763187376153e-07,
    7.984136830054215e-07,
    2.2176625827921956e-06,
    6.220121450076827e-06,
    1.7635192581177523e-05,
    5.066249581464079e-05,
    0.00014799079873881828,
    0.0004417720771580583,
    0.001357972172252962,
    0.0043523992741184726,
    0.01487509670735221,
    0.056802209809587174,
    0.2744631339216795,
    3.0346143086506574,
  ],
  below: null,
};

/** The quantile of e^(-r^2) divided by -r, in log(r), from r = 1.6 to 4. */
const TAIL: Piece = {
  middle: 0.9281489951828131,
  scale: 2.182713335874583,
  above: [
    4.6710126415188564e-12,
    -5.571399897670152e-12,
    -1.5274518804693048e-10,
    7.921761672534998e-11,
    1.0714350797014977e-08,
    -1.1174986978645963e-07,
    1.2945572544561865e-06,
    -1.9892892482056197e-05,
    0.0002507428647949768,
    -0.0022795196883292545,
    0.014783413736773079,
    -0.06632470767102587,
    0.1873080937328377,
    1.1606159816045498,
  ],
  below: null,
};

/** The same from 4 to 28. */
const FAR_TAIL: Piece = {
  middle: 2.359249435647547,
  scale: 1.0277966847395015,
  above: [
    1.2525585972347518e-12,
    -4.533624566997393e-11,
    1.544371993914488e-10,
    2.3297249165678355e-11,
    -1.575605914071814e-09,
    5.947069967774581e-09,
    -9.346200392637762e-09,
    -2.081971035433546e-08,
    1.5225260730647096e-07,
    1.9420102375821086e-07,
    -8.52878823583159e-06,
    7.528891420453608e-05,
    -0.0004403325178804658,
    0.0019411048315306817,
    -0.006606995025602856,
    0.017092223932146856,
    -0.0319617819350326,
    0.03875493193763964,
    1.391216530836553,
  ],
  below: null,
};

/** The quantiles of the normal distribution; NaN beyond 0 and 1. */
export function ndtri<V>(m: Arithmetic<V>, p: V): V {
  const q = m.sub(p, 0.5);
  const isUpper = m.less(0, q);
  const small = m.where(isUpper, m.sub(1, p), p);
  const r = m.sqrt(m.neg(m.log(small)));
  const place = m.log(r);
  const size = m.mul(r, m.where(m.less(r, 4), piece(m, place, TAIL), piece(m, place, FAR_TAIL)));
  const known = m.where(m.less(0, small), size, m.where(m.less(small, 0), NaN, Infinity));
  const tail = m.where(isUpper, known, m.neg(known));
  const [square, a] = [m.mul(q, q), m.abs(q)];
  const centre = m.where(m.less(a, 0.3), piece(m, square, CENTRE), piece(m, square, SIDE));
  return m.where(m.less(0.425, a), tail, m.mul(q, centre));
}

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
