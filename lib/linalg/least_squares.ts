/**
 * Least squares solutions of least norm, and with them pseudoinverses, by singular
 * values or by reflections.
 *
 * @module
 */
import {
  bind1,
  checkSameDType,
  definePrimitive,
  formatShape,
  Linear,
  type NDArray,
  type Primitive,
  shaped,
  ShapeError,
  stationary,
  type Tangent,
} from "../core/mod.ts";
import {
  abs,
  add,
  and,
  batchAxisInFront,
  div,
  eq,
  expandDims,
  gt,
  mul,
  neg,
  not,
  reduceMax,
  scalarLike,
  select,
  sort,
  stopGradient,
  sub,
} from "../primitives/mod.ts";
import { checkMatrix, compileAsProgram, lowerAsProgram } from "./decomposition.ts";
import {
  columnNumbers,
  diagonalOf,
  matmul,
  rowNumbers,
  scaledRows,
  takeColumns,
  transposed,
} from "./matrices.ts";
import { qr } from "./qr.ts";
import { svd } from "./svd.ts";
import { lanesAsSides, triangularSolve } from "./triangular_solve.ts";

/** Parameters of a solution by factors. */
export interface LeastSquaresParams {
  /** Whether to solve with the transpose of the matrix. */
  readonly transposeA: boolean;
  /** What the factors are: singular values and vectors, or those of `pivotedFactors`. */
  readonly by: "svd" | "qr";
}

/** `P b` for `P = V diag(inverses) U^T` or `P = Z L^-1 Q^T`, or for its transpose. */
function apply(
  [, u, inverses, vt]: readonly NDArray[],
  b: NDArray,
  { transposeA, by }: LeastSquaresParams,
): NDArray {
  if (by === "qr") {
    const [q, l, zt] = [u!, inverses!, vt!];
    const params = { lower: true, unitDiagonal: false };
    return transposeA
      ? matmul(q, triangularSolve(l, matmul(zt, b), { ...params, transposeA: true }))
      : matmul(
        transposed(zt),
        triangularSolve(l, matmul(transposed(q), b), { ...params, transposeA: false }),
      );
  }
  return transposeA
    ? matmul(u!, scaledRows(matmul(vt!, b), inverses!))
    : matmul(transposed(vt!), scaledRows(matmul(transposed(u!), b), inverses!));
}

/**
 * Solutions by singular values. Inputs: matrices, and of each U, the inverses of the singular values, 0
 * for those that count as 0, and V^T; or what `pivotedFactors` gives; and right-hand sides. It is a function of the matrices and the
 * right-hand sides: the factors, which are the matrices once more, have no tangents.
 */
export const leastSquaresP: Primitive<LeastSquaresParams> = /* @__PURE__ */ definePrimitive<
  LeastSquaresParams
>({
  name: "least_squares",
  abstractEval([a, , , , b], { transposeA }) {
    checkMatrix("lstsq", a!, false);
    checkSameDType("lstsq", a!, b!, "the matrix and the right-hand side");
    const [m, n] = transposeA ? a!.shape.slice(-2).reverse() : a!.shape.slice(-2);
    if (b!.shape.length !== a!.shape.length || b!.shape.at(-2) !== m) {
      throw new ShapeError(
        `lstsq: a right-hand side of shape ${
          formatShape(b!.shape)
        } does not fit a matrix of shape ${formatShape(a!.shape)}: it must have ${m} rows`,
      );
    }
    return [shaped([...a!.shape.slice(0, -2), n!, b!.shape.at(-1)!], b!.dtype)];
  },
  impl: { evaluate: (inputs, params) => [apply(inputs, inputs[4]!, params)] },
  // With the pseudoinverse P of a and x = P b, as far as the rank does not change (Golub and Pereyra):
  // dx = P (db - da x) + P P^T da^T (b - a x) + (1 - P a) da^T P^T x.
  jvp(inputs, tangents, params) {
    const known = inputs.slice(0, 4);
    const b = inputs[4]!;
    const [da, db] = [tangents[0], tangents[4]];
    const { transposeA, by } = params;
    const p = (y: NDArray): NDArray => bind1(leastSquaresP, [...known, y], params);
    const pt = (y: NDArray): NDArray =>
      bind1(leastSquaresP, [...known, y], { transposeA: !transposeA, by });
    const x = p(b);
    if (!da) return [[x], [p(db!)]];
    const a = transposeA ? transposed(inputs[0]!) : inputs[0]!;
    const change = transposeA ? transposed(da) : da;
    const back = transposed(change);
    const shift = matmul(change, x);
    const first = p(db ? sub(db, shift) : neg(shift));
    const second = p(pt(matmul(back, sub(b, matmul(a, x)))));
    const third = matmul(back, pt(x));
    return [[x], [add(add(first, second), sub(third, p(matmul(a, third))))]];
  },
  transpose(cts, inputs, { transposeA, by }): Tangent[] {
    const [ct] = cts;
    if (!ct || !(inputs[4] instanceof Linear)) return inputs.map(() => null);
    const known = inputs.slice(0, 4) as NDArray[];
    const back = bind1(leastSquaresP, [...known, ct], { transposeA: !transposeA, by });
    return [null, null, null, null, back];
  },
  batch(inputs, dims, size, params) {
    const known = inputs.slice(0, 4);
    const b = inputs[4]!;
    if (dims.slice(0, 4).every((dim) => dim === null)) {
      const solve = (sides: NDArray): NDArray => bind1(leastSquaresP, [...known, sides], params);
      return [[lanesAsSides(solve, b, dims[4]!, size)], [b.ndim - 1]];
    }
    const lanes = inputs.map((x, i) => batchAxisInFront(x, dims[i]!, size));
    return [[bind1(leastSquaresP, lanes, params)], [0]];
  },
  // The matrices would be needed for all steps at once.
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram((inputs, params) => [apply(inputs, inputs[4]!, params)]),
  kernel: /* @__PURE__ */ compileAsProgram((inputs, params) => [apply(inputs, inputs[4]!, params)]),
  samples() {
    const own = "its inputs must agree with each other; the laws test lstsq and pinv";
    const inputs = (m: number, n: number, columns: number, dtype: "float32" | "float64") => [
      { shape: [m, n], dtype },
      { shape: [m, 2], dtype },
      { shape: [2], dtype },
      { shape: [2, n], dtype },
      { shape: [columns, 2], dtype },
    ];
    const skip = { jvp: own, slope: own, transpose: own };
    return [
      {
        name: "by factors",
        inputs: inputs(3, 2, 3, "float32"),
        params: { transposeA: false, by: "svd" },
        skip,
      },
      {
        name: "of a transpose",
        inputs: inputs(3, 2, 2, "float64"),
        params: { transposeA: true, by: "svd" },
        skip,
      },
      {
        name: "by reflections",
        inputs: inputs(3, 2, 3, "float64").map((x, i) =>
          i === 2 ? { shape: [2, 2], dtype: "float64" as const, values: [2, 0, 1, -3] } : x
        ),
        params: { transposeA: false, by: "qr" },
        skip,
      },
    ];
  },
});

