/**
 * The linear model of a problem at a point, `J D^-1 = U diag(s) V^T`, and what it says of the step to its
 * minimum.
 *
 * All lengths are `|D p|`, where `D` holds the largest norm that each column of the Jacobian had, so that units
 * do not matter.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, smallestNormal } from "../../core/mod.ts";
import { scaledColumns } from "../../linalg/matrices.ts";
import { svd } from "../../linalg/svd.ts";
import {
  abs,
  and,
  broadcastTo,
  div,
  dotGeneral,
  expandDims,
  full,
  maximum,
  not,
  or,
  reduceMax,
  reduceSum,
  select,
  transpose,
} from "../../primitives/mod.ts";
import { between } from "../options.ts";
import { norm } from "../norms.ts";

/** What a method is told of the problem, beside what a step sees. */
export interface Setting {
  /** Largest relative Gauss-Newton step at which it has converged. */
  readonly rtol: number;
  /** Residual norm at which it has, whatever the step. */
  readonly atol: number;
  /** Sizes of the leaves of the unknowns. */
  readonly sizes: readonly number[];
  /** Whether the residual itself is to vanish: a minimum of its norm is no solution then. */
  readonly root: boolean;
  /** Whether the residual is a step in the unknowns, and so known to their rounding only. */
  readonly displacement?: boolean | undefined;
  /** Bounds of the unknowns [n], or `null`. No trial lies outside. */
  readonly bounds: { readonly lower: NDArray; readonly upper: NDArray } | null;
}

/** The linear model at a point. */
export interface Model {
  /** The point [n], and the norm of its residual. */
  readonly x: NDArray;
  readonly size: NDArray;
  /** Lengths of the unknowns [n]: 0 for those that the residual never depended on. */
  readonly d: NDArray;
  readonly s: NDArray;
  readonly vt: NDArray;
  /** `U^T r / |r|` [k]. */
  readonly c: NDArray;
  /** The Gauss-Newton step within the bounds [n]. */
  readonly newton: NDArray;
  /** Norm of the gradient in the lengths, over `|r|`: the cosine of the angle to the tangent plane. */
  readonly cosine: NDArray;
  /** What rounding of the residual makes of the Gauss-Newton step [n]. */
  readonly doubt: NDArray;
  /** What the least residual that can be seen makes of it [n]. */
  readonly least: NDArray;
  /** What the residual is a sum of, by size: rounding is a share of it. */
  readonly terms: NDArray;
  /** Of roots the same by equation, the largest so far: [m]; else `null`. And the largest residual beside its own. */
  readonly rows: NDArray | null;
  readonly apart: NDArray;
  /** Of roots, whether each residual is rounding of its terms here, or next to nothing beside the largest: a bool. */
  readonly rounded: NDArray;
  /** Largest cosine of the angle between the residual and a column of the Jacobian. */
  readonly angle: NDArray;
  /** Number of singular values that are not 0, and of unknowns that rest at bounds: int32. */
  readonly rank: NDArray;
  /** Whether an unknown's column has vanished: the model says nothing of it here. */
  readonly flat: NDArray;
  /** Which unknowns rest at bounds: bools [n]. */
  readonly held: NDArray;
  /** `U` [m, k], of methods that look at curvature; else `null`. */
  readonly u: NDArray | null;
  /** The Jacobian [m, n] and the residual [m], of methods that keep Jacobians; else `null`. */
  readonly jacobian: NDArray | null;
  readonly r: NDArray | null;
}

/** What a method keeps in its models beside the usual. */
export interface Keeps {
  readonly u: boolean;
  readonly jacobian: boolean;
  readonly rows: boolean;
}

/** `m^T v` for m [a, b], v [a]. */
export const transposedTimes = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[0], [0]], batch: [[], []] });
/** `m v` for m [a, b], v [b]. */
export const times = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });

/** `x`, or 1 where it is 0. */
export const orOne = (x: NDArray): NDArray => select(x.equal(0), full(x.shape, 1, x.dtype), x);

/** 2-norms of the columns of a matrix, also where squares would leave the dtype's range: [n]. */
export function columnNorms(m: NDArray): NDArray {
  const largest = reduceMax(abs(m), [0]);
  const unit = orOne(largest);
  const shares = div(m, broadcastTo(expandDims(unit, [0]), m.shape));
  return reduceSum(shares.mul(shares), [0]).sqrt().mul(unit);
}

/** What each equation is a sum of, by size, at points of sizes `x` [n]: [m]. */
function rowTerms(jacobian: NDArray, x: NDArray): NDArray {
  const wide = broadcastTo(expandDims(x, [0]), jacobian.shape);
  return columnNorms(transpose(jacobian.mul(wide), [1, 0]));
}

/** Lengths that are the same for all unknowns of a leaf, and those of the largest column. */
function evenly(columns: NDArray, scale: NDArray): NDArray {
  const sizes = broadcastTo(scale, columns.shape);
  return div(broadcastTo(reduceMax(columns.mul(sizes), [0]), columns.shape), sizes);
}

/** Singular values that are not 0 beside the largest: bools [k]. */
export function keptValues(s: NDArray): NDArray {
  return s.greater(reduceMax(s, [0]).mul(rankless * epsilon(s.dtype)));
}

