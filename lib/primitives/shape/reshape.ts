/**
 * The same elements in another shape: reshape.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { sameShape, shaped, sizeOf } from "../../core/aval.ts";
import { checkShape } from "../../core/checks.ts";
import { formatShape, ShapeError } from "../../core/errors.ts";
import { definePrimitive, type Linear, ordinary, type Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import { moveAxis } from "./transpose.ts";

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
