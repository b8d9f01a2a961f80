/**
 * Nodes that lowerings of several families need: constants for empty results, and ways round what ONNX
 * lacks for a dtype.
 *
 * Arithmetic on graph values, for lowerings that compose an operation from others.
 *
 * @module
 */
import { type DType, type ShapedArray, sizeOf } from "../../core/mod.ts";
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

/** An output without elements as a constant, since kernels differ on empty inputs; else null. */
export function emptyOutput(g: Lowering, aval: ShapedArray): Value | null {
  return sizeOf(aval.shape) === 0 ? g.constant([], aval.shape, aval.dtype) : null;
}

/** An array of equal elements in the graph. */
export function filled(g: Lowering, value: Value, shape: readonly number[]): Value {
  return shape.length === 0 ? value : g.node("Expand", [value, g.int64(shape)]);
}

const SIGN_BIT = 2 ** 31;

/**
 * Elements as numbers of a dtype for which ONNX has ordering kernels (ReduceMax, TopK, ArgMax):
 * uint32 becomes int32 with the sign bit flipped, bool becomes int32.
 */
export function toOrdered(g: Lowering, x: Value, dtype: DType): readonly [Value, DType] {
  if (dtype === "bool") return [g.cast(x, "bool", "int32"), "int32"];
  if (dtype !== "uint32") return [x, dtype];
  // Adding the sign bit modulo 2^32 flips it.
  const flipped = g.node("Add", [x, g.scalar(SIGN_BIT, "uint32")]);
  return [g.cast(flipped, "uint32", "int32"), "int32"];
}

/** Undoes `toOrdered`. */
export function fromOrdered(g: Lowering, x: Value, dtype: DType): Value {
  if (dtype === "bool") return g.cast(x, "int32", "bool");
  if (dtype !== "uint32") return x;
  return g.node("Add", [g.cast(x, "int32", "uint32"), g.scalar(SIGN_BIT, "uint32")]);
}

/** Runs `f` on int32 in place of uint32: right for whatever works on the bits modulo 2^32. */
export function viaInt32(
  g: Lowering,
  inputs: readonly Value[],
  dtype: DType,
  f: (inputs: readonly Value[]) => Value,
): Value {
  if (dtype !== "uint32") return f(inputs);
  return g.cast(f(inputs.map((x) => g.cast(x, "uint32", "int32"))), "int32", "uint32");
}
