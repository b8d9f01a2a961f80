/**
 * Complex numbers and matrices as pairs of real and imaginary parts, for rules and programs.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import type { Tangent } from "../core/primitive.ts";
import { abs, add, div, maximum, mul, neg, sub } from "../primitives/elementwise/arithmetic.ts";
import { scalarLike, zerosLike } from "../primitives/constants/full.ts";
import { eq, lt } from "../primitives/elementwise/compare.ts";
import { sqrt } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { matmul, transposed } from "./matrices.ts";

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
