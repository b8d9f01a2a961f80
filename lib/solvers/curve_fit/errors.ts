/**
 * What the data say of parameters near a solution, by the linear model there.
 *
 * Quantiles of Student's distribution, for bands about a curve.
 *
 * With `t = sqrt(v) tan(u / sqrt(v))` its density is that of `u` in proportion to `cos(u / sqrt(v))^(v - 1)`,
 * which for whole `v` is smooth everywhere: Gauss and Legendre's rule gives all digits of its integral, and no
 * gamma function is needed. For infinite `v` it is `exp(-u^2 / 2)`, and `t` is `u`: the normal distribution.
 *
 * @module
 */
import { ConcreteArray, epsilon, type NDArray, scalarArray, shaped } from "../../core/mod.ts";
import { identity, matmul, scaledColumns, scaledRows, transposed } from "../../linalg/matrices.ts";
import { svd } from "../../linalg/svd.ts";
import {
  div,
  expandDims,
  full,
  isFinite,
  log1p,
  maximum,
  minimum,
  onesLike,
  or,
  reduceMax,
  reduceSum,
  select,
  sin,
  tan,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { localAt } from "../options.ts";
import { columnNorms, orOne } from "../trust_region/model.ts";

/**
 * The `t` within which a share `level` of the distribution lies on both sides of 0: a scalar, in float64.
 *
 * @param level In (0, 1).
 * @param degrees Degrees of freedom, int32 and at least 1, or `null` for the normal distribution.
 */
export function studentQuantile(level: number, degrees: NDArray | null): NDArray {
  const number = (v: number): NDArray => scalarArray(v, "float64");
  const { nodes, weights } = rule();
  const v = degrees === null ? null : maximum(degrees.astype("float64"), number(1));
  const root = v?.sqrt();
  const density = (u: NDArray): NDArray => {
    if (v === null) return u.mul(u).mul(-0.5).exp();
    // The logarithm of the cosine, exact for small angles too.
    const sine = sin(div(u, root!));
    return log1p(sine.mul(sine).neg()).mul(0.5).mul(v.sub(1)).exp();
  };
  /** The integral of the density from 0. */
  const below = (u: NDArray): NDArray => reduceSum(density(nodes.mul(u)).mul(weights), [0]).mul(u);
  const end = v === null ? number(far) : minimum(root!.mul(Math.PI / 2), number(far));
  const wanted = below(end).mul(level);
  // The integral is concave: Newton's method from 0 comes from below, and faster at each step.
  let u = number(0);
  for (let i = 0; i < passes; i++) {
    u = minimum(u.add(div(wanted.sub(below(u)), density(u))), end);
  }
  return v === null ? u : tan(div(u, root!)).mul(root!);
}

/** Where the density is below what float64 shows beside 1. */
const far = 9.5;

/** Steps of Newton's method: 12 are enough for 0.9999, and 30 for 1 - 1e-12. */
const passes = 32;

let kept: { readonly nodes: NDArray; readonly weights: NDArray } | null = null;

/** Gauss and Legendre's rule of 64 points on [0, 1]. */
function rule(): { readonly nodes: NDArray; readonly weights: NDArray } {
  if (kept !== null) return kept;
  const n = 64;
  const [nodes, weights] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) {
    let z = Math.cos(Math.PI * (i + 0.75) / (n + 0.5));
    let slope = 1;
    for (let pass = 0; pass < 8; pass++) {
      let [p, before] = [1, 0];
      for (let k = 1; k <= n; k++) [p, before] = [((2 * k - 1) * z * p - (k - 1) * before) / k, p];
      slope = n * (z * p - before) / (z * z - 1);
      z -= p / slope;
    }
    nodes[i] = (1 + z) / 2;
    weights[i] = 1 / ((1 - z * z) * slope * slope);
  }
  const array = (data: Float64Array): NDArray =>
    ConcreteArray.fromHost(shaped([n], "float64"), data);
  kept = { nodes: array(nodes), weights: array(weights) };
  return kept;
}

