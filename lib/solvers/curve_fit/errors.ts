/**
 * What the data say of parameters near a solution, by the linear model there.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { epsilon } from "../../core/dtype.ts";
import { identity, matmul, scaledColumns, scaledRows, transposed } from "../../linalg/matrices.ts";
import { svd } from "../../linalg/svd.ts";
import { full } from "../../primitives/constants/full.ts";
import { div } from "../../primitives/elementwise/arithmetic.ts";
import { or } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { reduceMax } from "../../primitives/reduce/extremes.ts";
import { expandDims } from "../../primitives/shape/reshape.ts";
import { reduceSum } from "../../primitives/sum/broadcast.ts";
import type { Transforms } from "../../transforms/types.ts";
import { localAt } from "../local.ts";

/** What is known of n parameters. */
export interface Uncertainty {
  /** Covariance within the directions that the data determine: [n, n]. */
  readonly covariance: NDArray;
  /** Projection to those that they do not, where unknowns are in units of 1 / `lengths`: [n, n]. */
  readonly undetermined: NDArray;
  /** What a unit of each parameter does to the residuals: [n]. */
  readonly lengths: NDArray;
}

/** The Jacobian of `f` at `x` [n]: [m, n]. */
export function jacobianOf(
  f: (v: NDArray) => NDArray,
  x: NDArray,
  transforms: Transforms,
): NDArray {
  const evaluate = (v: NDArray) => ({ r: f(v), cost: null });
  return localAt(evaluate, x, { transforms }).jacobian();
}

/** The diagonal of a matrix [..., n, n]. */
export function diagonal(a: NDArray): NDArray {
  const unit = identity(a.shape.at(-1)!, a.dtype);
  // Products would make NaN of what is infinite beside it.
  return reduceSum(select(unit.greater(0), a, full(a.shape, 0, a.dtype)), [a.ndim - 1]);
}

/** The uncertainty by a Jacobian [m, n] of residuals whose variance is `variance`. */
export function uncertaintyOf(jacobian: NDArray, variance: NDArray): Uncertainty {
  const { dtype } = jacobian;
  const columns = reduceSum(jacobian.mul(jacobian), [0]).sqrt();
  const one = full(columns.shape, 1, dtype);
  const lengths = select(columns.greater(0), columns, one);
  const { s, vt } = svd(scaledColumns(jacobian, div(one, lengths)), false);
  const least = reduceMax(s, [0]).mul(jacobian.shape[0]! * epsilon(dtype));
  const kept = s.greater(least);
  const inverse = select(kept, div(one, select(kept, s, one)), full(s.shape, 0, dtype));
  const half = scaledColumns(scaledRows(vt, inverse), div(one, lengths));
  const lost = scaledRows(vt, select(kept, full(s.shape, 0, dtype), one));
  return {
    covariance: matmul(transposed(half), half).mul(variance),
    undetermined: matmul(transposed(lost), lost),
    lengths,
  };
}

/** Covariance [n, n] and standard errors [n]: infinite, and NaN between, where the data do not determine one. */
export function errorsOf(
  { covariance, undetermined }: Uncertainty,
): { readonly covariance: NDArray; readonly errors: NDArray } {
  const { dtype, shape } = covariance;
  const n = shape[0]!;
  const lost = diagonal(undetermined).greater(shareOf(dtype));
  const unit = identity(n, dtype).greater(0);
  const either = or(expandDims(lost, [0]), expandDims(lost, [1]));
  const nothing = select(unit, full(shape, Infinity, dtype), full(shape, NaN, dtype));
  const whole = select(either, nothing, covariance);
  return { covariance: whole, errors: diagonal(whole).sqrt() };
}

/** Squared cosine to the directions that are not determined from which a parameter is not, either. */
export function shareOf(dtype: NDArray["dtype"]): number {
  return epsilon(dtype) ** 0.5;
}
