/**
 * Comparisons, and logic on bool and on the bits of integers. None has a derivative.
 *
 * Comparisons follow IEEE 754: all but `ne` are false where an operand is NaN.
 *
 * @module
 */
import { bind1, type DType, type NDArray, type Primitive } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { Expr, Exprs, Scalar1, Scalar2 } from "../../scalar/expr.ts";
import { binary, type ByDType, type Domain, numbers, unary } from "./factory.ts";

const domain: Domain = {
  special: [0, -0, 1, 1, 2, NaN, 1, NaN, Infinity, -Infinity],
  special2: [-0, 0, 1, 2, 1, 1, NaN, NaN, Infinity, Infinity],
};

type Node2 = (g: Lowering, x: Value, y: Value) => Value;

function comparison(
  name: string,
  expr: Scalar2,
  node: Node2,
  boolNode: Node2 = node,
): Primitive<null> {
  return binary({
    name,
    expr: { ...numbers(expr), bool: expr },
    result: "bool",
    jvp: null,
    lower: (g, x, y, dtype) => (dtype === "bool" ? boolNode : node)(g, x, y),
    domain,
  });
}

function node2(op: string): Node2 {
  return (g, x, y) => g.node(op, [x, y]);
}

// ONNX orders no bools; false comes before true.
const lessBool: Node2 = (g, x, y) => g.node("And", [g.node("Not", [x]), y]);
const lessEqualBool: Node2 = (g, x, y) => g.node("Or", [g.node("Not", [x]), y]);

const eqP = /* @__PURE__ */ comparison("eq", (e, x, y) => e.eq(x, y), node2("Equal"));
const neP = /* @__PURE__ */ comparison(
  "ne",
  (e, x, y) => e.ne(x, y),
  (g, x, y) => g.node("Not", [g.node("Equal", [x, y])]),
);
const ltP = /* @__PURE__ */ comparison("lt", (e, x, y) => e.lt(x, y), node2("Less"), lessBool);
const leP = /* @__PURE__ */ comparison(
  "le",
  (e, x, y) => e.le(x, y),
  node2("LessOrEqual"),
  lessEqualBool,
);
const gtP = /* @__PURE__ */ comparison(
  "gt",
  (e, x, y) => e.gt(x, y),
  node2("Greater"),
  (g, x, y) => lessBool(g, y, x),
);
const geP = /* @__PURE__ */ comparison(
  "ge",
  (e, x, y) => e.ge(x, y),
  node2("GreaterOrEqual"),
  (g, x, y) => lessEqualBool(g, y, x),
);

/** Whether `x == y`, elementwise. */
export function eq(x: NDArray, y: NDArray): NDArray {
  return bind1(eqP, [x, y], null);
}
/** Whether `x != y`, elementwise. */
export function ne(x: NDArray, y: NDArray): NDArray {
  return bind1(neP, [x, y], null);
}
/** Whether `x < y`, elementwise. */
export function lt(x: NDArray, y: NDArray): NDArray {
  return bind1(ltP, [x, y], null);
}
/** Whether `x <= y`, elementwise. */
export function le(x: NDArray, y: NDArray): NDArray {
  return bind1(leP, [x, y], null);
}
/** Whether `x > y`, elementwise. */
export function gt(x: NDArray, y: NDArray): NDArray {
  return bind1(gtP, [x, y], null);
}
/** Whether `x >= y`, elementwise. */
export function ge(x: NDArray, y: NDArray): NDArray {
  return bind1(geP, [x, y], null);
}

// ---------------------------------------------------------------- logic

function bitwise(f: Scalar2): ByDType<Scalar2> {
  return { bool: f, int32: f, uint32: f };
}

function logic(name: string, expr: Scalar2, op: string): Primitive<null> {
  return binary({
    name,
    expr: bitwise(expr),
    jvp: null,
    lower: (g, x, y, dtype) => g.node(dtype === "bool" ? op : `Bitwise${op}`, [x, y]),
  });
}

const andP = /* @__PURE__ */ logic("and", (e, x, y) => e.and(x, y), "And");
const orP = /* @__PURE__ */ logic("or", (e, x, y) => e.or(x, y), "Or");
const xorP = /* @__PURE__ */ logic("xor", (e, x, y) => e.xor(x, y), "Xor");

const complement: Scalar1 = (e, x) => e.not(x);
const notP = /* @__PURE__ */ unary({
  name: "not",
  expr: { bool: complement, int32: complement, uint32: complement },
  jvp: null,
  lower: (g, x, dtype) => g.node(dtype === "bool" ? "Not" : "BitwiseNot", [x]),
});

/** Logical and of bools, bitwise and of integers. */
export function and(x: NDArray, y: NDArray): NDArray {
  return bind1(andP, [x, y], null);
}
/** Logical or of bools, bitwise or of integers. */
export function or(x: NDArray, y: NDArray): NDArray {
  return bind1(orP, [x, y], null);
}
/** Exclusive or of bools, bitwise exclusive or of integers. */
export function xor(x: NDArray, y: NDArray): NDArray {
  return bind1(xorP, [x, y], null);
}
/** Logical negation of bools, bitwise complement of integers. */
export function not(x: NDArray): NDArray {
  return bind1(notP, [x], null);
}

// ---------------------------------------------------------------- shifts

function shift(name: string, expr: Scalar2, direction: "LEFT" | "RIGHT"): Primitive<null> {
  return binary({
    name,
    expr: { int32: expr, uint32: expr },
    jvp: null,
    // BitShift has unsigned types only, and gives 0 for 32 places or more.
    lower(g, x, y, dtype: DType) {
      const inputs = [x, y].map((v) => g.cast(v, dtype, "uint32"));
      return g.cast(g.node("BitShift", inputs, { direction }), "uint32", dtype);
    },
  });
}

// A count is taken as unsigned: a negative one is more than 32 places.
function counted(e: Exprs, y: Expr, shifted: (count: Expr) => Expr): Expr {
  return e.select(e.lt(e.convert(y, "u32"), 32), shifted(e.and(y, 31)), 0);
}

const shiftLeftP = /* @__PURE__ */ shift(
  "shift_left",
  (e, x, y) => counted(e, y, (count) => e.shl(x, count)),
  "LEFT",
);
const shiftRightLogicalP = /* @__PURE__ */ shift(
  "shift_right_logical",
  (e, x, y) =>
    counted(e, y, (count) => {
      const shifted = e.shr(e.convert(x, "u32"), e.convert(count, "u32"));
      return e.convert(shifted, x.ty);
    }),
  "RIGHT",
);

/** The bits of `x` shifted by `y` places to the left; 0 for counts outside 0 to 31. */
export function shiftLeft(x: NDArray, y: NDArray): NDArray {
  return bind1(shiftLeftP, [x, y], null);
}
/**
 * The bits of `x` shifted by `y` places to the right, zeros coming in; 0 for counts outside 0 to
 * 31.
 */
export function shiftRightLogical(x: NDArray, y: NDArray): NDArray {
  return bind1(shiftRightLogicalP, [x, y], null);
}