/** What is known of n parameters. */
export interface Uncertainty {
  /**
   * Within the directions that the data determine, `(J^T J)^-1 = root^T root`: [k, n]. Its squares may be out of the
   * dtype's range where errors are not.
   */
  readonly root: NDArray;
  /** Standard deviation of the residuals: a number. */
  readonly scatter: NDArray;
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
  return localAt({ evaluate }, x, { transforms }).jacobian();
}

/** The diagonal of a matrix [..., n, n]. */
export function diagonal(a: NDArray): NDArray {
  const unit = identity(a.shape.at(-1)!, a.dtype);
  // Products would make NaN of what is infinite beside it.
  return reduceSum(select(unit.greater(0), a, full(a.shape, 0, a.dtype)), [a.ndim - 1]);
}

/** The uncertainty by a Jacobian [m, n] of residuals whose standard deviation is `scatter`. */
export function uncertaintyOf(jacobian: NDArray, scatter: NDArray): Uncertainty {
  const { dtype } = jacobian;
  const columns = columnNorms(jacobian);
  const one = full(columns.shape, 1, dtype);
  const lengths = select(columns.greater(0), columns, one);
  const { s, vt } = svd(scaledColumns(jacobian, div(one, lengths)), false);
  const least = reduceMax(s, [0]).mul(jacobian.shape[0]! * epsilon(dtype));
  const kept = s.greater(least);
  const inverse = select(kept, div(one, select(kept, s, one)), full(s.shape, 0, dtype));
  const lost = scaledRows(vt, select(kept, full(s.shape, 0, dtype), one));
  return {
    root: scaledColumns(scaledRows(vt, inverse), div(one, lengths)),
    scatter,
    undetermined: matmul(transposed(lost), lost),
    lengths,
  };
}

/**
 * Covariance [n, n] and standard errors [n]: infinite, and NaN between, where the data do not determine one. And
 * correlations [n, n], which are NaN there.
 */
export function errorsOf(
  { root, scatter, undetermined }: Uncertainty,
): { readonly covariance: NDArray; readonly errors: NDArray; readonly correlations: NDArray } {
  const { dtype } = root;
  const n = undetermined.shape[0]!;
  const shape = [n, n];
  const lost = diagonal(undetermined).greater(shareOf(dtype));
  const unit = identity(n, dtype).greater(0);
  const either = or(expandDims(lost, [0]), expandDims(lost, [1]));
  const nothing = select(unit, full(shape, Infinity, dtype), full(shape, NaN, dtype));
  const scaled = root.mul(select(isFinite(scatter), scatter, onesLike(scatter)));
  const known = matmul(transposed(scaled), scaled);
  const whole = select(isFinite(scatter), known, select(unit, nothing, known.mul(scatter)));
  const lengths = columnNorms(root);
  const alike = scaledColumns(root, div(onesLike(lengths), orOne(lengths)));
  const related = matmul(transposed(alike), alike);
  return {
    covariance: select(either, nothing, whole),
    errors: select(lost, full([n], Infinity, dtype), lengths.mul(scatter)),
    correlations: select(either, full(shape, NaN, dtype), related),
  };
}

/** Squared cosine to the directions that are not determined from which a parameter is not, either. */
export function shareOf(dtype: NDArray["dtype"]): number {
  return epsilon(dtype) ** 0.5;
}

/** The elements of an array where they are known. */
export function hostNumbers(x: NDArray): number[] | null {
  return x instanceof ConcreteArray && x.peek() !== null ? Array.from(x.dataSync(), Number) : null;
}

/**
 * Checks standard deviations that are known; of points of which `counts` has 0 nothing is asked.
 *
 * @throws {RangeError} where one is not positive and finite.
 */
export function checkSigma(op: string, sigma: NDArray, counts: readonly number[] | null): void {
  const bad = hostNumbers(sigma)?.find((s, i) =>
    (counts === null || counts[i] === 1) && !(s > 0 && s < Infinity)
  );
  if (bad === undefined) return;
  throw new RangeError(`${op}: sigma must be positive and finite, but has ${bad}`);
}
