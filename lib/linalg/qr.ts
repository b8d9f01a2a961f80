/**
 * QR factors: `a = Q R` by reflections, with orthonormal columns in Q and R upper triangular.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import { DifferentiationError, formatShape } from "../core/errors.ts";
import type { Primitive, Sample, Tangent } from "../core/primitive.ts";
import { bind } from "../core/trace.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { abs, add, div, maximum, mul, neg, sub } from "../primitives/elementwise/arithmetic.ts";
import { eq, ge, gt, lt } from "../primitives/elementwise/compare.ts";
import { sqrt } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { argmax } from "../primitives/reduce/arg_extremes.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import { dynamicSlice } from "../primitives/indexing/dynamic_slice.ts";
import { decomposition } from "./decomposition.ts";
import {
  columnNumbers,
  columnOf,
  columns,
  elementOf,
  identity,
  leading,
  lowerPart,
  matmul,
  rowNumbers,
  takeColumns,
  transposed,
  upperPart,
} from "./matrices.ts";
import { steps } from "./programs.ts";
import { pivotedQrRoutine, qrRoutine } from "./qr_routine.ts";
import { triangularSolve } from "./triangular_solve.ts";

/** Parameters of QR factors. */
export interface QrParams {
  /** Whether Q is square, with columns that span what those of the matrix do not. */
  readonly fullMatrices: boolean;
  /** Whether columns are taken in an order that makes the diagonal of R descend. */
  readonly pivoting: boolean;
}

/** A reflection `1 - tau v v^T`. */
interface Reflection {
  /** `[systems, m, 1]` */
  readonly v: NDArray;
  /** `[systems, 1, 1]`; 0 where there is nothing to reflect. */
  readonly tau: NDArray;
}

/** The reflection that takes a column, from row p on, to a multiple of the p-th unit vector. */
export function reflectionOf(column: NDArray, p: NDArray): Reflection & { readonly beta: NDArray } {
  const rows = rowNumbers(column.shape[1]!);
  const zero = scalarLike(0, column);
  const one = scalarLike(1, column);
  const alpha = elementOf(column, p, scalarLike(0, p));
  const below = select(gt(rows, p), column, zero);
  const largestBelow = widest(below);
  const nothing = eq(largestBelow, zero);
  const largest = select(nothing, one, maximum(largestBelow, abs(alpha)));
  const scaled = div(select(ge(rows, p), column, zero), largest);
  const squares = reshape(reduceSum(mul(scaled, scaled), [1]), alpha.shape);
  // Small numbers in units of the largest, so that they keep their digits.
  const unit = select(lt(largest, scalarLike(1e-30, largest)), largest, one);
  const norm = mul(div(largest, unit), sqrt(squares));
  const first = div(alpha, unit);
  const beta = select(lt(alpha, zero), norm, neg(norm));
  const divisor = select(nothing, one, sub(first, beta));
  const v = select(eq(rows, p), one, div(div(below, unit), divisor));
  const tau = select(nothing, zero, div(sub(beta, first), select(nothing, one, beta)));
  return { v, tau, beta: select(nothing, alpha, mul(unit, beta)) };
}

/** Largest absolute values in columns `[systems, m, 1]`. */
function widest(x: NDArray): NDArray {
  return reshape(reduceMax(abs(x), [1]), [x.shape[0]!, 1, 1]);
}

/** Matrices after a reflection. */
export function reflected({ v, tau }: Reflection, y: NDArray): NDArray {
  const sums = mul(tau, matmul(transposed(v), y));
  // A reflection that is none leaves even infinities alone.
  return select(eq(tau, scalarLike(0, tau)), y, sub(y, mul(v, sums)));
}

/** The first `c` columns of products of reflections, which were stacked. */
export function productOf(vs: NDArray, taus: NDArray, c: number): NDArray {
  const [k, systems, m] = vs.shape as [number, number, number, 1];
  const at = (x: NDArray, p: NDArray, shape: readonly number[]): NDArray =>
    reshape(
      dynamicSlice(x, [p, ...shape.map(() => scalarLike(0, p))], [1, ...shape]),
      shape,
    );
  const unit = identity(m, vs.dtype);
  const start = broadcastTo(leading(unit, m, c), [systems, m, c]);
  const { carry: [q] } = steps(k, [start], (p, [q]) => ({
    carry: [reflected({ v: at(vs, p, [systems, m, 1]), tau: at(taus, p, [systems, 1, 1]) }, q!)],
  }), true);
  return q!;
}

