/**
 * The arithmetic that other operations' rules are written with: sums, products, quotients, sign,
 * maximum and minimum.
 *
 * `x y + z` with one rounding. Random numbers between bounds are computed so, as XLA fuses the two on a
 * CPU: the same bits need the same rounding.
 *
 * @module
 */
import {
  allocate,
  bind1,
  broadcastShapes,
  definePrimitive,
  DTypeError,
  formatAval,
  isFloat,
  isInteger,
  Linear,
  NDArray,
  ordinary,
  type Primitive,
  sameShape,
  type Sample,
  type ShapedArray,
  ShapeError,
  type Tangent,
} from "../../core/mod.ts";
import type { Value } from "../../core/lowering.ts";
import type { Scalar2 } from "../../scalar/expr.ts";
import * as scalar from "../../scalar/functions.ts";
import { scalarLike } from "../constants/constants.ts";
import { Formula } from "../graph/nodes.ts";
import { broadcastTo } from "../sum/broadcast.ts";
import { and, eq, ge, shiftRightLogical } from "./compare.ts";
import { floor } from "./convert.ts";
import {
  binary,
  type Domain,
  elementwise,
  elementwiseBatch,
  numbers,
  perOperands,
  unary,
} from "./factory.ts";
import { select } from "./select.ts";

/** The sum of two tangents of which one may be missing. */
function sum(a: Tangent, b: Tangent): NDArray {
  return a === null ? b! : b === null ? a : add(a, b);
}

// ---------------------------------------------------------------- neg, add, sub, mul

const negP = /* @__PURE__ */ unary({
  name: "neg",
  algebra: { kind: "negation" },
  expr: numbers((e, x) => e.neg(x)),
  jvp: (t) => neg(t),
  transpose: (ct) => neg(ct),
  lower: (g, x, dtype) =>
    dtype === "uint32" ? g.node("Sub", [g.scalar(0, dtype), x]) : g.node("Neg", [x]),
  domain: { special: [0, -0, Infinity, NaN] },
});

/** `-x`, elementwise; integers wrap. */
export function neg(x: NDArray): NDArray {
  return bind1(negP, [x], null);
}

const infinities: Domain = {
  special: [0, -0, Infinity, Infinity, -Infinity, NaN, 1, 3e38],
  special2: [-0, -0, 1, -Infinity, 0, 1, NaN, 3e38],
};

export const addP: Primitive<null> = /* @__PURE__ */ binary({
  name: "add",
  algebra: { kind: "sum" },
  expr: numbers((e, x, y) => e.add(x, y)),
  jvp: sum,
  transpose: (ct, x, y) => [x instanceof Linear ? ct : null, y instanceof Linear ? ct : null],
  lower: (g, x, y) => g.node("Add", [x, y]),
  domain: infinities,
});

/** `x + y`, elementwise; integers wrap. */
export function add(x: NDArray, y: NDArray): NDArray {
  return bind1(addP, [x, y], null);
}

const subP = /* @__PURE__ */ binary({
  name: "sub",
  expr: numbers((e, x, y) => e.sub(x, y)),
  jvp: (tx, ty) => tx === null ? neg(ty!) : ty === null ? tx : sub(tx, ty),
  transpose: (ct, x, y) => [x instanceof Linear ? ct : null, y instanceof Linear ? neg(ct) : null],
  lower: (g, x, y) => g.node("Sub", [x, y]),
  domain: infinities,
});

/** `x - y`, elementwise; integers wrap. */
export function sub(x: NDArray, y: NDArray): NDArray {
  return bind1(subP, [x, y], null);
}

const mulP = /* @__PURE__ */ binary({
  name: "mul",
  expr: numbers((e, x, y) => e.mul(x, y)),
  jvp: (tx, ty, x, y) => sum(tx && mul(tx, y), ty && mul(x, ty)),
  transpose: (ct, x, y) => [
    x instanceof Linear ? mul(ct, y as NDArray) : null,
    y instanceof Linear ? mul(x as NDArray, ct) : null,
  ],
  lower: (g, x, y) => g.node("Mul", [x, y]),
  domain: infinities,
});

/** `x * y`, elementwise; integers wrap. */
export function mul(x: NDArray, y: NDArray): NDArray {
  return bind1(mulP, [x, y], null);
}

// ---------------------------------------------------------------- div, rem

