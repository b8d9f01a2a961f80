/**
 * Bits counted, for functions of several files.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarLike } from "../primitives/constants/constants.ts";
import { add, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import * as c from "../primitives/elementwise/compare.ts";

/** How many bits are set, of `uint32`. */
export function setBits(x: NDArray): NDArray {
  const at = (v: NDArray, by: number): NDArray => c.shiftRightLogical(v, scalarLike(by, v));
  const only = (v: NDArray, mask: number): NDArray => c.and(v, scalarLike(mask, v));
  // Sums of neighbours: of bits, pairs, nibbles, and then of the bytes in the highest one.
  const pairs = sub(x, only(at(x, 1), 0x55555555));
  const nibbles = add(only(pairs, 0x33333333), only(at(pairs, 2), 0x33333333));
  const bytes = only(add(nibbles, at(nibbles, 4)), 0x0f0f0f0f);
  return at(mul(bytes, scalarLike(0x01010101, bytes)), 24);
}
