/**
 * Matrices in the last two axes, for rules and programs: products, triangles, diagonals, and rows in
 * another order.
 *
 * Complex numbers and matrices as pairs of real and imaginary parts, for rules and programs.
 *
 * @module
 */
import { type DType, epsilon, type NDArray, sizeOf, type Tangent } from "../core/mod.ts";
import {
  abs,
  add,
  broadcastTo,
  concatenate,
  convert,
  div,
  dotGeneral,
  dynamicSlice,
  eq,
  expandDims,
  gather,
  ge,
  gt,
  iota,
  isFinite,
  le,
  lt,
  maximum,
  mul,
  neg,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sqrt,
  sub,
  transpose,
  zerosLike,
} from "../primitives/mod.ts";

/** Product of matrices with equal leading axes. */
export function matmul(x: NDArray, y: NDArray): NDArray {
  const rank = x.ndim;
  const leading = Array.from({ length: rank - 2 }, (_, i) => i);
  return dotGeneral(x, y, { contract: [[rank - 1], [rank - 2]], batch: [leading, leading] });
}

/** Matrices with rows and columns exchanged. */
export function transposed(x: NDArray): NDArray {
  const perm = x.shape.map((_, i) => i);
  return transpose(x, [...perm.slice(0, -2), x.ndim - 1, x.ndim - 2]);
}

/** The numbers of rows, `[m, 1]`. */
export function rowNumbers(m: number): NDArray {
  return iota([m, 1], 0, "int32");
}

/** The numbers of columns, `[1, n]`. */
export function columnNumbers(n: number): NDArray {
  return iota([1, n], 1, "int32");
}

/** A unit matrix. */
export function identity(n: number, dtype: DType): NDArray {
  return convert(eq(rowNumbers(n), columnNumbers(n)), dtype);
}

/** Unit matrices, one for each matrix of `x`. */
export function identityLike(x: NDArray): NDArray {
  return broadcastTo(identity(x.shape.at(-1)!, x.dtype), x.shape);
}

/** Elements up to the `k`-th diagonal; 0 above it, whatever is there. */
export function lowerPart(x: NDArray, k = 0): NDArray {
  const [m, n] = x.shape.slice(-2);
  const rows = k === 0 ? rowNumbers(m!) : add(rowNumbers(m!), scalarLike(k, rowNumbers(m!)));
  return select(ge(rows, columnNumbers(n!)), x, scalarLike(0, x));
}

/** Elements from the `k`-th diagonal on; 0 below it, whatever is there. */
export function upperPart(x: NDArray, k = 0): NDArray {
  const [m, n] = x.shape.slice(-2);
  const rows = k === 0 ? rowNumbers(m!) : add(rowNumbers(m!), scalarLike(k, rowNumbers(m!)));
  return select(le(rows, columnNumbers(n!)), x, scalarLike(0, x));
}

/** The symmetric matrix that has the lower triangle of `x`. */
export function symmetricOf(x: NDArray): NDArray {
  return add(lowerPart(x), transposed(lowerPart(x, -1)));
}

/** The diagonals of matrices `[..., m, n]`: `[..., min(m, n)]`. */
export function diagonalOf(x: NDArray): NDArray {
  const [m, n] = x.shape.slice(-2);
  const k = Math.min(m!, n!);
  const square = leading(x, k, k);
  const on = eq(rowNumbers(k), columnNumbers(k));
  return reduceSum(select(on, square, scalarLike(0, x)), [x.ndim - 1]);
}

/** The first `m` rows and `n` columns. */
export function leading(x: NDArray, m: number, n: number): NDArray {
  if (x.shape.at(-2) === m && x.shape.at(-1) === n) return x;
  const lead = x.shape.slice(0, -2);
  return slice(x, x.shape.map(() => 0), [...lead, m, n]);
}

/** Columns from `from` up to `to`. */
export function columns(x: NDArray, from: number, to: number): NDArray {
  if (from === 0 && to === x.shape.at(-1)) return x;
  return slice(x, [...x.shape.slice(0, -1).map(() => 0), from], [...x.shape.slice(0, -1), to]);
}

/** Rows of matrices times numbers of `[..., m]`. */
export function scaledRows(x: NDArray, by: NDArray): NDArray {
  return mul(x, expandDims(by, [by.ndim]));
}

/** Columns of matrices times numbers of `[..., n]`. */
export function scaledColumns(x: NDArray, by: NDArray): NDArray {
  return mul(x, expandDims(by, [by.ndim - 1]));
}

/** Rows `order` (int32 `[..., k]`) of matrices `[..., m, n]`: `[..., k, n]`. */
export function takeRows(x: NDArray, order: NDArray): NDArray {
  const lead = x.shape.slice(0, -2);
  const [m, n] = x.shape.slice(-2);
  const k = order.shape.at(-1)!;
  if (lead.length === 0) return gather(x, reshape(order, [k, 1]));
  const systems = sizeOf(lead);
  const places = concatenate(
    [iota([systems, k, 1], 0, "int32"), reshape(order, [systems, k, 1])],
    2,
  );
  return reshape(gather(reshape(x, [systems, m!, n!]), places), [...lead, k, n!]);
}

/** Columns `order` (int32 `[..., k]`) of matrices `[..., m, n]`: `[..., m, k]`. */
export function takeColumns(x: NDArray, order: NDArray): NDArray {
  return transposed(takeRows(transposed(x), order));
}