const divP = /* @__PURE__ */ binary({
  name: "div",
  // Of integers as XLA does, without trapping: x / 0 is -1, all bits set.
  expr: numbers((e, x, y) => e.div(x, y)),
  jvp: (tx, ty, _, y, z) => sum(tx && div(tx, y), ty && neg(mul(div(z, y), ty))),
  transpose: (ct, x, y) => [x instanceof Linear ? div(ct, y as NDArray) : null, null],
  lower(g, x, y, dtype) {
    if (!isInteger(dtype)) return g.node("Div", [x, y]);
    // The kernel traps on division by 0 and on INT_MIN / -1: divide by 1 there, then choose.
    const zero = g.node("Equal", [y, g.scalar(0, dtype)]);
    const ones = g.scalar(dtype === "int32" ? -1 : 4294967295, dtype);
    if (dtype === "uint32") {
      const quotient = g.node("Div", [x, g.where(zero, g.scalar(1, dtype), y, dtype)]);
      return g.where(zero, ones, quotient, dtype);
    }
    const minus = g.node("Equal", [y, g.scalar(-1, dtype)]);
    const unsafe = g.node("Or", [zero, minus]);
    const quotient = g.node("Div", [x, g.where(unsafe, g.scalar(1, dtype), y, dtype)]);
    const negated = g.node("Sub", [g.scalar(0, dtype), x]);
    return g.where(zero, ones, g.where(minus, negated, quotient, dtype), dtype);
  },
  domain: {
    range2: [0.5, 2],
    special: [1, -1, 0, 0, Infinity, Infinity, 1, NaN, 1],
    special2: [0, 0, 0, -5, Infinity, 0, -Infinity, 1, -0],
  },
});

/** `x / y`, elementwise, as `lax.div`: integers truncate towards 0, and `x / 0` is -1 for them. */
export function div(x: NDArray, y: NDArray): NDArray {
  return bind1(divP, [x, y], null);
}

const remP = /* @__PURE__ */ binary({
  name: "rem",
  expr: numbers((e, x, y) => e.rem(x, y)),
  jvp(tx, ty, x, y) {
    if (ty === null) return tx!;
    const quotient = div(x, y);
    return sum(tx, neg(mul(ty, mul(sign(quotient), floor(abs(quotient))))));
  },
  lower(g, x, y, dtype) {
    if (!isInteger(dtype)) return g.node("Mod", [x, y], { fmod: 1 });
    const zero = g.node("Equal", [y, g.scalar(0, dtype)]);
    const divisor = g.where(zero, g.scalar(1, dtype), y, dtype);
    return g.where(zero, x, g.node("Mod", [x, divisor], { fmod: 1 }), dtype);
  },
  domain: {
    range: [2.1, 2.9],
    range2: [-0.7, -0.6],
    special: [7, -7, 7, -7, 0, -0, 1, Infinity, 1, NaN, 5.5],
    special2: [3, 3, -3, -3, 1, 1, 0, 1, Infinity, 1, 2],
    skip: { jvp: "it jumps", transpose: "it jumps" },
  },
});

/** Remainder with the sign of `x`, elementwise, as `lax.rem`; `x` itself where an integer `y` is 0. */
export function rem(x: NDArray, y: NDArray): NDArray {
  return bind1(remP, [x, y], null);
}

// ---------------------------------------------------------------- abs, sign

const absP = /* @__PURE__ */ unary({
  name: "abs",
  expr: numbers((e, x) => e.abs(x)),
  // As in JAX, 1 at 0 (and not the 0 of sign).
  jvp: (t, x) => select(ge(x, scalarLike(0, x)), t, neg(t)),
  lower: (g, x, dtype) => dtype === "uint32" ? x : g.node("Abs", [x]),
  domain: { range: [0.5, 2], special: [0, -0, -1.5, Infinity, -Infinity, NaN] },
});

/** `|x|`, elementwise; its derivative at 0 is 1, as in JAX. */
export function abs(x: NDArray): NDArray {
  return bind1(absP, [x], null);
}

const signP = /* @__PURE__ */ unary({
  name: "sign",
  expr: {
    ...numbers((e, x) => e.select(e.gt(x, 0), 1, e.select(e.lt(x, 0), -1, x))),
    uint32: (e, x) => e.min(x, 1),
  },
  jvp: null,
  lower(g, x, dtype) {
    const one = g.scalar(1, dtype);
    if (dtype === "uint32") return g.node("Min", [x, one]);
    const minus = g.scalar(-1, dtype);
    if (dtype === "int32") return g.node("Max", [g.node("Min", [x, one]), minus]);
    // NaN and -0 stay themselves, which Sign does not promise (and it has no GPU kernel).
    const zero = g.scalar(0, dtype);
    const negative = g.where(g.node("Less", [x, zero]), minus, x, dtype);
    return g.where(g.node("Greater", [x, zero]), one, negative, dtype);
  },
  domain: { range: [0.5, 2], special: [0, -0, -1.5, 1e-30, Infinity, -Infinity, NaN] },
});

