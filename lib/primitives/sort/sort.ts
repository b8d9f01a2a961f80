/**
 * Sorting along an axis.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { formatAval, shaped, type ShapedArray, sizeOf } from "../../core/aval.ts";
import { allocate, isFloat } from "../../core/dtype.ts";
import { AxisError } from "../../core/errors.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { definePrimitive, ordinary, type Primitive } from "../../core/primitive.ts";
import { bind } from "../../core/trace.ts";
import { type AxisParams, shiftAxes } from "../axes.ts";
import { iota } from "../constants/iota.ts";
import { emptyOutput, fromOrdered, toOrdered } from "../graph/nodes.ts";
import { gather } from "../indexing/gather.ts";
import { aroundAxis } from "../loops/strides.ts";
import { expandDims, reshape } from "../shape/reshape.ts";
import { moveAxis } from "../shape/transpose.ts";
import { concatenate } from "../slicing/concatenate.ts";
import { sortRoutine } from "./routine.ts";

/** Elements of `x` at positions `indices` along an axis, lane by lane. */
function takeAlong(x: NDArray, indices: NDArray, axis: number): NDArray {
  const last = x.ndim - 1;
  const moved = moveAxis(x, axis, last);
  const at = moveAxis(indices, axis, last);
  const n = x.shape[axis]!;
  const rows = x.size / Math.max(n, 1);
  if (rows === 1) return reshape(gather(reshape(moved, [n]), reshape(at, [n, 1])), x.shape);
  const flat = [rows, n];
  const pairs = concatenate(
    [expandDims(iota(flat, 0, "int32"), [2]), expandDims(reshape(at, flat), [2])],
    2,
  );
  return moveAxis(reshape(gather(reshape(moved, flat), pairs), moved.shape), last, axis);
}

/** The smallest elements first; gives elements and int64 positions. */
function topK(g: Lowering, x: Value, axis: number, n: number): Value[] {
  return g.nodes("TopK", [x, g.int64([n])], 2, { axis, largest: 0, sorted: 1 });
}

/**
 * Sorted floats and their int64 positions. TopK is stable, but what it does with NaN is not
 * defined. So NaN is sorted as Infinity; then numbers, Infinity among them, are moved in front of
 * NaN by counting.
 */
function lowerFloats(
  g: Lowering,
  x: Value,
  axis: number,
  { shape, dtype }: ShapedArray,
): [Value, Value] {
  const n = shape[axis]!;
  const along = shape.slice(axis).map((_, i) => i === 0 ? n : 1);
  const isNumber = g.node("Equal", [x, x]);
  let keys = g.node("Where", [isNumber, x, g.scalar(Infinity, dtype)]);
  // The kernel of the GPU mistakes infinity for its own padding.
  if (g.lacks("TopK", dtype)) keys = g.node("Min", [keys, g.scalar(LARGEST_FLOAT32, dtype)]);
  const order = topK(g, keys, axis, n)[1]!;

  const flags = g.cast(isNumber, "bool", "int32");
  const numbers = g.node("GatherElements", [flags, order], { axis });
  const before = g.node("CumSum", [numbers, g.scalar(axis, "int64")], {
    exclusive: 1,
    reverse: 0,
  });
  const count = g.node("ReduceSum", [numbers, g.int64([axis])], { keepdims: 1 });
  const position = g.constant(Array.from({ length: n }, (_, i) => i), along, "int32");
  const behind = g.node("Add", [count, g.node("Sub", [position, before])]);
  const target = g.where(g.cast(numbers, "int32", "bool"), before, behind, "int32");
  const repaired = g.node("ScatterElements", [order, target, order], { axis });
  return [g.node("GatherElements", [x, repaired], { axis }), repaired];
}

const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** Most pairs of elements that are compared to sort on a GPU. */
const PAIR_LIMIT = 2 ** 24;

/**
 * Elements and int32 positions by counting: an element goes behind all that are smaller, and behind
 * equal ones that come before it. NaN is larger than numbers, and equal to NaN.
 */
function lowerByCounting(
  g: Lowering,
  x: Value,
  axis: number,
  { shape, dtype }: ShapedArray,
): [Value, Value] {
  const n = shape[axis]!;
  const [keys, keyType] = toOrdered(g, x, dtype);
  const ofSelf = (v: Value): Value => g.reshape(v, shape.toSpliced(axis + 1, 0, 1));
  const ofOther = (v: Value): Value => g.reshape(v, shape.toSpliced(axis, 0, 1));
  const pair = [ofOther(keys), ofSelf(keys)];
  let less = g.node("Less", pair);
  let lessOrEqual = g.node("LessOrEqual", pair);
  if (isFloat(keyType)) {
    const isNumber = g.node("Equal", [keys, keys]);
    const isLast = g.node("Not", [ofSelf(isNumber)]);
    less = g.node("Or", [less, g.node("And", [isLast, ofOther(isNumber)])]);
    lessOrEqual = g.node("Or", [lessOrEqual, isLast]);
  }
  const earlier = Array.from({ length: n * n }, (_, k) => k % n < Math.floor(k / n) ? 1 : 0);
  const rest = shape.slice(axis + 1).map(() => 1);
  const isEarlier = g.constant(earlier, [n, n, ...rest], "bool");
  const before = g.where(isEarlier, lessOrEqual, less, "bool");
  const place = g.node("ReduceSum", [g.cast(before, "bool", "int32"), g.int64([axis + 1])], {
    keepdims: 0,
  });
  const counted = g.constant(Array.from({ length: n }, (_, i) => i), [n, ...rest], "int32");
  const positions = g.node("Expand", [counted, g.int64(shape)]);
  return [
    g.node("ScatterElements", [x, place, x], { axis }),
    g.node("ScatterElements", [positions, place, positions], { axis }),
  ];
}

