/**
 * Polynomials as vectors of coefficients, the highest power first.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  ConcreteArray,
  ConcretizationError,
  describeValue,
  epsilon,
  expectInteger,
  formatAval,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import { generalEigenvalues } from "../linalg/eig.ts";
import {
  abs,
  add as addOf,
  and,
  broadcastTo,
  concatenate,
  convert,
  div,
  eq,
  full,
  gather,
  ge,
  iota,
  lt,
  mul,
  ne,
  neg,
  onesLike,
  pad,
  reduceMin,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sort,
  sqrt,
  sub as subOf,
  transpose,
} from "../primitives/mod.ts";
import type { Complex } from "./complex.ts";
import { matmul } from "./matrices.ts";
import { trimZeros } from "./nonzero.ts";
import { asFloat, asOperand, expectArray, expectRoom, isNamed, promote } from "./operands.ts";
import { convolve } from "./signals.ts";
import { inv, lstsq } from "./systems.ts";
import { vander } from "./vector_products.ts";

/** Coefficients along the first axis, of one polynomial or of several. */
function coefficientsOfAll(op: string, p: Operand, what = "p"): NDArray {
  const a = asOperand(op, p, what);
  return a.ndim === 0 ? reshape(a, [1]) : a;
}

/** Coefficients, which are a vector. */
function coefficients(op: string, p: Operand, what = "p"): NDArray {
  const a = coefficientsOfAll(op, p, what);
  if (a.ndim === 1) return a;
  throw new ShapeError(`${op}: ${what} has shape ${formatShape(a.shape)}, but must be a vector`);
}

/**
 * Values of polynomials at `x` by Horner's scheme, as `jax.numpy.polyval`: `p` [n], the highest power
 * first, or [n, ...] with the coefficients of several, which broadcast against `x`.
 *
 * @throws {ShapeError} where they do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.polyval(np.array([1, 0, -1]), np.array([2, 3])).toArray()); // [ 3, 8 ]
 * ```
 */
export function polyval(p: NDArray, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("polyval(p, x)", arguments);
  const op = "polyval";
  const [c, a] = promote(op, coefficientsOfAll(op, p), x, undefined, ["p", "x"]);
  const [n, ...of] = c.shape as [number, ...number[]];
  const shape = broadcastShapes(op, of, a.shape);
  const coefficient = (i: number): NDArray =>
    broadcastTo(reshape(slice(c, [i, ...of.map(() => 0)], [i + 1, ...of]), of), shape);
  if (n === 0) return full(shape, 0, a.dtype);
  const at = broadcastTo(a, shape);
  let out = coefficient(0);
  for (let i = 1; i < n; i++) out = addOf(mul(out, at), coefficient(i));
  return out;
}

/** Polynomials of one length, with zeros in front of the shorter one, and of one shape. */
function aligned(op: string, p: Operand, q: Operand): [NDArray, NDArray] {
  const [a, b] = promote(op, coefficientsOfAll(op, p), coefficientsOfAll(op, q, "q"));
  if (a.ndim !== b.ndim) {
    throw new ShapeError(
      `${op}: p and q must have as many axes, the first with the coefficients, but have shapes ${
        formatShape(a.shape)
      } and ${formatShape(b.shape)}`,
    );
  }
  const n = Math.max(a.shape[0]!, b.shape[0]!);
  const shape = [n, ...broadcastShapes(op, a.shape.slice(1), b.shape.slice(1))];
  const none = a.shape.slice(1).map(() => 0);
  const to = (x: NDArray): NDArray =>
    broadcastTo(pad(x, scalarLike(0, x), [n - x.shape[0]!, ...none], [0, ...none]), shape);
  return [to(a), to(b)];
}

/**
 * Sum of two polynomials, as `jax.numpy.polyadd`. With more axes, the first has the coefficients, and the
 * others broadcast.
 *
 * @throws {ShapeError} where they do not broadcast, or one has more axes.
 */
export function polyadd(p: Operand, q: Operand): NDArray {
  if (arguments.length > 2) checkCall("polyadd(p, q)", arguments);
  return addOf(...aligned("polyadd", p, q));
}

/** Difference of two polynomials, as `jax.numpy.polysub`: of several as {@linkcode polyadd}. */
export function polysub(p: Operand, q: Operand): NDArray {
  if (arguments.length > 2) checkCall("polysub(p, q)", arguments);
  return subOf(...aligned("polysub", p, q));
}

/** Options of {@linkcode polymul} and {@linkcode polydiv}. */
export interface TrimOptions {
  /** Whether zeros in front are left out, of factors or of the remainder: not in compiled code. */
  readonly trimLeadingZeros?: boolean | undefined;
}

const trimOptions: OptionTable<TrimOptions> = { trimLeadingZeros: "boolean" };

