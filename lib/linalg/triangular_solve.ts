/**
 * Systems of linear equations whose matrix is triangular.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkSameDType,
  definePrimitive,
  formatShape,
  Linear,
  type NDArray,
  type Primitive,
  sameShape,
  type Sample,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stationary,
  type Tangent,
} from "../core/mod.ts";
import {
  batchAxisInFront,
  div,
  eq,
  moveAxis,
  neg,
  reshape,
  select,
  sub,
  zeros,
} from "../primitives/mod.ts";
import { checkMatrix, lowerAsProgram, steps } from "./decomposition.ts";
import {
  elementOf,
  lowerPart,
  matmul,
  rowNumbers,
  rowOf,
  transposed,
  upperPart,
} from "./matrices.ts";
import type { Routine } from "../routine/routine.ts";
import { substitutions } from "./solve_routines.ts";

/** Parameters of a triangular solve. */
export interface TriangularParams {
  /** Which triangle of the matrix is read: the lower one or the upper one. */
  readonly lower: boolean;
  /** Whether to solve with the transpose of that triangle. */
  readonly transposeA: boolean;
  /** Whether the diagonal is taken to be 1, and not read. */
  readonly unitDiagonal: boolean;
}

/** Checks that `b` holds right-hand sides for the square matrices `a`: leading axes are equal. */
export function checkSides(op: string, a: ShapedArray, b: ShapedArray): void {
  checkMatrix(op, a, true);
  checkSameDType(op, a, b, "the matrix and the right-hand side");
  const rank = a.shape.length;
  if (b.shape.length !== rank || !sameShape(a.shape.slice(0, -1), b.shape.slice(0, -1))) {
    throw new ShapeError(
      `${op}: a right-hand side of shape ${formatShape(b.shape)} does not fit a matrix of shape ${
        formatShape(a.shape)
      }: it must have the shape ${formatShape(a.shape.slice(0, -1)).replace("]", ",m]")}`,
    );
  }
}

/** The part of a matrix that is read. */
function triangle(a: NDArray, { lower, unitDiagonal }: TriangularParams): NDArray {
  const k = unitDiagonal ? 1 : 0;
  return lower ? lowerPart(a, -k) : upperPart(a, k);
}

/** One row of the solution in each step: `x_i = (b_i - sum over k of a_ik x_k) / a_ii`. */
function solveProgram(a: NDArray, b: NDArray, params: TriangularParams): NDArray {
  const { lower, transposeA, unitDiagonal } = params;
  const [n, m] = b.shape.slice(-2) as [number, number];
  const systems = sizeOf(a.shape.slice(0, -2));
  const own = reshape(a, [systems, n, n]);
  const matrix = transposeA ? transposed(own) : own;
  const sides = reshape(b, [systems, n, m]);
  const isLower = lower !== transposeA;
  const rest = isLower ? lowerPart(matrix, -1) : upperPart(matrix, 1);
  // Rows that are not known yet are 0 and not those of b, which may be infinite.
  const { carry: [x] } = steps(n, [zeros(sides.aval)], (i, [x]) => {
    let row = sub(rowOf(sides, i), matmul(rowOf(rest, i), x!));
    if (!unitDiagonal) row = div(row, elementOf(matrix, i, i));
    return { carry: [select(eq(rowNumbers(n), i), row, x!)] };
  }, !isLower);
  return reshape(x!, b.shape);
}

function routineOf({ lower, transposeA }: TriangularParams): Routine {
  const { plain, transposed } = substitutions[lower ? "lower" : "upper"];
  return transposeA ? transposed : plain;
}

/** The scalars of the routine for right-hand sides of a type. */
function scalarsOf({ shape }: ShapedArray, { unitDiagonal }: TriangularParams): number[] {
  const [n, m] = shape.slice(-2) as [number, number];
  return [sizeOf(shape.slice(0, -2)), n, m, unitDiagonal ? 1 : 0];
}

/** Systems of equations with a triangular matrix. Inputs: matrices, right-hand sides. */
export const triangularSolveP: Primitive<TriangularParams> = /* @__PURE__ */ definePrimitive<
  TriangularParams
