/**
 * Loops of elementwise operations over typed arrays, with NumPy broadcasting.
 *
 * Owns how elements are walked, and nothing of what an operation means. Inputs are row-major and never
 * written to.
 *
 * @module
 */
import type { TypedArray } from "../../core/dtype.ts";
import type { Loop } from "../../scalar/elementwise.ts";
import { broadcastStrides, mergeAxes, Odometer } from "../loops/strides.ts";

/** Writes what an operation computes of each element of `a` to `out`. */
export type Map1 = (out: TypedArray, a: TypedArray) => void;

/** Writes what an operation computes of each pair of elements to `out`, broadcasting to `shape`. */
export type Map2 = (
  out: TypedArray,
  shape: readonly number[],
  a: TypedArray,
  aShape: readonly number[],
  b: TypedArray,
  bShape: readonly number[],
) => void;

/** All elements by a loop of one operand. */
export function map1(loop: Loop): Map1 {
  return (out, a) => loop(0, out.length, out, a, 0, 1);
}

/** As {@linkcode map1}, for two operands. */
export function map2(loop: Loop): Map2 {
  return (out, shape, a, aShape, b, bShape) => {
    const n = out.length;
    if (n === 0) return;
    if (a.length === n && b.length === n) return loop(0, n, out, a, 0, 1, b, 0, 1);
    if (b.length === 1 && a.length === n) return loop(0, n, out, a, 0, 1, b, 0, 0);
    if (a.length === 1 && b.length === n) return loop(0, n, out, a, 0, 0, b, 0, 1);
    const plan = mergeAxes(shape, [
      broadcastStrides(aShape, shape),
      broadcastStrides(bShape, shape),
    ]);
    const [aStrides, bStrides] = plan.strides as [number[], number[]];
    const inner = plan.shape.length - 1;
    const length = plan.shape[inner]!;
    const aStep = aStrides[inner]!;
    const bStep = bStrides[inner]!;
    const walk = new Odometer(plan.shape.slice(0, inner), plan.strides);
    for (let o = 0; o < n; o += length) {
      loop(o, length, out, a, walk.at[0]!, aStep, b, walk.at[1]!, bStep);
      walk.next();
    }
  };
}
