/**
 * Primitives that change an array's shape and the helpers built from them, which all other
 * primitives' rules use: broadcast, reshape, transpose, and reduceSum, which is what a broadcast
 * transposes to. Conversions and constants without inputs are in `convert.ts`, re-exported here.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import {
  broadcastShapes,
  checkShape,
  sameShape,
  shaped,
  type ShapedArray,
  sizeOf,
  stridesOf,
} from "../core/aval.ts";
import { scalarArray } from "../core/concrete.ts";
import { allocate, type DType } from "../core/dtype.ts";
import { AxisError, DTypeError, formatShape, ShapeError } from "../core/errors.ts";
import { definePrimitive, type Linear, ordinary, type Primitive } from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { broadcastStrides, sumInto } from "./kernels.ts";
import { copyStrided } from "./strided.ts";
import { lowerSum } from "./sum_lower.ts";

export { convert, iota, stopGradient } from "./convert.ts";

// ---------------------------------------------------------------- broadcast

/** Parameters of the primitives that give an array a new shape. */
export interface ShapeParams {
  /** The shape of the result. */
  readonly shape: readonly number[];
}

/** NumPy broadcasting to a shape, axes aligned on the right. */
export const broadcastP: Primitive<ShapeParams> = definePrimitive<ShapeParams>({
  name: "broadcast",
  abstractEval([x], { shape }) {
    checkShape("broadcast", shape);
    const own = x!.shape;
    if (sameShape(own, shape)) return [x!];
    if (own.length > shape.length || !sameShape(broadcastShapes("broadcast", own, shape), shape)) {
      throw new ShapeError(
        `broadcast: shape ${formatShape(own)} does not broadcast to ${formatShape(shape)}: ` +
          "lengths must be 1 or equal, counted from the last axis. Reshape the array first",
      );
    }
    return [shaped(shape, x!.dtype)];
  },
  impl([x], { shape }) {
    const n = sizeOf(shape);
    if (x!.values.length === n) return [x!.values];
    const out = allocate(x!.dtype, n);
    if (x!.values.length === 1) {
      // Zeros are there already, and a large array of them costs nothing until it is used.
      if (!Object.is(x!.values[0], 0)) out.fill(x!.values[0]!);
    } else {
      const strides = broadcastStrides(x!.shape, shape);
      copyStrided(x!.values, 0, strides, out, 0, stridesOf(shape), shape);
    }
    return [out];
  },
  jvp: ([x], [t], { shape }) => [[broadcastTo(x!, shape)], [broadcastTo(t!, shape)]],
  transpose: ([ct], [x]) => [ct ? unbroadcast(ct, (x as Linear).aval.shape) : null],
  batch([x], [dim], size, { shape }) {
    const front = moveAxis(x!, dim!, 0);
    const missing = shape.length - (front.ndim - 1);
    const aligned = reshape(front, [size, ...ones(missing), ...front.shape.slice(1)]);
    return [[broadcastTo(aligned, [size, ...shape])], [0]];
  },
  passes: { ...ordinary, cheap: true },
  lower(g, [x], { shape }, [aval]) {
    if (sizeOf(aval!.shape) === sizeOf(shape)) return [g.reshape(x!, shape)];
    // Expand takes an axis of length 1 to 0 in some places only (onnxruntime 1.30).
    if (sizeOf(shape) === 0) return [g.constant([], shape, aval!.dtype)];
    return [g.node("Expand", [x!, g.int64(shape)])];
  },
  samples: () => [
    { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { shape: [2, 3] } },
    {
      name: "middle axis, float64",
      inputs: [{ shape: [2, 1, 3], dtype: "float64" }],
      params: { shape: [4, 2, 5, 3] },
    },
    { name: "only ones", inputs: [{ shape: [3], dtype: "float32" }], params: { shape: [1, 3] } },
    { name: "zero size", inputs: [{ shape: [1], dtype: "float32" }], params: { shape: [2, 0] } },
    { name: "int32", inputs: [{ shape: [2, 1], dtype: "int32" }], params: { shape: [2, 2] } },
    {
      name: "uint32",
      inputs: [{ shape: [2], dtype: "uint32", values: [1, 4294967295] }],
      params: { shape: [3, 2] },
    },
    {
      name: "bool",
      inputs: [{ shape: [2], dtype: "bool", values: [0, 1] }],
      params: { shape: [1, 3, 2] },
    },
  ],
});

