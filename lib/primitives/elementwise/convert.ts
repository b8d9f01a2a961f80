/**
 * Conversion between element types: convert.
 *
 * Rounding: floor, ceil, trunc and round.
 *
 * @module
 */
import {
  allocate,
  bind1,
  definePrimitive,
  type DType,
  dtypes,
  expectDType,
  isFloat,
  isInteger,
  limits,
  type Linear,
  type NDArray,
  ordinary,
  type Primitive,
  type Sample,
  type SampleInput,
  shaped,
  type TypedArray,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { type Expr, type Exprs, type Loop, type Scalar1, scalarType } from "../../scalar/expr.ts";
import { elementwiseLoop } from "../../scalar/javascript.ts";
import { elementwise, floats, unary } from "./factory.ts";

/** Parameters of a conversion. */
export interface ConvertParams {
  /** The element type of the result. */
  readonly dtype: DType;
}

/** Conversion of the element type. */
export const convertP: Primitive<ConvertParams> = /* @__PURE__ */ definePrimitive<ConvertParams>({
  name: "convert",
  abstractEval([x], { dtype }) {
    expectDType("convert", dtype ?? null, x!.dtype);
    return x!.dtype === dtype ? [x!] : [shaped(x!.shape, dtype)];
  },
  impl: ([x], { dtype }) => [convertValues(x!.values, x!.dtype, dtype)],
  jvp([x], [t], { dtype }) {
    return [[convert(x!, dtype)], [t && isFloat(dtype) ? convert(t, dtype) : null]];
  },
  transpose: ([ct], [x]) => [ct ? convert(ct, (x as Linear).aval.dtype) : null],
  batch: ([x], [dim], _, { dtype }) => [[convert(x!, dtype)], [dim!]],
  passes: ordinary,
  lower(g, [x], { dtype }, [aval]) {
    // Cast saturates and maps NaN to 0 in WebAssembly; elsewhere that is up to the machine.
    const exact = g.target === "onnx" || !isFloat(aval!.dtype) || !isInteger(dtype);
    return [exact ? g.cast(x!, aval!.dtype, dtype) : saturated(g, x!, aval!.dtype, dtype)];
  },
  heavy: elementwise,
  kernel: (b, inputs, { dtype }, _, [out]) => [
    b.map(inputs, out!, (e, [x]) => convertExpr(dtype)(e, x!)),
  ],
  samples: convertSamples,
});

/** Floats as integers, with a Cast only of what the integer type holds. */
function saturated(g: Lowering, x: Value, from: DType, to: DType): Value {
  const [min, max] = limits(to);
  // The largest float that the integer type holds: below 2^31 or 2^32, float32 goes in steps.
  const most = from === "float64" ? max : to === "int32" ? 2 ** 31 - 2 ** 7 : 2 ** 32 - 2 ** 8;
  const zero = g.scalar(0, from);
  const number = g.node("Where", [g.node("Equal", [x, x]), x, zero]);
  const inside = g.node("Clip", [number, g.scalar(min, from), g.scalar(most, from)]);
  const whole = g.cast(inside, from, to);
  if (most === max) return whole;
  // Chosen as int32, for which every runtime has Where: the bits are the same.
  const beyond = g.node("Greater", [x, g.scalar(most, from)]);
  const largest = g.scalar(max | 0, "int32");
  return g.cast(g.node("Where", [beyond, largest, g.cast(whole, to, "int32")]), "int32", to);
}

/** What it computes of an element. */
export function convertExpr(to: DType): (e: Exprs, x: Expr) => Expr {
  return (e, x) => e.convert(x, scalarType[to]);
}

const loopOf = new Map<`${DType} ${DType}`, Loop>();

function convertValues(values: TypedArray, from: DType, to: DType): TypedArray {
  if (from === to) return values;
  const out = allocate(to, values.length);
  // Storing into a typed array converts as wanted, but for bool, and float to integer.
  if (to === "bool" || (isFloat(from) && !isFloat(to))) {
    const key = `${from} ${to}` as const;
    let loop = loopOf.get(key);
    if (loop === undefined) loopOf.set(key, loop = elementwiseLoop(convertExpr(to), [from]));
    loop(0, values.length, out, values, 0, 1);
  } else out.set(values);
  return out;
}

function convertSamples(): Sample<ConvertParams>[] {
  const special: Record<DType, number[]> = {
    float32: [0, 0.5, -0.5, 1.5, -2.5, 100.7, 3e9, -3e9, 1e20, -1, Infinity, -Infinity, NaN],
    float64: [0, 0.5, -0.5, 1.5, -2.5, 100.7, 3e9, -3e9, 1e20, -1, Infinity, -Infinity, NaN],
    int32: [0, 1, -1, 16777217, 2147483647, -2147483648],
    uint32: [0, 1, 16777217, 2147483648, 4294967295],
    bool: [0, 1],
  };
  const samples: Sample<ConvertParams>[] = [
    {
      name: "float64 to float32",
      inputs: [{ shape: [2, 3], dtype: "float64" }],
      params: { dtype: "float32" },
      skip: { jvp: "finite differences of a step function: the result is rounded to float32" },
    },
    {
      name: "float32 to float64",
      inputs: [{ shape: [], dtype: "float32" }],
      params: { dtype: "float64" },
    },
    {
      name: "zero size",
      inputs: [{ shape: [0, 2], dtype: "float32" }],
      params: { dtype: "int32" },
    },
  ];
  for (const from of dtypes) {
    const values = special[from];
    const input: SampleInput = { shape: [values.length], dtype: from, values };
    for (const to of dtypes) {
      if (from === to || (isFloat(from) && isFloat(to))) continue;
      samples.push({ name: `${from} to ${to}`, inputs: [input], params: { dtype: to } });
    }
  }
  return samples;
}

/**
 * `x` with elements converted to `dtype` as JAX converts them: floats to integers truncate, saturate
 * and map NaN to 0; integers wrap; to bool, all but 0 is true. Derivatives flow between floats only.
 */
export function convert(x: NDArray, dtype: DType): NDArray {
  return x.dtype === dtype ? x : bind1(convertP, [x], { dtype });
}

/**
 * A sum of products, of bools too: whether any product is true. They are counted as int32, which
 * every backend has.
 */
export function ofBoolsToo(
  product: (x: NDArray, y: NDArray) => NDArray,
  x: NDArray,
  y: NDArray,
): NDArray {
  if (x.dtype !== "bool" || y.dtype !== "bool") return product(x, y);
  return convert(product(convert(x, "int32"), convert(y, "int32")), "bool");
}

function rounding(
  name: string,
  expr: Scalar1,
  lower: (g: Lowering, x: Value, dtype: DType) => Value,
): Primitive<null> {
  return unary({
    name,
    expr: floats(expr),
    jvp: null,
    lower,
    domain: {
      range: [1.1, 1.4],
      special: [0, -0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 8388609, 1e10, Infinity, NaN],
    },
  });
}

const floorP = /* @__PURE__ */ rounding(
  "floor",
  (e, x) => e.floor(x),
  (g, x) => g.node("Floor", [x]),
);
const ceilP = /* @__PURE__ */ rounding("ceil", (e, x) => e.ceil(x), (g, x) => g.node("Ceil", [x]));
const roundP = /* @__PURE__ */ rounding(
  "round",
  (e, x) => e.nearest(x),
  (g, x) => g.node("Round", [x]),
);
// The condition holds for no -0, and numbers between -1 and 0 become one.
const truncP = /* @__PURE__ */ rounding("trunc", (e, x) => e.trunc(x), (g, x, dtype) => {
  const positive = g.node("Greater", [x, g.scalar(0, dtype)]);
  return g.node("Where", [positive, g.node("Floor", [x]), g.node("Ceil", [x])]);
});

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
