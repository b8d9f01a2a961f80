/**
 * Approximate inverses for iterations (`preconditioner` of `linearSolve`), made of what stands near the diagonal.
 * They are constants to derivatives, and their transposes serve the transposed system. `polynomials.ts` and
 * `incomplete.ts` have more.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  describeValue,
  formatShape,
  NDArray,
  type OptionTable,
  ShapeError,
} from "../../core/mod.ts";
import { inv } from "../../api/systems.ts";
import { triangularSolve } from "../../linalg/triangular_solve.ts";
import {
  broadcastTo,
  div,
  dotGeneral,
  eq,
  full,
  iota,
  pad,
  reduceSum,
  reshape,
  select,
  slice,
  stopGradient,
} from "../../primitives/mod.ts";
import type { FloatTree } from "../fixed_point.ts";
import { isSymmetric, type LinearTags } from "./form.ts";
import { LinearOperator } from "./operator.ts";

/**
 * The inverse of the diagonal: for equations or unknowns of different sizes. Elements of 0 are taken for 1.
 *
 * @param a A matrix `[n, n]`, or an operator; one that is a function is written out.
 * @throws {ShapeError} where it is not square.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { jacobi, linearSolve, cg } from "@injax/injax/solvers";
 *
 * const sizes = np.array([1, 10, 100, 1000, 10000]);
 * const a = np.diag(sizes).add(1);
 * const b = np.ones([5]);
 * const steps = (options: object) => linearSolve(a, b, { solver: cg(), ...options }).steps.item();
 * console.log(steps({ preconditioner: jacobi(a) }) < steps({})); // true
 * ```
 */
export function jacobi(a: NDArray | LinearOperator): LinearOperator;
/** Of an operator on trees. */
export function jacobi<X extends FloatTree>(a: LinearOperator<X>): LinearOperator<X>;
export function jacobi<X extends FloatTree>(a: NDArray | LinearOperator<X>): LinearOperator<X> {
  if (arguments.length > 1) checkCall("jacobi(a)", arguments);
  const { operator, matrix, tags } = square("jacobi", a);
  const inverse = div(full([matrix.shape[0]!], 1, matrix.dtype), diagonalOf(matrix));
  return LinearOperator.between((v) => v.mul(inverse), operator.domain, operator.domain, tags);
}

/**
 * The inverses of blocks on the diagonal, each of `size` unknowns in order: where few unknowns at a time belong
 * together. The last block may be smaller.
 *
 * @throws {ShapeError} where `a` is not square.
 * @throws {RangeError} where `size` is no number of unknowns.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { blockJacobi, gmres, linearSolve } from "@injax/injax/solvers";
 *
 * const a = np.array([[2, 1, 0, 0], [1, 3, 0, 0], [0, 0, 4, 1], [0, 0, 2, 1]]);
 * const preconditioner = blockJacobi(a, 2);
 * const { steps } = linearSolve(a, np.ones([4]), { solver: gmres(), preconditioner });
 * console.log(steps.item()); // 1
 * ```
 */
export function blockJacobi(a: NDArray | LinearOperator, size: number): LinearOperator;
/** Of an operator on trees. */
export function blockJacobi<X extends FloatTree>(
  a: LinearOperator<X>,
  size: number,
): LinearOperator<X>;
export function blockJacobi<X extends FloatTree>(
  a: NDArray | LinearOperator<X>,
  size: number,
): LinearOperator<X> {
  checkCall("blockJacobi(a, size)", arguments);
  const { operator, matrix, tags } = square("blockJacobi", a);
  checkCount("blockJacobi", "size", size);
  if (size < 1) throw new RangeError("blockJacobi: size must be at least 1, not 0");
  const n = matrix.shape[0]!;
  const blocks = Math.ceil(n / size);
  const behind = blocks * size - n;
  const none = full([], 0, matrix.dtype);
  const padded = pad(matrix, none, [0, 0], [behind, behind]);
  // What is beyond the matrix is the identity.
  const total = [blocks * size, blocks * size];
  const [row, column] = [iota(total, 0, "int32"), iota(total, 1, "int32")];
  const beyond = row.greater(n - 1);
  const whole = select(beyond, eq(row, column).astype(matrix.dtype), padded);
  const parts = reshape(whole, [blocks, size, blocks, size]);
  const shape = [blocks, size, blocks, size];
  const own = eq(iota(shape, 0, "int32"), iota(shape, 2, "int32"));
  const inverses = inv(reduceSum(select(own, parts, full(shape, 0, matrix.dtype)), [2]));
  return LinearOperator.between(
    (v) => {
      const sides = reshape(pad(v, none, [0], [behind]), [blocks, size]);
      const products = dotGeneral(inverses, sides, { contract: [[2], [1]], batch: [[0], [0]] });
      return slice(reshape(products, [blocks * size]), [0], [n]);
    },
    operator.domain,
    operator.domain,
    tags,
  );
}