/** Elements in ascending order, and where they were. */
export const sortP: Primitive<AxisParams> = /* @__PURE__ */ definePrimitive<AxisParams>({
  name: "sort",
  abstractEval([x], { axis }) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= x!.shape.length) {
      throw new AxisError(`sort: axis ${axis} is out of range: x is ${formatAval(x!)}`);
    }
    return [x!, shaped(x!.shape, "int32")];
  },
  impl([x], { axis }) {
    const { shape, dtype, values } = x!;
    const sorted = allocate(dtype, values.length);
    const indices = new Int32Array(values.length);
    sortRoutine.runLong(dtype, [values, sorted, indices], ...aroundAxis(shape, axis));
    return [sorted, indices];
  },
  jvp([x], [t], params) {
    const outs = bind(sortP, [x!], params);
    return [outs, [takeAlong(t!, outs[1]!, params.axis), null]];
  },
  transpose: "nonlinear",
  batch([x], [dim], _, { axis }) {
    const [shifted] = shiftAxes([axis], dim!);
    return [bind(sortP, [x!], { axis: shifted! }), [dim!, dim!]];
  },
  // What it needs beside its results, keys and positions, would be needed for all steps at once.
  passes: { ...ordinary, mobile: false },
  lower(g, [x], { axis }, [aval], [out, positions]) {
    if (sizeOf(out!.shape) === 0) return [emptyOutput(g, out!)!, emptyOutput(g, positions!)!];
    const { shape, dtype } = aval!;
    if (g.lacks("TopK", dtype) && sizeOf(shape) * shape[axis]! <= PAIR_LIMIT) {
      return lowerByCounting(g, x!, axis, aval!);
    }
    if (isFloat(dtype)) {
      const [values, order] = lowerFloats(g, x!, axis, aval!);
      return [values, g.cast(order, "int64", "int32")];
    }
    const [values, order] = topK(g, toOrdered(g, x!, dtype)[0], axis, shape[axis]!);
    return [fromOrdered(g, values!, dtype), g.cast(order!, "int64", "int32")];
  },
  kernel: (b, inputs, { axis }, [aval], outs) =>
    b.call(sortRoutine, aval!.dtype, inputs, outs, aroundAxis(aval!.shape, axis)),
  samples: () => [
    { name: "row", inputs: [{ shape: [9], dtype: "float32" }], params: { axis: 0 } },
    {
      name: "middle axis, float64",
      inputs: [{ shape: [2, 20, 3], dtype: "float64" }],
      params: { axis: 1 },
    },
    {
      name: "ties, NaN, infinities and both zeros",
      inputs: [{
        shape: [2, 11],
        dtype: "float32",
        values: [
          ...[NaN, 0, -0, Infinity, -Infinity, 1, -1, NaN, Infinity, 0, -0],
          ...[2, 1, 2, 1, 0, 2, 1, NaN, 0, Infinity, NaN],
        ],
      }],
      params: { axis: 1 },
      skip: { jvp: "not finite", transpose: "not finite" },
    },
    { name: "zero size", inputs: [{ shape: [0, 2], dtype: "float32" }], params: { axis: 0 } },
    {
      name: "int32",
      inputs: [{ shape: [5], dtype: "int32", values: [3, -2147483648, -1, 2147483647, -1] }],
      params: { axis: 0 },
    },
    {
      name: "uint32",
      inputs: [{ shape: [5], dtype: "uint32", values: [3, 4294967295, 1, 2147483648, 3] }],
      params: { axis: 0 },
    },
    {
      name: "bool",
      inputs: [{ shape: [4], dtype: "bool", values: [1, 0, 1, 0] }],
      params: { axis: 0 },
    },
  ],
});

/**
 * The elements of `x` in ascending order along `axis`, and their positions (int32). Stable, with NaN
 * last and -0 equal to 0, as `jax.numpy.sort` and `argsort`.
 */
export function sort(x: NDArray, axis: number): [sorted: NDArray, indices: NDArray] {
  const [sorted, indices] = bind(sortP, [x], { axis });
  return [sorted!, indices!];
}