/** QR factors as a program. */
export function qrProgram(a: NDArray, { fullMatrices, pivoting }: QrParams): NDArray[] {
  const lead = a.shape.slice(0, -2);
  const [m, n] = a.shape.slice(-2) as [number, number];
  const systems = sizeOf(lead);
  const k = Math.min(m, n);
  const c = fullMatrices ? m : k;
  const numbers = broadcastTo(reshape(columnNumbers(n), [1, 1, n]), [systems, 1, n]);
  const start = reshape(a, [systems, m, n]);
  const scale = reshape(reduceMax(abs(start), [1, 2]), [systems, 1, 1]);
  const unit = select(eq(scale, scalarLike(0, a)), scalarLike(1, a), scale);
  const { carry: [y, order], stacked: [vs, taus] } = steps(
    k,
    pivoting ? [start, numbers] : [start],
    (p, [before, order]) => {
      let y = before!;
      const carry: NDArray[] = [];
      if (pivoting) {
        const scaled = div(select(ge(rowNumbers(m), p), y, scalarLike(0, y)), unit);
        const squares = reshape(reduceSum(mul(scaled, scaled), [1]), [systems, 1, n]);
        const free = select(ge(columnNumbers(n), p), squares, scalarLike(-1, squares));
        const longest = reshape(argmax(free, 2), [systems, 1, 1]);
        const [isFirst, isLongest] = [eq(columnNumbers(n), p), eq(columnNumbers(n), longest)];
        const exchanged = (x: NDArray): NDArray => {
          const first = columnOf(x, p);
          const found = reduceSum(select(isLongest, x, scalarLike(0, x)), [2]);
          const second = reshape(found, first.shape);
          return select(isFirst, second, select(isLongest, first, x));
        };
        y = exchanged(y);
        carry.push(exchanged(order!));
      }
      const column = columnOf(y, p);
      const { v, tau, beta } = reflectionOf(column, p);
      const rows = rowNumbers(m);
      const isColumn = eq(columnNumbers(n), p);
      // Below the diagonal nothing is left, not even rounding.
      const left = select(eq(rows, p), beta, select(gt(rows, p), scalarLike(0, y), column));
      const after = select(gt(columnNumbers(n), p), reflected({ v, tau }, y), y);
      return { carry: [select(isColumn, left, after), ...carry], stacked: [v, tau] };
    },
  );
  const q = productOf(vs!, taus!, c);
  const r = upperPart(leading(y!, c, n));
  const outs = [reshape(q, [...lead, m, c]), reshape(r, [...lead, c, n])];
  return pivoting ? [...outs, reshape(order!, [...lead, n])] : outs;
}

/** QR factors; with pivoting, also the order of the columns. */
export const qrP: Primitive<QrParams> = /* @__PURE__ */ decomposition<QrParams>({
  name: "qr",
  square: false,
  factors(m, n, { fullMatrices, pivoting }) {
    const c = fullMatrices ? m : Math.min(m, n);
    const order = pivoting ? [{ shape: [n], dtype: "int32" } as const] : [];
    return [{ shape: [m, c] }, { shape: [c, n] }, ...order];
  },
  routine: ({ pivoting }) => pivoting ? pivotedQrRoutine : qrRoutine,
  scalars(m, n, { fullMatrices }) {
    const k = Math.min(m, n);
    return [m, n, k, fullMatrices ? m : k];
  },
  program: qrProgram,
  tangents(a, da, [q, r, order], { fullMatrices }) {
    const [m, n] = a.shape.slice(-2) as [number, number];
    if (fullMatrices && m > n) {
      throw new DifferentiationError(
        `qr: the further columns of Q for a matrix of shape ${
          formatShape(a.shape)
        } have no derivative, since any that complete a basis serve. ` +
          'Use mode "reduced" (fullMatrices: false)',
      );
    }
    const d = order === undefined ? da : takeColumns(da, order);
    const own = tangentsOf(q!, columns(r!, 0, Math.min(m, n)), columns(d, 0, Math.min(m, n)));
    let [dq, dr] = own;
    if (n > m) {
      // The further columns are those of Q^T a.
      const rest = sub(columns(d, m, n), matmul(dq, columns(r!, m, n)));
      dr = concatenate([dr, matmul(transposed(q!), rest)], dr.ndim - 1);
    }
    const out: Tangent[] = [dq, dr];
    return order === undefined ? out : [...out, null];
  },
  samples: qrSamples,
});

