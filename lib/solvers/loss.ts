/**
 * Losses that bound the weight of outliers, as a change of the residuals: a residual `r` becomes the one
 * whose square is the loss of `r`, with the sign of `r`. So the sum of squares is the loss, and all that is
 * done for least squares (steps, bounds, derivatives) holds for it.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { describeValue } from "../core/errors.ts";
import { full } from "../primitives/constants/full.ts";
import { div } from "../primitives/elementwise/arithmetic.ts";
import { atan, log1p } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";

/** How residuals count: names as in SciPy's `least_squares`. */
export type Loss = "squares" | "huber" | "softL1" | "cauchy" | "arctan";

/** For z = r^2 (in units of the scale) beyond `near`: the loss of z. `slope` is that of the root of its share of z, at 0. */
const losses: Readonly<
  Record<Exclude<Loss, "squares">, { readonly of: (z: NDArray) => NDArray; readonly slope: number }>
> = {
  huber: { of: (z) => select(z.lessEqual(1), z, z.sqrt().mul(2).sub(1)), slope: 0 },
  softL1: { of: (z) => div(z, z.add(1).sqrt().add(1)).mul(2), slope: -1 / 8 },
  cauchy: { of: (z) => log1p(z), slope: -1 / 4 },
  arctan: { of: (z) => atan(z), slope: 0 },
};

/**
 * Residuals whose squares are the losses of `r`.
 *
 * @throws {RangeError} where there is no such loss.
 */
export function robust(r: NDArray, loss: Loss, scale: number): NDArray {
  if (loss === "squares") return r;
  const rule = Object.hasOwn(losses, loss) ? losses[loss] : undefined;
  if (rule === undefined) {
    throw new RangeError(
      `leastSquares: loss must be "squares", ${
        Object.keys(losses).map((l) => `"${l}"`).join(", ")
      }, not ${describeValue(loss)}`,
    );
  }
  const unit = div(r, full([], scale, r.dtype));
  const z = unit.mul(unit);
  const small = z.less(near);
  // Neither root nor quotient is asked for where z is near 0, since their slopes are infinite there.
  const away = select(small, full(z.shape, 1, z.dtype), z);
  const share = div(rule.of(away), away).sqrt();
  const series = z.mul(rule.slope).add(1);
  return r.mul(select(small, series, share));
}

/** Where the first two terms of the series are exact to the fourth digit beyond float32's. */
const near = 1e-9;
