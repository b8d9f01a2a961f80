/**
 * Hypergeometric functions, as in `jax.scipy.special`, with derivatives of all orders by all operands.
 *
 * NIST Digital Library of Mathematical Functions, 13.2, 13.7, 15.2, 15.4, 15.8, 15.10. They are computed in
 * double precision, for all elements as many terms as the one that takes most.
 *
 * @module
 */
import { broadcastShapes, checkCall, type NDArray, type Operand } from "../../core/mod.ts";
import {
  abs,
  add,
  and,
  broadcastTo,
  convert,
  div,
  eq,
  exp,
  floor,
  ge,
  gt,
  isNaN,
  le,
  lt,
  maximum,
  minimum,
  mul,
  neg,
  not,
  onesLike,
  or,
  poch,
  pow,
  reduceMax,
  reduceOr,
  scalarLike,
  select,
  stopGradient,
  sub,
  zerosLike,
} from "../../primitives/mod.ts";
import { customJvp, jit, jvp, whileLoop } from "../../transforms/public.ts";
import { floatsOf } from "../operands.ts";

/** A function of arrays of one shape, in double precision. */
type Core = (...args: NDArray[]) => NDArray;

function number(value: number, x: NDArray): NDArray {
  return scalarLike(value, x);
}

function plus(x: NDArray, value: number): NDArray {
  return add(x, number(value, x));
}

function times(x: NDArray, value: number): NDArray {
  return mul(x, number(value, x));
}

function axesOf(x: NDArray): number[] {
  return x.shape.map((_, i) => i);
}

/** Whether a number is 0, -1, -2, ... */
function isPole(x: NDArray): NDArray {
  return and(le(x, number(0, x)), eq(floor(x), x));
}

/** Whether a series has a factor 0 below, of `c`, and none above before, of `a`. */
function isInfinite(a: NDArray, c: NDArray): NDArray {
  return and(isPole(c), not(and(isPole(a), gt(a, c))));
}

// ---------------------------------------------------------------- sums

/** Terms that double precision takes where each is half of the one before. */
const HALVES = 64;
/** What takes more terms than this is NaN. */
const MOST = 4000;

/** How many terms are summed, and of which elements these are enough. */
interface Count {
  readonly most: NDArray;
  readonly isEnough: NDArray;
}

function countOf(counts: NDArray): Count {
  const fixed = stopGradient(counts);
  const isEnough = lt(fixed, number(MOST, fixed));
  const bounded = select(isEnough, fixed, number(0, fixed));
  return {
    most: bounded.size === 0 ? number(0, fixed) : reduceMax(bounded, axesOf(bounded)),
    isEnough,
  };
}

/** The sum of terms, 1 at first, each the one before times `above / below`. */
function sumOfTerms(
  one: NDArray,
  { most, isEnough }: Count,
  ratio: (k: NDArray) => readonly [above: NDArray, below: NDArray],
): NDArray {
  const start = { k: number(0, one), term: one, sum: one };
  const { sum } = whileLoop(
    ({ k }: typeof start) => lt(k, most),
    ({ k, term, sum }: typeof start) => {
      const [above, below] = ratio(k);
      // After a term that is 0 all are, also where a factor below is.
      const isOver = and(eq(term, number(0, term)), eq(below, number(0, below)));
      const next = div(mul(term, above), select(isOver, number(1, below), below));
      return { k: plus(k, 1), term: next, sum: add(sum, next) };
    },
    start,
  );
  return select(isEnough, sum, number(NaN, sum));
}

// ---------------------------------------------------------------- 1F1

/** Terms of the expansion for large x. */
const FAR_TERMS = 45;