/** Factors that solve problems of least squares. */
export interface LeastSquaresFactors {
  /** As inputs of `leastSquaresP`, between the matrix and the right-hand side. */
  readonly factors: readonly NDArray[];
  /** Which singular values, or elements of the diagonal of R, count, as bool. */
  readonly counts: NDArray;
}

/** Which of sizes in descending order count: those above `rtol` times the largest. */
function countsOf(sizes: NDArray, rtol: number): NDArray {
  const none = sizes.shape.at(-1) === 0;
  const largest = none ? sizes : expandDims(reduceMax(sizes, [sizes.ndim - 1]), [sizes.ndim - 1]);
  return gt(sizes, mul(largest, scalarLike(rtol, sizes)));
}

/**
 * Factors by singular values; those up to `rtol` times the largest count as 0. The singular values have
 * derivatives; the factors do not, as `leastSquaresP` asks for.
 */
export function singularFactors(
  a: NDArray,
  rtol: number,
): LeastSquaresFactors & { readonly s: NDArray } {
  const { u, s, vt } = svd(a, false);
  const sizes = stopGradient(s);
  const counts = countsOf(sizes, rtol);
  const one = scalarLike(1, sizes);
  const inverses = select(counts, div(one, select(counts, sizes, one)), scalarLike(0, sizes));
  return { factors: [stopGradient(u), inverses, stopGradient(vt)], counts, s };
}

/**
 * Factors `a = Q L Z^T` by reflections, with columns in an order that reveals the rank; what is up to `rtol`
 * times the largest element of the diagonal counts as 0. Q and Z have columns of 0 where it does, and L
 * those of a unit matrix.
 */
export function pivotedFactors(a: NDArray, rtol: number): LeastSquaresFactors {
  const { q, r, permutation } = qr(stopGradient(a), { fullMatrices: false, pivoting: true });
  const counts = countsOf(abs(diagonalOf(r)), rtol);
  const zero = scalarLike(0, r);
  const rows = expandDims(counts, [counts.ndim]);
  const columns = expandDims(counts, [counts.ndim - 1]);
  // Of a matrix of full rank that has more rows than columns, this makes nothing but signs.
  const second = qr(transposed(select(rows, r, zero)), { fullMatrices: false, pivoting: false });
  const k = counts.shape.at(-1)!;
  const unit = eq(rowNumbers(k), columnNumbers(k));
  const l = select(and(unit, not(rows)), scalarLike(1, r), transposed(second.r));
  const zt = select(rows, transposed(second.q), zero);
  const order = permutation!;
  const back = sort(order, order.ndim - 1)[1];
  return { factors: [select(columns, q, zero), l, takeColumns(zt, back)], counts };
}

/** The solutions for right-hand sides `[..., m, k]` by factors of `a`. */
export function solveLeastSquares(
  a: NDArray,
  factors: readonly NDArray[],
  b: NDArray,
  params: LeastSquaresParams,
): NDArray {
  return bind1(leastSquaresP, [a, ...factors, b], params);
}

/** What `leastSquares` gives. */
export interface LeastSquares {
  /** `[..., n, k]` */
  readonly x: NDArray;
  /** Singular values of the matrix. */
  readonly s: NDArray;
  /** Which of them count, as bool. */
  readonly counts: NDArray;
}

/**
 * The x of least norm that makes `|a x - b|` smallest, for matrices `[..., m, n]` and right-hand sides
 * `[..., m, k]`. Singular values up to `rtol` times the largest count as 0.
 */
export function leastSquares(a: NDArray, b: NDArray, rtol: number): LeastSquares {
  const { factors, s, counts } = singularFactors(a, rtol);
  return { x: solveLeastSquares(a, factors, b, { transposeA: false, by: "svd" }), s, counts };
}