/**
 * Product of two polynomials, as `jax.numpy.polymul`. One without coefficients is 0.
 *
 * @throws {ShapeError} where one is not a vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.polymul(np.array([1, 1]), np.array([1, -1])).toArray()); // [ 1, 0, -1 ]
 * ```
 */
export function polymul(p: Operand, q: Operand, options: TrimOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("polymul(p, q, options)", arguments, trimOptions);
  const [a, b] = promote("polymul", coefficients("polymul", p), coefficients("polymul", q, "q"));
  const some = (c: NDArray): NDArray => c.size === 0 ? broadcastTo(scalarLike(0, c), [1]) : c;
  if (!options.trimLeadingZeros || (a.size <= 1 && b.size <= 1)) return convolve(some(a), some(b));
  return convolve(some(trimZeros(a, "f")), some(trimZeros(b, "f")));
}

/**
 * Quotient and remainder of two polynomials, as `jax.numpy.polydiv`: as floats, leading zeros kept.
 *
 * @throws {ShapeError} where one is not a vector, or is empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [quotient] = np.polydiv(np.array([1, 0, -1]), np.array([1, 1]));
 * console.log(quotient.toArray()); // [ 1, -1 ]
 * ```
 */
export function polydiv(
  p: Operand,
  q: Operand,
  options: TrimOptions = {},
): [quotient: NDArray, remainder: NDArray] {
  if (arguments.length > 2) options = readOptions("polydiv(p, q, options)", arguments, trimOptions);
  const trimmed = (c: NDArray): NDArray => {
    if (!options.trimLeadingZeros) return c;
    // As NumPy: what is below the root of the machine epsilon is 0.
    const small = lt(abs(c), scalarLike(Math.sqrt(epsilon(c.dtype)), c));
    const left = trimZeros(select(small, scalarLike(0, c), c), "f").size;
    return slice(c, [c.size - left], [c.size]);
  };
  const op = "polydiv";
  const [a, b] = promote(
    op,
    asFloat(op, coefficients(op, p)),
    asFloat(op, coefficients(op, q, "q")),
  );
  if (b.size === 0) throw new ShapeError(`${op}: q has no coefficients to divide by`);
  const [m, n] = [a.size, b.size];
  if (m < n) return [broadcastTo(scalarLike(0, a), [1]), trimmed(a)];
  const lead = slice(b, [0], [1]);
  const factors: NDArray[] = [];
  let rest = a;
  for (let i = 0; i + n <= m; i++) {
    const factor = div(slice(rest, [i], [i + 1]), lead);
    factors.push(factor);
    const product = mul(b, factor);
    rest = subOf(rest, pad(product, scalarLike(0, product), [i], [m - n - i]));
  }
  return [concatenate(factors, 0), trimmed(rest)];
}

/**
 * Coefficients of the derivative of order `m`, as `jax.numpy.polyder`.
 *
 * @throws {RangeError} where `m` is negative.
 */
export function polyder(p: Operand, m: number | Named<unknown, { m: number }> = 1): NDArray {
  if (arguments.length > 2 || isNamed(m)) checkCall("polyder(p, m)", arguments, {}, 1);
  if (isNamed(m)) return polyder(p, m.m);
  expectInteger("polyder", m, "m", 0);
  let c = asFloat("polyder", coefficients("polyder", p));
  for (let k = 0; k < m && c.size > 0; k++) {
    const n = c.size - 1;
    const powers = subOf(scalarLike(n, c), iota([n], 0, c.dtype));
    c = mul(slice(c, [0], [n]), powers);
  }
  return c;
}

/** How often a polynomial can be integrated: n! is beyond every number long before. */
const MOST_INTEGRALS = 1000;

/**
 * Coefficients of the integral of order `m`, as `jax.numpy.polyint`: `k` are the constants of
 * integration, one for all, or [m].
 *
 * @throws {RangeError} where `m` is negative, or above 1000.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.polyint(np.array([2, 1]), 1, 3).toArray()); // [ 1, 1, 3 ]
 * ```
 */
export function polyint(
  p: Operand,
  m: number | Named<unknown, { m: number; k: Operand | null }> = 1,
  k: Operand | null | Named<unknown, { k: Operand | null }> = null,
): NDArray {
  if (arguments.length > 3 || isNamed(m) || isNamed(k)) {
    checkCall("polyint(p, m, k)", arguments, {}, 1);
  }
  if (isNamed(m)) return polyint(p, m.m, m.k);
  if (isNamed(k)) return polyint(p, m, k.k);
  expectInteger("polyint", m, "m", 0, MOST_INTEGRALS);
  const [start, constants] = promote(
    "polyint",
    asFloat("polyint", coefficients("polyint", p)),
    asFloat("polyint", k ?? 0, "k"),
  );
  if (constants.ndim > 1 || (constants.ndim === 1 && ![1, m].includes(constants.size))) {
    throw new ShapeError(
      `polyint: there are ${m} constants of integration, but k has shape ${
        formatShape(constants.shape)
      }`,
    );
  }
  let c = start;
  for (let i = 0; i < m; i++) {
    const n = c.size;
    const powers = subOf(scalarLike(n, c), iota([n], 0, c.dtype));
    const constant = constants.size === 1
      ? reshape(constants, [1])
      : slice(constants, [i], [i + 1]);
    c = concatenate([div(c, powers), constant], 0);
  }
  return c;
}

