/**
 * Eigenvalues of matrices that are not symmetric, and the forms by which they are found.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { describeValue } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import * as ei from "../linalg/eig.ts";
import * as he from "../linalg/hessenberg.ts";
import * as sc from "../linalg/schur.ts";
import type { Complex } from "./complex.ts";
import { squares } from "./matrices.ts";

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
  if (arguments.length > 1) checkCall("hessenberg(a, options)", arguments, hessenbergOptions);
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
  if (arguments.length > 1) checkCall("schur(a, options)", arguments, schurOptions);
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
