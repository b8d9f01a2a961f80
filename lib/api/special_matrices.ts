/**
 * Matrices that only their size says, as `jax.scipy.linalg` has them. They are computed in double precision
 * and rounded once.
 *
 * @module
 */
import {
  allocate,
  ConcreteArray,
  describeValue,
  type DType,
  expectFloat,
  expectInteger,
  type NDArray,
  type OptionTable,
  readOptions,
  shaped,
  tableOf,
} from "../core/mod.ts";
import type { DTypeOptions } from "./arguments.ts";
import type { Complex } from "./complex.ts";
import { dtypeOption, expectRoom } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** The matrix of the given elements. */
function made(
  op: string,
  m: number,
  n: number,
  dtype: DType,
  f: (i: number, j: number) => number,
): NDArray {
  expectRoom(op, [m, n], dtype);
  const values = allocate(dtype, m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) values[i * n + j] = f(i, j);
  return ConcreteArray.fromHost(shaped([m, n], dtype), values);
}

/** The number of ways to choose k of n things. */
function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let out = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) out = out * (n - i + 1) / i;
  return Math.round(out);
}

/**
 * Hilbert's matrix, of `1 / (i + j + 1)`, as `jax.scipy.linalg.hilbert`.
 *
 * @throws {RangeError} where n is no integer, or negative.
 *
 * @example
 * ```ts
 * import { linalg } from "@injax/injax";
 *
 * console.log(linalg.hilbert(2, { dtype: "float64" }).mul(6).toArray()); // [ [ 6, 3 ], [ 3, 2 ] ]
 * ```
 */
export function hilbert(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("hilbert(n, options)", arguments, dtypeOptions);
  expectInteger("hilbert", n, "n", 0);
  const dtype = expectFloat("hilbert", options.dtype);
  return made("hilbert", n, n, dtype, (i, j) => 1 / (i + j + 1));
}

/**
 * The inverse of Hilbert's matrix, which is of integers, as `jax.scipy.linalg.invhilbert`.
 *
 * @throws {RangeError} where n is no integer, or negative.
 *
 * @example
 * ```ts
 * import { linalg } from "@injax/injax";
 *
 * console.log(linalg.invhilbert(2).toArray()); // [ [ 4, -6 ], [ -6, 12 ] ]
 * ```
 */
export function invhilbert(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("invhilbert(n, options)", arguments, dtypeOptions);
  }
  expectInteger("invhilbert", n, "n", 0);
  const dtype = expectFloat("invhilbert", options.dtype);
  return made("invhilbert", n, n, dtype, (i, j) => {
    const size = (i + j + 1) * choose(n + i, n - j - 1) * choose(n + j, n - i - 1) *
      choose(i + j, i) ** 2;
    return (i + j) % 2 === 0 ? size : -size;
  });
}

/**
 * Hadamard's matrix of Sylvester's kind, whose rows of 1 and -1 are orthogonal, as
 * `jax.scipy.linalg.hadamard`; int32 where no dtype is given.
 *
 * @throws {RangeError} where n is no power of 2.
 *
 * @example
 * ```ts
 * import { linalg } from "@injax/injax";
 *
 * console.log(linalg.hadamard(2).toArray()); // [ [ 1, 1 ], [ 1, -1 ] ]
 * ```
 */
export function hadamard(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("hadamard(n, options)", arguments, dtypeOptions);
  expectInteger("hadamard", n, "n", 1, 2 ** 30);
  if ((n & (n - 1)) !== 0) throw new RangeError(`hadamard: n is ${n}, but must be a power of 2`);
  const bits = (x: number): number => x === 0 ? 0 : (x & 1) + bits(x >> 1);
  const dtype = dtypeOption("hadamard", options, "int32");
  return made("hadamard", n, n, dtype, (i, j) => bits(i & j) % 2 === 0 ? 1 : -1);
}

/** Options of {@linkcode helmert}. */
export interface HelmertOptions extends DTypeOptions {
  /** Whether the first row, of equal elements, is there too. */
  readonly full?: boolean | undefined;
}

const helmertOptions: OptionTable<HelmertOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  full: "boolean",
});

/**
 * Helmert's matrix, whose n - 1 rows are orthonormal and have the sum 0, as `jax.scipy.linalg.helmert`.
 *
 * @throws {RangeError} where n is below 1.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(np.square(linalg.helmert(3, { dtype: "float64" })).mul(6).round().toArray());
 * // [ [ 3, 3, 0 ], [ 1, 1, 4 ] ]
 * ```
 */
export function helmert(n: number, options: HelmertOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("helmert(n, options)", arguments, helmertOptions);
  expectInteger("helmert", n, "n", 1);
  const first = options.full === true ? 0 : 1;
  return made("helmert", n - first, n, expectFloat("helmert", options.dtype), (row, j) => {
    const i = row + first;
    if (i === 0) return 1 / Math.sqrt(n);
    const size = 1 / Math.sqrt(i * (i + 1));
    return j < i ? size : j === i ? -i * size : 0;
  });
}

