/**
 * Singular value decomposition: `a = U diag(s) V^T`.
 *
 * The routine is in `svd_routine.ts`. The program is another algorithm, rotations of all pairs of
 * columns, since what takes many small steps is slow in a graph; signs are the same.
 *
 * @module
 */
import {
  bind,
  DifferentiationError,
  epsilon,
  formatShape,
  type NDArray,
  type Primitive,
  type Sample,
  sizeOf,
} from "../core/mod.ts";
import {
  abs,
  add,
  and,
  broadcastTo,
  concatenate,
  div,
  eq,
  expandDims,
  full,
  gt,
  le,
  lt,
  maximum,
  mul,
  pad,
  reduceMax,
  reduceOr,
  reduceSum,
  reshape,
  rev,
  scalarLike,
  select,
  slice,
  sort,
  sqrt,
  sub,
} from "../primitives/mod.ts";
import { decomposition, steps, stepsWhile } from "./decomposition.ts";
import {
  halves,
  MOST_SWEEPS,
  nextRound,
  reciprocalGaps,
  rotated,
  rotationsOf,
  signsOf,
} from "./rotations.ts";
import {
  diagonalOf,
  identity,
  leading,
  matmul,
  scaledColumns,
  scaledRows,
  takeRows,
  transposed,
} from "./matrices.ts";
import { qrProgram } from "./qr.ts";
import { singularValuesRoutine, svdRoutine } from "./svd_routine.ts";

/** Parameters of a singular value decomposition. */
export interface SvdParams {
  /** Whether U and V are square, with vectors that complete a basis. */
  readonly fullMatrices: boolean;
  /** Whether singular vectors are wanted too. */
  readonly computeVectors: boolean;
}

/**
 * One-sided rotations: all pairs of columns of a matrix `[systems, m, n]` with m at least n are made
 * orthogonal, half as many in each step as there are columns. Their lengths are the singular values. The
 * columns, divided by these, are what QR makes of them, which completes them too where some vanish.
 */
function tallSvd(a: NDArray, params: SvdParams): [s: NDArray, u: NDArray, vt: NDArray] {
  const [systems, m, n] = a.shape as [number, number, number];
  const size = n + n % 2;
  const zero = scalarLike(0, a);
  const basis = broadcastTo(identity(size, a.dtype), [systems, size, size]);
  const rows = pad(transposed(a), zero, [0, 0, 0], [0, size - n, 0]);
  const total = reduceSum(mul(a, a), [1, 2]);
  const least = mul(scalarLike(m * epsilon(a.dtype), a), expandDims(total, [1]));
  const tolerance = scalarLike(m * epsilon(a.dtype), a);
  const sum = (x: NDArray): NDArray => reduceSum(x, [2]);
  const [, , all] = stepsWhile(
    [full([], 0, "int32"), broadcastTo(scalarLike(1, a), [systems]), concatenate([rows, basis], 2)],
    ([sweep, off]) =>
      and(reduceOr(gt(off!, tolerance), [0]), lt(sweep!, scalarLike(MOST_SWEEPS, sweep!))),
    ([sweep, , x]) => [
      add(sweep!, scalarLike(1, sweep!)),
      ...steps(
        Math.max(1, size - 1),
        [broadcastTo(scalarLike(0, a), [systems]), x!],
        (_, [off, x]) => {
          const [first, second] = halves(slice(x!, [0, 0, 0], [systems, size, m]), 1);
          const [p, q, inner] = [
            sum(mul(first, first)),
            sum(mul(second, second)),
            sum(mul(first, second)),
          ];
          const bound = add(sqrt(mul(p, q)), least);
          const ratio = div(abs(inner), select(eq(bound, zero), scalarLike(1, bound), bound));
          const next = rotated(x!, rotationsOf(p, q, inner), 1);
          return { carry: [maximum(off!, reduceMax(ratio, [1])), nextRound(next, 1)] };
        },
      ).carry,
    ],
  ) as [NDArray, NDArray, NDArray];
  const scaled = slice(all, [0, 0, 0], [systems, size, m]);
  const lengths = sqrt(sum(mul(scaled, scaled)));
  // The row that was added comes last.
  const marks = reshape(slice(all, [0, 0, m + size - 1], [systems, size, m + size]), [
    systems,
    size,
  ]);
  const keys = size === n
    ? lengths
    : select(gt(marks, scalarLike(0.5, marks)), scalarLike(-1, lengths), lengths);
  const [ascending, positions] = sort(keys, 1);
  const s = slice(rev(ascending, [1]), [0, 0], [systems, n]);
  const ordered = takeRows(all, slice(rev(positions, [1]), [0, 0], [systems, n]));
  const columns = transposed(slice(ordered, [0, 0, 0], [systems, n, m]));
  const vt = slice(ordered, [0, 0, m], [systems, n, m + n]);
  const { fullMatrices } = params;
  const [q, r] = qrProgram(columns, { fullMatrices, pivoting: false });
  const diagonal = diagonalOf(r!);
  const one = scalarLike(1, diagonal);
  const signs = select(lt(diagonal, scalarLike(0, diagonal)), sub(scalarLike(0, one), one), one);
  const u = q!.shape[2] === n
    ? scaledColumns(q!, signs)
    : scaledColumns(q!, pad(signs, one, [0, 0], [0, q!.shape[2]! - n]));
  return [s, u, vt];
}

