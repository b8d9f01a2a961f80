/**
 * Eigenvalues of matrices that are not symmetric, and the forms by which they are found.
 *
 * Equations with matrices on both sides and functions of matrices, by Schur forms.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import { steps } from "../linalg/decomposition.ts";
import * as ei from "../linalg/eig.ts";
import * as he from "../linalg/hessenberg.ts";
import {
  adjoint,
  both,
  columnNumbers,
  complexMatmul,
  diagonalOf,
  difference,
  type Pair,
  parts,
  product,
  quotient,
  realPair,
  rowNumbers,
  sum,
  upperPart,
} from "../linalg/matrices.ts";
import { matrixRoot } from "../linalg/matrix_functions.ts";
import * as sc from "../linalg/schur.ts";
import { complexSchur } from "../linalg/schur.ts";
import { constantForm, sylvester } from "../linalg/sylvester.ts";
import {
  add,
  and,
  broadcastTo,
  convert,
  eq,
  expandDims,
  lt,
  reduceOr,
  scalarLike,
  select,
  sub,
} from "../primitives/mod.ts";
import { hypot } from "./arithmetic.ts";
import { asComplex, type Complex } from "./complex.ts";
import { matrices, squares } from "./matrices.ts";
import { promote } from "./operands.ts";

// ---------------------------------------------------------------- Hessenberg

/** Options of {@linkcode hessenberg}. */
export interface HessenbergOptions {
  /** Whether Q is given too; it is not where left out. */
  readonly calcQ?: boolean | undefined;
}

const hessenbergOptions: OptionTable<HessenbergOptions> = { calcQ: "boolean" };

/** What {@linkcode hessenberg} gives with `calcQ`: `a = q h q^T`. */
export interface HessenbergResult {
  /** 0 below the diagonal under the main one. */
  readonly h: NDArray;
  /** Orthogonal. */
  readonly q: NDArray;
}

/**
 * Hessenberg forms of matrices `[..., n, n]`, by reflections, as `jax.scipy.linalg.hessenberg`: the matrix h
 * of `a = q h q^T` with orthogonal q, which has nothing below the diagonal under the main one. Signs are
 * those of LAPACK. It has no derivative.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const h = linalg.hessenberg(np.array([[1, 2, 3], [3, 1, 2], [4, 2, 1]]));
 * console.log(np.round(h.mul(100)).toArray());
 * // [ [ 100, -360, 20 ], [ -500, 292, 56 ], [ 0, 56, -92 ] ]
 * ```
 */
export function hessenberg(
  a: NDArray,
  options: HessenbergOptions & { readonly calcQ: true },
): HessenbergResult;
/** The Hessenberg matrices alone. */
export function hessenberg(a: NDArray, options?: HessenbergOptions): NDArray;
export function hessenberg(
  a: NDArray,
  options: HessenbergOptions = {},
): NDArray | HessenbergResult {
  if (arguments.length > 1) {
    options = readOptions("hessenberg(a, options)", arguments, hessenbergOptions);
  }
  const x = squares("hessenberg", a);
  return options.calcQ === true ? he.hessenberg(x) : he.hessenbergAlone(x);
}

// ---------------------------------------------------------------- Schur

/** Options of {@linkcode schur}. */
export interface SchurOptions {
  /** `"real"`, the default, or `"complex"`, for a triangular matrix with complex elements. */
  readonly output?: "real" | "complex" | undefined;
}

const schurOptions: OptionTable<SchurOptions> = { output: "string" };

/** What {@linkcode schur} gives: `a = z t z^T`. */
export interface SchurResult {
  /** Upper triangular but for blocks of two rows, of which each has two conjugate eigenvalues. */
  readonly t: NDArray;
  /** Orthogonal. */
  readonly z: NDArray;
}

/** What {@linkcode schur} gives with complex output: `a = z t z^H`. */
export interface ComplexSchurResult {
  /** Upper triangular, with the eigenvalues on the diagonal. */
  readonly t: Complex;
  /** Unitary. */
  readonly z: Complex;
}

