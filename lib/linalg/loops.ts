/**
 * Determinants and cofactors of one matrix on the CPU, in double precision: the loops of
 * `determinant.ts`, which has the formulas.
 *
 * @module
 */
import { luRoutine } from "./solve_routines.ts";

/** Rows i and k of `width` numbers change places. */
function swapRows(x: Float64Array, i: number, k: number, width: number): void {
  for (let j = 0, a = i * width, b = k * width; j < width; j++, a++, b++) {
    const value = x[a]!;
    x[a] = x[b]!;
    x[b] = value;
  }
}

/** `x[i] -= factor * x[k]` in rows of `width` numbers, from column `from` on. */
function subtractRow(
  x: Float64Array,
  i: number,
  k: number,
  factor: number,
  width: number,
  from = 0,
): void {
  for (let j = from, to = i * width + from, at = k * width + from; j < width; j++, to++, at++) {
    x[to]! -= factor * x[at]!;
  }
}

/** Pivots of Gaussian elimination, and the sign of the exchanges. */
export interface Pivots {
  /** One for each row. */
  readonly pivots: Float64Array;
  /** 1 or -1: the determinant is this times the product of the pivots. */
  readonly sign: number;
}

/** The pivots of elimination with partial pivoting. */
export function pivotsOf(a: Float64Array, n: number): Pivots {
  const lu = new Float64Array(n * n);
  const exchanges = new Int32Array(n);
  luRoutine.run("float64", [a, lu, exchanges, new Int32Array(n)], 1, n, n, n);
  const pivots = new Float64Array(n);
  let sign = 1;
  for (let k = 0; k < n; k++) {
    pivots[k] = lu[k * n + k]!;
    if (exchanges[k] !== k) sign = -sign;
  }
  return { pivots, sign };
}

/** Matrices R and C of determinants 1 or -1 with `R A C = diag(pivots)`. */
export interface Diagonal extends Pivots {
  /** R: what is done to rows. */
  readonly rows: Float64Array;
  /** The transpose of C: what is done to columns. */
  readonly columns: Float64Array;
}

/** Eliminates by rows and columns with complete pivoting, in place: pivots that are 0 come last. */
export function diagonalise(a: Float64Array, n: number): Diagonal {
  const rows = identity(n);
  const columns = identity(n);
  const pivots = new Float64Array(n);
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let row = k, column = k, largest = -1;
    for (let i = k; i < n; i++) {
      for (let j = k; j < n; j++) {
        const size = Math.abs(a[i * n + j]!);
        if (size > largest || size !== size) [largest, row, column] = [size, i, j];
      }
    }
    if (row !== k) {
      swapRows(a, k, row, n);
      swapRows(rows, k, row, n);
      sign = -sign;
    }
    if (column !== k) {
      for (let i = 0; i < n; i++) {
        const value = a[i * n + k]!;
        a[i * n + k] = a[i * n + column]!;
        a[i * n + column] = value;
      }
      swapRows(columns, k, column, n);
      sign = -sign;
    }
    const top = pivots[k] = a[k * n + k]!;
    if (top === 0) break;
    for (let i = k + 1; i < n; i++) {
      const down = a[i * n + k]! / top;
      if (down !== 0) {
        subtractRow(a, i, k, down, n, k);
        subtractRow(rows, i, k, down, n);
      }
      const across = a[k * n + i]! / top;
      if (across !== 0) subtractRow(columns, i, k, across, n);
    }
  }
  return { pivots, sign, rows, columns };
}

function identity(n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

/** `x y`, of n x n matrices, the first or the second one transposed where asked. */
function product(
  x: Float64Array,
  y: Float64Array,
  n: number,
  transposed: "neither" | "first" | "second",
): Float64Array {
  const out = new Float64Array(n * n);
  const [xi, xk] = transposed === "first" ? [1, n] : [n, 1];
  const [yk, yj] = transposed === "second" ? [1, n] : [n, 1];
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = x[i * xi + k * xk]!;
      for (let j = 0; j < n; j++) out[i * n + j]! += factor * y[k * yk + j * yj]!;
    }
  }
  return out;
}

/**
 * Products of all pivots but those at the positions given, which are different. Only the last
 * `count` pivots may be 0 without every such product being 0, so that dividing serves for the others.
 */
function productsBut(
  pivots: Float64Array,
  count: number,
): (...positions: readonly number[]) => number {
  const first = Math.max(0, pivots.length - count);
  const inverses = Float64Array.from(pivots, (d) => d === 0 ? 0 : 1 / d);
  let all = 1;
  for (let i = 0; i < first; i++) all *= pivots[i]!;
  return (...positions) => {
    let result = all;
    for (const i of positions) if (i < first) result *= inverses[i]!;
    for (let t = first; t < pivots.length; t++) if (!positions.includes(t)) result *= pivots[t]!;
    return result;
  };
}

/**
 * The cofactors of `a` for no `changes`, else their derivatives along one or two matrices: see
 * `cofactorsP`.
 */
export function cofactorsOf(
  a: Float64Array,
  changes: readonly Float64Array[],
  n: number,
): Float64Array {
  const { pivots, sign, rows, columns } = diagonalise(a.slice(), n);
  const [m, o] = changes.map((e) => product(product(rows, e, n, "neither"), columns, n, "second"));
  const but = productsBut(pivots, changes.length + 1);
  const inner = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    if (m === undefined) {
      inner[i * n + i] = but(i);
      continue;
    }
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      if (o === undefined) {
        const weight = but(i, j);
        inner[i * n + i]! += weight * m[j * n + j]!;
        inner[i * n + j] = -weight * m[j * n + i]!;
        continue;
      }
      for (let k = 0; k < n; k++) {
        if (k === i || k === j) continue;
        const weight = but(i, j, k);
        inner[i * n + i]! += weight *
          (m[j * n + j]! * o[k * n + k]! - m[j * n + k]! * o[k * n + j]!);
        inner[i * n + j]! -= weight * (
          m[j * n + i]! * o[k * n + k]! - m[j * n + k]! * o[k * n + i]! +
          o[j * n + i]! * m[k * n + k]! - o[j * n + k]! * m[k * n + i]!
        );
      }
    }
  }
  const out = product(product(rows, inner, n, "first"), columns, n, "neither");
  // Zeros have no sign: that of exchanges would be by chance.
  if (sign < 0) { for (let i = 0; i < out.length; i++) out[i] = 0 - out[i]!; }
  return out;
}
