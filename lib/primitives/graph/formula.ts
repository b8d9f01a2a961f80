/**
 * Arithmetic on graph values, for lowerings that compose an operation from others.
 *
 * @module
 */
import type { DType } from "../../core/dtype.ts";
import type { Lowering, Value } from "../../core/lowering.ts";

/** A graph value or a constant. Values are strings, so that numbers tell themselves apart. */
export type Term = Value | number;

/** Writes nodes as formulas, for operands of one dtype. */
export class Formula {
  /** Formulas in `g` on values of `dtype`. */
  constructor(
    /** The graph that nodes are added to. */
    readonly g: Lowering,
    /** The element type of all terms. */
    readonly dtype: DType,
  ) {}

  /** A constant as a graph value. */
  value(x: Term): Value {
    return typeof x === "number" ? this.g.scalar(x, this.dtype) : x;
  }
  /** A node on terms. */
  op(name: string, ...terms: readonly Term[]): Value {
    return this.g.node(name, terms.map((t) => this.value(t)));
  }
  /** `x + y`. */
  add(x: Term, y: Term): Value {
    return this.op("Add", x, y);
  }
  /** `x - y`. */
  sub(x: Term, y: Term): Value {
    return this.op("Sub", x, y);
  }
  /** `x y`. */
  mul(x: Term, y: Term): Value {
    return this.op("Mul", x, y);
  }
  /** `x / y`. */
  div(x: Term, y: Term): Value {
    return this.op("Div", x, y);
  }
  /** `x < y`, a bool value. */
  less(x: Term, y: Term): Value {
    return this.op("Less", x, y);
  }
  /** `x == y`, a bool value. */
  equal(x: Term, y: Term): Value {
    return this.op("Equal", x, y);
  }
  /** `condition ? x : y`. */
  where(condition: Value, x: Term, y: Term): Value {
    return this.g.where(condition, this.value(x), this.value(y), this.dtype);
  }
  /** As `where`, in one node, for floats `x` that are not -0 where chosen: the kernel would give 0. */
  choose(condition: Value, x: Term, y: Term): Value {
    return this.op("Where", condition, x, y);
  }
  /** An odd function of `x`, given its value for `|x|`, which is not negative; 0 at 0, of the same sign. */
  odd(x: Value, value: Value): Value {
    const negative = this.choose(this.less(x, 0), this.op("Neg", value), x);
    return this.choose(this.less(0, x), value, negative);
  }
  /** A polynomial in `x`, highest coefficient first, by Horner's scheme. */
  polynomial(x: Value, coefficients: readonly number[]): Value {
    let y: Term = coefficients[0]!;
    for (const c of coefficients.slice(1)) y = this.add(this.mul(y, x), c);
    return this.value(y);
  }
}
