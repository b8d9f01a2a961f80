/**
 * The arithmetic that other primitives' rules are written with: sums, products, quotients, sign and
 * rounding, maximum and minimum, and selection. Re-exported by `arithmetic.ts`, which adds powers.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { broadcastShapes, sameShape, shaped, sizeOf, stridesOf } from "../core/aval.ts";
import { allocate, type DType, isFloat, isInteger, type TypedArray } from "../core/dtype.ts";
import { DTypeError } from "../core/errors.ts";
import type { Lowering, Value } from "../core/lowering.ts";
import {
  definePrimitive,
  type HostValue,
  Linear,
  ordinary,
  type Primitive,
  type Tangent,
} from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { eq, ge } from "./compare.ts";
import {
  binary,
  type Domain,
  elementwiseBatch,
  floats,
  lowerElementwise,
  numbers,
  unary,
} from "./factory.ts";
import { broadcastStrides, selectInto } from "./kernels.ts";
import { broadcastTo, scalarLike, unbroadcast } from "./shape.ts";
import { copyStrided } from "./strided.ts";

/** The sum of two tangents of which one may be missing. */
function sum(a: Tangent, b: Tangent): NDArray {
  return a === null ? b! : b === null ? a : add(a, b);
}

// ---------------------------------------------------------------- neg, add, sub, mul