/**
 * Schur forms `a = z t z^T` of real matrices `[..., n, n]`, as `jax.scipy.linalg.schur`: by reflections and
 * sweeps with two shifts (Francis 1961). Blocks of two rows have equal elements on the diagonal. The order of
 * the eigenvalues is the one in which they are found. NaN or infinities give NaN.
 *
 * It has no derivative, as in JAX: where eigenvalues are equal, the vectors turn without bound.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { t, z } = linalg.schur(np.array([[1, -2], [2, 1]]));
 * console.log(t.toArray(), z.toArray()); // [ [ 1, -2 ], [ 2, 1 ] ] [ [ 1, 0 ], [ 0, 1 ] ]
 * const { t: u } = linalg.schur(np.array([[1, -2], [2, 1]]), { output: "complex" });
 * console.log(np.diagonal(u.re).toArray(), np.diagonal(u.im).toArray()); // [ 1, 1 ] [ 2, -2 ]
 * ```
 */
export function schur(
  a: NDArray,
  options: SchurOptions & { readonly output: "complex" },
): ComplexSchurResult;
/** The real form. */
export function schur(a: NDArray, options?: SchurOptions): SchurResult;
export function schur(
  a: NDArray,
  options: SchurOptions = {},
): SchurResult | ComplexSchurResult {
  if (arguments.length > 1) options = readOptions("schur(a, options)", arguments, schurOptions);
  const { output = "real" } = options;
  if (output !== "real" && output !== "complex") {
    throw new TypeError(
      `schur: output is ${describeValue(output)}, but must be "real" or "complex"`,
    );
  }
  const x = squares("schur", a);
  const { t, q } = output === "real" ? sc.schur(x) : sc.complexSchur(x);
  return { t, z: q } as SchurResult | ComplexSchurResult;
}

// ---------------------------------------------------------------- eigenvalues

/** What {@linkcode eig} gives. */
export interface EigResult {
  /** `[..., n]`, in the order in which they are found. */
  readonly eigenvalues: Complex;
  /** As columns, `[..., n, n]`. */
  readonly eigenvectors: Complex;
}

/**
 * Eigenvalues and eigenvectors of real matrices `[..., n, n]`, as `jax.numpy.linalg.eig`, as real and
 * imaginary parts. Vectors have length 1; of each, the first element of about the largest size is real and
 * above 0. Of a conjugate pair, the eigenvalue with the larger imaginary part comes first. NaN or infinities
 * give NaN. Symmetric matrices have orthogonal vectors: take `eigh`.
 *
 * Derivatives are those with the vectors so normalised. Where eigenvalues are equal within rounding, how their
 * vectors turn into one another is left out, as by `eigh`; where they have fewer vectors than there are of
 * them, nothing has a derivative, and infinities or NaN come out.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { eigenvalues, eigenvectors } = linalg.eig(np.array([[0, 4], [-1, 0]]));
 * console.log(eigenvalues.re.toArray(), eigenvalues.im.toArray()); // [ 0, 0 ] [ 2, -2 ]
 * console.log(np.round(eigenvectors.im.mul(100)).toArray()); // [ [ 0, 0 ], [ 45, -45 ] ]
 * ```
 */
export function eig(a: NDArray): EigResult {
  if (arguments.length > 1) checkCall("eig(a)", arguments);
  const { w, v } = ei.eig(squares("eig", a));
  return { eigenvalues: w, eigenvectors: v };
}