/**
 * Tangents of `x = Q R` with as many columns as R has rows: with `M = Q^T dx R^-1`, `Q^T dQ` is
 * antisymmetric and agrees with M below the diagonal, and `dR R^-1` is the rest of M.
 */
function tangentsOf(q: NDArray, r: NDArray, dx: NDArray): [dq: NDArray, dr: NDArray] {
  const upper = { lower: false, transposeA: true, unitDiagonal: false };
  const scaled = transposed(triangularSolve(r, transposed(dx), upper));
  const m = matmul(transposed(q), scaled);
  const below = lowerPart(m, -1);
  const turn = sub(below, transposed(below));
  const rest = sub(m, turn);
  return [add(matmul(q, sub(turn, m)), scaled), matmul(rest, r)];
}

function qrSamples(): Sample<QrParams>[] {
  const reduced = { fullMatrices: false, pivoting: false };
  const full = { fullMatrices: true, pivoting: false };
  const pivoted = { fullMatrices: false, pivoting: true };
  const square = {
    shape: [3, 3],
    dtype: "float32",
    values: [1, 2, -1, 2, -1, 0.5, 0.25, 1, 3],
  } as const;
  const tall = {
    shape: [2, 4, 2],
    dtype: "float64",
    values: [1, 2, -3, 4, 0.5, 1, 2, -1, 5, 1, -1, 0.25, 2, -3, 0.5, 1],
  } as const;
  const wide = { shape: [2, 3], dtype: "float32", values: [1, -2, 3, 0.5, 1, 4] } as const;
  const undefinedBasis = "the further columns of Q have no derivative";
  const singular = "R is singular";
  return [
    { name: "square", inputs: [square], params: full },
    { name: "more rows, several, float64", inputs: [tall], params: reduced },
    {
      name: "more rows, Q square",
      inputs: [tall],
      params: full,
      skip: { jvp: undefinedBasis, slope: undefinedBasis, transpose: undefinedBasis },
    },
    { name: "more columns", inputs: [wide], params: reduced },
    { name: "pivoting", inputs: [square], params: pivoted },
    { name: "pivoting, more rows", inputs: [tall], params: pivoted },
    { name: "pivoting, more columns", inputs: [wide], params: { ...pivoted, fullMatrices: true } },
    {
      name: "columns of 0, and nothing but 0",
      inputs: [{
        shape: [2, 2, 2],
        dtype: "float32",
        values: [0, 1, 0, 2, 0, 0, 0, 0],
      }],
      params: reduced,
      skip: { jvp: singular, slope: singular, transpose: singular },
    },
    {
      name: "graded, of which squares vanish",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [1e-200, 1e3, 1e-8, 2e-200, 1, 2e-8, 3e-200, 2, -3e-8],
      }],
      params: reduced,
      skip: { jvp: "differences of such sizes have no digits", slope: "as for jvp" },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [-4] }], params: full },
    { name: "no rows", inputs: [{ shape: [0, 2], dtype: "float32" }], params: full },
    {
      name: "no columns",
      inputs: [{ shape: [2, 0], dtype: "float32" }],
      params: full,
      skip: { jvp: undefinedBasis, slope: undefinedBasis, transpose: undefinedBasis },
    },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: pivoted },
  ];
}

/** QR factors. */
export interface QrFactors {
  /** Orthonormal columns. */
  readonly q: NDArray;
  /** Upper triangular. */
  readonly r: NDArray;
  /** With pivoting, int32 `[..., n]`: which column of the matrix each column of Q R is. */
  readonly permutation?: NDArray;
}

/** QR factors of matrices `[..., m, n]`, as `jax.lax.linalg.qr`. */
export function qr(a: NDArray, params: QrParams): QrFactors {
  const [q, r, permutation] = bind(qrP, [a], params);
  return { q: q!, r: r!, ...(permutation === undefined ? {} : { permutation }) };
}
