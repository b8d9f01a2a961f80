/**
 * The same elements in another shape: reshape.
 *
 * Axes in another order: transpose.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkShape,
  definePrimitive,
  formatShape,
  type Linear,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  shaped,
  ShapeError,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import { copyStrided } from "../loops/loops.ts";

/** Parameters of a transposition. */
export interface TransposeParams {
  /** For each axis of the result, the operand's axis that it is. */
  readonly perm: readonly number[];
}

/** A permutation of axes. */
export const transposeP: Primitive<TransposeParams> = /* @__PURE__ */ definePrimitive<
  TransposeParams
>({
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
  kernel: (b, [x], { perm }) => [b.transpose(x!, perm)],
  heavy: { work: ([x]) => sizeOf(x!.shape), sameBits: true },
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

/** `x` with axis `from` moved to position `to`. */
export function moveAxis(x: NDArray, from: number, to: number): NDArray {
  if (from === to) return x;
  const perm = x.shape.map((_, i) => i);
  perm.splice(from, 1);
  perm.splice(to, 0, from);
  return transpose(x, perm);
}

/** Parameters of the primitives that give an array a new shape. */
export interface ShapeParams {
  /** The shape of the result. */
  readonly shape: readonly number[];
}

/** The same elements in another shape. */
export const reshapeP: Primitive<ShapeParams> = /* @__PURE__ */ definePrimitive<ShapeParams>({
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
  kernel: (b, [x], { shape }) => [b.reshape(x!, shape)],
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
