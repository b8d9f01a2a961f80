/**
 * Formulas of `scalar/arithmetic.ts` as nodes of a graph.
 *
 * @module
 */
import type { DType } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { Arithmetic, Formula as Rule, Part } from "../../scalar/arithmetic.ts";
import { Formula } from "../graph/nodes.ts";
import { expm1In, log1pIn } from "./accurate.ts";
import { erfcIn } from "./erf.ts";

/** Values of a graph, all of one dtype of floats. */
export class GraphArithmetic implements Arithmetic<Value> {
  /** Binary digits of a value. */
  readonly digits: 24 | 53;
  readonly #f: Formula;

  /** Formulas in `g` on values of `dtype`. */
  constructor(g: Lowering, dtype: DType) {
    this.#f = new Formula(g, dtype);
    this.digits = dtype === "float64" ? 53 : 24;
  }

  /** A constant. */
  number(x: number): Value {
    return this.#f.value(x);
  }
  /** `x + y`. */
  add(x: Value | number, y: Value | number): Value {
    return this.#f.add(x, y);
  }
  /** `x - y`. */
  sub(x: Value | number, y: Value | number): Value {
    return this.#f.sub(x, y);
  }
  /** `x y`. */
  mul(x: Value | number, y: Value | number): Value {
    return this.#f.mul(x, y);
  }
  /** `x / y`. */
  div(x: Value | number, y: Value | number): Value {
    return this.#f.div(x, y);
  }
  /** `-x`. */
  neg(x: Value): Value {
    return this.#f.op("Neg", x);
  }
  /** `|x|`. */
  abs(x: Value): Value {
    return this.#f.op("Abs", x);
  }
  /** The square root. */
  sqrt(x: Value): Value {
    return this.#f.op("Sqrt", x);
  }
  /** The greatest integer that is not above `x`. */
  floor(x: Value): Value {
    return this.#f.op("Floor", x);
  }
  /** The nearest integer. */
  nearest(x: Value): Value {
    return this.#f.op("Round", x);
  }
  /** `e^x`. */
  exp(x: Value): Value {
    return this.#f.op("Exp", x);
  }
  /** The natural logarithm. */
  log(x: Value): Value {
    return this.#f.op("Log", x);
  }
  /** The sine. */
  sin(x: Value): Value {
    return this.#f.op("Sin", x);
  }
  /** The cosine. */
  cos(x: Value): Value {
    return this.#f.op("Cos", x);
  }
  /** `log(1 + x)`. */
  log1p(x: Value): Value {
    return log1pIn(this.#f, x);
  }
  /** `e^x - 1`. */
  expm1(x: Value): Value {
    return expm1In(this.#f, x);
  }
  /** `1 - erf(x)`. */
  erfc(x: Value): Value {
    return erfcIn(this.#f, x);
  }
  /** `x^y`. */
  pow(x: Value, y: Value | number): Value {
    return this.#f.op("Pow", x, y);
  }
  /** `x < y`. */
  less(x: Value | number, y: Value | number): Value {
    return this.#f.less(x, y);
  }
  /** `x = y`. */
  equal(x: Value | number, y: Value | number): Value {
    return this.#f.equal(x, y);
  }
  /** Both. */
  and(a: Value, b: Value): Value {
    return this.#f.op("And", a, b);
  }
  /** One or both. */
  or(a: Value, b: Value): Value {
    return this.#f.op("Or", a, b);
  }
  /** Not. */
  not(a: Value): Value {
    return this.#f.op("Not", a);
  }
  /** A choice. */
  where(condition: Value, x: Value | number, y: Value | number): Value {
    return this.#f.choose(condition, x, y);
  }
  /** A choice with a side that is seldom taken: graphs compute both. The sign of a zero stays. */
  seldom(condition: Value, part: Part, args: readonly Value[], usual: Value): Value {
    return this.#f.where(condition, part.formula<Value>(this, ...args), usual);
  }
}

/**
 * The nodes of a formula: in double precision, as eager code has it, but for a GPU, which has only
 * single precision.
 */
export function lowerFormula(
  formula: Rule,
): (g: Lowering, args: readonly Value[], dtype: DType) => Value {
  return (g, args, dtype) => {
    if (g.target === "webgpu" || dtype === "float64") {
      return formula<Value>(new GraphArithmetic(g, dtype), ...args);
    }
    const wide = args.map((x) => g.cast(x, dtype, "float64"));
    return g.cast(
      formula<Value>(new GraphArithmetic(g, "float64"), ...wide),
      "float64",
      dtype,
    );
  };
}
