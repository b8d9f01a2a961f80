/**
 * Matrices with a structure, made of the elements of vectors, as `jax.scipy.linalg` has them. Those that
 * only their size says are in `special_matrices.ts`.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  ConcreteArray,
  describeValue,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  shaped,
  ShapeError,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import {
  broadcastTo,
  concatenate,
  div,
  expandDims,
  full,
  neg,
  onesLike,
  pad,
  reshape,
  rev,
  scalarLike,
  slice,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import { abs } from "./arithmetic.ts";
import { takeInRange } from "./indices.ts";
import { concatenate as joined } from "./joining.ts";
import { asFloat, asOperand, expectNumbers, expectRoom, isNamed, promote } from "./operands.ts";
import type { ConvolveMode } from "./signals.ts";

/** A matrix `[..., m, n]` of elements of vectors `[..., k]`, at the places that `at` says. */
function arranged(
  op: string,
  v: NDArray,
  m: number,
  n: number,
  at: (i: number, j: number) => number,
): NDArray {
  expectRoom(op, [...v.shape.slice(0, -1), m, n], v.dtype);
  const places = new Int32Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) places[i * n + j] = at(i, j);
  return takeInRange(v, ConcreteArray.fromHost(shaped([m, n], "int32"), places), v.ndim - 1);
}

/** Vectors in the last axis; a number is one of length 1. */
function vectors(op: string, x: Operand, what: string, least = 0): NDArray {
  const a = asOperand(op, x, what);
  const v = a.ndim === 0 ? reshape(a, [1]) : a;
  if (v.shape.at(-1)! >= least) return v;
  throw new ShapeError(
    `${op}: ${what} has shape ${
      formatShape(a.shape)
    }, but its last axis must have length ${least} ` +
      "or more",
  );
}

/** Elements from `start` to `stop` of vectors. */
function part(v: NDArray, start: number, stop: number): NDArray {
  return slice(v, v.shape.map((_, i) => i === v.ndim - 1 ? start : 0), v.shape.with(-1, stop));
}

/** Vectors of one dtype with the same leading axes. */
function alike(op: string, x: NDArray, y: NDArray): [NDArray, NDArray] {
  const [a, b] = promote(op, x, y);
  const lead = broadcastShapes(op, a.shape.slice(0, -1), b.shape.slice(0, -1));
  const spread = (v: NDArray): NDArray => broadcastTo(v, [...lead, v.shape.at(-1)!]);
  return [spread(a), spread(b)];
}

/** Vectors one behind the other. */
function behind(...vs: readonly NDArray[]): NDArray {
  return concatenate(vs, vs[0]!.ndim - 1);
}

/**
 * Toeplitz's matrices, of which each diagonal is constant, as `jax.scipy.linalg.toeplitz`: from the first
 * column `c` `[..., m]` and the first row `r` `[..., n]`, whose first element is not read; `c` where it is
 * left out.
 *
 * @throws {TypeError} where one is no array or number.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const t = linalg.toeplitz(np.array([1, 2, 3]), np.array([0, 5, 6]));
 * console.log(t.toArray()); // [ [ 1, 5, 6 ], [ 2, 1, 5 ], [ 3, 2, 1 ] ]
 * ```
 */
export function toeplitz(c: Operand, r?: Operand | null): NDArray {
  if (arguments.length > 2) checkCall("toeplitz(c, r)", arguments);
  const column = vectors("toeplitz", c, "c");
  return diagonals("toeplitz", column, vectors("toeplitz", r ?? column, "r"));
}

/** Matrices of columns and rows. */
function diagonals(op: string, c: NDArray, r: NDArray): NDArray {
  const [column, row] = alike(op, c, r);
  const [m, n] = [column.shape.at(-1)!, row.shape.at(-1)!];
  if (m === 0 || n === 0) return full([...column.shape.slice(0, -1), m, n], 0, column.dtype);
  const elements = behind(rev(column, [column.ndim - 1]), part(row, 1, n));
  return arranged(op, elements, m, n, (i, j) => m - 1 - i + j);
}

/**
 * Hankel's matrices, of which each diagonal from below to above is constant, as `jax.scipy.linalg.hankel`:
 * from the first column `c` `[..., m]` and the last row `r` `[..., n]`, whose first element is not read; 0
 * where it is left out.
 *
 * @throws {ShapeError} where one has no axis.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.hankel(np.array([1, 2, 3])).toArray()); // [ [ 1, 2, 3 ], [ 2, 3, 0 ], [ 3, 0, 0 ] ]
 * ```
 */
