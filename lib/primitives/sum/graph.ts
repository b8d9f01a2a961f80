/**
 * Sums over axes in ONNX: in stages where there is much to add, and modulo 2^32 for integers.
 *
 * @module
 */
import { type ShapedArray, sizeOf } from "../../core/aval.ts";
import { type DType, isFloat } from "../../core/dtype.ts";
import type { Lowering, Value } from "../../core/lowering.ts";

/** Longest run that a kernel may sum: ONNX Runtime adds one by one, in the array's own precision. */
const LONGEST_RUN = 4096;

/** A sum over axes, ascending, of an array that has elements. */
export function lowerSum(
  g: Lowering,
  x: Value,
  { shape, dtype }: ShapedArray,
  axes: readonly number[],
  outShape: readonly number[],
): Value {
  if (!isFloat(dtype)) return g.reshape(sumOfIntegers(g, x, shape, axes, dtype), outShape);
  const open = axes.filter((a) => g.isOpen(shape[a]!));
  const closed = axes.filter((a) => !open.includes(a));
  if (sizeOf(closed.map((a) => shape[a]!)) <= LONGEST_RUN) {
    if (open.length > 0 || sizeOf(axes.map((a) => shape[a]!)) <= LONGEST_RUN) {
      return g.node("ReduceSum", [x, g.int64(axes)], { keepdims: 0 });
    }
  } else if (open.length > 0) {
    // Stages for the closed axes; how many an open one takes is not known.
    const rest = shape.filter((_, a) => !closed.includes(a));
    const part = lowerSum(g, x, { shape, dtype }, closed, rest);
    const left = open.map((a) => a - closed.filter((c) => c < a).length);
    return g.node("ReduceSum", [part, g.int64(left)], { keepdims: 0 });
  }
  return g.reshape(sumOfLongFloats(g, x, shape, axes, dtype), outShape);
}

/** Sums in the graph, in stages where there is much to add. The caller reshapes. */
function sumOfLongFloats(
  g: Lowering,
  x: Value,
  shape: readonly number[],
  axes: readonly number[],
  dtype: DType,
): Value {
  return runByRun(shape, axes, x, (value, outer, length, inner) => {
    let n = length;
    while (n > LONGEST_RUN) {
      const run = Math.ceil(Math.sqrt(n));
      const rows = Math.ceil(n / run);
      value = g.reshape(value, [outer, n, inner]);
      if (rows * run > n) {
        const pads = g.int64([0, 0, 0, 0, rows * run - n, 0]);
        value = g.node("Pad", [value, pads, g.scalar(0, dtype)]);
      }
      value = g.reshape(value, [outer, rows, run, inner]);
      value = g.node("ReduceSum", [value, g.int64([2])], { keepdims: 0 });
      n = rows;
    }
    value = g.reshape(value, [outer, n, inner]);
    return g.node("ReduceSum", [value, g.int64([1])], { keepdims: 0 });
  });
}

/**
 * Sums modulo 2^32 in the graph: ReduceSum saturates on the CPU, and lacks uint32; matrix products
 * wrap. The GPU has it the other way round.
 */
function sumOfIntegers(
  g: Lowering,
  x: Value,
  shape: readonly number[],
  axes: readonly number[],
  dtype: DType,
): Value {
  if (g.lacks("MatMul", dtype)) {
    const sum = g.node("ReduceSum", [g.cast(x, dtype, "int32"), g.int64(axes)], { keepdims: 0 });
    return g.cast(sum, "int32", dtype);
  }
  return runByRun(shape, axes, x, (value, outer, n, inner) => {
    const ones = g.node("Expand", [g.scalar(1, dtype), g.int64([n])]);
    if (inner === 1) return g.node("MatMul", [g.reshape(value, [outer, n]), ones]);
    return g.node("MatMul", [ones, g.reshape(value, [outer, n, inner])]);
  });
}

/** Applies `sum` to one run of neighbouring axes after the other, the last one first. */
function runByRun(
  shape: readonly number[],
  axes: readonly number[],
  x: Value,
  sum: (value: Value, outer: number, n: number, inner: number) => Value,
): Value {
  let value = x;
  let inner = 1;
  for (let end = axes.length; end > 0;) {
    let start = end - 1;
    while (start > 0 && axes[start - 1] === axes[start]! - 1) start--;
    const first = axes[start]!;
    const last = axes[end - 1]!;
    inner *= sizeOf(shape.slice(last + 1, axes[end] ?? shape.length));
    value = sum(
      value,
      sizeOf(shape.slice(0, first)),
      sizeOf(shape.slice(first, last + 1)),
      inner,
    );
    end = start;
  }
  return value;
}