/** Options of `ssor`. */
export interface SsorOptions {
  /** The factor of relaxation, in (0, 2) (default 1: symmetric Gauss-Seidel). */
  readonly omega?: number | undefined;
}

const ssorTable: OptionTable<SsorOptions> = { omega: "number" };

/**
 * A sweep forwards and one backwards of successive over-relaxation: `w (2 - w) (D + w U)^-1 D (D + w L)^-1`, where
 * `A = L + D + U`. Symmetric where A is, and positive definite too.
 *
 * @throws {ShapeError} where `a` is not square.
 * @throws {RangeError} where `omega` is not in (0, 2).
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { cg, LinearOperator, linearSolve, ssor } from "@injax/injax/solvers";
 *
 * const [side, middle, b] = [np.full([50], -1), np.full([50], 2), np.ones([50])];
 * const a = LinearOperator.tridiagonal(side, middle, side, { positiveDefinite: true });
 * const steps = (options: object) => linearSolve(a, b, { solver: cg(), ...options }).steps.item();
 * console.log(steps({ preconditioner: ssor(a, { omega: 1.8 }) }) < steps({})); // true
 * ```
 */
export function ssor(a: NDArray | LinearOperator, options?: SsorOptions): LinearOperator;
/** Of an operator on trees. */
export function ssor<X extends FloatTree>(
  a: LinearOperator<X>,
  options?: SsorOptions,
): LinearOperator<X>;
export function ssor<X extends FloatTree>(
  a: NDArray | LinearOperator<X>,
  options: SsorOptions = {},
): LinearOperator<X> {
  if (arguments.length > 1) checkCall("ssor(a, options)", arguments, ssorTable);
  const { operator, matrix, tags } = square("ssor", a);
  const { omega = 1 } = options;
  if (!(omega > 0 && omega < 2)) {
    throw new RangeError(`ssor: omega must be in (0, 2), not ${omega}`);
  }
  const n = matrix.shape[0]!;
  const d = diagonalOf(matrix);
  const [row, column] = [iota([n, n], 0, "int32"), iota([n, n], 1, "int32")];
  const on = select(eq(row, column), broadcastTo(reshape(d, [n, 1]), [n, n]), matrix.mul(omega));
  const nothing = full([n, n], 0, matrix.dtype);
  const lower = select(row.less(column), nothing, on);
  const upper = select(row.greater(column), nothing, on);
  const solve = (t: NDArray, v: NDArray, isLower: boolean): NDArray =>
    reshape(
      triangularSolve(t, reshape(v, [n, 1]), {
        lower: isLower,
        transposeA: false,
        unitDiagonal: false,
      }),
      [n],
    );
  return LinearOperator.between(
    (v) => solve(upper, solve(lower, v, true).mul(d), false).mul(omega * (2 - omega)),
    operator.domain,
    operator.domain,
    tags,
  );
}

/** What an approximate inverse is made of: the operator, its matrix as a constant, and what is known of both. */
export function square<X extends FloatTree>(
  op: string,
  a: NDArray | LinearOperator<X>,
): { operator: LinearOperator<X>; matrix: NDArray; tags: LinearTags } {
  const known = squareOperator(op, a);
  return { ...known, matrix: stopGradient(known.operator.toMatrix()) };
}

/** The operator, and what is known of a polynomial of it that is positive where it is. */
export function squareOperator<X extends FloatTree>(
  op: string,
  a: NDArray | LinearOperator<X>,
): { operator: LinearOperator<X>; tags: LinearTags } {
  const operator = a instanceof LinearOperator
    ? a
    : a instanceof NDArray
    ? LinearOperator.matrix(a) as unknown as LinearOperator<X>
    : null;
  if (operator === null) {
    throw new TypeError(`${op}: a must be a matrix or a LinearOperator, not ${describeValue(a)}`);
  }
  const { rows, columns, tags } = operator.form;
  if (rows !== columns) {
    throw new ShapeError(`${op}: a must be square, not of shape ${formatShape([rows, columns])}`);
  }
  const { positiveDefinite } = tags;
  return {
    operator,
    tags: isSymmetric(tags) ? { symmetric: true, positiveDefinite } : {},
  };
}

/** The diagonal [n], with 1 for 0. */
export function diagonalOf(matrix: NDArray): NDArray {
  const n = matrix.shape[0]!;
  const on = eq(iota([n, n], 0, "int32"), iota([n, n], 1, "int32"));
  const d = reduceSum(select(on, matrix, full([n, n], 0, matrix.dtype)), [1]);
  return select(d.equal(0), full([n], 1, matrix.dtype), d);
}
