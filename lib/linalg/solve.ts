/**
 * Systems of linear equations: solve. Inverses are built from it in `lib/api`.
 *
 * What the graph computes is in `graph.ts`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sameShape, type ShapedArray, sizeOf } from "../core/aval.ts";
import { allocate, type TypedArray } from "../core/dtype.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import {
  definePrimitive,
  Linear,
  ordinary,
  type Primitive,
  type Tangent,
} from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { checkDType, checkSameDType, floating } from "../core/checks.ts";
import { neg, sub } from "../primitives/elementwise/arithmetic.ts";
import { emptyOutput } from "../primitives/graph/nodes.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import { batchAxisInFront } from "../primitives/sum/broadcast.ts";
import { lowerSolve } from "./graph.ts";
import { matmul, transposed } from "./matrices.ts";

/**
 * Solves in place by LU decomposition with partial pivoting: `a` holds n x n numbers and is
 * destroyed, `b` holds n x m and becomes the solution. A singular matrix divides by zero.
 */
function solveInPlace(a: Float64Array, b: Float64Array, n: number, m: number): void {
  for (let k = 0; k < n; k++) {
    let pivot = k;
    let largest = Math.abs(a[k * n + k]!);
    for (let i = k + 1; i < n; i++) {
      const size = Math.abs(a[i * n + k]!);
      if (size > largest) {
        largest = size;
        pivot = i;
      }
    }
    if (pivot !== k) {
      swapRows(a, k * n, pivot * n, n);
      swapRows(b, k * m, pivot * m, m);
    }
    const top = a[k * n + k]!;
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k]! / top;
      // A zero leaves the row alone, unless the pivot row is not finite.
      if (factor === 0) continue;
      for (let j = k + 1, to = i * n + j, from = k * n + j; j < n; j++, to++, from++) {
        a[to]! -= factor * a[from]!;
      }
      for (let j = 0, to = i * m, from = k * m; j < m; j++, to++, from++) {
        b[to]! -= factor * b[from]!;
      }
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) {
      const factor = a[i * n + k]!;
      for (let j = 0, to = i * m, from = k * m; j < m; j++, to++, from++) {
        b[to]! -= factor * b[from]!;
      }
    }
    const diagonal = a[i * n + i]!;
    for (let j = 0, to = i * m; j < m; j++, to++) b[to]! /= diagonal;
  }
}

function swapRows(x: Float64Array, i: number, j: number, n: number): void {
  for (let k = 0; k < n; k++) {
    const value = x[i + k]!;
    x[i + k] = x[j + k]!;
    x[j + k] = value;
  }
}

/** The number of systems, their size and the number of right-hand sides. */
function extents(b: ShapedArray): readonly [systems: number, n: number, m: number] {
  const [n, m] = b.shape.slice(-2);
  return [sizeOf(b.shape.slice(0, -2)), n!, m!];
}

