/**
 * Copying blocks between row-major arrays on the CPU: what slices, paddings, reversals and
 * concatenations have in common.
 *
 * @module
 */
import { stridesOf } from "../core/aval.ts";
import { dtypeOf, type TypedArray } from "../core/dtype.ts";
import { mergeAxes, Odometer, perDType } from "./kernels.ts";

/** Rows at least this long are copied by the engine's own block copy. */
const BLOCK = 24;

function loopCopy(
  source: TypedArray,
  sourceAt: number,
  sourceStride: number,
  target: TypedArray,
  targetAt: number,
  targetStride: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    target[targetAt] = source[sourceAt]!;
    sourceAt += sourceStride;
    targetAt += targetStride;
  }
}

const copyLoops = perDType(loopCopy);

/**
 * Copies a block of `shape`: the element at index `i` goes from `sourceAt + i . sourceStrides` of
 * `source` to `targetAt + i . targetStrides` of `target`, which has the same storage class. Strides
 * may be negative or 0.
 */
export function copyStrided(
  source: TypedArray,
  sourceAt: number,
  sourceStrides: readonly number[],
  target: TypedArray,
  targetAt: number,
  targetStrides: readonly number[],
  shape: readonly number[],
): void {
  if (shape.includes(0)) return;
  const plan = mergeAxes(shape, [[...sourceStrides], [...targetStrides]]);
  const inner = plan.shape.length - 1;
  const n = plan.shape[inner]!;
  const sourceStride = plan.strides[0]![inner]!;
  const targetStride = plan.strides[1]![inner]!;
  const blocks = n >= BLOCK && sourceStride === 1 && targetStride === 1;
  const copy = copyLoops(dtypeOf(source));
  const outer = plan.shape.slice(0, inner);
  const walk = new Odometer(outer, plan.strides);
  const rows = outer.reduce((a, b) => a * b, 1);
  for (let row = 0; row < rows; row++) {
    const from = sourceAt + walk.at[0]!;
    const to = targetAt + walk.at[1]!;
    if (blocks) target.set(source.subarray(from, from + n), to);
    else copy(source, from, sourceStride, target, to, targetStride, n);
    walk.next();
  }
}

/** Position of the element at `index` in a row-major array of `shape`. */
export function offsetOf(index: readonly number[], shape: readonly number[]): number {
  const strides = stridesOf(shape);
  let at = 0;
  for (let i = 0; i < index.length; i++) at += index[i]! * strides[i]!;
  return at;
}

/**
 * The shape around one axis: the product of the lengths before it, its length, and the product of
 * those behind it.
 */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): readonly [outer: number, n: number, inner: number] {
  let outer = 1, inner = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i]!;
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i]!;
  return [outer, shape[axis]!, inner];
}
