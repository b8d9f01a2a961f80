/**
 * The exponential of a matrix, by scaling and squaring.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { abs, add, div, maximum, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { le, lt } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { log } from "../primitives/elementwise/elementary.ts";
import { pow } from "../primitives/elementwise/power.ts";
import { ceil } from "../primitives/elementwise/rounding.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { expandDims } from "../primitives/shape/reshape.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import { identityLike, matmul } from "./matrices.ts";
import { steps } from "./programs.ts";
import { solve } from "./solve.ts";

/** A diagonal Padé approximant of exp: its coefficients, and the norm up to which it is exact. */
interface Pade {
  readonly coefficients: readonly number[];
  readonly reach: number;
}

/** Coefficients `(2q - k)! / (k! (q - k)!)` of the numerator, up to a common factor. */
function pade(degree: number, reach: number): Pade {
  const coefficients = [1];
  for (let k = degree; k > 0; k--) {
    coefficients.unshift(coefficients[0]! * k * (2 * degree - k + 1) / (degree - k + 1));
  }
  return { coefficients, reach };
}

/** Norms by Higham, "The scaling and squaring method for the matrix exponential revisited" (2005). */
const approximants = {
  float32: /* @__PURE__ */ pade(7, 3.925724783138660),
  float64: /* @__PURE__ */ pade(13, 5.371920351148152),
} as const;

/** Exponentials of matrices `[..., n, n]`; NaN where that takes more than `most` squarings. */
export function exponential(a: NDArray, most: number): NDArray {
  const n = a.shape.at(-1)!;
  if (a.size === 0) return a;
  const { coefficients, reach } = approximants[a.dtype as "float32" | "float64"];
  const norm = reduceMax(reduceSum(abs(stopGradient(a)), [a.ndim - 2]), [a.ndim - 2]);
  const times = div(log(div(norm, scalarLike(reach, norm))), scalarLike(Math.LN2, norm));
  const squarings = ceil(maximum(times, scalarLike(0, times)));
  const ofEach = (x: NDArray): NDArray => expandDims(x, [x.ndim, x.ndim + 1]);
  const scaled = div(a, ofEach(pow(scalarLike(2, squarings), squarings)));
  // Odd powers are `x` times even ones: the denominator is the numerator of -x.
  const square = matmul(scaled, scaled);
  const terms = (first: 0 | 1): NDArray => {
    const own = coefficients.filter((_, k) => k % 2 === first);
    const unit = identityLike(a);
    const of = (c: number): NDArray => mul(unit, scalarLike(c / coefficients[0]!, unit));
    return own.reduceRight<NDArray | null>(
      (sum, c) => sum === null ? of(c) : add(matmul(square, sum), of(c)),
      null,
    )!;
  };
  const [even, odd] = [terms(0), matmul(scaled, terms(1))];
  const start = solve(sub(even, odd), add(even, odd));
  const count = ofEach(squarings);
  const { carry: [result] } = steps(most, [start], (i, [x]) => {
    const goesOn = lt(convert(i, count.dtype), count);
    // What is not squared must not overflow, for the sake of its derivative.
    const own = select(goesOn, x!, scalarLike(0, x!));
    return { carry: [select(goesOn, matmul(own, own), x!)] };
  });
  const enough = le(count, scalarLike(most, count));
  return n === 0 ? a : select(enough, result!, scalarLike(NaN, a));
}