/** Solutions of systems of linear equations. Inputs: matrices, right-hand sides. */
export const solveP: Primitive<null> = definePrimitive<null>({
  name: "solve",
  abstractEval([a, b]) {
    checkDType("solve", "the matrix", a!, floating);
    checkSameDType("solve", a!, b!, "the matrix and the right-hand side");
    const n = a!.shape.at(-1);
    if (a!.shape.length < 2 || n !== a!.shape.at(-2)) {
      throw new ShapeError(
        `solve: the matrix must be square, but its shape is ${formatShape(a!.shape)}`,
      );
    }
    const rank = a!.shape.length;
    if (b!.shape.length !== rank || !sameShape(a!.shape.slice(0, -1), b!.shape.slice(0, -1))) {
      throw new ShapeError(
        `solve: a right-hand side of shape ${
          formatShape(b!.shape)
        } does not fit a matrix of shape ${formatShape(a!.shape)}: it must have the shape ${
          formatShape(a!.shape.slice(0, -1)).replace("]", ",m]")
        }`,
      );
    }
    return [b!];
  },
  impl([a, b]) {
    const [systems, n, m] = extents(b!);
    const values = allocate(b!.dtype, b!.values.length);
    const matrix = new Float64Array(n * n);
    const sides = new Float64Array(n * m);
    const part = (x: TypedArray, i: number, size: number): TypedArray =>
      x.subarray(i * size, (i + 1) * size);
    for (let i = 0; i < systems; i++) {
      matrix.set(part(a!.values, i, n * n));
      sides.set(part(b!.values, i, n * m));
      solveInPlace(matrix, sides, n, m);
      values.set(sides, i * n * m);
    }
    return [values];
  },
  jvp([a, b], [da, db]) {
    // a x = b, so a dx = db - da x.
    const x = solve(a!, b!);
    const shift = da === null || da === undefined ? null : matmul(da, x);
    const side: Tangent = shift === null
      ? db!
      : db === null || db === undefined
      ? neg(shift)
      : sub(db, shift);
    return [[x], [solve(a!, side!)]];
  },
  transpose([ct], [a, b]) {
    if (ct === null || ct === undefined || !(b instanceof Linear)) return [null, null];
    return [null, solve(transposed(a as NDArray), ct)];
  },
  batch([a, b], [dim, sideDim], size) {
    if (dim === null || dim === undefined) {
      // One matrix for all lanes: they become further right-hand sides.
      const lanes = moveAxis(b!, sideDim!, b!.ndim - 1);
      const shape = lanes.shape.slice(0, -2);
      const m = lanes.shape.at(-2)!;
      const x = reshape(solve(a!, reshape(lanes, [...shape, m * size])), [...shape, m, size]);
      return [[x], [x.ndim - 1]];
    }
    const x = solve(moveAxis(a!, dim, 0), batchAxisInFront(b!, sideDim ?? null, size));
    return [[x], [0]];
  },
  // The matrices that are eliminated would be needed for all steps at once.
  passes: { ...ordinary, mobile: false },
  lower(g, [a, b], _, [, aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const [systems, n, m] = extents(aval!);
    return [g.reshape(lowerSolve(g, a!, b!, { systems, n, dtype: aval!.dtype }, m), out!.shape)];
  },
  samples: () => [
    {
      name: "needs pivoting",
      inputs: [
        { shape: [3, 3], dtype: "float32", values: [0, 2, 1, 1, 0, 0, 3, 0, 1] },
        { shape: [3, 2], dtype: "float32" },
      ],
      params: null,
    },
    {
      name: "several systems, float64",
      inputs: [
        {
          shape: [2, 3, 3],
          dtype: "float64",
          values: [4, 1, -1, 0, 3, 1, 1, -2, 5, -1, 3, 0, 2, 0.5, 1, 0, 1, -4],
        },
        { shape: [2, 3, 1], dtype: "float64" },
      ],
      params: null,
    },
    {
      name: "one unknown",
      inputs: [
        { shape: [1, 1], dtype: "float32", values: [4] },
        { shape: [1, 1], dtype: "float32" },
      ],
      params: null,
    },
    {
      name: "no unknowns",
      inputs: [{ shape: [0, 0], dtype: "float32" }, { shape: [0, 2], dtype: "float32" }],
      params: null,
    },
    {
      name: "no right-hand sides",
      inputs: [
        { shape: [2, 2], dtype: "float32", values: [1, 2, 3, 4] },
        { shape: [2, 0], dtype: "float32" },
      ],
      params: null,
    },
  ],
});

/**
 * The solutions x of `a x = b` for square matrices `a` of shape `[..., n, n]` and right-hand sides `b`
 * of shape `[..., n, m]`, by elimination with partial pivoting. A singular matrix gives infinities
 * or NaN.
 *
 * @throws {ShapeError} where the matrix is not square or the right-hand side does not fit.
 */
export function solve(a: NDArray, b: NDArray): NDArray {
  return bind1(solveP, [a, b], null);
}