/** The sign of `x`, elementwise: -1, 0, 1 or NaN. Its derivative is 0. */
export function sign(x: NDArray): NDArray {
  return bind1(signP, [x], null);
}

// ---------------------------------------------------------------- maximum, minimum

function extremum(
  name: string,
  f: Scalar2,
  op: "Max" | "Min",
): Primitive<null> {
  return binary({
    name,
    expr: { ...numbers(f), bool: f },
    // Half of the derivative goes to each operand of a tie, as in JAX.
    jvp: (tx, ty, x, y, z) => sum(tx && mul(tx, share(x, y, z)), ty && mul(ty, share(y, x, z))),
    lower: (g, x, y, dtype, out) =>
      dtype === "bool" ? g.node(op === "Max" ? "Or" : "And", [x, y]) : g.extremum(op, x, y, out),
    domain: {
      range: [-2, 0],
      range2: [0.1, 2],
      special: [1, NaN, 1, NaN, Infinity, -Infinity, 2, -0, 0, -0, -0, 0],
      special2: [1, 1, NaN, NaN, 1, 1, -3, 0, -0, -0, -1, -1],
    },
  });
}

/** The part of the derivative of `z`, which is `x` or `other`, that belongs to `x`. */
function share(x: NDArray, other: NDArray, z: NDArray): NDArray {
  const one = scalarLike(1, z);
  const tie = select(eq(other, z), scalarLike(0.5, z), one);
  return select(eq(x, z), tie, scalarLike(0, z));
}

const maximumP = /* @__PURE__ */ extremum("maximum", (e, x, y) => e.max(x, y), "Max");
const minimumP = /* @__PURE__ */ extremum("minimum", (e, x, y) => e.min(x, y), "Min");

/** The larger of `x` and `y`, elementwise; NaN where either is NaN. Of 0 and -0 it is 0. */
export function maximum(x: NDArray, y: NDArray): NDArray {
  return bind1(maximumP, [x, y], null);
}
/** The smaller of `x` and `y`, elementwise; NaN where either is NaN. Of 0 and -0 it is -0. */
export function minimum(x: NDArray, y: NDArray): NDArray {
  return bind1(minimumP, [x, y], null);
}

/** 2^27 + 1, which splits a double into two halves whose products are exact (Veltkamp). */
const SPLIT = 134217729;

const loopOf = /* @__PURE__ */ perOperands(scalar.mulAdd, 3);

/**
 * In double precision: the rounding errors of product and sum are exact (Dekker, Knuth), and added
 * at last.
 */
function exactly(f: Formula, a: Value, b: Value, c: Value): Value {
  const product = f.mul(a, b), sum = f.add(product, c);
  const upper = (v: Value): Value => {
    const scaled = f.mul(v, SPLIT);
    return f.sub(scaled, f.sub(scaled, v));
  };
  const a1 = upper(a), b1 = upper(b);
  const a2 = f.sub(a, a1), b2 = f.sub(b, b1);
  let lost1 = f.add(f.sub(f.mul(a1, b1), product), f.mul(a1, b2));
  lost1 = f.add(f.add(lost1, f.mul(a2, b1)), f.mul(a2, b2));
  const part = f.sub(sum, product);
  const lost2 = f.add(f.sub(product, f.sub(sum, part)), f.sub(c, part));
  const lost = f.add(lost1, lost2);
  return f.choose(f.less(0, f.op("Abs", lost)), f.add(sum, lost), sum);
}

function checkOperand(x: ShapedArray, y: ShapedArray): void {
  if (x.dtype !== y.dtype || !isFloat(x.dtype)) {
    throw new DTypeError(
      `mul_add: ${formatAval(x)} and ${formatAval(y)} are not floats of one dtype`,
    );
  }
  if (y.shape.length > 0 && !sameShape(x.shape, y.shape)) {
    throw new ShapeError(`mul_add: ${formatAval(y)} is neither a scalar nor like ${formatAval(x)}`);
  }
}

