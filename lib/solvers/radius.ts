/**
 * An estimate of the spectral radius of a map's derivative.
 *
 * @module
 */
import { type NDArray, scalarArray } from "../core/mod.ts";
import { identity } from "../linalg/matrices.ts";
import { div, dotGeneral, iota, reshape, select } from "../primitives/mod.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Evaluation } from "./method.ts";
import { norm } from "./norms.ts";

/**
 * The spectral radius of `J = I + dr/dx` at a point [n]. Of few unknowns it is the limit of `|J^m|^(1 / m)`, by
 * squaring (Gelfand); of many, what products with a vector lengthen it by in the geometric mean, which comes from
 * below and slowly where eigenvalues are close.
 */
export function radiusOf(
  evaluate: (x: NDArray) => Evaluation,
  x: NDArray,
  transforms: Transforms,
): NDArray {
  const { dtype, size: n } = x;
  const number = (value: number): NDArray => scalarArray(value, dtype);
  const [, push] = transforms.linearize((x: NDArray) => evaluate(x).r, [x]);
  const product = (v: NDArray): NDArray => v.add(push(v));
  /** A unit, and its logarithm: nothing is left of powers that vanish, whose radius is 0. */
  const unitOf = (size: NDArray): readonly [NDArray, NDArray] => {
    const usable = size.greater(0);
    const unit = select(usable, size, number(1));
    return [unit, select(usable, unit.log(), number(-Infinity))];
  };
  if (n <= few) {
    // The rows are the columns of J, and powers of a matrix and of its transpose have one radius.
    const matrix = transforms.vmap(product)(identity(n, dtype)) as NDArray;
    const squared = transforms.foriLoop(0, squarings, (_: NDArray, { a, log, share }) => {
      const [unit, gain] = unitOf(norm(reshape(a, [n * n])));
      const even = div(a, unit);
      const next = dotGeneral(even, even, { contract: [[1], [0]], batch: [[], []] });
      return { a: next, log: log.add(gain.mul(share)), share: share.mul(0.5) };
    }, { a: matrix, log: number(0), share: number(1) }) as { log: NDArray };
    return squared.log.exp();
  }
  // A vector with no symmetry, which an eigenvector might be orthogonal to.
  const start = iota([n], 0, "int32").astype(dtype).mul(1.7).add(0.4).sin().add(0.1);
  const end = transforms.foriLoop(0, products, (i: NDArray, { v, log }) => {
    const next = product(v);
    const [unit, gain] = unitOf(norm(next));
    return { v: div(next, unit), log: select(i.less(products - counted), log, log.add(gain)) };
  }, { v: div(start, norm(start)), log: number(0) }) as { log: NDArray };
  return end.log.div(counted).exp();
}

/** Unknowns up to which the derivative is made as a matrix, and how often that is squared. */
const few = 64;
const squarings = 30;

/** Products with the derivative, and how many of them count. */
const products = 100;
const counted = 50;
