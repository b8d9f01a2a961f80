/**
 * Values with a derivative: a formula of `arithmetic.ts` on them gives its own derivative too. Dual
 * numbers of dual numbers give second derivatives.
 *
 * @module
 */
import type { Arithmetic, Formula, Part } from "./arithmetic.ts";

/** A value and its derivative; `null`: 0. */
export interface Dual<V> {
  /** The value. */
  readonly v: V;
  /** The derivative. */
  readonly d: V | null;
}

type Term<V> = Dual<V> | number;

/** Arithmetic on dual numbers over another one. */
export class DualArithmetic<V> implements Arithmetic<Dual<V>> {
  /** Binary digits of a value. */
  readonly digits: 24 | 53;

  /** Dual numbers of the values of `m`. */
  constructor(readonly m: Arithmetic<V>) {
    this.digits = m.digits;
  }

  #value(x: Term<V>): V | number {
    return typeof x === "number" ? x : x.v;
  }
  #slope(x: Term<V>): V | null {
    return typeof x === "number" ? null : x.d;
  }
  #sum(x: V | null, y: V | null): V | null {
    return x === null ? y : y === null ? x : this.m.add(x, y);
  }
  #times(x: V | null, factor: V | number): V | null {
    return x === null ? null : this.m.mul(x, factor);
  }
  #constant(v: V): Dual<V> {
    return { v, d: null };
  }

  /** A constant. */
  number(x: number): Dual<V> {
    return this.#constant(this.m.number(x));
  }
  /** `x + y`. */
  add(x: Term<V>, y: Term<V>): Dual<V> {
    const v = this.m.add(this.#value(x), this.#value(y));
    return { v, d: this.#sum(this.#slope(x), this.#slope(y)) };
  }
  /** `x - y`. */
  sub(x: Term<V>, y: Term<V>): Dual<V> {
    const [dx, dy] = [this.#slope(x), this.#slope(y)];
    const d = dx !== null && dy !== null ? this.m.sub(dx, dy) : dy === null ? dx : this.m.neg(dy);
    return { v: this.m.sub(this.#value(x), this.#value(y)), d };
  }
  /** `x y`. */
  mul(x: Term<V>, y: Term<V>): Dual<V> {
    const [a, b] = [this.#value(x), this.#value(y)];
    const d = this.#sum(this.#times(this.#slope(x), b), this.#times(this.#slope(y), a));
    return { v: this.m.mul(a, b), d };
  }
  /** `x / y`. */
  div(x: Term<V>, y: Term<V>): Dual<V> {
    const [a, b] = [this.#value(x), this.#value(y)];
    const v = this.m.div(a, b);
    const [dx, dy] = [this.#slope(x), this.#slope(y)];
    if (dx === null && dy === null) return this.#constant(v);
    const above = dy === null
      ? dx!
      : dx === null
      ? this.m.neg(this.m.mul(v, dy))
      : this.m.sub(dx, this.m.mul(v, dy));
    return { v, d: this.m.div(above, b) };
  }
  /** `-x`. */
  neg(x: Dual<V>): Dual<V> {
    return { v: this.m.neg(x.v), d: x.d === null ? null : this.m.neg(x.d) };
  }
  /** `|x|`. */
  abs(x: Dual<V>): Dual<V> {
    const { m } = this;
    const d = x.d === null ? null : m.where(m.less(x.v, 0), m.neg(x.d), x.d);
    return { v: m.abs(x.v), d };
  }
  /** The square root. */
  sqrt(x: Dual<V>): Dual<V> {
    const v = this.m.sqrt(x.v);
    return { v, d: x.d === null ? null : this.m.div(x.d, this.m.mul(v, 2)) };
  }
  /** The greatest integer that is not above `x`. */
  floor(x: Dual<V>): Dual<V> {
    return this.#constant(this.m.floor(x.v));
  }
  /** The nearest integer. */
  nearest(x: Dual<V>): Dual<V> {
    return this.#constant(this.m.nearest(x.v));
  }
  /** `e^x`. */
  exp(x: Dual<V>): Dual<V> {
    const v = this.m.exp(x.v);
    return { v, d: this.#times(x.d, v) };
  }
  /** The natural logarithm. */
  log(x: Dual<V>): Dual<V> {
    return { v: this.m.log(x.v), d: x.d === null ? null : this.m.div(x.d, x.v) };
  }
  /** The sine. */
  sin(x: Dual<V>): Dual<V> {
    return { v: this.m.sin(x.v), d: this.#times(x.d, this.m.cos(x.v)) };
  }
  /** The cosine. */
  cos(x: Dual<V>): Dual<V> {
    const d = x.d === null ? null : this.m.neg(this.m.mul(x.d, this.m.sin(x.v)));
    return { v: this.m.cos(x.v), d };
  }
  /** `log(1 + x)`. */
  log1p(x: Dual<V>): Dual<V> {
    const { m } = this;
    return { v: m.log1p(x.v), d: x.d === null ? null : m.div(x.d, m.add(x.v, 1)) };
  }
  /** `e^x - 1`. */
  expm1(x: Dual<V>): Dual<V> {
    const v = this.m.expm1(x.v);
    return { v, d: x.d === null ? null : this.m.mul(x.d, this.m.add(v, 1)) };
  }
  /** `1 - erf(x)`. */
  erfc(x: Dual<V>): Dual<V> {
    const { m } = this;
    const slope = (): V => m.mul(m.exp(m.neg(m.mul(x.v, x.v))), -2 / Math.sqrt(Math.PI));
    return { v: m.erfc(x.v), d: x.d === null ? null : m.mul(x.d, slope()) };
  }
  /** `x^y` for positive `x`. */
  pow(x: Dual<V>, y: Term<V>): Dual<V> {
    const { m } = this;
    const v = m.pow(x.v, this.#value(y));
    const dy = this.#slope(y);
    const byBase = x.d === null ? null : m.div(m.mul(x.d, this.#value(y)), x.v);
    const byExponent = dy === null ? null : m.mul(dy, m.log(x.v));
    return { v, d: this.#times(this.#sum(byBase, byExponent), v) };
  }
  /** `x < y`. */
  less(x: Term<V>, y: Term<V>): Dual<V> {
    return this.#constant(this.m.less(this.#value(x), this.#value(y)));
  }
  /** `x = y`. */
  equal(x: Term<V>, y: Term<V>): Dual<V> {
    return this.#constant(this.m.equal(this.#value(x), this.#value(y)));
  }
  /** Both. */
  and(a: Dual<V>, b: Dual<V>): Dual<V> {
    return this.#constant(this.m.and(a.v, b.v));
  }
  /** One or both. */
  or(a: Dual<V>, b: Dual<V>): Dual<V> {
    return this.#constant(this.m.or(a.v, b.v));
  }
  /** Not. */
  not(a: Dual<V>): Dual<V> {
    return this.#constant(this.m.not(a.v));
  }
  /** A choice. */
  where(condition: Dual<V>, x: Term<V>, y: Term<V>): Dual<V> {
    const { m } = this;
    const [dx, dy] = [this.#slope(x), this.#slope(y)];
    return {
      v: m.where(condition.v, this.#value(x), this.#value(y)),
      d: dx === null && dy === null ? null : m.where(condition.v, dx ?? 0, dy ?? 0),
    };
  }
  /** A choice with a side that is seldom taken. */
  seldom(condition: Dual<V>, part: Part, args: readonly Dual<V>[], usual: Dual<V>): Dual<V> {
    return this.where(condition, part.formula<Dual<V>>(this, ...args), usual);
  }
}

/** The derivative of a formula by its `at`th operand. */
export function derivative(formula: Formula, at: number): Formula {
  return <V>(m: Arithmetic<V>, ...args: V[]): V => {
    const y = formula<Dual<V>>(
      new DualArithmetic(m),
      ...args.map((v, i) => ({ v, d: i === at ? m.number(1) : null })),
    );
    return y.d ?? m.number(0);
  };
}

/** The `order`th derivative of a formula by its `at`th operand; itself for 0. */
export function derivativeOfOrder(formula: Formula, at: number, order: number): Formula {
  return order === 0 ? formula : derivative(derivativeOfOrder(formula, at, order - 1), at);
}