/** `x y + z` with one rounding. Inputs: x, and y and z that are like it or scalars. */
export const mulAddP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "mul_add",
  abstractEval([x, y, z]) {
    checkOperand(x!, y!);
    checkOperand(x!, z!);
    return [x!];
  },
  impl([x, y, z]) {
    const { dtype, values } = x!;
    const out = allocate(dtype, values.length);
    const step = (v: { readonly shape: readonly number[] }): number =>
      v.shape.length === 0 && x!.shape.length > 0 ? 0 : 1;
    const loop = loopOf(dtype);
    loop(0, out.length, out, values, 0, 1, y!.values, 0, step(y!), z!.values, 0, step(z!));
    return [out];
  },
  jvp([x, y, z], [tx, ty, tz]) {
    const terms = [tx && mul(tx, y!), ty && mul(x!, ty), tz].filter((t) => t instanceof NDArray);
    const t = terms.reduce((a, b) => add(a, b));
    return [[bind1(mulAddP, [x!, y!, z!], null)], [broadcastTo(t, x!.shape)]];
  },
  transpose: "nonlinear",
  batch: (args, dims) => elementwiseBatch(args, dims, ([x, y, z]) => mulAdd(x!, y!, z!)),
  passes: ordinary,
  lower(g, [x, y, z], _, [aval]) {
    const { dtype } = aval!;
    if (g.target === "webgpu") return [g.node("Add", [g.node("Mul", [x!, y!]), z!])];
    if (dtype === "float64") return [exactly(new Formula(g, dtype), x!, y!, z!)];
    const [a, b, c] = [x!, y!, z!].map((v) => g.cast(v, dtype, "float64")) as [Value, Value, Value];
    return [g.cast(g.node("Add", [g.node("Mul", [a, b]), c]), "float64", dtype)];
  },
  heavy: elementwise,
  kernel: (b, inputs, _, __, [out]) => [
    b.map(inputs, out!, (e, [x, y, z]) => scalar.mulAdd(e, x!, y!, z!), scalar.mulAdd),
  ],
  samples() {
    const kink = "what is lost in rounding is noise to finite differences";
    return (["float32", "float64"] as const).flatMap((dtype): Sample<null>[] => {
      const vector = { shape: [7], dtype };
      const scalar = { shape: [], dtype };
      const at = (values: readonly number[]) => ({ shape: [values.length], dtype, values });
      const third = dtype === "float32" ? Math.fround(1 / 3) : 1 / 3;
      return [
        { name: `${dtype} vectors`, inputs: [vector, vector, vector], params: null },
        { name: `${dtype} scalars beside`, inputs: [vector, scalar, scalar], params: null },
        { name: `${dtype} scalars`, inputs: [scalar, scalar, scalar], params: null },
        {
          name: `${dtype} matrix and scalar`,
          inputs: [{ shape: [2, 3], dtype }, scalar, { shape: [2, 3], dtype }],
          params: null,
        },
        { name: `${dtype} zero size`, inputs: [at([]), scalar, at([])], params: null },
        {
          name: `${dtype} what two roundings would lose`,
          inputs: [at([third, third, 1 + 1e-7]), at([3, third, 1 + 1e-7]), at([-1, -1 / 9, -1])],
          params: null,
          skip: { jvp: kink, transpose: kink },
        },
        {
          name: `${dtype} limits`,
          inputs: [
            at([0, -0, -0, Infinity, NaN, 1e38, -1, 1]),
            at([1, 1, 0, 0, 1, 10, Infinity, 0]),
            at([-0, -0, -0, 1, 1, 1e38, 1, -0]),
          ],
          params: null,
          skip: { jvp: kink, transpose: kink },
        },
      ];
    });
  },
});

/** `x y + z` with one rounding, elementwise, of floats; `y` and `z` broadcast. */
export function mulAdd(x: NDArray, y: NDArray, z: NDArray): NDArray {
  const shape = broadcastShapes("mul_add", x.shape, y.shape, z.shape);
  const like = (v: NDArray): NDArray => v.ndim === 0 ? v : broadcastTo(v, shape);
  return bind1(mulAddP, [broadcastTo(x, shape), like(y), like(z)], null);
}

/** How many bits are set, of `uint32`. */
export function setBits(x: NDArray): NDArray {
  const at = (v: NDArray, by: number): NDArray => shiftRightLogical(v, scalarLike(by, v));
  const only = (v: NDArray, mask: number): NDArray => and(v, scalarLike(mask, v));
  // Sums of neighbours: of bits, pairs, nibbles, and then of the bytes in the highest one.
  const pairs = sub(x, only(at(x, 1), 0x55555555));
  const nibbles = add(only(pairs, 0x33333333), only(at(pairs, 2), 0x33333333));
  const bytes = only(add(nibbles, at(nibbles, 4)), 0x0f0f0f0f);
  return at(mul(bytes, scalarLike(0x01010101, bytes)), 24);
}
