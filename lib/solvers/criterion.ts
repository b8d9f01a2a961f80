/**
 * What the criterion of the loop is made of: norms, leaf by leaf, and what they are small beside.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { full, onesLike } from "../primitives/constants/full.ts";
import { div, maximum } from "../primitives/elementwise/arithmetic.ts";
import { and } from "../primitives/elementwise/compare.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reduceAnd } from "../primitives/reduce/logical.ts";
import { leafNorms, norm } from "./norms.ts";

/** Norms by leaf of a point, of its residual, and of where that leads. */
export interface Norms {
  readonly x: NDArray;
  readonly r: NDArray;
  readonly f: NDArray;
}

/** Norms by leaf of a point, its residual, and where the residual leads. They have no derivative, infinite at 0. */
export function normsOf(
  { sizes, m, displacement }: {
    readonly sizes: readonly number[];
    readonly m: number;
    readonly displacement: boolean;
  },
  x: NDArray,
  r: NDArray,
): Norms {
  return {
    x: leafNorms(stopGradient(x), sizes),
    r: leafNorms(stopGradient(r), displacement ? sizes : [m]),
    f: displacement ? leafNorms(stopGradient(x.add(r)), sizes) : leafNorms(stopGradient(r), [m]),
  };
}

/** The same of what is compared. */
export function partNorms(
  { of, sizes }: { readonly of: (x: NDArray) => NDArray; readonly sizes: readonly number[] },
  x: NDArray,
  r: NDArray,
): Norms {
  const [here, there] = [of(stopGradient(x)), of(stopGradient(x.add(r)))];
  const norms = (v: NDArray): NDArray => leafNorms(v, sizes);
  return { x: norms(here), r: norms(there.sub(here)), f: norms(there) };
}

/** Whether all leaves of a residual are small beside what is given: a bool. */
export function small(
  norms: NDArray,
  beside: NDArray,
  { rtol, atol }: { readonly rtol: number; readonly atol: number },
): NDArray {
  // An infinite bound is a norm beyond the dtype's range and proves nothing.
  const bound = rtol === 0 ? full(norms.shape, atol, norms.dtype) : beside.mul(rtol).add(atol);
  return reduceAnd(and(norms.lessEqual(bound), isFinite(bound)), [0]);
}

/**
 * The size of each leaf of the unknowns: of its value or first step, else that of the largest leaf, else 1.
 */
export function scaleOf(xNorms: NDArray, rNorms: NDArray | null): NDArray {
  const sizes = rNorms === null ? xNorms : maximum(xNorms, rNorms);
  const largest = reduceMax(sizes, [0]);
  const one = full(sizes.shape, 1, sizes.dtype);
  const usable = (s: NDArray): NDArray => and(s.greater(0), isFinite(s));
  const rest = select(usable(largest), one.mul(largest), one);
  return select(usable(sizes), sizes, rest);
}

/**
 * What a unit of the residual is in steps, by the step [n] from the best point to this one and the change of the
 * residual. Where that is nothing but rounding, a short step says nothing, and a long one that there is no slope.
 */
export function slopeOf(
  c: { readonly slope: NDArray; readonly merit: NDArray },
  step: NDArray,
  change: NDArray,
  rounding: NDArray,
  isShort: NDArray,
): NDArray {
  const size = norm(change);
  const seen = size.greater(rounding.mul(roundings));
  const slope = select(
    seen,
    div(norm(step), select(seen, size, onesLike(size))),
    select(isShort, c.slope, scalarArray(Infinity, size.dtype)),
  );
  return select(isFinite(c.merit), slope, c.slope);
}

/** Change of a residual, in roundings of the point, that is nothing but that. */
const roundings = 4;
