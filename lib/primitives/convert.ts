/**
 * Conversion between element types, the barrier to derivatives, and counting: what needs no other
 * primitive in its rules. Re-exported by `shape.ts`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkShape, normalizeAxis, shaped, sizeOf } from "../core/aval.ts";
import {
  allocate,
  convertElement,
  type DType,
  dtypes,
  isDType,
  isFloat,
  isInteger,
  limits,
  type TypedArray,
} from "../core/dtype.ts";
import { DTypeError } from "../core/errors.ts";
import type { Lowering, Value } from "../core/lowering.ts";
import {
  definePrimitive,
  type Linear,
  ordinary,
  type Primitive,
  type Sample,
  type SampleInput,
} from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";

// ---------------------------------------------------------------- convert

/** Parameters of a conversion. */
export interface ConvertParams {
  /** The element type of the result. */
  readonly dtype: DType;
}

/** Conversion of the element type. */
export const convertP: Primitive<ConvertParams> = definePrimitive<ConvertParams>({
  name: "convert",
  abstractEval([x], { dtype }) {
    if (!isDType(dtype)) {
      throw new DTypeError(
        `convert: ${JSON.stringify(dtype)} is not a dtype; the dtypes are ${dtypes.join(", ")}`,
      );
    }
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
    const exact = g.target === "wasm" || !isFloat(aval!.dtype) || !isInteger(dtype);
    return [exact ? g.cast(x!, aval!.dtype, dtype) : saturated(g, x!, aval!.dtype, dtype)];
  },
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

function convertValues(values: TypedArray, from: DType, to: DType): TypedArray {
  if (from === to) return values;
  const out = allocate(to, values.length);
  // Storing into a typed array converts as wanted, but for bool, and float to integer.
  if (to === "bool" || (isFloat(from) && !isFloat(to))) {
    for (let i = 0; i < values.length; i++) out[i] = convertElement(values[i]!, from, to);
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

// ---------------------------------------------------------------- stopGradient

/** The identity, with a derivative of zero. */
export const stopGradientP: Primitive<null> = definePrimitive<null>({
  name: "stop_gradient",
  abstractEval: (inputs) => inputs,
  impl: ([x]) => [x!.values],
  jvp: ([x]) => [[stopGradient(x!)], [null]],
  // Of a tangent, as in rules of functions that stop gradients, it is the identity still.
  transpose: ([ct]) => [ct ?? null],
  batch: ([x], [dim]) => [[stopGradient(x!)], [dim!]],
  passes: ordinary,
  lower: (_, [x]) => [x!],
  samples: () => [
    {
      name: "matrix",
      inputs: [{ shape: [2, 3], dtype: "float32" }],
      params: null,
      skip: { jvp: "its derivative is zero by definition" },
    },
    {
      name: "zero size",
      inputs: [{ shape: [0], dtype: "float64" }],
      params: null,
    },
    { name: "int32", inputs: [{ shape: [2], dtype: "int32" }], params: null },
  ],
});

/** `x`, taken for a constant by derivatives, as `lax.stop_gradient`. */
export function stopGradient(x: NDArray): NDArray {
  return bind1(stopGradientP, [x], null);
}

// ---------------------------------------------------------------- iota

/** Parameters of iota. */
export interface IotaParams {
  /** The shape of the result. */
  readonly shape: readonly number[];
  /** The axis along which elements count from 0. */
  readonly axis: number;
  /** The element type of the result. */
  readonly dtype: DType;
}

/** Longest sequence that is written into a model instead of computed in it. */
const LONGEST_CONSTANT = 64;

/** Positions along an axis. */
export const iotaP: Primitive<IotaParams> = definePrimitive<IotaParams>({
  name: "iota",
  abstractEval(_, { shape, axis, dtype }) {
    checkShape("iota", shape);
    normalizeAxis("iota", axis, shape.length);
    if (dtype === "bool") throw new DTypeError("iota: bool cannot count. Use an integer dtype");
    return [shaped(shape, dtype)];
  },
  impl(_, { shape, axis, dtype }) {
    const values = allocate(dtype, sizeOf(shape));
    const inner = sizeOf(shape.slice(axis + 1));
    const n = shape[axis]!;
    for (let at = 0; at < values.length;) {
      for (let k = 0; k < n; k++, at += inner) values.fill(k, at, at + inner);
    }
    return [values];
  },
  jvp: (_args, _tangents, { shape, axis, dtype }) => [[iota(shape, axis, dtype)], [null]],
  transpose: "nonlinear",
  batch: (_args, _dims, _size, { shape, axis, dtype }) => [[iota(shape, axis, dtype)], [null]],
  passes: { ...ordinary, cheap: true },
  lower(g, _, { shape, axis, dtype }) {
    if (sizeOf(shape) === 0) return [g.constant([], shape, dtype)];
    const n = shape[axis]!;
    const column = shape.slice(axis).map((m, i) => i === 0 ? m : 1);
    let value: string;
    if (n <= LONGEST_CONSTANT) {
      value = g.constant(Array.from({ length: n }, (_, i) => i), column, dtype);
    } else {
      const made = dtype === "uint32" ? "int32" : dtype;
      const range = [0, n, 1].map((v) => g.scalar(v, made));
      value = g.reshape(g.cast(g.node("Range", range), made, dtype), column);
    }
    return [
      n === sizeOf(shape) ? g.reshape(value, shape) : g.node("Expand", [value, g.int64(shape)]),
    ];
  },
  samples: () => [
    { name: "vector", inputs: [], params: { shape: [5], axis: 0, dtype: "int32" } },
    { name: "first axis", inputs: [], params: { shape: [3, 2], axis: 0, dtype: "float32" } },
    { name: "last axis", inputs: [], params: { shape: [2, 3], axis: 1, dtype: "float64" } },
    { name: "long", inputs: [], params: { shape: [2, 100], axis: 1, dtype: "uint32" } },
    { name: "zero size", inputs: [], params: { shape: [0, 3], axis: 0, dtype: "int32" } },
  ],
});

/**
 * An array whose elements are their positions along `axis`, from 0, as `lax.broadcasted_iota`.
 *
 * @throws {DTypeError} for bool.
 */
export function iota(shape: readonly number[], axis: number, dtype: DType): NDArray {
  return bind1(iotaP, [], { shape, axis, dtype });
}