/** Row `i`, an int32 scalar, of matrices `[systems, m, n]`: `[systems, 1, n]`. */
export function rowOf(x: NDArray, i: NDArray): NDArray {
  const zero = scalarLike(0, i);
  return dynamicSlice(x, [zero, i, zero], [x.shape[0]!, 1, x.shape[2]!]);
}

/** Column `j`, an int32 scalar, of matrices `[systems, m, n]`: `[systems, m, 1]`. */
export function columnOf(x: NDArray, j: NDArray): NDArray {
  const zero = scalarLike(0, j);
  return dynamicSlice(x, [zero, zero, j], [x.shape[0]!, x.shape[1]!, 1]);
}

/** The elements of matrices `[systems, m, n]` in row `i` and column `j`: `[systems, 1, 1]`. */
export function elementOf(x: NDArray, i: NDArray, j: NDArray): NDArray {
  return dynamicSlice(x, [scalarLike(0, i), i, j], [x.shape[0]!, 1, 1]);
}

/** Real and imaginary parts. */
export interface Pair {
  /** Real parts. */
  readonly re: NDArray;
  /** Imaginary parts. */
  readonly im: NDArray;
}

/** The pairs that a list of parts begins with, and so on. */
export function pairs(parts: readonly NDArray[]): Pair[] {
  return Array.from({ length: parts.length / 2 }, (_, k) => ({
    re: parts[2 * k]!,
    im: parts[2 * k + 1]!,
  }));
}

/** The parts of a pair as a list. */
export function parts({ re, im }: Pair): [re: NDArray, im: NDArray] {
  return [re, im];
}

/** Tangents of a pair, zeros where one is none; null where both are. */
export function tangentOf(x: Pair, [re, im]: readonly Tangent[]): Pair | null {
  if (!re && !im) return null;
  return { re: re ?? zerosLike(x.re), im: im ?? zerosLike(x.im) };
}

/** A real matrix as a pair. */
export function realPair(a: NDArray): Pair {
  return { re: a, im: zerosLike(a) };
}

/** Both parts by a linear function. */
export function both(f: (x: NDArray) => NDArray, { re, im }: Pair): Pair {
  return { re: f(re), im: f(im) };
}

/** Sums. */
export function sum(x: Pair, y: Pair): Pair {
  return { re: add(x.re, y.re), im: add(x.im, y.im) };
}

/** Differences. */
export function difference(x: Pair, y: Pair): Pair {
  return { re: sub(x.re, y.re), im: sub(x.im, y.im) };
}

/** Products of numbers. */
export function product(x: Pair, y: Pair): Pair {
  return {
    re: sub(mul(x.re, y.re), mul(x.im, y.im)),
    im: add(mul(x.re, y.im), mul(x.im, y.re)),
  };
}

/** Quotients of numbers. */
export function quotient(x: Pair, y: Pair): Pair {
  const size = maximum(abs(y.re), abs(y.im));
  const [c, d] = [div(y.re, size), div(y.im, size)];
  const square = add(mul(c, c), mul(d, d));
  const [a, b] = [div(x.re, size), div(x.im, size)];
  return {
    re: div(add(mul(a, c), mul(b, d)), square),
    im: div(sub(mul(b, c), mul(a, d)), square),
  };
}

/** Products of matrices. */
export function complexMatmul(x: Pair, y: Pair): Pair {
  return {
    re: sub(matmul(x.re, y.re), matmul(x.im, y.im)),
    im: add(matmul(x.re, y.im), matmul(x.im, y.re)),
  };
}

/** Conjugate transposes of matrices. */
export function adjoint({ re, im }: Pair): Pair {
  return { re: transposed(re), im: neg(transposed(im)) };
}

/** Principal roots of numbers: real parts are not below 0. */
export function complexSqrt({ re, im }: Pair): Pair {
  const [zero, one, half] = [0, 1, 0.5].map((v) => scalarLike(v, re)) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  const size = maximum(abs(re), abs(im));
  const unit = select(eq(size, zero), one, size);
  const [p, q] = [div(re, unit), div(im, unit)];
  const length = mul(unit, sqrt(add(mul(p, p), mul(q, q))));
  const large = sqrt(add(mul(half, length), mul(half, abs(re))));
  const other = div(mul(half, abs(im)), select(eq(large, zero), one, large));
  const isLeft = lt(re, zero);
  const part = select(isLeft, large, other);
  return {
    re: select(isLeft, other, large),
    im: select(lt(im, zero), neg(part), part),
  };
}

/**
 * Powers of two that bring the largest elements of equations into [1, 2), exactly. By them the units of equations do not
 * choose the pivots: elimination is right for equations of like sizes alone.
 */
export function unitsOf(largest: NDArray): NDArray {
  const one = scalarLike(1, largest);
  const eps = epsilon(largest.dtype);
  // All but the first digit is rounded away (Rump, Ogita and Oishi, 2008).
  const long = mul(largest, scalarLike(1 / eps + 1, largest));
  const power = abs(sub(long, mul(long, scalarLike(1 - eps / 2, largest))));
  const inverse = div(one, select(gt(power, scalarLike(0, largest)), power, one));
  return select(isFinite(inverse), inverse, one);
}