const negP = unary({
  name: "neg",
  algebra: { kind: "negation" },
  kernels: numbers((x) => -x),
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

export const addP: Primitive<null> = binary({
  name: "add",
  algebra: { kind: "sum" },
  kernels: numbers((x, y) => x + y),
  jvp: sum,
  transpose: (ct, x, y) => [x instanceof Linear ? ct : null, y instanceof Linear ? ct : null],
  lower: (g, x, y) => g.node("Add", [x, y]),
  domain: infinities,
});

/** `x + y`, elementwise; integers wrap. */
export function add(x: NDArray, y: NDArray): NDArray {
  return bind1(addP, [x, y], null);
}

const subP = binary({
  name: "sub",
  kernels: numbers((x, y) => x - y),
  jvp: (tx, ty) => tx === null ? neg(ty!) : ty === null ? tx : sub(tx, ty),
  transpose: (ct, x, y) => [x instanceof Linear ? ct : null, y instanceof Linear ? neg(ct) : null],
  lower: (g, x, y) => g.node("Sub", [x, y]),
  domain: infinities,
});

/** `x - y`, elementwise; integers wrap. */
export function sub(x: NDArray, y: NDArray): NDArray {
  return bind1(subP, [x, y], null);
}

const mulP = binary({
  name: "mul",
  kernels: { ...floats((x, y) => x * y), int32: Math.imul, uint32: Math.imul },
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

const divP = binary({
  name: "div",
  kernels: {
    ...floats((x, y) => x / y),
    // As XLA does, without trapping: x / 0 is -1, all bits set. The store wraps INT_MIN / -1.
    int32: (x, y) => y === 0 ? -1 : (x / y) | 0,
    uint32: (x, y) => y === 0 ? -1 : Math.floor(x / y),
  },
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

const remP = binary({
  name: "rem",
  kernels: {
    ...floats((x, y) => x % y),
    int32: (x, y) => y === 0 ? x : x % y,
    uint32: (x, y) => y === 0 ? x : x % y,
  },
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

// ---------------------------------------------------------------- abs, sign, rounding

const absP = unary({
  name: "abs",
  kernels: numbers(Math.abs),
  // As in JAX, 1 at 0 (and not the 0 of sign).
  jvp: (t, x) => select(ge(x, scalarLike(0, x)), t, neg(t)),
  lower: (g, x, dtype) => dtype === "uint32" ? x : g.node("Abs", [x]),
  domain: { range: [0.5, 2], special: [0, -0, -1.5, Infinity, -Infinity, NaN] },
});

/** `|x|`, elementwise; its derivative at 0 is 1, as in JAX. */
export function abs(x: NDArray): NDArray {
  return bind1(absP, [x], null);
}

const signP = unary({
  name: "sign",
  kernels: numbers(Math.sign),
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

function rounding(
  name: string,
  f: (x: number) => number,
  lower: (g: Lowering, x: Value, dtype: DType) => Value,
): Primitive<null> {
  return unary({
    name,
    kernels: floats(f),
    jvp: null,
    lower,
    domain: {
      range: [1.1, 1.4],
      special: [0, -0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 8388609, 1e10, Infinity, NaN],
    },
  });
}

const floorP = rounding("floor", Math.floor, (g, x) => g.node("Floor", [x]));
const ceilP = rounding("ceil", Math.ceil, (g, x) => g.node("Ceil", [x]));
const roundP = rounding("round", roundHalfEven, (g, x) => g.node("Round", [x]));
// The condition holds for no -0, and numbers between -1 and 0 become one.
const truncP = rounding("trunc", Math.trunc, (g, x, dtype) => {
  const positive = g.node("Greater", [x, g.scalar(0, dtype)]);
  return g.node("Where", [positive, g.node("Floor", [x]), g.node("Ceil", [x])]);
});

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  // Also leaves infinities and NaN, whose rest is NaN, to the last line.
  if (rest < 0.5) return below === 0 ? x * 0 : below;
  if (rest > 0.5) return below === -1 ? -0 : below + 1;
  if (rest === 0.5) return below % 2 === 0 ? below : below === -1 ? -0 : below + 1;
  return x;
}

/** The largest integer that is not above `x`, elementwise. Floats only. */
export function floor(x: NDArray): NDArray {
  return bind1(floorP, [x], null);
}
/** The smallest integer that is not below `x`, elementwise. Floats only. */
export function ceil(x: NDArray): NDArray {
  return bind1(ceilP, [x], null);
}
/** `x` without its fractional part, elementwise. Floats only. */
export function trunc(x: NDArray): NDArray {
  return bind1(truncP, [x], null);
}
/** The nearest integer, the even one where two are equally near, elementwise. Floats only. */
export function round(x: NDArray): NDArray {
  return bind1(roundP, [x], null);
}

// ---------------------------------------------------------------- maximum, minimum

function extremum(
  name: string,
  f: (x: number, y: number) => number,
  lower: (g: Lowering, x: Value, y: Value, dtype: DType) => Value,
): Primitive<null> {
  return binary({
    name,
    kernels: { ...numbers(f), bool: f },
    // Half of the derivative goes to each operand of a tie, as in JAX.
    jvp: (tx, ty, x, y, z) => sum(tx && mul(tx, share(x, y, z)), ty && mul(ty, share(y, x, z))),
    lower,
    domain: {
      skip: { zeros: "of 0 and -0, the kernels of Max and Min give either" },
      range: [-2, 0],
      range2: [0.1, 2],
      special: [1, NaN, 1, NaN, Infinity, -Infinity, 2, -0],
      special2: [1, 1, NaN, NaN, 1, 1, -3, 0],
    },
  });
}

/** The part of the derivative of `z`, which is `x` or `other`, that belongs to `x`. */
function share(x: NDArray, other: NDArray, z: NDArray): NDArray {
  const one = scalarLike(1, z);
  const tie = select(eq(other, z), scalarLike(0.5, z), one);
  return select(eq(x, z), tie, scalarLike(0, z));
}

const maximumP = extremum("maximum", (x, y) => Math.max(x, y), (g, x, y, dtype) => {
  if (dtype === "bool") return g.node("Or", [x, y]);
  const larger = g.node("Max", [x, y]);
  if (!isFloat(dtype)) return larger;
  // With the constant 0, as in rectifiers, there is no -0, which the kernel may give.
  const zero = g.scalar(0, dtype);
  return x === zero || y === zero ? g.node("Add", [larger, zero]) : larger;
});
const minimumP = extremum("minimum", (x, y) => Math.min(x, y), (g, x, y, dtype) => {
  if (dtype === "bool") return g.node("And", [x, y]);
  const zero = g.scalar(0, dtype);
  if (!isFloat(dtype) || (x !== zero && y !== zero)) return g.node("Min", [x, y]);
  // With the constant 0, -0 stays, which native kernels turn into 0.
  const other = x === zero ? y : x;
  return g.node("Where", [g.node("Less", [zero, other]), zero, other]);
});

/**
 * The larger of `x` and `y`, elementwise; NaN where either is NaN. Of 0 and -0 it is 0, but where both
 * are computed, compiled code may give -0: that costs ONNX's Max a handful of nodes.
 */
export function maximum(x: NDArray, y: NDArray): NDArray {
  return bind1(maximumP, [x, y], null);
}
/**
 * The smaller of `x` and `y`, elementwise; NaN where either is NaN. Of 0 and -0 it is -0, with the same
 * exception as `maximum`.
 */
export function minimum(x: NDArray, y: NDArray): NDArray {
  return bind1(minimumP, [x, y], null);
}

// ---------------------------------------------------------------- select

const selectP: Primitive<null> = definePrimitive<null>({
  name: "select",
  abstractEval(inputs) {
    const [c, x, y] = inputs;
    if (c!.dtype !== "bool") {
      throw new DTypeError(
        `select: the condition has dtype ${c!.dtype}, not bool: compare it with 0 first`,
      );
    }
    if (x!.dtype !== y!.dtype) {
      throw new DTypeError(
        `select: dtypes ${x!.dtype} and ${y!.dtype} differ: convert one with astype`,
      );
    }
    if (sameShape(x!.shape, y!.shape) && sameShape(c!.shape, x!.shape)) return [x!];
    return [shaped(broadcastShapes("select", c!.shape, x!.shape, y!.shape), x!.dtype)];
  },
  impl(inputs, _, [out]) {
    const { shape, dtype } = out!;
    const z = allocate(dtype, sizeOf(shape));
    const [c, x, y] = inputs.map((v) => spread(v, shape)) as [TypedArray, TypedArray, TypedArray];
    selectInto(dtype, z, c, x, y);
    return [z];
  },
  jvp([c, x, y], [, tx, ty]) {
    const z = select(c!, x!, y!);
    const zero = scalarLike(0, z);
    return [[z], [broadcastTo(select(c!, tx ?? zero, ty ?? zero), z.shape)]];
  },
  transpose([ct], [c, x, y]) {
    if (!ct) return [null, null, null];
    const condition = c as NDArray;
    const zero = scalarLike(0, ct);
    const dx = x instanceof Linear ? unbroadcast(select(condition, ct, zero), x.aval.shape) : null;
    const dy = y instanceof Linear ? unbroadcast(select(condition, zero, ct), y.aval.shape) : null;
    return [null, dx, dy];
  },
  batch: (args, dims) => elementwiseBatch(args, dims, ([c, x, y]) => select(c!, x!, y!)),
  passes: ordinary,
  lower: (g, inputs, _, avals, [out]) => [
    lowerElementwise(g, inputs, avals, out!, ([c, x, y]) => g.where(c!, x!, y!, out!.dtype)),
  ],
  samples: () => {
    const c = { shape: [4], dtype: "bool" as const, values: [1, 0, 0, 1] };
    return [
      {
        name: "vectors",
        inputs: [c, { shape: [4], dtype: "float32" }, { shape: [4], dtype: "float32" }],
        params: null,
      },
      {
        name: "zeros of either sign in both branches",
        inputs: [
          c,
          { shape: [4], dtype: "float32", values: [-0, -0, 0, 0] },
          { shape: [4], dtype: "float32", values: [0, -0, 0, -0] },
        ],
        params: null,
      },
      {
        name: "a scalar -0, float64",
        inputs: [
          { shape: [], dtype: "bool", values: [1] },
          { shape: [], dtype: "float64", values: [-0] },
          { shape: [3], dtype: "float64" },
        ],
        params: null,
      },
      {
        name: "scalar condition, float64",
        inputs: [
          { shape: [], dtype: "bool", values: [0] },
          { shape: [2, 3], dtype: "float64" },
          { shape: [3], dtype: "float64" },
        ],
        params: null,
      },
      {
        name: "scalar operand",
        inputs: [c, { shape: [], dtype: "float32" }, { shape: [3, 4], dtype: "float32" }],
        params: null,
      },
      {
        name: "long columns",
        inputs: [
          { shape: [300, 1], dtype: "bool" },
          { shape: [1], dtype: "float32" },
          { shape: [2, 300, 1], dtype: "float32" },
        ],
        params: null,
      },
      {
        name: "NaN in the branch not taken",
        inputs: [c, { shape: [4], dtype: "float32", values: [1, NaN, NaN, 2] }, {
          shape: [],
          dtype: "float32",
          values: [3],
        }],
        params: null,
        skip: { jvp: "NaN", transpose: "NaN" },
      },
      {
        name: "zero size",
        inputs: [
          { shape: [0], dtype: "bool" },
          { shape: [1], dtype: "float32" },
          { shape: [0], dtype: "float32" },
        ],
        params: null,
      },
      {
        name: "int32",
        inputs: [c, { shape: [4], dtype: "int32" }, { shape: [], dtype: "int32" }],
        params: null,
      },
      {
        name: "uint32",
        inputs: [c, { shape: [4], dtype: "uint32", values: [1, 2, 3, 4294967295] }, {
          shape: [],
          dtype: "uint32",
          values: [4000000000],
        }],
        params: null,
      },
      {
        name: "bool",
        inputs: [c, { shape: [], dtype: "bool", values: [1] }, {
          shape: [4],
          dtype: "bool",
          values: [0, 0, 1, 1],
        }],
        params: null,
      },
    ];
  },
});

/** An operand's elements as `selectInto` reads them: one for all, or one for each of the result. */
function spread(x: HostValue, shape: readonly number[]): TypedArray {
  const n = sizeOf(shape);
  if (x.values.length === n || x.values.length === 1) return x.values;
  const out = allocate(x.dtype, n);
  copyStrided(x.values, 0, broadcastStrides(x.shape, shape), out, 0, stridesOf(shape), shape);
  return out;
}

/**
 * `x` where `condition` is true, else `y`; all three broadcast. The branch not taken has no
 * influence, on derivatives neither, but for what its own derivative makes of a zero.
 *
 * @throws {DTypeError} where the condition is not bool or the branches' dtypes differ.
 */
export function select(condition: NDArray, x: NDArray, y: NDArray): NDArray {
  return bind1(selectP, [condition, x, y], null);
}
