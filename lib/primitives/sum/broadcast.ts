/**
 * Repeating along axes and adding up over them: broadcast and reduce_sum, each the other's transpose.
 * Sums are added up in `loops.ts` on the CPU.
 *
 * Sums over axes in ONNX: in stages where there is much to add, and modulo 2^32 for integers.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  broadcastShapes,
  checkShape,
  definePrimitive,
  type DType,
  DTypeError,
  formatShape,
  isFloat,
  type Linear,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { broadcastStrides, copyStrided } from "../loops/loops.ts";
import { moveAxis, reshape, type ShapeParams } from "../shape/shape.ts";
import { sumInto } from "./loops.ts";

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

// ---------------------------------------------------------------- broadcast

/** NumPy broadcasting to a shape, axes aligned on the right. */
export const broadcastP: Primitive<ShapeParams> = /* @__PURE__ */ definePrimitive<ShapeParams>({
  name: "broadcast",
  abstractEval([x], { shape }) {
    checkShape("broadcast", shape);
    const own = x!.shape;
    if (sameShape(own, shape)) return [x!];
    if (own.length > shape.length || !sameShape(broadcastShapes("broadcast", own, shape), shape)) {
      throw new ShapeError(
        `broadcast: shape ${formatShape(own)} does not broadcast to ${formatShape(shape)}: ` +
          "lengths must be 1 or equal, counted from the last axis. Reshape the array first",
      );
    }
    return [shaped(shape, x!.dtype)];
  },
  impl([x], { shape }) {
    const n = sizeOf(shape);
    if (x!.values.length === n) return [x!.values];
    const out = allocate(x!.dtype, n);
    if (x!.values.length === 1) {
      // Zeros are there already, and a large array of them costs nothing until it is used.
      if (!Object.is(x!.values[0], 0)) out.fill(x!.values[0]!);
    } else {
      const strides = broadcastStrides(x!.shape, shape);
      copyStrided(x!.values, 0, strides, out, 0, stridesOf(shape), shape);
    }
    return [out];
  },
  jvp: ([x], [t], { shape }) => [[broadcastTo(x!, shape)], [broadcastTo(t!, shape)]],
  transpose: ([ct], [x]) => [ct ? unbroadcast(ct, (x as Linear).aval.shape) : null],
  batch([x], [dim], size, { shape }) {
    const front = moveAxis(x!, dim!, 0);
    const missing = shape.length - (front.ndim - 1);
    const aligned = reshape(front, [size, ...ones(missing), ...front.shape.slice(1)]);
    return [[broadcastTo(aligned, [size, ...shape])], [0]];
  },
  passes: { ...ordinary, cheap: true },
  lower(g, [x], { shape }, [aval]) {
    if (sizeOf(aval!.shape) === sizeOf(shape)) return [g.reshape(x!, shape)];
    // Expand takes an axis of length 1 to 0 in some places only (onnxruntime 1.30).
    if (sizeOf(shape) === 0) return [g.constant([], shape, aval!.dtype)];
    return [g.node("Expand", [x!, g.int64(shape)])];
  },
  kernel: (b, [x], { shape }) => [b.broadcast(x!, shape)],
  samples: () => [
    { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { shape: [2, 3] } },
    {
      name: "middle axis, float64",
      inputs: [{ shape: [2, 1, 3], dtype: "float64" }],
      params: { shape: [4, 2, 5, 3] },
    },
    { name: "only ones", inputs: [{ shape: [3], dtype: "float32" }], params: { shape: [1, 3] } },
    { name: "zero size", inputs: [{ shape: [1], dtype: "float32" }], params: { shape: [2, 0] } },
    { name: "int32", inputs: [{ shape: [2, 1], dtype: "int32" }], params: { shape: [2, 2] } },
    {
      name: "uint32",
      inputs: [{ shape: [2], dtype: "uint32", values: [1, 4294967295] }],
      params: { shape: [3, 2] },
    },
    {
      name: "bool",
      inputs: [{ shape: [2], dtype: "bool", values: [0, 1] }],
      params: { shape: [1, 3, 2] },
    },
  ],
});

/**
 * `x` broadcast to `shape` by NumPy's rule: axes are aligned on the right, and those of length 1 are
 * repeated.
 *
 * @throws {ShapeError} where a length is neither 1 nor the one asked for.
 */
export function broadcastTo(x: NDArray, shape: readonly number[]): NDArray {
  return sameShape(x.shape, shape) ? x : bind1(broadcastP, [x], { shape });
}

// ---------------------------------------------------------------- reduceSum

/** Parameters of a reduction. */
export interface ReduceParams {
  /** The axes reduced over, ascending. */
  readonly axes: readonly number[];
}

