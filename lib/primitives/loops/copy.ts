/**
 * Copying blocks between row-major arrays on the CPU: what broadcasts, slices, paddings, reversals and
 * concatenations have in common.
 *
 * @module
 */
import { dtypeOf, type TypedArray } from "../../core/dtype.ts";
import { perDType } from "./specialise.ts";
import { mergeAxes, Odometer } from "./strides.ts";

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

const copyLoops = /* @__PURE__ */ perDType(loopCopy);

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