/**
 * `x` broadcast to `shape` by NumPy's rule: axes are aligned on the right, and those of length 1 are
 * repeated.
 *
 * @throws {ShapeError} where a length is neither 1 nor the one asked for.
 */
export function broadcastTo(x: NDArray, shape: readonly number[]): NDArray {
  return sameShape(x.shape, shape) ? x : bind1(broadcastP, [x], { shape });
}

// ---------------------------------------------------------------- reshape

/** The same elements in another shape. */
export const reshapeP: Primitive<ShapeParams> = definePrimitive<ShapeParams>({
  name: "reshape",
  abstractEval([x], { shape }) {
    checkShape("reshape", shape);
    if (sizeOf(x!.shape) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: shape ${formatShape(x!.shape)} has ${sizeOf(x!.shape)} elements, ${
          formatShape(shape)
        } has ${sizeOf(shape)}`,
      );
    }
    return [shaped(shape, x!.dtype)];
  },
  impl: ([x]) => [x!.values],
  jvp: ([x], [t], { shape }) => [[reshape(x!, shape)], [reshape(t!, shape)]],
  transpose: ([ct], [x]) => [ct ? reshape(ct, (x as Linear).aval.shape) : null],
  batch: ([x], [dim], size, { shape }) => [
    [reshape(moveAxis(x!, dim!, 0), [size, ...shape])],
    [0],
  ],
  passes: { ...ordinary, cheap: true, algebra: { kind: "rearrangement" } },
  lower: (g, [x], { shape }) => [g.reshape(x!, shape)],
  samples: () => [
    { name: "vector", inputs: [{ shape: [6], dtype: "float32" }], params: { shape: [2, 3] } },
    { name: "scalar", inputs: [{ shape: [], dtype: "float64" }], params: { shape: [1, 1] } },
    { name: "zero size", inputs: [{ shape: [0, 3], dtype: "float32" }], params: { shape: [0] } },
    {
      name: "bool",
      inputs: [{ shape: [2, 1], dtype: "bool", values: [0, 1] }],
      params: { shape: [1, 2] },
    },
    { name: "int32", inputs: [{ shape: [2, 3], dtype: "int32" }], params: { shape: [3, 2] } },
    {
      name: "uint32",
      inputs: [{ shape: [2], dtype: "uint32", values: [1, 4294967295] }],
      params: { shape: [2, 1] },
    },
  ],
});

/**
 * The elements of `x`, row by row, in another shape.
 *
 * @throws {ShapeError} where the numbers of elements differ.
 */
export function reshape(x: NDArray, shape: readonly number[]): NDArray {
  return sameShape(x.shape, shape) ? x : bind1(reshapeP, [x], { shape });
}

// ---------------------------------------------------------------- transpose

/** Parameters of a transposition. */
export interface TransposeParams {
  /** For each axis of the result, the operand's axis that it is. */
  readonly perm: readonly number[];
}

/** A permutation of axes. */
export const transposeP: Primitive<TransposeParams> = definePrimitive<TransposeParams>({
  name: "transpose",
  abstractEval([x], { perm }) {
    const rank = x!.shape.length;
    if (perm.length !== rank || !isPermutation(perm)) {
      throw new AxisError(
        `transpose: ${formatShape(perm)} is not a permutation of the axes of an array of shape ${
          formatShape(x!.shape)
        }: each of its ${rank} axes must be named once`,
      );
    }
    return [shaped(perm.map((p) => x!.shape[p]!), x!.dtype)];
  },
  impl([x], { perm }, [out]) {
    if (keepsOrder(x!.shape, perm)) return [x!.values];
    const values = allocate(x!.dtype, x!.values.length);
    const strides = stridesOf(x!.shape);
    const { shape } = out!;
    copyStrided(x!.values, 0, perm.map((p) => strides[p]!), values, 0, stridesOf(shape), shape);
    return [values];
  },
  jvp: ([x], [t], { perm }) => [[transpose(x!, perm)], [transpose(t!, perm)]],
  transpose([ct], _, { perm }) {
    if (!ct) return [null];
    const inverse: number[] = new Array(perm.length);
    perm.forEach((p, i) => inverse[p] = i);
    return [transpose(ct, inverse)];
  },
  batch([x], [dim], _, { perm }) {
    const d = dim!;
    return [[transpose(x!, [d, ...perm.map((p) => p < d ? p : p + 1)])], [0]];
  },
  passes: { ...ordinary, algebra: { kind: "rearrangement" } },
  lower(g, [x], { perm }, [aval], [out]) {
    if (keepsOrder(aval!.shape, perm)) return [g.reshape(x!, out!.shape)];
    return [g.node("Transpose", [x!], { perm })];
  },
  samples: () => [
    { name: "matrix", inputs: [{ shape: [2, 3], dtype: "float32" }], params: { perm: [1, 0] } },
    {
      name: "three axes, float64",
      inputs: [{ shape: [2, 3, 4], dtype: "float64" }],
      params: { perm: [2, 0, 1] },
    },
    {
      name: "axis of length 1",
      inputs: [{ shape: [3, 1], dtype: "float32" }],
      params: { perm: [1, 0] },
    },
    { name: "zero size", inputs: [{ shape: [0, 3], dtype: "float32" }], params: { perm: [1, 0] } },
    { name: "int32", inputs: [{ shape: [2, 2], dtype: "int32" }], params: { perm: [1, 0] } },
    { name: "uint32", inputs: [{ shape: [3, 2], dtype: "uint32" }], params: { perm: [1, 0] } },
    { name: "bool", inputs: [{ shape: [2, 2], dtype: "bool" }], params: { perm: [1, 0] } },
  ],
});

function isPermutation(perm: readonly number[]): boolean {
  return perm.every((p, i) =>
    Number.isInteger(p) && p >= 0 && p < perm.length && perm.indexOf(p) === i
  );
}

/** Whether only axes of length 1 move, so that the elements stay in order. */
function keepsOrder(shape: readonly number[], perm: readonly number[]): boolean {
  let last = -1;
  for (const p of perm) {
    if (shape[p] === 1) continue;
    if (p < last) return false;
    last = p;
  }
  return true;
}

/**
 * `x` with its axes permuted: axis `i` of the result is axis `perm[i]` of `x`.
 *
 * @throws {AxisError} where `perm` is not a permutation of the axes.
 */
export function transpose(x: NDArray, perm: readonly number[]): NDArray {
  const identity = perm.length === x.ndim && perm.every((p, i) => p === i);
  return identity ? x : bind1(transposeP, [x], { perm });
}

// ---------------------------------------------------------------- reduceSum

/** Parameters of a reduction. */
export interface ReduceParams {
  /** The axes reduced over, ascending. */
  readonly axes: readonly number[];
}

/** Sum over axes, which vanish. */
export const reduceSumP: Primitive<ReduceParams> = definePrimitive<ReduceParams>({
  name: "reduce_sum",
  abstractEval([x], { axes }) {
    const { shape, dtype } = x!;
    if (dtype === "bool") {
      throw new DTypeError(
        "reduce_sum: bool arrays have no sum. Convert with astype('int32') to count",
      );
    }
    if (!axes.every((a, i) => Number.isInteger(a) && a > (axes[i - 1] ?? -1) && a < shape.length)) {
      throw new AxisError(
        `reduce_sum: axes ${formatShape(axes)} are not ascending axes of an array of shape ${
          formatShape(shape)
        }`,
      );
    }
    return [shaped(shape.filter((_, i) => !axes.includes(i)), dtype)];
  },
  impl([x], { axes }, [out]) {
    const values = allocate(out!.dtype, sizeOf(out!.shape));
    sumInto(x!.dtype, values, x!.values, x!.shape, axes);
    return [values];
  },
  jvp: ([x], [t], { axes }) => [[reduceSum(x!, axes)], [reduceSum(t!, axes)]],
  transpose([ct], [x], { axes }) {
    if (!ct) return [null];
    const { shape } = (x as Linear).aval;
    return [broadcastTo(reshape(ct, shape.map((n, i) => axes.includes(i) ? 1 : n)), shape)];
  },
  batch([x], [dim], _, { axes }) {
    const d = dim!;
    const shifted = axes.map((a) => a < d ? a : a + 1);
    return [[reduceSum(x!, shifted)], [d - shifted.filter((a) => a < d).length]];
  },
  passes: ordinary,
  lower(g, [x], { axes }, [aval], [out]) {
    if (axes.length === 0) return [x!];
    if (aval!.shape.includes(0)) {
      return [g.constant(new Array(sizeOf(out!.shape)).fill(0), out!.shape, out!.dtype)];
    }
    return [lowerSum(g, x!, aval!, axes, out!.shape)];
  },
  samples: () => [
    { name: "vector", inputs: [{ shape: [5], dtype: "float32" }], params: { axes: [0] } },
    { name: "last axis", inputs: [{ shape: [3, 4], dtype: "float32" }], params: { axes: [1] } },
    {
      name: "outer axes, float64",
      inputs: [{ shape: [2, 3, 4], dtype: "float64" }],
      params: { axes: [0, 2] },
    },
    {
      name: "long: in stages",
      inputs: [{ shape: [2, 5003, 2], dtype: "float32", range: [0, 1] }],
      params: { axes: [1] },
      skip: { jvp: "the sum of 5003 elements leaves finite differences no digits" },
    },
    {
      name: "nothing summed",
      inputs: [{ shape: [0, 3], dtype: "float32" }],
      params: { axes: [0] },
    },
    { name: "zero size", inputs: [{ shape: [0, 3], dtype: "float32" }], params: { axes: [1] } },
    { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { axes: [] } },
    ...[[0], [1], [0, 1]].map((axes) => ({
      name: `overflow on the way, over ${axes}`,
      inputs: [{
        shape: [3, 3],
        dtype: "float32" as const,
        values: [3e38, 3e38, -3e38, 3e38, -3e38, 3e38, -3e38, 1, 2],
      }],
      params: { axes },
      skip: { jvp: "it overflows" },
    })),
    {
      name: "int32 wraps",
      inputs: [{ shape: [3], dtype: "int32", values: [2147483647, 1, 5] }],
      params: { axes: [0] },
    },
    {
      name: "uint32 wraps",
      inputs: [{ shape: [2, 2], dtype: "uint32", values: [4294967295, 2000000000, 3, 1000000000] }],
      params: { axes: [0] },
    },
    {
      name: "int32, two runs of axes",
      inputs: [{ shape: [2, 3, 2, 2, 2], dtype: "int32", range: [-2e9, 2e9] }],
      params: { axes: [0, 2, 3] },
    },
    {
      name: "long, two runs of axes",
      inputs: [{ shape: [70, 2, 83], dtype: "float32", range: [0, 1] }],
      params: { axes: [0, 2] },
      skip: { jvp: "the sum of 5810 elements leaves finite differences no digits" },
    },
  ],
});

/**
 * The sum of `x` over `axes`, ascending, which vanish from the shape. Floats are summed pairwise or
 * better, integers wrap.
 *
 * @throws {DTypeError} for bool.
 */
export function reduceSum(x: NDArray, axes: readonly number[]): NDArray {
  return axes.length === 0 ? x : bind1(reduceSumP, [x], { axes });
}

// ---------------------------------------------------------------- helpers

function ones(n: number): number[] {
  return new Array<number>(n).fill(1);
}

/** `x` with axis `from` moved to position `to`. */
export function moveAxis(x: NDArray, from: number, to: number): NDArray {
  if (from === to) return x;
  const perm = x.shape.map((_, i) => i);
  perm.splice(from, 1);
  perm.splice(to, 0, from);
  return transpose(x, perm);
}

/** `x` with axes of length 1 put in, so that they are at positions `axes` of the result. */
export function expandDims(x: NDArray, axes: readonly number[]): NDArray {
  const shape = [...x.shape];
  for (const axis of [...axes].sort((a, b) => a - b)) shape.splice(axis, 0, 1);
  return reshape(x, shape);
}

/** `x` without the `axes`, which must have length 1. */
export function squeeze(x: NDArray, axes: readonly number[]): NDArray {
  return reshape(x, x.shape.filter((_, i) => !axes.includes(i)));
}

/** A cotangent summed over the axes along which an operand of `shape` was broadcast. */
export function unbroadcast(ct: NDArray, shape: readonly number[]): NDArray {
  if (sameShape(ct.shape, shape)) return ct;
  const lead = ct.ndim - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < ct.ndim; i++) {
    if (i < lead || (shape[i - lead] === 1 && ct.shape[i] !== 1)) axes.push(i);
  }
  return reshape(reduceSum(ct, axes), shape);
}

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