/**
 * Eigenvalues of real matrices `[..., n, n]`, as `jax.numpy.linalg.eigvals`, as real and imaginary parts, in
 * the order in which they are found. The matrix is balanced first. Of symmetric matrices take `eigvalsh`.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { grad, linalg, type NDArray, numpy as np } from "@injax/injax";
 *
 * const { re, im } = linalg.eigvals(np.array([[1, -2], [2, 1]]));
 * console.log(re.toArray(), im.toArray()); // [ 1, 1 ] [ 2, -2 ]
 * const growth = (a: NDArray) => np.max(linalg.eigvals(a).re);
 * console.log(grad(growth)(np.array([[3, 1], [0, 2]])).toArray()); // [ [ 1, 0 ], [ 1, 0 ] ]
 * ```
 */
export function eigvals(a: NDArray): Complex {
  if (arguments.length > 1) checkCall("eigvals(a)", arguments);
  return ei.generalEigenvalues(squares("eigvals", a));
}

/** Options of {@linkcode solveSylvester}. */
export interface SylvesterOptions {
  /** Sums of an eigenvalue of a and one of b that are smaller than this make the solution NaN; 1e-8. */
  readonly tol?: number | undefined;
}

const sylvesterOptions: OptionTable<SylvesterOptions> = { tol: "number" };

/**
 * The solutions X of Sylvester's equation `a X + X b = c`, as `jax.scipy.linalg.solve_sylvester`, by Schur
 * forms: a `[..., m, m]`, b `[..., n, n]`, c `[..., m, n]`. NaN where an eigenvalue of a and one of b have a sum
 * of about 0, so that there is no solution or more than one.
 *
 * @throws {ShapeError} where the shapes do not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const x = linalg.solveSylvester(np.array([[1, 1], [0, 2]]), np.array([[3]]), np.array([[6], [5]]));
 * console.log(x.toArray()); // [ [ 1.25 ], [ 1 ] ]
 * ```
 */
export function solveSylvester(
  a: NDArray,
  b: NDArray,
  c: NDArray,
  options: SylvesterOptions = {},
): NDArray {
  const op = "solveSylvester";
  if (arguments.length > 3) {
    options = readOptions("solveSylvester(a, b, c, options)", arguments, sylvesterOptions);
  }
  const { tol = 1e-8 } = options;
  let [x, y] = promote(op, squares(op, a), squares(op, b));
  let side = matrices(op, c, "c");
  [x, side] = promote(op, x, side);
  [x, y] = promote(op, x, y);
  const [m, n] = [x.shape.at(-1)!, y.shape.at(-1)!];
  if (side.shape.at(-2) !== m || side.shape.at(-1) !== n) {
    throw new ShapeError(
      `${op}: a of shape ${formatShape(x.shape)} and b of shape ${
        formatShape(y.shape)
      } take c of shape [..., ${m}, ${n}], but its shape is ${formatShape(side.shape)}`,
    );
  }
  const lead = [x, y, side].map((z) => z.shape.slice(0, -2))
    .reduce((u, v) => broadcastShapes(op, u, v));
  const [p, q, r] = [x, y, side].map((z) => broadcastTo(z, [...lead, ...z.shape.slice(-2)])) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  const [formP, formQ] = [constantForm(p), constantForm(q)];
  const { re } = sylvester(realPair(p), realPair(q), formP, formQ, realPair(r));
  const sumOf = (part: "re" | "im"): NDArray =>
    add(
      expandDims(diagonalOf(formP.t[part]), [lead.length + 1]),
      expandDims(diagonalOf(formQ.t[part]), [lead.length]),
    );
  const sizes = hypot(sumOf("re"), sumOf("im"));
  const axes = [lead.length, lead.length + 1];
  const isSingular = expandDims(reduceOr(lt(sizes, scalarLike(tol, sizes)), axes), axes);
  return select(isSingular, scalarLike(NaN, re), re);
}

