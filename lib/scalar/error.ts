/**
 * The error function and its complements.
 *
 * For `f64` methods and coefficients are those of FreeBSD's msun (s_erf.c); `f32` has minimax
 * polynomials of its own.
 *
 * @module
 */
import { fastTwoSum, inDouble, polynomial, twoProduct, twoSum } from "./algebra.ts";
import { exp } from "./exp.ts";
import { expOfPair } from "./exponential.ts";
import type { Expr, Exprs } from "./expr.ts";

/** A quotient of polynomials, highest coefficients first. */
interface Quotient {
  readonly above: readonly number[];
  readonly below: readonly number[];
}

function quotient(e: Exprs, x: Expr, { above, below }: Quotient): Expr {
  return e.div(polynomial(e, x, above), polynomial(e, x, below));
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

/** erf(x) - x for small x. */
function beyondX(e: Exprs, x: Expr): Expr {
  return e.mul(x, quotient(e, e.mul(x, x), NEAR));
}

/** log(a erfc(a)) + a^2 + 9/16 from 5/4. */
function exponent(e: Exprs, a: Expr): Expr {
  const w = e.div(1, e.mul(a, a));
  // Beyond this the quotient is that of 0.
  return e.select(e.lt(a, 1 / 0.35), quotient(e, e.max(w, 0.1), FAR), quotient(e, w, TAIL));
}

/** erfc(a) from 5/4. */
function complementFar(e: Exprs, a: Expr): Expr {
  const square = twoProduct(e, e.min(a, 30), e.min(a, 30));
  // -a^2 - 9/16 + quotient, of which each part is smaller than what is in front of it.
  const base = twoSum(e, e.neg(square.high), e.constant(-0.5625, "f64"));
  const { high, low } = fastTwoSum(e, base.high, exponent(e, a));
  const more = e.add(low, e.sub(base.low, square.low));
  return e.div(expOfPair(e, { high, low: more }), a);
}

/** The error function. */
export function erf(e: Exprs, x: Expr): Expr {
  const a = e.abs(x);
  if (x.ty === "f32") {
    const near = e.add(e.mul(x, polynomial(e, e.mul(x, x), SINGLE_NEAR)), x);
    const tail = exp(e, polynomial(e, e.min(a, 4), SINGLE_FAR));
    const far = e.sub(1, tail);
    return e.select(e.lt(a, 0.875), near, e.select(e.lt(x, 0), e.neg(far), far));
  }
  const near = e.add(x, beyondX(e, x));
  const middle = e.add(quotient(e, e.sub(a, 1), MIDDLE), ERF_1);
  const far = e.sub(1, complementFar(e, e.max(e.min(a, 6), 1.25)));
  const size = e.select(e.lt(a, 1.25), middle, far);
  return e.select(e.lt(a, 0.84375), near, e.select(e.lt(x, 0), e.neg(size), size));
}

/** `1 - erf(x)`, with all digits in the tail too. */
export const erfc: (e: Exprs, x: Expr) => Expr = inDouble((e, x) => {
  const a = e.abs(x);
  const small = beyondX(e, x);
  // 1 - x is exact from 1/2, as far as it matters.
  const sum = twoSum(e, e.sub(x, 0.5), small);
  const near = e.select(
    e.lt(x, 0.25),
    e.sub(1, e.add(x, small)),
    e.sub(e.sub(0.5, sum.high), sum.low),
  );
  const part = quotient(e, e.sub(a, 1), MIDDLE);
  const middle = e.select(e.lt(x, 0), e.add(e.add(part, ERF_1), 1), e.sub(1 - ERF_1, part));
  const tail = complementFar(e, e.max(a, 1.25));
  const far = e.select(e.lt(x, 0), e.sub(2, tail), tail);
  return e.select(e.lt(a, 0.84375), near, e.select(e.lt(a, 1.25), middle, far));
});

/** `erfc(x) e^(x^2)`, which does not underflow. */
export const erfcx: (e: Exprs, x: Expr) => Expr = inDouble((e, x) => {
  const a = e.abs(x);
  const negative = e.lt(x, 0);
  const bounded = e.min(a, 30);
  const power = expOfPair(e, twoProduct(e, bounded, bounded));
  const small = e.sub(e.sub(1, x), beyondX(e, x));
  const middle = e.sub(1 - ERF_1, quotient(e, e.sub(a, 1), MIDDLE));
  const near = e.mul(power, e.select(e.lt(a, 0.84375), small, middle));
  const b = e.max(a, 1.25);
  const scaledTail = e.div(exp(e, e.sub(exponent(e, b), 0.5625)), b);
  const right = e.select(e.lt(a, 1.25), near, scaledTail);
  const reflected = e.and(negative, e.ge(a, 0.84375));
  return e.select(reflected, e.sub(e.mul(power, 2), right), right);
});