export function hankel(c: NDArray, r?: NDArray | null): NDArray {
  if (arguments.length > 2) checkCall("hankel(c, r)", arguments);
  const given = asOperand("hankel", c, "c");
  const last = r === undefined || r === null ? zerosLike(given) : asOperand("hankel", r, "r");
  for (const [name, x] of [["c", given], ["r", last]] as const) {
    if (x.ndim === 0) throw new ShapeError(`hankel: ${name} is a number, but must be a vector`);
  }
  const [column, row] = alike("hankel", given, last);
  const [m, n] = [column.shape.at(-1)!, row.shape.at(-1)!];
  if (m === 0 || n === 0) return full([...column.shape.slice(0, -1), m, n], 0, column.dtype);
  return arranged("hankel", behind(column, part(row, 1, n)), m, n, (i, j) => i + j);
}

/**
 * Circulant matrices, whose columns are the vector `c` `[..., n]` turned by one more each, as
 * `jax.scipy.linalg.circulant`.
 *
 * @throws {TypeError} where c is no array or number.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.circulant(np.array([1, 2, 3])).toArray()); // [ [ 1, 3, 2 ], [ 2, 1, 3 ], [ 3, 2, 1 ] ]
 * ```
 */
export function circulant(c: Operand): NDArray {
  if (arguments.length > 1) checkCall("circulant(c)", arguments);
  const v = vectors("circulant", c, "c");
  const n = v.shape.at(-1)!;
  return arranged("circulant", v, n, n, (i, j) => (i - j + n) % n);
}

/**
 * The matrices whose product with a vector of length `n` is its convolution with `a` `[..., m]`, as
 * `jax.scipy.linalg.convolution_matrix`.
 *
 * @param mode Which part of the convolution, as for `numpy.convolve`.
 * @throws {ShapeError} where a has no elements.
 * @throws {RangeError} where n is below 1.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.convolutionMatrix(np.array([1, 2]), 2).toArray()); // [ [ 1, 0 ], [ 2, 1 ], [ 0, 2 ] ]
 * ```
 */
export function convolutionMatrix(
  a: NDArray,
  n: number,
  mode: ConvolveMode | Named<unknown, { mode: ConvolveMode }> = "full",
): NDArray {
  const op = "convolutionMatrix";
  if (arguments.length > 3 || isNamed(mode)) {
    checkCall("convolutionMatrix(a, n, mode)", arguments, {}, 2);
  }
  if (isNamed(mode)) return convolutionMatrix(a, n, mode.mode);
  const v = asOperand(op, a, "a");
  if (v.ndim === 0 || v.shape.at(-1) === 0) {
    throw new ShapeError(
      `${op}: a has shape ${formatShape(v.shape)}, but must be a vector with elements`,
    );
  }
  expectInteger(op, n, "n", 1);
  if (mode !== "full" && mode !== "same" && mode !== "valid") {
    throw new TypeError(
      `${op}: mode must be "full", "same" or "valid", not ${describeValue(mode)}`,
    );
  }
  const m = v.shape.at(-1)!;
  const over = Math.min(n, m) - 1;
  const top = mode === "full" ? 0 : mode === "valid" ? over : Math.floor(over / 2);
  const bottom = mode === "full" ? 0 : mode === "valid" ? over : over - top;
  const none = v.shape.map(() => 0);
  const padded = pad(v, scalarLike(0, v), none, none.with(-1, 1));
  return arranged(op, padded, m + n - 1 - top - bottom, n, (i, j) => {
    const at = i + top - j;
    return at < 0 || at >= m ? m : at;
  });
}

/** Vectors with 0 and 1 in front, as elements for what is not of them. */
function withBits(v: NDArray): NDArray {
  const first = part(v, 0, 1);
  return behind(zerosLike(first), onesLike(first), v);
}

/** Coefficients `[..., n]` of polynomials, from the second one on, divided by the first, and negated. */
function monic(op: string, a: Operand, least: number): NDArray {
  const v = vectors(op, asFloat(op, a, "a"), "a", least);
  return neg(div(part(v, 1, v.shape.at(-1)!), part(v, 0, 1)));
}

/**
 * Companion matrices of polynomials with coefficients `a` `[..., n]`, the highest first, as
 * `jax.scipy.linalg.companion`: their eigenvalues are its roots.
 *
 * @throws {ShapeError} where there are fewer than two coefficients.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.companion(np.array([1, -3, 2])).toArray()); // [ [ 3, -2 ], [ 1, 0 ] ]
 * ```
 */
export function companion(a: Operand): NDArray {
  if (arguments.length > 1) checkCall("companion(a)", arguments);
  const row = monic("companion", a, 2);
  const m = row.shape.at(-1)!;
  return arranged(
    "companion",
    withBits(row),
    m,
    m,
    (i, j) => i === 0 ? j + 2 : i === j + 1 ? 1 : 0,
  );
}

