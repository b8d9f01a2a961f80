/**
 * Arithmetic on floats in general, so that a formula is written once for whatever it is to become:
 * scalar expressions, of which eager loops and vector code are made ({@linkcode ExprArithmetic}), nodes
 * of a graph (`primitives/elementwise/formula_graph.ts`), or values with their derivatives (`dual.ts`).
 *
 * Functions on intervals, as polynomials in a variable in which their rounded coefficients do no harm; and
 * logarithms around a number that is no float.
 *
 * @module
 */
import { exp, expm1, log, log1p, pow } from "./elementary.ts";
import { erfc } from "./error.ts";
import { Apart, type Expr, type Exprs } from "./expr.ts";
import { cos, sin } from "./trigonometry.ts";

/** What formulas are made of. Values and conditions are both `V`. */
export interface Arithmetic<V> {
  /** Binary digits of a value. */
  readonly digits: 24 | 53;
  /** A constant. */
  number(x: number): V;
  /** `x + y`. */
  add(x: V | number, y: V | number): V;
  /** `x - y`. */
  sub(x: V | number, y: V | number): V;
  /** `x y`. */
  mul(x: V | number, y: V | number): V;
  /** `x / y`. */
  div(x: V | number, y: V | number): V;
  /** `-x`. */
  neg(x: V): V;
  /** `|x|`. */
  abs(x: V): V;
  /** The square root. */
  sqrt(x: V): V;
  /** The greatest integer that is not above `x`. */
  floor(x: V): V;
  /** The nearest integer, the even one of two. */
  nearest(x: V): V;
  /** `e^x`. */
  exp(x: V): V;
  /** The natural logarithm. */
  log(x: V): V;
  /** The sine. */
  sin(x: V): V;
  /** The cosine. */
  cos(x: V): V;
  /** `log(1 + x)`. */
  log1p(x: V): V;
  /** `e^x - 1`. */
  expm1(x: V): V;
  /** `1 - erf(x)`. */
  erfc(x: V): V;
  /** `x^y` for positive `x`. */
  pow(x: V, y: V | number): V;
  /** `x < y`, a condition. */
  less(x: V | number, y: V | number): V;
  /** `x = y`, a condition. */
  equal(x: V | number, y: V | number): V;
  /** Both of two conditions. */
  and(a: V, b: V): V;
  /** One of two conditions or both. */
  or(a: V, b: V): V;
  /** Not a condition. */
  not(a: V): V;
  /** `condition ? x : y`; both are computed. The sign of a zero may be lost. */
  where(condition: V, x: V | number, y: V | number): V;
  /** `part` of `args` where a condition holds, which is seldom, and `usual` elsewhere. */
  seldom(condition: V, part: Part, args: readonly V[], usual: V): V;
}

/** A formula of one result. */
export type Formula = <V>(m: Arithmetic<V>, ...args: V[]) => V;

/** A formula that is seldom needed, so that no loop should make room for it. */
export class Part {
  #apart: Apart | null = null;

  /** One formula is one part: parts are told apart by their identity. */
  constructor(readonly formula: Formula) {}

  /** The function of scalars. */
  get apart(): Apart {
    const { formula } = this;
    return this.#apart ??= new Apart((e, ...args) => [
      formula<Expr>(new ExprArithmetic(e, args[0]!.ty as "f32" | "f64"), ...args),
    ]);
  }
}

/** Formulas as scalar expressions. */
export class ExprArithmetic implements Arithmetic<Expr> {
  /** Binary digits of a value. */
  readonly digits: 24 | 53;

  /** Formulas on values of a type of floats. */
  constructor(readonly e: Exprs, readonly ty: "f32" | "f64") {
    this.digits = ty === "f64" ? 53 : 24;
  }