>({
  name: "triangular_solve",
  abstractEval([a, b]) {
    checkSides("triangularSolve", a!, b!);
    return [b!];
  },
  impl([a, b], params) {
    const out = allocate(b!.dtype, b!.values.length);
    routineOf(params).run(b!.dtype, [a!.values, b!.values, out], ...scalarsOf(b!, params));
    return [out];
  },
  jvp([a, b], [da, db], params) {
    // a x = b, so a dx = db - da x.
    const x = triangularSolve(a!, b!, params);
    let side: Tangent = db ?? null;
    if (da) {
      const read = triangle(da, params);
      const shift = matmul(params.transposeA ? transposed(read) : read, x);
      side = side === null ? neg(shift) : sub(side, shift);
    }
    return [[x], [triangularSolve(a!, side!, params)]];
  },
  transpose([ct], [a, b], params) {
    if (!ct || !(b instanceof Linear)) return [null, null];
    const back = { ...params, transposeA: !params.transposeA };
    return [null, triangularSolve(a as NDArray, ct, back)];
  },
  batch([a, b], [dim, sideDim], size, params) {
    if (dim === null || dim === undefined) {
      const solve = (sides: NDArray): NDArray => triangularSolve(a!, sides, params);
      return [[lanesAsSides(solve, b!, sideDim!, size)], [b!.ndim - 1]];
    }
    const sides = batchAxisInFront(b!, sideDim ?? null, size);
    return [[triangularSolve(moveAxis(a!, dim, 0), sides, params)], [0]];
  },
  // The matrices would be needed for all steps at once.
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram(([a, b], params) => [solveProgram(a!, b!, params)]),
  kernel: (b, inputs, params, [, side], outs) =>
    b.call(routineOf(params), side!.dtype, inputs, outs, scalarsOf(side!, params)),
  samples: () => triangularSamples(),
});

/** Solves with one matrix for all lanes: they become further right-hand sides, as the last axis. */
export function lanesAsSides(
  solve: (sides: NDArray) => NDArray,
  b: NDArray,
  dim: number,
  size: number,
): NDArray {
  const lanes = moveAxis(b, dim, b.ndim - 1);
  const shape = lanes.shape.slice(0, -2);
  const m = lanes.shape.at(-2)!;
  const x = solve(reshape(lanes, [...shape, m * size]));
  return reshape(x, [...x.shape.slice(0, -1), m, size]);
}

function triangularSamples(): Sample<TriangularParams>[] {
  const lower = { lower: true, transposeA: false, unitDiagonal: false };
  const upper = { ...lower, lower: false };
  const three = [2, 7, -3, 1, -4, 9, 0.5, 1, 3];
  const one = { shape: [3, 3], dtype: "float32", values: three } as const;
  const graded = [1, 5, 3, 1e-3, 2e-3, 8, 2e-6, 1e-6, -3e-6];
  const [sides, wide] = [
    { shape: [3, 2], dtype: "float32" },
    { shape: [2, 3, 1], dtype: "float64" },
  ] as const;
  const several = {
    shape: [2, 3, 3],
    dtype: "float64",
    values: [...three, 4, 1, -1, 0, 3, 1, 1, -2, 5],
  } as const;
  return [
    { name: "lower", inputs: [one, sides], params: lower },
    { name: "upper", inputs: [one, sides], params: upper },
    { name: "transpose of lower", inputs: [one, sides], params: { ...lower, transposeA: true } },
    {
      name: "transpose of upper, several, float64",
      inputs: [several, wide],
      params: { ...upper, transposeA: true },
    },
    {
      name: "unit diagonal",
      inputs: [several, wide],
      params: { ...lower, unitDiagonal: true },
    },
    {
      name: "unit diagonal of a transpose",
      inputs: [one, sides],
      params: { lower: false, transposeA: true, unitDiagonal: true },
    },
    {
      name: "graded",
      inputs: [{ shape: [3, 3], dtype: "float64", values: graded }, {
        shape: [3, 1],
        dtype: "float64",
        values: [1, 1e-3, 1e-6],
      }],
      params: lower,
      skip: { jvp: "differences of such sizes have no digits", slope: "as for jvp" },
    },
    {
      name: "infinities stay in their rows and those after",
      inputs: [one, {
        shape: [3, 2],
        dtype: "float32",
        values: [1, 2, 3, Infinity, NaN, 1],
      }],
      params: lower,
      skip: { jvp: "not finite", transpose: "not finite" },
    },
    {
      name: "singular",
      inputs: [{ shape: [2, 2], dtype: "float32", values: [1, 0, 2, 0] }, {
        shape: [2, 1],
        dtype: "float32",
        values: [1, 3],
      }],
      params: lower,
      skip: { jvp: "not finite", slope: "0 times infinite", transpose: "not finite" },
    },
    {
      name: "one unknown",
      inputs: [{ shape: [1, 1], dtype: "float32", values: [4] }, {
        shape: [1, 1],
        dtype: "float32",
      }],
      params: upper,
    },
    {
      name: "no unknowns",
      inputs: [{ shape: [0, 0], dtype: "float32" }, { shape: [0, 2], dtype: "float32" }],
      params: lower,
    },
    {
      name: "no right-hand sides",
      inputs: [one, { shape: [3, 0], dtype: "float32" }],
      params: lower,
    },
  ];
}

/**
 * The solutions x of `a x = b`, or of `a^T x = b`, for triangular matrices `a` of shape `[..., n, n]`
 * and right-hand sides of shape `[..., n, m]`. The other triangle of `a` is not read. A zero on the
 * diagonal gives infinities or NaN.
 *
 * @throws {ShapeError} where the matrix is not square or the right-hand side does not fit.
 */
export function triangularSolve(a: NDArray, b: NDArray, params: TriangularParams): NDArray {
  return bind1(triangularSolveP, [a, b], params);
}
