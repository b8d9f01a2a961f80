/**
 * Systems of linear equations: solve. Inverses are built from it in `lib/api`.
 *
 * A matrix is factored once: the factors serve the solution, its tangents and its cotangents.
 *
 * @module
 */
import {
  bind1,
  definePrimitive,
  Linear,
  type NDArray,
  type Primitive,
  stationary,
  type Tangent,
} from "../core/mod.ts";
import { batchAxisInFront, neg, sort, stopGradient, sub } from "../primitives/mod.ts";
import { lu } from "./lu.ts";
import { matmul, takeRows, transposed } from "./matrices.ts";
import { compileAsProgram, lowerAsProgram } from "./decomposition.ts";
import { checkSides, lanesAsSides, triangularSolve } from "./triangular_solve.ts";

/** Parameters of a solution by factors. */
export interface SolveParams {
  /** Whether to solve with the transpose of the matrix. */
  readonly transposeA: boolean;
}

const LOWER = { lower: true, transposeA: false, unitDiagonal: true };
const UPPER = { lower: false, transposeA: false, unitDiagonal: false };

/**
 * The solution of `a x = b`, or of `a^T x = b`, by factors `P a = L U`: `factors` has L and U in one
 * matrix, and `order` says which row of a each of theirs is. Derivatives go through the factors.
 */
export function solveByFactors(
  factors: NDArray,
  order: NDArray,
  b: NDArray,
  { transposeA }: SolveParams,
): NDArray {
  if (!transposeA) {
    return triangularSolve(factors, triangularSolve(factors, takeRows(b, order), LOWER), UPPER);
  }
  // a^T = U^T L^T P.
  const y = triangularSolve(factors, b, { ...UPPER, transposeA: true });
  const x = triangularSolve(factors, y, { ...LOWER, transposeA: true });
  return takeRows(x, sort(order, order.ndim - 1)[1]);
}

function byFactors([, factors, order, b]: readonly NDArray[], params: SolveParams): NDArray[] {
  return [solveByFactors(factors!, order!, b!, params)];
}

/**
 * Solutions of systems of linear equations. Inputs: matrices, their factors, the order of rows, and
 * right-hand sides. It is a function of the matrices and the right-hand sides: the factors, which are
 * the matrices once more, have no tangents.
 */
export const solveP: Primitive<SolveParams> = /* @__PURE__ */ definePrimitive<SolveParams>({
  name: "solve",
  abstractEval([a, , , b]) {
    checkSides("solve", a!, b!);
    return [b!];
  },
  impl: { evaluate: byFactors },
  jvp([a, factors, order, b], [da, , , db], params) {
    // a x = b, so a dx = db - da x.
    const solve = (side: NDArray): NDArray => bind1(solveP, [a!, factors!, order!, side], params);
    const x = solve(b!);
    let side: Tangent = db ?? null;
    if (da) {
      const shift = matmul(params.transposeA ? transposed(da) : da, x);
      side = side === null ? neg(shift) : sub(side, shift);
    }
    return [[x], [side === null ? null : solve(side)]];
  },
  transpose([ct], [a, factors, order, b], { transposeA }) {
    if (!ct || !(b instanceof Linear)) return [null, null, null, null];
    const known = [a, factors, order] as NDArray[];
    return [null, null, null, bind1(solveP, [...known, ct], { transposeA: !transposeA })];
  },
  batch([a, factors, order, b], dims, size, params) {
    if (dims.slice(0, 3).every((dim) => dim === null)) {
      const solve = (side: NDArray): NDArray => bind1(solveP, [a!, factors!, order!, side], params);
      return [[lanesAsSides(solve, b!, dims[3]!, size)], [b!.ndim - 1]];
    }
    const lanes = [a!, factors!, order!, b!].map((x, i) => batchAxisInFront(x, dims[i]!, size));
    return [[bind1(solveP, lanes, params)], [0]];
  },
  // The matrices would be needed for all steps at once.
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram(byFactors),
  kernel: /* @__PURE__ */ compileAsProgram(byFactors),
  samples() {
    const factors = [4, 1, -1, 0.25, 2.75, 1.25, 0, -0.5, 3];
    const inputs = (dtype: "float32" | "float64") => [
      { shape: [3, 3], dtype, values: [1, 3, 1, 0, 0, 0, 0, 0, 0] },
      { shape: [3, 3], dtype, values: factors },
      { shape: [3], dtype: "int32" as const, values: [2, 0, 1] },
      { shape: [3, 2], dtype },
    ];
    const own = "its inputs must agree with each other; the laws test solve";
    const skip = { jvp: own, slope: own, transpose: own };
    return [
      { name: "by factors", inputs: inputs("float32"), params: { transposeA: false }, skip },
      { name: "of a transpose", inputs: inputs("float64"), params: { transposeA: true }, skip },
    ];
  },
});

/**
 * The solutions x of `a x = b` for square matrices `a` of shape `[..., n, n]` and right-hand sides `b`
 * of shape `[..., n, m]`, by elimination with partial pivoting. A singular matrix gives infinities
 * or NaN.
 *
 * @throws {ShapeError} where the matrix is not square or the right-hand side does not fit.
 */
export function solve(a: NDArray, b: NDArray): NDArray {
  checkSides("solve", a.aval, b.aval);
  const { lu: factors, permutation } = lu(stopGradient(a));
  return bind1(solveP, [a, factors, permutation, b], { transposeA: false });
}