function svdProgram(a: NDArray, params: SvdParams): NDArray[] {
  const lead = a.shape.slice(0, -2);
  const [m, n] = a.shape.slice(-2) as [number, number];
  const systems = sizeOf(lead);
  const k = Math.min(m, n);
  const own = reshape(a, [systems, m, n]);
  const largest = reshape(reduceMax(abs(own), [1, 2]), [systems, 1, 1]);
  const unit = select(eq(largest, scalarLike(0, a)), scalarLike(1, a), largest);
  // Infinities make NaN of all.
  const scaled = div(own, unit);
  const wide = n > m;
  const [values, x, y] = tallSvd(wide ? transposed(scaled) : scaled, params);
  const s = reshape(mul(values, reshape(unit, [systems, 1])), [...lead, k]);
  if (!params.computeVectors) return [s];
  const [u, vt] = wide ? [transposed(y), transposed(x)] : [x, y];
  const signs = signsOf(transposed(leading(u, m, k)));
  const filled = (count: number): NDArray =>
    pad(signs, scalarLike(1, signs), [0, 0], [0, count - k]);
  const finite = lt(largest, scalarLike(Infinity, largest));
  const known = (z: NDArray): NDArray =>
    reshape(select(finite, z, scalarLike(NaN, z)), [...lead, ...z.shape.slice(1)]);
  return [
    s,
    known(scaledColumns(u, filled(u.shape[2]!))),
    known(scaledRows(vt, filled(vt.shape[1]!))),
  ];
}

/** Singular values, and singular vectors as columns of U and rows of V^T. */
export const svdP: Primitive<SvdParams> = /* @__PURE__ */ decomposition<SvdParams>({
  name: "svd",
  square: false,
  factors(m, n, { fullMatrices, computeVectors }) {
    const k = Math.min(m, n);
    const [columns, rows] = fullMatrices ? [m, n] : [k, k];
    const vectors = computeVectors ? [{ shape: [m, columns] }, { shape: [rows, n] }] : [];
    return [{ shape: [k] }, ...vectors];
  },
  routine: ({ computeVectors }) => computeVectors ? svdRoutine : singularValuesRoutine,
  scalars(m, n, { fullMatrices, computeVectors }) {
    const [p, q] = [Math.max(m, n), Math.min(m, n)];
    const c = fullMatrices && computeVectors ? p : q;
    const sizes = [m, n, p, q, c];
    return computeVectors ? [...sizes, ...fullMatrices ? [m, n] : [q, q]] : sizes;
  },
  program: svdProgram,
  tangents(a, da, outs, { fullMatrices, computeVectors }) {
    const [m, n] = a.shape.slice(-2) as [number, number];
    if (a.size === 0) return outs.map(() => null);
    if (computeVectors && fullMatrices && m !== n) {
      throw new DifferentiationError(
        `svd: the further singular vectors of a matrix of shape ${
          formatShape(a.shape)
        } have no derivative, since any that complete a basis serve. Use fullMatrices: false`,
      );
    }
    const [s, u, vt] = computeVectors
      ? outs as [NDArray, NDArray, NDArray]
      : bind(svdP, [a], { fullMatrices: false, computeVectors: true }) as [
        NDArray,
        NDArray,
        NDArray,
      ];
    const dav = matmul(da, transposed(vt));
    const p = matmul(transposed(u), dav);
    const ds = diagonalOf(p);
    return computeVectors ? [ds, ...vectorTangents(da, dav, p, s, u, vt)] : [ds];
  },
  samples: svdSamples,
});

/**
 * With P = U^T da V: `U^T dU = F (P S + S P^T)` and `V^T dV = F (S P + P^T S)` elementwise, where
 * `F_ij = 1 / (s_j^2 - s_i^2)`; and what is outside of the span of U is `(1 - U U^T) da V / s`. Equal
 * singular values, and 0, are left out.
 */
