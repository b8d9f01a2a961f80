/**
 * What works along one axis: the positions of extreme elements (argmax, argmin) and running sums
 * (cumsum).
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { formatAval, shaped, type ShapedArray, sizeOf } from "../core/aval.ts";
import { allocate, type DType, isFloat, isInteger, type TypedArray } from "../core/dtype.ts";
import { AxisError, ShapeError } from "../core/errors.ts";
import type { Lowering, Value } from "../core/lowering.ts";
import { definePrimitive, ordinary, type Primitive } from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { overflowOf, perDType } from "./kernels.ts";
import { checkDType, emptyOutput, numeric, toOrdered, viaInt32 } from "./rules.ts";
import { aroundAxis } from "./strided.ts";

/** Parameters of an operation along one axis. */
export interface AxisParams {
  /** The axis, not negative. */
  readonly axis: number;
}

function checkAxis(op: string, x: ShapedArray, axis: number): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length) {
    throw new AxisError(`${op}: axis ${axis} is out of range: x is ${formatAval(x)}`);
  }
}

/** The axis as seen with an extra axis at `dim`. */
function shifted(axis: number, dim: number): number {
  return axis >= dim ? axis + 1 : axis;
}

// ---------------------------------------------------------------- argmax, argmin

// For each p, q the first k with the largest sign * a[p, k, q], or the first with NaN.
function loopArg(
  sign: number,
  out: TypedArray,
  a: TypedArray,
  outer: number,
  n: number,
  inner: number,
): void {
  for (let p = 0; p < outer; p++) {
    for (let q = 0; q < inner; q++) {
      const first = p * n * inner + q;
      let best = sign * a[first]!;
      let at = 0;
      for (let k = 1, i = first + inner; k < n && best === best; k++, i += inner) {
        const x = sign * a[i]!;
        if (x > best || x !== x) {
          best = x;
          at = k;
        }
      }
      out[p * inner + q] = at;
    }
  }
}

/** What ArgMax or ArgMin gives, as int32, without them: the first place of the largest or smallest. */
function firstPlace(
  g: Lowering,
  op: "ArgMax" | "ArgMin",
  x: Value,
  shape: readonly number[],
  axis: number,
): Value {
  const n = shape[axis]!;
  const axes = g.int64([axis]);
  const extreme = g.node(op === "ArgMax" ? "ReduceMax" : "ReduceMin", [x, axes], { keepdims: 1 });
  const along = shape.slice(axis).map((_, i) => i === 0 ? n : 1);
  const places = g.constant(Array.from({ length: n }, (_, i) => i), along, "int32");
  const found = g.where(g.node("Equal", [x, extreme]), places, g.scalar(n, "int32"), "int32");
  return g.node("ReduceMin", [found, axes], { keepdims: 0 });
}

