/**
 * QR factors: `a = Q R` by reflections, with orthonormal columns in Q and R upper triangular.
 *
 * Reflections and QR factors on the CPU.
 *
 * A reflection is `H = 1 - tau v v^T` where v is 0 before row p and 1 in it. It is kept as a row that
 * has tau in place p.
 *
 * @module
 */
import {
  bind,
  DifferentiationError,
  formatShape,
  type NDArray,
  type Primitive,
  type Sample,
  sizeOf,
  type Tangent,
} from "../core/mod.ts";
import {
  abs,
  add,
  argmax,
  broadcastTo,
  concatenate,
  div,
  dynamicSlice,
  eq,
  ge,
  gt,
  lt,
  maximum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  scalarLike,
  select,
  sqrt,
  sub,
} from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";
import { decomposition, steps } from "./decomposition.ts";
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
import { triangularSolve } from "./triangular_solve.ts";

/**
 * The reflection that takes column p of y, from row p on, to a multiple of the first unit vector, which
 * replaces it. tau is 0 where all below is 0. The column is scaled, so that squares neither overflow nor
 * vanish.
 */
export const reflector: Routine = /* @__PURE__ */ routine(`
reflector(out y: T[m, n], out v: T[m], m, n, row, p) {
  let alpha = y[row, p]
  let below: T = 0
  for i in row + 1..m { below = max(below, abs(y[i, p])) }
  v[row] = 0
  if below == 0 {
    for i in row + 1..m { v[i] = 0 }
  } else {
    let largest = max(below, abs(alpha))
    let squares: T = 0
    for i in row..m {
      let x = y[i, p] / largest
      squares += x * x
    }
    // Small numbers in units of the largest, so that they keep their digits.
    let unit: T = 1
    if largest < 1e-30 { unit = largest }
    let first = alpha / unit
    let beta = -copysign(largest / unit * sqrt(squares), alpha)
    v[row] = (beta - first) / beta
    let divisor = first - beta
    for i in row + 1..m {
      v[i] = y[i, p] / unit / divisor
      y[i, p] = 0
    }
    y[row, p] = unit * beta
  }
}`);

/** Columns of y from \`from\` on become those of H y. \`sums\` holds tau v^T y. */
export const reflect: Routine = /* @__PURE__ */ routine(`
reflect(in v: T[m], out y: T[m, n], out sums: T[n], m, n, p, from) {
  let tau = v[p]
  if tau != 0 {
    vector j in from..n { sums[j] = y[p, j] }
    let i = p + 1
    while i + 3 < m {
      let s = v[i]
      let t = v[i + 1]
      let u = v[i + 2]
      let w = v[i + 3]
      vector j in from..n {
        sums[j] = sums[j] + (s * y[i, j] + t * y[i + 1, j] + u * y[i + 2, j] + w * y[i + 3, j])
      }
      i += 4
    }
    while i < m {
      let s = v[i]
      vector j in from..n { sums[j] = sums[j] + s * y[i, j] }
      i += 1
    }
    vector j in from..n {
      let s = tau * sums[j]
      sums[j] = s
      y[p, j] = y[p, j] - s
    }
    for i in p + 1..m {
      let s = v[i]
      vector j in from..n { y[i, j] = y[i, j] - s * sums[j] }
    }
  }
}`);

const take = `
    for i in 0..m {
      vector j in 0..n { y[i, j] = a[s, i, j] }
    }`;

const give = `
    for i in 0..c {
      for j in 0..min(i, n) { r[s, i, j] = 0 }
      vector j in min(i, n)..n { r[s, i, j] = y[i, j] }
    }
    for i in 0..m {
      vector j in 0..c { q[s, i, j] = 0 }
      if i < c { q[s, i, i] = 1 }
    }
    for p in 0..k down { reflect(v[p, 0], q[s, 0, 0], sums, m, c, p, p) }`;

/**
 * Q, with c columns, and R, with c rows, of each of \`count\` matrices, by k = min(m, n) reflections.
 */
export const qrRoutine: Routine = /* @__PURE__ */ routine(
  () => `
qr(in a: T[count, m, n], out q: T[count, m, c], out r: T[count, c, n],
   scratch y: T[m, n], scratch v: T[k, m], scratch sums: T[m + n], count, m, n, k, c) {
  for s in 0..count {${take}
    for p in 0..k {
      reflector(y, v[p, 0], m, n, p, p)
      reflect(v[p, 0], y, sums, m, n, p, p + 1)
    }${give}
  }
}`,
  { reflector, reflect },
);

/**
 * The same where in each step the longest of the columns that are left comes next, the first of several;
 * \`order\` says which column of the matrix each one is.
 */
export const pivotedQrRoutine: Routine = /* @__PURE__ */ routine(
  () => `
pivotedQr(in a: T[count, m, n], out q: T[count, m, c], out r: T[count, c, n], out order: i32[count, n],
   scratch y: T[m, n], scratch v: T[k, m], scratch sums: T[m + n], count, m, n, k, c) {
  for s in 0..count {${take}
    let largest: T = 0
    for i in 0..m {
      for j in 0..n { largest = max(largest, abs(y[i, j])) }
    }
    if largest == 0 { largest = 1 }
    for j in 0..n { order[s, j] = j }
    for p in 0..k {
      vector j in p..n { sums[j] = 0 }
      for i in p..m {
        vector j in p..n {
          let x = y[i, j] / largest
          sums[j] = sums[j] + x * x
        }
      }
      let longest = p
      for j in p + 1..n {
        if sums[j] > sums[longest] { longest = j }
      }
      if longest != p {
        for i in 0..m {
          let x = y[i, p]
          y[i, p] = y[i, longest]
          y[i, longest] = x
        }
        let column = order[s, p]
        order[s, p] = order[s, longest]
        order[s, longest] = column
      }
      reflector(y, v[p, 0], m, n, p, p)
      reflect(v[p, 0], y, sums, m, n, p, p + 1)
    }${give}
  }
}`,
  { reflector, reflect },
);

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
