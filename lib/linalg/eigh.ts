/**
 * Eigenvalues and eigenvectors of symmetric matrices: `a V = V diag(w)`.
 *
 * The routine is in `eigh_routine.ts`. The program is another algorithm, rotations of all pairs of
 * rows, since what takes many small steps is slow in a graph; signs are the same.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import { epsilon } from "../core/dtype.ts";
import type { Primitive, Sample } from "../core/primitive.ts";
import { bind } from "../core/trace.ts";
import { full, scalarLike } from "../primitives/constants/full.ts";
import { abs, add, div, mul } from "../primitives/elementwise/arithmetic.ts";
import { and, eq, gt, lt } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reduceOr } from "../primitives/reduce/logical.ts";
import { expandDims, reshape } from "../primitives/shape/reshape.ts";
import { pad, slice } from "../primitives/slicing/slice.ts";
import { sort } from "../primitives/sort/sort.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import { decomposition } from "./decomposition.ts";
import { eigenvaluesRoutine, eighRoutine } from "./eigh_routine.ts";
import {
  columnNumbers,
  diagonalOf,
  identity,
  matmul,
  rowNumbers,
  symmetricOf,
  takeRows,
  transposed,
} from "./matrices.ts";
import { steps, stepsWhile } from "./programs.ts";
import {
  halves,
  MOST_SWEEPS,
  nextRound,
  reciprocalGaps,
  rotated,
  rotationsOf,
  signsOf,
} from "./rotations.ts";

/** Parameters of an eigendecomposition. */
export interface EighParams {
  /** Whether eigenvectors are wanted too. */
  readonly computeVectors: boolean;
}

/** Sums of squares of matrices beside their diagonals: `[systems]`. */
function besideDiagonal(x: NDArray): NDArray {
  const n = x.shape.at(-1)!;
  const beside = select(eq(rowNumbers(n), columnNumbers(n)), scalarLike(0, x), x);
  return reduceSum(mul(beside, beside), [1, 2]);
}

/**
 * Rotations of all pairs of rows and columns, half as many in each step as there are rows, until nothing
 * is beside the diagonal. A row and a column of zeros make an odd number even, and stay apart.
 */
function eighProgram(a: NDArray, { computeVectors }: EighParams): NDArray[] {
  const lead = a.shape.slice(0, -2);
  const n = a.shape.at(-1)!;
  const systems = sizeOf(lead);
  const size = n + n % 2;
  const own = symmetricOf(reshape(a, [systems, n, n]));
  const largest = reshape(reduceMax(abs(own), [1, 2]), [systems, 1, 1]);
  const zero = scalarLike(0, own);
  const unit = select(eq(largest, zero), scalarLike(1, own), largest);
  // Infinities make NaN of all.
  const scaled = div(own, unit);
  const start = pad(scaled, zero, [0, 0, 0], [0, size - n, size - n]);
  const basis = broadcastTo(identity(size, a.dtype), [systems, size, size]);
  const tolerance = scalarLike((n * epsilon(a.dtype)) ** 2, own);
  const [, matrix, rows] = stepsWhile(
    [full([], 0, "int32"), start, basis],
    ([sweep, x]) => {
      const off = besideDiagonal(x!);
      const norm = reduceSum(mul(x!, x!), [1, 2]);
      const goesOn = reduceOr(gt(off, mul(tolerance, norm)), [0]);
      return and(goesOn, lt(sweep!, scalarLike(MOST_SWEEPS, sweep!)));
    },
    ([sweep, x, v]) => [
      add(sweep!, scalarLike(1, sweep!)),
      ...steps(Math.max(1, size - 1), [x!, v!], (_, [x, v]) => {
        const [top, bottom] = halves(x!, 1);
        const pairs = rotationsOf(
          diagonalOf(halves(top, 2)[0]),
          diagonalOf(halves(bottom, 2)[1]),
          diagonalOf(halves(top, 2)[1]),
        );
        const turned = rotated(rotated(x!, pairs, 1), pairs, 2);
        const vectors = rotated(v!, pairs, 1);
        return { carry: [nextRound(nextRound(turned, 1), 2), nextRound(vectors, 1)] };
      }).carry,
    ],
  ) as [NDArray, NDArray, NDArray];
  const values = mul(diagonalOf(matrix), reshape(unit, [systems, 1]));
  // The row that was added comes last.
  const added = size === n ? values : select(
    gt(
      reshape(slice(rows, [0, 0, n], [systems, size, size]), [systems, size]),
      scalarLike(0.5, rows),
    ),
    scalarLike(Infinity, values),
    values,
  );
  const [sorted, order] = sort(added, 1);
  const w = reshape(slice(sorted, [0, 0], [systems, n]), [...lead, n]);
  if (!computeVectors) return [w];
  const chosen = takeRows(rows, slice(order, [0, 0], [systems, n]));
  const vectors = slice(chosen, [0, 0, 0], [systems, n, n]);
  const signed = transposed(mul(vectors, expandDims(signsOf(vectors), [2])));
  const finite = lt(largest, scalarLike(Infinity, largest));
  return [w, reshape(select(finite, signed, scalarLike(NaN, signed)), a.shape)];
}