/** A model before there is any. */
export function noModel(x: NDArray, m: number, keeps: Keeps): Model {
  const n = x.size;
  const k = Math.min(m, n);
  const { dtype } = x;
  const number = (v: number): NDArray => scalarArray(v, dtype);
  return {
    x,
    size: number(Infinity),
    d: full([n], 0, dtype),
    s: full([k], 0, dtype),
    vt: full([k, n], 0, dtype),
    c: full([k], 0, dtype),
    newton: full([n], 0, dtype),
    cosine: number(Infinity),
    doubt: full([n], 0, dtype),
    least: full([n], 0, dtype),
    terms: number(0),
    rows: keeps.rows ? full([m], 0, dtype) : null,
    apart: number(Infinity),
    rounded: scalarArray(0, "bool"),
    angle: number(Infinity),
    rank: scalarArray(0, "int32"),
    flat: scalarArray(0, "bool"),
    held: full([n], 0, "bool"),
    u: keeps.u ? full([m, k], 0, dtype) : null,
    jacobian: keeps.jacobian ? full([m, n], 0, dtype) : null,
    r: keeps.jacobian ? full([m], 0, dtype) : null,
  };
}

/**
 * The model at `x`, where the residual is `r` and its Jacobian `jacobian`, after the model `before`. With `sizes` of the
 * unknowns lengths are measured by these.
 */
export function modelAt(
  x: NDArray,
  r: NDArray,
  jacobian: NDArray,
  before: Pick<Model, "d" | "rows">,
  sizes: { readonly scale: NDArray; readonly used: NDArray } | null,
  { root, bounds, displacement = false }: Setting,
  keeps: Keeps,
): Model {
  const { dtype } = x;
  const within = (v: NDArray): NDArray =>
    bounds === null ? v : between(v, bounds.lower, bounds.upper);
  const m = r.size;
  const columns = columnNorms(jacobian);
  const longest = maximum(before.d, columns);
  const d = sizes === null ? longest : select(sizes.used, evenly(columns, sizes.scale), longest);
  const unit = orOne(d);
  const size = norm(r);
  const tiny = scalarArray(smallestNormal(dtype), dtype);
  const direction = div(r, orOne(size));
  let a = div(jacobian, broadcastTo(expandDims(unit, [0]), jacobian.shape));
  let flat = root ? columns.less(0) : columns.less(before.d.mul(epsilon(dtype)));
  let held: NDArray = full(x.shape, 0, "bool");
  if (bounds !== null) {
    // An unknown at its bound that would leave it stays.
    const slope = transposedTimes(a, direction);
    held = or(
      and(x.lessEqual(bounds.lower), slope.greater(0)),
      and(x.greaterEqual(bounds.upper), slope.less(0)),
    );
    a = scaledColumns(a, not(held).astype(dtype));
    flat = and(flat, not(held));
  }
  const { u, s, vt } = svd(a, false);
  const c = transposedTimes(u, direction);
  const kept = keptValues(s);
  const nothing = full(s.shape, 0, dtype);
  const along = select(kept, div(c, orOne(s)), nothing);
  const newton = within(x.sub(div(transposedTimes(vt, along), unit).mul(size))).sub(x);
  const cosine = norm(select(kept, c, nothing));
  const angles = div(abs(transposedTimes(a, direction)).mul(unit), orOne(columns));
  const inverse = select(kept, div(full(s.shape, 1, dtype), orOne(s)), nothing);
  const spread = div(columnNorms(vt.mul(expandDims(inverse, [1]))), unit);
  const rows = before.rows === null ? null : maximum(
    before.rows,
    rowTerms(jacobian, sizes === null ? abs(x) : maximum(abs(x), sizes.scale)),
  );
  const eps = epsilon(dtype);
  const hidden = rows === null
    ? scalarArray(1, "bool")
    : abs(r).lessEqual(times(abs(jacobian), abs(x)).mul(16 * eps).add(rows.mul(eps ** 1.5))).all();
  return {
    x,
    size,
    d,
    s,
    vt,
    c,
    newton,
    cosine,
    rows,
    rounded: hidden,
    apart: rows === null ? scalarArray(0, dtype) : reduceMax(div(abs(r), maximum(rows, tiny)), [0]),
    // The residual is known to a rounding error of each of its terms.
    doubt: spread.mul(norm(d.mul(x)).mul(epsilon(dtype) / Math.sqrt(m))),
    least: spread.mul(
      displacement ? maximum(norm(x).mul(epsilon(dtype)), tiny) : tiny,
    ),
    terms: norm(columns.mul(x)),
    angle: reduceMax(angles, [0]),
    rank: reduceSum(kept.astype("int32"), [0]).add(reduceSum(held.astype("int32"), [0])),
    flat: flat.any(),
    held,
    u: keeps.u ? u : null,
    jacobian: keeps.jacobian ? jacobian : null,
    r: keeps.jacobian ? r : null,
  };
}

/** The step [n] that is `along`, over the size of the residual, in the basis `V`. */
export function stepAlong({ vt, d, size }: Model, along: NDArray): NDArray {
  return div(transposedTimes(vt, along), orOne(d)).mul(size).neg();
}

/**
 * What is said of a step [n]: its length, what it should gain, as a share of the squared residual norm, and the norm
 * of the change of the residual.
 */
export function promise(
  { d, s, vt, c, size }: Model,
  step: NDArray,
): { readonly length: NDArray; readonly predicted: NDArray; readonly change: NDArray } {
  const scaled = d.mul(step);
  // |c|^2 - |c + S V^T D p|^2, without cancellation.
  const changes = s.mul(times(vt, scaled));
  const q = div(changes, orOne(size));
  return {
    length: norm(scaled),
    predicted: reduceSum(c.mul(2).add(q).mul(q), [0]).neg(),
    change: norm(changes),
  };
}

/** Singular values below this many epsilons of the largest are 0. */
const rankless = 4;
