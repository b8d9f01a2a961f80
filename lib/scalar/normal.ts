/**
 * The normal distribution: its distribution function, the logarithm of that, and its quantiles.
 *
 * @module
 */
import { inDouble, twoProduct } from "./algebra.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { erfc, erfcx } from "./error.ts";
import { expOfPair } from "./exponential.ts";
import type { Expr, Exprs } from "./expr.ts";
import { log, log1p } from "./log.ts";
import { type Piece, piece } from "./pieces.ts";

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