  #of(x: Expr | number): Expr {
    return typeof x === "number" ? this.e.constant(x, this.ty) : x;
  }
  /** A constant. */
  number(x: number): Expr {
    return this.e.constant(x, this.ty);
  }
  /** `x + y`. */
  add(x: Expr | number, y: Expr | number): Expr {
    return this.e.add(this.#of(x), y);
  }
  /** `x - y`. */
  sub(x: Expr | number, y: Expr | number): Expr {
    return this.e.sub(this.#of(x), y);
  }
  /** `x y`. */
  mul(x: Expr | number, y: Expr | number): Expr {
    return this.e.mul(this.#of(x), y);
  }
  /** `x / y`. */
  div(x: Expr | number, y: Expr | number): Expr {
    return this.e.div(this.#of(x), y);
  }
  /** `-x`. */
  neg(x: Expr): Expr {
    return this.e.neg(x);
  }
  /** `|x|`. */
  abs(x: Expr): Expr {
    return this.e.abs(x);
  }
  /** The square root. */
  sqrt(x: Expr): Expr {
    return this.e.sqrt(x);
  }
  /** The greatest integer that is not above `x`. */
  floor(x: Expr): Expr {
    return this.e.floor(x);
  }
  /** The nearest integer. */
  nearest(x: Expr): Expr {
    return this.e.nearest(x);
  }
  /** `e^x`. */
  exp(x: Expr): Expr {
    return exp(this.e, x);
  }
  /** The natural logarithm. */
  log(x: Expr): Expr {
    return log(this.e, x);
  }
  /** The sine. */
  sin(x: Expr): Expr {
    return sin(this.e, x);
  }
  /** The cosine. */
  cos(x: Expr): Expr {
    return cos(this.e, x);
  }
  /** `log(1 + x)`. */
  log1p(x: Expr): Expr {
    return log1p(this.e, x);
  }
  /** `e^x - 1`. */
  expm1(x: Expr): Expr {
    return expm1(this.e, x);
  }
  /** `1 - erf(x)`. */
  erfc(x: Expr): Expr {
    return erfc(this.e, x);
  }
  /** `x^y` for positive `x`. */
  pow(x: Expr, y: Expr | number): Expr {
    return pow(this.e, x, this.#of(y));
  }
  /** `x < y`. */
  less(x: Expr | number, y: Expr | number): Expr {
    return this.e.lt(this.#of(x), y);
  }
  /** `x = y`. */
  equal(x: Expr | number, y: Expr | number): Expr {
    return this.e.eq(this.#of(x), y);
  }
  /** Both. */
  and(a: Expr, b: Expr): Expr {
    return this.e.and(a, b);
  }
  /** One or both. */
  or(a: Expr, b: Expr): Expr {
    return this.e.or(a, b);
  }
  /** Not. */
  not(a: Expr): Expr {
    return this.e.not(a);
  }
  /** A choice. */
  where(condition: Expr, x: Expr | number, y: Expr | number): Expr {
    return this.e.select(condition, this.#of(x), y);
  }
  /** A choice with a side that is seldom taken. */
  seldom(condition: Expr, part: Part, args: readonly Expr[], usual: Expr): Expr {
    return this.e.rare(condition, part.apart, args, [usual])[0]!;
  }
}

/** A formula for scalars of both types of floats, computed in double precision. */
export function scalarOfFormula(formula: Formula): (e: Exprs, ...args: Expr[]) => Expr {
  return (e, ...args) => {
    const m = new ExprArithmetic(e, "f64");
    const y = formula<Expr>(m, ...args.map((x) => e.convert(x, "f64")));
    return e.convert(y, args[0]!.ty);
  };
}

/** A polynomial by Horner's scheme, highest coefficient first. */
export function polynomialOf<V>(m: Arithmetic<V>, x: V, coefficients: readonly number[]): V {
  let y: V = m.number(coefficients[0]!);
  for (let i = 1; i < coefficients.length; i++) y = m.add(m.mul(y, x), coefficients[i]!);
  return y;
}

/**
 * A function on an interval, in the variable `(x - middle) scale` that is in [-1, 1] there: a
 * polynomial, or a quotient of two. The highest coefficient comes first.
 */
export interface Piece {
  /** The middle of the interval. */
  readonly middle: number;
  /** One over half its length. */
  readonly scale: number;
  /** The polynomial, or the numerator. */
  readonly above: readonly number[];
  /** The denominator. */
  readonly below: readonly number[] | null;
}

/** A piece at `x`. */
export function piece<V>(m: Arithmetic<V>, x: V, { middle, scale, above, below }: Piece): V {
  const y = m.mul(m.sub(x, middle), scale);
  const top = polynomialOf(m, y, above);
  return below === null ? top : m.div(top, polynomialOf(m, y, below));
}

/** A number to twice the digits of a float: rounded, and what that lost. */
export interface Exact {
  /** The number, rounded. */
  readonly value: number;
  /** What rounding lost. */
  readonly more: number;
  /** The logarithm of the rounded number, written out: engines round logarithms each in its way. */
  readonly logarithm: number;
}

// 2 artanh(s) / s in s^2, for |s| <= 0.2.
const ARTANH = /* @__PURE__ */ Array.from({ length: 12 }, (_, k) => 2 / (23 - 2 * k));

/** `log((1 + s) / (1 - s))`, which is `far` where `s` is not small. */
function logarithmOf<V>(m: Arithmetic<V>, s: V, far: V): V {
  const near = m.mul(s, polynomialOf(m, m.mul(s, s), ARTANH));
  return m.where(m.less(m.abs(s), 0.2), near, far);
}

/** `log(1 + x)` with all digits near 0. */
export function log1pOf<V>(m: Arithmetic<V>, x: V): V {
  return logarithmOf(m, m.div(x, m.add(x, 2)), m.log(m.add(x, 1)));
}

/** `x - number` and `log(x / number)` for positive numbers, with all digits around where they are 0. */
export function around<V>(
  m: Arithmetic<V>,
  x: V,
  { value, more, logarithm }: Exact,
): { readonly distance: V; readonly logarithm: V } {
  const distance = m.sub(m.sub(x, value), more);
  const far = m.sub(m.log(x), logarithm);
  return { distance, logarithm: logarithmOf(m, m.div(distance, m.add(x, value)), far) };
}
