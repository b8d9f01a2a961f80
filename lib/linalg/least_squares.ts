/**
 * Least squares solutions of least norm, and with them pseudoinverses, by singular values.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkSameDType } from "../core/checks.ts";
import { shaped } from "../core/aval.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import {
  definePrimitive,
  Linear,
  ordinary,
  type Primitive,
  type Tangent,
} from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add, div, mul, neg, sub } from "../primitives/elementwise/arithmetic.ts";
import { gt } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { expandDims } from "../primitives/shape/reshape.ts";
import { batchAxisInFront } from "../primitives/sum/broadcast.ts";
import { checkMatrix } from "./decomposition.ts";
import { matmul, scaledRows, transposed } from "./matrices.ts";
import { compileAsProgram, lowerAsProgram } from "./programs.ts";
import { svd } from "./svd.ts";
import { lanesAsSides } from "./triangular_solve.ts";

/** Parameters of a solution by singular values. */
export interface LeastSquaresParams {
  /** Whether to solve with the transpose of the matrix. */
  readonly transposeA: boolean;
}

/** `P b` for `P = V diag(inverses) U^T`, or for its transpose. */
function apply(
  [, u, inverses, vt]: readonly NDArray[],
  b: NDArray,
  { transposeA }: LeastSquaresParams,
): NDArray {
  return transposeA
    ? matmul(u!, scaledRows(matmul(vt!, b), inverses!))
    : matmul(transposed(vt!), scaledRows(matmul(transposed(u!), b), inverses!));
}

/**
 * Solutions by singular values. Inputs: matrices, and of each U, the inverses of the singular values, 0
 * for those that count as 0, and V^T; and right-hand sides. It is a function of the matrices and the
 * right-hand sides: the factors, which are the matrices once more, have no tangents.
 */
export const leastSquaresP: Primitive<LeastSquaresParams> = definePrimitive<LeastSquaresParams>({
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
    const { transposeA } = params;
    const p = (y: NDArray): NDArray => bind1(leastSquaresP, [...known, y], params);
    const pt = (y: NDArray): NDArray =>
      bind1(leastSquaresP, [...known, y], { transposeA: !transposeA });
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
  transpose(cts, inputs, { transposeA }): Tangent[] {
    const [ct] = cts;
    if (!ct || !(inputs[4] instanceof Linear)) return inputs.map(() => null);
    const known = inputs.slice(0, 4) as NDArray[];
    const back = bind1(leastSquaresP, [...known, ct], { transposeA: !transposeA });
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
  passes: { ...ordinary, mobile: false },
  lower: lowerAsProgram((inputs, params) => [apply(inputs, inputs[4]!, params)]),
  kernel: compileAsProgram((inputs, params) => [apply(inputs, inputs[4]!, params)]),
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
        params: { transposeA: false },
        skip,
      },
      {
        name: "of a transpose",
        inputs: inputs(3, 2, 2, "float64"),
        params: { transposeA: true },
        skip,
      },
    ];
  },
});

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
  const { u, s, vt } = svd(stopGradient(a), false);
  const none = s.shape.at(-1) === 0;
  const largest = none ? s : expandDims(reduceMax(s, [s.ndim - 1]), [s.ndim - 1]);
  const counts = gt(s, mul(largest, scalarLike(rtol, s)));
  const one = scalarLike(1, s);
  const inverses = select(counts, div(one, select(counts, s, one)), scalarLike(0, s));
  const x = bind1(leastSquaresP, [a, u, inverses, vt, b], { transposeA: false });
  return { x, s, counts };
}