/**
 * Fiedler's companion matrices of polynomials with coefficients `a` `[..., n]`, the highest first, as
 * `jax.scipy.linalg.fiedler_companion`: of five diagonals, with the roots as eigenvalues.
 *
 * @throws {ShapeError} where there are no coefficients.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const c = linalg.fiedlerCompanion(np.array([1, -3, 2, 5]));
 * console.log(c.toArray()); // [ [ 3, -2, 1 ], [ 1, 0, 0 ], [ 0, -5, 0 ] ]
 * ```
 */
export function fiedlerCompanion(a: Operand): NDArray {
  const op = "fiedlerCompanion";
  if (arguments.length > 1) checkCall("fiedlerCompanion(a)", arguments);
  const c = monic(op, a, 1);
  const n = c.shape.at(-1)!;
  if (n === 0) return full([...c.shape.slice(0, -1), 0, 0], 0, c.dtype);
  // Element k of c is at k + 2, behind 0 and 1.
  return arranged(op, withBits(c), n, n, (i, j) => {
    if (j === 0 && i < 2) return i === 0 ? 2 : 1;
    const even = i % 2 === 0;
    if (j === i + 1 && even) return i + 3;
    if (j === i - 1 && even) return i + 2;
    return (j === i + 2 && even) || (j === i - 2 && !even) ? 1 : 0;
  });
}

/**
 * Fiedler's matrices, of the distances of elements of `a` `[..., n]`, as `jax.scipy.linalg.fiedler`.
 *
 * @throws {TypeError} where a is no array or number.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.fiedler(np.array([1, 4])).toArray()); // [ [ 0, 3 ], [ 3, 0 ] ]
 * ```
 */
export function fiedler(a: Operand): NDArray {
  if (arguments.length > 1) checkCall("fiedler(a)", arguments);
  const v = expectNumbers("fiedler", vectors("fiedler", a, "a"), "a");
  const [n, lead] = [v.shape.at(-1)!, v.shape.slice(0, -1)];
  return abs(sub(
    broadcastTo(expandDims(v, [v.ndim]), [...lead, n, n]),
    broadcastTo(expandDims(v, [v.ndim - 1]), [...lead, n, n]),
  ));
}

/**
 * Leslie's matrices of populations, as `jax.scipy.linalg.leslie`: fecundities `f` `[..., n]` in the first
 * row, and rates of survival `s` `[..., n - 1]` below the diagonal.
 *
 * @throws {ShapeError} where f has fewer than two elements, or s not one less.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.leslie(np.array([0, 4]), np.array([0.5])).toArray()); // [ [ 0, 4 ], [ 0.5, 0 ] ]
 * ```
 */
export function leslie(f: Operand, s: Operand): NDArray {
  if (arguments.length > 2) checkCall("leslie(f, s)", arguments);
  const [row, below] = [vectors("leslie", f, "f", 2), vectors("leslie", s, "s")];
  const n = row.shape.at(-1)!;
  if (below.shape.at(-1) !== n - 1) {
    throw new ShapeError(
      `leslie: s must have one element less than f, but f has shape ${
        formatShape(row.shape)
      } and s ${formatShape(below.shape)}`,
    );
  }
  const elements = withBits(behind(...alike("leslie", row, below)));
  return arranged(
    "leslie",
    elements,
    n,
    n,
    (i, j) => i === 0 ? j + 2 : i === j + 1 ? n + 2 + j : 0,
  );
}

/**
 * A matrix of the given ones along its diagonal, as `jax.scipy.linalg.block_diag`; vectors are rows, and
 * numbers matrices of one.
 *
 * @throws {ShapeError} where one has more than two axes.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const b = linalg.blockDiag(np.array([[1], [2]]), 3);
 * console.log(b.toArray()); // [ [ 1, 0 ], [ 2, 0 ], [ 0, 3 ] ]
 * ```
 */
export function blockDiag(...arrays: readonly Operand[]): NDArray {
  if (arrays.length === 0) return full([1, 0], 0, "float32");
  const blocks = arrays.map((x, k) => {
    const a = asOperand("blockDiag", x, `block ${k}`);
    if (a.ndim > 2) {
      throw new ShapeError(
        `blockDiag: block ${k} has shape ${formatShape(a.shape)}, but blocks are matrices`,
      );
    }
    return a.ndim === 2 ? a : reshape(a, [1, a.size]);
  });
  const width = blocks.reduce((sum, { shape }) => sum + shape[1]!, 0);
  let before = 0;
  const rows = blocks.map((block) => {
    const after = width - before - block.shape[1]!;
    const row = pad(block, scalarLike(0, block), [0, before], [0, after]);
    before += block.shape[1]!;
    return row;
  });
  return joined(rows, 0);
}