const confluent: Core = (a, b, x) => {
  // 1F1(a; b; x) = e^x 1F1(b - a; b; -x)
  const isNegative = lt(x!, number(0, x!));
  const size = select(isNegative, neg(x!), x!), one = onesLike(x!);
  const p = select(isNegative, sub(b!, a!), a!);
  // Gamma(b) / Gamma(p) e^x x^(p - b) (1 + (b - p) (1 - p) / x + ...), whose terms fall from the first on.
  const u = sub(b!, p), v = sub(one, p);
  const from = plus(add(times(abs(mul(u, v)), 4), times(add(abs(u), abs(v)), 2)), HALVES);
  const isFar = and(gt(size, stopGradient(from)), gt(p, number(0, p)));
  const large = select(isFar, size, one);
  let tail = one;
  for (let k = FAR_TERMS - 1; k >= 0; k--) {
    const factor = div(mul(plus(u, k), plus(v, k)), times(large, k + 1));
    tail = add(one, mul(factor, tail));
  }
  const above = select(isFar, p, one), below = select(isFar, b!, one);
  const gap = sub(below, above);
  const far = mul(mul(poch(above, gap), pow(large, neg(gap))), tail);
  // The series, whose terms halve from about 2 x on.
  const small = select(isFar, number(0, size), size);
  const count = add(times(small, 2), plus(times(add(abs(p), abs(b!)), 3), HALVES));
  const near = sumOfTerms(one, countOf(count), (k) => [
    mul(add(p, k), small),
    mul(add(b!, k), plus(k, 1)),
  ]);
  // Of e^x there is one factor too many or too few.
  const power = select(isNegative, neg(small), sub(size, small));
  const value = mul(exp(power), select(isFar, far, near));
  return select(isInfinite(a!, b!), number(Infinity, value), value);
};

/** The value, with all digits and without poles where it is known. */
const confluentValue: Core = (a, b, x) => {
  const value = select(eq(a!, b!), exp(x!), confluent(a!, b!, x!));
  return select(eq(a!, number(0, a!)), number(1, value), value);
};

// ---------------------------------------------------------------- 2F1

/** How many terms fall by half at least, after those that the numerators make grow. */
function halvesFor(...parameters: NDArray[]): Count {
  return countOf(plus(times(parameters.map((x) => abs(x)).reduce((x, y) => add(x, y)), 4), HALVES));
}

/** 2F1(a, b; c; 1 - gap) for gaps from 0 to 1, 0 excluded, and `near` = 1 - gap with all its digits. */
function onUnit(a: NDArray, b: NDArray, c: NDArray, near: NDArray, gap: NDArray): NDArray {
  const half = number(0.5, near), one = onesLike(near);
  const count = halvesFor(a, b, c);
  // Up to 1/2 the series, and its derivative times 1 - x.
  const first = minimum(near, half), start = maximum(gap, half);
  const value = sumOfTerms(one, count, (k) => [
    mul(mul(add(a, k), add(b, k)), first),
    mul(add(c, k), plus(k, 1)),
  ]);
  const slope = sumOfTerms(one, count, (k) => [
    mul(mul(plus(add(a, k), 1), plus(add(b, k), 1)), first),
    mul(plus(add(c, k), 1), plus(k, 1)),
  ]);
  const rate = mul(div(mul(a, b), c), mul(slope, start));
  // From there, halving the gap, Taylor series about the last point by the differential equation. Where
  // the gap is reached they have no steps.
  const carry = { left: broadcastTo(start, near.shape), value, rate };
  const end = whileLoop(
    ({ left }: typeof carry) => reduceOr(gt(left, gap), axesOf(left)),
    ({ left, value, rate }: typeof carry) => {
      const next = maximum(gap, mul(left, half));
      const step = div(sub(left, next), left);
      const t = minimum(left, half);
      const s = sub(one, t);
      const constant = sub(c, mul(plus(add(a, b), 1), s)), linear = sub(t, s);
      const state = {
        k: number(0, near),
        now: value,
        then: rate,
        power: one,
        value,
        rate: zerosLike(rate),
      };
      const series = whileLoop(
        ({ k }: typeof state) => lt(k, count.most),
        ({ k, now, then, power, value, rate }: typeof state) => {
          const k1 = plus(k, 1);
          const above = sub(
            mul(mul(mul(add(a, k), add(b, k)), t), now),
            mul(mul(k1, add(mul(linear, k), constant)), then),
          );
          const after = div(above, mul(s, mul(k1, plus(k, 2))));
          const raised = mul(power, step);
          return {
            k: k1,
            now: then,
            then: after,
            power: raised,
            value: add(value, mul(then, raised)),
            rate: add(rate, mul(mul(k1, then), power)),
          };
        },
        state,
      );
      return { left: next, value: series.value, rate: mul(series.rate, sub(one, step)) };
    },
    carry,
  );
  return end.value;
}