/**
 * The polynomial with given roots and the leading coefficient 1, as `jax.numpy.poly` of a vector.
 *
 * @throws {ShapeError} where `roots` are not a vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.poly(np.array([1, 2])).toArray()); // [ 1, -3, 2 ]
 * ```
 */
export function poly(roots: NDArray): NDArray {
  if (arguments.length > 1) checkCall("poly(roots)", arguments);
  const r = asFloat("poly", expectArray("poly", roots, "roots"), "roots");
  if (r.ndim !== 1) {
    throw new ShapeError(
      `poly: roots have shape ${formatShape(r.shape)}, but must be a vector. ` +
        "Give the eigenvalues of a matrix",
    );
  }
  let out = full([1], 1, r.dtype);
  for (let i = 0; i < r.size; i++) {
    const root = slice(r, [i], [i + 1]);
    out = convolve(out, concatenate([onesLike(root), neg(root)], 0));
  }
  return out;
}

/** Options of {@linkcode polyfit}. */
export interface PolyfitOptions {
  /** Weights of the residuals, not of their squares: [n]. */
  readonly w?: NDArray | null | undefined;
  /** Singular values below this share of the largest one count as 0; `n` machine epsilons where left out. */
  readonly rcond?: number | undefined;
  /** Whether to give residuals, the rank, singular values and `rcond` too. */
  readonly full?: boolean | undefined;
  /**
   * Whether to give the covariance of the coefficients too, scaled by the residuals, or, with `"unscaled"`,
   * for weights that are the inverse of the standard deviations.
   */
  readonly cov?: boolean | "unscaled" | undefined;
}

const polyfitOptions: OptionTable<PolyfitOptions> = {
  w: "operand",
  rcond: "tolerance",
  full: "boolean",
  cov: "object",
};

/**
 * The polynomial of a degree that fits points best in the sense of least squares, as `jax.numpy.polyfit`:
 * `x` [n], `y` [n] or [n, k]; [degree + 1] or [degree + 1, k].
 *
 * @throws {RangeError} where the degree is negative.
 * @throws {ShapeError} where `x` and `y` differ in length.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([0, 1, 2, 3], { dtype: "float64" });
 * const fit = np.polyfit(x, x.mul(2).add(1), 1);
 * console.log(np.round(fit, 9).toArray()); // [ 2, 1 ]
 * ```
 */
export function polyfit(
  x: NDArray,
  y: NDArray,
  degree: number,
  options?: PolyfitOptions & {
    readonly full?: false | undefined;
    readonly cov?: false | undefined;
  },
): NDArray;
/** Coefficients, residuals, rank, singular values and `rcond` with `full`; coefficients and covariance. */
export function polyfit(
  x: NDArray,
  y: NDArray,
  degree: number,
  options: PolyfitOptions,
): [coefficients: NDArray, ...more: NDArray[]];
export function polyfit(
  x: NDArray,
  y: NDArray,
  degree: number,
  options: PolyfitOptions = {},
): NDArray | NDArray[] {
  if (arguments.length > 3) {
    options = readOptions("polyfit(x, y, degree, options)", arguments, polyfitOptions);
  }
  const op = "polyfit";
  expectInteger(op, degree, "the degree", 0);
  const [a, b] = promote(
    op,
    asFloat(op, expectArray(op, x)),
    asFloat(op, expectArray(op, y, "y"), "y"),
  );
  const n = a.size;
  if (a.ndim !== 1 || n === 0 || b.ndim < 1 || b.ndim > 2 || b.shape[0] !== n) {
    throw new ShapeError(
      `${op}: x must be a vector [n] that is not empty, and y [n] or [n, k], but they have shapes ${
        formatShape(a.shape)
      } and ${formatShape(b.shape)}`,
    );
  }
  expectRoom(op, [n, degree + 1], a.dtype);
  let lhs = vander(a, degree + 1);
  let rhs = b;
  if (options.w !== undefined) {
    const w = asFloat(op, options.w, "w");
    if (w.ndim !== 1 || w.size !== n) {
      throw new ShapeError(`${op}: w has shape ${formatShape(w.shape)}, but there are ${n} points`);
    }
    const column = reshape(w, [n, 1]);
    lhs = mul(lhs, column);
    rhs = mul(rhs, rhs.ndim === 1 ? w : column);
  }
  // Columns of one length, so that no power is lost beside another.
  const scale = sqrt(reduceSum(mul(lhs, lhs), [0]));
  const { rcond = n * epsilon(lhs.dtype), full = false, cov = false } = options;
  if (typeof cov !== "boolean" && cov !== "unscaled") {
    throw new TypeError(`${op}: cov must be true, false or "unscaled", not ${describeValue(cov)}`);
  }
  const scaled = div(lhs, scale);
  const { x: fit, residuals, rank, s } = lstsq(scaled, rhs, { rcond });
  const terms = degree + 1;
  const found = div(fit, rhs.ndim === 1 ? scale : reshape(scale, [terms, 1]));
  if (full) return [found, residuals, rank, s, scalarLike(rcond, scale)];
  if (!cov) return found;
  if (cov !== "unscaled" && n <= terms) {
    throw new ShapeError(
      `${op}: a scaled covariance of ${terms} coefficients needs more than the ${n} points`,
    );
  }
  const inverse = inv(matmul(transpose(scaled, [1, 0]), scaled));
  const base = div(div(inverse, reshape(scale, [terms, 1])), scale);
  if (cov === "unscaled") return [found, rhs.ndim === 1 ? base : reshape(base, [terms, terms, 1])];
  const factor = div(residuals, scalarLike(n - terms, residuals));
  return [found, mul(rhs.ndim === 1 ? base : reshape(base, [terms, terms, 1]), factor)];
}