function vectorTangents(
  da: NDArray,
  dav: NDArray,
  p: NDArray,
  s: NDArray,
  u: NDArray,
  vt: NDArray,
): [du: NDArray, dvt: NDArray] {
  const [m, n] = da.shape.slice(-2) as [number, number];
  const scale = reduceMax(s, [s.ndim - 1]);
  const sums = add(expandDims(s, [s.ndim]), expandDims(s, [s.ndim - 1]));
  const one = scalarLike(1, sums);
  const none = eq(sums, scalarLike(0, sums));
  const f = div(reciprocalGaps(s, s, scale), select(none, one, sums));
  const turned = transposed(p);
  let du = matmul(u, mul(f, add(scaledColumns(p, s), scaledRows(turned, s))));
  let dv = matmul(transposed(vt), mul(f, add(scaledRows(p, s), scaledColumns(turned, s))));
  const vanishes = le(
    s,
    mul(expandDims(scale, [scale.ndim]), scalarLike(Math.max(m, n) * epsilon(s.dtype), s)),
  );
  const unit = scalarLike(1, s);
  const inverse = select(vanishes, scalarLike(0, s), div(unit, select(vanishes, unit, s)));
  if (m > n) du = add(du, scaledColumns(sub(dav, matmul(u, p)), inverse));
  if (n > m) {
    const dau = matmul(transposed(da), u);
    dv = add(dv, scaledColumns(sub(dau, matmul(transposed(vt), turned)), inverse));
  }
  return [du, transposed(dv)];
}

function svdSamples(): Sample<SvdParams>[] {
  const both = { fullMatrices: false, computeVectors: true };
  const complete = { fullMatrices: true, computeVectors: true };
  const values = { fullMatrices: false, computeVectors: false };
  const square = {
    shape: [3, 3],
    dtype: "float32",
    values: [1, 2, -1, 2, -1, 0.5, 0.25, 1, 3],
  } as const;
  const tall = {
    shape: [2, 3, 2],
    dtype: "float64",
    values: [1, 2, -3, 4, 0.5, 1, 2, -1, 5, 1, -1, 0.25],
  } as const;
  const wide = { shape: [2, 3], dtype: "float64", values: [1, -2, 3, 0.5, 1, 4] } as const;
  const any = "vectors that complete a basis are any";
  const length = "errors of a vector's elements are relative to its length";
  const rank = "singular values are equal, or 0";
  const undetermined = { jvp: any, slope: any, transpose: any, onnx: length };
  const special = { jvp: rank, slope: rank, transpose: rank };
  return [
    { name: "square", inputs: [square], params: complete, skip: { onnx: length } },
    { name: "more rows, several", inputs: [tall], params: both, skip: { onnx: length } },
    { name: "more columns", inputs: [wide], params: both, skip: { onnx: length } },
    { name: "more rows, complete", inputs: [tall], params: complete, skip: undetermined },
    { name: "more columns, complete", inputs: [wide], params: complete, skip: undetermined },
    { name: "values alone", inputs: [square], params: values },
    { name: "values alone, more rows", inputs: [tall], params: values },
    { name: "values alone, more columns", inputs: [wide], params: values },
    {
      name: "equal values",
      inputs: [{ shape: [2, 2], dtype: "float64", values: [0, -2, 2, 0] }],
      params: values,
      skip: special,
    },
    {
      name: "nothing but 0",
      inputs: [{ shape: [2, 3], dtype: "float32", values: [0, 0, 0, 0, 0, 0] }],
      params: values,
      skip: special,
    },
    {
      name: "NaN among others",
      inputs: [{ shape: [2, 2, 2], dtype: "float32", values: [NaN, 1, 1, 2, 2, 0, 1, 1] }],
      params: both,
      skip: { jvp: "NaN", slope: "NaN", transpose: "NaN" },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [-4] }], params: both },
    { name: "a column", inputs: [{ shape: [3, 1], dtype: "float32" }], params: both },
    { name: "no rows", inputs: [{ shape: [0, 2], dtype: "float32" }], params: complete },
    { name: "no columns", inputs: [{ shape: [2, 0], dtype: "float32" }], params: both },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: both },
  ];
}

/** Singular values and vectors. */
export interface Svd {
  /** Columns. */
  readonly u: NDArray;
  /** Singular values in descending order. */
  readonly s: NDArray;
  /** Rows. */
  readonly vt: NDArray;
}

/** The singular value decomposition of matrices `[..., m, n]`. */
export function svd(a: NDArray, fullMatrices: boolean): Svd {
  const [s, u, vt] = bind(svdP, [a], { fullMatrices, computeVectors: true });
  return { u: u!, s: s!, vt: vt! };
}

/** The singular values of matrices `[..., m, n]`, in descending order. */
export function singularValues(a: NDArray): NDArray {
  return bind(svdP, [a], { fullMatrices: false, computeVectors: false })[0]!;
}