/** Options of {@linkcode pascal} and {@linkcode invpascal}. */
export interface PascalOptions extends DTypeOptions {
  /** The symmetric matrix, which is the product of the other two, or one of these. */
  readonly kind?: "symmetric" | "lower" | "upper" | undefined;
}

const pascalOptions: OptionTable<PascalOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  kind: "string",
});

/** The matrix of a kind: of `lower(i, j)`, its transpose, or `symmetric(i, j)`. */
function triangle(
  op: string,
  n: number,
  { kind = "symmetric", dtype }: PascalOptions,
  lower: (i: number, j: number) => number,
  symmetric: (i: number, j: number) => number,
): NDArray {
  expectInteger(op, n, "n", 0);
  const of = { symmetric, lower, upper: (i: number, j: number) => lower(j, i) };
  if (!Object.hasOwn(of, kind)) {
    throw new TypeError(
      `${op}: kind is ${describeValue(kind)}, but must be "symmetric", "lower" or "upper"`,
    );
  }
  return made(op, n, n, expectFloat(op, dtype), of[kind]);
}

/**
 * Pascal's matrix, of numbers of his triangle, as `jax.scipy.linalg.pascal`.
 *
 * @throws {RangeError} where n is no integer, or negative.
 *
 * @example
 * ```ts
 * import { linalg } from "@injax/injax";
 *
 * console.log(linalg.pascal(3).toArray()); // [ [ 1, 1, 1 ], [ 1, 2, 3 ], [ 1, 3, 6 ] ]
 * ```
 */
export function pascal(n: number, options: PascalOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("pascal(n, options)", arguments, pascalOptions);
  return triangle("pascal", n, options, choose, (i, j) => choose(i + j, i));
}

/**
 * The inverse of Pascal's matrix, which is of integers, as `jax.scipy.linalg.invpascal`.
 *
 * @throws {RangeError} where n is no integer, or negative.
 *
 * @example
 * ```ts
 * import { linalg } from "@injax/injax";
 *
 * console.log(linalg.invpascal(2).toArray()); // [ [ 2, -1 ], [ -1, 1 ] ]
 * ```
 */
export function invpascal(n: number, options: PascalOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("invpascal(n, options)", arguments, pascalOptions);
  }
  const lower = (i: number, j: number): number =>
    (i + j) % 2 === 0 ? choose(i, j) : 0 - choose(i, j);
  return triangle("invpascal", n, options, lower, (i, j) => {
    let sum = 0;
    for (let k = Math.max(i, j); k < n; k++) sum += lower(k, i) * lower(k, j);
    return sum;
  });
}

/** Options of {@linkcode dft}. */
export interface DftOptions extends DTypeOptions {
  /** What elements are divided by: nothing, the root of n, or n. */
  readonly scale?: "sqrtn" | "n" | null | undefined;
}

const dftOptions: OptionTable<DftOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  scale: "string",
});

/**
 * The matrix of the discrete Fourier transform, of `exp(-2 pi i j k / n)`, as `jax.scipy.linalg.dft`: a pair
 * of real and imaginary parts. To transform, take `fft`, which is faster.
 *
 * @throws {RangeError} where n is no integer, or negative.
 *
 * @example
 * ```ts
 * import { linalg } from "@injax/injax";
 *
 * console.log(linalg.dft(2).re.toArray()); // [ [ 1, 1 ], [ 1, -1 ] ]
 * ```
 */
export function dft(n: number, options: DftOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("dft(n, options)", arguments, dftOptions);
  expectInteger("dft", n, "n", 0);
  const { scale = null } = options;
  if (scale !== null && scale !== "sqrtn" && scale !== "n") {
    throw new TypeError(
      `dft: scale is ${describeValue(scale)}, but must be "sqrtn" or "n", or null`,
    );
  }
  const by = scale === null ? 1 : scale === "n" ? n : Math.sqrt(n);
  const dtype = expectFloat("dft", options.dtype);
  const at = (i: number, j: number): number => (i * j) % n;
  // Of quarter turns, sines and cosines are exact.
  const cosine = (k: number): number => {
    const quarter = 4 * k / n;
    return Number.isInteger(quarter) ? [1, 0, -1, 0][quarter]! : Math.cos(2 * Math.PI * k / n);
  };
  const sine = (k: number): number => {
    const quarter = 4 * k / n;
    return Number.isInteger(quarter) ? [0, 1, 0, -1][quarter]! : Math.sin(2 * Math.PI * k / n);
  };
  return {
    re: made("dft", n, n, dtype, (i, j) => cosine(at(i, j)) / by),
    im: made("dft", n, n, dtype, (i, j) => 0 - sine(at(i, j)) / by),
  };
}