const gauss: Core = (a, b, c, x) => {
  const one = onesLike(x!), zero = number(0, x!);
  const isFinal = ge(x!, one);
  // A polynomial is summed wherever it is.
  const isPolynomial = or(isPole(a!), isPole(b!));
  const isDirect = and(isFinal, isPolynomial);
  const direct = sumOfTerms(one, halvesFor(a!, b!), (k) => [
    mul(mul(add(a!, k), add(b!, k)), select(isDirect, x!, zero)),
    mul(add(c!, k), plus(k, 1)),
  ]);
  // F(a, b; c; x) = (1 - x)^-a F(a, c - b; c; x / (x - 1))
  const isNegative = lt(x!, zero);
  const turned = and(le(sub(c!, b!), zero), gt(sub(c!, a!), zero));
  const isSwapped = and(isNegative, turned);
  const p = select(isSwapped, b!, a!), q = select(isSwapped, a!, b!);
  const inner = select(isFinal, zero, x!);
  const rest = sub(one, inner);
  const near = select(isNegative, div(neg(inner), rest), inner);
  const gap = select(isNegative, div(one, rest), rest);
  const continued = onUnit(p, select(isNegative, sub(c!, q), q), c!, near, gap);
  const inside = mul(continued, select(isNegative, pow(rest, neg(p)), one));
  // At 1, Gamma(c) Gamma(c - a - b) / (Gamma(c - a) Gamma(c - b)).
  const room = sub(sub(c!, a!), b!);
  const isSum = and(eq(x!, one), gt(room, zero));
  const [sumA, sumC, sumRoom] = [a!, c!, room].map((v) => select(isSum, v, one));
  const whole = div(poch(sub(sumC!, sumA!), sumA!), poch(sumRoom!, sumA!));
  const beyond = select(isSum, whole, number(Infinity, whole));
  const value = select(isFinal, select(isPolynomial, direct, beyond), inside);
  const isBad = and(isInfinite(a!, c!), isInfinite(b!, c!));
  return select(isBad, number(Infinity, value), value);
};

// ---------------------------------------------------------------- derivatives

/** The `n`th derivative by `x`: `(a)_n / (c)_n` times the function with all parameters raised by `n`. */
function byNumber(core: Core, n: number): Core {
  if (n === 0) return core;
  return (...args) => {
    const parameters = args.slice(0, -1), below = parameters.at(-1)!;
    let factor = onesLike(below);
    for (let k = 0; k < n; k++) {
      for (const above of parameters.slice(0, -1)) factor = mul(factor, plus(above, k));
      factor = div(factor, plus(below, k));
    }
    return mul(factor, core(...parameters.map((p) => plus(p, n)), args.at(-1)!));
  };
}

/** A derivative by forward mode, of the orders given for each operand. */
function plainOf(core: Core, orders: readonly number[]): Core {
  const at = orders.findIndex((n) => n > 0);
  if (at === orders.length - 1) return byNumber(core, orders[at]!);
  if (at < 0) return core;
  const inner = plainOf(core, orders.with(at, orders[at]! - 1));
  return (...args) =>
    jvp(inner, args, args.map((x, i) => i === at ? onesLike(x) : zerosLike(x)))[1] as NDArray;
}

/**
 * The derivatives of a function, of the orders given for each operand, with rules that say theirs. The value
 * itself may have a function of its own.
 */
