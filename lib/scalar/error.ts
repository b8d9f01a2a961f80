/**
 * The error function and its complements.
 *
 * For `f64` methods and coefficients are those of FreeBSD's msun (s_erf.c); `f32` has minimax
 * polynomials of its own.
 *
 * The inverse of the error function.
 *
 * @module
 */
import { expOfPair, fastTwoSum, inDouble, polynomial, twoProduct, twoSum } from "./exponential.ts";
import { INVERSE_DOUBLE, INVERSE_SINGLE } from "./constants.ts";
import { exp, log } from "./elementary.ts";
import type { Expr, Exprs } from "./expr.ts";

/** A quotient of polynomials, highest coefficients first. */
interface Quotient {
  readonly above: readonly number[];
  readonly below: readonly number[];
}

/** erf(x) / x - 1 in x^2, below 27/32. */
const NEAR: Quotient = {
  above: [
    -2.37630166566501626084e-05,
    -5.77027029648944159157e-03,
    -2.84817495755985104766e-02,
    -3.25042107247001499370e-01,
    1.28379167095512558561e-01,
  ],
  below: [
    -3.96022827877536812320e-06,
    1.32494738004321644526e-04,
    5.08130628187576562776e-03,
    6.50222499887672944485e-02,
    3.97917223959155352819e-01,
    1,
  ],
};

/** erf(1 + s) less the number, from 27/32 to 5/4. */
const MIDDLE: Quotient = {
  above: [
    -2.16637559486879084300e-03,
    3.54783043256182359371e-02,
    -1.10894694282396677476e-01,
    3.18346619901161753674e-01,
    -3.72207876035701323847e-01,
    4.14856118683748331666e-01,
    -2.36211856075265944077e-03,
  ],
  below: [
    1.19844998467991074170e-02,
    1.36370839120290507362e-02,
    1.26171219808761642112e-01,
    7.18286544141962662868e-02,
    5.40397917702171048937e-01,
    1.06420880400844228286e-01,
    1,
  ],
};
const ERF_1 = 8.45062911510467529297e-01;

/** log(x erfc(x)) + x^2 + 9/16 in 1 / x^2, from 5/4 to 20/7, and beyond. */
const FAR: Quotient = {
  above: [
    -9.81432934416914548592e+00,
    -8.12874355063065934246e+01,
    -1.84605092906711035994e+02,
    -1.62396669462573470355e+02,
    -6.23753324503260060396e+01,
    -1.05586262253232909814e+01,
    -6.93858572707181764372e-01,
    -9.86494403484714822705e-03,
  ],
  below: [
    -6.04244152148580987438e-02,
    6.57024977031928170135e+00,
    1.08635005541779435134e+02,
    4.29008140027567833386e+02,
    6.45387271733267880336e+02,
    4.34565877475229228821e+02,
    1.37657754143519042600e+02,
    1.96512716674392571292e+01,
    1,
  ],
};
const TAIL: Quotient = {
  above: [
    -4.83519191608651397019e+02,
    -1.02509513161107724954e+03,
    -6.37566443368389627722e+02,
    -1.60636384855821916062e+02,
    -1.77579549177547519889e+01,
    -7.99283237680523006574e-01,
    -9.86494292470009928597e-03,
  ],
  below: [
    -2.24409524465858183362e+01,
    4.74528541206955367215e+02,
    2.55305040643316442583e+03,
    3.19985821950859553908e+03,
    1.53672958608443695994e+03,
    3.25792512996573918826e+02,
    3.03380607434824582924e+01,
    1,
  ],
};

/**
 * erf(x) / x - 1 in x^2 below 7/8, and log(erfc(x)) in x from there to where erf is 1; for `f32`.
 */
const SINGLE_NEAR = [
  -0.0006222425145097077,
  0.00503587257117033,
  -0.026793954893946648,
  0.11282524466514587,
  -0.3761255741119385,
  0.12837915122509003,
];
const SINGLE_FAR = [
  0.00019989701104350388,
  -0.003081954549998045,
  0.022380869835615158,
  -0.10424987971782684,
  -0.6368210315704346,
  -1.1278891563415527,
  -0.0001442575448891148,
];

/** The ends of the pieces. */
const NEAR_END = 0.84375;
const MIDDLE_END = 1.25;
const FAR_END = 2.857142857142857; // 20 / 7

/** What the functions have in common at the size `a` of an `f64`. */
interface Pieces {
  /** Whether `a` is in the first piece, and whether in the first two. */
  readonly near: Expr;
  readonly middle: Expr;
  /** The quotient of the piece in which `a` is. */
  readonly quotient: Expr;
  /** 1 / a from where the third piece begins. */
  readonly reciprocal: Expr;
}