function positionOf(max: boolean): Primitive<AxisParams> {
  const name = max ? "argmax" : "argmin";
  const op = max ? "ArgMax" as const : "ArgMin" as const;
  const loops = perDType(loopArg);
  const self: Primitive<AxisParams> = definePrimitive<AxisParams>({
    name,
    abstractEval([x], { axis }) {
      checkAxis(name, x!, axis);
      if (x!.shape[axis] === 0) {
        throw new ShapeError(
          `${name}: x, which is ${formatAval(x!)}, has no elements along axis ${axis}`,
        );
      }
      return [shaped(x!.shape.toSpliced(axis, 1), "int32")];
    },
    impl([x], { axis }, [out]) {
      const values = allocate("int32", sizeOf(out!.shape));
      loops(x!.dtype)(max ? 1 : -1, values, x!.values, ...aroundAxis(x!.shape, axis));
      return [values];
    },
    jvp: ([x], _, params) => [[bind1(self, [x!], params)], [null]],
    transpose: "nonlinear",
    batch([x], [dim], _, { axis }) {
      const at = shifted(axis, dim!);
      return [[bind1(self, [x!], { axis: at })], [at < dim! ? dim! - 1 : dim!]];
    },
    passes: ordinary,
    lower(g, [x], { axis }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      const { dtype } = aval!;
      const find = (of: "ArgMax" | "ArgMin", y: Value, type: DType = dtype): Value =>
        g.lacks(of, type)
          ? firstPlace(g, of, y, aval!.shape, axis)
          : g.cast(g.node(of, [y], { axis, keepdims: 0 }), "int64", "int32");
      if (!isFloat(dtype)) return [find(op, ...toOrdered(g, x!, dtype))];
      // Kernels differ on NaN: look for numbers and for NaN separately.
      const isNumber = g.node("Equal", [x!, x!]);
      const lowest = g.scalar(max ? -Infinity : Infinity, dtype);
      const number = find(op, g.node("Where", [isNumber, x!, lowest]));
      const flags = g.cast(isNumber, "bool", "int32");
      const all = g.node("ReduceMin", [flags, g.int64([axis])], { keepdims: 0 });
      return [
        g.where(g.cast(all, "int32", "bool"), number, find("ArgMin", flags, "int32"), "int32"),
      ];
    },
    samples: () => [
      {
        name: "ties",
        inputs: [{ shape: [2, 4], dtype: "float32", values: [1, 3, 3, 0, -1, -2, -2, -1] }],
        params: { axis: 1 },
      },
      {
        name: "first axis, float64",
        inputs: [{ shape: [3, 2, 2], dtype: "float64" }],
        params: { axis: 0 },
      },
      {
        name: "NaN and infinities",
        inputs: [{
          shape: [4, 3],
          dtype: "float32",
          values: [
            ...[Infinity, NaN, NaN],
            ...[-Infinity, -Infinity, NaN],
            ...[NaN, -Infinity, Infinity],
            ...[-Infinity, Infinity, Infinity],
          ],
        }],
        params: { axis: 1 },
      },
      {
        name: "zero size",
        inputs: [{ shape: [0, 3], dtype: "float32" }],
        params: { axis: 1 },
      },
      {
        name: "int32",
        inputs: [{ shape: [4], dtype: "int32", values: [-3, 2147483647, -2147483648, 5] }],
        params: { axis: 0 },
      },
      {
        name: "uint32 above 2^31",
        inputs: [{ shape: [3], dtype: "uint32", values: [3, 4294967295, 0] }],
        params: { axis: 0 },
      },
      {
        name: "bool",
        inputs: [{ shape: [2, 3], dtype: "bool", values: [0, 1, 1, 1, 0, 0] }],
        params: { axis: 1 },
      },
    ],
  });
  return self;
}

/** Position of the first largest element along an axis. */
export const argmaxP: Primitive<AxisParams> = positionOf(true);
/** Position of the first smallest element along an axis. */
export const argminP: Primitive<AxisParams> = positionOf(false);

/**
 * Position (int32) of the first largest element of `x` along `axis`, which vanishes; of the first
 * NaN where there is one.
 *
 * @throws {ShapeError} where the axis has length 0.
 */
export function argmax(x: NDArray, axis: number): NDArray {
  return bind1(argmaxP, [x], { axis });
}

/**
 * Position (int32) of the first smallest element of `x` along `axis`, which vanishes; of the first
 * NaN where there is one.
 *
 * @throws {ShapeError} where the axis has length 0.
 */
export function argmin(x: NDArray, axis: number): NDArray {
  return bind1(argminP, [x], { axis });
}

// ---------------------------------------------------------------- cumsum

/** Parameters of a running sum. */
export interface CumsumParams extends AxisParams {
  /** Whether to sum from the end. */
  readonly reverse: boolean;
}

function loopCumsum(
  wrap: boolean,
  overflow: number,
  reverse: boolean,
  out: TypedArray,
  a: TypedArray,
  outer: number,
  n: number,
  inner: number,
): void {
  const step = reverse ? -inner : inner;
  const totals = new Float64Array(inner);
  for (let p = 0; p < outer; p++) {
    totals.fill(0);
    let i = (p * n + (reverse ? n - 1 : 0)) * inner;
    for (let k = 0; k < n; k++, i += step) {
      for (let q = 0; q < inner; q++) {
        let total = totals[q]! + a[i + q]!;
        if (Math.abs(total) >= overflow) total *= Infinity;
        out[i + q] = totals[q] = wrap ? total | 0 : total;
      }
    }
  }
}

const cumsumLoops = perDType(loopCumsum);

/** Longest run that a kernel may sum up in the array's own precision. */
const LONGEST_RUN = 4096;