/** Sum over axes, which vanish. */
export const reduceSumP: Primitive<ReduceParams> = /* @__PURE__ */ definePrimitive<ReduceParams>({
  name: "reduce_sum",
  abstractEval([x], { axes }) {
    const { shape, dtype } = x!;
    if (dtype === "bool") {
      throw new DTypeError(
        "reduce_sum: bool arrays have no sum. Convert with astype('int32') to count",
      );
    }
    if (!axes.every((a, i) => Number.isInteger(a) && a > (axes[i - 1] ?? -1) && a < shape.length)) {
      throw new AxisError(
        `reduce_sum: axes ${formatShape(axes)} are not ascending axes of an array of shape ${
          formatShape(shape)
        }`,
      );
    }
    return [shaped(shape.filter((_, i) => !axes.includes(i)), dtype)];
  },
  impl([x], { axes }, [out]) {
    const values = allocate(out!.dtype, sizeOf(out!.shape));
    sumInto(x!.dtype, values, x!.values, x!.shape, axes);
    return [values];
  },
  jvp: ([x], [t], { axes }) => [[reduceSum(x!, axes)], [reduceSum(t!, axes)]],
  transpose([ct], [x], { axes }) {
    if (!ct) return [null];
    const { shape } = (x as Linear).aval;
    return [broadcastTo(reshape(ct, shape.map((n, i) => axes.includes(i) ? 1 : n)), shape)];
  },
  batch([x], [dim], _, { axes }) {
    const d = dim!;
    const shifted = axes.map((a) => a < d ? a : a + 1);
    return [[reduceSum(x!, shifted)], [d - shifted.filter((a) => a < d).length]];
  },
  passes: ordinary,
  lower(g, [x], { axes }, [aval], [out]) {
    if (axes.length === 0) return [x!];
    if (aval!.shape.includes(0)) {
      return [g.constant(new Array(sizeOf(out!.shape)).fill(0), out!.shape, out!.dtype)];
    }
    return [lowerSum(g, x!, aval!, axes, out!.shape)];
  },
  kernel: (b, [x], { axes }) => [b.reduce(x!, axes, "add")],
  heavy: {
    // Of floats, loops lose less.
    work: ([x]) => isFloat(x!.dtype) ? 0 : sizeOf(x!.shape),
    sameBits: true,
  },
  samples: () => [
    { name: "vector", inputs: [{ shape: [5], dtype: "float32" }], params: { axes: [0] } },
    { name: "last axis", inputs: [{ shape: [3, 4], dtype: "float32" }], params: { axes: [1] } },
    {
      name: "outer axes, float64",
      inputs: [{ shape: [2, 3, 4], dtype: "float64" }],
      params: { axes: [0, 2] },
    },
    {
      name: "long: in stages",
      inputs: [{ shape: [2, 5003, 2], dtype: "float32", range: [0, 1] }],
      params: { axes: [1] },
      skip: { jvp: "the sum of 5003 elements leaves finite differences no digits" },
    },
    {
      name: "nothing summed",
      inputs: [{ shape: [0, 3], dtype: "float32" }],
      params: { axes: [0] },
    },
    { name: "zero size", inputs: [{ shape: [0, 3], dtype: "float32" }], params: { axes: [1] } },
    { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { axes: [] } },
    ...[[0], [1], [0, 1]].map((axes) => ({
      name: `overflow on the way, over ${axes}`,
      inputs: [{
        shape: [3, 3],
        dtype: "float32" as const,
        values: [3e38, 3e38, -3e38, 3e38, -3e38, 3e38, -3e38, 1, 2],
      }],
      params: { axes },
      skip: {
        jvp: "it overflows",
        // Infinities of both signs meet where lanes are added up.
        ...(axes.length === 2 && { kernel: "partial sums in another order overflow elsewhere" }),
      },
    })),
    {
      name: "int32 wraps",
      inputs: [{ shape: [3], dtype: "int32", values: [2147483647, 1, 5] }],
      params: { axes: [0] },
    },
    {
      name: "uint32 wraps",
      inputs: [{ shape: [2, 2], dtype: "uint32", values: [4294967295, 2000000000, 3, 1000000000] }],
      params: { axes: [0] },
    },
    {
      name: "int32, two runs of axes",
      inputs: [{ shape: [2, 3, 2, 2, 2], dtype: "int32", range: [-2e9, 2e9] }],
      params: { axes: [0, 2, 3] },
    },
    {
      name: "long, two runs of axes",
      inputs: [{ shape: [70, 2, 83], dtype: "float32", range: [0, 1] }],
      params: { axes: [0, 2] },
      skip: { jvp: "the sum of 5810 elements leaves finite differences no digits" },
    },
  ],
});

/**
 * The sum of `x` over `axes`, ascending, which vanish from the shape. Floats are summed pairwise or
 * better, integers wrap.
 *
 * @throws {DTypeError} for bool.
 */
export function reduceSum(x: NDArray, axes: readonly number[]): NDArray {
  return axes.length === 0 ? x : bind1(reduceSumP, [x], { axes });
}

// ---------------------------------------------------------------- helpers

function ones(n: number): number[] {
  return new Array<number>(n).fill(1);
}

/** A cotangent summed over the axes along which an operand of `shape` was broadcast. */
export function unbroadcast(ct: NDArray, shape: readonly number[]): NDArray {
  if (sameShape(ct.shape, shape)) return ct;
  const lead = ct.ndim - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < ct.ndim; i++) {
    if (i < lead || (shape[i - lead] === 1 && ct.shape[i] !== 1)) axes.push(i);
  }
  return reshape(reduceSum(ct, axes), shape);
}

/** An array with its batch axis in front: moved there, or broadcast where it has none. */
export function batchAxisInFront(x: NDArray, dim: number | null, size: number): NDArray {
  return dim === null ? broadcastTo(x, [size, ...x.shape]) : moveAxis(x, dim, 0);
}