function pieces(e: Exprs, a: Expr): Pieces {
  const near = e.lt(a, NEAR_END), middle = e.lt(a, MIDDLE_END), far = e.lt(a, FAR_END);
  const reciprocal = e.div(1, e.atLeast(a, MIDDLE_END));
  const square = e.mul(a, a), apart = e.sub(a, 1), w = e.mul(reciprocal, reciprocal);
  const part = (side: keyof Quotient): Expr => {
    const far2 = e.select(far, polynomial(e, w, FAR[side]), polynomial(e, w, TAIL[side]));
    const middle2 = e.select(middle, polynomial(e, apart, MIDDLE[side]), far2);
    return e.select(near, polynomial(e, square, NEAR[side]), middle2);
  };
  return { near, middle, quotient: e.div(part("above"), part("below")), reciprocal };
}

/** erfc(a) from 5/4. */
function complementFar(e: Exprs, a: Expr, { quotient, reciprocal }: Pieces): Expr {
  const bounded = e.atMost(a, 30);
  const square = twoProduct(e, bounded, bounded);
  // -a^2 - 9/16 + quotient, of which each part is smaller than what is in front of it.
  const base = twoSum(e, e.neg(square.high), e.constant(-0.5625, "f64"));
  const { high, low } = fastTwoSum(e, base.high, quotient);
  const more = e.add(low, e.sub(base.low, square.low));
  return e.mul(expOfPair(e, { high, low: more }), reciprocal);
}

/** The error function. */
export function erf(e: Exprs, x: Expr): Expr {
  const a = e.abs(x);
  if (x.ty === "f32") {
    const near = e.add(e.mul(x, polynomial(e, e.mul(x, x), SINGLE_NEAR)), x);
    const tail = exp(e, polynomial(e, e.atMost(a, 4), SINGLE_FAR));
    const far = e.sub(1, tail);
    return e.select(e.lt(a, 0.875), near, e.select(e.lt(x, 0), e.neg(far), far));
  }
  const parts = pieces(e, a);
  const near = e.add(x, e.mul(x, parts.quotient));
  const far = e.sub(1, complementFar(e, a, parts));
  const size = e.select(parts.middle, e.add(parts.quotient, ERF_1), far);
  return e.select(parts.near, near, e.select(e.lt(x, 0), e.neg(size), size));
}

/** `1 - erf(x)`, with all digits in the tail too. */
export const erfc: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x), negative = e.lt(x, 0);
  const parts = pieces(e, a);
  const small = e.mul(x, parts.quotient);
  // 1 - x is exact from 1/2, as far as it matters.
  const sum = twoSum(e, e.sub(x, 0.5), small);
  const near = e.select(
    e.lt(x, 0.25),
    e.sub(1, e.add(x, small)),
    e.sub(e.sub(0.5, sum.high), sum.low),
  );
  const middle = e.select(
    negative,
    e.add(e.add(parts.quotient, ERF_1), 1),
    e.sub(1 - ERF_1, parts.quotient),
  );
  const tail = complementFar(e, a, parts);
  const far = e.select(negative, e.sub(2, tail), tail);
  return e.select(parts.near, near, e.select(parts.middle, middle, far));
});

/** `erfc(x) e^(x^2)`, which does not underflow. */
export const erfcx: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x);
  const bounded = e.atMost(a, 30);
  const power = expOfPair(e, twoProduct(e, bounded, bounded));
  const { near, middle, quotient, reciprocal } = pieces(e, a);
  const small = e.sub(e.sub(1, x), e.mul(x, quotient));
  const inside = e.mul(power, e.select(near, small, e.sub(1 - ERF_1, quotient)));
  const tail = e.mul(exp(e, e.sub(quotient, 0.5625)), reciprocal);
  const right = e.select(middle, inside, tail);
  const reflected = e.and(e.lt(x, 0), e.not(near));
  return e.select(reflected, e.sub(e.mul(power, 2), right), right);
});

/**
 * The inverse of the error function: infinite at -1 and 1, NaN beyond. Of `f32`, with x^2 rounded
 * as in XLA, so that normal random numbers agree with JAX's far out too.
 */
export function erfInv(e: Exprs, x: Expr): Expr {
  const wide = x.ty === "f64";
  const rest = wide ? e.mul(e.sub(1, x), e.add(x, 1)) : e.sub(1, e.mul(x, x));
  const w = e.neg(log(e, rest));
  const root = e.sqrt(w);
  const pieces = wide ? INVERSE_DOUBLE : INVERSE_SINGLE;
  const values = pieces.map(({ shift, coefficients }, i) =>
    polynomial(e, e.sub(i === 0 ? w : root, shift), coefficients)
  );
  let value = values.at(-1)!;
  for (let i = pieces.length - 2; i >= 0; i--) {
    value = e.select(e.lt(w, pieces[i]!.below), values[i]!, value);
  }
  // At |x| = 1, w is infinite and the polynomial may be NaN.
  return e.mul(x, e.select(e.eq(e.abs(x), 1), Infinity, value));
}
