/**
 * Sums over windows: convolutions with ones.
 *
 * @module
 */
import { type NDArray, sizeOf } from "../../core/mod.ts";
import { full } from "../constants/constants.ts";
import { reshape } from "../shape/shape.ts";
import { convolution } from "./convolution.ts";
import type { WindowReduceParams } from "./extremes.ts";
import type { Places } from "./window.ts";

/** Windows of more elements along several axes are summed along one after the other. */
const LARGE = 16;

/** The sum of each window of some sizes along the last axes of `x`, around which there are zeros. */
export function windowSum(x: NDArray, { sizes, ...places }: WindowReduceParams): NDArray {
  const lead = x.shape.slice(0, x.ndim - sizes.length);
  const long = sizes.flatMap((n, i) => n > 1 ? [i] : []);
  const steps = sizeOf(sizes) > LARGE && long.length > 1 ? alone(long, sizes, places) : [{
    sizes,
    places,
  }];
  let out = reshape(x, [sizeOf(lead), 1, ...x.shape.slice(lead.length)]);
  for (const { sizes, places } of steps) {
    out = convolution(out, full([1, 1, ...sizes], 1, x.dtype), { ...places, groups: 1 });
  }
  return reshape(out, [...lead, ...out.shape.slice(2)]);
}

/** The same windows along one axis after another; what is between elements and around is put there at once. */
function alone(
  long: readonly number[],
  sizes: readonly number[],
  places: Places,
): { sizes: readonly number[]; places: Places }[] {
  const other = <T>(list: readonly T[], axis: number, value: T): T[] =>
    list.map((own, i) => i === axis || (axis === long[0] && !long.includes(i)) ? own : value);
  return long.map((axis) => ({
    sizes: other(sizes, axis, 1),
    places: {
      strides: other(places.strides, axis, 1),
      padding: other(places.padding, axis, [0, 0]),
      baseDilation: other(places.baseDilation, axis, 1),
      windowDilation: other(places.windowDilation, axis, 1),
    },
  }));
}