/** Options of {@linkcode roots}. */
export interface RootsOptions {
  /**
   * Whether zeros in front are dropped, as they are where left out, which asks for known values. With `false`
   * there are always n - 1 roots, those that do not exist NaN.
   */
  readonly stripZeros?: boolean | undefined;
}

const rootsOptions: OptionTable<RootsOptions> = { stripZeros: "boolean" };

/**
 * The roots of a polynomial with coefficients `p` [n], the highest power first, as `jax.numpy.roots`: real and
 * imaginary parts of the eigenvalues of its companion matrix.
 *
 * @throws {ShapeError} where `p` is not a vector.
 * @throws {ConcretizationError} where its values are not known and `stripZeros` is not `false`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const { re, im } = np.roots(np.array([1, 0, 4]));
 * console.log(re.toArray(), im.toArray()); // [ 0, 0 ] [ 2, -2 ]
 * ```
 */
export function roots(p: Operand, options: RootsOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("roots(p, options)", arguments, rootsOptions);
  const c = asFloat("roots", coefficients("roots", p));
  const n = c.size;
  if (n < 2) return rootsOf(c);
  const zero = scalarLike(0, c);
  const numbers = iota([n], 0, "int32");
  const filled = select(ne(c, zero), numbers, full([], n, "int32"));
  const leading = reduceMin(filled, [0]);
  if (options.stripZeros !== false) {
    if (!(leading instanceof ConcreteArray)) {
      throw new ConcretizationError(
        `roots: how many zeros the traced ${
          formatAval(c.aval)
        } begins with is not known here, and so how many roots there are is not. With ` +
          "{ stripZeros: false } there are always n - 1, of which those that do not exist are NaN",
      );
    }
    return rootsOf(slice(c, [Number(leading.item())], [n]));
  }
  // Zeros in front are moved to the end, where each gives a root of 0.
  const own = select(eq(leading, full([], n, "int32")), onesLike(c), c);
  const places = addOf(numbers, leading);
  const beyond = scalarLike(n, places);
  const turned = select(ge(places, beyond), subOf(places, beyond), places);
  const { re, im } = rootsOf(gather(own, reshape(turned, [n, 1])));
  const order = sort(convert(and(eq(re, zero), eq(im, zero)), "int32"), 0)[1];
  const positions = iota([n - 1], 0, "int32");
  const there = lt(addOf(positions, leading), scalarLike(n - 1, positions));
  const of = (x: NDArray): NDArray =>
    select(there, gather(x, reshape(order, [n - 1, 1])), scalarLike(NaN, x));
  return { re: of(re), im: of(im) };
}

/** The eigenvalues of the companion matrix. */
function rootsOf(c: NDArray): Complex {
  const n = c.size - 1;
  if (n < 1) {
    const none = slice(c, [c.size], [c.size]);
    return { re: none, im: none };
  }
  const first = neg(div(slice(c, [1], [n + 1]), slice(c, [0], [1])));
  const below = convert(
    eq(iota([n, n], 0, "int32"), addOf(iota([n, n], 1, "int32"), full([], 1, "int32"))),
    c.dtype,
  );
  const isFirst = eq(iota([n, n], 0, "int32"), full([], 0, "int32"));
  return generalEigenvalues(select(isFirst, broadcastTo(first, [n, n]), below));
}