/** Eigenvalues, and eigenvectors as columns, of matrices whose lower triangle is given. */
export const eighP: Primitive<EighParams> = /* @__PURE__ */ decomposition<EighParams>({
  name: "eigh",
  square: true,
  factors: (n, _, { computeVectors }) => [
    { shape: [n] },
    ...computeVectors ? [{ shape: [n, n] }] : [],
  ],
  routine: ({ computeVectors }) => computeVectors ? eighRoutine : eigenvaluesRoutine,
  scalars: (n) => [n],
  program: eighProgram,
  // With P = V^T da V: dw is the diagonal of P, and dV = V (P_ij / (w_j - w_i)).
  tangents(a, da, [w, v], { computeVectors }) {
    if (a.size === 0) return computeVectors ? [null, null] : [null];
    const vectors = v ?? eigh(a).v;
    const p = matmul(transposed(vectors), matmul(symmetricOf(da), vectors));
    const dw = diagonalOf(p);
    if (!computeVectors) return [dw];
    const scale = reduceMax(abs(w!), [w!.ndim - 1]);
    return [dw, matmul(vectors, mul(p, reciprocalGaps(w!, w!, scale)))];
  },
  samples: eighSamples,
});

function eighSamples(): Sample<EighParams>[] {
  const both = { computeVectors: true };
  const values = { computeVectors: false };
  const three = {
    shape: [3, 3],
    dtype: "float32",
    values: [2, 9, 9, -1, 0.5, 9, 0.25, 3, -1],
  } as const;
  const several = {
    shape: [2, 2, 2],
    dtype: "float64",
    values: [2, -1, -1, 3, 1, 0.5, 0.5, -5],
  } as const;
  const four = {
    shape: [4, 4],
    dtype: "float64",
    values: [1, 0, 0, 0, 0.5, -2, 0, 0, 0.25, 1, 3, 0, -1, 0.75, 0.125, 0.5],
  } as const;
  const equal = "eigenvalues are equal";
  const relative = "errors are relative to the largest eigenvalue";
  return [
    { name: "three rows; the upper triangle is not read", inputs: [three], params: both },
    { name: "several, float64", inputs: [several], params: both },
    {
      name: "four rows",
      inputs: [four],
      params: both,
      skip: { onnx: "errors of a vector's elements are relative to its length" },
    },
    { name: "values alone", inputs: [three], params: values },
    { name: "values alone, several", inputs: [several], params: values },
    {
      name: "equal eigenvalues",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [2, 1, 1, 1, 2, 1, 1, 1, 2],
      }],
      params: values,
      skip: { jvp: equal, slope: equal, transpose: equal },
    },
    {
      name: "equal eigenvalues, with vectors",
      inputs: [{ shape: [2, 2], dtype: "float64", values: [3, 0, 0, 3] }],
      params: both,
      skip: { jvp: equal, slope: equal, transpose: equal },
    },
    {
      name: "nothing but 0",
      inputs: [{ shape: [2, 2], dtype: "float32", values: [0, 0, 0, 0] }],
      params: both,
      skip: { jvp: equal, slope: equal, transpose: equal },
    },
    {
      name: "graded",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [1e6, 0, 0, 1, 1, 0, 1e-6, 1e-3, 2e-3],
      }],
      params: values,
      skip: {
        jvp: "differences of such sizes have no digits",
        slope: "as for jvp",
        onnx: relative,
      },
    },
    {
      name: "NaN among others",
      inputs: [{
        shape: [2, 2, 2],
        dtype: "float32",
        values: [NaN, 1, 1, 2, 2, 0, 1, 1],
      }],
      params: both,
      skip: { jvp: "NaN", slope: "NaN", transpose: "NaN" },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [-4] }], params: both },
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params: both },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: both },
  ];
}

/** Eigenvalues and eigenvectors. */
export interface Eigen {
  /** Eigenvalues in ascending order. */
  readonly w: NDArray;
  /** Eigenvectors as columns. */
  readonly v: NDArray;
}

/** The eigendecomposition of symmetric matrices `[..., n, n]`, of which the lower triangle is read. */
export function eigh(a: NDArray): Eigen {
  const [w, v] = bind(eighP, [a], { computeVectors: true });
  return { w: w!, v: v! };
}

/** The eigenvalues of symmetric matrices `[..., n, n]`, of which the lower triangle is read. */
export function eigenvalues(a: NDArray): NDArray {
  return bind(eighP, [a], { computeVectors: false })[0]!;
}