function derivatives(core: Core, own: Core = core): (orders: readonly number[]) => Core {
  const made = new Map<string, Core>();
  const derivative = (orders: readonly number[]): Core => {
    const key = String(orders);
    let ruled = made.get(key);
    if (ruled === undefined) {
      const plain = orders.every((n) => n === 0) ? own : plainOf(core, orders);
      // Its loops have hundreds of short steps, which eager code would take one by one.
      const self: Core = ruled = customJvp(
        jit((...args: NDArray[]): NDArray => plain(...args)),
        (args: NDArray[], tangents: NDArray[]): [NDArray, NDArray] => {
          const terms = tangents.map((t, i) =>
            mul(derivative(orders.with(i, orders[i]! + 1))(...args), t)
          );
          return [self(...args), terms.reduce((x, y) => add(x, y))];
        },
      ) as Core;
      made.set(key, ruled);
    }
    return ruled;
  };
  return derivative;
}

const confluentOf = /* @__PURE__ */ derivatives(confluent, confluentValue);
const gaussOf = /* @__PURE__ */ derivatives(gauss);

/** Operands as `floatsOf` has them, of one shape and in double precision; the result as they were. */
function inDouble(
  op: string,
  core: Core,
  values: readonly Operand[],
  names: readonly string[],
): NDArray {
  const given = floatsOf(op, values, names);
  const { dtype } = given[0]!;
  const shape = given.map((x) => x.shape).reduce((a, b) => broadcastShapes(op, a, b));
  const wide = given.map((x) => broadcastTo(convert(x, "float64"), shape));
  const value = core(...wide);
  const isKnown = wide.map((x) => not(isNaN(x))).reduce((a, b) => and(a, b));
  return convert(select(isKnown, value, number(NaN, value)), dtype);
}

/**
 * The confluent hypergeometric function 1F1(a; b; x), elementwise, as `jax.scipy.special.hyp1f1`: the sum of
 * `(a)_k / (b)_k x^k / k!`. Infinite where `b` is 0, -1, -2, ... and the sum does not end before; NaN where
 * it would take more than 4,000 terms, or `x` is below -700 and `a` above `b`.
 *
 * For `a` and `b` from 0 to 20, and `a` below `b` where `x` is negative, within 64 units in the last place and 4
 * more for each unit of the logarithm of the result; elsewhere terms of both signs cancel. So are its
 * derivatives by all operands.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.hyp1f1(1, 2, 1).item()); // 1.718281865119934, which is e - 1
 * ```
 */
export function hyp1f1(a: Operand, b: Operand, x: Operand): NDArray {
  if (arguments.length > 3) checkCall("hyp1f1(a, b, x)", arguments);
  return inDouble("hyp1f1", confluentOf([0, 0, 0]), [a, b, x], ["a", "b", "x"]);
}

/**
 * Gauss's hypergeometric function 2F1(a, b; c; x), elementwise, as `jax.scipy.special.hyp2f1`: the sum of
 * `(a)_k (b)_k / (c)_k x^k / k!`, continued to all `x` below 1. Infinite beyond 1 but where it is a
 * polynomial, and where `c` is 0, -1, -2, ... and the sum does not end before; NaN for parameters of whose
 * sizes the sum is more than 900.
 *
 * For parameters from 0 to 10, and `a` or `b` below `c` where `x` is negative, within 64 units in the last place
 * and 4 more for each unit of the logarithm of the result; elsewhere terms of both signs cancel. So are its
 * derivatives by all operands.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.hyp2f1(1, 1, 2, 0.5).item()); // 1.3862943649291992, which is 2 log(2)
 * ```
 */
export function hyp2f1(a: Operand, b: Operand, c: Operand, x: Operand): NDArray {
  if (arguments.length > 4) checkCall("hyp2f1(a, b, c, x)", arguments);
  return inDouble("hyp2f1", gaussOf([0, 0, 0, 0]), [a, b, c, x], ["a", "b", "c", "x"]);
}