/**
 * Principal square roots of real matrices `[..., n, n]`, as `jax.scipy.linalg.sqrtm`, by Schur forms: real and
 * imaginary parts of X with `X X = a` whose eigenvalues do not have real parts below 0. Where no eigenvalue
 * of the matrix is a number below 0, the root is real, and `im` is 0. A matrix whose eigenvalue 0 has fewer
 * vectors than it counts may have no root, and gives infinities or NaN.
 *
 * Derivatives of all orders are solutions of Sylvester equations.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.sqrtm(np.array([[4, 5], [0, 9]])).re.toArray()); // [ [ 2, 1 ], [ 0, 3 ] ]
 * console.log(linalg.sqrtm(np.array([[-4]])).im.toArray()); // [ [ 2 ] ]
 * ```
 */
export function sqrtm(a: NDArray): Complex {
  if (arguments.length > 1) checkCall("sqrtm(a)", arguments);
  return matrixRoot(squares("sqrtm", a));
}

/**
 * Functions of real matrices `[..., n, n]`, as `jax.scipy.linalg.funm`: `f` takes the eigenvalues, real and
 * imaginary parts `[..., n]`, to those of its values. By the Schur form and Parlett's recurrence, which loses
 * digits where eigenvalues are close and not equal, and is not right where equal ones have fewer vectors than
 * there are of them: take `expm`, `sqrtm` and `matrixPower` where they do. It has no derivative.
 *
 * @throws {ShapeError} where a matrix is not square.
 * @throws {TypeError} where `f` is no function, or does not give parts of the shape of the eigenvalues.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const cube = linalg.funm(np.array([[1, 1], [0, 2]]), ({ re, im }) => ({
 *   re: re.mul(re.square().sub(im.square().mul(3))),
 *   im: im.mul(re.square().mul(3).sub(im.square())),
 * }));
 * console.log(cube.re.toArray()); // [ [ 1, 7 ], [ 0, 8 ] ]
 * ```
 */
export function funm(a: NDArray, f: (eigenvalues: Complex) => Complex): Complex {
  const op = "funm";
  if (arguments.length > 2) checkCall("funm(a, f)", arguments);
  const x = squares(op, a);
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f is ${describeValue(f)}, but must be a function`);
  }
  const { t, q } = complexSchur(x);
  const main = both(diagonalOf, t);
  const values = asComplex(op, f(main));
  if (!sameShape(values.re.shape, main.re.shape)) {
    throw new ShapeError(
      `${op}: f gave values of shape ${formatShape(values.re.shape)} for eigenvalues of shape ${
        formatShape(main.re.shape)
      }, but must give one for each`,
    );
  }
  const n = x.shape.at(-1)!;
  const down = (y: Pair): Pair => both((z) => expandDims(z, [z.ndim]), y);
  const across = (y: Pair): Pair => both((z) => expandDims(z, [z.ndim - 1]), y);
  const isMain = eq(rowNumbers(n), columnNumbers(n));
  const zero = scalarLike(0, x);
  const start = both(
    (z) => select(isMain, expandDims(convert(z, x.dtype), [z.ndim]), zero),
    values,
  );
  const ends = product(t, difference(across(values), down(values)));
  const gaps = difference(across(main), down(main));
  const isEqual = and(eq(gaps.re, zero), eq(gaps.im, zero));
  const divisor = {
    re: select(isEqual, scalarLike(1, x), gaps.re),
    im: select(isEqual, zero, gaps.im),
  };
  const strict = both((z) => upperPart(z, 1), t);
  const number = sub(columnNumbers(n), rowNumbers(n));
  // f T = T f: what is known of f are the diagonals up to the i-th.
  const { carry } = steps(Math.max(0, n - 1), parts(start), (i, [re, im]) => {
    const own = { re: re!, im: im! };
    const beside = both((z) => upperPart(z, 1), own);
    const inner = difference(complexMatmul(strict, beside), complexMatmul(beside, strict));
    const next = quotient(sum(ends, inner), divisor);
    const isNext = eq(number, add(i, scalarLike(1, i)));
    return { carry: [select(isNext, next.re, own.re), select(isNext, next.im, own.im)] };
  });
  return complexMatmul(complexMatmul(q, { re: carry[0]!, im: carry[1]! }), adjoint(q));
}
