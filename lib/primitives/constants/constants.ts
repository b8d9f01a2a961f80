/**
 * Arrays of equal elements, and other constants that rules need. They are broadcast scalars, no
 * operations of their own.
 *
 * Counting along an axis: iota.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkShape,
  ConcreteArray,
  definePrimitive,
  type DType,
  DTypeError,
  type NDArray,
  normalizeAxis,
  ordinary,
  type Primitive,
  scalarArray,
  shaped,
  type ShapedArray,
  sizeOf,
  type Tangent,
} from "../../core/mod.ts";
import { scalarType } from "../../scalar/expr.ts";
import { broadcastTo } from "../sum/broadcast.ts";

/** An array of equal elements. */
export function full(shape: readonly number[], value: number, dtype: DType): NDArray {
  return broadcastTo(scalarArray(value, dtype), shape);
}

/** Zeros of a shape and dtype. */
export function zeros(aval: ShapedArray): NDArray {
  return full(aval.shape, 0, aval.dtype);
}

/** Zeros of the shape and dtype of `x`. */
export function zerosLike(x: NDArray): NDArray {
  return full(x.shape, 0, x.dtype);
}

/** Ones of the shape and dtype of `x`. */
export function onesLike(x: NDArray): NDArray {
  return full(x.shape, 1, x.dtype);
}

/** A scalar constant of the dtype of `x`, which broadcasts against it. */
export function scalarLike(value: number, x: NDArray): NDArray {
  return scalarArray(value, x.dtype);
}

/** A constant int32 array of one axis. */
export function int32Constant(values: readonly number[]): ConcreteArray {
  return ConcreteArray.fromHost(shaped([values.length], "int32"), Int32Array.from(values));
}

/** A tangent or cotangent as an array. */
export function instantiate(tangent: Tangent | undefined, aval: ShapedArray): NDArray {
  return tangent ?? zeros(aval);
}

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
export const iotaP: Primitive<IotaParams> = /* @__PURE__ */ definePrimitive<IotaParams>({
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
  kernel(b, _, { shape, axis, dtype }) {
    const ty = scalarType[dtype];
    const n = shape[axis]!;
    const counting = b.map([], shaped([n], dtype), (e) => e.convert(e.index(), ty));
    const column = b.reshape(counting, shape.slice(axis).map((_, i) => i === 0 ? n : 1));
    return [b.broadcast(column, shape)];
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