/** Running sums in the graph: long float ones in two stages, so that rounding does not pile up. */
function lowerCumsum(
  g: Lowering,
  x: Value,
  { axis, reverse }: CumsumParams,
  { shape, dtype }: ShapedArray,
): Value {
  const [outer, n, inner] = aroundAxis(shape, axis);
  const direction = { reverse: reverse ? 1 : 0 };
  const along = (y: Value, at: number, exclusive: number): Value =>
    g.node("CumSum", [y, g.scalar(at, "int64")], { exclusive, ...direction });
  if (!isFloat(dtype) || n <= LONGEST_RUN) return along(x, axis, 0);
  const run = Math.ceil(Math.sqrt(n));
  const rows = Math.ceil(n / run);
  let value = g.reshape(x, [outer, n, inner]);
  if (rows * run > n) {
    const pads = g.int64([0, 0, 0, 0, rows * run - n, 0]);
    value = g.node("Pad", [value, pads, g.scalar(0, dtype)]);
  }
  const within = along(g.reshape(value, [outer, rows, run, inner]), 2, 0);
  const last = reverse ? 0 : run - 1;
  const totals = g.node("Slice", [within, g.int64([last]), g.int64([last + 1]), g.int64([2])]);
  value = g.node("Add", [within, along(totals, 1, 1)]);
  value = g.reshape(value, [outer, rows * run, inner]);
  if (rows * run > n) value = g.node("Slice", [value, g.int64([0]), g.int64([n]), g.int64([1])]);
  return g.reshape(value, shape);
}

/** Running sums along an axis. */
export const cumsumP: Primitive<CumsumParams> = definePrimitive<CumsumParams>({
  name: "cumsum",
  abstractEval([x], { axis }) {
    checkDType("cumsum", "x", x!, numeric);
    checkAxis("cumsum", x!, axis);
    return [x!];
  },
  impl([x], { axis, reverse }) {
    const { dtype } = x!;
    const values = allocate(dtype, x!.values.length);
    const around = aroundAxis(x!.shape, axis);
    const overflow = overflowOf(dtype);
    cumsumLoops(dtype)(isInteger(dtype), overflow, reverse, values, x!.values, ...around);
    return [values];
  },
  jvp: ([x], [t], { axis, reverse }) => [
    [cumsum(x!, axis, reverse)],
    [cumsum(t!, axis, reverse)],
  ],
  transpose: ([ct], _, { axis, reverse }) => [ct ? cumsum(ct, axis, !reverse) : null],
  batch: ([x], [dim], _, { axis, reverse }) => [
    [cumsum(x!, shifted(axis, dim!), reverse)],
    [dim!],
  ],
  passes: ordinary,
  lower(g, [x], params, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const { dtype } = aval!;
    return [viaInt32(g, [x!], dtype, ([y]) => lowerCumsum(g, y!, params, aval!))];
  },
  samples: () => [
    {
      name: "forward",
      inputs: [{ shape: [5], dtype: "float32" }],
      params: { axis: 0, reverse: false },
    },
    {
      name: "reverse, middle axis, float64",
      inputs: [{ shape: [2, 3, 2], dtype: "float64" }],
      params: { axis: 1, reverse: true },
    },
    {
      name: "long: in stages",
      inputs: [{ shape: [5003, 2], dtype: "float32", range: [0, 1] }],
      params: { axis: 0, reverse: false },
      skip: { jvp: "sums of thousands of elements leave finite differences no digits" },
    },
    {
      name: "long, reverse",
      inputs: [{ shape: [1, 4099], dtype: "float32", range: [0, 1] }],
      params: { axis: 1, reverse: true },
      skip: { jvp: "sums of thousands of elements leave finite differences no digits" },
    },
    {
      name: "zero size",
      inputs: [{ shape: [2, 0], dtype: "float32" }],
      params: { axis: 1, reverse: false },
    },
    {
      name: "overflow on the way",
      inputs: [{ shape: [4], dtype: "float32", values: [3e38, 3e38, -3e38, 1] }],
      params: { axis: 0, reverse: false },
      skip: { jvp: "it overflows" },
    },
    {
      name: "int32 wraps",
      inputs: [{ shape: [3], dtype: "int32", values: [2147483647, 1, -5] }],
      params: { axis: 0, reverse: false },
    },
    {
      name: "uint32 wraps",
      inputs: [{ shape: [3], dtype: "uint32", values: [4294967295, 3, 4000000000] }],
      params: { axis: 0, reverse: true },
    },
  ],
});

/** Sums of the elements of `x` up to each one along `axis`; from the end where `reverse`. */
export function cumsum(x: NDArray, axis: number, reverse = false): NDArray {
  return bind1(cumsumP, [x], { axis, reverse });
}
